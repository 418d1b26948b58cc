package lecture11

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// memorizing returns a model and its training on 20 objects, a few for each of its 16 code vectors. The training is
// evaluated if evaluation is not nil.
func memorizing(t *testing.T, evaluation *Evaluation) (*VQVAE, *Training) {
	t.Helper()
	m, err := NewVQVAE(testx.Backend(t), VQVAEConfig{Grid: Grid{Width: 4, Height: 4}, Features: 10, Latent: 3, Positions: 2,
		Hidden: []int{30}, Update: "kohonen", Memory: 0.9, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x, _ := noisyClasses(20, 1)
	training, err := m.Training(x, "noisy", FitConfig{Epochs: 60, Batch: 10, LearningRate: 0.01, StepsPerCall: 4, Seed: 2, Evaluation: evaluation})
	if err != nil {
		t.Fatal(err)
	}
	return m, training
}

// naiveVQLoss returns ℒ + β‖z_e − z_q‖² of objects, ‖z_e − z_q‖² computed object by object, and ℒ.
func naiveVQLoss(t *testing.T, m *VQVAE, x *tensors.Tensor) (loss, reconstruction float64) {
	t.Helper()
	book := cut(must64(t, must(m.Codebook())), m.cfg.Grid.Nodes())
	commitment := 0.0
	for _, z := range codesOf(t, m, x) {
		a, _ := nearestOther(book, z, -1)
		commitment += squaredDistance(z, book[a])
	}
	reconstruction = must(m.Loss(x)).Mean
	return reconstruction + *m.cfg.Commitment*commitment/float64(x.Shape().Dimensions[0]), reconstruction
}

// bookState returns the code vectors and the counts N of a model.
func bookState(t *testing.T, m *VQVAE) []float64 {
	t.Helper()
	counts := variableAt(m.store, "/"+bookScope+"/"+countsName)
	return append(must64(t, must(m.Codebook())), must64(t, must(cloneOf(counts)))...)
}

// TestVQVAEEarlyStop follows a training without evaluations and finds the step of the lowest loss on held-out objects.
// The same training with evaluations takes the same steps, stops when expected and ends with the networks, the code
// vectors and the counts of that step.
func TestVQVAEEarlyStop(t *testing.T) {
	const every, patience = 8, 3 // steps of four epochs; evaluations
	held, _ := noisyClasses(520, 2)
	reference, plain := memorizing(t, nil)
	best, bestStep, stopped, waited := math.Inf(1), 0, 0, 0
	var parts, book, trained []float64
	var hash string
	err := plain.Run(t.Context(), func(step int, losses map[string]float64) error {
		if stopped > 0 {
			return nil
		}
		trained = append(trained, losses["loss"])
		if step%every != 0 {
			return nil
		}
		waited++
		if loss, reconstruction := naiveVQLoss(t, reference, held); loss < best {
			best, bestStep, waited, parts = loss, step, 0, []float64{loss, reconstruction}
			hash, book = must(reference.WeightsHash()), bookState(t, reference)
		}
		if waited == patience {
			stopped = step
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if bestStep == 0 || stopped == 0 || stopped == plain.Steps() || slices.Equal(book, bookState(t, reference)) {
		t.Fatalf("best step %d, stopped at %d of %d: want both within the training, and a code book that moves after the best step",
			bestStep, stopped, plain.Steps())
	}

	m, training := memorizing(t, &Evaluation{X: held, ID: "held out", Every: 4, Patience: patience})
	var got []float64
	err = training.Run(t.Context(), func(step int, losses map[string]float64) error {
		got = append(got, losses["loss"])
		if step == bestStep {
			near(t, "evaluation loss", losses["evaluation loss"], parts[0], 1e-4)
			near(t, "evaluation reconstruction", losses["evaluation reconstruction"], parts[1], 1e-4)
			near(t, "evaluation commitment", losses["evaluation commitment"], (parts[0]-parts[1])/0.25, 1e-4)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	loss, step, end, err := training.Best()
	if err != nil || step != bestStep || end != stopped {
		t.Errorf("best step %d, stopped at %d (%v), want %d and %d", step, end, err, bestStep, stopped)
	}
	near(t, "best loss", loss, best, 1e-4)
	if !slices.Equal(got, trained) {
		t.Errorf("losses with evaluations %v, without %v", got, trained)
	}
	if !slices.Equal(bookState(t, m), book) || must(m.WeightsHash()) != hash {
		t.Error("the weights, code vectors or counts at the end are not those of the best evaluation")
	}
}

// TestVQVAEEvaluationErrors: held-out objects must be like those of the training.
func TestVQVAEEvaluationErrors(t *testing.T) {
	m := must(NewVQVAE(testx.Backend(t), VQVAEConfig{Grid: Grid{Width: 2, Height: 2}, Features: 3, Latent: 2, Loss: "bernoulli"}))
	x := tensors.FromValue([][]float32{{0, 0.5, 1}})
	for want, e := range map[string]*Evaluation{
		"FitConfig.Evaluation.X = nil":                           {},
		"want [l, 3] and at least one (in FitConfig.Evaluation)": {X: tensors.FromValue([][]float32{{1}})},
		"(in FitConfig.Evaluation)":                              {X: tensors.FromValue([][]float32{{0, 0, 2}})},
	} {
		_, err := m.Training(x, "one", FitConfig{Evaluation: e})
		wantError(t, err, want)
	}
}
