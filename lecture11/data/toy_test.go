package data

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
)

// pointsOf returns the set of a constructor and fails the test on an error.
func pointsOf(t *testing.T) func(p *Points, err error) *Points {
	return func(p *Points, err error) *Points {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

// moments returns mean and standard deviation (divided by l) of numbers.
func moments(v []float64) (mean, std float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		std += (x - mean) * (x - mean) / float64(len(v))
	}
	return mean, math.Sqrt(std)
}

// TestIris checks the means and standard deviations of Fisher's table, and the two flowers that are wrong in the UCI
// copy.
func TestIris(t *testing.T) {
	p := pointsOf(t)(Iris())
	if p.Len() != 150 || p.Dim() != 4 || len(p.Labels) != 150 || !slices.Equal(p.Classes, []string{"setosa", "versicolor", "virginica"}) {
		t.Fatalf("%d flowers, %d features, %d labels, classes %v", p.Len(), p.Dim(), len(p.Labels), p.Classes)
	}
	for j, want := range [][2]float64{{5.84, 0.83}, {3.06, 0.43}, {3.76, 1.76}, {1.20, 0.76}} {
		if mean, std := moments(p.Column(j)); math.Abs(mean-want[0]) > 0.005 || math.Abs(std-want[1]) > 0.006 {
			t.Errorf("%s: mean %.3f, std %.3f, want %.2f, %.2f", p.Features[j], mean, std, want[0], want[1])
		}
	}
	if rows := p.Rows(); !slices.Equal(rows[34], []float64{4.9, 3.1, 1.5, 0.2}) || !slices.Equal(rows[37], []float64{4.9, 3.6, 1.4, 0.1}) {
		t.Errorf("flowers 35 and 38 are %v and %v, not Fisher's", rows[34], rows[37])
	}
	for label := range 3 {
		if count := len(slices.DeleteFunc(slices.Clone(p.Labels), func(l int) bool { return int(l) != label })); count != 50 {
			t.Errorf("%d flowers of class %d, want 50", count, label)
		}
	}
}

func TestStandardized(t *testing.T) {
	p := pointsOf(t)(Iris())
	s := p.Standardized()
	for j := range s.Dim() {
		if mean, std := moments(s.Column(j)); math.Abs(mean) > 1e-12 || math.Abs(std-1) > 1e-12 {
			t.Errorf("%s: mean %g, std %g, want 0, 1", s.Features[j], mean, std)
		}
	}
	if p.Values[0] != 5.1 || p.ID == s.ID || s.Features[0] != "sepal length (standardized)" {
		t.Errorf("the original changed (%g), or ID %q or feature %q", p.Values[0], s.ID, s.Features[0])
	}
	constant := &Points{ID: "c", Features: []string{"a"}, Values: []float64{0.1, 0.1, 0.1}}
	if v := constant.Standardized().Values; !slices.Equal(v, []float64{0, 0, 0}) {
		t.Errorf("a constant feature became %v, want 0", v)
	}
}

// TestRing: at the true centres the mean squared distance is 2·std², within 4 standard errors.
func TestRing(t *testing.T) {
	const k, l, std = 8, 4000, 0.1
	p := pointsOf(t)(Ring(k, l, 2, std, 1))
	centers := RingCenters(k, 2)
	sum := 0.0
	for i, x := range p.Rows() {
		c := centers[p.Labels[i]]
		sum += (x[0]-c[0])*(x[0]-c[0]) + (x[1]-c[1])*(x[1]-c[1])
	}
	se := 2 * std * std / math.Sqrt(l) // ρ² is exponential: its standard deviation is its mean
	if got := sum / l; math.Abs(got-2*std*std) > 4*se {
		t.Errorf("mean squared distance %.5f, want %.5f ± %.5f", got, 2*std*std, 4*se)
	}
	if c := centers[2]; math.Abs(c[0]) > 1e-12 || math.Abs(c[1]-2) > 1e-12 {
		t.Errorf("centre 2 = %v, want (0, 2)", c)
	}
}

func TestUniform(t *testing.T) {
	for _, p := range []*Points{pointsOf(t)(Square(10_000, 1)), pointsOf(t)(Colours(10_000, 1))} {
		if low, high := slices.Min(p.Values), slices.Max(p.Values); low < 0 || high >= 1 {
			t.Errorf("%s: values in [%g, %g], want [0, 1)", p.ID, low, high)
		}
		for j := range p.Dim() {
			if mean, std := moments(p.Column(j)); math.Abs(mean-0.5) > 0.012 || math.Abs(std-math.Sqrt(1.0/12)) > 0.008 {
				t.Errorf("%s: mean %.4f, std %.4f, want 0.5, 0.2887", p.Features[j], mean, std)
			}
		}
	}
}

// TestPointsSameSeed: the same arguments make the same set and ID; another seed makes another set.
func TestPointsSameSeed(t *testing.T) {
	for name, make := range map[string]func(seed int64) (*Points, error){
		"ring":    func(seed int64) (*Points, error) { return Ring(3, 10, 2, 0.1, seed) },
		"square":  func(seed int64) (*Points, error) { return Square(10, seed) },
		"colours": func(seed int64) (*Points, error) { return Colours(10, seed) },
	} {
		a, b, c := pointsOf(t)(make(1)), pointsOf(t)(make(1)), pointsOf(t)(make(2))
		if a.ID != b.ID || !slices.Equal(a.Values, b.Values) {
			t.Errorf("%s: the same seed drew two sets", name)
		}
		if a.ID == c.ID || slices.Equal(a.Values, c.Values) {
			t.Errorf("%s: two seeds drew the same set", name)
		}
	}
}

func TestPointsForms(t *testing.T) {
	p := pointsOf(t)(Ring(3, 10, 2, 0.1, 1))
	x := p.Tensor()
	if dims := x.Shape().Dimensions; !slices.Equal(dims, []int{10, 2}) {
		t.Fatalf("tensor %s, want [10, 2]", x.Shape())
	}
	if flat := tensors.MustCopyFlatData[float32](x); flat[3] != float32(p.Rows()[1][1]) || p.Column(1)[1] != p.Rows()[1][1] {
		t.Error("tensor, rows and column differ")
	}
	p.Rows()[0][0] = 100
	if p.Values[0] == 100 {
		t.Error("Rows is not a copy")
	}
	head := pointsOf(t)(p.Head(4))
	if head.Len() != 4 || len(head.Class()) != 4 || head.Class()[3] != 0 || head.ID == p.ID {
		t.Errorf("head %+v", head)
	}
	square := pointsOf(t)(Square(5, 1))
	if h := pointsOf(t)(square.Head(2)); square.Class() != nil || h.Labels != nil {
		t.Error("a set without classes has labels")
	}
}

func TestPointsBadInput(t *testing.T) {
	p := pointsOf(t)(Square(5, 1))
	for want, err := range map[string]error{
		"k = 0":         second(Ring(0, 10, 1, 1, 1)),
		"k = 256":       second(Ring(256, 10, 1, 1, 1)),
		"Ring: l = 0":   second(Ring(2, 0, 1, 1, 1)),
		"radius = NaN":  second(Ring(2, 5, math.NaN(), 1, 1)),
		"std = -1":      second(Ring(2, 5, 1, -1, 1)),
		"square: l = 0": second(Square(0, 1)),
		"colours: l":    second(Colours(-1, 1)),
		"first 6":       second(p.Head(6)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "want ") {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func second(_ *Points, err error) error { return err }
