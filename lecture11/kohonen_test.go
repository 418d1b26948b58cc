package lecture11

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// frozen is a kernel that moves no centre: Q changes while the centres stay in place.
func frozen(squared, rank, width *Node) *Node { return MulScalar(squared, 0) }

// needsLoop skips a test of some 10⁵ steps where each step is a separate call of the device.
func needsLoop(t *testing.T) {
	t.Helper()
	if testx.Backend(t).Name() == pureGo {
		t.Skip("too slow on the pure-Go backend")
	}
}

// TestKohonenNaive compares the loop, with the slide's two lines in order, with the same steps written as Go loops.
func TestKohonenNaive(t *testing.T) {
	const steps, m, lambda = 250, 4, 0.05
	rng := rand.New(rand.NewPCG(1, 0))
	x, start := rows(rng, 40, 3), rows(rng, m, 3)
	k := kohonen(t, KohonenConfig{Steps: steps, Lambda: lambda, Rate: Schedule{Start: 0.2}, Every: 70,
		Pick: func(step int) int { return step * 11 % 40 }})
	run := fitKohonen(t, k, tensors.MustFromAnyValue(x), tensors.MustFromAnyValue(start), 0)
	w, wins := copyRows64(start), make([]int, m)
	q := assignRows(x, w).Mean
	near(t, "Q before the first step", run.Q0, q, 1e-12)
	for step := range steps {
		object := x[step*11%40 : step*11%40+1]
		c := assignRows(object, w)
		y := c.Winner[0]
		wins[y]++
		q = lambda*c.Sum + (1-lambda)*q
		for j := range object[0] {
			w[y][j] += 0.2 * (object[0][j] - w[y][j])
		}
		near(t, "ρ²", run.Squared[step], c.Sum, 1e-12)
		near(t, "Q", run.Q[step], q, 1e-12)
		if int(run.Winner[step]) != y {
			t.Fatalf("step %d: winner %d, want %d", step, run.Winner[step], y)
		}
		if i := slices.Index(run.Recorded, step+1); i >= 0 {
			near(t, "recorded centre", run.Trajectory[i][2][1], w[2][1], 1e-12)
		}
	}
	if !slices.Equal(run.Recorded, []int{0, 70, 140, 210, 250}) || !slices.Equal(run.Wins, wins) || run.Steps != steps {
		t.Errorf("recorded after %v, wins %v (want %v), %d steps", run.Recorded, run.Wins, wins, run.Steps)
	}
	near(t, "Q̄ at the end", run.Mean, assignRows(x, w).Mean, 1e-12)
}

// TestMacQueen is C4.1: with η = 1/n_y each centre is, after every step, the mean of the objects that it has won so
// far. They were won at different times, so that this is not the mean of the centre's cell at the end.
func TestMacQueen(t *testing.T) {
	const l = 4000
	p, err := data.Ring(8, l, 2, 0.1, 1)
	if err != nil {
		t.Fatal(err)
	}
	k := kohonen(t, KohonenConfig{Steps: l, MacQueen: true, Every: 1})
	x64 := tensors.FromFlatDataAndDimensions(slices.Clone(p.Values), l, 2)
	start := inBox(t, 8, -3, 3, 2)
	for _, c := range []struct {
		x, w      *tensors.Tensor
		tolerance float64
	}{{x64, numbers(x64.DType(), must64(t, start), 8, 2), 1e-12}, {p.Tensor(), start, 1e-5}} {
		picks := []int{}
		rng := rand.New(rand.NewPCG(3, 0))
		k.cfg.Pick = func(int) int { picks = append(picks, rng.IntN(l)); return picks[len(picks)-1] }
		run := fitKohonen(t, k, c.x, c.w, 3)
		object := must64(t, c.x)
		sums, wins, worst := make([][2]float64, 8), make([]float64, 8), 0.0
		for step, y := range run.Winner {
			wins[y]++
			for j := range 2 {
				sums[y][j] += object[2*picks[step]+j]
				worst = max(worst, math.Abs(run.Trajectory[step+1][y][j]-sums[y][j]/wins[y]))
			}
		}
		t.Logf("%s: largest difference %.1e (prototype 2.7e-15 and 1.3e-6)", c.x.DType(), worst)
		if worst > c.tolerance {
			t.Errorf("%s: largest difference %.1e, want at most %.0e", c.x.DType(), worst, c.tolerance)
		}
		final := copyRows64(run.Trajectory[l])
		moveToMeans(final, cut(object, l), run.Clustering)
		apart := 0.0
		for y := range final {
			apart = max(apart, math.Sqrt(squaredDistance(final[y], run.Trajectory[l][y])))
		}
		t.Logf("%s: centres are up to %.3f away from the means of their final cells", c.x.DType(), apart)
		if apart < 1e-3 {
			t.Errorf("centres are the means of the final cells (%.1e apart), want a difference", apart)
		}
	}
}

