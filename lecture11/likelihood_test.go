package lecture11

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// run computes a graph function of the inputs and returns the values of its result.
func run[F ExecGraphFnOneOutput](t *testing.T, fn F, inputs ...any) []float64 {
	t.Helper()
	out, err := ExecOnce(testx.Backend(t), fn, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	if flat, err := tensors.CopyFlatData[float64](out); err == nil {
		return flat
	}
	values, err := float64s(out)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.8g, want %.8g ± %.1g", what, got, want, tolerance)
	}
}

// rows draws l rows of d numbers from N(0, 1).
func rows(rng *rand.Rand, l, d int) [][]float64 {
	x := make([][]float64, l)
	for i := range x {
		x[i] = make([]float64, d)
		for j := range x[i] {
			x[i][j] = rng.NormFloat64()
		}
	}
	return x
}

func TestKLDivergenceClosedForms(t *testing.T) {
	e := math.E
	for _, c := range []struct {
		name                string
		mean, logVar, prior float64
		want                float64
	}{
		{"at the prior", 0, 0, 1, 0},
		{"at a wide prior", 0, 2 * math.Log(1.5), 1.5, 0},
		{"C13.7: ln σ = ½ means ln σ² = 1", 0, 1, 1, (e - 2) / 2}, // .3591; .0744 if ln σ were given
		{"mean 2", 2, 0, 1, 2},
		{"prior 2", 1, 0, 2, (2.0/4 - 1 + math.Log(4)) / 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := run(t, func(m, lv *Node) *Node { return KLDivergence(m, lv, c.prior) },
				[][]float64{{c.mean}}, [][]float64{{c.logVar}})
			near(t, "KL", got[0], c.want, 1e-12)
		})
	}
}

// TestKLDivergenceNaive compares with the formula written as a loop and checks that KL is positive and a sum over
// components.
func TestKLDivergenceNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	mean, logVar := rows(rng, 1000, 3), rows(rng, 1000, 3)
	const s = 1.3
	got := run(t, func(m, lv *Node) *Node { return KLDivergence(m, lv, s) }, mean, logVar)
	for i := range mean {
		want := 0.0
		for j := range mean[i] {
			ratio := math.Exp(logVar[i][j]) / (s * s)
			want += (mean[i][j]*mean[i][j]/(s*s) + ratio - 1 - math.Log(ratio)) / 2
		}
		near(t, "KL", got[i], want, 1e-12*(1+want))
		if got[i] < 0 {
			t.Errorf("KL = %g < 0", got[i])
		}
	}
}

// TestKLDivergenceMonteCarlo is C13.1: the closed form agrees with 10⁶ draws, within 4 standard errors.
func TestKLDivergenceMonteCarlo(t *testing.T) {
	mean, logVar := []float64{0.8, -1.2, 0.1}, []float64{-1, 0.4, 0.9}
	for _, s := range []float64{1, 1.5} {
		e, err := MonteCarloKL(mean, logVar, s, 1_000_000, 3)
		if err != nil {
			t.Fatal(err)
		}
		closed := run(t, func(m, lv *Node) *Node { return KLDivergence(m, lv, s) }, [][]float64{mean}, [][]float64{logVar})
		t.Logf("s = %g: closed %.4f, Monte Carlo %.4f, SE %.4f", s, closed[0], e.Mean, e.SE)
		near(t, "KL", closed[0], e.Mean, 4*e.SE)
	}
}

func TestBernoulliLogLikelihood(t *testing.T) {
	zero := run(t, BernoulliLogLikelihood, [][]float64{make([]float64, 784)}, [][]float64{make([]float64, 784)})
	near(t, "C13.4: zero logits on 784 pixels", zero[0], -784*math.Ln2, 1e-9)

	x, a := [][]float64{{1, 0, 0.3}}, [][]float64{{1.5, -0.5, 2}}
	want := 0.0
	for j := range x[0] {
		p := 1 / (1 + math.Exp(-a[0][j]))
		want += x[0][j]*math.Log(p) + (1-x[0][j])*math.Log(1-p)
	}
	near(t, "against the naive sum", run(t, BernoulliLogLikelihood, x, a)[0], want, 1e-12)

	far := run(t, BernoulliLogLikelihood, [][]float64{{1, 0}, {0, 1}}, [][]float64{{1000, -1000}, {1000, -1000}})
	near(t, "certain and right", far[0], 0, 1e-12)
	near(t, "certain and wrong", far[1], -2000, 1e-9)
}

