package lecture11

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// noisyClasses returns l objects of 10 components in two classes that overlap strongly, so that training accuracy does
// not generalise.
func noisyClasses(l int, seed uint64) (*tensors.Tensor, []int) {
	rng := rand.New(rand.NewPCG(seed, 0))
	labels := make([]int, l)
	flat := make([]float32, 0, 10*l)
	for i := range labels {
		labels[i] = i % 2
		for range 10 {
			flat = append(flat, float32(rng.NormFloat64()+0.6*(float64(labels[i])-0.5)))
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, l, 10), labels
}

// overfitting returns a classifier and its training on 40 objects, evaluated on 520 others.
func overfitting(t *testing.T, evaluated bool, patience int) (*Classifier, *Training) {
	t.Helper()
	m, err := NewClassifier(testx.Backend(t), ClassifierConfig{Features: 10, Classes: 2, Hidden: []int{30}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x, labels := noisyClasses(40, 1)
	cfg := FitConfig{Epochs: 40, Batch: 10, LearningRate: 0.01, StepsPerCall: 4, Seed: 2}
	if evaluated {
		held, heldLabels := noisyClasses(520, 2)
		wide := make([]int, len(heldLabels))
		for i, label := range heldLabels {
			wide[i] = int(label)
		}
		cfg.Evaluation = &Evaluation{X: held, Labels: wide, ID: "held out", Every: 2, Patience: patience}
	}
	training, err := m.Training(x, labels, "noisy", cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m, training
}

// naiveCrossEntropy returns the cross-entropy of the held-out objects, computed from their probabilities, and these
// probabilities.
func naiveCrossEntropy(t *testing.T, m *Classifier) (float64, []float32) {
	t.Helper()
	x, labels := noisyClasses(520, 2)
	p, err := m.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	flat := tensors.MustCopyFlatData[float32](p)
	sum := 0.0
	for i, label := range labels {
		sum -= math.Log(float64(flat[2*i+int(label)]))
	}
	return sum / float64(len(labels)), flat
}

// TestEarlyStop follows a training without evaluations epoch by epoch and finds the best epoch and the end. The same
// training with evaluations must stop at that end with the weights of the best epoch.
func TestEarlyStop(t *testing.T) {
	const every, patience = 8, 3 // steps of two epochs; evaluations
	reference, plain := overfitting(t, false, 0)
	best, bestStep, stopped, waited := math.Inf(1), 0, 0, 0
	var want []float32
	err := plain.Run(context.Background(), func(step int, _ map[string]float64) error {
		if step%every != 0 || stopped > 0 {
			return nil
		}
		loss, p := naiveCrossEntropy(t, reference)
		waited++
		if loss < best {
			best, bestStep, want, waited = loss, step, p, 0
		}
		if waited == patience {
			stopped = step
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if stopped == 0 || bestStep == 0 || stopped == plain.Steps() {
		t.Fatalf("the training by hand has its best step at %d and stops at %d of %d: want a best step and an end within the training", bestStep, stopped, plain.Steps())
	}

	m, training := overfitting(t, true, patience)
	var reported []float64
	err = training.Run(context.Background(), func(step int, losses map[string]float64) error {
		reported = append(reported, losses["evaluation loss"])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	loss, step, end, err := training.Best()
	if err != nil || step != bestStep || end != stopped || training.Step() != training.Steps() {
		t.Errorf("best step %d, stopped at %d, Step() = %d (%v), want %d, %d and %d", step, end, training.Step(), err, bestStep, stopped, training.Steps())
	}
	near(t, "best loss", loss, best, 1e-5)
	if _, got := naiveCrossEntropy(t, m); !slices.Equal(got, want) {
		t.Error("the weights at the end are not those of the best evaluation")
	}
	if len(reported) != stopped/4 || slices.Contains(reported, 0) || slices.Min(reported) != loss {
		t.Errorf("evaluation losses %v with %d calls, want one with each of %d, the least of them %g", reported, len(reported), stopped/4, loss)
	}
	if text := training.Describe(training.Step()); text != fmt.Sprintf("stopped early after %d epochs", stopped/4) {
		t.Errorf("Describe says %q", text)
	}
}

// TestEarlyStopResumed: a training is interrupted between its best evaluation and its end, saved, and restored into a
// new model. It ends like an uninterrupted one.
func TestEarlyStopResumed(t *testing.T) {
	whole, training := overfitting(t, true, 3)
	runTraining(t, training)
	loss, bestStep, stopped, _ := training.Best()

	_, first := overfitting(t, true, 3)
	ctx, cancel := context.WithCancel(context.Background())
	err := first.Run(ctx, func(step int, _ map[string]float64) error {
		if step > bestStep {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || first.Step() <= bestStep || first.Step() >= stopped {
		t.Fatalf("interrupted at step %d with %v, want a step between %d and %d", first.Step(), err, bestStep, stopped)
	}
	m, second := overfitting(t, true, 3)
	for part, content := range saved(t, first) {
		if err := second.Restore(part, bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	runTraining(t, second)
	if l, b, s, err := second.Best(); err != nil || l != loss || b != bestStep || s != stopped {
		t.Errorf("resumed: best loss %g of step %d, stopped at %d (%v), want %g, %d, %d", l, b, s, err, loss, bestStep, stopped)
	}
	_, want := naiveCrossEntropy(t, whole)
	if _, got := naiveCrossEntropy(t, m); !slices.Equal(got, want) {
		t.Error("resumed: the weights differ from those of the uninterrupted training")
	}
	third, restored := overfitting(t, true, 3)
	if err := restored.Restore(partWeights, bytes.NewReader(saved(t, second)[partWeights])); err != nil {
		t.Fatal(err)
	}
	if _, got := naiveCrossEntropy(t, third); !slices.Equal(got, want) || restored.Step() != restored.Steps() {
		t.Errorf("the part %q alone: step %d of %d, or other weights than the best", partWeights, restored.Step(), restored.Steps())
	}
}

// TestEvaluationLosses: the losses on held-out objects equal those computed by the models' methods. The numbers of the
// training are those without evaluations, although both draw random numbers.
func TestEvaluationLosses(t *testing.T) {
	x := greyObjects(30)
	held := headOf(t, x, 505)
	run := func(training *Training, err error) ([]float64, float64) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		losses := runTraining(t, training)
		best, _, _, err := training.Best()
		if err != nil {
			t.Fatal(err)
		}
		return losses, best
	}
	evaluated := FitConfig{Epochs: 3, Evaluation: &Evaluation{X: held, ID: "held out"}}

	newVAE := func() *VAE {
		m, err := NewVAE(testx.Backend(t), VAEConfig{Features: 30, Latent: 2, Hidden: []int{8}, WarmUp: 0.5, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	plain, _ := run(newVAE().Training(x, "grey", FitConfig{Epochs: 3, StepsPerCall: 4}))
	vae := newVAE()
	losses, best := run(vae.Training(x, "grey", evaluated))
	if !slices.Equal(losses, plain) {
		t.Errorf("losses of a training with evaluations %v, without %v", losses, plain)
	}
	elbo, err := vae.ELBO(held, 3)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "evaluation loss of the VAE", best, -elbo.Bound.Mean, 6*elbo.Bound.SE)

	ae, err := NewAutoencoder(testx.Backend(t), AutoencoderConfig{Features: 30, Latent: 2, Hidden: []int{8}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, best = run(ae.Training(x, "grey", evaluated))
	loss, err := ae.Loss(held)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "evaluation loss of the autoencoder", best, loss.Mean, 1e-5)
}

// TestEvaluationOfTasks: the held-out loss of a model of several tasks is Σ λ_t ℒ_t over its runs.
func TestEvaluationOfTasks(t *testing.T) {
	tasks, d := threeTasks(t)
	m := newMultiTask(t, MultiTaskConfig{Features: 5, Hidden: []int{4}, Tasks: tasks, Runs: 2, Balance: "uncertainty", Seed: 3})
	training, err := m.Training(d, FitConfig{Epochs: 4, Batch: 6, Evaluation: &Evaluation{X: d.X, Y: d.Y, Patience: 2}})
	if err != nil {
		t.Fatal(err)
	}
	runTraining(t, training)
	best, _, _, err := training.Best()
	if err != nil {
		t.Fatal(err)
	}
	results, err := m.Evaluate(d)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, run := range results {
		for i, task := range m.Config().Tasks {
			want += *task.Weight * run[i].Loss / 2
		}
	}
	near(t, "evaluation loss", best, want, 1e-5)
}

// TestEvaluationKeys: the contents of the held-out objects are part of the key, not only their ID.
func TestEvaluationKeys(t *testing.T) {
	m, err := NewAutoencoder(testx.Backend(t), AutoencoderConfig{Features: 30, Latent: 2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x := greyObjects(30)
	key := func(held *tensors.Tensor) map[string]any {
		training, err := m.Training(x, "grey", FitConfig{Evaluation: &Evaluation{X: held, ID: "held out"}})
		if err != nil {
			t.Fatal(err)
		}
		return training.Key()
	}
	if err := sameKey(key(headOf(t, x, 100)), key(headOf(t, x, 100))); err != nil {
		t.Error(err)
	}
	if sameKey(key(headOf(t, x, 100)), key(headOf(t, x, 101))) == nil {
		t.Error("trainings with other held-out objects have the same key")
	}
}

func TestEvaluationErrors(t *testing.T) {
	backend, x := testx.Backend(t), greyObjects(30)
	gan, err := NewGAN(backend, GANConfig{Features: 30, Latent: 2})
	if err != nil {
		t.Fatal(err)
	}
	ae, err := NewAutoencoder(backend, AutoencoderConfig{Features: 30, Latent: 2})
	if err != nil {
		t.Fatal(err)
	}
	classifier, err := NewClassifier(backend, ClassifierConfig{Features: 30, Classes: 2})
	if err != nil {
		t.Fatal(err)
	}
	tasks, d := threeTasks(t)
	multi := newMultiTask(t, MultiTaskConfig{Features: 5, Tasks: tasks})
	labels := make([]int, 520)
	labels[0], labels[1] = 1, 1
	episode := EpisodeConfig{Ways: 2, Shots: 1, Queries: 1}
	prototypes := must(NewPrototypeNet(backend, PrototypeNetConfig{Features: 30, Encoder: "dense", Episode: episode}))
	meta := must(NewMeta(backend, MetaConfig{Features: 30, Episode: episode}))
	for want, start := range map[string]func(e *Evaluation) (*Training, error){
		"GAN.Training with FitConfig.Evaluation, want nil: D and G play a game": func(e *Evaluation) (*Training, error) {
			return gan.Training(x, "grey", FitConfig{Evaluation: e})
		},
		"PrototypeNet.Training with FitConfig.Evaluation, want nil: its loss is that of episodes": func(e *Evaluation) (*Training, error) {
			return prototypes.Training(x, labels, "grey", FitConfig{Evaluation: e})
		},
		"Meta.Training with FitConfig.Evaluation, want nil: its loss is that of episodes": func(e *Evaluation) (*Training, error) {
			return meta.Training(x, labels, "grey", FitConfig{Evaluation: e})
		},
		"FitConfig.Evaluation.X = nil": func(e *Evaluation) (*Training, error) {
			e.X = nil
			return ae.Training(x, "grey", FitConfig{Evaluation: e})
		},
		"Evaluation.Every = -1, want at least 1 epoch": func(e *Evaluation) (*Training, error) {
			e.Every = -1
			return ae.Training(x, "grey", FitConfig{Evaluation: e})
		},
		"Evaluation.Patience = -1": func(e *Evaluation) (*Training, error) {
			e.Patience = -1
			return ae.Training(x, "grey", FitConfig{Evaluation: e})
		},
		"want [l, 30] and at least one (in FitConfig.Evaluation)": func(e *Evaluation) (*Training, error) {
			e.X = greyObjects(29)
			return ae.Training(x, "grey", FitConfig{Evaluation: e})
		},
		"0 labels for objects": func(e *Evaluation) (*Training, error) {
			return classifier.Training(x, labels, "grey", FitConfig{Evaluation: e})
		},
		"label 2 of object 0, want 0 to 1: ClassifierConfig.Classes = 2 (in FitConfig.Evaluation)": func(e *Evaluation) (*Training, error) {
			e.Labels = slices.Repeat([]int{2}, 520)
			return classifier.Training(x, labels, "grey", FitConfig{Evaluation: e})
		},
		"Evaluation.Y = nil": func(e *Evaluation) (*Training, error) { return multi.Training(d, FitConfig{Evaluation: e}) },
	} {
		_, err := start(&Evaluation{X: x, ID: "held out"})
		wantError(t, err, want)
	}
}
