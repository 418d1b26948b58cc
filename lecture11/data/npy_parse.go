package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// npyArray is an array of a NumPy file: numbers or texts, in C order.
type npyArray struct {
	name    string // name of the file, for errors
	dtype   string // type of its elements in NumPy's notation: "<f4"
	fortran bool   // the file has them in Fortran order
	shape   []int
	values  []float64
	texts   []string
}

// npyMagic is the start of a .npy file.
const npyMagic = "\x93NUMPY"

// maxNPYHeader bounds the header of a .npy file. NumPy itself reads at most 10 000 bytes.
const maxNPYHeader = 1 << 16

// parseNPY parses the content of the named .npy file.
//
// The format is that of NumPy's NEP 1: the magic, the version (two bytes), the length of the header (little endian, 2
// bytes in version 1, else 4), the header, which is a Python dict, and the elements.
func parseNPY(name string, raw []byte) (*npyArray, error) {
	header, body, err := cutNPY(raw)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	a := &npyArray{name: name}
	if err := a.parseHeader(header); err != nil {
		return nil, fmt.Errorf("data: %s: header %.200q: %w", name, header, err)
	}
	kind, err := npyKindOf(a.dtype)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	count, want, err := npySize(a.shape, kind.size)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	if len(body) != want {
		return nil, fmt.Errorf("data: %s: %d bytes of elements, want %d for the shape %s of %s: the file is cut off or damaged", name, len(body), want,
			dims(a.shape), a.dtype)
	}
	if err := a.decode(body, count, kind); err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	return a, nil
}

// cutNPY splits a .npy file into the header and the elements.
func cutNPY(raw []byte) (header string, body []byte, err error) {
	if !bytes.HasPrefix(raw, []byte(npyMagic)) || len(raw) < len(npyMagic)+2 {
		return "", nil, fmt.Errorf("it does not start like a .npy file of NumPy")
	}
	version, rest := raw[len(npyMagic)], raw[len(npyMagic)+2:]
	if version < 1 || version > 3 {
		return "", nil, fmt.Errorf("format version %d, want 1, 2 or 3", version)
	}
	width := 2
	if version > 1 {
		width = 4
	}
	if len(rest) < width {
		return "", nil, fmt.Errorf("the file ends within its header")
	}
	var field [4]byte
	copy(field[:], rest[:width])
	length := uint64(binary.LittleEndian.Uint32(field[:]))
	rest = rest[width:]
	if length > maxNPYHeader {
		return "", nil, fmt.Errorf("a header of %d bytes, want at most %d", length, maxNPYHeader)
	}
	if length > uint64(len(rest)) {
		return "", nil, fmt.Errorf("the header has %d bytes, but only %d follow: the file is cut off", length, len(rest))
	}
	return string(rest[:length]), rest[length:], nil
}

// npySize returns the number of elements and of bytes of an array.
func npySize(shape []int, size int) (count, total int, err error) {
	product := uint64(1)
	for _, n := range shape {
		high, low := bits.Mul64(product, uint64(n))
		if high != 0 || low > 1<<40 {
			return 0, 0, fmt.Errorf("shape %s is larger than any file", dims(shape))
		}
		product = low
	}
	return int(product), int(product) * size, nil
}

// npyKind describes how elements are stored.
type npyKind struct {
	size  int
	order binary.ByteOrder
	read  func(order binary.ByteOrder, b []byte) float64 // reads a number; nil for texts
	text  func(order binary.ByteOrder, b []byte) string
}

// npyNumbers maps the types of elements, without the byte order, to how they are stored.
var npyNumbers = map[string]npyKind{
	"f2": {size: 2, read: func(o binary.ByteOrder, b []byte) float64 { return half(o.Uint16(b)) }},
	"f4": {size: 4, read: func(o binary.ByteOrder, b []byte) float64 { return float64(math.Float32frombits(o.Uint32(b))) }},
	"f8": {size: 8, read: func(o binary.ByteOrder, b []byte) float64 { return math.Float64frombits(o.Uint64(b)) }},
	"i1": {size: 1, read: func(_ binary.ByteOrder, b []byte) float64 { return float64(int8(b[0])) }},
	"i2": {size: 2, read: func(o binary.ByteOrder, b []byte) float64 { return float64(int16(o.Uint16(b))) }},
	"i4": {size: 4, read: func(o binary.ByteOrder, b []byte) float64 { return float64(int32(o.Uint32(b))) }},
	"i8": {size: 8, read: func(o binary.ByteOrder, b []byte) float64 { return float64(int64(o.Uint64(b))) }},
	"u1": {size: 1, read: func(_ binary.ByteOrder, b []byte) float64 { return float64(b[0]) }},
	"u2": {size: 2, read: func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint16(b)) }},
	"u4": {size: 4, read: func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint32(b)) }},
	"u8": {size: 8, read: func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint64(b)) }},
	"b1": {size: 1, read: func(_ binary.ByteOrder, b []byte) float64 { return float64(min(b[0], 1)) }},
}

