package lecture11

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// fitAutoencoder trains on x, with labels if there are any, and returns the model and the losses of each call.
func fitAutoencoder(t *testing.T, cfg AutoencoderConfig, fit FitConfig, x *tensors.Tensor,
	labels ...int) (*Autoencoder, []map[string]float64) {
	t.Helper()
	m, err := NewAutoencoder(testx.Backend(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	training := autoencoderTraining(t, m, fit, x, labels...)
	var losses []map[string]float64
	err = training.Run(t.Context(), func(_ int, l map[string]float64) error {
		losses = append(losses, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, losses
}

func autoencoderTraining(t *testing.T, m *Autoencoder, fit FitConfig, x *tensors.Tensor, labels ...int) *Training {
	t.Helper()
	training, err := m.Training(x, "test", fit)
	if len(labels) > 0 {
		training, err = m.LabelledTraining(x, labels, "test", fit)
	}
	if err != nil {
		t.Fatal(err)
	}
	return training
}

// lossOf returns the mean loss over objects.
func lossOf(t *testing.T, m *Autoencoder, x *tensors.Tensor) float64 {
	t.Helper()
	e, err := m.Loss(x)
	if err != nil {
		t.Fatal(err)
	}
	return e.Mean
}

// greyDigits returns the first digits of MNIST with grey pixels.
func greyDigits(t *testing.T, trainCount, testCount int) (train, test *data.Images) {
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
	return train, test
}

func TestSquaredErrorNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, out := rows(rng, 4, 3), rows(rng, 4, 3)
	got := run(t, SquaredError, x, out)
	for i := range x {
		want := 0.0
		for j := range x[i] {
			want += (out[i][j] - x[i][j]) * (out[i][j] - x[i][j])
		}
		near(t, "squared error", got[i], want, 1e-12)
	}
	testx.CheckGradient(t, func(in []*Node) *Node { return ReduceAllSum(SquaredError(in[0], in[1])) }, x, out)
}

// activities draws codes in (0, 1).
func activities(rng *rand.Rand, l, d int) [][]float64 {
	z := rows(rng, l, d)
	for i := range z {
		for j := range z[i] {
			z[i][j] = 1 / (1 + math.Exp(-z[i][j]))
		}
	}
	return z
}

func TestEntropySparsityNaive(t *testing.T) {
	z := activities(rand.New(rand.NewPCG(2, 1)), 5, 3)
	entropy := func(z *Node) *Node { return EntropySparsity(z, 0.05) }
	want := 0.0
	for j := range z[0] {
		mean := 0.0
		for i := range z {
			mean += z[i][j] / 5
		}
		want += 0.05*math.Log(0.05/mean) + 0.95*math.Log(0.95/(1-mean))
	}
	near(t, "Σ KL(ρ₀ ‖ z̄)", run(t, entropy, z)[0], want, 1e-12)
	near(t, "at the target", run(t, entropy, [][]float64{{0.02, 0.1}, {0.08, 0}})[0], 0, 1e-12)
	if v := run(t, entropy, [][]float64{{0, 1}, {0, 1}})[0]; math.IsInf(v, 0) || math.IsNaN(v) || v < 5 {
		t.Errorf("codes of 0 and of 1 in all objects cost %g, want a large finite number", v)
	}
	testx.CheckGradient(t, func(in []*Node) *Node { return entropy(in[0]) }, z)
}

// TestLabelledCrossEntropyNaive: objects without a label add 0 but count in the mean; logits of 1000 give finite
// losses.
func TestLabelledCrossEntropyNaive(t *testing.T) {
	logits := rows(rand.New(rand.NewPCG(3, 1)), 4, 3)
	labels := []int32{2, NoLabel, 0, NoLabel}
	want := 0.0
	for i, label := range labels {
		if label == NoLabel {
			continue
		}
		sum := 0.0
		for _, a := range logits[i] {
			sum += math.Exp(a)
		}
		want -= math.Log(math.Exp(logits[i][label])/sum) / 4
	}
	near(t, "cross-entropy", run(t, labelledCrossEntropy, logits, labels)[0], want, 1e-12)
	near(t, "a large logit", run(t, labelledCrossEntropy, [][]float64{{1000, 0}}, []int32{1})[0], 1000, 1e-9)
	near(t, "no label at all", run(t, labelledCrossEntropy, [][]float64{{1000, 0}}, []int32{NoLabel})[0], 0, 0)
	testx.CheckGradient(t, func(in []*Node) *Node {
		return labelledCrossEntropy(in[0], Const(in[0].Graph(), labels))
	}, logits)
}

// TestLinearAutoencoder is C9.1 to C9.3 on spectra with a gap, with two seeds each, and all must pass: PCA's loss and
// never less, the same span and the same map on the data, but other matrices.
func TestLinearAutoencoder(t *testing.T) {
	iris, err := data.Iris()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set  *data.Points
		d    int
		fit  FitConfig
		seed int64
	}{
		{iris, 2, FitConfig{Epochs: 8000, Batch: 150}, 0},
		{iris, 2, FitConfig{Epochs: 8000, Batch: 150}, 1},
		{gapData(t), 4, FitConfig{Epochs: 500, Batch: 200}, 0},
		{gapData(t), 4, FitConfig{Epochs: 500, Batch: 200}, 1},
	} {
		c.fit.LearningRate, c.fit.Decay, c.fit.StepsPerCall = 0.1, "linear", 1000
		x := c.set.Tensor()
		m, _ := fitAutoencoder(t, AutoencoderConfig{Features: c.set.Dim(), Latent: c.d, Hidden: []int{}, Seed: c.seed}, c.fit, x)
		f := linearFindings(t, m, newPCAOf(t, x), x)
		t.Logf("%s, seed %d: %+v", c.set.ID, c.seed, f)
		if f.gap < 2 {
			t.Errorf("%s: λ_d/λ_(d+1) = %.2f, want at least 2", c.set.ID, f.gap)
		}
		if f.ratio < 1-1e-6 || f.ratio > 1.01 {
			t.Errorf("%s: loss over PCA's %.8f, want 1 − 10⁻⁶ to 1.01", c.set.ID, f.ratio)
		}
		if f.sine > 0.02 || f.distances.OnData > 0.05 {
			t.Errorf("%s: largest sine %.4f, projector %.4f away, want at most 0.02, 0.05", c.set.ID, f.sine, f.distances.OnData)
		}
		if f.tied < 0.05 {
			t.Errorf("%s: ‖B − Aᵀ‖/‖B‖ = %.3f, want a pair other than PCA's", c.set.ID, f.tied)
		}
	}
}

// linear compares a linear autoencoder with PCA.
type linear struct {
	ratio     float64 // loss over PCA's
	sine      float64 // of the largest principal angle
	gap       float64 // λ_d/λ_{d+1}
	tied      float64 // ‖B − Aᵀ‖/‖B‖, 0 for PCA
	distances ProjectorDistances
}

func linearFindings(t *testing.T, m *Autoencoder, p *PCA, x *tensors.Tensor) (f linear) {
	t.Helper()
	d := m.Config().Latent
	best, err := p.Loss(d)
	if err != nil {
		t.Fatal(err)
	}
	f.ratio = lossOf(t, m, x) / best
	encoder, decoder, err := m.LinearMaps()
	if err != nil {
		t.Fatal(err)
	}
	u, err := p.Subspace(d)
	if err != nil {
		t.Fatal(err)
	}
	sines, err := PrincipalAngles(decoder.Matrix, u)
	if err != nil {
		t.Fatal(err)
	}
	f.sine = sines[0]
	if f.gap, err = p.Gap(d); err != nil {
		t.Fatal(err)
	}
	if f.distances, err = p.ProjectorDistances(encoder, decoder); err != nil {
		t.Fatal(err)
	}
	var difference mat.Dense
	difference.Sub(decoder.Matrix, encoder.Matrix.T())
	f.tied = mat.Norm(&difference, 2) / mat.Norm(decoder.Matrix, 2)
	return f
}

// TestLinearAutoencoderWithoutGap is the trap of C9.2: on digits the spectrum has no gap after component 8. The loss
// is within 2 % of PCA's, but the span is another.
func TestLinearAutoencoderWithoutGap(t *testing.T) {
	train, _ := greyDigits(t, 2000, 1)
	x := train.Tensor()
	m, _ := fitAutoencoder(t, AutoencoderConfig{Features: 784, Latent: 8, Hidden: []int{}, Seed: 1},
		FitConfig{Epochs: 400, Batch: 500, LearningRate: 5e-3, Decay: "linear", Seed: 1}, x)
	f := linearFindings(t, m, newPCAOf(t, x), x)
	t.Logf("%+v", f)
	if f.ratio < 1-1e-6 || f.ratio > 1.02 {
		t.Errorf("loss over PCA's %.6f, want 1 − 10⁻⁶ to 1.02", f.ratio)
	}
	if f.gap > 1.2 || f.sine < 0.2 {
		t.Errorf("λ₈/λ₉ = %.2f, largest sine %.2f, want a ratio under 1.2 and a sine over 0.2", f.gap, f.sine)
	}
	if f.distances.Plain < 10*f.distances.OnData {
		t.Errorf("projector: %+v, want a large plain distance although the maps agree on the data", f.distances)
	}
}

// TestAutoencoderAgainstPCA is C9.4: with ReLU layers the loss is below PCA's for the same d, on training and test
// digits. For d = 32 the neighbours of a code predict its class worse than those of PCA's codes, although the loss is
// lower.
func TestAutoencoderAgainstPCA(t *testing.T) {
	long(t)
	if testing.Short() {
		t.Skip("two trainings")
	}
	train, test := greyDigits(t, 5000, 1000)
	p := newPCAOf(t, train.Tensor())
	for _, d := range []int{2, 32} {
		m, _ := fitAutoencoder(t, AutoencoderConfig{Features: 784, Latent: d, Hidden: []int{512}, Seed: 1},
			FitConfig{Epochs: 26, Batch: 64, Decay: "linear", Seed: 1}, train.Tensor())
		for _, set := range []*data.Images{train, test} {
			best, err := p.LossOf(set.Tensor(), d)
			if err != nil {
				t.Fatal(err)
			}
			loss := lossOf(t, m, set.Tensor())
			t.Logf("d = %d, %s: loss a pixel %.4f, PCA %.4f", d, set.ID, loss/784, best.Mean/784)
			if loss >= best.Mean {
				t.Errorf("d = %d, %s: loss %.2f, want less than PCA's %.2f", d, set.ID, loss, best.Mean)
			}
		}
		ours := neighbours(t, m.Encode, train, test)
		theirs := neighbours(t, func(x *tensors.Tensor) (*tensors.Tensor, error) { return p.Encode(x, d) }, train, test)
		t.Logf("d = %d: accuracy of 10 neighbours %.3f, PCA %.3f", d, ours, theirs)
		if d == 32 && ours >= theirs {
			t.Errorf("accuracy of 10 neighbours %.3f for d = 32, want less than PCA's %.3f", ours, theirs)
		}
	}
}

// neighbours returns the accuracy of the 10 nearest neighbours on the codes.
func neighbours(t *testing.T, encode func(*tensors.Tensor) (*tensors.Tensor, error), train, test *data.Images) float64 {
	t.Helper()
	known, err := encode(train.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	asked, err := encode(test.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	a, err := NeighbourAccuracy(LabelledCodes{known, train.Labels}, LabelledCodes{asked, test.Labels}, 10)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestSparseL1 is C9.5: the share of zeros does not fall with τ, and the columns have the norm 1. With free columns
// the model escapes the penalty: the penalty is lower, the columns are long, and there are no more zeros than with
// unit columns.
func TestSparseL1(t *testing.T) {
	long(t)
	train, _ := greyDigits(t, 2000, 1)
	x := train.Tensor()
	sparse := func(tau float64, free bool) (zeros, l1, low, high, loss float64) {
		cfg := AutoencoderConfig{Features: 784, Latent: 32, Hidden: []int{64}, Seed: 1,
			Sparsity: Sparsity{Kind: "l1", Weight: tau, FreeColumns: free}}
		m, _ := fitAutoencoder(t, cfg, FitConfig{Epochs: 60, Batch: 100, LearningRate: 3e-3, Decay: "linear", Seed: 1}, x)
		z, err := m.Encode(x)
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewCodeSparsity(z)
		if err != nil {
			t.Fatal(err)
		}
		decoder, err := m.DecoderMap()
		if err != nil {
			t.Fatal(err)
		}
		low, high = math.Inf(1), 0
		for j := range 32 {
			norm := mat.Norm(decoder.Matrix.ColView(j), 2)
			low, high = min(low, norm), max(high, norm)
		}
		return s.Zeros, s.L1, low, high, lossOf(t, m, x)
	}
	previous := -1.0
	for _, tau := range []float64{0, 0.1, 0.5} {
		zeros, l1, low, high, loss := sparse(tau, false)
		t.Logf("τ = %g: zeros %.3f, L1 %.2f, norms %.6f to %.6f, loss %.2f", tau, zeros, l1, low, high, loss)
		if zeros < previous {
			t.Errorf("τ = %g: %.3f zeros, fewer than with less weight, %.3f", tau, zeros, previous)
		}
		if math.Abs(low-1) > 1e-5 || math.Abs(high-1) > 1e-5 {
			t.Errorf("τ = %g: columns have norms %.7f to %.7f, want 1 ± 10⁻⁵", tau, low, high)
		}
		previous = zeros
	}
	honest, l1, _, _, _ := sparse(0.1, false)
	zeros, cheap, _, high, loss := sparse(0.1, true)
	t.Logf("free columns: zeros %.3f, L1 %.2f, norms up to %.2f, loss %.2f", zeros, cheap, high, loss)
	if cheap > 0.7*l1 || high < 1.5 || zeros > honest+0.02 {
		t.Errorf("free columns: L1 %.2f for %.2f, norms up to %.2f, %.3f zeros for %.3f, want the penalty to be escaped",
			cheap, l1, high, zeros, honest)
	}
}

// TestSparsityTrap is exact: z → z/c, B → cB keeps each x̂ and divides the L1 norm of the code by c.
func TestSparsityTrap(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	const c = 8 // a power of two: no rounding
	z, b := rows(rng, 5, 3), rows(rng, 3, 4)
	smaller, larger := rows(rng, 5, 3), rows(rng, 3, 4)
	for i := range z {
		for j := range z[i] {
			smaller[i][j] = z[i][j] / c
		}
	}
	for i := range b {
		for j := range b[i] {
			larger[i][j] = b[i][j] * c
		}
	}
	product := func(z, b *Node) *Node { return Dot(z, b).Product() }
	if got, want := run(t, product, smaller, larger), run(t, product, z, b); !slices.Equal(got, want) {
		t.Errorf("reconstructions %v, want %v", got, want)
	}
	l1 := func(z *Node) *Node { return sparsities["l1"].penalty(z, 0) }
	near(t, "penalty", run(t, l1, smaller)[0], run(t, l1, z)[0]/c, 1e-15)
}

// TestSparseEntropy: the mean activity reaches its target; without the weight it does not.
func TestSparseEntropy(t *testing.T) {
	train, _ := greyDigits(t, 2000, 1)
	x := train.Tensor()
	means := map[float64]float64{}
	for _, tau := range []float64{0, 10} {
		cfg := AutoencoderConfig{Features: 784, Latent: 32, Hidden: []int{64}, Seed: 1,
			Sparsity: Sparsity{Kind: "entropy", Weight: tau, Target: 0.1}}
		m, _ := fitAutoencoder(t, cfg, FitConfig{Epochs: 20, Batch: 100, LearningRate: 3e-3, Seed: 1}, x)
		z, err := m.Encode(x)
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewCodeSparsity(z)
		if err != nil {
			t.Fatal(err)
		}
		means[tau] = s.Mean
	}
	t.Log(means)
	if math.Abs(means[10]-0.1) > 0.03 || means[0] < 0.2 {
		t.Errorf("mean activities %v, want 0.1 with τ = 10 and more without", means)
	}
}

// labelledToy returns two clusters in the plane with a label for every fourth object.
func labelledToy() (x *tensors.Tensor, labels []int) {
	rng := rand.New(rand.NewPCG(6, 0))
	var flat []float32
	for i := range 64 {
		flat = append(flat, float32(2*(i%2)+rng.IntN(2)), float32(rng.NormFloat64()), float32(i%2))
		label := NoLabel
		if i%8 < 2 {
			label = i % 2
		}
		labels = append(labels, label)
	}
	return tensors.FromFlatDataAndDimensions(flat, 64, 3), labels
}

// TestClassifierOnTheCode is C9.6: the reconstruction's gradient in the classifier and the classification's gradient
// in the decoder are exactly 0. At λ = 0 the classifier's weights keep their bits, and with λ > 0 it learns.
func TestClassifierOnTheCode(t *testing.T) {
	x, labels := labelledToy()
	cfg := AutoencoderConfig{Features: 3, Latent: 2, Hidden: []int{8}, Classes: 2, Seed: 1}
	fit := FitConfig{Epochs: 60, Batch: 16, LearningRate: 1e-2}
	accuracy := map[float64]float64{}
	for _, lambda := range []float64{0, 4} {
		cfg.ClassWeight = lambda
		m, err := NewAutoencoder(testx.Backend(t), cfg)
		if err != nil {
			t.Fatal(err)
		}
		training := autoencoderTraining(t, m, fit, x, labels...)
		startTraining(t, training)
		before := weightsUnder(t, training, "/classifier/")
		runTraining(t, training)
		after := weightsUnder(t, training, "/classifier/")
		if moved := !slices.Equal(before, after); moved != (lambda > 0) {
			t.Errorf("λ = %g: classifier changed: %t", lambda, moved)
		}
		n, err := m.GradientNorms(x, labels)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("λ = %g: %+v", lambda, n)
		if n.Reconstruction.Classifier != 0 || n.Classification.Decoder != 0 {
			t.Errorf("λ = %g: %+v, want exactly 0 twice", lambda, n)
		}
		if !(n.Reconstruction.Encoder > 0 && n.Reconstruction.Decoder > 0 && n.Classification.Encoder > 0) {
			t.Errorf("λ = %g: %+v, want the others positive", lambda, n)
		}
		accuracy[lambda] = toyAccuracy(t, m, x)
	}
	t.Log(accuracy)
	if accuracy[4] < 0.95 || accuracy[0] > 0.9 {
		t.Errorf("accuracies %v, want a classifier that learns with λ = 4 only", accuracy)
	}
}

// toyAccuracy returns the accuracy on all objects of labelledToy, whose classes alternate.
func toyAccuracy(t *testing.T, m *Autoencoder, x *tensors.Tensor) float64 {
	t.Helper()
	p, err := m.Classify(x)
	if err != nil {
		t.Fatal(err)
	}
	truth := make([]int, 64)
	for i := range truth {
		truth[i] = i % 2
	}
	a, err := Accuracy(p, truth)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// weightsUnder returns the values of the trainable variables below a path.
func weightsUnder(t *testing.T, training *Training, prefix string) []float32 {
	t.Helper()
	var all []float32
	for _, v := range training.variables() {
		if v.Trainable && strings.HasPrefix(v.Path(), prefix) {
			all = append(all, tensors.MustCopyFlatData[float32](v.MustValue())...)
		}
	}
	if len(all) == 0 {
		t.Fatalf("no weights under %s", prefix)
	}
	return all
}

// TestAutoencoderConfigurations: every network, loss and extra term trains, and the loss is the sum of its parts.
func TestAutoencoderConfigurations(t *testing.T) {
	long(t)
	train, _ := greyDigits(t, 96, 1)
	labels := make([]int, train.Len())
	for i, label := range train.Labels {
		labels[i] = label
		if i%2 > 0 {
			labels[i] = NoLabel
		}
	}
	for name, cfg := range map[string]AutoencoderConfig{
		"linear": {Hidden: []int{}},
		"conv":   {Encoder: "conv", Decoder: "conv"},
		"tanh, two layers, entropy": {Hidden: []int{32, 16}, Activation: "tanh",
			Sparsity: Sparsity{Kind: "entropy", Weight: 2}},
		"bernoulli, masked": {Hidden: []int{32}, Loss: "bernoulli", Corruption: Corruption{Kind: "masking", Level: 0.3}},
		"classifier, l1":    {Hidden: []int{32}, Classes: 10, ClassWeight: 3, Sparsity: Sparsity{Kind: "l1", Weight: 0.3}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Features, cfg.Latent = 784, 4
			withLabels := labels
			if cfg.Classes == 0 {
				withLabels = nil
			}
			_, losses := fitAutoencoder(t, cfg, FitConfig{Epochs: 8, Batch: 32, StepsPerCall: 8}, train.Tensor(), withLabels...)
			for _, l := range losses {
				want := l["reconstruction"] + cfg.Sparsity.Weight*l["sparsity"] + cfg.ClassWeight*l["classification"]
				near(t, "loss against its parts", l["loss"], want, 1e-4*math.Abs(want))
			}
			if first, last := losses[0]["loss"], losses[len(losses)-1]["loss"]; !(last < first) {
				t.Errorf("loss went from %.2f to %.2f", first, last)
			}
		})
	}
}

// TestAutoencoderLossNaive: Loss is the squared error of Reconstruct, summed over components.
func TestAutoencoderLossNaive(t *testing.T) {
	train, _ := greyDigits(t, 501, 1)
	x := train.Tensor()
	m, _ := fitAutoencoder(t, AutoencoderConfig{Features: 784, Latent: 3, Hidden: []int{16}}, FitConfig{}, x)
	rebuilt, err := m.Reconstruct(x)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "loss", lossOf(t, m, x), 784*meanSquare(t, x, rebuilt), 1e-3)
	z, err := m.Encode(x)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := m.Decode(z)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "decoded codes against the reconstruction", meanSquare(t, decoded, rebuilt), 0, 1e-12)
}

// TestAutoencoderInterruptAndResume: a training with noise, sparsity and labels is interrupted, saved, restored into
// another model and finished. Its weights equal those of an uninterrupted training.
func TestAutoencoderInterruptAndResume(t *testing.T) {
	x, labels := labelledToy()
	cfg := AutoencoderConfig{Features: 3, Latent: 2, Hidden: []int{8}, Classes: 2, ClassWeight: 1, Seed: 1,
		Corruption: Corruption{Kind: "gaussian", Level: 0.2}, Sparsity: Sparsity{Kind: "l1", Weight: 0.1}}
	fit := FitConfig{Epochs: 5, Batch: 10, Seed: 7, StepsPerCall: 4}
	start := func() (*Autoencoder, *Training) {
		m, err := NewAutoencoder(testx.Backend(t), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return m, autoencoderTraining(t, m, fit, x, labels...)
	}
	_, whole := start()
	runTraining(t, whole)
	_, first := start()
	ctx, cancel := context.WithCancel(t.Context())
	err := first.Run(ctx, func(step int, _ map[string]float64) error {
		if step >= 12 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || first.Step() != 12 {
		t.Fatalf("interrupted at step %d with %v, want step 12 and context.Canceled", first.Step(), err)
	}
	m, second := start()
	for part, content := range saved(t, first) {
		if err := second.Restore(part, bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	runTraining(t, second)
	if got, want := weightsOf(t, second), weightsOf(t, whole); !slices.Equal(got, want) {
		t.Errorf("resumed: weights %v, want %v", got, want)
	}
	if _, err := m.Classify(x); err != nil {
		t.Errorf("the restored model does not work: %v", err)
	}
	labels[1] = NoLabel
	_, other := start()
	err = other.Restore("weights", bytes.NewReader(saved(t, whole)["weights"]))
	if err == nil || !strings.Contains(err.Error(), "labels = ") {
		t.Errorf("weights learned from other labels: error %v, want one that names labels", err)
	}
	labels[1] = 1
	cfg.Hidden = []int{9}
	_, wider := start()
	err = wider.Restore("weights", bytes.NewReader(saved(t, whole)["weights"]))
	if err == nil || !strings.Contains(err.Error(), "model.hidden") {
		t.Errorf("weights of another architecture: error %v, want one that names model.hidden", err)
	}
}
