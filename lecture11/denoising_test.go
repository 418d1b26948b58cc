package lecture11

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
)

// TestCorruptionsByHand compares each noise for given random numbers with values computed by hand. Components that the
// noise leaves keep every bit.
func TestCorruptionsByHand(t *testing.T) {
	x := [][]float32{{0.3, -1.7, 1e-30, 0.9}}
	u := [][]float32{{0, 0.24, 0.25, 0.5}}
	for _, c := range []struct {
		name string
		fn   func(x, r *Node) *Node
		r    [][]float32
		want []float64
	}{
		{"gaussian", func(x, r *Node) *Node { return GaussianNoise(x, r, 2) }, [][]float32{{1, -1, 0, 0.5}},
			[]float64{2.3, -3.7, 1e-30, 1.9}},
		{"masking", func(x, r *Node) *Node { return MaskingNoise(x, r, 0.25) }, u, []float64{0, 0, 1e-30, 0.9}},
		{"salt and pepper", func(x, r *Node) *Node { return SaltAndPepper(x, r, 0.5) }, u, []float64{0, 0, 1, 0.9}},
	} {
		for j, v := range run(t, c.fn, x, c.r) {
			if float32(v) != float32(c.want[j]) && (c.name != "gaussian" || math.Abs(v-c.want[j]) > 1e-6) {
				t.Errorf("%s: component %d = %g, want %g", c.name, j, v, c.want[j])
			}
		}
	}
}

