package lecture11

import (
	"fmt"
	"math"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

func newGAN(t *testing.T, cfg GANConfig) *GAN {
	t.Helper()
	m, err := NewGAN(testx.Backend(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func trainGAN(t *testing.T, m *GAN, x *tensors.Tensor, cfg FitConfig) map[string]float64 {
	t.Helper()
	training, err := m.Training(x, "x", cfg)
	if err != nil {
		t.Fatal(err)
	}
	var last map[string]float64
	if err := training.Run(t.Context(), func(_ int, losses map[string]float64) error { last = losses; return nil }); err != nil {
		t.Fatal(err)
	}
	return last
}

func ring(t *testing.T, l int) *tensors.Tensor {
	t.Helper()
	points, err := data.Ring(8, l, 2, 0.05, 1)
	if err != nil {
		t.Fatal(err)
	}
	return points.Tensor()
}

func half() *float64 { b := 0.5; return &b }

// TestGANRing: with the minimax loss, which is stable here, a small GAN covers at least 6 of 8
// Gaussians, and most of its samples are good. (The table over losses and seeds is in the notebook.)
func TestGANRing(t *testing.T) {
	long(t)
	m := newGAN(t, GANConfig{Features: 2, Latent: 8, Loss: "minimax", Seed: 1})
	losses := trainGAN(t, m, ring(t, 8000), FitConfig{Epochs: 100, Batch: 200, LearningRate: 1e-3, Decay: "linear", Beta1: half(), Seed: 1, StepsPerCall: 500})
	x, err := m.Generate(4096, 3)
	if err != nil {
		t.Fatal(err)
	}
	c := ringCoverage(t, x)
	t.Logf("%d modes, %.2f good, losses %v", c.Modes, c.Good, losses)
	if c.Modes < 6 || c.Good < 0.6 {
		t.Errorf("%d of 8 modes, %.2f good samples, want at least 6 and .6", c.Modes, c.Good)
	}
}

// ringCoverage returns the coverage of the Gaussians of ring by objects.
func ringCoverage(t *testing.T, x *tensors.Tensor) Coverage {
	t.Helper()
	c, err := must(RingMixture(8, 2, 0.05)).Coverage(x)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGANEquilibrium: an affine generator on a Gaussian in the plane ends with its moments (0.15 in this short
// training). Each loss is close to that of a blind discriminator: 2 ln 2 and ln 2 (0.1).
func TestGANEquilibrium(t *testing.T) {
	x := tensors.MustCopyFlatData[float64](gaussians(8000, 2, 0, 1, 2))
	flat := make([]float32, len(x))
	for i := 0; i < len(x); i += 2 {
		flat[i], flat[i+1] = float32(1+0.8*x[i]), float32(-1+0.5*x[i]+0.4*x[i+1])
	}
	m := newGAN(t, GANConfig{Features: 2, Latent: 2, Generator: []int{}, Discriminator: []int{32}, Seed: 1})
	losses := trainGAN(t, m, tensors.FromFlatDataAndDimensions(flat, 8000, 2),
		FitConfig{Epochs: 120, Batch: 250, LearningRate: 2e-3, Decay: "linear", Beta1: half(), Seed: 1, StepsPerCall: 1920})
	near(t, "discriminator's loss", losses["discriminator"], 2*math.Ln2, 0.1)
	near(t, "generator's loss", losses["generator"], math.Ln2, 0.1)
	made, err := m.Generate(20_000, 5)
	if err != nil {
		t.Fatal(err)
	}
	fit, err := FitGaussian(made)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1, -1, 0.64, 0.4, 0.41} {
		got := []float64{fit.Mean[0], fit.Mean[1], fit.Covariance.At(0, 0), fit.Covariance.At(0, 1), fit.Covariance.At(1, 1)}[i]
		near(t, fmt.Sprintf("moment %d", i), got, want, 0.15)
	}
}

// TestAlternation is C24.2: a step of one net leaves the other unchanged to the last bit, and each draw has new noise.
// The losses of a round are those of the weights before it.
func TestAlternation(t *testing.T) {
	m := newGAN(t, GANConfig{Features: 2, Latent: 3, Generator: []int{4}, Discriminator: []int{4}, Seed: 1})
	trainGAN(t, m, ring(t, 80), FitConfig{Batch: 40, Seed: 1})
	for _, moving := range []string{"generator", "discriminator"} {
		before := netWeights(t, m)
		exec, err := model.NewExec(m.backend, m.store, func(scope *model.Scope, x *Node) []*Node {
			nets := &ganNets{m: m, scope: scope}
			first, second := nets.generate(x, nil, 5), nets.generate(x, nil, 5)
			loss := ReduceAllSum(Square(nets.discriminate(first)))
			nets.step(firstStep(x.Graph(), FitConfig{LearningRate: 0.1}.withDefaults(128), 1), netLoss{moving, loss})
			return []*Node{first, second}
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(ring(t, 8))
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])) {
			t.Error("two draws of noise are the same")
		}
		for net, weights := range netWeights(t, m) {
			if same := slices.Equal(weights, before[net]); same == (net == moving) {
				t.Errorf("a step of the %s: weights of the %s the same: %v", moving, net, same)
			}
		}
	}
}

// firstStep returns the numbers of the first step of a training, with those of the model.
func firstStep(g *Graph, cfg FitConfig, own ...float64) *stepNumbers {
	shared := cfg.numbersAt(0)
	return cfg.stepNumbers(Const(g, [][]float64{append(shared[:], own...)}), Const(g, int32(0)))
}

// netWeights returns the weights of both nets.
func netWeights(t *testing.T, m *GAN) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{}
	for _, net := range []string{"generator", "discriminator"} {
		for v := range m.store.Scope("/" + net).IterVariables() {
			if v.Trainable {
				all[net] = append(all[net], tensors.MustCopyFlatData[float32](v.MustValue())...)
			}
		}
		if len(all[net]) == 0 {
			t.Fatalf("no weights of the %s", net)
		}
	}
	return all
}

// TestClipping is C28.3: with Clip no weight of the critic is outside [−c, c] after any call, exactly; the generator's
// weights are not bounded.
func TestClipping(t *testing.T) {
	m := newGAN(t, GANConfig{Features: 2, Latent: 3, Loss: "wasserstein", Clip: 0.05, Steps: 3, Seed: 1})
	trainGAN(t, m, ring(t, 1200), FitConfig{Epochs: 5, Batch: 40, Seed: 1})
	weights := netWeights(t, m)
	if largest := slices.Max(weights["discriminator"]); largest > 0.05 || slices.Min(weights["discriminator"]) < -0.05 {
		t.Errorf("the critic has a weight of %g, want at most 0.05", largest)
	}
	listed, err := m.DiscriminatorWeights()
	if err != nil || len(listed) != len(weights["discriminator"]) || slices.Max(listed) != float64(slices.Max(weights["discriminator"])) {
		t.Errorf("%d listed weights, %v, want the %d of D", len(listed), err, len(weights["discriminator"]))
	}
	if slices.Max(weights["generator"]) <= 0.05 {
		t.Error("the generator's weights are clipped too")
	}
}

// TestGradientPenalty is C28.4: the penalty's gradient with respect to a weight of D is that of finite differences (1
// %); a critic with slope 1 pays 0.
func TestGradientPenalty(t *testing.T) {
	m := newGAN(t, GANConfig{Features: 2, Latent: 3, Discriminator: []int{8}, Activation: "tanh", Penalty: 1, Seed: 1})
	trainGAN(t, m, ring(t, 80), FitConfig{Batch: 40, Seed: 1})
	path := "/discriminator/hidden_0/dense/weights"
	if m.store.GetVariable(path) == nil {
		for v := range m.store.IterVariables() {
			t.Log(v.Path())
		}
		t.Fatalf("no %s", path)
	}
	exec, err := model.NewExec(m.backend, m.store, func(scope *model.Scope, x *Node) []*Node {
		if err := m.store.SetRNGStateFromSeed(4); err != nil {
			panic(err)
		}
		nets := &ganNets{m: m, scope: scope}
		fake := Const(x.Graph(), [][]float32{{0.3, -0.4}, {1, 0.2}, {-0.5, -1}, {0, 0.7}})
		loss := m.gradientPenalty(nets, x, fake)
		return []*Node{loss, Gradient(loss, m.store.GetVariable(path).NodeValue(x.Graph()))[0]}
	})
	if err != nil {
		t.Fatal(err)
	}
	seeded := func() []*tensors.Tensor {
		if err := m.store.SetRNGStateFromSeed(4); err != nil { // the same u in each call
			t.Fatal(err)
		}
		out, err := exec.Call(ring(t, 4))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	gradient := tensors.MustCopyFlatData[float32](seeded()[1])
	w := m.store.GetVariable(path)
	at := tensors.MustCopyFlatData[float32](w.MustValue())
	for _, i := range []int{0, len(at) - 1} {
		f := func(h float32) float64 {
			moved := slices.Clone(at)
			moved[i] += h
			if err := w.SetValue(tensors.FromFlatDataAndDimensions(moved, w.Shape().Dimensions...)); err != nil {
				t.Fatal(err)
			}
			return float64(tensors.ToScalar[float32](seeded()[0]))
		}
		const h = 5e-3
		want := (8*(f(h)-f(-h)) - (f(2*h) - f(-2*h))) / (12 * h)
		f(0)
		near(t, fmt.Sprintf("gradient of the penalty[%d]", i), float64(gradient[i]), want, 1e-3+0.01*math.Abs(want))
	}
}

// TestConditionalGAN: the label reaches the generator, which generates other objects from the same noise with other
// labels.
func TestConditionalGAN(t *testing.T) {
	points, err := data.Ring(8, 800, 2, 0.05, 1)
	if err != nil {
		t.Fatal(err)
	}
	labels := make([]int, points.Len())
	for i, c := range points.Class() {
		labels[i] = c
	}
	x, err := WithLabels(points.Tensor(), labels, 8)
	if err != nil {
		t.Fatal(err)
	}
	m := newGAN(t, GANConfig{Features: 2, Latent: 2, Classes: 8, Penalty: 0.1, Seed: 1})
	trainGAN(t, m, x, FitConfig{Epochs: 100, Batch: 100, LearningRate: 2e-3, Decay: "linear", Beta1: half(), Seed: 1})
	made, err := m.GenerateOf(labels, 3)
	if err != nil {
		t.Fatal(err)
	}
	flat, right := tensors.MustCopyFlatData[float32](made), 0
	for i, label := range labels {
		best, nearest := math.Inf(1), 0
		for k, c := range data.RingCenters(8, 2) {
			if d := math.Hypot(float64(flat[2*i])-c[0], float64(flat[2*i+1])-c[1]); d < best {
				best, nearest = d, k
			}
		}
		if nearest == label {
			right++
		}
	}
	if share := float64(right) / float64(len(labels)); share < 0.9 {
		t.Errorf("nearest Gaussian is that of the label for %.2f, want over .9", share)
	}
}

// TestGANRefuses tries invalid configurations, batches, objects and labels.
func TestGANRefuses(t *testing.T) {
	for want, change := range map[string]func(c *GANConfig){
		"Features = 0":             func(c *GANConfig) { c.Features = 0 },
		"Latent = 0":               func(c *GANConfig) { c.Latent = 0 },
		"Steps = -1":               func(c *GANConfig) { c.Steps = -1 },
		"Clip = -1":                func(c *GANConfig) { c.Clip = -1 },
		"Penalty = NaN":            func(c *GANConfig) { c.Penalty = math.NaN() },
		"Classes = 1":              func(c *GANConfig) { c.Classes = 1 },
		"Generator[0] = 0":         func(c *GANConfig) { c.Generator = []int{0} },
		`Loss = "war"`:             func(c *GANConfig) { c.Loss = "war" },
		"Smooth = 0.5":             func(c *GANConfig) { c.Smooth = 0.5 },
		"want a loss of proba":     func(c *GANConfig) { c.Smooth, c.Loss = 0.1, "hinge" },
		"Pace = -1":                func(c *GANConfig) { c.Pace = new(-1.0) },
		"Average = 1":              func(c *GANConfig) { c.Average = 1 },
		`Nets = "transformer"`:     func(c *GANConfig) { c.Nets = "transformer" },
		"Features = 2 with Height": func(c *GANConfig) { c.Nets = "conv" },
		"Hidden = 3":               func(c *GANConfig) { c.Hidden = 3 },
		"Spread = true":            func(c *GANConfig) { c.Spread = true },
		"Hidden = -1":              func(c *GANConfig) { c.Nets, c.Hidden = "conv", -1 },
		`Norm = "batch"`:           func(c *GANConfig) { c.Nets, c.Norm = "conv", "batch" },
		`Output = "tan"`:           func(c *GANConfig) { c.Output = "tan" },
		`Activation = "square"`:    func(c *GANConfig) { c.Activation = "square" },
	} {
		c := GANConfig{Features: 2, Latent: 2}
		change(&c)
		_, err := NewGAN(testx.Backend(t), c)
		wantError(t, err, want)
	}
	m := newGAN(t, GANConfig{Features: 2, Latent: 2})
	_, err := m.Training(ring(t, 8), "x", FitConfig{Batch: 1})
	wantError(t, err, "Batch = 1, want at least 2")
	_, err = m.Training(gaussians(8, 3, 0, 1, 1), "x", FitConfig{Batch: 4})
	wantError(t, err, "2")
	_, err = m.Generate(3, 1)
	wantError(t, err, "no weights")
	_, err = m.Generate(0, 1)
	wantError(t, err, "count = 0")
	_, err = m.GenerateOf([]int{1}, 1)
	wantError(t, err, "Classes = 0")
	images := newGAN(t, GANConfig{Features: 2, Latent: 2, Output: "sigmoid"})
	_, err = images.Training(ring(t, 8), "x", FitConfig{Batch: 4})
	wantError(t, err, "[0, 1]")
	labelled := newGAN(t, GANConfig{Features: 2, Latent: 2, Classes: 3})
	_, err = labelled.GenerateOf([]int{3}, 1)
	wantError(t, err, "label 3")
	_, err = labelled.Generate(1, 1)
	wantError(t, err, "GenerateOf")
	_, err = m.Training(ring(t, 8), "x", FitConfig{Batch: 4, Beta1: func() *float64 { b := 1.0; return &b }()})
	wantError(t, err, "Beta1 = 1")
}