// TestRunningQ is C4.2: with fixed centres the running Q has mean Q̄ and standard deviation √(λ/(2−λ))·sd(ρ²).
func TestRunningQ(t *testing.T) {
	needsLoop(t)
	const steps, lambda = 200_000, 0.01
	x := ringOf8(t)
	w := numbers(x.DType(), slices.Concat(data.RingCenters(8, 2)...), 8, 2)
	run := fitKohonen(t, kohonen(t, KohonenConfig{Steps: steps, Lambda: lambda, KernelFunc: frozen, Every: steps}), x, w, 4)
	var squares []float64
	object, centers := must64(t, x), data.RingCenters(8, 2)
	for i, y := range run.Clustering.Winner {
		squares = append(squares, squaredDistance(object[2*i:2*i+2], centers[y]))
	}
	mean, sd := stat.MeanStdDev(run.Q, nil)
	_, sdSquared := stat.MeanStdDev(squares, nil)
	want := math.Sqrt(lambda/(2-lambda)) * sdSquared
	t.Logf("mean %.6f against %.6f (prototype .019950, .019942); sd %.6f against %.6f (.001366, .001373)", mean, run.Mean, sd, want)
	near(t, "mean of Q", mean, run.Mean, 0.01*run.Mean)
	near(t, "sd of Q", sd, want, 0.05*want)
}

// TestSumStart is C4.3: started from the sum, Q is 1 + (l−1)(1−λ)^t times Q̄ until the start is forgotten.
func TestSumStart(t *testing.T) {
	const lambda, l = 0.01, 4000
	x := ringOf8(t)
	w := numbers(x.DType(), slices.Concat(data.RingCenters(8, 2)...), 8, 2)
	cfg := KohonenConfig{Steps: 1500, Lambda: lambda, KernelFunc: frozen, StartFromSum: true}
	run := fitKohonen(t, kohonen(t, cfg), x, w, 5)
	near(t, "Q₀ / Q̄", run.Q0/run.Mean, l, 1e-3*l)
	for _, step := range []int{100, 500, 1000, 1500} {
		got, want := run.Q[step-1]/run.Mean, 1+(l-1)*math.Pow(1-lambda, float64(step))
		t.Logf("after %d steps: ratio %.4g, expected %.4g (prototype 1450, 27, 1.2, 1.05)", step, got, want)
		near(t, "ratio", got, want, 0.001*want+4*0.07) // Q itself swings by 7 %
	}
	cfg.StartFromSum = false
	near(t, "right start: Q₀ / Q̄", fitKohonen(t, kohonen(t, cfg), x, w, 5).Q0/run.Mean, 1, 1e-6)
}

// TestNoiseFloor is C4.4: for one centre and constant η, E‖w − μ‖² = η/(2−η)·tr Σ, within 3 %.
func TestNoiseFloor(t *testing.T) {
	needsLoop(t)
	const steps, burnIn = 200_000, 1000
	rng := rand.New(rand.NewPCG(6, 0))
	x := normals32(rng, steps, 2)
	for _, eta := range []float64{0.1, 0.5} {
		k := kohonen(t, KohonenConfig{Steps: steps, Rate: Schedule{Start: eta}, Every: 1, Pick: func(step int) int { return step }})
		run := fitKohonen(t, k, x, inBox(t, 1, 0, 0, 1), 0)
		mean := 0.0
		for _, w := range run.Trajectory[burnIn:] {
			mean += squaredDistance(w[0], []float64{0, 0}) / float64(steps+1-burnIn)
		}
		want := eta / (2 - eta) * 2
		t.Logf("η = %g: %.5f against %.5f (prototype .10527, .6663)", eta, mean, want)
		near(t, "noise floor", mean, want, 0.03*want)
	}
}

