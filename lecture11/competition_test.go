package lecture11

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// ringOf8 is the data of the checks of slides 2–5: eight Gaussians on a circle of radius 2, std 0.1.
func ringOf8(t testing.TB) *tensors.Tensor {
	t.Helper()
	p, err := data.Ring(8, 4000, 2, 0.1, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p.Tensor()
}

func kohonen(t testing.TB, cfg KohonenConfig) *Kohonen {
	t.Helper()
	k, err := NewKohonen(testx.Backend(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func fitKohonen(t testing.TB, k *Kohonen, x, start *tensors.Tensor, seed int64) *KohonenRun {
	t.Helper()
	run, err := k.Fit(t.Context(), x, start, seed)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func inBox(t testing.TB, m int, low, high float64, seed int64) *tensors.Tensor {
	t.Helper()
	w, err := StartInBox(m, []float64{low, low}, []float64{high, high}, seed)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// fall returns a width that falls geometrically.
func fall(from, to float64) Schedule { return Schedule{Name: "exponential", Start: from, End: to} }

// outcome bounds the dead centres of every seed and the median of Q̄.
type outcome struct {
	deadLow, deadHigh int
	low, high         float64
}

var (
	cured  = outcome{0, 0, 0.019, 0.025} // the oracle is 2·std² = 0.02
	inRing = outcome{7, 7, 3.9, 4.3}     // one living centre in the middle of the ring: R² = 4
	onOne  = outcome{7, 7, 7.7, 8.4}     // all centres on one Gaussian: 2R² = 8
)

// TestCompetitionTable is C5.1: dead centres of 8 and the median Q̄ of five rules from three starts, η = 0.05, 10⁴
// steps. The bounds on dead centres hold for each of ten seeds.
func TestCompetitionTable(t *testing.T) {
	needsLoop(t)
	x := ringOf8(t)
	boxes := []struct {
		name      string
		low, high float64
	}{{"near the ring's centre", -0.1, 0.1}, {"uniform on [-3, 3]²", -3, 3}, {"corner (5, 5)", 4.9, 5.1}}
	for _, rule := range []struct {
		name string
		cfg  KohonenConfig
		want [3]outcome
	}{
		{"winner takes all", KohonenConfig{}, [3]outcome{{1, 6, 0.3, 1.5}, {0, 4, 0.05, 1}, inRing}},
		{"gaussian, h 3→0.2", KohonenConfig{Kernel: "gaussian", Width: fall(3, 0.2)}, [3]outcome{onOne, onOne, onOne}},
		{"gaussian+winner, h 1.5→0.1", KohonenConfig{Kernel: "gaussian+winner", Width: fall(1.5, 0.1)},
			[3]outcome{{0, 1, 0.1, 0.8}, {0, 1, 0.1, 0.8}, inRing}},
		{"softmax, T 2→0.02", KohonenConfig{Kernel: "softmax", Width: fall(2, 0.02)}, [3]outcome{cured, cured, inRing}},
		{"neural gas, λ 4→0.05", KohonenConfig{Kernel: "neural gas", Width: fall(4, 0.05)},
			[3]outcome{cured, cured, cured}},
	} {
		k := kohonen(t, rule.cfg)
		for i, box := range boxes {
			want := rule.want[i]
			var dead []int
			var means []float64
			for seed := range int64(10) {
				run := fitKohonen(t, k, x, inBox(t, 8, box.low, box.high, 100+seed), seed)
				dead, means = append(dead, run.Dead()), append(means, run.Mean)
			}
			slices.Sort(means)
			median := (means[4] + means[5]) / 2
			t.Logf("%-26s %-22s dead %v, Q̄ %.3f (%.3f to %.3f)", rule.name, box.name, dead, median, means[0], means[9])
			if slices.Min(dead) < want.deadLow || slices.Max(dead) > want.deadHigh {
				t.Errorf("%s from %s: dead %v, want %d to %d", rule.name, box.name, dead, want.deadLow, want.deadHigh)
			}
			if median < want.low || median > want.high {
				t.Errorf("%s from %s: median Q̄ %.3f, want %.3f to %.3f", rule.name, box.name, median, want.low, want.high)
			}
		}
	}
}

// TestIndicatorIsWTA is C5.2: with K = [ρ = min ρ] the step of all centres computes the same arrays as the winner's
// step, bit by bit. The softmax tends to it as T → 0. The Gaussian does not: if it is narrow, no centre moves.
func TestIndicatorIsWTA(t *testing.T) {
	x, start := ringOf8(t), inBox(t, 8, -3, 3, 5)
	fit := func(cfg KohonenConfig) []float32 {
		cfg.Steps = 3000
		return tensors.MustCopyFlatData[float32](fitKohonen(t, kohonen(t, cfg), x, start, 6).Centers)
	}
	width := func(h float64) Schedule { return Schedule{Name: "constant", Start: h} }
	wta := fit(KohonenConfig{})
	if indicator := fit(KohonenConfig{Kernel: "indicator"}); !slices.Equal(wta, indicator) {
		t.Errorf("indicator kernel: %v\nwinner takes all: %v", indicator, wta)
	}
	cold := fit(KohonenConfig{Kernel: "softmax", Width: width(1e-6)})
	worst := 0.0
	for i := range wta {
		worst = max(worst, math.Abs(float64(cold[i]-wta[i])))
	}
	t.Logf("softmax at T = 1e-6: largest difference %.1e", worst)
	if worst > 1e-6 {
		t.Errorf("softmax at T = 1e-6 differs by %.2g, want at most 1e-6", worst)
	}
	if narrow := fit(KohonenConfig{Kernel: "gaussian", Width: width(1e-6)}); !slices.Equal(narrow, tensors.MustCopyFlatData[float32](start)) {
		t.Error("a Gaussian of width 1e-6 moved a centre")
	}
}

// naiveKernels are the kernels written again, for one centre among all.
var naiveKernels = map[string]func(rho []float64, y int, h float64) float64{
	"indicator": func(rho []float64, y int, h float64) float64 { return bracket(naiveRank(rho, y) == 0) },
	"gaussian":  func(rho []float64, y int, h float64) float64 { return math.Exp(-rho[y] * rho[y] / (2 * h * h)) },
	"gaussian+winner": func(rho []float64, y int, h float64) float64 {
		return math.Max(bracket(naiveRank(rho, y) == 0), math.Exp(-rho[y]*rho[y]/(2*h*h)))
	},
	"bubble":     func(rho []float64, y int, h float64) float64 { return bracket(rho[y] <= h) },
	"triangular": func(rho []float64, y int, h float64) float64 { return math.Max(0, 1-rho[y]/h) },
	"mexican hat": func(rho []float64, y int, h float64) float64 {
		u := rho[y] / h
		return (1 - u*u) * math.Exp(-u*u/2)
	},
	"softmax": func(rho []float64, y int, h float64) float64 {
		sum := 0.0
		for _, r := range rho {
			sum += math.Exp((rho[y]*rho[y] - r*r) / h)
		}
		return 1 / sum
	},
	"neural gas": func(rho []float64, y int, h float64) float64 { return math.Exp(-float64(naiveRank(rho, y)) / h) },
}

func bracket(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func naiveRank(rho []float64, y int) int {
	rank := 0
	for c := range rho {
		if rho[c] < rho[y] || rho[c] == rho[y] && c < y {
			rank++
		}
	}
	return rank
}

// TestWinnerTakesMostNaive compares training with every kernel with the same training written as Go loops, in float64.
func TestWinnerTakesMostNaive(t *testing.T) {
	if len(naiveKernels) != len(kernels) {
		t.Errorf("%d kernels written as loops, want all %d", len(naiveKernels), len(kernels))
	}
	const steps, m = 200, 5
	rng := rand.New(rand.NewPCG(3, 0))
	x, start := rows(rng, 50, 3), rows(rng, m, 3)
	for name, naive := range naiveKernels {
		t.Run(name, func(t *testing.T) {
			k := kohonen(t, KohonenConfig{Steps: steps, Kernel: name, Width: fall(1.5, 0.5), AnyKernel: true,
				Rate: Schedule{Name: "linear", Start: 0.3, End: 0.1}, Pick: func(step int) int { return step * 7 % 50 }})
			run := fitKohonen(t, k, tensors.MustFromAnyValue(x), tensors.MustFromAnyValue(start), 0)
			w := copyRows64(start)
			for step := range steps {
				share := float64(step) / steps
				eta, h := 0.3-0.2*share, 1.5*math.Pow(0.5/1.5, share)
				object, rho, pull := x[step*7%50], make([]float64, m), make([]float64, m)
				for y := range w {
					rho[y] = math.Sqrt(squaredDistance(object, w[y]))
				}
				for y := range w {
					pull[y] = naive(rho, y, h)
				}
				for y := range w {
					for j := range object {
						w[y][j] += eta * pull[y] * (object[j] - w[y][j])
					}
				}
			}
			for i, v := range tensors.MustCopyFlatData[float64](run.Centers) {
				near(t, "component", v, w[i/3][i%3], 1e-9)
			}
		})
	}
}

func copyRows64(x [][]float64) [][]float64 {
	c := make([][]float64, len(x))
	for i := range x {
		c[i] = slices.Clone(x[i])
	}
	return c
}

func TestRanks(t *testing.T) {
	squared := []float64{4, 1, 1, 9, 0, 1}
	got := run(t, ranks, squared)
	for y, want := range []float64{4, 1, 2, 5, 0, 3} {
		near(t, "rank", got[y], want, 0)
	}
}

// TestCheckKernel is C5.3: every kernel but the Mexican hat is non-negative and non-increasing. A step that overshoots
// the object is refused for every kernel.
func TestCheckKernel(t *testing.T) {
	backend := testx.Backend(t)
	for name, kernel := range kernels {
		for _, width := range []float64{0.05, 1, 30} {
			err := CheckKernel(backend, kernel, 1, width)
			if name == "mexican hat" {
				if err == nil || !strings.Contains(err.Error(), "want a non-negative") {
					t.Errorf("%s at width %g: %v, want an error about a negative value", name, width, err)
				}
			} else if err != nil {
				t.Errorf("%s at width %g: %v", name, width, err)
			}
		}
	}
	rising := func(squared, rank, width *Node) *Node { return OneMinus(Exp(Neg(squared))) }
	if err := CheckKernel(backend, rising, 0.1, 1); err == nil || !strings.Contains(err.Error(), "non-increasing") {
		t.Errorf("a rising kernel: %v, want an error", err)
	}
	strong := func(squared, rank, width *Node) *Node { return MulScalar(gaussian(squared, width), 3) }
	if err := CheckKernel(backend, strong, 0.33, 1); err != nil {
		t.Errorf("η·K(0) = 0.99: %v", err)
	}
	if err := CheckKernel(backend, strong, 0.34, 1); err == nil || !strings.Contains(err.Error(), "want at most 1") {
		t.Errorf("η·K(0) = 1.02: %v, want an error", err)
	}
	for _, cfg := range []KohonenConfig{
		{Kernel: "mexican hat"},
		{KernelFunc: strong, Rate: Schedule{Start: 0.5}},
		{KernelFunc: strong, Rate: Schedule{Start: 0.5}, AnyKernel: true},
	} {
		if _, err := NewKohonen(backend, cfg); err == nil {
			t.Errorf("%+v returned no error", cfg)
		}
	}
	if _, err := NewKohonen(backend, KohonenConfig{Kernel: "mexican hat", AnyKernel: true}); err != nil {
		t.Errorf("Mexican hat with AnyKernel: %v", err)
	}
	if _, err := KernelByName("wta"); err == nil || !strings.Contains(err.Error(), `"neural gas"`) {
		t.Errorf("unknown kernel: %v, want the known ones listed", err)
	}
}
