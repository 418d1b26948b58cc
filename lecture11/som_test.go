package lecture11

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// somObjects returns l random objects of n components around offset; a share of the components is missing.
func somObjects(l, n int, offset, missing float64) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(uint64(l), uint64(n)))
	flat := make([]float32, l*n)
	for i := range flat {
		flat[i] = float32(offset + rng.NormFloat64()*float64(1+i%n%3))
		if i%n != i/n%n && rng.Float64() < missing {
			flat[i] = float32(math.NaN())
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, l, n)
}

// somOracle is the training of one map written as loops in float64.
type somOracle struct {
	cfg   SOMConfig
	fit   SOMFit
	x     [][]float64
	omega []float64
	w     [][]float64
	qe    float64 // of the last epoch

	distance func(x, w []float64) float64 // nil: Euclidean
}

func newOracle(t *testing.T, m *SOM, x *tensors.Tensor, omega []float32, fit SOMFit) *somOracle {
	t.Helper()
	w, err := m.Weights()
	if err != nil {
		t.Fatal(err)
	}
	o := &somOracle{cfg: m.Config(), fit: fit.withDefaults(m.Config()), x: matrixOf(x), w: matrixOf(w)}
	for i := range o.x {
		o.omega = append(o.omega, 1)
		if omega != nil {
			o.omega[i] = float64(omega[i])
		}
	}
	return o
}

func matrixOf(t *tensors.Tensor) [][]float64 {
	l, n := t.Shape().Dimensions[0], t.Shape().Dimensions[1]
	flat, err := Components(t)
	if err != nil {
		panic(err)
	}
	rows := make([][]float64, l)
	for i := range rows {
		rows[i] = flat[i*n : (i+1)*n]
	}
	return rows
}

// square returns ‖x − w‖² over the components present.
func (o *somOracle) square(x, w []float64) float64 {
	sum := 0.0
	for j := range x {
		if d := x[j] - w[j]; d == d {
			sum += d * d
		}
	}
	return sum
}

// winner returns Kohonen's winner, or Heskes's for a radius.
func (o *somOracle) winner(x []float64, sigma float64) (node int, least float64) {
	least = math.Inf(1)
	for c := range o.w {
		score := o.square(x, o.w[c])
		if o.distance != nil {
			score = o.distance(x, o.w[c])
		}
		if o.fit.Winner == "heskes" {
			score = 0
			for b := range o.w {
				score += o.cfg.Kernel(b, c, sigma) * o.square(x, o.w[b])
			}
		}
		if score < least {
			node, least = c, score
		}
	}
	return node, least
}

// epoch runs one epoch of batch training and returns Σ ω·min score.
func (o *somOracle) epoch(e int) (energy float64) {
	share := float64(e) / float64(o.fit.Epochs)
	eta, sigma := o.fit.LearningRate.at(share), o.fit.Radius.at(share)
	m, n := len(o.w), o.cfg.Features
	top, bottom := make([][]float64, m), make([][]float64, m)
	for c := range m {
		top[c], bottom[c] = make([]float64, n), make([]float64, n)
	}
	o.qe = 0
	total := 0.0
	for i, x := range o.x {
		a, score := o.winner(x, sigma)
		energy += o.omega[i] * score
		o.qe += o.omega[i] * math.Sqrt(o.square(x, o.w[a]))
		total += o.omega[i]
		for c := range m {
			k := o.cfg.Kernel(a, c, sigma) * o.omega[i]
			for j, v := range x {
				if v == v {
					top[c][j] += k * v
					bottom[c][j] += k
				}
			}
		}
	}
	o.qe /= total
	for c := range m {
		for j := range n {
			if bottom[c][j] > leastWeight {
				o.w[c][j] = (1-eta)*o.w[c][j] + eta*top[c][j]/bottom[c][j]
			}
		}
	}
	return energy
}

// online runs the first steps of online training.
func (o *somOracle) online(steps int) {
	total := o.fit.steps(len(o.x))
	order := somOrder{kind: o.fit.Order, seed: o.fit.Seed, l: len(o.x), epoch: -1}
	for step := range steps {
		share := float64(step) / float64(total)
		eta, sigma := o.fit.LearningRate.at(share), o.fit.Radius.at(share)
		i := order.at(step)
		a, _ := o.winner(o.x[i], 0)
		for c := range o.w {
			way := 1 - math.Pow(1-eta*o.cfg.Kernel(a, c, sigma), o.omega[i])
			for j, v := range o.x[i] {
				if v == v {
					o.w[c][j] += way * (v - o.w[c][j])
				}
			}
		}
	}
}

