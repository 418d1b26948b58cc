package kernelext

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

// TestLandscape: the text counts the points in sight, the axes are the area, and what cannot be drawn is refused with its place.
func TestLandscape(t *testing.T) {
	a := Axes{Title: "D", X: "x₁", Y: "x₂"}
	area := Area{Left: -2, Right: 2, Bottom: -1, Top: 1}
	values := [][]float64{{0, 0.5}, {1, 0.25}}
	points := Series{Name: "generated", X: []float64{0, 3, -2}, Y: []float64{0, 0, 1}}
	p, err := Landscape(a, area, "D", values, nil, points)
	if err != nil {
		t.Fatal(err)
	}
	b, err := plotBundle(p, defaults(t, Width(300)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"D from 0 to 1", "generated: 3 points, 2 in sight"} {
		if !strings.Contains(b.text(), want) {
			t.Errorf("%q, want %q in it", b.text(), want)
		}
	}
	if p.X.Min != -2 || p.X.Max != 2 || p.Y.Min != -1 || p.Y.Max != 1 {
		t.Errorf("axes from (%g, %g) to (%g, %g), want the area", p.X.Min, p.Y.Min, p.X.Max, p.Y.Max)
	}
	for want, try := range map[string]func() (*plot.Plot, error){
		"want a label":     func() (*plot.Plot, error) { return Landscape(Axes{}, area, "D", values, nil) },
		"Left < Right":     func() (*plot.Plot, error) { return Landscape(a, Area{}, "D", values, nil) },
		"without values":   func() (*plot.Plot, error) { return Landscape(a, area, "D", nil, nil) },
		"row 1 has 1":      func() (*plot.Plot, error) { return Landscape(a, area, "D", [][]float64{{1, 2}, {1}}, nil) },
		"row 0, column 1":  func() (*plot.Plot, error) { return Landscape(a, area, "D", [][]float64{{1, math.NaN()}}, nil) },
		"has 1 x and 0 y":  func() (*plot.Plot, error) { return Landscape(a, area, "D", values, nil, Series{X: []float64{1}}) },
		"logarithmic axis": func() (*plot.Plot, error) { return Landscape(Axes{X: "x", Y: "y", LogX: true}, area, "D", values, nil) },
	} {
		if _, err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
