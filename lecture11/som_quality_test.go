package lecture11

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// reference is testdata/som_quality.json: values of MiniSom and scikit-learn.
type reference struct {
	X                      [][]float32
	Rectangular, Hexagonal struct {
		Width, Height               int
		Weights                     [][]float32
		Quantisation, Topographic   float64
		K                           int
		Trustworthiness, Continuity float64
		Product                     float64
	}
	Projection struct {
		X                           [][]float32
		Places                      [][]float64
		K                           []int
		Trustworthiness, Continuity []float64
	}
}

func readReference(t *testing.T) reference {
	t.Helper()
	text, err := os.ReadFile("testdata/som_quality.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestMapQualityMiniSom compares with the quantisation and topographic errors of MiniSom, the topographic product of
// the paper, and the trustworthiness of scikit-learn over many orders of equally near objects.
func TestMapQualityMiniSom(t *testing.T) {
	backend, r := testx.Backend(t), readReference(t)
	x := tensors.MustFromAnyValue(r.X)
	for _, hex := range []bool{false, true} {
		want := r.Rectangular
		if hex {
			want = r.Hexagonal
		}
		grid := Grid{Width: want.Width, Height: want.Height, Hex: hex}
		w := tensors.MustFromAnyValue(want.Weights)
		q, err := NewMapQuality(backend, x, w, grid)
		if err != nil {
			t.Fatal(err)
		}
		near(t, grid.String()+" quantisation", q.Quantisation, want.Quantisation, 1e-6)
		near(t, grid.String()+" topographic", q.Topographic, want.Topographic, 1e-9)
		product, err := TopographicProduct(w, grid)
		if err != nil {
			t.Fatal(err)
		}
		near(t, grid.String()+" product", product, want.Product, 1e-6)
		n, err := NewNeighbourhoods(backend, x, w, grid, want.K)
		if err != nil {
			t.Fatal(err)
		}
		near(t, grid.String()+" trustworthiness", n.Trustworthiness, want.Trustworthiness, 5e-4)
		near(t, grid.String()+" continuity", n.Continuity, want.Continuity, 5e-4)
	}
}

// TestNeighbourhoodsScikit: if each object has a separate place, trustworthiness and continuity are scikit-learn's.
func TestNeighbourhoodsScikit(t *testing.T) {
	r := readReference(t).Projection
	x := tensors.MustFromAnyValue(r.X)
	l := len(r.X)
	winners, squares := make([]int32, l), make([]float64, l*l)
	for i := range l {
		winners[i] = int32(i)
		for j := range l {
			d := euclidean(r.Places[i], r.Places[j])
			squares[i*l+j] = d * d
		}
	}
	for at, k := range r.K {
		ranks := newMapRanks(winners, squares, k)
		var sums rankErrors
		err := forBlocks(testx.Backend(t), x, false, func(first int, rows []float32) { sums.add(ranks.block(first, rows)) })
		if err != nil {
			t.Fatal(err)
		}
		n := sums.neighbourhoods(l, k)
		near(t, "trustworthiness", n.Trustworthiness, r.Trustworthiness[at], 1e-9)
		near(t, "continuity", n.Continuity, r.Continuity[at], 1e-9)
	}
}

// TestNeighbourhoodsNaive compares with loops that draw the order of equally near objects, on data with equal distances
// and with missing components.
func TestNeighbourhoodsNaive(t *testing.T) {
	backend := testx.Backend(t)
	rng := rand.New(rand.NewPCG(5, 5))
	const l, k = 24, 4
	rows := make([][]float32, l)
	for i := range rows { // whole numbers: many distances are equal
		rows[i] = []float32{float32(rng.IntN(4)), float32(rng.IntN(4))}
	}
	rows[3][1] = float32(math.NaN())
	grid := Grid{Width: 3, Height: 2}
	w := [][]float32{{0, 0}, {1.6, 0.1}, {3, 0}, {0, 3}, {1.4, 3}, {3, 3.1}}
	x := tensors.MustFromAnyValue(rows)
	got, err := NewNeighbourhoods(backend, x, tensors.MustFromAnyValue(w), grid, k)
	if err != nil {
		t.Fatal(err)
	}
	nearest, err := FindNearest(backend, x, tensors.MustFromAnyValue(w), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := naiveNeighbourhoods(rows, nearest.Winners(), grid, k, 20_000)
	near(t, "trustworthiness", got.Trustworthiness, want.Trustworthiness, 2e-3)
	near(t, "continuity", got.Continuity, want.Continuity, 2e-3)
	near(t, "preserved", got.Preserved, want.Preserved, 2e-3)
}

// naiveNeighbourhoods averages over draws of the order of equally near objects.
func naiveNeighbourhoods(x [][]float32, winners []int32, grid Grid, k, draws int) Neighbourhoods {
	rng := rand.New(rand.NewPCG(6, 6))
	l := len(x)
	var sums rankErrors
	for range draws {
		i := rng.IntN(l)
		inData, onMap := make([]float64, l), make([]float64, l)
		for j := range l {
			for c := range x[i] {
				if d := float64(x[i][c] - x[j][c]); !math.IsNaN(d) {
					inData[j] += d * d
				}
			}
			inData[j] += 1e-6 * rng.Float64()
			onMap[j] = grid.Distance(int(winners[i]), int(winners[j])) + 1e-6*rng.Float64()
		}
		data, sheet := ranksFrom(i, inData), ranksFrom(i, onMap)
		for j := range l {
			switch {
			case j == i:
			case data[j] <= k && sheet[j] <= k:
				sums.kept++
			case sheet[j] <= k:
				sums.strangers += float64(data[j] - k)
			case data[j] <= k:
				sums.torn += float64(sheet[j] - k)
			}
		}
	}
	share := float64(l) / float64(draws)
	sums.kept, sums.strangers, sums.torn = sums.kept*share, sums.strangers*share, sums.torn*share
	return sums.neighbourhoods(l, k)
}

// ranksFrom returns each object's rank by distance from i, with 1 for the nearest.
func ranksFrom(i int, distance []float64) []int {
	ranks := make([]int, len(distance))
	for place, j := range orderFrom(i, distance, distance) {
		ranks[j] = place + 1
	}
	return ranks
}

// sheetWeights returns the ideal map w_ab = (a, b), with the nodes at the points where they are drawn.
func sheetWeights(grid Grid) *tensors.Tensor {
	flat := make([]float32, 0, 2*grid.Nodes())
	for node := range grid.Nodes() {
		x, y := grid.Position(node)
		flat = append(flat, float32(x), float32(y))
	}
	return tensors.FromFlatDataAndDimensions(flat, grid.Nodes(), 2)
}

// TestMapQualityIdeal: an ideal map has no topographic error, a product of 0 and no twist, and its neighbourhoods are
// preserved as far as ties allow. Swapped nodes are found, and a collapsed map is reported.
func TestMapQualityIdeal(t *testing.T) {
	backend := testx.Backend(t)
	for _, grid := range []Grid{{Width: 7, Height: 5}, {Width: 7, Height: 5, Hex: true}} {
		w := sheetWeights(grid)
		q, err := NewMapQuality(backend, w, w, grid)
		if err != nil {
			t.Fatal(err)
		}
		if q.Topographic != 0 || q.Topographic4 != 0 || q.Permuted < 0.6 || q.Collapsed || q.Unused != 0 || q.Quantisation != 0 {
			t.Errorf("%s: %+v", grid, q)
		}
		near(t, "spread", q.Spread, 1, 1e-9)
		if err := q.Check(0, 0, 0.6); err != nil {
			t.Error(err)
		}
		product, err := TopographicProduct(w, grid)
		near(t, "product", product, 0, 1e-6)
		if err != nil {
			t.Error(err)
		}
		n, err := NewNeighbourhoods(backend, w, w, grid, 3)
		if err != nil {
			t.Fatal(err)
		}
		// The value is not 1: neighbours are equally far in the data as well, and each order of them is equally likely.
		near(t, "trustworthiness", n.Trustworthiness, 1, 0.02)
		near(t, "continuity", n.Continuity, n.Trustworthiness, 1e-9)
		if share, err := Untwisted(w, grid); err != nil || share != 1 {
			t.Errorf("%s: untwisted %g, %v", grid, share, err)
		}
	}
}

// TestTopographicErrorByHand: four nodes in a row, two of which are swapped.
func TestTopographicErrorByHand(t *testing.T) {
	backend, grid := testx.Backend(t), Grid{Width: 4, Height: 1}
	w := tensors.FromFlatDataAndDimensions([]float32{0, 2, 1, 3}, 4, 1)              // nodes 1 and 2 swapped
	x := tensors.FromFlatDataAndDimensions([]float32{0.4, 1.4, 1.6, 2.6, 0.1}, 5, 1) // pairs 0-2, 2-1, 1-2, 3-1, 0-2
	got, err := TopographicError(backend, x, w, grid, true)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "topographic error", got, 3.0/5, 1e-12)
	diagonal := tensors.FromFlatDataAndDimensions([]float32{0, 0, 9, 9, 9, 9, 1, 1}, 4, 2)

	for corners, want := range map[bool]float64{true: 0, false: 1} {
		got, err := TopographicError(backend, tensors.FromFlatDataAndDimensions([]float32{0.2, 0.2, 0.3, 0.3}, 2, 2), diagonal,
			Grid{Width: 2, Height: 2}, corners)
		if err != nil || got != want {
			t.Errorf("corners %v: %g, %v, want %g", corners, got, err, want)
		}
	}

}

// TestCollapsedMap is C7.3: a map at one point is reported as collapsed.
func TestCollapsedMap(t *testing.T) {
	backend, grid := testx.Backend(t), Grid{Width: 4, Height: 4}
	x := sheetWeights(Grid{Width: 5, Height: 5})
	flat := make([]float32, 32)
	for i := range flat {
		flat[i] = 2 + 1e-4*float32(i%3)
	}
	w := tensors.FromFlatDataAndDimensions(flat, 16, 2)
	q, err := NewMapQuality(backend, x, w, grid)
	if err != nil || !q.Collapsed || q.Topographic != 1 {
		t.Errorf("%+v, %v, want it collapsed", q, err)
	}
	if err := q.Check(0.1, 10, 0); err == nil || !strings.Contains(err.Error(), "collapsed") {
		t.Errorf("%v", err)
	}
	if _, err := TopographicError(backend, x, w, grid, true); err == nil || !strings.Contains(err.Error(), "collapsed") {
		t.Errorf("%v", err)
	}
	if _, err := TopographicProduct(tensors.FromFlatDataAndDimensions(make([]float32, 32), 16, 2), grid); err == nil {
		t.Error("TopographicProduct accepts equal nodes")
	}
}

// TestUntwisted checks a folded and a twisted net by hand.
func TestUntwisted(t *testing.T) {
	grid := Grid{Width: 3, Height: 3}
	flat := tensors.MustCopyFlatData[float32](sheetWeights(grid))
	for _, node := range []int{2, 5, 8} { // the right column folded back over the left one
		flat[2*node] = -0.5
	}
	share, err := Untwisted(tensors.FromFlatDataAndDimensions(flat, 9, 2), grid)
	if err != nil || share != 0.5 {
		t.Errorf("folded: %g, %v, want 0.5", share, err)
	}
	if _, err := Untwisted(tensors.FromFlatDataAndDimensions(make([]float32, 27), 9, 3), grid); err == nil {
		t.Error("three components were accepted")
	}
	if _, err := Untwisted(tensors.FromFlatDataAndDimensions(make([]float32, 6), 3, 2), Grid{Width: 3, Height: 1}); err == nil {
		t.Error("a row was accepted")
	}
}

// TestFindNearest compares with loops, for few and for many components, with missing ones, bytes, and a short last
// batch.
func TestFindNearest(t *testing.T) {
	backend := testx.Backend(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{3, 40} {
		for _, missing := range []bool{false, true} {
			const l, m, k = 731, 12, 3
			x, w := make([]float32, l*n), make([]float32, m*n)
			for i := range x {
				if x[i] = 100 + float32(rng.NormFloat64()); missing && rng.IntN(4) == 0 && i%n > 0 { // an object without known components is refused
					x[i] = float32(math.NaN())
				}
			}
			for i := range w {
				w[i] = 100 + float32(rng.NormFloat64())
			}
			got, err := FindNearest(backend, tensors.FromFlatDataAndDimensions(x, l, n), tensors.FromFlatDataAndDimensions(w, m, n), k)
			if err != nil {
				t.Fatal(err)
			}
			for i := range l {
				distances := make([]float64, m)
				for c := range m {
					for j := range n {
						if d := float64(x[i*n+j]) - float64(w[c*n+j]); !math.IsNaN(d) {
							distances[c] += d * d
						}
					}
					distances[c] = math.Sqrt(distances[c])
				}
				for place, c := range orderFrom(-1, distances, distances)[:k] {
					if at := i*k + place; int(got.Nodes[at]) != c || math.Abs(got.Distances[at]-distances[c]) > 1e-4 {
						t.Fatalf("n = %d, missing %v, object %d, place %d: node %d at %g, want %d at %g", n, missing, i, place,
							got.Nodes[at], got.Distances[at], c, distances[c])
					}
				}
			}
		}
	}
	bytes := tensors.FromFlatDataAndDimensions([]uint8{255, 0}, 1, 2)
	got, err := FindNearest(backend, bytes, tensors.FromFlatDataAndDimensions([]float32{0, 1, 1, 0}, 2, 2), 1)
	if err != nil || got.Nodes[0] != 1 || got.Distances[0] > 1e-6 {
		t.Errorf("bytes: %+v, %v", got, err)
	}
}

// TestMapQualityRefused: the errors name the invalid value.
func TestMapQualityRefused(t *testing.T) {
	backend := testx.Backend(t)
	x, w := sheetWeights(Grid{Width: 3, Height: 3}), sheetWeights(Grid{Width: 2, Height: 2})
	for want, try := range map[string]func() error{
		"for a grid of 3×3, want [9, n]": func() error { _, err := NewMapQuality(backend, x, w, Grid{Width: 3, Height: 3}); return err },
		"want at least 2 nodes": func() error {
			_, err := NewMapQuality(backend, x, sheetWeights(Grid{Width: 1, Height: 1}), Grid{Width: 1, Height: 1})
			return err
		},
		"k = 5, want 1 to 4": func() error { _, err := FindNearest(backend, x, w, 5); return err },
		"want [l, 2]": func() error {
			_, err := FindNearest(backend, tensors.FromFlatDataAndDimensions(make([]float32, 3), 1, 3), w, 1)
			return err
		},
		"k = 6, want 1 to less than half of 9": func() error {
			_, err := NewNeighbourhoods(backend, x, w, Grid{Width: 2, Height: 2}, 6)
			return err
		},
		"objects: component 1 of row 0 = +Inf, want": func() error {
			bad := tensors.FromFlatDataAndDimensions([]float32{0, float32(math.Inf(1))}, 1, 2)
			_, err := FindNearest(backend, bad, w, 1)
			return err
		},
		"weights of a map with NaN": func() error {
			_, err := FindNearest(backend, x, tensors.FromFlatDataAndDimensions([]float32{float32(math.NaN()), 0}, 1, 2), 1)
			return err
		},
		"Grid.Width = 0": func() error { _, err := TopographicProduct(w, Grid{}); return err },
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestMapQualityOddData: constant data, and a single object, have defined results.
func TestMapQualityOddData(t *testing.T) {
	backend, grid := testx.Backend(t), Grid{Width: 3, Height: 3}
	for name, flat := range map[string][]float32{"constant": {1, 1, 1, 1}, "one": {1, 2}} {
		q, err := NewMapQuality(backend, tensors.FromFlatDataAndDimensions(flat, len(flat)/2, 2), sheetWeights(grid), grid)
		if err != nil || math.IsNaN(q.Quantisation) || math.IsNaN(q.Topographic) || q.Topographic < 0 || q.Topographic > 1 {
			t.Errorf("%s: %+v, %v", name, q, err)
		}
	}
}
