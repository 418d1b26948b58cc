package data

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// npyFiles is the content of testdata/npy.json: files that NumPy wrote, and the values that NumPy reads from them.
type npyFiles struct {
	Arrays []struct {
		NPY     []byte
		Type    string
		Shape   []int
		Fortran bool
		Values  []*float64 // in C order, nil for NaN
	}
	Labels []struct {
		NPY    []byte
		Labels []int
		Class  string // the last class
	}
	Refused map[string][]byte
}

func readNPYFiles(t testing.TB) (files npyFiles) {
	t.Helper()
	raw, err := os.ReadFile("testdata/npy.json")
	if err == nil {
		err = json.Unmarshal(raw, &files)
	}
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// written writes content to a new file and returns its path.
func written(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantError fails unless the error has one line that contains want.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want one line with %q", err, want)
	}
}

// TestFromNPY: arrays of all types, byte orders, versions and axis orders have the values that NumPy reads, bit by
// bit.
func TestFromNPY(t *testing.T) {
	seen := map[string]bool{}
	for i, c := range readNPYFiles(t).Arrays {
		seen[c.Type] = true
		p, err := FromNPY(written(t, "x.npy", c.NPY), NPYOptions{})
		if err != nil {
			t.Errorf("array %d of type %s: %v", i, c.Type, err)
			continue
		}
		if n := len(c.Values) / c.Shape[0]; p.Len() != c.Shape[0] || p.Dim() != n {
			t.Errorf("array %d of shape %v: %d objects of %d features, want %d of %d", i, c.Shape, p.Len(), p.Dim(), c.Shape[0], n)
		}
		for k, want := range c.Values {
			got := p.Values[k]
			if want == nil && !math.IsNaN(got) || want != nil && math.Float64bits(got) != math.Float64bits(*want) {
				t.Errorf("array %d of type %s: element %d is %g, want that of NumPy", i, c.Type, k, got)
			}
		}
		source := fmt.Sprintf("NumPy array of %s with shape %s", c.Type, strings.ReplaceAll(fmt.Sprint(c.Shape), " ", ", "))
		if c.Fortran {
			source += " in Fortran order"
		}
		if p.Source != source {
			t.Errorf("array %d is described as %q, want %q", i, p.Source, source)
		}
	}
	if len(seen) != 21 { // of 12 types, of which i1, u1 and b1 have one order
		t.Errorf("%d types and orders, want 21", len(seen))
	}
}

// TestNPYLabels: whole numbers are used as labels, and texts become labels in sorted order.
func TestNPYLabels(t *testing.T) {
	files := readNPYFiles(t)
	x := slices.IndexFunc(files.Arrays, func(c struct {
		NPY     []byte
		Type    string
		Shape   []int
		Fortran bool
		Values  []*float64
	}) bool {
		return c.Shape[0] == 3
	})
	for i, c := range files.Labels {
		p, err := FromNPY(written(t, "x.npy", files.Arrays[x].NPY), NPYOptions{Labels: written(t, "y.npy", c.NPY)})
		if err != nil {
			t.Errorf("labels %d: %v", i, err)
			continue
		}
		if got := p.Class(); !slices.Equal(got, c.Labels) || !slices.Contains(p.Classes, c.Class) || !strings.HasSuffix(p.Source, ", labels from y.npy") {
			t.Errorf("labels %d are %v of classes %v, want %v; read as %q", i, got, p.Classes, c.Labels, p.Source)
		}
	}
	_, err := FromNPY(written(t, "x.npy", files.Arrays[x].NPY), NPYOptions{Labels: written(t, "y.npy", files.Arrays[x].NPY)})
	wantError(t, err, "data: y.npy: labels of shape [3, 4], want [3], one for each object")
	_, err = FromNPY(written(t, "x.npy", files.Arrays[x].NPY), NPYOptions{Labels: "nowhere/y.npy"})
	wantError(t, err, "nowhere/y.npy: no such file")
}

