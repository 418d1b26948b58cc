package kernelext

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

// TestClusters: dead centres are counted, paths are drawn, and what is not on a plane is refused.
func TestClusters(t *testing.T) {
	objects := [][]float64{{0, 0}, {1, 0}, {0, 1}}
	centers := [][]float64{{0.2, 0.2}, {5, 5}}
	a := Axes{Title: "clusters", X: "x₁", Y: "x₂", Equal: true}
	p, err := Clusters(a, objects, centers, [][][]float64{{{0, 0}, {4, 4}}, centers})
	if err != nil {
		t.Fatal(err)
	}
	b, err := plotBundle(p, defaults(t, Width(200)))
	if want := "2 centres, 1 nearest to none of 3 objects"; err != nil || !strings.Contains(b.text(), want) {
		t.Errorf("%q, %v, want %q", b.text(), err, want)
	}
	for want, try := range map[string]func() (*plot.Plot, error){
		"0 objects and 2 centres": func() (*plot.Plot, error) { return Clusters(a, nil, centers, nil) },
		"centre 0 = [1]":          func() (*plot.Plot, error) { return Clusters(a, objects, [][]float64{{1}}, nil) },
		"object 0 = [NaN 0]":      func() (*plot.Plot, error) { return Clusters(a, [][]float64{{math.NaN(), 0}}, centers, nil) },
		"record 0 of the paths":   func() (*plot.Plot, error) { return Clusters(a, objects, centers, [][][]float64{{{1, 1}}}) },
		"want a label":            func() (*plot.Plot, error) { return Clusters(Axes{}, objects, centers, nil) },
	} {
		if _, err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestLayers(t *testing.T) {
	layers := []Layer{{Title: "x", Texts: []string{"1", "2"}}, {Title: "ρ", Texts: []string{"a", "b", "c"}, Fires: []bool{false, true, false}}}
	p, err := Layers("network", layers)
	if err != nil {
		t.Fatal(err)
	}
	b, err := plotBundle(p, defaults(t, Width(200)))
	if want := "x: 1 2\nρ: a b c"; err != nil || !strings.Contains(b.text(), want) {
		t.Errorf("%q, %v, want %q", b.text(), err, want)
	}
	for want, try := range map[string]func() (*plot.Plot, error){
		"without a layer":           func() (*plot.Plot, error) { return Layers("", nil) },
		"layer 0 has 2 neurons":     func() (*plot.Plot, error) { return Layers("", layers, true) },
		"layer 0 has 0 texts":       func() (*plot.Plot, error) { return Layers("", []Layer{{}}) },
		"1 texts and 2 fires":       func() (*plot.Plot, error) { return Layers("", []Layer{{Texts: []string{""}, Fires: make([]bool, 2)}}) },
		"2 connections told one to": func() (*plot.Plot, error) { return Layers("", layers, true, true) },
	} {
		if _, err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
