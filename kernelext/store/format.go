package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

const (
	magic         = "L11STORE"
	formatVersion = 1
	prefixSize    = 32
)

// castagnoli is the polynomial for which amd64 and arm64 have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Kinds of entries.
const (
	KindModel = "model" // written by Save
	KindValue = "value" // written by Put
)

// Meta is the part of an entry's header that describes the entry, beside its key and its payloads.
type Meta struct {
	Kind     string  `json:"kind"`             // KindModel (default) or KindValue
	Type     string  `json:"type,omitempty"`   // Go type, for people
	Codec    string  `json:"codec,omitempty"`  // of a value: how its payload is written
	Schema   string  `json:"schema,omitempty"` // of a value: its type with all fields, to detect a change of the type
	Note     string  `json:"note,omitempty"`   // in words: "5 epochs"
	XLA      string  `json:"xla,omitempty"`    // in words: options of XLA in its programs, where they are not XLA's own
	Step     int     `json:"step"`             // optimiser steps taken
	Steps    int     `json:"steps"`            // optimiser steps of a finished training
	Seconds  float64 `json:"seconds"`          // time trained so far, over all processes
	Complete bool    `json:"complete"`         // the training is finished
}

// PayloadInfo describes one payload of an entry.
type PayloadInfo struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"` // from the start of the file, in bytes
	Size   int64  `json:"size"`   // in bytes
	CRC    uint32 `json:"crc32c"`
}

type header struct {
	Meta
	Key      json.RawMessage `json:"key"`
	Created  time.Time       `json:"created"`
	Payloads []PayloadInfo   `json:"payloads"`
}

// prefix is the first part of a file, of fixed size.
func prefix(headerOffset int64, headerText []byte) []byte {
	p := make([]byte, prefixSize)
	copy(p, magic)
	binary.LittleEndian.PutUint32(p[8:], formatVersion)
	binary.LittleEndian.PutUint64(p[12:], uint64(headerOffset))
	binary.LittleEndian.PutUint32(p[20:], uint32(len(headerText)))
	binary.LittleEndian.PutUint32(p[24:], crc32.Checksum(headerText, castagnoli))
	binary.LittleEndian.PutUint32(p[28:], crc32.Checksum(p[:28], castagnoli))
	return p
}

// flaw describes what is wrong with the bytes of a file. Other errors are failures to read them.
type flaw string

func (f flaw) Error() string { return string(f) }

// readHeader reads and checks everything in a file of size bytes except its payloads.
func readHeader(r io.ReaderAt, size int64) (header, error) {
	p := make([]byte, prefixSize)
	if size < prefixSize {
		return header{}, flaw(fmt.Sprintf("cut off after %d bytes", size))
	}
	if _, err := r.ReadAt(p, 0); err != nil {
		return header{}, err
	}
	offset, err := checkPrefix(p, size)
	if err != nil {
		return header{}, err
	}
	text := make([]byte, size-offset)
	if _, err := r.ReadAt(text, offset); err != nil && !errors.Is(err, io.EOF) {
		return header{}, err
	}
	if crc32.Checksum(text, castagnoli) != binary.LittleEndian.Uint32(p[24:]) {
		return header{}, flaw("the header's checksum differs")
	}
	return parseHeader(text, offset)
}

// checkPrefix checks the prefix and returns the offset of the header.
func checkPrefix(p []byte, size int64) (int64, error) {
	switch {
	case string(p[:8]) != magic:
		return 0, flaw(fmt.Sprintf("starts with %q, want %q", p[:8], magic))
	case crc32.Checksum(p[:28], castagnoli) != binary.LittleEndian.Uint32(p[28:]):
		return 0, flaw("the checksum of the first 28 bytes differs")
	}
	if v := binary.LittleEndian.Uint32(p[8:]); v != formatVersion {
		return 0, fmt.Errorf("format version %d, this program knows %d: update it, or remove the entry", v, formatVersion)
	}
	offset, length := int64(binary.LittleEndian.Uint64(p[12:])), int64(binary.LittleEndian.Uint32(p[20:]))
	if offset < prefixSize || offset > size || size-offset != length {
		return 0, flaw(fmt.Sprintf("%d bytes long, want %d", size, offset+length))
	}
	return offset, nil
}

func parseHeader(text []byte, end int64) (header, error) {
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return header{}, flaw("header: " + err.Error())
	}
	next := int64(prefixSize)
	for _, p := range h.Payloads {
		if p.Offset != next || p.Size < 0 || p.Size > end-next {
			return header{}, flaw("payload " + p.Name + " is not where the header says")
		}
		next += p.Size
	}
	if next != end {
		return header{}, flaw("the payloads do not fill the file")
	}
	return h, nil
}

// sameJSON compares two keys written as JSON. encoding/json may have escaped more characters in one of them.
func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	json.HTMLEscape(&x, a)
	json.HTMLEscape(&y, b)
	return bytes.Equal(x.Bytes(), y.Bytes())
}

// checksumming counts the bytes written through it and their checksum.
type checksumming struct {
	w    io.Writer
	size int64
	crc  uint32
}

func (c *checksumming) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.size += int64(n)
	c.crc = crc32.Update(c.crc, castagnoli, p[:n])
	return n, err
}
