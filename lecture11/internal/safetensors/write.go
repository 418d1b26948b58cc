package safetensors

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// entry describes a tensor in a header.
type entry struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []int  `json:"data_offsets"`
}

// noDigits replaces the digits of the checksum while it is computed.
var noDigits = strings.Repeat("0", 2*sha256.Size)

// Write writes the metadata and the tensors with a checksum. Tensors with large components come first, so that all are
// aligned; those with components of the same size are in the order of their names.
func Write(w io.Writer, metadata map[string]string, tensors []Tensor) error {
	tensors = slices.Clone(tensors)
	slices.SortFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(dtypeSizes[b.DType], dtypeSizes[a.DType]), cmp.Compare(a.Name, b.Name))
	})
	header, err := makeHeader(metadata, tensors)
	if err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	start := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	hash := sha256.New()
	hash.Write(start)
	for _, t := range tensors {
		hash.Write(t.Data)
	}
	digits := hex.EncodeToString(hash.Sum(nil))
	start = bytes.Replace(start, []byte(checksumPrefix+noDigits), []byte(checksumPrefix+digits), 1)
	if _, err := w.Write(start); err != nil {
		return err
	}
	for _, t := range tensors {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}

// makeHeader returns the header with zeros in place of the checksum. The checksum is the first value of the metadata,
// so that no other value can be mistaken for it.
func makeHeader(metadata map[string]string, tensors []Tensor) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`{"` + metadataName + `":{"` + checksumName + `":"` + checksumPrefix + noDigits + `"`)
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		if name == checksumName {
			return nil, fmt.Errorf("metadata %q is kept for the checksum", name)
		}
		b.WriteString("," + quote(name) + ":" + quote(metadata[name]))
	}
	b.WriteString("}")
	seen, offset := map[string]bool{metadataName: true}, 0
	for _, t := range tensors {
		size, err := Size(t.DType, t.Shape)
		switch {
		case err != nil:
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		case size != len(t.Data):
			return nil, fmt.Errorf("tensor %q has %d bytes, want %d for %s %v", t.Name, len(t.Data), size, t.DType, t.Shape)
		case seen[t.Name]:
			return nil, fmt.Errorf("two tensors are called %q, want different names", t.Name)
		}
		seen[t.Name] = true
		text, err := json.Marshal(entry{DType: t.DType, Shape: append([]int{}, t.Shape...), Offsets: []int{offset, offset + size}})
		if err != nil {
			return nil, err
		}
		b.WriteString("," + quote(t.Name) + ":" + string(text))
		offset += size
	}
	b.WriteString("}")
	b.WriteString(strings.Repeat(" ", (8-b.Len()%8)%8))
	if b.Len() > maxHeader {
		return nil, fmt.Errorf("header of %d bytes, want at most %d", b.Len(), maxHeader)
	}
	return b.Bytes(), nil
}

// quote returns s as a JSON string.
func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string never fails
	}
	return string(text)
}
