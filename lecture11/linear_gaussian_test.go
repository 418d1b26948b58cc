package lecture11

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"

	"deeplearning.example/internal/testx"
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

// TestBoundsRise is C12.3 on the toy: the bound does not fall with the number of codes and is at most ln p(x).
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

// TestGraphWeightsMatchToy is C12.1 for the models' own float32 graph functions: ln w from GaussianLogLikelihood and
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

// TestLinearVAE is C12.3 during the training of a model: for unseen objects ELBO ≤ L_50 ≤ ln p_β(x) at each evaluation,
// with p_β known from the current decoder. At the end ln p is that of the data's own distribution (KL under 0.05 nats),
// and the ELBO has reached it, because the decoder can rotate its codes until the posterior is as diagonal as the
// encoder's.
func TestLinearVAE(t *testing.T) {
	toy, err := NewLinearGaussian(10, 2, 0.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []float64{1, 2} {
		vae, err := NewVAE(testx.Backend(t), VAEConfig{Features: 10, Latent: 2, Hidden: []int{}, Likelihood: "gaussian",
			NoiseStd: 0.5, PriorStd: s, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		training, err := vae.Training(toy.Objects(5000, 3), "toy", FitConfig{Epochs: 200, Batch: 100, StepsPerCall: 1000,
			LearningRate: 1e-2, Decay: "linear", Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		unseen := toy.Objects(2000, 4)
		best, err := toy.LogLikelihood(unseen)
		if err != nil {
			t.Fatal(err)
		}
		var last [3]float64
		err = training.Run(t.Context(), func(step int, _ map[string]float64) error {
			last = orderedBounds(t, vae, unseen, step)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "ln p of the trained model on unseen objects", last[2], best.Mean, 0.05)
		near(t, "ELBO at the end", last[0], last[2], 0.05)
	}
}

// orderedBounds returns ELBO, L_50 and ln p of unseen objects. It reports an error unless they are in this order, as a
// mean over the objects (4 SE of the difference).
func orderedBounds(t *testing.T, vae *VAE, unseen *tensors.Tensor, step int) [3]float64 {
	t.Helper()
	learnt, err := vae.LinearGaussian()
	if err != nil {
		t.Fatal(err)
	}
	elbo, err := vae.ELBO(unseen, 1)
	if err != nil {
		t.Fatal(err)
	}
	bound, err := vae.ImportanceBound(unseen, 50, 2)
	if err != nil {
		t.Fatal(err)
	}
	truth, err := learnt.LogLikelihood(unseen)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]Estimate{{elbo.Bound, bound}, {bound, truth}} {
		gap := make([]float64, len(truth.PerObject))
		for i := range gap {
			gap[i] = pair[1].PerObject[i] - pair[0].PerObject[i]
		}
		if e := NewEstimate(gap); e.Mean < -4*e.SE-1e-5 {
			t.Errorf("step %d: ELBO %v, L_50 %v, ln p %v: gap %v, want none below 0", step, elbo.Bound, bound, truth, e)
		}
	}
	t.Logf("step %d: ELBO %.4f, L_50 %.4f, ln p %.4f", step, elbo.Bound.Mean, bound.Mean, truth.Mean)
	return [3]float64{elbo.Bound.Mean, bound.Mean, truth.Mean}
}

// TestLinearGaussianRefuses: models whose p(x) is not known, and objects of another size, are refused.
func TestLinearGaussianRefuses(t *testing.T) {
	for _, c := range []VAEConfig{{}, {Hidden: []int{}}, {Hidden: []int{}, Likelihood: "gaussian", Classes: 2}} {
		c.Features, c.Latent = 4, 2
		vae, err := NewVAE(testx.Backend(t), c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := vae.LinearGaussian(); err == nil || !strings.Contains(err.Error(), "LinearGaussian of a VAE with") {
			t.Errorf("%+v: error %v, want one that names the fields", c, err)
		}
	}
	toy, err := NewLinearGaussian(10, 2, 0.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := toy.LogLikelihood(tensors.FromValue([][]float32{{1, 2}})); err == nil || !strings.Contains(err.Error(), "10") {
		t.Errorf("objects of 2 components: error %v, want one that names 10", err)
	}
}
