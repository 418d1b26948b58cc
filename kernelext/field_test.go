package kernelext

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

// TestField: arrows count, one of length 0 is drawn, what is not finite is left out, and the axes hold tails, tips and
// objects.
func TestField(t *testing.T) {
	nan := math.NaN()
	a := Axes{Title: "field", X: "x₁", Y: "x₂", Equal: true}
	p, err := Field(a, []float64{0, 1, 2}, []float64{0, 0, 0}, []float64{3, 0, nan}, []float64{4, 0, 1},
		[]float64{-2, 0}, []float64{0, -1})
	if err != nil {
		t.Fatal(err)
	}
	b, err := plotBundle(p, defaults(t, Width(200)))
	if want := "2 arrows, the longest 5; 1 not finite"; err != nil || !strings.Contains(b.text(), want) {
		t.Errorf("%q, %v, want %q", b.text(), err, want)
	}
	if p.X.Min > -2 || p.X.Max < 3 || p.Y.Min > -1 || p.Y.Max < 4 {
		t.Errorf("axes from (%g, %g) to (%g, %g), want (−2, −1) to (3, 4) inside", p.X.Min, p.Y.Min, p.X.Max, p.Y.Max)
	}
	one := []float64{1}
	for want, try := range map[string]func() (*plot.Plot, error){
		"want a label":               func() (*plot.Plot, error) { return Field(Axes{}, one, one, one, one, nil, nil) },
		"0 x, 0 y, 0 dx, 0 dy":       func() (*plot.Plot, error) { return Field(a, nil, nil, nil, nil, nil, nil) },
		"1 x, 1 y, 1 dx, 0 dy":       func() (*plot.Plot, error) { return Field(a, one, one, one, nil, nil, nil) },
		"objects of 1 x and 0 y":     func() (*plot.Plot, error) { return Field(a, one, one, one, one, one, nil) },
		"Field: no finite values on": func() (*plot.Plot, error) { return Field(a, one, one, []float64{nan}, one, nil, nil) },
		"Field on a logarithmic": func() (*plot.Plot, error) {
			return Field(Axes{X: "x", Y: "y", LogX: true}, one, one, one, one, nil, nil)
		},
	} {
		if _, err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
