package lecture11

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// TestUMatrixIdeal: for the ideal map U is 1 at every node, corners included. It does not change when the map is
// translated, and it doubles with the map. The expanded form is 1 everywhere.
func TestUMatrixIdeal(t *testing.T) {
	for _, grid := range []Grid{{Width: 5, Height: 4}, {Width: 5, Height: 4, Hex: true}, {Width: 4, Height: 1}} {
		w := sheetWeights(grid)
		flat := tensors.MustCopyFlatData[float32](w)
		for i := range flat {
			flat[i] = 2*flat[i] + 7
		}
		moved := tensors.FromFlatDataAndDimensions(flat, grid.Nodes(), 2)
		u, err := UMatrix(w, grid)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := UMatrix(moved, grid)
		if err != nil {
			t.Fatal(err)
		}
		for node := range u {
			near(t, grid.String()+" U", u[node], 1, 1e-6)
			near(t, grid.String()+" moved and doubled", twice[node], 2, 1e-5)
		}
		cells, err := ExpandedUMatrix(w, grid)
		if err != nil {
			t.Fatal(err)
		}
		for i := range cells.Values {
			near(t, grid.String()+" expanded", cells.Values[i], 1, 1e-6)
		}
		if want := (2*grid.Width - 1) * (2*grid.Height - 1); !grid.Hex && len(cells.Values) != want {
			t.Errorf("%s: %d cells, want %d", grid, len(cells.Values), want)
		}
	}
	if links := (Grid{Width: 3, Height: 3, Hex: true}).Links(); len(links) != 16 {
		t.Errorf("3×3 hexagonal: %d links, want 16", len(links))
	}
}

// TestUMatrixByHand: a wall between two clusters is in the right place, on a torus also across the border.
func TestUMatrixByHand(t *testing.T) {
	w := tensors.FromFlatDataAndDimensions([]float32{0, 1, 9, 10}, 4, 1)
	for torus, want := range map[bool][]float64{false: {1, 4.5, 4.5, 1}, true: {5.5, 4.5, 4.5, 5.5}} {
		u, err := UMatrix(w, Grid{Width: 4, Height: 1, Torus: torus})
		if err != nil || !slices.Equal(u, want) {
			t.Errorf("torus %v: %v, %v, want %v", torus, u, err, want)
		}
	}
	cells, err := ExpandedUMatrix(w, Grid{Width: 4, Height: 1})
	if err != nil || !slices.Equal(cells.Values, []float64{1, 4.5, 4.5, 1, 1, 8, 1}) || cells.X[5] != 1.5 {
		t.Errorf("expanded: %+v, %v", cells, err)
	}
	if _, err := UMatrix(w, Grid{Width: 2, Height: 1}); err == nil {
		t.Error("weights of another grid were accepted")
	}
}