// TestOrderOfLines is C4.6: ρ² taken after the step is (1−η)² of the true one, and 0 at the first win with η = 1/n_y.
func TestOrderOfLines(t *testing.T) {
	x, w := tensors.MustFromAnyValue([][]float64{{3, -1}}), tensors.MustFromAnyValue([][]float64{{0.5, 2}})
	squared := func(cfg KohonenConfig) float64 {
		cfg.Steps = 1
		return fitKohonen(t, kohonen(t, cfg), x, w, 0).Squared[0]
	}
	right := squared(KohonenConfig{Rate: Schedule{Start: 0.3}})
	near(t, "before the step", right, 15.25, 1e-12)
	near(t, "after the step", squared(KohonenConfig{Rate: Schedule{Start: 0.3}, AfterStep: true}), 0.7*0.7*right, 1e-12)
	near(t, "after the first win", squared(KohonenConfig{MacQueen: true, AfterStep: true}), 0, 1e-12)
}

// TestAgainstLloyd is C4.5: the best of five runs on iris, K = 3, is within 0.5 % of Lloyd's best of 30, and never below it.
func TestAgainstLloyd(t *testing.T) {
	needsLoop(t)
	iris, err := data.Iris()
	if err != nil {
		t.Fatal(err)
	}
	iris = iris.Standardized()
	x := tensors.FromFlatDataAndDimensions(slices.Clone(iris.Values), iris.Len(), iris.Dim())
	_, lloyd, err := LloydBest(x, 3, 30, 1)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "Lloyd's Q̄", lloyd.Mean, 0.9321, 5e-5)
	const steps = 15_000
	k := kohonen(t, KohonenConfig{Steps: steps, Rate: Schedule{Func: func(t float64) float64 { return 0.2 / (1 + steps*t/200) }}})
	var ratios []float64
	for seed := range int64(5) {
		start, err := StartCenters("objects", x, 3, seed)
		if err != nil {
			t.Fatal(err)
		}
		ratios = append(ratios, fitKohonen(t, k, x, start, seed).Mean/lloyd.Mean)
	}
	t.Logf("Lloyd %.4f; runs / Lloyd %.4f (prototype: best ≤ 1.0011)", lloyd.Mean, ratios)
	if best := slices.Min(ratios); best < 1-1e-6 || best > 1.005 {
		t.Errorf("best run / Lloyd = %.6f, want 1 to 1.005", best)
	}
}

// TestStoppingRule replays the rule on the trace of a run without it: Q changes by at most the tolerance over each of
// three consecutive spans of 1/λ steps. From the sum, the rule first waits until the start is forgotten.
func TestStoppingRule(t *testing.T) {
	const lambda, tolerance = 0.002, 0.05
	x, start := ringOf8(t), inBox(t, 8, -3, 3, 7)
	cfg := KohonenConfig{Steps: 50_000, Lambda: lambda}
	free := fitKohonen(t, kohonen(t, cfg), x, start, 8)
	want, calm, before := 0, 0, free.Q0
	for step := 500; step <= len(free.Q) && calm < 3; step += 500 {
		calm++
		if q := free.Q[step-1]; math.Abs(q-before) > tolerance*before {
			calm = 0
		}
		want, before = step, free.Q[step-1]
	}
	cfg.Tolerance = tolerance
	run := fitKohonen(t, kohonen(t, cfg), x, start, 8)
	if !run.Stable || run.Steps != want || len(run.Q) != want || run.Recorded[len(run.Recorded)-1] != want {
		t.Errorf("stopped after %d steps (stable: %v, last record %d), want %d", run.Steps, run.Stable,
			run.Recorded[len(run.Recorded)-1], want)
	}
	cfg.StartFromSum = true
	late := fitKohonen(t, kohonen(t, cfg), x, start, 8)
	t.Logf("stopped after %d steps, from the sum after %d", run.Steps, late.Steps)
	if late.Steps < run.Steps+1000 {
		t.Errorf("from the sum the rule stops after %d steps, want later than %d", late.Steps, run.Steps)
	}
}