// TestCorruptionIdentity: without noise each kind is exactly the identity; p₀ = 1 masks every component.
func TestCorruptionIdentity(t *testing.T) {
	x := tensors.FromValue([][]float32{{0.1, -2, 1e-30, 3e8}, {0, 1, 0.5, 1.0 / 3}})
	for _, c := range []Corruption{{}, {"gaussian", 0}, {"masking", 0}, {"salt-and-pepper", 0}} {
		got, err := Corrupt(testx.Backend(t), x, c, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(x) {
			t.Errorf("%+v changes x to %v", c, got)
		}
	}
	got, err := Corrupt(testx.Backend(t), x, Corruption{"masking", 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if v := tensors.MustCopyFlatData[float32](got); slices.Max(v) != 0 || slices.Min(v) != 0 {
		t.Errorf("masking with p₀ = 1 leaves %v", v)
	}
}

// TestCorruptShares: over 200 000 components the shares and moments are within 4 standard errors and the survivors do
// not change. p₀ is the share that is lost, not the share that is kept. Bytes count as [0, 1].
func TestCorruptShares(t *testing.T) {
	const l, n = 2000, 100
	bytes := make([]uint8, l*n)
	for i := range bytes {
		bytes[i] = uint8(51 * (1 + i%4)) // 0.2, 0.4, 0.6, 0.8: never 0 or 1
	}
	x := tensors.FromFlatDataAndDimensions(bytes, l, n)
	clean, err := Corrupt(testx.Backend(t), x, Corruption{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p0 := range []float64{0.1, 0.6} {
		counts := shares(t, x, clean, Corruption{"masking", p0})
		slack := 4 * math.Sqrt(p0*(1-p0)/(l*n))
		near(t, "share of 0 by masking", counts[0], p0, slack)
		near(t, "share that is as before", counts[1], 1-p0, slack)
		counts = shares(t, x, clean, Corruption{"salt-and-pepper", p0})
		near(t, "share of pepper", counts[0], p0/2, slack)
		near(t, "share that is as before", counts[1], 1-p0, slack)
		near(t, "share of salt", counts[2], p0/2, slack)
	}
	noisy, err := Corrupt(testx.Backend(t), x, Corruption{"gaussian", 0.7}, 3)
	if err != nil {
		t.Fatal(err)
	}
	eps, squares := tensors.MustCopyFlatData[float32](noisy), make([]float64, l*n)
	noise := make([]float64, l*n)
	for i, b := range bytes {
		noise[i] = float64(eps[i]) - float64(b)/255
		squares[i] = noise[i] * noise[i]
	}
	mean, variance := NewEstimate(noise), NewEstimate(squares)
	near(t, "mean of the noise", mean.Mean, 0, 4*mean.SE)
	near(t, "variance of the noise", variance.Mean, 0.49, 4*variance.SE)
}

// shares returns the shares of components that a corruption sets to 0, leaves unchanged to the last bit, and sets to
// 1.
func shares(t *testing.T, x, clean *tensors.Tensor, c Corruption) (share [3]float64) {
	t.Helper()
	noisy, err := Corrupt(testx.Backend(t), x, c, 2)
	if err != nil {
		t.Fatal(err)
	}
	before, after := tensors.MustCopyFlatData[float32](clean), tensors.MustCopyFlatData[float32](noisy)
	for i, v := range after {
		switch v {
		case 0:
			share[0] += 1 / float64(len(after))
		case before[i]:
			share[1] += 1 / float64(len(after))
		case 1:
			share[2] += 1 / float64(len(after))
		default:
			t.Fatalf("component %d became %g from %g", i, v, before[i])
		}
	}
	return share
}

// TestCorruptSeeds: the same seed draws the same x̃, another seed draws another, and two batches of one call differ.
func TestCorruptSeeds(t *testing.T) {
	x := tensors.FromFlatDataAndDimensions(make([]float32, 2*inferenceBatch), 2*inferenceBatch, 1)
	draw := func(seed int64) []float32 {
		noisy, err := Corrupt(testx.Backend(t), x, Corruption{"gaussian", 1}, seed)
		if err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float32](noisy)
	}
	one, again, two := draw(1), draw(1), draw(2)
	if !slices.Equal(one, again) || slices.Equal(one, two) {
		t.Error("want equal noise from equal seeds only")
	}
	if slices.Equal(one[:inferenceBatch], one[inferenceBatch:]) {
		t.Error("two batches have the same noise")
	}
}

// identityNet returns an untrained linear autoencoder whose encoder and decoder are set to the identity, and its
// training with a learning rate so small that they do not change.
func identityNet(t *testing.T, c Corruption, x *tensors.Tensor, fit FitConfig) (*Autoencoder, *Training) {
	t.Helper()
	n := x.Shape().Dimensions[1]
	m, err := NewAutoencoder(testx.Backend(t), AutoencoderConfig{Features: n, Latent: n, Hidden: []int{}, Corruption: c})
	if err != nil {
		t.Fatal(err)
	}
	fit.LearningRate = 1e-30
	training, err := m.Training(x, "toy", fit)
	if err != nil {
		t.Fatal(err)
	}
	startTraining(t, training)
	unit := make([]float32, n*n)
	for j := range n {
		unit[j*n+j] = 1
	}
	for v := range m.store.IterVariables() {
		if v.Trainable && v.Shape().Rank() == 2 {
			if err := v.SetValue(tensors.FromFlatDataAndDimensions(slices.Clone(unit), n, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m, training
}

// stepLosses runs a training and returns its loss after each call of the device.
func stepLosses(t *testing.T, training *Training) (losses []float64) {
	t.Helper()
	err := training.Run(t.Context(), func(_ int, l map[string]float64) error {
		losses = append(losses, l["loss"])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return losses
}

// TestNoiseIsFresh is the last line of C11.6, tested on the training graph itself. f and g are the identity and there
// is one object, so that the loss of a step is ‖x̃ − x‖². No two epochs have the same x̃, whether steps run one by one
// or in a loop of the device. The mean is nσ², the loss of the identity (quiz C3).
func TestNoiseIsFresh(t *testing.T) {
	x := tensors.FromValue([][]float32{{1, -2, 0.5}})
	const sigma, epochs = 0.5, 3000
	noise := Corruption{"gaussian", sigma}
	_, one := identityNet(t, noise, x, FitConfig{Epochs: epochs, Batch: 1, StepsPerCall: 1, Seed: 1})
	losses := stepLosses(t, one)
	sorted := slices.Sorted(slices.Values(losses))
	if distinct := len(slices.Compact(sorted)); distinct < epochs-1 { // two may coincide in float32
		t.Errorf("%d different losses in %d epochs, want a new x̃ in each", distinct, epochs)
	}
	e := NewEstimate(losses)
	near(t, "mean of ‖x̃ − x‖²", e.Mean, 3*sigma*sigma, 4*e.SE)
	_, many := identityNet(t, noise, x, FitConfig{Epochs: epochs, Batch: 1, StepsPerCall: 1000, Seed: 1})
	for i, v := range stepLosses(t, many) {
		near(t, "mean of a call of 1000 steps", v, NewEstimate(losses[1000*i:1000*i+1000]).Mean, 1e-4)
	}
}

// TestTargetIsClean: with f and g the identity, masking all components costs exactly ‖x‖². So the target is x, not x̃,
// and the loss is a sum over components.
func TestTargetIsClean(t *testing.T) {
	x := tensors.FromValue([][]float32{{1, -2, 0.5}, {0, 3, 1}})
	for level, want := range map[float64]float64{1: (5.25 + 10) / 2, 0: 0} {
		_, training := identityNet(t, Corruption{"masking", level}, x, FitConfig{Batch: 2})
		near(t, "loss", stepLosses(t, training)[0], want, 1e-6)
	}
}

// TestDenoisingGradients: the gradient of the loss reaches the encoder and the decoder.
func TestDenoisingGradients(t *testing.T) {
	x := tensors.FromValue([][]float32{{1, -2, 0.5}, {0, 3, 1}})
	for _, kind := range []string{"gaussian", "masking", "salt-and-pepper"} {
		m, _ := identityNet(t, Corruption{kind, 0.4}, x, FitConfig{Batch: 2})
		exec, err := model.NewExec(m.backend, m.store, func(scope *model.Scope, x *Node) *Node {
			loss := m.losses(scope, x, nil)[0].Value
			var norms []*Node
			for v := range m.store.IterVariables() {
				if v.Trainable && (strings.HasPrefix(v.Path(), "/encoder") || strings.HasPrefix(v.Path(), "/decoder")) {
					norms = append(norms, ReduceAllSum(Square(Gradient(loss, v.NodeValue(x.Graph()))[0])))
				}
			}
			return Stack(norms, 0)
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call1(x)
		if err != nil {
			t.Fatal(err)
		}
		norms := tensors.MustCopyFlatData[float32](out)
		if len(norms) != 4 || !(slices.Min(norms) > 0) {
			t.Errorf("%s: squared gradients %v, want those of four variables, all positive", kind, norms)
		}
	}
}

// TestNoiseGradients compares the gradient through each noise, in float64, with central differences.
func TestNoiseGradients(t *testing.T) {
	x, eps := [][]float64{{0.3, -1.7, 0.9}}, [][]float64{{0.7, 0.2, 0.9}}
	for name, fn := range map[string]func(x, r *Node) *Node{
		"gaussian":        func(x, r *Node) *Node { return GaussianNoise(x, r, 0.5) },
		"masking":         func(x, r *Node) *Node { return MaskingNoise(x, r, 0.5) },
		"salt and pepper": func(x, r *Node) *Node { return SaltAndPepper(x, r, 0.8) },
	} {
		t.Run(name, func(t *testing.T) {
			testx.CheckGradient(t, func(in []*Node) *Node {
				return ReduceAllSum(SquaredError(Sin(in[0]), fn(in[0], Const(in[0].Graph(), eps))))
			}, x)
		})
	}
}

// TestCompareFields compares with vectors computed by hand: the relative error depends on lengths, the cosine only on
// directions.
func TestCompareFields(t *testing.T) {
	truth := tensors.FromValue([][]float64{{3, 4}, {0, 0}, {0, 2}})
	for _, c := range []struct {
		a                [][]float64
		relative, cosine float64
	}{
		{[][]float64{{3, 4}, {0, 0}, {0, 2}}, 0, 1},
		{[][]float64{{6, 8}, {0, 0}, {0, 4}}, 1, 1},
		{[][]float64{{-3, -4}, {0, 0}, {0, -2}}, 2, -1},
		{[][]float64{{3, 4}, {0, 0}, {2, 0}}, math.Sqrt(8.0 / 29), 0.5},
		{[][]float64{{0, 0}, {0, 0}, {0, 0}}, 1, 0},
	} {
		e, err := CompareFields(tensors.FromValue(c.a), truth)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "relative error", e.Relative, c.relative, 1e-12)
		near(t, "cosine", e.Cosine, c.cosine, 1e-12)
	}
}

// TestCodeInstability: independent noise of variance v on codes of variance 1 has the instability v. Scaling, shifting
// and rotating the codes change nothing.
func TestCodeInstability(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 0))
	clean, noisy := rows(rng, 50_000, 2), make([][]float64, 50_000)
	turned, turnedNoisy := make([][]float64, len(clean)), make([][]float64, len(clean))
	turn := func(z []float64) []float64 { return []float64{3*(0.6*z[0]-0.8*z[1]) + 7, 3*(0.8*z[0]+0.6*z[1]) - 1} }
	for i, z := range clean {
		noisy[i] = []float64{z[0] + 0.5*rng.NormFloat64(), z[1] + 0.5*rng.NormFloat64()}
		turned[i], turnedNoisy[i] = turn(z), turn(noisy[i])
	}
	got, err := CodeInstability(tensors.FromValue(clean), tensors.FromValue(noisy))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "instability", got, 0.25, 0.01)
	same, err := CodeInstability(tensors.FromValue(turned), tensors.FromValue(turnedNoisy))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "instability of codes turned and scaled", same, got, 1e-12)
}

// TestDenoisingErrors: noise, objects and models that are not valid return an error with their name and value.
func TestDenoisingErrors(t *testing.T) {
	backend, nan := testx.Backend(t), math.NaN()
	x, bad := tensors.FromValue([][]float32{{1, 2}}), tensors.FromValue([][]float32{{1, float32(nan)}})
	call := func(_ any, err error) error { return err }
	config := func(c Corruption) error {
		return call(NewAutoencoder(backend, AutoencoderConfig{Features: 2, Latent: 2, Corruption: c}))
	}
	corrupt := func(x *tensors.Tensor, c Corruption) error { return call(Corrupt(backend, x, c, 1)) }
	linear := func(x *tensors.Tensor, c Corruption) error { return call(LinearDenoiser(x, c)) }
	one, none := tensors.FromValue([][]float32{{1}}), tensors.FromValue([][]float32{{0, 0}})
	score := func(c Corruption, loss string) error {
		m, err := NewAutoencoder(backend, AutoencoderConfig{Features: 2, Latent: 2, Corruption: c, Loss: loss})
		if err != nil {
			t.Fatal(err)
		}
		return call(m.Score(x))
	}
	train := func(x *tensors.Tensor) error {
		m, err := NewAutoencoder(backend, AutoencoderConfig{Features: 2, Latent: 2, Corruption: Corruption{"gaussian", 1}})
		if err != nil {
			t.Fatal(err)
		}
		return call(m.Training(x, "x", FitConfig{Batch: 1}))
	}
	const field = "lecture11: AutoencoderConfig.Corruption."
	for want, err := range map[string]error{
		field + `Kind = "gauss", want one of "gaussian", "masking", "salt-and-pepper"`: config(Corruption{"gauss", 1}),
		field + `Kind = "", want one of`:                                               config(Corruption{"", 0.5}),
		field + "Level = -1, want σ from 0 to 1e+18":                                   config(Corruption{"gaussian", -1}),
		field + "Level = NaN, want σ from 0":                                           config(Corruption{"gaussian", nan}),
		field + "Level = +Inf, want σ from 0":                                          config(Corruption{"gaussian", math.Inf(1)}),
		field + "Level = -0.1, want a probability p₀ in [0, 1] for masking":            config(Corruption{"masking", -0.1}),
		field + "Level = 1.5, want a probability p₀ in [0, 1] for masking":             config(Corruption{"masking", 1.5}),
		field + "Level = NaN, want a probability":                                      config(Corruption{"salt-and-pepper", nan}),
		"lecture11: Corruption.Level = -1":                                             corrupt(x, Corruption{"gaussian", -1}),
		"lecture11: Corrupt: component 1 of object 0 is NaN":                           corrupt(bad, Corruption{"gaussian", 1}),
		"lecture11: Corrupt: objects of shape":                                         corrupt(tensors.FromScalar(float32(1)), Corruption{}),
		"lecture11: Corrupt: values of type Int32":                                     corrupt(tensors.FromValue([][]int32{{1}}), Corruption{}),
		"lecture11: Autoencoder: component 1 of object 0 is NaN":                       train(bad),
		"want [l, 2]": train(tensors.FromValue([][]float32{{1, 2, 3}})),
		`lecture11: Score of an autoencoder with Corruption = {"masking", 0.5}`: score(Corruption{"masking", 0.5}, ""),
		`Corruption = {"gaussian", 0}`:                                          score(Corruption{"gaussian", 0}, ""),
		`Loss = "bernoulli"`:                                                    score(Corruption{"gaussian", 1}, "bernoulli"),
		"train or restore it first":                                             score(Corruption{"gaussian", 1}, ""),
		`Corruption.Kind = "salt-and-pepper", want "gaussian" or "masking"`:     linear(x, Corruption{"salt-and-pepper", 0.1}),
		"LinearDenoiser: Q = E[X̃ᵀX̃] of 1 objects has no inverse":              linear(x, Corruption{"masking", 0}),
		"LinearDenoiser: component 1 of object 0":                               linear(bad, Corruption{"masking", 0.5}),
		"CompareFields of":                                                      call(CompareFields(x, one)),
		"true vectors that are all 0":                                           call(CompareFields(x, none)),
		"CodeInstability of":                                                    call(CodeInstability(x, one)),
		"codes that differ":                                                     call(CodeInstability(x, x)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}
