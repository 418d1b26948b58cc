package lecture11

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

// startTraining creates the variables of a training and compiles its step.
func startTraining(t *testing.T, training *Training) {
	t.Helper()
	training.guard.lock()
	defer training.guard.unlock()
	if err := training.start(); err != nil {
		t.Fatal(err)
	}
}

// toyData returns l points of the line y = 2x − 1 with noise, [l, 2].
func toyData(l int) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(5, 0))
	flat := make([]float32, 0, 2*l)
	for range l {
		x := rng.NormFloat64()
		flat = append(flat, float32(x), float32(2*x-1+0.1*rng.NormFloat64()))
	}
	return tensors.FromFlatDataAndDimensions(flat, l, 2)
}

// lineTraining fits y = a·x + b by least squares, with noise of the given size on x.
func lineTraining(t *testing.T, cfg FitConfig, noise float64) *Training {
	t.Helper()
	cfg = cfg.withDefaults(64)
	training, err := newTraining(Training{
		name: "line", key: map[string]any{"kind": "line", "fit": cfg}, cfg: cfg,
		backend: testx.Backend(t), store: model.NewStore(), initSeed: 1, data: []*tensors.Tensor{toyData(64)},
		build: func(scope *model.Scope, now *stepNumbers, batch []*Node) []Loss {
			x := Slice(batch[0], AxisRange(), AxisElem(0))
			y := Slice(batch[0], AxisRange(), AxisElem(1))
			x = Add(x, MulScalar(scope.RandomNormal(x.Graph(), x.Shape()), noise))
			loss := ReduceAllMean(Square(Sub(Dense(nil, 1, "relu")(scope.In("line"), x), y)))
			now.adamStep(scope, loss)
			return []Loss{{"loss", loss}}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return training
}

// weightsOf returns the trainable values of a training, variable by variable.
func weightsOf(t *testing.T, training *Training) []float32 {
	t.Helper()
	var all []float32
	for _, v := range training.variables() {
		if v.Trainable {
			all = append(all, tensors.MustCopyFlatData[float32](v.MustValue())...)
		}
	}
	return all
}

func runTraining(t *testing.T, training *Training) []float64 {
	t.Helper()
	var losses []float64
	err := training.Run(context.Background(), func(step int, l map[string]float64) error {
		losses = append(losses, l["loss"])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return losses
}

// TestTrainingNaive compares the loop and Adam with plain Go loops: full batches, no noise.
func TestTrainingNaive(t *testing.T) {
	cfg := FitConfig{Epochs: 12, Batch: 64, LearningRate: 0.1, Decay: "linear", StepsPerCall: 5}
	training := lineTraining(t, cfg, 0)
	startTraining(t, training)
	w := weightsOf(t, training)
	want := naiveAdam([2]float64{float64(w[0]), float64(w[1])}, 12, 0.1)
	runTraining(t, training)
	got := weightsOf(t, training)
	near(t, "slope", float64(got[0]), want[0], 1e-5)
	near(t, "offset", float64(got[1]), want[1], 1e-5)
}

// naiveAdam is Kingma & Ba's algorithm 1 on the least squares of toyData, with a rate that falls linearly to 0.
func naiveAdam(w [2]float64, steps int, rate float64) [2]float64 {
	data := tensors.MustCopyFlatData[float32](toyData(64))
	var m, v [2]float64
	for step := range steps {
		var grad [2]float64
		for i := 0; i < len(data); i += 2 {
			residual := w[0]*float64(data[i]) + w[1] - float64(data[i+1])
			grad[0] += 2 * residual * float64(data[i]) / 64
			grad[1] += 2 * residual / 64
		}
		for j := range w {
			m[j] = 0.9*m[j] + 0.1*grad[j]
			v[j] = 0.999*v[j] + 0.001*grad[j]*grad[j]
			mHat := m[j] / (1 - math.Pow(0.9, float64(step+1)))
			vHat := v[j] / (1 - math.Pow(0.999, float64(step+1)))
			w[j] -= rate * (1 - float64(step)/float64(steps)) * mHat / (math.Sqrt(vHat) + 1e-8)
		}
	}
	return w
}

// TestTrainingSameNumbers: the same seeds give the same weights for every division of the steps into calls and runs,
// and other seeds give others.
func TestTrainingSameNumbers(t *testing.T) {
	cfg := FitConfig{Epochs: 5, Batch: 10, Seed: 7}
	reference := lineTraining(t, cfg, 0.3)
	runTraining(t, reference)
	want := weightsOf(t, reference)

	cut := cfg
	cut.StepsPerCall = 4
	again := lineTraining(t, cut, 0.3)
	runTraining(t, again)
	if got := weightsOf(t, again); !slices.Equal(got, want) {
		t.Errorf("with 4 steps a call: weights %v, want %v", got, want)
	}
	single := lineTraining(t, cfg, 0.3)
	single.oneByOne = true
	runTraining(t, single)
	for i, got := range weightsOf(t, single) {
		near(t, "weight after steps one by one", float64(got), float64(want[i]), 1e-6)
	}
	other := cfg
	other.Seed = 8
	different := lineTraining(t, other, 0.3)
	runTraining(t, different)
	if got := weightsOf(t, different); slices.Equal(got, want) {
		t.Errorf("with another seed: the same weights %v", got)
	}
}

// TestTrainingInterruptAndResume: a training that is interrupted, saved, restored into the model of a new process and
// finished has the weights of one that was never interrupted.
func TestTrainingInterruptAndResume(t *testing.T) {
	cfg := FitConfig{Epochs: 5, Batch: 10, Seed: 7, StepsPerCall: 4}
	whole := lineTraining(t, cfg, 0.3)
	runTraining(t, whole)

	first := lineTraining(t, cfg, 0.3)
	ctx, cancel := context.WithCancel(context.Background())
	err := first.Run(ctx, func(step int, _ map[string]float64) error {
		if step >= 12 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || first.Step() != 12 {
		t.Fatalf("interrupted at step %d with %v, want step 12 and context.Canceled", first.Step(), err)
	}
	second := lineTraining(t, cfg, 0.3)
	for part, content := range saved(t, first) {
		if err := second.Restore(part, bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	runTraining(t, second)
	if got, want := weightsOf(t, second), weightsOf(t, whole); !slices.Equal(got, want) {
		t.Errorf("resumed: weights %v, want %v", got, want)
	}
}

func saved(t *testing.T, training *Training) map[string][]byte {
	t.Helper()
	parts := map[string][]byte{}
	for _, part := range training.Parts() {
		var b bytes.Buffer
		if err := training.Save(part, &b); err != nil {
			t.Fatal(err)
		}
		parts[part] = b.Bytes()
	}
	return parts
}

// TestRestoreRefuses tries weights of another key, truncated weights, the wrong part, and data that is not weights.
func TestRestoreRefuses(t *testing.T) {
	training := lineTraining(t, FitConfig{Epochs: 1, Batch: 8}, 0)
	runTraining(t, training)
	weights := saved(t, training)["weights"]
	for _, c := range []struct {
		name, part string
		into       *Training
		content    []byte
		want       string
	}{
		{"another rate", "weights", lineTraining(t, FitConfig{Epochs: 1, Batch: 8, LearningRate: 0.5}, 0), weights,
			"fit.learning_rate = 0.001, want 0.5"},
		{"cut off", "weights", lineTraining(t, FitConfig{Epochs: 1, Batch: 8}, 0), weights[:len(weights)-3], "cut off"},
		{"other part", "optimizer", lineTraining(t, FitConfig{Epochs: 1, Batch: 8}, 0), weights, `holds "weights"`},
		{"not weights", "weights", lineTraining(t, FitConfig{Epochs: 1, Batch: 8}, 0), []byte("not a file of weights"),
			"not a safetensors file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.into.Restore(c.part, bytes.NewReader(c.content))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that contains %q", err, c.want)
			}
		})
	}
}

// TestTrainingDiverges: a loss that is not finite ends the run with the step and the part. The training is then reset
// to the last weights with a finite loss, those of a training that was stopped there. onStep sees finite losses only.
func TestTrainingDiverges(t *testing.T) {
	fit := FitConfig{Epochs: 400, Batch: 8, LearningRate: 1e30, StepsPerCall: 10}
	for _, c := range []struct {
		name       string
		make       func() *Training
		step, kept int
	}{
		{"at once", func() *Training { return lineTraining(t, fit, 0) }, 2, 0},
		{"half-way", func() *Training { return halfTraining(t) }, 1602, 1600},
	} {
		t.Run(c.name, func(t *testing.T) {
			training := c.make()
			err := training.Run(t.Context(), func(step int, losses map[string]float64) error {
				if v := losses["loss"]; math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("onStep got %g at step %d", v, step)
				}
				return nil
			})
			var diverged *DivergedError
			if !errors.As(err, &diverged) || diverged.Step != c.step || diverged.Kept != c.kept || diverged.Part != "loss" {
				t.Fatalf("error %v, want divergence of the loss at step %d, kept %d", err, c.step, c.kept)
			}
			if training.Step() != c.kept {
				t.Errorf("Step() = %d, want %d", training.Step(), c.kept)
			}
			if got, want := weightsOf(t, training), weightsAfter(t, c.make(), c.kept); !slices.Equal(got, want) {
				t.Errorf("weights %v, want those after step %d: %v", got, c.kept, want)
			}
		})
	}
}

// halfTraining fits y = a·x by least squares; its loss is NaN from the middle of its 3200 steps on.
func halfTraining(t *testing.T) *Training {
	training := lineTraining(t, FitConfig{Epochs: 400, Batch: 8, StepsPerCall: 10}, 0.1)
	build := training.build
	training.build = func(scope *model.Scope, now *stepNumbers, batch []*Node) []Loss {
		losses := build(scope, now, batch)
		late := Sub(Sqrt(AddScalar(Neg(now.progress), 0.5)), Sqrt(AddScalar(Neg(now.progress), 0.5))) // 0, then NaN
		losses[0].Value = Add(losses[0].Value, late)
		return losses
	}
	return training
}

// weightsAfter runs a training step by step, stops it, and returns its weights.
func weightsAfter(t *testing.T, training *Training, steps int) []float32 {
	t.Helper()
	training.cfg.StepsPerCall = 1
	enough := errors.New("enough")
	if steps == 0 {
		startTraining(t, training)
		return weightsOf(t, training)
	}
	err := training.Run(t.Context(), func(step int, _ map[string]float64) error {
		if step == steps {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	return weightsOf(t, training)
}

// TestLastUpdateDiverges: weights that the last update made infinite are detected although no loss has seen them.
func TestLastUpdateDiverges(t *testing.T) {
	training := lineTraining(t, FitConfig{Epochs: 1, Batch: 64, LearningRate: math.MaxFloat32}, 0)
	training.cfg.LearningRate = 1e300 // as float32: +Inf
	err := training.Run(t.Context(), nil)
	var diverged *DivergedError
	if !errors.As(err, &diverged) || diverged.Part != "weights" || diverged.Kept != 0 {
		t.Fatalf("error %v, want diverged weights and the state of step 0", err)
	}
	for _, w := range weightsOf(t, training) {
		if math.IsNaN(float64(w)) || math.IsInf(float64(w), 0) {
			t.Errorf("weight %g", w)
		}
	}
}

// TestEpochOrder: each epoch visits each object once, in another order, and the order depends only on seed and epoch.
func TestEpochOrder(t *testing.T) {
	training := lineTraining(t, FitConfig{Epochs: 3, Batch: 8, Seed: 2}, 0)
	first := slices.Clone(training.epochOrder(0))
	second := slices.Clone(training.epochOrder(1))
	if slices.Equal(first, second) {
		t.Error("two epochs have the same order")
	}
	if !slices.Equal(first, training.epochOrder(0)) {
		t.Error("the order of an epoch changed in a second call")
	}
	slices.Sort(second)
	for i, object := range second {
		if int(object) != i {
			t.Fatalf("an epoch has object %d at index %d of the sorted order", object, i)
		}
	}
}

// TestFitKeys: new fields do not change the keys of trainings that do not use them.
func TestFitKeys(t *testing.T) {
	text, err := json.Marshal(FitConfig{}.withDefaults(500))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"epochs":1,"batch":128,"learning_rate":0.001,"decay":"constant","seed":0}`; string(text) != want {
		t.Errorf("a configuration in a key is %s, want %s", text, want)
	}
}

func TestFitConfigErrors(t *testing.T) {
	for _, c := range []struct {
		cfg  FitConfig
		want string
	}{
		{FitConfig{Epochs: -1}, "FitConfig.Epochs = -1, want at least 1"},
		{FitConfig{Batch: 65}, "FitConfig.Batch = 65, want 1 to 64"},
		{FitConfig{Batch: 8, LearningRate: -0.1}, "FitConfig.LearningRate = -0.1, want a positive number"},
		{FitConfig{Batch: 8, LearningRate: math.NaN()}, "FitConfig.LearningRate = NaN"},
		{FitConfig{Batch: 8, Decay: "step"}, `FitConfig.Decay = "step", want one of "constant", "cosine", "linear"`},
		{FitConfig{Batch: 8, WeightDecay: -1}, "FitConfig.WeightDecay = -1, want λ ≥ 0"},
		{FitConfig{Batch: 8, WeightDecay: math.Inf(1)}, "FitConfig.WeightDecay = +Inf"},
		{FitConfig{Batch: 8, StepsPerCall: -1}, "FitConfig.StepsPerCall = -1"},
	} {
		_, err := newTraining(Training{cfg: c.cfg, data: []*tensors.Tensor{toyData(64)}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one that contains %q", c.cfg, err, c.want)
		}
	}
}
