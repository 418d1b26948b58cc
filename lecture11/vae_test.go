package lecture11

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// mnist returns the first images of both sets with a fixed binarisation.
func mnist(t *testing.T, trainCount, testCount int) (train, test *data.Images) {
	t.Helper()
	train, test, err := data.MNIST(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if train, err = train.Head(trainCount); err != nil {
		t.Fatal(err)
	}
	if test, err = test.Head(testCount); err != nil {
		t.Fatal(err)
	}
	return train.Binarized(1), test.Binarized(2)
}

// trainVAE trains on the images and returns the model.
func trainVAE(t *testing.T, cfg VAEConfig, fit FitConfig, images *data.Images) *VAE {
	t.Helper()
	vae, err := NewVAE(testx.Backend(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	training, err := vae.Training(images.Tensor(), images.ID, fit)
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	return vae
}

func elbo(t *testing.T, m *VAE, x *tensors.Tensor) ELBO {
	t.Helper()
	e, err := m.ELBO(x, 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(e)
	return e
}

// TestVAETwoPatterns: the entropy of two equally frequent patterns is ln 2 nats, and no model's −ELBO on them can be
// lower. A small VAE comes within half a nat: between its two clusters the prior has mass that decodes to neither
// pattern.
func TestVAETwoPatterns(t *testing.T) {
	flat := make([]float32, 0, 8*64)
	for i := range 64 {
		for j := range 8 {
			flat = append(flat, float32((i+j)%2))
		}
	}
	x := tensors.FromFlatDataAndDimensions(flat, 64, 8)
	vae, err := NewVAE(testx.Backend(t), VAEConfig{Features: 8, Latent: 1, Hidden: []int{16}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	training, err := vae.Training(x, "two patterns", FitConfig{Epochs: 1500, Batch: 64, LearningRate: 1e-2})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	e, err := vae.ImportanceBound(x, 5000, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("−bound of 5000 codes %.4f ± %.4f, entropy %.4f", -e.Mean, e.SE, math.Ln2)
	if -e.Mean < math.Ln2-4*e.SE || -e.Mean > math.Ln2+0.5 {
		t.Errorf("−bound = %.4f, want ln 2 = %.4f to %.4f", -e.Mean, math.Ln2, math.Ln2+0.5)
	}
	if b := elbo(t, vae, x).Bound; -b.Mean < math.Ln2-4*b.SE {
		t.Errorf("−ELBO = %.4f ± %.4f, below the entropy %.4f", -b.Mean, b.SE, math.Ln2)
	}
}

// TestVAEMNIST trains a small model on part of MNIST once and checks claims of the lecture: C12.3, C12.4, C13.3.
func TestVAEMNIST(t *testing.T) {
	long(t)
	train, test := mnist(t, 10_000, 500)
	vae := trainVAE(t, VAEConfig{Features: 784, Latent: 16, Hidden: []int{256}, Seed: 1}, FitConfig{Epochs: 6, Seed: 1}, train)
	x := test.Tensor()
	e := elbo(t, vae, x)
	if e.Bound.Mean < -150 {
		t.Errorf("ELBO %.1f after 6 epochs on 10 000 digits, want at least -150", e.Bound.Mean)
	}
	t.Run("bounds rise", func(t *testing.T) { checkBoundsRise(t, vae, x) })
	t.Run("two forms agree", func(t *testing.T) { checkTwoForms(t, vae, x, e) })
	t.Run("who gets which gradient", func(t *testing.T) { checkGradientNorms(t, vae, x) })
	t.Run("uses", func(t *testing.T) { checkUses(t, vae, x) })
}

// checkBoundsRise is C12.3 on MNIST: the bound does not fall with the number of codes.
func checkBoundsRise(t *testing.T, vae *VAE, x *tensors.Tensor) {
	previous := math.Inf(-1)
	for _, k := range []int{1, 5, 50} {
		e, err := vae.ImportanceBound(x, k, 4)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("K = %2d: %v", k, e)
		if e.Mean < previous {
			t.Errorf("bound of %d codes %.2f, below the one of fewer codes, %.2f", k, e.Mean, previous)
		}
		previous = e.Mean
	}
}

// checkTwoForms is C12.4: E[ln p(x,z) − ln q] and reconstruction − closed KL agree within 4 standard errors of the paired
// differences.
func checkTwoForms(t *testing.T, vae *VAE, x *tensors.Tensor, e ELBO) {
	weights, err := vae.ImportanceBound(x, 1, 5)
	if err != nil {
		t.Fatal(err)
	}
	difference := make([]float64, len(weights.PerObject))
	for i, w := range weights.PerObject {
		difference[i] = w - e.Bound.PerObject[i]
	}
	d := NewEstimate(difference)
	t.Logf("difference %.3f ± %.3f", d.Mean, d.SE)
	near(t, "difference of the two forms", d.Mean, 0, 4*d.SE)
}

// checkGradientNorms is C13.3: the gradient of KL in the decoder is exactly 0; the encoder gets both gradients.
func checkGradientNorms(t *testing.T, vae *VAE, x *tensors.Tensor) {
	n, err := vae.GradientNorms(x, 6)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", n)
	if n.KLDecoder != 0 {
		t.Errorf("∇_β KL has norm %g, want exactly 0", n.KLDecoder)
	}
	if !(n.ReconstructionEncoder > 0 && n.KLEncoder > 0 && n.ReconstructionDecoder > 0) {
		t.Errorf("gradients %+v, want the other three positive", n)
	}
}

// checkUses checks that each use of a trained model returns the results that its comment describes.
func checkUses(t *testing.T, vae *VAE, x *tensors.Tensor) {
	mean, logVar, err := vae.Encode(x)
	if err != nil {
		t.Fatal(err)
	}
	mean.Shape().Assert(mean.DType(), 500, 16)
	stats, err := NewCodeStatistics(mean, logVar)
	if err != nil {
		t.Fatal(err)
	}
	if a := stats.Active(); a < 8 || a > 16 {
		t.Errorf("%d active components, want 8 to 16", a)
	}
	rec, err := vae.Reconstruct(x)
	if err != nil {
		t.Fatal(err)
	}
	other, err := vae.Generate(500, 1)
	if err != nil {
		t.Fatal(err)
	}
	ours, chance := meanSquare(t, x, rec), meanSquare(t, x, other)
	if ours > chance/2 {
		t.Errorf("squared distance to the reconstruction %.4f a pixel, to random samples %.4f, want less than half", ours, chance)
	}
	similar, err := vae.Similar(x, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	similar.Shape().Assert(similar.DType(), 1500, 784)
	again, err := vae.Generate(500, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !again.Equal(other) {
		t.Error("the same seed generates other objects")
	}
}

func meanSquare(t *testing.T, x, y *tensors.Tensor) float64 {
	t.Helper()
	e, err := MeanSquaredError(x, y)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestMeanSquaredError checks MeanSquaredError and related functions on samples computed by hand.
func TestMeanSquaredError(t *testing.T) {
	x, y := tensors.FromValue([][]uint8{{0, 51}}), tensors.FromValue([][]float32{{0.5, 0.2}})
	near(t, "error", meanSquare(t, x, y), 0.125, 1e-7)
	if _, err := MeanSquaredError(x, tensors.FromValue([][]float32{{1}})); err == nil {
		t.Error("MeanSquaredError accepts different shapes")
	}
}

func TestNeighbourAgreement(t *testing.T) {
	z := tensors.FromValue([][]float32{{0, 0}, {0, 1}, {5, 5}, {5, 6}})
	for _, c := range []struct {
		labels []int
		want   float64
	}{{[]int{1, 1, 2, 2}, 1}, {[]int{1, 2, 2, 2}, 0.5}, {[]int{1, 2, 1, 2}, 0}} {
		got, err := NeighbourAgreement(z, c.labels)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "agreement", got, c.want, 1e-12)
	}
	if _, err := NeighbourAgreement(z, []int{1}); err == nil {
		t.Error("fewer labels than codes are accepted")
	}
}

// TestVAEBatchPadding: if the number of objects is not a multiple of the inference batch, their codes are the same as
// one by one.
func TestVAEBatchPadding(t *testing.T) {
	train, test := mnist(t, 256, 501)
	vae := trainVAE(t, VAEConfig{Features: 784, Latent: 3, Hidden: []int{8}}, FitConfig{Batch: 64}, train)
	all, _, err := vae.Encode(test.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	last := &data.Images{Width: 28, Height: 28, Pixels: test.Pixels[500*784:], Labels: test.Labels[500:]}
	alone, _, err := vae.Encode(last.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	a, b := tensors.MustCopyFlatData[float32](all)[1500:], tensors.MustCopyFlatData[float32](alone)
	for j := range b {
		near(t, "code of object 501", float64(a[j]), float64(b[j]), 1e-5)
	}
}

// TestVAEConfigurations: every network and likelihood that a configuration can name is trained, and its loss is the sum
// of its parts to 1e-4.
func TestVAEConfigurations(t *testing.T) {
	long(t)
	train, _ := mnist(t, 512, 1)
	for name, cfg := range map[string]VAEConfig{
		"dense, two layers, tanh": {Hidden: []int{32, 16}, Activation: "tanh"},
		"conv":                    {Encoder: "conv", Decoder: "conv"},
		"gaussian":                {Hidden: []int{32}, Likelihood: "gaussian", NoiseStd: 0.5},
		"beta 4, prior 1.5":       {Hidden: []int{32}, Beta: new(4.0), PriorStd: 1.5},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Features, cfg.Latent = 784, 4
			vae, err := NewVAE(testx.Backend(t), cfg)
			if err != nil {
				t.Fatal(err)
			}
			training, err := vae.Training(train.Tensor(), train.ID, FitConfig{Epochs: 10, StepsPerCall: 20})
			if err != nil {
				t.Fatal(err)
			}
			var losses []map[string]float64
			err = training.Run(t.Context(), func(_ int, l map[string]float64) error {
				losses = append(losses, l)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range losses {
				want := l["reconstruction"] + *vae.Config().Beta*l["kl"]
				near(t, "loss against its parts", l["loss"], want, 1e-4*math.Abs(want))
			}
			if first, last := losses[0]["loss"], losses[len(losses)-1]["loss"]; !(last < first) {
				t.Errorf("loss went from %.1f to %.1f", first, last)
			}
		})
	}
}

// TestVAEIsByteAndFloat: bytes 0…255 and floats in [0, 1] represent the same objects.
func TestVAEIsByteAndFloat(t *testing.T) {
	got := run(t, pixels, [][]uint8{{0, 51, 255}})
	for i, want := range []float64{0, 0.2, 1} {
		near(t, "pixel", got[i], want, 1e-7)
	}
}

// TestVAECollapse is C13.5's faulty run: averaging the reconstruction over the 784 pixels gives KL 784 times the weight
// (β = 784), and the code collapses. The right sum keeps it alive on the same data with the same steps.
func TestVAECollapse(t *testing.T) {
	long(t)
	if testing.Short() {
		t.Skip("two trainings")
	}
	train, test := mnist(t, 10_000, 500)
	x := test.Tensor()
	active := map[float64]int{}
	for _, beta := range []float64{1, 784} {
		vae := trainVAE(t, VAEConfig{Features: 784, Latent: 16, Hidden: []int{128}, Beta: new(beta), Seed: 1},
			FitConfig{Epochs: 4, Seed: 1}, train)
		mean, logVar, err := vae.Encode(x)
		if err != nil {
			t.Fatal(err)
		}
		stats, err := NewCodeStatistics(mean, logVar)
		if err != nil {
			t.Fatal(err)
		}
		active[beta] = stats.Active()
		e := elbo(t, vae, x)
		if beta == 784 && e.KL.Mean > 0.5 {
			t.Errorf("β = 784: KL %.2f, want under 0.5", e.KL.Mean)
		}
	}
	if active[1] < 8 || active[784] != 0 {
		t.Errorf("active components %v, want at least 8 with β = 1 and none with β = 784", active)
	}
}

func TestVAEConfigErrors(t *testing.T) {
	for _, c := range []struct {
		cfg  VAEConfig
		want string
	}{
		{VAEConfig{Latent: 2}, "VAEConfig.Features = 0, want the positive number of components of x"},
		{VAEConfig{Features: 784}, "VAEConfig.Latent = 0"},
		{VAEConfig{Features: 784, Latent: 2, Hidden: []int{64, 0}}, "VAEConfig.Hidden[1] = 0"},
		{VAEConfig{Features: 784, Latent: 2, NoiseStd: -1}, "VAEConfig.NoiseStd = -1"},
		{VAEConfig{Features: 784, Latent: 2, Beta: new(math.NaN())}, "VAEConfig.Beta = NaN"},
		{VAEConfig{Features: 784, Latent: 2, PriorStd: math.Inf(1)}, "VAEConfig.PriorStd = +Inf"},
		{VAEConfig{Features: 784, Latent: 2, Activation: "relU"}, `VAEConfig.Activation = "relU", want one of "gelu", "leaky", "linear", "relu", "tanh"`},
		{VAEConfig{Features: 784, Latent: 2, Likelihood: "poisson"}, `want one of "bernoulli", "gaussian"`},
		{VAEConfig{Features: 784, Latent: 2, Encoder: "resnet"}, `VAEConfig.Encoder = "resnet"`},
		{VAEConfig{Features: 101, Latent: 2, Decoder: "conv"}, "VAEConfig.Features = 101 with Height = 0"},
		{VAEConfig{Features: 784, Latent: 2, Channels: 3}, "VAEConfig.Features = 784 with Height = 0, Width = 0, Channels = 3, want"},
	} {
		_, err := NewVAE(testx.Backend(t), c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one that contains %q", c.cfg, err, c.want)
		}
	}
}

// TestVAEMisuse: an untrained model, objects and codes of another size, and counts below 1 are refused.
func TestVAEMisuse(t *testing.T) {
	vae, err := NewVAE(testx.Backend(t), VAEConfig{Features: 4, Latent: 2, Hidden: []int{3}})
	if err != nil {
		t.Fatal(err)
	}
	x := tensors.FromFlatDataAndDimensions(make([]float32, 8), 2, 4)
	wide := tensors.FromFlatDataAndDimensions(make([]float32, 10), 2, 5)
	call := func(_ any, err error) error { return err }
	encode := func(x *tensors.Tensor) error { _, _, err := vae.Encode(x); return err }
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"untrained encode": {encode(x), "train or restore it first"},
		"untrained decode": {call(vae.Decode(tensors.FromFlatDataAndDimensions(make([]float32, 2), 1, 2))), "no weights"},
		"untrained bound":  {call(vae.ELBO(x, 1)), "train or restore it first"},
		"wide objects":     {encode(wide), "want [l, 4]"},
		"wide codes":       {call(vae.Decode(x)), "want floats [l, 2]"},
		"training on wide": {call(vae.Training(wide, "", FitConfig{})), "want [l, 4]"},
		"no codes":         {call(vae.ImportanceBound(x, 0, 1)), "k = 0"},
		"no samples":       {call(vae.Generate(0, 1)), "count = 0"},
		"no neighbours":    {call(vae.Similar(x, -1, 1)), "count = -1"},
		"latent plane":     {call(LatentPlane(0, 1)), "side = 0"},
		"interpolation":    {call(InterpolateCodes(x, 0, 2, 5)), "rows 0 to 2"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", name, c.err, c.want)
		}
	}
}

// TestLatentPlane: the codes are quantiles of the prior, with z₁ along the rows and z₂ upwards.
func TestLatentPlane(t *testing.T) {
	z, err := LatentPlane(2, 1.5)
	if err != nil {
		t.Fatal(err)
	}
	const q = 1.5 * 0.6744897501960817 // s·Φ⁻¹(¾)
	for i, want := range []float64{-q, q, q, q, -q, -q, q, -q} {
		near(t, "code", float64(tensors.MustCopyFlatData[float32](z)[i]), want, 1e-6)
	}
}

// TestCodeStatistics compares with a sample computed by hand.
func TestCodeStatistics(t *testing.T) {
	mean := tensors.FromValue([][]float32{{1, 0}, {3, 0}})
	logVar := tensors.FromValue([][]float32{{0, float32(math.Log(2))}, {float32(math.Log(3)), 0}})
	s, err := NewCodeStatistics(mean, logVar)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mean", s.Mean[0], 2, 1e-6)
	near(t, "variance of the means", s.MeanVariance[0], 1, 1e-6)
	near(t, "variance of q(z)", s.Variance[0], 3, 1e-6)
	near(t, "variance of q(z), dead component", s.Variance[1], 1.5, 1e-6)
	if s.Active() != 1 {
		t.Errorf("%d active components, want 1", s.Active())
	}
}
