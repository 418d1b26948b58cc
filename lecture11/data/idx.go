package data

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
)

// FromIDX reads images from a file in the format of MNIST, plain or gzipped: bytes of shape [l, height, width], or [l,
// height, width, channels] with 1 or 3 channels. labels is the path of the file with their labels, bytes of shape [l].
// If it is "", FromIDX looks for the file that MNIST's names imply: "t10k-labels-idx1-ubyte" beside
// "t10k-images-idx3-ubyte", each with or without ".gz". Without such a file the set has no labels; [Images.Source]
// names the file that was read.
//
// FromIDX returns an error for files of another type or shape, or with another length than their header implies.
func FromIDX(images, labels string) (*Images, error) {
	raw, err := readFile(images)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(images)
	shape, pixels, err := parseIDX(name, raw)
	if err != nil {
		return nil, err
	}
	s, err := idxImages(name, shape, pixels)
	if err != nil {
		return nil, err
	}
	if labels == "" {
		labels = labelsBeside(images)
	}
	if labels != "" {
		if err := s.readIDXLabels(labels); err != nil {
			return nil, err
		}
	}
	s.identify(name)
	return s, nil
}

// idxImages returns the images of an array of bytes.
func idxImages(name string, shape []int, pixels []byte) (*Images, error) {
	channels := 1
	if len(shape) == 4 {
		channels = shape[3]
	}
	if len(shape) < 3 || len(shape) > 4 || channels != 1 && channels != 3 {
		return nil, fmt.Errorf("data: %s has the shape %s, want images [l, height, width], or [l, height, width, channels] with 1 or 3 channels",
			name, dims(shape))
	}
	if len(pixels) == 0 {
		return nil, fmt.Errorf("data: %s has the shape %s, want at least one image of at least one pixel", name, dims(shape))
	}
	return &Images{Width: shape[2], Height: shape[1], Channels: channels, Pixels: pixels,
		Source: fmt.Sprintf("IDX file of bytes with shape %s", dims(shape))}, nil
}

// readIDXLabels labels the images from a file.
func (s *Images) readIDXLabels(path string) error {
	raw, err := readFile(path)
	if err != nil {
		return err
	}
	name := filepath.Base(path)
	shape, labels, err := parseIDX(name, raw)
	if err != nil {
		return err
	}
	if len(shape) != 1 || shape[0] != s.Len() {
		return fmt.Errorf("data: %s: labels of shape %s, want [%d], one for each image", name, dims(shape), s.Len())
	}
	s.Labels, s.Classes, err = numberLabels(floats(labels), func(i int) string { return fmt.Sprintf("%s: image %d", name, i) })
	s.Source += ", labels from " + name
	return err
}

// labelsBeside returns the path of the labels that belong to a file of images by MNIST's names, or "" if there is no
// such file.
func labelsBeside(images string) string {
	folder, name := filepath.Split(images)
	other := strings.NewReplacer("images", "labels", "idx3", "idx1", "idx4", "idx1").Replace(name)
	if other == name {
		return ""
	}
	plain := strings.TrimSuffix(other, ".gz")
	for _, candidate := range []string{other, plain, plain + ".gz"} {
		path := filepath.Join(folder, candidate)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// idxTypes names the types of the elements of IDX files.
var idxTypes = map[byte]string{0x08: "unsigned bytes", 0x09: "signed bytes", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}

// parseIDX parses an IDX file of bytes: two bytes of 0, the type, the number of dimensions, the dimensions (uint32,
// big endian), and the elements.
func parseIDX(name string, raw []byte) (shape []int, elements []byte, err error) {
	if len(raw) < 4 || raw[0] != 0 || raw[1] != 0 || idxTypes[raw[2]] == "" {
		return nil, nil, fmt.Errorf("data: %s does not start like an IDX file", name)
	}
	if raw[2] != 0x08 {
		return nil, nil, fmt.Errorf("data: %s holds %s, want unsigned bytes", name, idxTypes[raw[2]])
	}
	axes, rest := int(raw[3]), raw[4:]
	if len(rest) < 4*axes {
		return nil, nil, fmt.Errorf("data: %s ends within its header", name)
	}
	want := uint64(1)
	for k := range axes {
		n := binary.BigEndian.Uint32(rest[4*k:])
		high, low := bits.Mul64(want, uint64(n))
		if high != 0 {
			return nil, nil, fmt.Errorf("data: %s has %d dimensions with a product larger than any file", name, axes)
		}
		shape, want = append(shape, int(n)), low
	}
	elements = rest[4*axes:]
	if uint64(len(elements)) != want {
		return nil, nil, fmt.Errorf("data: %s: %d bytes of elements, want %d for the shape %s: the file is cut off or damaged", name, len(elements),
			want, dims(shape))
	}
	return shape, elements, nil
}
