package lecture11

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat/distuv"
)

// slideDensities returns p = ½N(±2, .5²) and q = N(0, 1.5²) of slides 21–24.
func slideDensities() (p, q func(float64) float64, over Interval) {
	left, right := distuv.Normal{Mu: -2, Sigma: 0.5}, distuv.Normal{Mu: 2, Sigma: 0.5}
	wide := distuv.Normal{Sigma: 1.5}
	return func(x float64) float64 { return (left.Prob(x) + right.Prob(x)) / 2 }, wide.Prob, Interval{Low: -12, High: 12}
}

// TestGameValue is C23.1: V(D*, G) = −ln 4 + 2·JSD (1e-3; −.92672 for the chosen densities), and V of any other D is smaller. V
// is −ln 4 for p = q and 0 for disjoint densities, where JSD is ln 2 nats, not 1 bit.
func TestGameValue(t *testing.T) {
	p, q, over := slideDensities()
	best := func(x float64) float64 { return OptimalDiscriminator(p(x), q(x)) }
	value := must(GameValue(best, p, q, over))
	jsd := must(JensenShannon(p, q, over))
	near(t, "V(D*, G)", value, -math.Log(4)+2*jsd, 1e-9)
	near(t, "V(D*, G), the lecture's", value, -0.9267, 1e-3)
	for _, shift := range []float64{-0.1, 0.1, 0.3} {
		other := func(x float64) float64 { return 1 / (1 + math.Exp(-math.Log(best(x)/(1-best(x)))-shift)) }
		if v := must(GameValue(other, p, q, Interval{Low: -7, High: 7})); v >= value {
			t.Errorf("D* shifted by %g in its logit: V = %g, want less than %g", shift, v, value)
		}
	}
	near(t, "V for p = q", must(GameValue(func(float64) float64 { return 0.5 }, p, p, over)), -math.Log(4), 1e-6)
	near(t, "JSD for p = q", must(JensenShannon(p, p, over)), 0, 1e-12)
	a, b := distuv.Uniform{Min: 0, Max: 1}, distuv.Uniform{Min: 2, Max: 3}
	near(t, "JSD of disjoint densities", must(JensenShannon(a.Prob, b.Prob, Interval{Low: -1, High: 4, Points: 20_000})), math.Ln2, 1e-3)
	_, err := JensenShannon(p, q, Interval{Low: 1, High: 0})
	wantError(t, err, "Interval{Low: 1, High: 0")
}

// TestOptimalDiscriminator is the exact part of C22.2: for N(∓1, 1) the logit of D* is −2x, and D* is better than any
// other value at a point.
func TestOptimalDiscriminator(t *testing.T) {
	p, q := distuv.Normal{Mu: -1, Sigma: 1}, distuv.Normal{Mu: 1, Sigma: 1}
	for x := -3.0; x <= 3; x += 0.5 {
		d := OptimalDiscriminator(p.Prob(x), q.Prob(x))
		near(t, "logit of D*", math.Log(d/(1-d)), -2*x, 1e-9)
	}
	if !math.IsNaN(OptimalDiscriminator(0, 0)) {
		t.Error("D* where both densities are 0: want NaN")
	}
}

// TestLogisticDiscriminator is the trained part of C22.2: logistic regression between N(−1, 1), real, and N(1, 1)
// finds the slope −2 and the intercept 0 of the logit of D*, within three standard errors by Fisher's information. It
// uses one seed and prints the standard errors.
func TestLogisticDiscriminator(t *testing.T) {
	const l = 20_000
	rng, x, real := rand.New(rand.NewPCG(3, 0)), make([]float64, l), make([]int, l)
	var a, b, c float64 // sums of D(1 − D), D(1 − D)x and D(1 − D)x²
	for i := range x {
		real[i] = i % 2
		x[i] = rng.NormFloat64() + 1 - 2*float64(real[i])
		d := OptimalDiscriminator(math.Exp(-(x[i]+1)*(x[i]+1)/2), math.Exp(-(x[i]-1)*(x[i]-1)/2))
		a, b, c = a+d*(1-d), b+d*(1-d)*x[i], c+d*(1-d)*x[i]*x[i]
	}
	m := newClassifier(t, ClassifierConfig{Features: 1, Classes: 2, Hidden: []int{}, Seed: 1})
	runTraining(t, must(m.Training(tensors.FromFlatDataAndDimensions(x, l, 1), real, "two Gaussians",
		FitConfig{Epochs: 20, Batch: 1000, LearningRate: 0.1, Decay: "cosine", Seed: 1})))
	d := must(Columns(must(m.Predict(tensors.FromValue([][]float64{{0}, {1}})))))[1]
	logit := func(d float64) float64 { return math.Log(d / (1 - d)) }
	slopeSE, interceptSE := math.Sqrt(a/(a*c-b*b)), math.Sqrt(c/(a*c-b*b))
	t.Logf("slope %.3f ± %.3f, intercept %.3f ± %.3f", logit(d[1])-logit(d[0]), slopeSE, logit(d[0]), interceptSE)
	near(t, "slope", logit(d[1])-logit(d[0]), -2, 3*slopeSE)
	near(t, "intercept", logit(d[0]), 0, 3*interceptSE)
}

