package safetensors

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrDamaged is wrapped by the error for a file whose bytes are not those that were written.
var ErrDamaged = errors.New("the file is damaged")

// Read reads a whole file. Nothing may follow its data. A file with a checksum is refused unless the checksum is right.
// A file without one, as other programs write it, is read with Checked false.
func Read(r io.Reader) (*File, error) {
	f, err := read(r)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	return f, nil
}

// ReadHeader reads a file except for the data of its tensors, which is nil. The checksum is not checked.
func ReadHeader(r io.Reader) (*File, error) {
	_, header, err := readHeader(r)
	if err == nil {
		var f *File
		if f, _, err = parse(header); err == nil {
			return f, nil
		}
	}
	return nil, fmt.Errorf("safetensors: %w", err)
}

func read(r io.Reader) (*File, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	start, header, err := readHeader(in)
	if err != nil {
		return nil, err
	}
	f, size, err := parse(header)
	if err != nil {
		return nil, err
	}
	data, err := readData(in, size)
	if err != nil {
		return nil, err
	}
	digits, ok := f.Metadata[checksumName]
	if ok {
		if err := check(digits, start, header, data); err != nil {
			return nil, err
		}
		delete(f.Metadata, checksumName)
		f.Checked = true
	}
	offset := 0
	for i, t := range f.Tensors {
		size, _ := Size(t.DType, t.Shape) // parse has checked it
		f.Tensors[i].Data = data[offset : offset+size : offset+size]
		offset += size
	}
	return f, nil
}

// readHeader reads the first 8 bytes and the header.
func readHeader(r io.Reader) (start, header []byte, err error) {
	start = make([]byte, 8)
	if _, err := io.ReadFull(r, start); err != nil {
		return nil, nil, fmt.Errorf("cut off in the header: %w", err)
	}
	size := binary.LittleEndian.Uint64(start)
	if size > maxHeader || size < 2 {
		return nil, nil, fmt.Errorf("a header of %d bytes, want 2 to %d: this is not a safetensors file", size, maxHeader)
	}
	header, err = readExactly(r, int(size))
	if err != nil {
		return nil, nil, fmt.Errorf("cut off in the header: %w", err)
	}
	return start, header, nil
}

// readExactly reads size bytes. Its memory grows with the bytes that are read, not with the length that a damaged
// header promises.
func readExactly(r io.Reader, size int) ([]byte, error) {
	const atOnce = 1 << 20
	if size <= atOnce {
		b := make([]byte, size)
		_, err := io.ReadFull(r, b)
		return b, err
	}
	var b bytes.Buffer
	n, err := io.CopyN(&b, r, int64(size))
	if err == io.EOF {
		err = fmt.Errorf("%d of %d bytes: %w", n, size, io.ErrUnexpectedEOF)
	}
	return b.Bytes(), err
}

// readData reads the data, which is size bytes long. The file must end after it.
func readData(in *bufio.Reader, size int) ([]byte, error) {
	data, err := readExactly(in, size)
	if err != nil {
		return nil, fmt.Errorf("cut off in the data: %w", err)
	}
	switch _, err := in.ReadByte(); {
	case err == nil:
		return nil, fmt.Errorf("%w: bytes follow its %d bytes of data", ErrDamaged, size)
	case err != io.EOF:
		return nil, err
	}
	return data, nil
}

// check compares the checksum of a file with the one in its header.
func check(checksum string, start, header, data []byte) error {
	digits, ok := strings.CutPrefix(checksum, checksumPrefix)
	if !ok || len(digits) != len(noDigits) {
		return fmt.Errorf("%w: its checksum is %q, want %s and %d digits", ErrDamaged, checksum, checksumPrefix, len(noDigits))
	}
	blank := bytes.Replace(header, []byte(checksum), []byte(checksumPrefix+noDigits), 1)
	hash := sha256.New()
	hash.Write(start)
	hash.Write(blank)
	hash.Write(data)
	if hex.EncodeToString(hash.Sum(nil)) != digits {
		return fmt.Errorf("%w: its checksum does not match its bytes", ErrDamaged)
	}
	return nil
}

// parse reads a header. It returns the file without its data, and the number of bytes of the data. It is an error if
// the tensors do not fill the data without gaps.
func parse(header []byte) (*File, int, error) {
	f := &File{Metadata: map[string]string{}}
	var places []place
	err := eachMember(header, func(name string, value json.RawMessage) error {
		if name == metadataName {
			return strictly(value, &f.Metadata)
		}
		p, err := parseEntry(name, value)
		places = append(places, p)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("header: %w", err)
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	offset := 0
	for _, p := range places {
		if p.from != offset {
			return nil, 0, fmt.Errorf("header: tensor %q starts at byte %d of the data, want %d: no gap and no overlap", p.Name, p.from, offset)
		}
		f.Tensors, offset = append(f.Tensors, p.Tensor), p.to
	}
	return f, offset, nil
}

// place is a tensor with the position of its data.
type place struct {
	Tensor
	from, to int
}

// parseEntry reads the entry of a tensor in a header.
func parseEntry(name string, value json.RawMessage) (place, error) {
	var e entry
	if err := strictly(value, &e); err != nil {
		return place{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	size, err := Size(e.DType, e.Shape)
	if err != nil {
		return place{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	if e.Shape == nil || len(e.Offsets) != 2 {
		return place{}, fmt.Errorf("tensor %q has the shape %v and the data_offsets %v, want a shape and two offsets", name, e.Shape, e.Offsets)
	}
	from, to := e.Offsets[0], e.Offsets[1]
	if from < 0 || to < from || to-from != size {
		return place{}, fmt.Errorf("tensor %q: data_offsets %d and %d, want %d bytes for %s %v", name, from, to, size, e.DType, e.Shape)
	}
	return place{Tensor{Name: name, DType: e.DType, Shape: e.Shape}, from, to}, nil
}

// strictly decodes a JSON value. It is an error if the value has members that to does not have.
func strictly(value json.RawMessage, to any) error {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	return decoder.Decode(to)
}

// eachMember calls fn for each member of the JSON object text. Two members of the same name are an error, as is
// anything but spaces after the object.
func eachMember(text []byte, fn func(name string, value json.RawMessage) error) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return fmt.Errorf("%v (%v), want a JSON object", token, err)
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		name, ok := token.(string)
		if !ok || seen[name] {
			return fmt.Errorf("member %v, want a name that is not used yet", token)
		}
		seen[name] = true
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		if err := fn(name, value); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return err
	}
	if rest := bytes.TrimLeft(text[decoder.InputOffset():], " "); len(rest) > 0 {
		return fmt.Errorf("%d bytes follow the JSON object", len(rest))
	}
	return nil
}