// npyKindOf returns how elements of a type such as "<f4" are stored.
func npyKindOf(dtype string) (npyKind, error) {
	unknown := fmt.Errorf("elements of type %q, want f2, f4, f8, i1 to i8, u1 to u8 or b1: convert them in NumPy, for example with x.astype('f4')", dtype)
	if len(dtype) < 3 || !strings.ContainsRune("<>|", rune(dtype[0])) {
		return npyKind{}, unknown
	}
	var order binary.ByteOrder = binary.LittleEndian
	if dtype[0] == '>' {
		order = binary.BigEndian
	}
	if kind, known := npyNumbers[dtype[1:]]; known {
		kind.order = order
		return kind, nil
	}
	length, err := strconv.Atoi(dtype[2:])
	if err != nil || length < 1 || length > 1<<16 {
		return npyKind{}, unknown
	}
	switch dtype[1] {
	case 'U': // UTF-32 characters, padded with 0
		return npyKind{size: 4 * length, order: order, text: utf32}, nil
	case 'S': // bytes, padded with 0
		return npyKind{size: length, text: func(_ binary.ByteOrder, b []byte) string { return string(bytes.TrimRight(b, "\x00")) }}, nil
	}
	return npyKind{}, unknown
}

// utf32 decodes characters of 4 bytes each, up to the zeros at the end.
func utf32(order binary.ByteOrder, b []byte) string {
	var text []byte
	for ; len(b) >= 4; b = b[4:] {
		r := order.Uint32(b)
		if r > utf8.MaxRune {
			r = utf8.RuneError
		}
		text = utf8.AppendRune(text, rune(r))
	}
	return string(bytes.TrimRight(text, "\x00"))
}

// half decodes an IEEE 754 binary16 number: one bit of sign, 5 of exponent, 10 of fraction.
func half(h uint16) float64 {
	sign, exponent, fraction := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch {
	case exponent == 31 && fraction != 0:
		return math.NaN()
	case exponent == 31:
		return math.Inf(int(sign))
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// maxWhole is the number up to which a float64 represents all whole numbers exactly.
const maxWhole = 1 << 53

// decode reads the elements of body and stores them in C order.
func (a *npyArray) decode(body []byte, count int, kind npyKind) error {
	place := func(i int) int { return i }
	if a.fortran {
		place = fortranPlaces(a.shape)
	}
	if kind.text != nil {
		a.texts = make([]string, count)
		for i := range a.texts {
			a.texts[i] = kind.text(kind.order, body[place(i)*kind.size:][:kind.size])
		}
		return nil
	}
	whole := a.dtype[1] != 'f'
	a.values = make([]float64, count)
	for i := range a.values {
		v := kind.read(kind.order, body[place(i)*kind.size:][:kind.size])
		if whole && math.Abs(v) >= maxWhole {
			return fmt.Errorf("element %d is %.17g, want less than 2⁵³, up to which a float64 represents all whole numbers", i, v)
		}
		a.values[i] = v
	}
	return nil
}

// fortranPlaces returns a function from indices in C order to indices in Fortran order. The function must be called
// for 0, 1, 2, ….
func fortranPlaces(shape []int) func(i int) int {
	index, strides := make([]int, len(shape)), make([]int, len(shape))
	stride := 1
	for k, n := range shape {
		strides[k] = stride
		stride *= n
	}
	at := 0
	return func(i int) int {
		here := at
		for k := len(shape) - 1; k >= 0; k-- {
			index[k]++
			at += strides[k]
			if index[k] < shape[k] {
				break
			}
			at -= index[k] * strides[k]
			index[k] = 0
		}
		return here
	}
}