func newMap(t testing.TB, cfg SOMConfig) *SOM {
	t.Helper()
	m, err := NewSOM(testx.Backend(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// trainSOM trains a map to its end and returns its weights.
func trainSOM(t testing.TB, m *SOM, x, omega *tensors.Tensor, fit SOMFit) []float32 {
	t.Helper()
	training, err := m.Training(x, "test", omega, fit)
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	return mapWeights(t, m)
}

func mapWeights(t testing.TB, m *SOM) []float32 {
	t.Helper()
	w, err := m.Weights()
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](w)
}

// checkClose fails the test if weights differ from the oracle's by more than tolerance.
func checkClose(t *testing.T, got []float32, want [][]float64, tolerance float64) {
	t.Helper()
	n, worst := len(want[0]), 0.0
	for i, v := range got {
		d := math.Abs(float64(v) - want[i/n][i%n])
		if !(d <= tolerance) {
			t.Fatalf("component %d of node %d = %g, want %g (tolerance %g)", i%n, i/n, v, want[i/n][i%n], tolerance)
		}
		worst = max(worst, d)
	}
	t.Logf("largest difference %.1e", worst)
}

// TestSOMOracle compares batch and online training with loops in float64, on grids, kernels and data of all kinds.
func TestSOMOracle(t *testing.T) {
	long(t)
	plain := Grid{Width: 7, Height: 3}
	hexTorus := Grid{Width: 5, Height: 4, Hex: true, Torus: true}
	type shape struct {
		grid         Grid
		kernel, kind string
	}
	cases := []shape{{plain, "triangle", "weighted"}, {hexTorus, "gaussian", "missing"}}
	if !testing.Short() {
		for kernel := range neighbourhoods {
			cases = append(cases, shape{plain, kernel, "plain"}, shape{hexTorus, kernel, "weighted"})
		}
		for _, kind := range []string{"plain", "missing", "weighted", "offset"} {
			cases = append(cases, shape{plain, "gaussian", kind})
		}
		for _, grid := range []Grid{
			{Width: 5, Height: 4, Hex: true}, {Width: 4, Height: 5, Torus: true}, {Width: 1, Height: 6}, {Width: 1, Height: 1},
		} {
			cases = append(cases, shape{grid, "gaussian", "missing"}, shape{grid, "bubble", "plain"})
		}
	}
	linear := Schedule{Name: "linear", Start: 1.9, End: 0.6}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s %s %s", c.grid, c.kernel, c.kind), func(t *testing.T) {
			cfg := SOMConfig{Grid: c.grid, Features: 3, Neighbourhood: c.kernel, Init: "samples", Seed: 3}
			x, omega := oracleData(c.kind)
			for _, fit := range []SOMFit{
				{Epochs: 6, Radius: linear, LearningRate: Schedule{Name: "constant", Start: 0.7}},
				{Mode: "online", Steps: 150, Radius: linear, Seed: 4},
			} {
				compareWithOracle(t, cfg, x, omega, fit, 2e-5)
			}
		})
	}
}

// oracleData returns objects of a kind and their weights.
func oracleData(kind string) (x *tensors.Tensor, omega []float32) {
	switch kind {
	case "missing":
		return somObjects(60, 3, 0, 0.3), nil
	case "weighted":
		rng := rand.New(rand.NewPCG(9, 9))
		for range 60 {
			omega = append(omega, float32(rng.IntN(4))/2)
		}
		return somObjects(60, 3, 0, 0), omega
	case "offset":
		return somObjects(60, 3, 20, 0), nil
	}
	return somObjects(60, 3, 0, 0), nil
}

func compareWithOracle(t *testing.T, cfg SOMConfig, x *tensors.Tensor, omega []float32, fit SOMFit, tolerance float64) {
	t.Helper()
	m := newMap(t, cfg)
	data, err := newSOMData(x, nil, m.cfg)
	if err != nil {
		t.Fatal(err)
	}
	sample, err := data.sample(m.cfg.sampleSize(data.l), m.cfg.Seed)
	if err != nil {
		t.Fatal(err)
	}
	m.initialise(sample, false)
	oracle := newOracle(t, m, data.x, omega, fit) // with the cosine, of directions
	oracle.distance = naiveDistances[cfg.Distance]
	m.weights = nil
	if fit.Mode == "online" {
		oracle.online(fit.steps(len(oracle.x)))
	} else {
		for e := range fit.Epochs {
			oracle.epoch(e)
		}
	}
	var w *tensors.Tensor
	if omega != nil {
		w = tensors.FromFlatDataAndDimensions(omega, len(omega))
	}
	checkClose(t, trainSOM(t, m, x, w, fit), oracle.w, tolerance)
}

// TestSOMWide compares the blocked online steps, and chunks of a batch, with the oracle.
func TestSOMWide(t *testing.T) {
	x := somObjects(90, 150, 0.5, 0)
	for _, fit := range []SOMFit{
		{Mode: "online", Steps: 205, Seed: 1, Radius: Schedule{Name: "linear", Start: 2, End: 0.5}},
		{Epochs: 5, Winner: "heskes"},
		{Epochs: 5},
	} {
		compareWithOracle(t, SOMConfig{Grid: Grid{Width: 5, Height: 4}, Features: 150, Init: "samples", Seed: 1}, x, nil, fit, 5e-5)
	}
}
