package lecture11

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
)

// blobs returns l images of 8 × 8 pixels, each with a bright square at a random place, as bytes.
func blobs(l int) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(1, 0))
	flat := make([]uint8, l*64)
	for i := range l {
		row, column := rng.IntN(6), rng.IntN(6)
		for p := range 9 {
			flat[i*64+(row+p/3)*8+column+p%3] = 255
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, l, 64)
}

func smallConvGAN(change func(c *GANConfig)) GANConfig {
	c := GANConfig{Features: 64, Latent: 6, Nets: "conv", Generator: []int{8, 4}, Discriminator: []int{4, 8}, Hidden: 16, Output: "sigmoid", Seed: 1}
	if change != nil {
		change(&c)
	}
	return c
}

// TestConvGANShapes is C25.1: the sides double in G and halve in D, and objects are in the range of the data.
func TestConvGANShapes(t *testing.T) {
	m := newGAN(t, smallConvGAN(nil))
	trainGAN(t, m, blobs(64), FitConfig{Batch: 16, Seed: 1})
	for path, want := range map[string][]int{
		"/generator/input/dense/weights":      {6, 2 * 2 * 8},
		"/generator/conv_0/weights":           {3, 3, 8, 4},
		"/generator/output/weights":           {3, 3, 4, 1},
		"/discriminator/conv_0/weights":       {3, 3, 1, 4},
		"/discriminator/conv_1/weights":       {3, 3, 4, 8},
		"/discriminator/hidden/dense/weights": {2 * 2 * 8, 16},
		"/discriminator/output/dense/weights": {16, 1},
	} {
		if v := m.store.GetVariable(path); v == nil || !slices.Equal(v.Shape().Dimensions, want) {
			t.Errorf("%s: %v, want %v", path, v, want)
		}
	}
	x, err := m.Generate(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	flat := tensors.MustCopyFlatData[float32](x)
	if len(flat) != 640 || slices.Min(flat) < 0 || slices.Max(flat) > 1 {
		t.Errorf("%d pixels in [%g, %g], want 640 in [0, 1]", len(flat), slices.Min(flat), slices.Max(flat))
	}
}

// TestConvGANLearns: the small network generates images that are on average as bright as the real ones at all pixels.
func TestConvGANLearns(t *testing.T) {
	m := newGAN(t, smallConvGAN(func(c *GANConfig) { c.Average = 0.99 }))
	x := blobs(2048)
	trainGAN(t, m, x, FitConfig{Epochs: 12, Batch: 64, LearningRate: 2e-3, Beta1: half(), Decay: "linear", Seed: 1})
	made, err := m.Generate(2048, 3)
	if err != nil {
		t.Fatal(err)
	}
	real, fake := make([]float64, 64), make([]float64, 64)
	for i, v := range tensors.MustCopyFlatData[uint8](x) {
		real[i%64] += float64(v) / 255 / 2048
	}
	for i, v := range tensors.MustCopyFlatData[float32](made) {
		fake[i%64] += float64(v) / 2048
	}
	var off float64
	for i := range real {
		off += math.Abs(real[i]-fake[i]) / 64
	}
	t.Logf("mean image off by %.3f", off)
	if off > 0.05 {
		t.Errorf("the mean image is off by %.3f a pixel, want at most .05 (black: .14)", off)
	}
}

// TestConvGANLabels: the conditional nets take labels, and the effect of the label on D's output depends on the image.
func TestConvGANLabels(t *testing.T) {
	long(t)
	m := newGAN(t, smallConvGAN(func(c *GANConfig) { c.Classes = 3; c.Penalty = 1; c.Spectral = true; c.Spread = true }))
	x := blobs(66)
	labels := make([]int, 66)
	for i := range labels {
		labels[i] = i % 3
	}
	labelled := func(shift int) *tensors.Tensor {
		t.Helper()
		turned := make([]int, len(labels))
		for i, y := range labels {
			turned[i] = (y + shift) % 3
		}
		out, err := WithLabels(x, turned, 3)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	trainGAN(t, m, labelled(0), FitConfig{Batch: 22, Seed: 1})
	var says [2][]float32
	for shift := range says {
		out, err := m.Discriminate(labelled(shift))
		if err != nil {
			t.Fatal(err)
		}
		says[shift] = tensors.MustCopyFlatData[float32](out)
	}
	first, same := says[1][0]-says[0][0], true
	for i := 0; i < 66; i += 3 { // objects whose label changes from 0 to 1
		same = same && math.Abs(float64(says[1][i]-says[0][i]-first)) < 1e-6
	}
	if same {
		t.Error("another label adds one constant to D for all images")
	}
}

// TestSpectralDiscriminator: a trained critic with 1-Lipschitz layers has no slope above 1 between two points; without
// Spectral it does.
func TestSpectralDiscriminator(t *testing.T) {
	long(t)
	for _, on := range []bool{true, false} {
		m := newGAN(t, GANConfig{Features: 2, Latent: 2, Loss: "wasserstein", Spectral: on, Activation: "relu", Seed: 1})
		trainGAN(t, m, ring(t, 800), FitConfig{Epochs: 20, Batch: 80, Seed: 1})
		x := ring(t, 200)
		out, err := m.Discriminate(x)
		if err != nil {
			t.Fatal(err)
		}
		points, says, steepest := tensors.MustCopyFlatData[float32](x), tensors.MustCopyFlatData[float32](out), 0.0
		for i := range says {
			for j := range i {
				run := math.Hypot(float64(points[2*i]-points[2*j]), float64(points[2*i+1]-points[2*j+1]))
				steepest = max(steepest, math.Abs(float64(says[i]-says[j]))/run)
			}
		}
		t.Logf("spectral %v: steepest slope %.3f", on, steepest)
		if on == (steepest > 1.001) {
			t.Errorf("spectral %v: steepest slope between two points %.3f, want at most 1 with and more without", on, steepest)
		}
	}
}

// TestSmoothing: D's loss with targets 1 − s is the cross-entropy with that target, and is smallest at σ(a) = 1 − s.
func TestSmoothing(t *testing.T) {
	a := []float64{-3, -0.5, 0, 1, 4}
	const s = 0.1
	var want float64
	for _, v := range a {
		p := 1 / (1 + math.Exp(-v))
		want -= ((1-s)*math.Log(p) + s*math.Log(1-p)) / float64(len(a))
	}
	got := MustExecOnce(testx.Backend(t), func(a *Node) *Node {
		far := AddScalar(ZerosLike(a), -1e3) // generated objects that cost nothing
		l := adversarialLosses["non-saturating"]
		return Add(l.Discriminator(a, far), l.Smooth(a, s))
	}, a)
	near(t, "smoothed loss", tensors.ToScalar[float64](got), want, 1e-9)
}

// TestAverage: the mean of G's weights is w̄ := γw̄ + (1 − γ)w over the rounds, starting with the weights after the
// first one. Objects are generated with it, or with the current weights by Momentary. Without Average there is no
// mean.
func TestAverage(t *testing.T) {
	const decay, path = 0.9, "/generator/output/dense/weights"
	weights := func(m *GAN, path string) []float32 {
		return tensors.MustCopyFlatData[float32](m.store.GetVariable(path).MustValue())
	}
	m := newGAN(t, GANConfig{Features: 2, Latent: 3, Average: decay, Seed: 1})
	training, err := m.Training(ring(t, 80), "x", FitConfig{Epochs: 5, Batch: 40, LearningRate: 0.01, Seed: 1, StepsPerCall: 1})
	if err != nil {
		t.Fatal(err)
	}
	var want []float64
	err = training.Run(t.Context(), func(step int, _ map[string]float64) error {
		for i, w := range weights(m, path) {
			if step == 1 {
				want = append(want, float64(w))
			} else {
				want[i] = decay*want[i] + (1-decay)*float64(w)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range weights(m, "/average"+path) {
		near(t, fmt.Sprintf("mean weight %d", i), float64(w), want[i], 1e-6)
	}
	mean, err1 := m.Generate(3, 1)
	now, err2 := m.Momentary().Generate(3, 1)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if slices.Equal(tensors.MustCopyFlatData[float32](mean), tensors.MustCopyFlatData[float32](now)) {
		t.Error("objects of the mean weights equal those of the momentary weights")
	}
	// The momentary weights are those of a GAN without a mean, after the same training.
	plain := newGAN(t, GANConfig{Features: 2, Latent: 3, Seed: 1})
	trainGAN(t, plain, ring(t, 80), FitConfig{Epochs: 5, Batch: 40, LearningRate: 0.01, Seed: 1})
	same, err := plain.Generate(3, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range tensors.MustCopyFlatData[float32](same) {
		near(t, fmt.Sprintf("object value %d", i), float64(tensors.MustCopyFlatData[float32](now)[i]), float64(v), 1e-4)
	}
	for v := range plain.store.IterVariables() {
		if strings.HasPrefix(v.Path(), "/average/") {
			t.Errorf("a GAN without Average keeps %s", v.Path())
		}
	}
}

// TestGANRestored: the weights alone, from which a finished training is restored, reproduce the objects and D's
// outputs. Both also depend on variables that have no gradient.
func TestGANRestored(t *testing.T) {
	long(t)
	fit := FitConfig{Epochs: 5, Batch: 40, Seed: 1}
	for name, c := range map[string]struct {
		cfg GANConfig
		x   *tensors.Tensor
	}{
		"dense": {GANConfig{Features: 2, Latent: 3, Average: 0.9, Spectral: true, Seed: 1}, ring(t, 80)},
		"conv":  {smallConvGAN(func(c *GANConfig) { c.Average, c.Spread = 0.9, true }), blobs(80)},
	} {
		training := func(m *GAN) *Training {
			tr, err := m.Training(c.x, "x", fit)
			if err != nil {
				t.Fatal(err)
			}
			return tr
		}
		use := func(m *GAN) [][]float64 {
			return [][]float64{values(t)(m.Generate(5, 1)), values(t)(m.Momentary().Generate(5, 1)), values(t)(m.Discriminate(c.x))}
		}
		m, restored := newGAN(t, c.cfg), newGAN(t, c.cfg)
		first := training(m)
		var saved bytes.Buffer
		if err := errors.Join(first.Run(t.Context(), nil), first.Save(partWeights, &saved)); err != nil {
			t.Fatal(err)
		}
		if err := training(restored).Restore(partWeights, &saved); err != nil {
			t.Fatal(err)
		}
		if a, b := use(m), use(restored); !reflect.DeepEqual(a, b) {
			t.Errorf("%s, restored: %v, want %v", name, b, a)
		}
	}
	plain := newGAN(t, GANConfig{Features: 2, Latent: 3, Seed: 1})
	trainGAN(t, plain, ring(t, 80), fit)
	plain.cfg.Average = 0.9 // as of weights that lack the mean
	_, err := plain.Generate(5, 1)
	wantError(t, err, "lack")
}

// TestPace: Adam's first step changes each weight by the learning rate, so D moves Pace times as far as G.
func TestPace(t *testing.T) {
	m := newGAN(t, GANConfig{Features: 2, Latent: 3, Pace: new(4.0), Seed: 1})
	cfg := FitConfig{Epochs: 2, Batch: 40, LearningRate: 1e-3, Seed: 1, StepsPerCall: 1}
	training, err := m.Training(ring(t, 40), "x", cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := training.initialise(); err != nil {
		t.Fatal(err)
	}
	before := netWeights(t, m)
	ctx, cancel := context.WithCancel(t.Context())
	err = training.Run(ctx, func(int, map[string]float64) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for net, weights := range netWeights(t, m) {
		furthest := 0.0
		for i, w := range weights {
			furthest = max(furthest, math.Abs(float64(w-before[net][i])))
		}
		near(t, net+" moved", furthest, map[string]float64{"generator": 1e-3, "discriminator": 4e-3}[net], 1e-5)
	}
}

// TestOwnNets: custom networks can be trained, and an output of the wrong shape returns an error with the expected
// shape.
func TestOwnNets(t *testing.T) {
	cfg := GANConfig{Features: 2, Latent: 2, Seed: 1}
	nets := GANNets{ID: "mine", Generator: Dense([]int{8}, 2, "tanh"), Discriminator: Dense([]int{8}, 1, "tanh")}
	m, err := NewGANOf(testx.Backend(t), cfg, nets)
	if err != nil {
		t.Fatal(err)
	}
	trainGAN(t, m, ring(t, 80), FitConfig{Batch: 40, Seed: 1})
	for want, change := range map[string]func(n *GANNets){
		"the discriminator of a GAN returns (Float32)[1, 2] for a batch of 1, want [1, 1]": func(n *GANNets) { n.Discriminator = Dense(nil, 2, "tanh") },
		"the generator of a GAN returns (Float32)[1, 3] for a batch of 1, want [1, 2]":     func(n *GANNets) { n.Generator = Dense(nil, 3, "tanh") },
	} {
		wrong := nets
		change(&wrong)
		_, err := NewGANOf(testx.Backend(t), cfg, wrong)
		wantError(t, err, want)
	}
	_, err = NewGANOf(testx.Backend(t), cfg, GANNets{ID: "mine"})
	wantError(t, err, "want GANNets with ID")
	cfg.Spectral = true
	_, err = NewGANOf(testx.Backend(t), cfg, nets)
	wantError(t, err, "Spectral")
}

// TestOwnNetsSeeBatchesApart: the package's D sees real and generated objects in one call, a custom D in two, and both
// train to the same losses.
func TestOwnNetsSeeBatchesApart(t *testing.T) {
	cfg := GANConfig{Features: 2, Latent: 2, Generator: []int{8}, Discriminator: []int{8}, Activation: "tanh", Seed: 1}
	rows := map[int]int{}
	dense := Dense([]int{8}, 1, "tanh")
	own, err := NewGANOf(testx.Backend(t), cfg, GANNets{ID: "mine", Generator: Dense([]int{8}, 2, "tanh"),
		Discriminator: func(scope *model.Scope, x *Node) *Node { rows[x.Shape().Dim(0)]++; return dense(scope, x) }})
	if err != nil {
		t.Fatal(err)
	}
	clear(rows) // NewGANOf has built it on one object
	fit := FitConfig{Batch: 40, Epochs: 5, Seed: 1}
	apart, joint := trainGAN(t, own, ring(t, 80), fit), trainGAN(t, newGAN(t, cfg), ring(t, 80), fit)
	for name, loss := range joint {
		near(t, name, loss, apart[name], 1e-5)
	}
	if len(rows) != 1 || rows[40] == 0 {
		t.Errorf("calls of a custom D by number of rows: %v, want only calls with 40 rows", rows)
	}
}

// TestGANDiverges: a learning rate that is far too large ends the training with an error that names the step, and the
// last good state is kept.
func TestGANDiverges(t *testing.T) {
	m := newGAN(t, GANConfig{Features: 2, Latent: 2, Loss: "wasserstein", Seed: 1})
	training, err := m.Training(ring(t, 400), "x", FitConfig{Epochs: 200, Batch: 40, LearningRate: 1e6, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	err = training.Run(t.Context(), nil)
	var diverged *DivergedError
	if !errors.As(err, &diverged) {
		t.Fatalf("error %v, want a DivergedError", err)
	}
	if diverged.Kept != training.Step() || diverged.Step <= diverged.Kept {
		t.Errorf("diverged at %d, kept %d, training at %d", diverged.Step, diverged.Kept, training.Step())
	}
	x, err := m.Generate(4, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range tensors.MustCopyFlatData[float32](x) {
		if math.IsNaN(float64(v)) {
			t.Error("the state that is kept generates NaN")
		}
	}
}

// TestFrozen is the setting of C27.2: a frozen net keeps its bits while the other learns. The other starts with the
// weights of the model given to StartFrom, and the key includes that model's key.
func TestFrozen(t *testing.T) {
	cfg := GANConfig{Features: 2, Latent: 2, Seed: 1}
	first := newGAN(t, cfg)
	trainGAN(t, first, ring(t, 80), FitConfig{Batch: 40, Seed: 1})
	cfg.Frozen, cfg.Seed = "discriminator", 2
	second := newGAN(t, cfg)
	if err := second.StartFrom(first); err != nil {
		t.Fatal(err)
	}
	training, err := second.Training(ring(t, 80), "x", FitConfig{Batch: 40, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if training.Key()["start"] == nil {
		t.Error("the key does not contain the start")
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	before := netWeights(t, first)
	for net, weights := range netWeights(t, second) {
		if same := slices.Equal(weights, before[net]); same != (net == "discriminator") {
			t.Errorf("the %s is as it was: %v", net, same)
		}
	}
	third := newGAN(t, GANConfig{Features: 2, Latent: 3})
	wantError(t, third.StartFrom(first), "Latent 2")
	wantError(t, newGAN(t, GANConfig{Features: 2, Latent: 2, Spectral: true}).StartFrom(first), "want ")
	wantError(t, second.StartFrom(first), "has weights already")
	wantError(t, newGAN(t, cfg).StartFrom(newGAN(t, cfg)), "has no weights")
}

// TestCriticOfShift is C28.2: against a fixed generator N(θ, 1), a critic on the line with penalty λ ends with the gap
// of CriticGap (2 %), 1.545, and not with W₁ = 1.
func TestCriticOfShift(t *testing.T) {
	const theta, lambda = 1.0, 1.0
	fixed := func(_ *model.Scope, z *Node) *Node { return AddScalar(z, theta) }
	m, err := NewGANOf(testx.Backend(t), GANConfig{Features: 1, Latent: 1, Loss: "wasserstein", Penalty: lambda, Seed: 1},
		GANNets{ID: "shift 1", Generator: fixed, Discriminator: Dense([]int{32}, 1, "tanh")})
	if err != nil {
		t.Fatal(err)
	}
	losses := trainGAN(t, m, must(asFloats(gaussians(40_000, 1, 0, 1, 3))),
		FitConfig{Epochs: 40, Batch: 500, LearningRate: 5e-3, Decay: "linear", Seed: 1, StepsPerCall: 800})
	gap := losses["real"] - losses["fake"]
	t.Logf("gap %.3f", gap)
	want := must(CriticGap(theta, lambda))
	near(t, "gap", gap, want, 0.02*want)
	if losses["∇G"] != 0 {
		t.Errorf("∇G = %g for a generator without weights, want 0", losses["∇G"])
	}
}
