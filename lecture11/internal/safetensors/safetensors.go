// Package safetensors reads and writes files of named tensors in the format of Hugging Face's safetensors:
//
//	length of the header (uint64, little endian) | header (JSON, padded with spaces to 8 bytes) | data
//
// The header maps the name of each tensor to its dtype, its shape and its position in the data, and "__metadata__" to a
// map of strings. Files that [Write] wrote carry a checksum of all their bytes in the metadata, which other readers
// ignore.
package safetensors

import (
	"fmt"
	"math"
	"slices"
)

// Tensor is a named tensor. Data holds its components row by row, little endian.
type Tensor struct {
	Name  string
	DType string // "F32", …: see [Size]
	Shape []int
	Data  []byte
}

// File is the contents of a file.
type File struct {
	Metadata map[string]string // without the checksum
	Tensors  []Tensor          // in the order of their data
	Checked  bool              // whether the file has a checksum that is right; set only by [Read]
}

// dtypeSizes holds the number of bytes of a component, by the name of its dtype.
var dtypeSizes = map[string]int{
	"BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
	"U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}

// Size returns the number of bytes of a tensor. It is an error if the dtype is unknown, a dimension is negative, or the
// product overflows an int.
func Size(dtype string, shape []int) (int, error) {
	size, ok := dtypeSizes[dtype]
	if !ok {
		return 0, fmt.Errorf("dtype %q, want one of BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64", dtype)
	}
	if i := slices.IndexFunc(shape, func(d int) bool { return d < 0 }); i >= 0 {
		return 0, fmt.Errorf("dimension %d is %d, want 0 or more", i, shape[i])
	}
	if slices.Contains(shape, 0) {
		return 0, nil
	}
	for _, d := range shape {
		if size > math.MaxInt/d {
			return 0, fmt.Errorf("shape %v of %s has too many components", shape, dtype)
		}
		size *= d
	}
	return size, nil
}

// maxHeader limits the size of the header, so that a damaged length does not claim all memory. The reference
// implementation has the same limit.
const maxHeader = 100_000_000

const (
	metadataName = "__metadata__"
	checksumName = "checksum"
	// checksumPrefix precedes the 64 hexadecimal digits of the checksum, which is the SHA-256 of the whole file with
	// these digits replaced by zeros.
	checksumPrefix = "sha256:"
)