func TestGaussianDensities(t *testing.T) {
	x, m := [][]float64{{1, -2, 0.5}}, [][]float64{{0.5, -1, 0.5}}
	const std = 0.7
	want := 0.0
	for j := range x[0] {
		z := (x[0][j] - m[0][j]) / std
		want += -z*z/2 - math.Log(std) - math.Log(2*math.Pi)/2
	}
	got := run(t, func(x, m *Node) *Node { return GaussianLogLikelihood(x, m, std) }, x, m)
	near(t, "GaussianLogLikelihood", got[0], want, 1e-12)

	logVar := [][]float64{{2 * math.Log(std), 2 * math.Log(std), 2 * math.Log(std)}}
	near(t, "GaussianLogDensity", run(t, GaussianLogDensity, x, m, logVar)[0], want, 1e-12)
}

// TestGradients compares each formula's gradient with central differences in float64.
func TestGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	mean, logVar, eps := rows(rng, 2, 3), rows(rng, 2, 3), rows(rng, 2, 3)
	for name, loss := range map[string]func(in []*Node) *Node{
		"KLDivergence": func(in []*Node) *Node { return ReduceAllSum(KLDivergence(in[0], in[1], 1.4)) },
		"Reparameterize": func(in []*Node) *Node {
			return ReduceAllSum(Square(Reparameterize(in[0], in[1], in[2])))
		},
		"BernoulliLogLikelihood": func(in []*Node) *Node {
			return ReduceAllSum(BernoulliLogLikelihood(Sigmoid(in[0]), in[1]))
		},
		"GaussianLogLikelihood": func(in []*Node) *Node { return ReduceAllSum(GaussianLogLikelihood(in[0], in[1], 0.6)) },
		"GaussianLogDensity":    func(in []*Node) *Node { return ReduceAllSum(GaussianLogDensity(in[0], in[1], in[2])) },
		"ImportanceBound":       func(in []*Node) *Node { return ReduceAllSum(ImportanceBound(in[0])) },
	} {
		t.Run(name, func(t *testing.T) { testx.CheckGradient(t, unused(loss), mean, logVar, eps) })
	}
}

// unused adds 0·in to a loss, so that inputs that the loss does not use have a gradient (of 0) too.
func unused(loss func(in []*Node) *Node) func(in []*Node) *Node {
	return func(in []*Node) *Node {
		sum := loss(in)
		for _, x := range in {
			sum = Add(sum, MulScalar(ReduceAllSum(x), 0))
		}
		return sum
	}
}

// TestReparameterize is C13.2: ∇ E z² = (2μ, 2σ) within 4 standard errors, and the variance of one draw is far smaller
// than with the score function. Without the path through z there is no gradient.
func TestReparameterize(t *testing.T) {
	const mu, sigma, draws = 1.0, 0.5, 200_000
	d, err := NewGradientDraws(testx.Backend(t), mu, sigma, draws, 4)
	if err != nil {
		t.Fatal(err)
	}
	ours, score := NewEstimate(d.Reparameterized), NewEstimate(d.Score)
	near(t, "∇_μ", ours.Mean, 2*mu, 4*ours.SE)
	near(t, "∇_μ by the score function", score.Mean, 2*mu, 4*score.SE)
	near(t, "variance of one draw", ours.SE*ours.SE*draws, 1, 0.05)
	near(t, "variance of one draw, score function", score.SE*score.SE*draws, 21, 2)
	for _, g := range d.Detached[:100] {
		if g != 0 {
			t.Fatalf("gradient through a detached z = %g, want exactly 0", g)
		}
	}
	eps := rows(rand.New(rand.NewPCG(4, 0)), draws, 1)
	bySigma := NewEstimate(run(t, func(sigma, e *Node) *Node {
		z := Reparameterize(OnesLike(e), MulScalar(Log(sigma), 2), e)
		return Gradient(ReduceAllSum(Square(z)), sigma)[0]
	}, fill(draws, sigma), eps))
	near(t, "∇_σ", bySigma.Mean, 2*sigma, 4*bySigma.SE)
}

func fill(l int, v float64) [][]float64 {
	x := make([][]float64, l)
	for i := range x {
		x[i] = []float64{v}
	}
	return x
}

// TestImportanceBoundNaive: the bound agrees with the naive formula; weights near e^−10⁴ have a finite bound; adding c
// to every ln w adds c.
func TestImportanceBoundNaive(t *testing.T) {
	lw := [][]float64{{-1, -3}, {-2, -2.5}, {0.5, -4}}
	got := run(t, ImportanceBound, lw)
	for i := range got {
		sum := 0.0
		for k := range lw {
			sum += math.Exp(lw[k][i])
		}
		near(t, "bound", got[i], math.Log(sum/float64(len(lw))), 1e-12)
	}
	far := run(t, ImportanceBound, [][]float64{{-10_000, -11_000}, {-10_001, -11_000}})
	near(t, "far weights", far[0], -10_000+math.Log((1+math.Exp(-1))/2), 1e-9)
	near(t, "equal far weights", far[1], -11_000, 1e-9)
}