// TestKohonenSameNumbers: the same seed gives the same run, regardless of its division into calls. An interrupt stops
// the run at the end of the current call, with the results so far.
func TestKohonenSameNumbers(t *testing.T) {
	x, start := ringOf8(t), inBox(t, 8, -3, 3, 9)
	whole := fitKohonen(t, kohonen(t, KohonenConfig{Steps: 25_000, Every: 25_000}), x, start, 10)
	cfg := KohonenConfig{Steps: 25_000, Every: 100}
	cutUp := fitKohonen(t, kohonen(t, cfg), x, start, 10)
	if !slices.Equal(whole.Q, cutUp.Q) || !whole.Centers.Equal(cutUp.Centers) || !slices.Equal(whole.Wins, cutUp.Wins) {
		t.Error("a run in three calls differs from a run in one")
	}
	if other := fitKohonen(t, kohonen(t, cfg), x, start, 11); slices.Equal(other.Q, cutUp.Q) {
		t.Error("another seed gives the same run")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg.Pick = func(step int) int {
		if step == 5000 {
			cancel()
		}
		return step % 4000
	}
	k, want := kohonen(t, cfg), 10_000 // the end of the call in progress
	if k.oneByOne() {
		want = 5001
	}
	run, err := k.Fit(ctx, x, start, 0)
	if !errors.Is(err, context.Canceled) || run.Steps != want || len(run.Q) != want || run.Mean <= 0 {
		t.Errorf("after an interrupt: %v, %d steps, want %d", err, run.Steps, want)
	}
}

// TestKohonenBytes: pixels 0…255 are scaled to [0, 1].
func TestKohonenBytes(t *testing.T) {
	bytes := tensors.FromFlatDataAndDimensions([]uint8{0, 255, 255, 0, 51, 51}, 3, 2)
	start, err := StartCenters("objects", bytes, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	run := fitKohonen(t, kohonen(t, KohonenConfig{Steps: 100}), bytes, start, 1)
	for _, v := range must64(t, run.Centers) {
		if v < 0 || v > 1 {
			t.Errorf("centres %v, want them in [0, 1]", run.Centers)
		}
	}
}

func TestKohonenBadInput(t *testing.T) {
	backend, x := testx.Backend(t), ringOf8(t)
	for want, cfg := range map[string]KohonenConfig{
		"Steps = -1, want a positive number":                {Steps: -1},
		"Rate.Start = -0.1, want":                           {Rate: Schedule{Start: -0.1}},
		"Rate = 0 at step 0, want a number above 0":         {Rate: Schedule{Name: "constant", End: 1}},
		"Rate = NaN at step 0":                              {Rate: Schedule{Func: func(float64) float64 { return math.NaN() }}},
		"Rate.Start = 1.5, want a number from 0 to 1":       {Rate: Schedule{Start: 1.5}},
		"Lambda = 1.5, want a number above 0 and at most 1": {Lambda: 1.5},
		"Lambda = -0.1":                                     {Lambda: -0.1},
		"Lambda = NaN":                                      {Lambda: math.NaN()},
		"Tolerance = -1":                                    {Tolerance: -1},
		"Every = -1":                                        {Every: -1},
		"Width = 0 at step 999":                             {Kernel: "bubble", Width: Schedule{Func: func(t float64) float64 { return math.Floor((1-t)*1e4) - 1 }}},
		`Kernel = "wtm", want one of "bubble"`:              {Kernel: "wtm"},
		`Kernel = "mexican hat", step 0`:                    {Kernel: "mexican hat"},
		"MacQueen with KohonenConfig.Kernel = \"bubble":     {MacQueen: true, Kernel: "bubble"},
	} {
		if _, err := NewKohonen(backend, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	k := kohonen(t, KohonenConfig{Steps: 10, Pick: func(int) int { return 4000 }})
	if _, err := k.Fit(t.Context(), x, inBox(t, 3, 0, 1, 1), 0); err == nil || !strings.Contains(err.Error(), "want an object from 0 to 3999") {
		t.Errorf("Pick out of range: %v", err)
	}
	if _, err := k.Fit(t.Context(), tensors.FromFlatDataAndDimensions([]float32{}, 0, 2), inBox(t, 3, 0, 1, 1), 0); err == nil {
		t.Error("Fit accepts an empty set of objects")
	}
}

// BenchmarkKohonen times a run of 10 000 steps, 8 centres among 4000 objects of the plane, without compilation.
func BenchmarkKohonen(b *testing.B) {
	x, start := ringOf8(b), inBox(b, 8, -3, 3, 1)
	for _, kernel := range []string{"", "gaussian", "neural gas"} {
		b.Run("kernel="+kernel, func(b *testing.B) {
			k := kohonen(b, KohonenConfig{Kernel: kernel})
			if _, err := k.Fit(b.Context(), x, start, 1); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := k.Fit(b.Context(), x, start, 1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/step")
		})
	}
}
