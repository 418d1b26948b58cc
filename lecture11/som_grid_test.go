package lecture11

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// TestGridMetric is C6.1 of the lecture: the metric is symmetric, is 0 only on the diagonal and satisfies the triangle
// inequality, and a 5×4 grid has the right numbers of pairs at distance 1 and √2.
func TestGridMetric(t *testing.T) {
	for _, g := range []Grid{{Width: 5, Height: 4}, {Width: 5, Height: 4, Hex: true}, {Width: 5, Height: 4, Torus: true},
		{Width: 5, Height: 4, Hex: true, Torus: true}} {
		m := g.Nodes()
		ones, diagonals := 0, 0
		for a := range m {
			for b := range m {
				r := g.Distance(a, b)
				if r != g.Distance(b, a) || (r == 0) != (a == b) {
					t.Fatalf("%v: r(%d, %d) = %g, back %g", g, a, b, r, g.Distance(b, a))
				}
				for c := range m {
					if over := g.Distance(a, c) + g.Distance(c, b); r > over+1e-12 {
						t.Fatalf("%v: r(%d, %d) = %g, over %d %g", g, a, b, r, c, over)
					}
				}
				if a < b && math.Abs(r-1) < 1e-12 {
					ones++
				}
				if a < b && math.Abs(r-math.Sqrt2) < 1e-12 {
					diagonals++
				}
			}
		}
		if g == (Grid{Width: 5, Height: 4}) && (ones != 31 || diagonals != 24) {
			t.Errorf("%d pairs at 1, %d at √2, want 31 and 24", ones, diagonals)
		}
		if g.Torus && g.Hex && ones != 3*m {
			t.Errorf("%v: %d pairs of neighbours, want six for each of %d nodes", g, ones, m)
		}
	}
}

// TestGridNeighbours compares with neighbours found by hand: in the middle, at borders, over them, and on grids of one
// row.
func TestGridNeighbours(t *testing.T) {
	for _, test := range []struct {
		grid    Grid
		node    int
		corners bool
		want    []int
	}{
		{Grid{Width: 4, Height: 3}, 5, false, []int{1, 4, 6, 9}},
		{Grid{Width: 4, Height: 3}, 5, true, []int{0, 1, 2, 4, 6, 8, 9, 10}},
		{Grid{Width: 4, Height: 3}, 0, true, []int{1, 4, 5}},
		{Grid{Width: 4, Height: 3, Torus: true}, 0, false, []int{1, 3, 4, 8}},
		{Grid{Width: 4, Height: 4, Hex: true}, 5, false, []int{1, 2, 4, 6, 9, 10}},
		{Grid{Width: 4, Height: 4, Hex: true}, 9, false, []int{4, 5, 8, 10, 12, 13}},
		{Grid{Width: 4, Height: 4, Hex: true}, 0, false, []int{1, 4}},
		{Grid{Width: 4, Height: 4, Hex: true, Torus: true}, 0, false, []int{1, 3, 4, 7, 12, 15}},
		{Grid{Width: 5, Height: 1}, 4, true, []int{3}},
		{Grid{Width: 5, Height: 1, Torus: true}, 4, true, []int{0, 3}},
		{Grid{Width: 1, Height: 1, Torus: true}, 0, true, nil},
	} {
		if got := test.grid.Neighbours(test.node, test.corners); !slices.Equal(got, test.want) {
			t.Errorf("%v: node %d: %v, want %v", test.grid, test.node, got, test.want)
		}
	}
}

func TestGridCheck(t *testing.T) {
	for want, g := range map[string]Grid{
		"":            {Width: 1, Height: 1},
		"Grid.Width":  {Height: 3},
		"Grid.Height": {Width: 3, Height: -1},
		"even number": {Width: 4, Height: 3, Hex: true, Torus: true},
	} {
		err := g.check()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", g, err, want)
		}
	}
}
