package data

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestFromIDX reads the files of the example, with labels found by their name, with given labels, and without labels.
func TestFromIDX(t *testing.T) {
	s, err := FromIDX("testdata/shapes-images-idx3-ubyte.gz", "")
	if err != nil {
		t.Fatal(err)
	}
	named, err := FromIDX("testdata/shapes-images-idx3-ubyte.gz", "testdata/shapes-labels-idx1-ubyte")
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 9 || s.Width != 8 || s.Height != 6 || s.Channels != 1 || !slices.Equal(s.Labels, []int{0, 0, 0, 1, 1, 1, 2, 2, 2}) || s.ID != named.ID {
		t.Errorf("%s, labels %v", s, s.Labels)
	}
	// The same images written by NumPy.
	p, err := FromNPY("testdata/shapes.npz", NPYOptions{Labels: "y"})
	if err != nil {
		t.Fatal(err)
	}
	same, err := p.Images(8, 6, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(same.Pixels, s.Pixels) || !slices.Equal(same.Labels, s.Labels) {
		t.Error("the .npz file has other images or labels than the IDX files")
	}
	raw, err := os.ReadFile("testdata/shapes-images-idx3-ubyte.gz")
	if err != nil {
		t.Fatal(err)
	}
	alone, err := FromIDX(written(t, "shapes-images-idx3-ubyte.gz", raw), "")
	if err != nil {
		t.Fatal(err)
	}
	if alone.Labels != nil || alone.Len() != 9 || alone.ID == s.ID || !bytes.Equal(alone.Pixels, s.Pixels) {
		t.Errorf("without a file of labels: %s", alone)
	}
}

// TestIDXOfMNIST: MNIST's own files, as published, are read like MNIST reads them.
func TestIDXOfMNIST(t *testing.T) {
	folder, err := mnistDir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(EnvMNIST, folder)
	_, test, err := MNIST(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := FromIDX(filepath.Join(folder, "t10k-images-idx3-ubyte.gz"), "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Pixels, test.Pixels) || !slices.Equal(s.Labels, test.Labels) || s.Width != 28 || s.Height != 28 || len(s.Classes) != 10 {
		t.Errorf("%s, want MNIST's test set", s)
	}
}

// idx returns an IDX file of bytes with the given shape.
func idx(shape []uint8, elements ...uint8) []byte {
	raw := []byte{0, 0, 8, uint8(len(shape))}
	for _, n := range shape {
		raw = append(raw, 0, 0, 0, n)
	}
	return append(raw, elements...)
}

// TestIDXColour: a fourth axis holds the channels.
func TestIDXColour(t *testing.T) {
	s, err := FromIDX(written(t, "x-images-idx4-ubyte", idx([]uint8{2, 1, 2, 3}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)), "")
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 2 || s.Width != 2 || s.Height != 1 || s.Channels != 3 || s.Pixels[11] != 12 {
		t.Errorf("%s", s)
	}
}

// TestIDXRefuses tries files of other types and shapes, and headers that do not match the rest of the file.
func TestIDXRefuses(t *testing.T) {
	for want, content := range map[string][]byte{
		"x does not start like an IDX file":                              []byte("something"),
		"x holds float32, want unsigned bytes":                           {0, 0, 0x0D, 1, 0, 0, 0, 1, 0, 0, 0, 0},
		"x ends within its header":                                       {0, 0, 8, 3, 0, 0, 0, 1, 0, 0},
		"x: 3 bytes of elements, want 4 for the shape [2, 1, 2]":         idx([]uint8{2, 1, 2}, 1, 2, 3),
		"x: 5 bytes of elements, want 4":                                 idx([]uint8{2, 1, 2}, 1, 2, 3, 4, 5),
		"x: 0 bytes of elements, want 1152921504338411520":               {0, 0, 8, 2, 255, 255, 255, 255, 16, 0, 0, 0},
		"x has 3 dimensions with a product larger than any file":         bytes.Join([][]byte{{0, 0, 8, 3}, bytes.Repeat([]byte{255}, 12)}, nil),
		"x has the shape [4], want images":                               idx([]uint8{4}, 1, 2, 3, 4),
		"x has the shape [1, 1, 1, 2], want images":                      idx([]uint8{1, 1, 1, 2}, 1, 2),
		"x has the shape [0, 5, 5], want at least one image of at least": idx([]uint8{0, 5, 5}),
	} {
		_, err := FromIDX(written(t, "x", content), "")
		wantError(t, err, "data: "+want)
	}
	_, err := FromIDX(written(t, "x", nil), "")
	wantError(t, err, "data: x does not start like an IDX file")
	images := written(t, "x", idx([]uint8{2, 1, 1}, 1, 2))
	_, err = FromIDX(images, written(t, "y", idx([]uint8{3}, 1, 2, 3)))
	wantError(t, err, "data: y: labels of shape [3], want [2], one for each image")
	_, err = FromIDX(images, filepath.Join(t.TempDir(), "none"))
	wantError(t, err, "none: no such file")
}

// FuzzIDX: no content makes the parser panic, and an array that it accepts matches the file.
func FuzzIDX(f *testing.F) {
	f.Add(idx([]uint8{2, 1, 2}, 1, 2, 3, 4))
	f.Add(idx([]uint8{2}, 1, 2))
	f.Add(bytes.Join([][]byte{{0, 0, 8, 3}, bytes.Repeat([]byte{255}, 12)}, nil))
	f.Fuzz(func(t *testing.T, content []byte) {
		shape, elements, err := parseIDX("x", content)
		if err != nil {
			return
		}
		if len(elements) > len(content) {
			t.Errorf("%d elements of %d bytes", len(elements), len(content))
		}
		if s, err := idxImages("x", shape, elements); err == nil {
			if s.Len() != shape[0] {
				t.Errorf("%d images of shape %v", s.Len(), shape)
			}
			_ = s.String()
		}
	})
}
