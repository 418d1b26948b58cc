package lecture11

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
)

// adamWCase holds testdata/adamw.json: a network 2-3-1 trained by optax, with each variable before and after.
type adamWCase struct {
	Steps       int
	Rate, Decay float64
	X, Y        []float32
	Start, End  map[string][]float32
}

// TestAdamW trains the same network from the same start and compares it with optax, float32 against float64.
func TestAdamW(t *testing.T) {
	text, err := os.ReadFile("testdata/adamw.json")
	if err != nil {
		t.Fatal(err)
	}
	var c adamWCase
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	cfg := FitConfig{Epochs: c.Steps, Batch: len(c.Y), LearningRate: c.Rate, Decay: "linear", WeightDecay: c.Decay}
	training, err := newTraining(Training{
		name: "optax", cfg: cfg, backend: testx.Backend(t), store: model.NewStore(),
		data: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(c.X, len(c.Y), 2), tensors.FromFlatDataAndDimensions(c.Y, len(c.Y), 1)},
		build: func(scope *model.Scope, now *stepNumbers, batch []*Node) []Loss {
			loss := ReduceAllMean(Square(Sub(Dense([]int{3}, 1, "tanh")(scope.In("net"), batch[0]), batch[1])))
			now.adamStep(scope, loss)
			return []Loss{{"loss", loss}}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.initialise(); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{
		"weights0": "/net/hidden_0/dense/weights", "biases0": "/net/hidden_0/dense/biases",
		"weights1": "/net/output/dense/weights", "biases1": "/net/output/dense/biases",
	}
	for name, path := range paths {
		v := training.store.GetVariable(path)
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(c.Start[name], v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
	}
	runTraining(t, training)
	for name, path := range paths {
		got, err := numbersOf(training.store.GetVariable(path))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.End[name] {
			near(t, name, got[i], float64(want), 2e-5)
		}
	}
}

// TestWeightDecayFrozen: weights that a plan freezes do not decay; the others do.
func TestWeightDecayFrozen(t *testing.T) {
	tasks, d := threeTasks(t)
	train := func(decay float64) (kept, moved []float32) {
		m := newMultiTask(t, MultiTaskConfig{Features: d.X.Shape().Dimensions[1], Hidden: []int{5, 4}, Tasks: tasks, Seed: 3})
		fitTasks(t, m, d, FitConfig{Epochs: 2, Batch: 10, WeightDecay: decay}, RunPlan{Frozen: 1})
		return valuesOf(t, m, "/shared_0/weights"), valuesOf(t, m, "/shared_1/weights")
	}
	kept, moved := train(0)
	keptToo, decayed := train(0.5)
	if !slices.Equal(kept, keptToo) {
		t.Error("frozen weights decayed")
	}
	if slices.Equal(moved, decayed) {
		t.Error("the other weights did not decay")
	}
}
