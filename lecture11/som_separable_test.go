package lecture11

import (
	"fmt"
	"testing"
)

// TestSOMSeparable: on a large map, whose kernel is applied along the rows and the columns, an epoch is that of the naive loop
// over all pairs of nodes, also on a torus and where components are missing. A second epoch would compare the order of
// nodes with equal weights, which are many after the first.
func TestSOMSeparable(t *testing.T) {
	for _, hood := range []string{"gaussian", "square bubble", "square triangle"} {
		for _, grid := range []Grid{
			{Width: 50, Height: 23}, {Width: 50, Height: 23, Torus: true}, {Width: 23, Height: 50, Hex: hood != "gaussian"},
		} {
			for _, radius := range []float64{8, 1.5, 0} {
				name := fmt.Sprintf("%s, %+v, radius %g", hood, grid, radius)
				cfg := SOMConfig{Grid: grid, Features: 3, Neighbourhood: hood, Init: "uniform", Seed: 3}
				m, x := newMap(t, cfg), somObjects(40, 3, 1, 0.2)
				fit := SOMFit{Epochs: 1, Radius: Schedule{Start: radius, End: 0}}
				training := must(m.Training(x, "x", nil, fit))
				if !training.program.separates() {
					t.Fatalf("%s: the kernel is not applied separately", name)
				}
				o := newOracle(t, m, x, nil, fit)
				o.epoch(0)
				if err := training.Run(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				got := mapWeights(t, m)
				for c := range o.w {
					for j, want := range o.w[c] {
						near(t, fmt.Sprintf("%s: w[%d][%d]", name, c, j), float64(got[c*3+j]), want, 1e-4)
					}
				}
			}
		}
	}
}

// TestSOMNotSeparable: other kernels and grids are not taken for products.
func TestSOMNotSeparable(t *testing.T) {
	for hood, grid := range map[string]Grid{
		"bubble": {Width: 50, Height: 23}, "triangle": {Width: 50, Height: 23}, "cut gaussian": {Width: 50, Height: 23},
		"gaussian": {Width: 50, Height: 23, Hex: true},
	} {
		if n := neighbourhoods[hood].columns(grid); n != 0 {
			t.Errorf("%s on %+v is taken for a product over %d columns", hood, grid, n)
		}
	}
}

// BenchmarkSOMLarge trains a map of 250×250 nodes for two epochs on 1000 objects: with the kernel along rows and columns, and
// with that of all pairs of nodes, block by block.
func BenchmarkSOMLarge(b *testing.B) {
	for name, width := range map[string]int{"separate": 250, "blocks": 0} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				m := newMap(b, SOMConfig{Grid: Grid{Width: 250, Height: 250}, Features: 4, Init: "uniform", Seed: 1})
				training := must(m.Training(somObjects(1000, 4, 1, 0), "x", nil, SOMFit{Epochs: 2}))
				training.program.width = width
				if err := training.Run(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