func TestClassMap(t *testing.T) {
	winners := []int32{0, 0, 0, 2, 2, 3}
	c, err := NewClassMap(winners, []int{0, 0, 1, 1, 2, 2}, 4, 3)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Majority, []int{0, -1, 1, 2}) || !math.IsNaN(c.Purity[1]) || c.Purity[0] != 2.0/3 {
		t.Errorf("%+v", c)
	}
	near(t, "mean purity", c.MeanPurity(), 4.0/6, 1e-12)
	for class, want := range []int{1, 2, 1} {
		if got := c.Shared(class); got != want {
			t.Errorf("class %d shares %d nodes, want %d", class, got, want)
		}
	}
	if hits, err := Hits(winners, 4); err != nil || !slices.Equal(hits, []int{3, 0, 2, 1}) {
		t.Errorf("hits %v, %v", hits, err)
	}
	for want, try := range map[string]func() error{
		"6 winners and 1 labels":    func() error { _, err := NewClassMap(winners, []int{1}, 4, 3); return err },
		"label of object 2 is 7":    func() error { _, err := NewClassMap(winners, []int{0, 0, 7, 0, 0, 0}, 4, 3); return err },
		"winner of object 5 is nod": func() error { _, err := Hits(winners, 3); return err },
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestTrajectory(t *testing.T) {
	way, err := NewTrajectory([]int32{0, 0, 1, 5, 5, 5, 0}, Grid{Width: 4, Height: 2})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(way.Nodes, []int{0, 1, 5, 0}) || !slices.Equal(way.Stays, []int{2, 1, 3, 1}) ||
		!slices.Equal(way.Jumps, []float64{1, 1, math.Sqrt2}) {
		t.Errorf("%+v", way)
	}
}

// TestNovelty: the requested share of objects is below the threshold, and a distant object is new.
func TestNovelty(t *testing.T) {
	backend := testx.Backend(t)
	w := sheetWeights(Grid{Width: 4, Height: 4})
	rng := rand.New(rand.NewPCG(3, 3))
	flat := make([]float32, 1000)
	for i := range flat {
		flat[i] = 3 * rng.Float32()
	}
	novelty, err := NewNovelty(backend, w, tensors.FromFlatDataAndDimensions(flat, 500, 2), 2, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	known, err := novelty.Scores(tensors.FromFlatDataAndDimensions(flat, 500, 2))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "share above the threshold", novelty.New(known), 0.1, 1e-9)
	far, err := novelty.Scores(tensors.FromFlatDataAndDimensions([]float32{10, 10, -5, 0}, 2, 2))
	if err != nil || novelty.New(far) != 1 {
		t.Errorf("far objects: %v, %v", far, err)
	}
	if area, err := ROC(known, far); err != nil || area != 1 {
		t.Errorf("ROC %g, %v, want 1", area, err)
	}
	if area, err := ROC([]float64{1, 2, 2, 3}, []float64{2, 0}); err != nil || area != 0.25 {
		t.Errorf("ROC by hand %g, %v, want (1+2/2+0)/8 = 0.25", area, err)
	}
	if _, err := NewNovelty(backend, w, w, 1, 0); err == nil || !strings.Contains(err.Error(), "quantile = 0") {
		t.Errorf("%v", err)
	}
}

// TestAlign: every symmetry of a grid is found and undone.
func TestAlign(t *testing.T) {
	for _, test := range []struct {
		grid Grid
		want int // symmetries
	}{
		{Grid{Width: 4, Height: 4}, 8},
		{Grid{Width: 5, Height: 4}, 4},
		{Grid{Width: 4, Height: 4, Hex: true}, 2},
		{Grid{Width: 4, Height: 5, Hex: true}, 2},
		{Grid{Width: 3, Height: 3, Torus: true}, 8 * 9},
	} {
		symmetries := test.grid.symmetries()
		if len(symmetries) != test.want {
			t.Errorf("%s: %d symmetries, want %d", test.grid, len(symmetries), test.want)
		}
		rng := rand.New(rand.NewPCG(4, 4))
		flat := make([]float32, 3*test.grid.Nodes())
		for i := range flat {
			flat[i] = rng.Float32()
		}
		reference := tensors.FromFlatDataAndDimensions(flat, test.grid.Nodes(), 3)
		for _, symmetry := range symmetries {
			turned, err := symmetry.Weights(reference)
			if err != nil {
				t.Fatal(err)
			}
			found, err := Align(reference, turned, test.grid)
			if err != nil || found.RMS != 0 {
				t.Errorf("%s, %s: %+v, %v", test.grid, symmetry.Name, found, err)
			}
			back, err := found.Weights(turned)
			if err != nil || !slices.Equal(tensors.MustCopyFlatData[float32](back), flat) {
				t.Errorf("%s, %s: not undone: %v", test.grid, symmetry.Name, err)
			}
		}
	}
}

// TestEnergy is C7.5: with Heskes's winner the batch step never raises the energy, with Kohonen's it does.
func TestEnergy(t *testing.T) {
	heskes, kohonen := 0, 0
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 7))
		x := rows(rng, 100, 2)
		energy, err := NewEnergy(x, Grid{Width: 6, Height: 6}, 1.5)
		if err != nil {
			t.Fatal(err)
		}
		w := rows(rng, 36, 2)
		count, _ := Rises(energy.Descent(w, 40, true))
		heskes += count
		count, _ = Rises(energy.Descent(w, 40, false))
		kohonen += count
	}
	if heskes != 0 || kohonen == 0 {
		t.Errorf("%d rises with Heskes's winner, want 0; %d with Kohonen's, want some", heskes, kohonen)
	}
	t.Logf("rises in 20×40 steps: Heskes %d, Kohonen %d", heskes, kohonen)
}

// BenchmarkMapQuality times the measures on 10 000 MNIST images and a 20×20 map of images.
func BenchmarkMapQuality(b *testing.B) {
	backend := testx.Backend(b)
	train, _, err := data.MNIST(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	some, err := train.Head(10_000)
	if err != nil {
		b.Fatal(err)
	}
	flat := make([]float32, 400*784)
	for i := range flat {
		flat[i] = float32(some.Pixels[i]) / 255
	}
	x, w, grid := some.Tensor(), tensors.FromFlatDataAndDimensions(flat, 400, 784), Grid{Width: 20, Height: 20}
	b.Run("quality", func(b *testing.B) {
		for b.Loop() {
			if _, err := NewMapQuality(backend, x, w, grid); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("neighbourhoods k=10", func(b *testing.B) {
		for b.Loop() {
			if _, err := NewNeighbourhoods(backend, x, w, grid, 10); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("product", func(b *testing.B) {
		for b.Loop() {
			if _, err := TopographicProduct(w, grid); err != nil {
				b.Fatal(err)
			}
		}
	})
}
