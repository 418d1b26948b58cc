package lecture11

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// trainAutoencoder trains a model on x and returns it.
func trainAutoencoder(t *testing.T, cfg AutoencoderConfig, fit FitConfig, x *tensors.Tensor, dataID string) *Autoencoder {
	t.Helper()
	m, err := NewAutoencoder(testx.Backend(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	training, err := m.Training(x, dataID, fit)
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return m
}

// ringScore trains a denoising autoencoder of 2-128-128-2 units on the ring. The code between the hidden layers is
// affine and loses nothing. It compares its score on new x̃ with that of p_σ and with that of p.
func ringScore(t *testing.T, sigma float64, epochs int) (right, wrong FieldError) {
	t.Helper()
	ring, err := data.Ring(8, 16_000, 2, 0.3, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := trainAutoencoder(t, AutoencoderConfig{Features: 2, Latent: 128, Hidden: []int{128}, Activation: "tanh",
		Corruption: Corruption{"gaussian", sigma}, Seed: 1}, FitConfig{Epochs: epochs, Decay: "cosine", Seed: 1},
		ring.Tensor(), ring.ID)
	fresh, err := data.Ring(8, 4000, 2, 0.3, 2)
	if err != nil {
		t.Fatal(err)
	}
	noisy, err := Corrupt(testx.Backend(t), fresh.Tensor(), Corruption{"gaussian", sigma}, 3)
	if err != nil {
		t.Fatal(err)
	}
	score, err := m.Score(noisy)
	if err != nil {
		t.Fatal(err)
	}
	return fieldError(t, score, noisy, ring3(t, sigma)), fieldError(t, score, noisy, ring3(t, 0))
}

// fieldError compares a score at x with that of p.
func fieldError(t *testing.T, score, x *tensors.Tensor, p *GaussianMixture) FieldError {
	t.Helper()
	truth, err := EachObject(x, p.Score)
	if err != nil {
		t.Fatal(err)
	}
	e, err := CompareFields(score, truth)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestDenoiserIsScore is C11.2, with one seed. After 10 000 steps (3000 with -short) the network's score is within
// 0.10 of ∇ ln p_σ, with a cosine of 0.995. Compared with ∇ ln p of the clean data the same network is far off. A
// network for σ = 0.1 is also far off, because its error is divided by σ².
func TestDenoiserIsScore(t *testing.T) {
	long(t)
	epochs := 80
	if testing.Short() {
		epochs = 24
	}
	right, wrong := ringScore(t, 0.5, epochs)
	t.Logf("σ = 0.5: %v; against the unsmoothed score: %v", right, wrong)
	if !(right.Relative <= 0.10 && right.Cosine >= 0.995) && !testing.Short() || right.Relative > 0.15 {
		t.Errorf("σ = 0.5: %v, want at most 0.10 and at least 0.995", right)
	}
	near(t, "relative error against ∇ ln p", wrong.Relative, 0.79, 0.05)
	small, _ := ringScore(t, 0.1, 24)
	t.Logf("σ = 0.1: %v", small)
	if small.Relative < 0.15 || small.Relative < 3*right.Relative {
		t.Errorf("σ = 0.1: relative error %.3f, want at least 0.15 and three times that of σ = 0.5", small.Relative)
	}
}

// TestLinearDenoising is C11.3, with one seed. A linear denoising autoencoder on N(0, diag(3², 1, 0.3²)) with σ = 0.7
// learns the matrix diag(s_j²/(s_j² + σ²)): the diagonal within 1 %, the other elements within 0.01.
func TestLinearDenoising(t *testing.T) {
	std, rng := []float64{3, 1, 0.3}, rand.New(rand.NewPCG(1, 0))
	flat := make([]float32, 0, 600_000)
	for range 200_000 {
		for _, s := range std {
			flat = append(flat, float32(s*rng.NormFloat64()))
		}
	}
	x, noise := tensors.FromFlatDataAndDimensions(flat, 200_000, 3), Corruption{"gaussian", 0.7}
	m := trainAutoencoder(t, AutoencoderConfig{Features: 3, Latent: 3, Hidden: []int{}, Corruption: noise, Seed: 1},
		FitConfig{Epochs: 10, Batch: 500, LearningRate: 1e-2, Decay: "linear", Seed: 1}, x, "N(0, diag s²)")
	encoder, decoder, err := m.LinearMaps()
	if err != nil {
		t.Fatal(err)
	}
	var learnt mat.Dense
	learnt.Mul(decoder.Matrix, encoder.Matrix)
	exact, err := LinearDenoiser(x, noise)
	if err != nil {
		t.Fatal(err)
	}
	slopes, err := LinearSlopes(std, 0.7)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range slopes {
		t.Logf("s = %g: slope %.4f, closed form %.4f", std[i], learnt.At(i, i), want)
		near(t, "closed form", want, []float64{0.9484, 0.6711, 0.1552}[i], 5e-5)
		for j := range slopes {
			if i == j {
				near(t, "slope learnt", learnt.At(i, i), want, 0.01*want)
				near(t, "slope of the sample", exact.At(i, i), want, 0.01*want)
				continue
			}
			near(t, "off the diagonal", learnt.At(i, j), 0, 0.01)
			near(t, "off the diagonal, sample", exact.At(i, j), 0, 0.01)
		}
	}
}

// TestMarginalisedMasking is C11.4: W = Q⁻¹P is within 1 % of ‖W‖ of the least-squares solution on 500 copies of the
// objects, each with its own mask, for each of three seeds. With the 1/(1 − p₀) of dropout the difference would be 1.
func TestMarginalisedMasking(t *testing.T) {
	const l, n, copies, p0 = 200, 5, 500, 0.3
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 0))
		x := mat.NewDense(l, n, nil)
		for i, z := range rows(rng, l, n) {
			for j := range n { // correlated components of different spread, away from the origin
				x.Set(i, j, 1+z[j]*float64(j+1)/2+z[0])
			}
		}
		w, err := LinearDenoiser(tensors.FromFlatDataAndDimensions(x.RawMatrix().Data, l, n), Corruption{"masking", p0})
		if err != nil {
			t.Fatal(err)
		}
		sampled := maskedLeastSquares(rng, x, copies, p0)
		relative := distance(w, sampled) / mat.Norm(w, 2)
		t.Logf("seed %d: %.4f from least squares on %d copies", seed, relative, copies)
		if relative > 0.01 {
			t.Errorf("seed %d: W is %.4f of its norm away from least squares, want at most 0.01", seed, relative)
		}
		var dropout mat.Dense // the result with dropout's scaling of the survivors
		dropout.Scale(1-p0, w)
		if d := distance(&dropout, sampled) / mat.Norm(w, 2); d < 0.2 {
			t.Errorf("seed %d: survivors times 1/(1 − p₀): only %.3f away, want a clear difference", seed, d)
		}
	}
}

// maskedLeastSquares is the least-squares W of x̃W ≈ x on copies of x, each component masked with probability p₀.
func maskedLeastSquares(rng *rand.Rand, x *mat.Dense, copies int, p0 float64) *mat.Dense {
	l, n := x.Dims()
	q, p := mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
	noisy := mat.NewDense(l, n, nil)
	for range copies {
		noisy.Apply(func(_, _ int, v float64) float64 {
			if rng.Float64() < p0 {
				return 0
			}
			return v
		}, x)
		var square, cross mat.Dense
		square.Mul(noisy.T(), noisy)
		cross.Mul(noisy.T(), x)
		q.Add(q, &square)
		p.Add(p, &cross)
	}
	var w mat.Dense
	if err := w.Solve(q, p); err != nil {
		panic(err)
	}
	return &w
}

func distance(a, b mat.Matrix) float64 {
	var d mat.Dense
	d.Sub(a, b)
	return mat.Norm(&d, 2)
}

// TestDenoisingMNIST is C11.5 and C11.6 on part of MNIST, with one seed. From noisy digits the denoising autoencoder
// reconstructs better than the plain one, and both better than the noisy digits themselves. From clean digits the
// plain one is better. The codes of the denoising one are more stable.
func TestDenoisingMNIST(t *testing.T) {
	long(t)
	if testing.Short() {
		t.Skip("two trainings")
	}
	train, test, err := data.MNIST(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if train, err = train.Head(10_000); err != nil {
		t.Fatal(err)
	}
	if test, err = test.Head(1000); err != nil {
		t.Fatal(err)
	}
	noise, clean := Corruption{"gaussian", 0.5}, test.Tensor()
	noisy, err := Corrupt(testx.Backend(t), clean, noise, 7)
	if err != nil {
		t.Fatal(err)
	}
	measure := func(c Corruption) (fromNoisy, fromClean, instability float64) {
		m := trainAutoencoder(t, AutoencoderConfig{Features: 784, Latent: 64, Hidden: []int{256}, Corruption: c, Seed: 1},
			FitConfig{Epochs: 8, LearningRate: 2e-3, Decay: "cosine", Seed: 1}, train.Tensor(), train.ID)
		fromNoisy, fromClean = rebuildError(t, m, noisy, clean), rebuildError(t, m, clean, clean)
		a, err := m.Encode(clean)
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.Encode(noisy)
		if err != nil {
			t.Fatal(err)
		}
		if instability, err = CodeInstability(a, b); err != nil {
			t.Fatal(err)
		}
		t.Logf("%v: error a pixel %.4f from noisy, %.4f from clean digits; instability %.3f", c, fromNoisy, fromClean, instability)
		return fromNoisy, fromClean, instability
	}
	dae, daeClean, daeMoves := measure(noise)
	ae, aeClean, aeMoves := measure(Corruption{})
	nothing := meanSquare(t, noisy, clean)
	near(t, "error of the noise itself", nothing, 0.25, 0.002)
	if !(dae < 0.8*ae && ae < 0.6*nothing) {
		t.Errorf("C11.5: %.4f, %.4f, %.4f, want denoising < 0.8 plain, plain < 0.6 noise", dae, ae, nothing)
	}
	if !(aeClean < 0.8*daeClean) {
		t.Errorf("C11.5, clean digits: plain %.4f, denoising %.4f, want plain < 0.8 denoising", aeClean, daeClean)
	}
	if !(daeMoves < 0.6*aeMoves) || math.IsNaN(aeMoves) {
		t.Errorf("C11.6: instability of codes %.3f and %.3f, want denoising < 0.6 plain", daeMoves, aeMoves)
	}
}

// rebuildError returns the mean squared error per component between clean and the reconstruction of x by a model.
func rebuildError(t *testing.T, m *Autoencoder, x, clean *tensors.Tensor) float64 {
	t.Helper()
	rebuilt, err := m.Reconstruct(x)
	if err != nil {
		t.Fatal(err)
	}
	return meanSquare(t, rebuilt, clean)
}
