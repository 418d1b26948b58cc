package lecture11

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"
)

// The checks of the lecture for the slides "Kohonen map training" and the two pictures after it. notebooks/06_som.ipynb
// and 08_reading_maps.ipynb show the same.

// slideFit is the slide's training with the lecture's parameters: random objects, 20 000 steps.
func slideFit(from, to float64, seed int64) SOMFit {
	return SOMFit{Mode: "online", Order: "random", Steps: 20_000, Seed: seed,
		LearningRate: Schedule{Name: "exponential", Start: 0.5, End: 0.01},
		Radius:       Schedule{Name: "exponential", Start: from, End: to}}
}

// slideMaps trains maps of side × side nodes with the seeds 1, 2, … together.
func slideMaps(t testing.TB, x *data.Points, side, seeds int, fit func(seed int64) SOMFit) []*SOM {
	t.Helper()
	maps, fits := make([]*SOM, seeds), make([]SOMFit, seeds)
	for i := range maps {
		seed := int64(i + 1)
		m, err := NewSOM(testx.Backend(t), SOMConfig{Grid: Grid{Width: side, Height: side}, Features: x.Dim(), Init: "uniform", Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		maps[i], fits[i] = m, fit(seed)
	}
	training, err := TrainTogether(maps, x.Tensor(), x.ID, nil, fits)
	if err != nil {
		t.Fatal(err)
	}
	runOrCollapse(t, training)
	return maps
}

// runOrCollapse runs a training whose map may end at one point, as some claims of the slide predict.
func runOrCollapse(t testing.TB, training *SOMTraining) {
	t.Helper()
	var collapsed *CollapsedError
	if err := training.Run(t.Context(), nil); err != nil && !errors.As(err, &collapsed) {
		t.Fatal(err)
	}
}

func sheetOf(t testing.TB, m *SOM) *tensors.Tensor {
	t.Helper()
	w, err := m.Weights()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// points returns a data set of the lecture.
func points(t testing.TB, name string) *data.Points {
	t.Helper()
	make := map[string]func() (*data.Points, error){
		"square":  func() (*data.Points, error) { return data.Square(2000, 1) },
		"colours": func() (*data.Points, error) { return data.Colours(2000, 1) },
		"iris":    data.Iris,
	}[name]
	p, err := make()
	if err != nil {
		t.Fatal(err)
	}
	if name == "iris" {
		p = p.Standardized()
	}
	return p
}

// TestLectureTopographicError is C7.3, with medians of five seeds: all three numbers, and the control without
// neighbourhood.
func TestLectureTopographicError(t *testing.T) {
	long(t)
	if testing.Short() {
		t.Skip("trains 30 maps")
	}
	for _, test := range []struct {
		name           string
		side           int
		expect, permed float64 // quantisation error and permuted control of the lecture's prototype
	}{{"square", 10, 0.041, 0.935}, {"colours", 16, 0.097, 0.987}, {"iris", 8, 0.300, 0.900}} {
		x := points(t, test.name)
		for _, from := range []float64{float64(test.side) / 2, 0.3} {
			end := min(from, 0.5)
			var all []MapQuality
			for _, m := range slideMaps(t, x, test.side, 5, func(seed int64) SOMFit { return slideFit(from, end, seed) }) {
				q, err := m.Quality(x.Tensor())
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, q)
			}
			slices.SortFunc(all, func(a, b MapQuality) int { return int(math.Copysign(1, a.Topographic-b.Topographic)) })
			q := all[2]
			t.Logf("%s, σ from %g: QE %.4f, TE %.3f (4-nb %.3f), permuted %.3f, spread %.2f, unused %d", test.name, from,
				q.Quantisation, q.Topographic, q.Topographic4, q.Permuted, q.Spread, q.Unused)
			if err := q.Check(0.08, 1.25*test.expect, 0.85); (err == nil) != (from > 0.3) {
				t.Errorf("%s, σ from %g: %v", test.name, from, err)
			}
		}
	}
}

// TestLectureCollapse is C7.3: a map trained with a constant wide radius has a small topographic error, and its
// quantisation error reveals it. With K = 1 the map collapses and is reported as collapsed.
func TestLectureCollapse(t *testing.T) {
	x := points(t, "square")
	for _, test := range []struct {
		radius float64
		want   string
	}{{5, "quantisation error"}, {1e9, "collapsed"}} {
		q, err := slideMaps(t, x, 10, 1, func(seed int64) SOMFit { return slideFit(test.radius, test.radius, seed) })[0].Quality(x.Tensor())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("σ = %g: %+v", test.radius, q)
		if err := q.Check(0.08, 1.25*0.041, 0.85); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("σ = %g: %v, want %q", test.radius, err, test.want)
		}
	}
}

// fixedFit is a training with fixed η and σ over the objects in their order.
func fixedFit(eta, sigma float64, steps int) SOMFit {
	return SOMFit{Mode: "online", Order: "sequential", Steps: steps,
		LearningRate: Schedule{Name: "constant", Start: eta}, Radius: Schedule{Name: "constant", Start: sigma}}
}

// firstAndLast trains a 6×6 map of the square.
func firstAndLast(t *testing.T, fit SOMFit) (first, last []float32) {
	t.Helper()
	x := points(t, "square")
	m, err := NewSOM(testx.Backend(t), SOMConfig{Grid: Grid{Width: 6, Height: 6}, Features: 2, Init: "uniform", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	first = tensors.MustCopyFlatData[float32](sheetOf(t, m))
	training, err := m.Training(x.Tensor(), x.ID, nil, fit)
	if err != nil {
		t.Fatal(err)
	}
	runOrCollapse(t, training)
	return first, tensors.MustCopyFlatData[float32](sheetOf(t, m))
}

// TestLectureWTA is C7.1: with K = [r = 0] the map is WTA, bit for bit.
func TestLectureWTA(t *testing.T) {
	x := points(t, "square")
	w, got := firstAndLast(t, fixedFit(0.25, 0, 1000))
	for i := range 1000 {
		object := []float32{float32(x.Values[2*i]), float32(x.Values[2*i+1])}
		winner, best := 0, float32(math.Inf(1))
		for c := range len(w) / 2 {
			if d := (object[0]-w[2*c])*(object[0]-w[2*c]) + (object[1]-w[2*c+1])*(object[1]-w[2*c+1]); d < best {
				winner, best = c, d
			}
		}
		for j := range 2 {
			w[2*winner+j] += 0.25 * (object[j] - w[2*winner+j])
		}
	}
	if !slices.Equal(w, got) {
		differ, worst := 0, 0.0
		for i := range w {
			if w[i] != got[i] {
				differ++
				worst = max(worst, math.Abs(float64(w[i]-got[i])))
			}
		}
		t.Errorf("%d of %d numbers differ, by up to %.1e", differ, len(w), worst)
	}
}

// TestLectureOneKernel is C7.2: with K = 1 the difference of two nodes is (1 − η)^t times its initial value.
func TestLectureOneKernel(t *testing.T) {
	first, last := firstAndLast(t, fixedFit(0.05, 1e9, 100))
	for c := 1; c < len(first)/2; c++ {
		for j := range 2 {
			was, is := float64(first[2*c+j]-first[j]), float64(last[2*c+j]-last[j])
			near(t, fmt.Sprintf("node %d, component %d", c, j), is, math.Pow(0.95, 100)*was, 1e-6)
		}
	}
}

// TestLectureTwist is C7.4: from a radius of half the grid no cell is flipped. From a radius of 1 a twist remains.
// Without neighbourhood the share is close to ½.
func TestLectureTwist(t *testing.T) {
	if testing.Short() {
		t.Skip("trains 25 maps")
	}
	x := points(t, "square")
	for _, test := range []struct{ from, low, high float64 }{{5, 1, 1}, {1, 0.5, 0.95}, {0.3, 0.5, 0.7}} {
		worst := 1.0
		for _, m := range slideMaps(t, x, 10, 10, func(seed int64) SOMFit { return slideFit(test.from, min(test.from, 0.5), seed) }) {
			share, err := Untwisted(sheetOf(t, m), m.Config().Grid)
			if err != nil {
				t.Fatal(err)
			}
			worst = min(worst, share)
		}
		t.Logf("σ from %g: the worst share of 10 maps: %.3f", test.from, worst)
		if worst < test.low || worst > test.high {
			t.Errorf("σ from %g: %.3f, want %g to %g", test.from, worst, test.low, test.high)
		}
	}
}

// TestLectureReading is C8.1–C8.3 on iris, 8×8, three seeds.
func TestLectureReading(t *testing.T) {
	x, backend := points(t, "iris"), testx.Backend(t)
	purity := map[float64]float64{}
	for _, from := range []float64{4, 0.3} {
		for i, m := range slideMaps(t, x, 8, 3, func(seed int64) SOMFit { return slideFit(from, min(from, 0.5), seed) }) {
			w, grid := sheetOf(t, m), m.Config().Grid
			nearest, err := FindNearest(backend, x.Tensor(), w, 1)
			if err != nil {
				t.Fatal(err)
			}
			c, err := NewClassMap(nearest.Winners(), x.Labels, grid.Nodes(), 3)
			if err != nil {
				t.Fatal(err)
			}
			purity[from] = max(purity[from], c.MeanPurity())
			if from < 1 {
				continue
			}
			planes, err := Columns(w)
			if err != nil {
				t.Fatal(err)
			}
			u, err := UMatrix(w, grid)
			if err != nil {
				t.Fatal(err)
			}
			petals, sepals := stat.Correlation(planes[2], planes[3], nil), stat.Correlation(planes[0], planes[1], nil)
			walls := slices.Max(u) / slices.Min(u)
			t.Logf("seed %d: petals %.3f, sepals %.3f, setosa shares %d, U max/min %.2f, purity %.3f", i+1, petals, sepals,
				c.Shared(0), walls, c.MeanPurity())
			if petals < 0.95 || math.Abs(sepals) > 0.3 || c.Shared(0) != 0 || walls < 3 {
				t.Error("C8.1 or C8.2 is not met")
			}
		}
	}
	t.Logf("best purity: %v", purity)
	if purity[4] < 0.9 || purity[0.3] < 0.9 {
		t.Errorf("C8.3: purity %v, want both high", purity)
	}
}

// TestAdviseSize: larger maps have smaller quantisation errors, and soon have nodes without objects.
func TestAdviseSize(t *testing.T) {
	x := points(t, "iris")
	sizes := []Grid{{Width: 2, Height: 2}, {Width: 5, Height: 4}, {Width: 12, Height: 12}}
	fit := SOMFit{Epochs: 10, Seed: 1}
	cfg := SOMConfig{Features: 4, Init: "uniform", Seed: 1}
	advice, err := AdviseSize(t.Context(), testx.Backend(t), x.Tensor(), x.ID, cfg, sizes, fit)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range advice {
		t.Logf("%s: %+v", a.Grid, a.Quality)
		if a.Grid != sizes[i] || i > 0 && a.Quality.Quantisation >= advice[i-1].Quality.Quantisation {
			t.Errorf("%s: %+v", a.Grid, a.Quality)
		}
	}
	if UsualNodes(150) != 61 {
		t.Errorf("usual nodes of 150 objects: %d, want 61", UsualNodes(150))
	}
	if _, err := AdviseSize(t.Context(), testx.Backend(t), x.Tensor(), x.ID, cfg, []Grid{{Width: -1}}, fit); err == nil ||
		!strings.Contains(err.Error(), "Grid.Width = -1") {
		t.Errorf("%v", err)
	}
}

// TestSOMEvery: reports come as often as requested, with the same numbers, for few components and for many.
func TestSOMEvery(t *testing.T) {
	for n, want := range map[int][]int{2: {100, 200, 300, 400, 500}, 130: {64, 128, 192, 256, 320, 384, 448, 500}} {
		flat := make([]float32, 300*n)
		for i := range flat {
			flat[i] = float32(math.Sin(float64(i * i)))
		}
		var results [][]float32
		for _, every := range []int{0, 100} {
			m, err := NewSOM(testx.Backend(t), SOMConfig{Grid: Grid{Width: 5, Height: 5}, Features: n, Init: "uniform", Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			fit := SOMFit{Mode: "online", Steps: 500, Every: every, Seed: 2}
			training, err := m.Training(tensors.FromFlatDataAndDimensions(flat, 300, n), "sines", nil, fit)
			if err != nil {
				t.Fatal(err)
			}
			var steps []int
			err = training.Run(t.Context(), func(step int, _ map[string]float64) error {
				steps = append(steps, step)
				return nil
			})
			if err != nil || every > 0 && !slices.Equal(steps, want) {
				t.Errorf("n = %d, every %d: %v, reports at %v", n, every, err, steps)
			}
			results = append(results, tensors.MustCopyFlatData[float32](sheetOf(t, m)))
		}
		if !slices.Equal(results[0], results[1]) {
			t.Errorf("n = %d: other numbers with other reports", n)
		}
	}
}
