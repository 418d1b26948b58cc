package lecture11

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
)

func toyLinearGaussian(t *testing.T) (*LinearGaussian, []float64) {
	t.Helper()
	m, err := NewLinearGaussian(10, 2, 0.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m, m.Sample(1, 2)[0]
}

// TestPosteriorWeightsAreConstant is C12.1: under the exact posterior every weight is ln p(x), with no variance.
func TestPosteriorWeightsAreConstant(t *testing.T) {
	m, x := toyLinearGaussian(t)
	truth := m.Marginal(0).LogProb(x)
	for _, w := range m.LogWeights(x, m.Posterior(x, 3), 1000) {
		near(t, "ln w under the posterior", w, truth, 1e-10)
	}
}

// TestBoundGap is C12.2: with any other Gaussian q, ELBO = ln p(x) − KL(q ‖ p(z|x)), within 4 standard errors.
func TestBoundGap(t *testing.T) {
	m, x := toyLinearGaussian(t)
	q := m.Proposal(x, 0.2, 2, 4)
	elbo := NewEstimate(m.LogWeights(x, q, 100_000))
	want := m.Marginal(0).LogProb(x) - distmv.KullbackLeibler{}.DistNormal(q, m.Posterior(x, 0))
	t.Logf("ELBO %.4f ± %.4f, ln p − KL = %.4f", elbo.Mean, elbo.SE, want)
	near(t, "ELBO", elbo.Mean, want, 4*elbo.SE)
}

// TestBoundsRise is C12.3 on the toy: the bound does not fall with the number of codes and stays under ln p(x).
func TestBoundsRise(t *testing.T) {
	m, x := toyLinearGaussian(t)
	truth := m.Marginal(0).LogProb(x)
	const groups = 2000
	previous := math.Inf(-1)
	for _, k := range []int{1, 5, 50, 500} {
		w := m.LogWeights(x, m.Proposal(x, 0.2, 2, uint64(10+k)), k*groups)
		byCode := make([][]float64, k)
		for i := range byCode {
			byCode[i] = w[i*groups : (i+1)*groups]
		}
		e := NewEstimate(run(t, ImportanceBound, byCode))
		t.Logf("K = %3d: %.4f ± %.4f (ln p = %.4f)", k, e.Mean, e.SE, truth)
		if e.Mean < previous-4*e.SE || e.Mean > truth+4*e.SE {
			t.Errorf("bound of %d codes %.4f ± %.4f, want from %.4f to %.4f", k, e.Mean, e.SE, previous, truth)
		}
		previous = e.Mean
	}
}

// TestGraphWeightsMatchToy is C12.1 in the models' own float32 graph functions: ln w from GaussianLogLikelihood and
// GaussianLogDensity agrees with the oracle.
func TestGraphWeightsMatchToy(t *testing.T) {
	m, err := NewLinearGaussian(10, 1, 0.5, 1) // d = 1: the posterior is a diagonal Gaussian, as an encoder's
	if err != nil {
		t.Fatal(err)
	}
	x := m.Sample(1, 2)[0]
	post := m.Posterior(x, 0)
	var cov mat.SymDense
	post.CovarianceMatrix(&cov)
	mean, logVar := float32(post.Mean(nil)[0]), float32(math.Log(cov.At(0, 0)))
	var w, b, x32 []float32
	for i := range x {
		w, b, x32 = append(w, float32(m.W.At(i, 0))), append(b, float32(m.B[i])), append(x32, float32(x[i]))
	}
	weights := run(t, func(eps *Node) *Node {
		g := eps.Graph()
		z := Reparameterize(MulScalar(OnesLike(eps), mean), MulScalar(OnesLike(eps), logVar), eps)
		out := Add(Mul(z, ExpandAxes(Const(g, w), 0)), ExpandAxes(Const(g, b), 0)) // [k, n]
		objects := Add(ZerosLike(out), ExpandAxes(Const(g, x32), 0))
		joint := Add(GaussianLogLikelihood(objects, out, 0.5), GaussianLogDensity(z, ZerosLike(z), ZerosLike(z)))
		return Sub(joint, GaussianLogDensity(z, MulScalar(OnesLike(z), mean), MulScalar(OnesLike(z), logVar)))
	}, [][]float32{{-2}, {-0.5}, {0}, {1}, {3}})
	truth := m.Marginal(0).LogProb(x)
	for _, v := range weights {
		near(t, "ln w in float32", v, truth, 1e-3)
	}
}
