package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// floats returns values as the bytes of F32 components.
func floats(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// sample returns the metadata and the tensors of a file: one tensor for each size of components, a scalar, an empty
// tensor and names that JSON escapes.
func sample() (map[string]string, []Tensor) {
	return map[string]string{"kind": "toy", "quote": "\"checksum\":\"sha256:\\u0000\" <ü>", "": "no name"}, []Tensor{
		{Name: "a/weights", DType: "F32", Shape: []int{2, 3}, Data: floats(1, -2, 3.5, 0, 1e-30, float32(math.Inf(1)))},
		{Name: "b", DType: "U8", Shape: []int{3}, Data: []byte{0, 127, 255}},
		{Name: "wide", DType: "F64", Shape: []int{1}, Data: binary.LittleEndian.AppendUint64(nil, math.Float64bits(1.0/3))},
		{Name: "scalar \"x\"", DType: "I16", Shape: []int{}, Data: []byte{1, 2}},
		{Name: "empty", DType: "F32", Shape: []int{0, 4}, Data: []byte{}},
	}
}

func written(t testing.TB) []byte {
	t.Helper()
	metadata, tensors := sample()
	var b bytes.Buffer
	if err := Write(&b, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWriteRead: a file reads back as it was written, checked, and each tensor starts at a multiple of the size of its
// components.
func TestWriteRead(t *testing.T) {
	metadata, tensors := sample()
	text := written(t)
	f, err := Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if !f.Checked || !maps.Equal(f.Metadata, metadata) {
		t.Errorf("checked %t, metadata %q, want %q", f.Checked, f.Metadata, metadata)
	}
	if len(f.Tensors) != len(tensors) {
		t.Fatalf("%d tensors, want %d", len(f.Tensors), len(tensors))
	}
	offset := 8 + int(binary.LittleEndian.Uint64(text))
	for _, got := range f.Tensors {
		want := tensors[slices.IndexFunc(tensors, func(w Tensor) bool { return w.Name == got.Name })]
		if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("tensor %+v, want %+v", got, want)
		}
		if offset%dtypeSizes[got.DType] != 0 {
			t.Errorf("tensor %q of %s lies at byte %d", got.Name, got.DType, offset)
		}
		offset += len(got.Data)
	}
	header, err := ReadHeader(bytes.NewReader(text))
	if err != nil || header.Metadata["kind"] != "toy" || len(header.Tensors) != len(tensors) || header.Tensors[0].Data != nil {
		t.Errorf("ReadHeader: %+v, %v", header, err)
	}
}

// TestEveryCutAndFlip: a file that is cut at any byte, has any bit flipped, or continues after its end is refused. A
// flip in the name of the checksum makes a file without a checksum, which is read with Checked false.
func TestEveryCutAndFlip(t *testing.T) {
	text := written(t)
	for cut := range text {
		if f, err := Read(bytes.NewReader(text[:cut])); err == nil {
			t.Fatalf("cut at byte %d of %d: read as %+v", cut, len(text), f)
		}
	}
	name := bytes.Index(text, []byte(checksumName))
	for i := range text {
		for bit := range 8 {
			flipped := slices.Clone(text)
			flipped[i] ^= 1 << bit
			f, err := Read(bytes.NewReader(flipped))
			inName := i >= name && i < name+len(checksumName)
			if err == nil && (f.Checked || !inName) {
				t.Fatalf("bit %d of byte %d (%q) flipped: read, checked %t", bit, i, text[i], f.Checked)
			}
		}
	}
	if _, err := Read(bytes.NewReader(append(slices.Clone(text), 0))); !errors.Is(err, ErrDamaged) {
		t.Errorf("one byte more: %v, want ErrDamaged", err)
	}
}

// TestReadPyPI reads a file of the reference implementation; see testdata/gen.
func TestReadPyPI(t *testing.T) {
	file, err := os.Open("testdata/pypi.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if f.Checked || f.Metadata["made by"] != "safetensors 0.8.0" || f.Metadata["пример"] != "«ü»" {
		t.Errorf("checked %t, metadata %q", f.Checked, f.Metadata)
	}
	want := map[string]Tensor{
		"encoder/weights": {DType: "F32", Shape: []int{2, 3}, Data: floats(-0.5, -0.25, 0, 0.25, 0.5, 0.75)},
		"encoder/biases":  {DType: "F32", Shape: []int{3}, Data: floats(1.5, -2.25, 1e-30)},
		"doubles": {DType: "F64", Shape: []int{2, 1}, Data: binary.LittleEndian.AppendUint64(
			binary.LittleEndian.AppendUint64(nil, math.Float64bits(1.0/3)), math.Float64bits(-1e300))},
		"counts": {DType: "I32", Shape: []int{1, 2, 2}, Data: []byte{1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 3, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f}},
		"pixels": {DType: "U8", Shape: []int{3}, Data: []byte{0, 127, 255}},
		"scalar": {DType: "I64", Shape: []int{}, Data: []byte{7, 0, 0, 0, 0, 0, 0, 0}},
		"empty":  {DType: "F32", Shape: []int{0, 4}},
	}
	if len(f.Tensors) != len(want) {
		t.Errorf("%d tensors, want %d", len(f.Tensors), len(want))
	}
	for _, got := range f.Tensors {
		w := want[got.Name]
		if got.DType != w.DType || !slices.Equal(got.Shape, w.Shape) || !bytes.Equal(got.Data, w.Data) {
			t.Errorf("%q: %s %v % x, want %s %v % x", got.Name, got.DType, got.Shape, got.Data, w.DType, w.Shape, w.Data)
		}
	}
}

// TestReadRefuses checks headers that the format forbids.
func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, header, want string }{
		{"overlap", `{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}`, "no overlap"},
		{"gap", `{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}`, "want 0"},
		{"out of range", `{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}`, "cut off in the data"},
		{"data of nobody", `{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, "follow"},
		{"negative", `{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}`, "dimension 0 is -4"},
		{"backwards", `{"a":{"dtype":"U8","shape":[4],"data_offsets":[8,4]}}`, "data_offsets 8 and 4"},
		{"another size", `{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}`, "want 16 bytes"},
		{"product too large", `{"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,8]}}`, "too many components"},
		{"memory", `{"a":{"dtype":"F64","shape":[1000000000000],"data_offsets":[0,8000000000000]}}`, "cut off in the data"},
		{"unknown dtype", `{"a":{"dtype":"F4","shape":[4],"data_offsets":[0,4]}}`, `dtype "F4"`},
		{"three offsets", `{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8,9]}}`, "two offsets"},
		{"no shape", `{"a":{"dtype":"U8","data_offsets":[0,1]}}`, "want a shape"},
		{"unknown member", `{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8],"x":1}}`, "unknown field"},
		{"twice", `{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}`, "member a"},
		{"no object", `[1]`, "want a JSON object"},
		{"more behind", `{} {}`, "follow the JSON object"},
		{"not JSON", `{"a":`, "header"},
		{"metadata no strings", `{"__metadata__":{"a":1}}`, "header"},
		{"checksum of another kind", `{"__metadata__":{"checksum":"crc32:00"},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}`, "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := append(binary.LittleEndian.AppendUint64(nil, uint64(len(c.header))), c.header...)
			_, err := Read(bytes.NewReader(append(text, 1, 2, 3, 4, 5, 6, 7, 8)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that contains %q", err, c.want)
			}
		})
	}
	huge := append(binary.LittleEndian.AppendUint64(nil, 1<<40), "{}"...)
	if _, err := Read(bytes.NewReader(huge)); err == nil || !strings.Contains(err.Error(), "not a safetensors file") {
		t.Errorf("header of a terabyte: %v", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	good := Tensor{Name: "a", DType: "U8", Shape: []int{1}, Data: []byte{1}}
	for _, c := range []struct {
		name     string
		metadata map[string]string
		tensors  []Tensor
		want     string
	}{
		{"twice", nil, []Tensor{good, good}, "two tensors"},
		{"name of the metadata", nil, []Tensor{{Name: "__metadata__", DType: "U8", Shape: []int{1}, Data: []byte{1}}}, "two tensors"},
		{"bytes", nil, []Tensor{{Name: "a", DType: "F32", Shape: []int{1}, Data: []byte{1}}}, "1 bytes, want 4"},
		{"dtype", nil, []Tensor{{Name: "a", DType: "C64", Shape: []int{1}, Data: []byte{1}}}, `dtype "C64"`},
		{"checksum", map[string]string{"checksum": "x"}, nil, "kept for the checksum"},
	} {
		if err := Write(&bytes.Buffer{}, c.metadata, c.tensors); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", c.name, err, c.want)
		}
	}
}

// FuzzRead: for any bytes, Read returns an error or tensors that fill the data without gaps and that Write can write
// again.
func FuzzRead(f *testing.F) {
	f.Add(written(f))
	if golden, err := os.ReadFile("testdata/pypi.safetensors"); err == nil {
		f.Add(golden)
	}
	f.Add(append(binary.LittleEndian.AppendUint64(nil, 2), "{}"...))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		rest := text[8+binary.LittleEndian.Uint64(text):]
		for _, tensor := range file.Tensors {
			if size, err := Size(tensor.DType, tensor.Shape); err != nil || size != len(tensor.Data) {
				t.Fatalf("tensor %q has %d bytes, want %d (%v)", tensor.Name, len(tensor.Data), size, err)
			}
			if !bytes.HasPrefix(rest, tensor.Data) {
				t.Fatalf("tensor %q does not follow the one before it", tensor.Name)
			}
			rest = rest[len(tensor.Data):]
		}
		if len(rest) > 0 {
			t.Fatalf("%d bytes of data belong to no tensor", len(rest))
		}
		delete(file.Metadata, checksumName)
		var again bytes.Buffer
		if err := Write(&again, file.Metadata, file.Tensors); err != nil {
			t.Fatal(err)
		}
		if second, err := Read(&again); err != nil || !second.Checked || len(second.Tensors) != len(file.Tensors) {
			t.Fatalf("written again: %v", err)
		}
	})
}