// TestNPYRefuses tries arrays that are not numbers, and files that do not match their header.
func TestNPYRefuses(t *testing.T) {
	files := readNPYFiles(t)
	for want, content := range files.Refused {
		_, err := FromNPY(written(t, "x.npy", content), NPYOptions{})
		wantError(t, err, "data: x.npy")
		wantError(t, err, want)
	}
	good := files.Arrays[0].NPY
	for cut := range len(good) {
		if _, err := parseNPY("x.npy", good[:cut]); err == nil {
			t.Errorf("the first %d of %d bytes returned no error", cut, len(good))
		}
	}
	header := func(text string) []byte {
		return slices.Concat([]byte(npyMagic), []byte{1, 0, byte(len(text)), 0}, []byte(text), make([]byte, 8))
	}
	for want, content := range map[string][]byte{
		"8 bytes of elements, want 16 for the shape [2] of <f8":   header("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}"),
		"8 bytes of elements, want 4 for":                         header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"),
		"is larger than any file":                                 header("{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 4000000000)}"),
		"whole numbers of at least 0":                             header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"),
		"want commas between numbers":                             header("{'descr': '<f8', 'fortran_order': False, 'shape': (1 2)}"),
		"shape, want a tuple":                                     header("{'descr': '<f8', 'fortran_order': False, 'shape': 1}"),
		"want True or False":                                      header("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}"),
		"want a dict of descr":                                    header("{'descr': '<f8', 'shape': (1,)}"),
		`unknown key "x"`:                                         header("{'x': '<f8', 'shape': (1,)}"),
		`key "shape" is repeated`:                                 header("{'shape': (1,), 'shape': (1,)}"),
		`elements of type "<f3"`:                                  header("{'descr': '<f3', 'fortran_order': False, 'shape': (1,)}"),
		`elements of type "|O"`:                                   header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
		`elements of type "<U99999999"`:                           header("{'descr': '<U99999999', 'fortran_order': False, 'shape': (1,)}"),
		"format version 4":                                        []byte(npyMagic + "\x04\x00\x00\x00\x00\x00"),
		"a header of 4294967295 bytes, want at most":              []byte(npyMagic + "\x02\x00\xff\xff\xff\xff{}"),
		"it does not start like a .npy file":                      []byte("something else"),
		"the header has 200 bytes, but only 2 follow":             []byte(npyMagic + "\x01\x00\xc8\x00{}"),
		"want a dict of descr, fortran_order and shape":           header("{}"),
		"want a comma or the end of the dict":                     header("{'shape': (1,) 'descr': '<f8'}"),
		"header \"[]\": want a dict":                              header("[]"),
		"header \"{'descr\": want a text in quotes":               header("{'descr"),
		"header \"{'shape': (1\": shape, want commas":             header("{'shape': (1"),
		"header \"{'shape': (99999999999999999999,)}\": shape, w": header("{'shape': (99999999999999999999,)}"),
	} {
		_, err := parseNPY("x.npy", content)
		wantError(t, err, want)
	}
	_, err := FromNPY(written(t, "x.npy", good), NPYOptions{Array: "x"})
	wantError(t, err, `NPYOptions.Array = "x" for x.npy`)
}

// TestNPZ: the arrays of a .npz file are found by name. The name of the objects is optional if only one array is left.
func TestNPZ(t *testing.T) {
	p, err := FromNPY("testdata/shapes.npz", NPYOptions{Labels: "y"})
	if err != nil {
		t.Fatal(err)
	}
	named, err := FromNPY("testdata/shapes.npz", NPYOptions{Array: "x", Labels: "y"})
	if err != nil {
		t.Fatal(err)
	}
	if p.ID != named.ID || !slices.Equal(p.Values, named.Values) || p.Len() != 9 || p.Dim() != 48 {
		t.Errorf("%s, by name %s, want 9 objects of 48 features twice", p, named)
	}
	if !slices.Equal(p.Classes, []string{"cross", "frame", "spot"}) || !slices.Equal(p.Labels, []int{0, 0, 0, 1, 1, 1, 2, 2, 2}) {
		t.Errorf("classes %v, labels %v", p.Classes, p.Labels)
	}
	if _, err := FromNPY("testdata/shapes.npz", NPYOptions{}); err == nil || !strings.Contains(err.Error(), `shapes.npz has the arrays ["x" "y"]`) {
		t.Errorf("error %v, want the names of both arrays", err)
	}
	_, err = FromNPY("testdata/shapes.npz", NPYOptions{Array: "z"})
	wantError(t, err, `NPYOptions.Array = "z", want one of the arrays ["x" "y"] of shapes.npz`)
	_, err = FromNPY("testdata/shapes.npz", NPYOptions{Array: "y"})
	wantError(t, err, "data: shapes.npz:y has texts, want numbers")
	_, err = FromNPY("testdata/shapes.npz", NPYOptions{Array: "x", Labels: "x"})
	wantError(t, err, "shapes.npz:x: labels of shape [9, 6, 8], want [9]")
	raw, err := os.ReadFile("testdata/shapes.npz")
	if err != nil {
		t.Fatal(err)
	}
	_, err = FromNPY(written(t, "cut.npz", raw[:len(raw)-30]), NPYOptions{})
	wantError(t, err, "data: cut.npz: zip")
	raw[60] ^= 0xFF // within the compressed array
	_, err = FromNPY(written(t, "bad.npz", raw), NPYOptions{Array: "x"})
	wantError(t, err, "data: bad.npz:x: ")
}

// FuzzNPY: no content makes the parser panic, and an array that it accepts matches the file.
func FuzzNPY(f *testing.F) {
	files := readNPYFiles(f)
	for _, c := range files.Arrays {
		f.Add(c.NPY)
	}
	for _, c := range files.Labels {
		f.Add(c.NPY)
	}
	for _, content := range files.Refused {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		a, err := parseNPY("x.npy", content)
		if err != nil {
			return
		}
		if len(a.values) > len(content) || len(a.texts) > len(content) {
			t.Errorf("%d numbers and %d texts of %d bytes", len(a.values), len(a.texts), len(content))
		}
		if p, err := a.points(); err == nil {
			if p.Len()*p.Dim() != len(p.Values) || p.Len() != a.shape[0] {
				t.Errorf("%d objects of %d features from shape %v", p.Len(), p.Dim(), a.shape)
			}
			_ = p.String()
		}
		if len(a.shape) > 0 && a.shape[0] > 0 {
			_, _, _ = a.labels(a.shape[0])
		}
	})
}

// FuzzNPZ: no archive makes the reader panic.
func FuzzNPZ(f *testing.F) {
	raw, err := os.ReadFile("testdata/shapes.npz")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("PK"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if _, err := zip.NewReader(strings.NewReader(string(content)), int64(len(content))); err == nil {
			_, _, _ = readNPZ("x.npz", content, NPYOptions{Labels: "y"})
		}
	})
}
