package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
)

// TestFromRows checks values, labels of each type, and that the rows are copied.
func TestFromRows(t *testing.T) {
	rows := [][]float64{{1, 2}, {3, math.NaN()}, {5, 6}}
	for _, c := range []struct {
		labels  any
		want    []int
		classes []string
	}{
		{nil, nil, nil},
		{[]string{"b", "a", "b"}, []int{1, 0, 1}, []string{"a", "b"}},
		{[]int{2, 0, 2}, []int{2, 0, 2}, []string{"0", "1", "2"}},
		{[]uint8{1, 1, 0}, []int{1, 1, 0}, []string{"0", "1"}},
	} {
		p, err := FromRows(rows, c.labels)
		if err != nil {
			t.Fatal(err)
		}
		if p.Len() != 3 || p.Dim() != 2 || p.Missing() != 1 || p.Values[4] != 5 || !slices.Equal(p.Labels, c.want) || !slices.Equal(p.Classes, c.classes) {
			t.Errorf("labels %v: %s, labels %v, classes %v", c.labels, p, p.Labels, p.Classes)
		}
	}
	p, err := FromRows(rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows[0][0] = 7
	if p.Values[0] != 1 {
		t.Error("the set changed with the rows")
	}
}

// TestFromRowsRefuses: errors name the row and the requirement.
func TestFromRowsRefuses(t *testing.T) {
	good := [][]float64{{1, 2}, {3, 4}}
	for want, c := range map[string]struct {
		rows   [][]float64
		labels any
	}{
		"no rows or no columns":                          {nil, nil},
		"no rows or no columns, want at least one":       {[][]float64{{}, {}}, nil},
		"row 1 has 1 numbers, want 2 as in row 0":        {[][]float64{{1, 2}, {3}}, nil},
		"row 1, column 0 is +Inf":                        {[][]float64{{1, 2}, {math.Inf(1), 4}}, nil},
		"labels of type []float64, want":                 {good, []float64{1, 2}},
		"3 labels for 2 rows":                            {good, []string{"a", "b", "c"}},
		"0 labels for 2 rows":                            {good, []int{}},
		"row 1: label 1e+09, want the number of a class": {good, []int{0, 1_000_000_000}},
		"row 0: label -1":                                {good, []int{-1, 0}},
	} {
		_, err := FromRows(c.rows, c.labels)
		wantError(t, err, want)
	}
}

// TestMissingValues: missing values do not count in the scaling, and Complete leaves out objects with them.
func TestMissingValues(t *testing.T) {
	p, err := FromRows([][]float64{{1, 5}, {math.NaN(), 5}, {3, math.NaN()}, {5, 5}}, []int{0, 1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	s := p.Standardized()
	sd := math.Sqrt(8. / 3)
	for i, want := range []float64{-2 / sd, 0, math.NaN(), 0, 0, math.NaN(), 2 / sd, 0} {
		if got := s.Values[i]; math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > 1e-15 {
			t.Errorf("value %d is %g, want %g", i, got, want)
		}
	}
	complete, err := p.Complete()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(complete.Values, []float64{1, 5, 5, 5}) || !slices.Equal(complete.Labels, []int{0, 3}) || complete.ID == p.ID {
		t.Errorf("%v with labels %v", complete.Values, complete.Labels)
	}
	none, err := FromRows([][]float64{{math.NaN()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = none.Complete()
	wantError(t, err, "no object without missing values")
}

// TestTensor64: the tensor has the 64-bit values, which 32 bits cannot represent.
func TestTensor64(t *testing.T) {
	p, err := FromRows([][]float64{{1 + 1e-12, 2}, {3, 4}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := p.Tensor64()
	if got := tensors.MustCopyFlatData[float64](x); !slices.Equal(got, p.Values) || x.Shape().Dimensions[0] != 2 {
		t.Errorf("%v of shape %s, want %v", got, x.Shape(), p.Values)
	}
}

// TestPointsImages: objects whose features are bytes become images; others return an error.
func TestPointsImages(t *testing.T) {
	p, err := FromRows([][]float64{{0, 1, 2, 3, 4, 255}, {6, 7, 8, 9, 10, 11}}, []string{"b", "a"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Images(3, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Pixels, []uint8{0, 1, 2, 3, 4, 255, 6, 7, 8, 9, 10, 11}) || s.Width != 3 || s.Height != 2 || !slices.Equal(s.Labels, p.Labels) {
		t.Errorf("%s, pixels %v", s, s.Pixels)
	}
	if s, err = p.Images(2, 1, 3); err != nil || s.Channels != 3 || s.Len() != 2 {
		t.Errorf("%v, error %v", s, err)
	}
	for _, size := range [][3]int{{3, 3, 1}, {6, 1, 0}, {3, 1, 2}, {-3, -2, 1}, {0, 2, 1}} {
		_, err := p.Images(size[0], size[1], size[2])
		wantError(t, err, "with 6 features, want width, height and channels (1 or 3) with this product")
	}
	p.Values[7] = 7.5
	_, err = p.Images(3, 2, 1)
	wantError(t, err, "feature 1 of object 1 is 7.5, want whole numbers from 0 to 255")
}

// TestString checks the one-line descriptions.
func TestString(t *testing.T) {
	iris, err := Iris()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := Ring(12, 30, 1, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	missing, err := FromRows([][]float64{{math.NaN(), 3}}, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := FromRows([][]float64{{math.NaN()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		iris.String():                "iris: 150 objects of 4 features (float64, 0.1 … 7.9), 3 classes: setosa 50, versicolor 50, virginica 50; scaling: none",
		iris.Standardized().String(): "iris: 150 objects of 4 features (float64, -2.434 … 3.091), 3 classes: setosa 50, versicolor 50, virginica 50; scaling: standardized",
		ring.String():                "ring of 12: 30 objects of 2 features (float64, -1 … 1), 12 classes of 2 to 3; scaling: none",
		missing.String():             "rows: 1 object of 2 features (float64, 3 … 3), 1 class: a 1; 1 of 2 values missing (NaN); scaling: none",
		empty.String():               "rows: 1 object of 1 feature (float64, no values), no classes; 1 of 1 values missing (NaN); scaling: none",
		(&Points{ID: "x"}).String():  "x: no features",
		toy().String():               "toy: 4 images of 2×1 pixels (width × height), grey, 2 bytes each, 2 classes: 0 1, 1 3; scaling: models read 0…255 as [0, 1]",
		colourToy().Inverted().String(): "colours: 5 images of 4×6 pixels (width × height), colour, 72 bytes each, 3 classes: a 2, b 2, c 1; " +
			"scaling: models read 0…255 as [0, 1]",
		(&Images{ID: "x"}).String(): "x: 0 images of 0×0 pixels (width × height), grey, 0 bytes each, no classes; scaling: models read 0…255 as [0, 1]",
	} {
		if got != want || strings.Contains(got, "\n") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestManyClasses: there may be more classes than fit in a byte.
func TestManyClasses(t *testing.T) {
	const classes = 300
	var rows [][]float64
	var names []string
	text := "v,c\n"
	for i := range classes {
		rows, names = append(rows, []float64{float64(i)}), append(names, fmt.Sprintf("c%03d", i))
		text += fmt.Sprintf("%d,c%03d\n", i, i)
	}
	byRows, err := FromRows(rows, names)
	if err != nil {
		t.Fatal(err)
	}
	byCSV, err := parseCSV("x.csv", []byte(text), CSVOptions{Label: "c"})
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*Points{"FromRows": byRows, "FromCSV": byCSV} {
		if len(p.Classes) != classes || p.Labels[classes-1] != classes-1 || p.Classes[p.Labels[270]] != "c270" {
			t.Errorf("%s: %d classes, label %d of the last object", name, len(p.Classes), p.Labels[classes-1])
		}
		if d := p.String(); !strings.Contains(d, "300 classes of 1 to 1") {
			t.Errorf("%s: described as %q", name, d)
		}
		other := *p
		other.Labels = slices.Clone(p.Labels)
		other.Labels[3] += 256
		other.identify("x")
		p.identify("x")
		if other.ID == p.ID {
			t.Errorf("%s: labels 3 and 259 have the same ID", name)
		}
	}
}