// TestWasserstein1 is C28.1: the sorted mean is ∫|F − G| of the samples (1e-9). It equals the shift for a shifted
// copy, and is close to θ for samples of N(0, 1) and N(θ, 1).
func TestWasserstein1(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	const n = 2000
	x, y, shifted := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		x[i], y[i] = rng.NormFloat64(), 2+rng.NormFloat64()
		shifted[i] = x[i] + 2
	}
	w := must(Wasserstein1(x, y))
	near(t, "∫|F − G|", w, areaBetween(x, y), 1e-9)
	near(t, "N(0, 1) and N(2, 1)", w, 2, 0.1)
	near(t, "a shifted copy", must(Wasserstein1(x, shifted)), 2, 1e-9)
	_, err := Wasserstein1(x, y[:3])
	wantError(t, err, "2000 and 3 values")
	for _, theta := range []float64{-3, 0, 0.01, 3} {
		jsd, w1 := TwoPoints(theta)
		near(t, "W₁ of two points", w1, math.Abs(theta), 0)
		if want := map[bool]float64{true: 0, false: math.Ln2}[theta == 0]; jsd != want {
			t.Errorf("JSD of points 0 and %g: %g, want %g", theta, jsd, want)
		}
	}
}

// areaBetween returns ∫|F − G| of the distribution functions of two samples, step by step.
func areaBetween(x, y []float64) float64 {
	all := append(slices.Clone(x), y...)
	slices.Sort(all)
	below := func(sample []float64, v float64) float64 {
		count := 0
		for _, s := range sample {
			if s <= v {
				count++
			}
		}
		return float64(count) / float64(len(sample))
	}
	area := 0.0
	for i := 1; i < len(all); i++ {
		area += math.Abs(below(x, all[i-1])-below(y, all[i-1])) * (all[i] - all[i-1])
	}
	return area
}

// TestBilinearGame is C24.3: simultaneous steps, 100 of size .1, grow by √(1 + η²)^100 = 1.64463 (1e-5). In turns x² +
// y² − ηxy is constant (1e-10). Neither converges.
func TestBilinearGame(t *testing.T) {
	once := must(BilinearGame(1, 0.5, 0.1, 100, false))
	turns := must(BilinearGame(1, 0.5, 0.1, 100, true))
	size := func(p [2]float64) float64 { return math.Hypot(p[0], p[1]) }
	near(t, "growth", size(once[100])/size(once[0]), 1.64463, 1e-5)
	invariant := func(p [2]float64) float64 { return p[0]*p[0] + p[1]*p[1] - 0.1*p[0]*p[1] }
	for _, p := range turns {
		near(t, "x² + y² − ηxy", invariant(p), invariant(turns[0]), 1e-10)
		if size(p) < 0.5 {
			t.Errorf("in turns: %v is nearer than half of the start", p)
		}
	}
	_, err := BilinearGame(1, 1, 0, 3, true)
	wantError(t, err, "size 0")
}

// TestCriticGap compares with values of a finer quadrature in NumPy (28 units in 5 600 parts, u in 2 000).
func TestCriticGap(t *testing.T) {
	near(t, "θ = 1, λ = 1", must(CriticGap(1, 1)), 1+1.0890711662/2, 1e-4)
	near(t, "θ = 3, λ = 10", must(CriticGap(3, 10)), 3+9.259070257/20, 1e-4)
	near(t, "a hard constraint", must(CriticGap(2, 1e9)), 2, 1e-6)
	near(t, "no shift", must(CriticGap(0, 1)), 0, 1e-12)
	_, err := CriticGap(-1, 1)
	wantError(t, err, "θ = -1")
}
