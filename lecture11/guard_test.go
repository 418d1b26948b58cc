package lecture11

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// bothBackends runs a test on the backend of the tests and on the pure-Go one.
func bothBackends(t *testing.T, test func(t *testing.T, backend compute.Backend)) {
	t.Run("default", func(t *testing.T) { test(t, testx.Backend(t)) })
	t.Run("go", func(t *testing.T) {
		if raceDetector {
			t.Skip("checkptr of -race ends the pure-Go backend of gomlx/compute v0.1.2")
		}
		test(t, goBackend(t))
	})
}

// tinyVAE returns a VAE that is quick to compile and to train.
func tinyVAE(backend compute.Backend) *VAE {
	return must(NewVAE(backend, VAEConfig{Features: 4, Latent: 2, Hidden: []int{3}, Likelihood: "gaussian", Seed: 1}))
}

// stepBoundaries returns the reconstructions of x after each call of a training that runs alone.
func stepBoundaries(t *testing.T, backend compute.Backend, x *tensors.Tensor, fit FitConfig) [][]float64 {
	t.Helper()
	vae := tinyVAE(backend)
	var all [][]float64
	err := must(vae.Training(x, "x", fit)).Run(t.Context(), func(int, map[string]float64) error {
		values, err := float64sOf(vae.Reconstruct(x))
		all = append(all, values)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func float64sOf(x *tensors.Tensor, err error) ([]float64, error) {
	if err != nil {
		return nil, err
	}
	return float64s(x)
}

// TestUseWhileTraining: other goroutines see a model under training only at step boundaries, bit by bit.
func TestUseWhileTraining(t *testing.T) {
	bothBackends(t, func(t *testing.T, backend compute.Backend) {
		x, fit := far(64, 1), FitConfig{Epochs: 40, Batch: 16, StepsPerCall: 5, LearningRate: 0.01, Seed: 1}
		allowed := stepBoundaries(t, backend, x, fit)
		vae := tinyVAE(backend)
		training := must(vae.Training(x, "x", fit))
		var users sync.WaitGroup
		seen := make([][][]float64, 3)
		err := training.Run(t.Context(), func(step int, _ map[string]float64) error {
			if step > fit.StepsPerCall {
				return nil
			}
			for i := range seen { // there are weights after the first call
				users.Go(func() {
					for training.Step() < training.Steps() {
						values, err := float64sOf(vae.Reconstruct(x))
						if err != nil {
							t.Error(err)
							return
						}
						seen[i] = append(seen[i], values)
					}
				})
			}
			return nil
		})
		users.Wait()
		if err != nil {
			t.Fatal(err)
		}
		for _, values := range slices.Concat(seen...) {
			if !slices.ContainsFunc(allowed, func(a []float64) bool { return slices.Equal(a, values) }) {
				t.Fatalf("a use saw weights that belong to no step boundary: %v", values[:4])
			}
		}
	})
}

// TestOneTrainingAtATime: while a training of a model runs, any other change of the weights returns an error that
// names it. The training has the same result as when it runs alone.
func TestOneTrainingAtATime(t *testing.T) {
	bothBackends(t, func(t *testing.T, backend compute.Backend) {
		x, fit := far(64, 1), FitConfig{Epochs: 4, Batch: 16, StepsPerCall: 2, Seed: 1}
		alone, vae, other := tinyVAE(backend), tinyVAE(backend), tinyVAE(backend)
		runTraining(t, must(alone.Training(x, "x", fit)))
		drawWeights(other.Training(x, "x", fit))
		training, second := must(vae.Training(x, "x", fit)), must(vae.Training(x, "x", fit))
		weights, saved := must(alone.Weights()), savedPart(t, must(alone.Training(x, "x", fit)))
		err := training.Run(t.Context(), func(int, map[string]float64) error {
			for name, change := range map[string]func() error{
				"the same Run": func() error { return training.Run(t.Context(), nil) },
				"a second Run": func() error { return second.Run(t.Context(), nil) },
				"StartFrom":    func() error { return vae.StartFrom(other) },
				"SetWeights":   func() error { return vae.SetWeights(weights) },
				"Load":         func() error { return vae.Load(bytes.NewReader(saved)) },
				"Restore": func() error {
					return training.Restore("weights", bytes.NewReader(trainingPart(t, training, "weights")))
				},
				"by a goroutine": func() (err error) {
					done := make(chan struct{})
					go func() { err = second.Run(t.Context(), nil); close(done) }()
					<-done
					return err
				},
			} {
				if err := change(); err == nil || !strings.Contains(err.Error(), "the model is in use by the training vae-2, want one at a time") {
					t.Errorf("%s: error %v, want one that names the running training", name, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := must(alone.WeightsHash()), must(vae.WeightsHash()); a != b {
			t.Errorf("weights %s, want %s of the training alone", b, a)
		}
		if err := other.StartFrom(vae); err == nil || !strings.Contains(err.Error(), "has weights already") {
			t.Errorf("StartFrom after it: %v", err)
		}
	})
}

// savedPart returns the saved weights of a model that is trained.
func savedPart(t *testing.T, training *Training) []byte { return trainingPart(t, training, "weights") }

func trainingPart(t *testing.T, training *Training, part string) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := training.Save(part, &file); err != nil {
		t.Error(err)
	}
	return file.Bytes()
}

// TestOtherTrainingInBetween: a training does not continue if another one has trained its model meanwhile.
func TestOtherTrainingInBetween(t *testing.T) {
	x, fit := far(64, 1), FitConfig{Epochs: 4, Batch: 16, StepsPerCall: 2, Seed: 1}
	vae := tinyVAE(goBackend(t))
	first, second := must(vae.Training(x, "x", fit)), must(vae.Training(x, "x", fit))
	stop := errors.New("stop")
	if err := first.Run(t.Context(), func(int, map[string]float64) error { return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	runTraining(t, second)
	if err := first.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "trained by another after step 2") {
		t.Errorf("error %v, want one that says that the weights are no longer those of step 2", err)
	}
}

// TestFinalizedData: data that are finalized before or during a training cause an error, and the state before the
// error is kept.
func TestFinalizedData(t *testing.T) {
	bothBackends(t, func(t *testing.T, backend compute.Backend) {
		for _, early := range []bool{true, false} {
			x, vae := far(64, 1), tinyVAE(backend)
			training := must(vae.Training(x, "x", FitConfig{Epochs: 4, Batch: 16, StepsPerCall: 2}))
			if early {
				x.MustFinalizeAll()
			}
			err := training.Run(t.Context(), func(int, map[string]float64) error { return x.FinalizeAll() })
			if err == nil || !strings.Contains(err.Error(), "finalized") {
				t.Errorf("finalized early (%t): error %v, want one that says that it is finalized", early, err)
			}
			if early {
				continue
			}
			if training.Step() != 2 {
				t.Errorf("at step %d, want 2", training.Step())
			}
			must(vae.Reconstruct(far(64, 1)))
		}
	})
}

// TestFinalizedEvaluation: held-out objects and labels that are finalized after Training was called, before or during
// the run, cause an error that names them.
func TestFinalizedEvaluation(t *testing.T) {
	y := func(l int) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(make([]float32, l), l, 1) }
	for _, early := range []bool{true, false} {
		held := &Evaluation{X: far(32, 1), Y: y(32)}
		fit := FitConfig{Epochs: 4, Batch: 16, StepsPerCall: 2, Evaluation: held}
		vae := must(tinyVAE(goBackend(t)).Training(far(64, 1), "x", fit))
		tasks := must(NewMultiTask(goBackend(t), MultiTaskConfig{Features: 4, Hidden: []int{3}, Tasks: []Task{{Name: "a"}}}))
		multi := must(tasks.Training(TaskData{X: far(64, 1), Y: y(64), ID: "x"}, fit))
		for _, run := range []struct {
			want     string
			training *Training
			x        *tensors.Tensor
		}{
			{"lecture11: the labels in FitConfig.Evaluation of tasks-1", multi, held.Y},
			{"lecture11: the objects in FitConfig.Evaluation of vae-2", vae, held.X},
		} {
			if early {
				run.x.MustFinalizeAll()
			}
			err := run.training.Run(t.Context(), func(int, map[string]float64) error { return run.x.FinalizeAll() })
			wantError(t, err, run.want)
			if want := 2; !early && run.training.Step() != want {
				t.Errorf("at step %d, want %d", run.training.Step(), want)
			}
		}
	}
}

// TestFinalizedMapData: the objects of a map's training that are finalized before or during it cause the same
// error in each mode.
func TestFinalizedMapData(t *testing.T) {
	for _, mode := range []string{"batch", "online"} {
		for _, early := range []bool{true, false} {
			x := far(64, 1)
			som := must(NewSOM(goBackend(t), SOMConfig{Grid: Grid{Width: 3, Height: 2}, Features: 4}))
			training := must(som.Training(x, "x", nil, SOMFit{Mode: mode, Epochs: 4}))
			if early {
				x.MustFinalizeAll()
			}
			err := training.Run(t.Context(), func(int, map[string]float64) error { return x.FinalizeAll() })
			wantError(t, err, "lecture11: the data of som-3x2: tensor is finalized")
		}
	}
}

// TestMissingVariables: a use that needs weights that the model lacks draws none, also when it is repeated.
func TestMissingVariables(t *testing.T) {
	x := far(64, 1)
	config := GANConfig{Features: 4, Latent: 2, Generator: []int{3}, Discriminator: []int{3}}
	plain := must(NewGAN(goBackend(t), config))
	drawWeights(plain.Training(x, "x", FitConfig{}))
	config.Average = 0.9
	averaged := must(NewGAN(plain.backend, config))
	if err := averaged.StartFrom(plain); err != nil {
		t.Fatal(err)
	}
	before := averaged.store.NumVariables()
	for range 3 {
		if _, err := averaged.Generate(3, 1); err == nil || !strings.Contains(err.Error(), "which the weights lack") {
			t.Errorf("error %v, want one that says that weights are missing", err)
		}
	}
	if after := averaged.store.NumVariables(); after != before {
		t.Errorf("%d variables after it, want %d", after, before)
	}
}

// vaeUses returns all ways to use a VAE.
func vaeUses(vae *VAE, x *tensors.Tensor) map[string]func() error {
	return map[string]func() error{
		"Encode":          func() error { return errorOf3(vae.Encode(x)) },
		"Decode":          func() error { return errorOf(vae.Decode(tensors.FromFlatDataAndDimensions(make([]float32, 8), 4, 2))) },
		"Reconstruct":     func() error { return errorOf(vae.Reconstruct(x)) },
		"Similar":         func() error { return errorOf(vae.Similar(x, 1, 1)) },
		"Generate":        func() error { return errorOf(vae.Generate(3, 1)) },
		"ELBO":            func() error { return errorOf(vae.ELBO(x, 1)) },
		"ImportanceBound": func() error { return errorOf(vae.ImportanceBound(x, 2, 1)) },
		"GradientNorms":   func() error { return errorOf(vae.GradientNorms(x, 1)) },
		"CollapseReport":  func() error { return errorOf(vae.CollapseReport(x, 1)) },
		"WeightsHash":     func() error { return errorOf(vae.WeightsHash()) },
		"Weights":         func() error { return errorOf(vae.Weights()) },
		"Save":            func() error { return vae.Save(io.Discard) },
		"Training":        func() error { return errorOf(vae.Training(x, "x", FitConfig{})) },
		"StartFrom":       func() error { return tinyVAE(vae.backend).StartFrom(vae) },
	}
}

// TestManyGoroutines: a model is trained, cancelled and trained again while others use it in all ways, save it and try
// to train it too. Every call that is allowed alone succeeds, and in the end the model is the same as without them.
func TestManyGoroutines(t *testing.T) {
	bothBackends(t, func(t *testing.T, backend compute.Backend) {
		x, fit := far(64, 1), FitConfig{Epochs: 30, Batch: 16, StepsPerCall: 3, Seed: 1}
		alone, vae := tinyVAE(backend), tinyVAE(backend)
		runTraining(t, must(alone.Training(x, "x", fit)))
		training := must(vae.Training(x, "x", fit))
		var users sync.WaitGroup
		for training.Step() < training.Steps() {
			ctx, cancel := context.WithCancel(t.Context())
			calls := 0
			err := training.Run(ctx, func(step int, _ map[string]float64) error {
				if step == fit.StepsPerCall {
					startUsers(t, &users, vae, training, x)
				}
				if calls++; calls == 5 {
					cancel()
				}
				return nil
			})
			if cancel(); err != nil && !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "in use by the training") {
				t.Fatal(err)
			}
		}
		users.Wait()
		if a, b := must(alone.WeightsHash()), must(vae.WeightsHash()); a != b {
			t.Errorf("weights %s, want %s of the training alone", b, a)
		}
	})
}

// startUsers starts a goroutine for each way to use the model under training, and some that must be refused or wait.
func startUsers(t *testing.T, users *sync.WaitGroup, vae *VAE, training *Training, x *tensors.Tensor) {
	uses := vaeUses(vae, x)
	for _, part := range training.Parts() {
		uses["Training.Save "+part] = func() error { return training.Save(part, io.Discard) }
	}
	uses["a second Run"] = func() error { return secondRun(t, training.Run) }
	useOften(t, users, 10, uses)
}

// secondRun runs a training that may run already, and returns an error unless it was refused as running or stopped by its function.
func secondRun(t *testing.T, run func(context.Context, func(int, map[string]float64) error) error) error {
	err := run(t.Context(), func(int, map[string]float64) error { return context.Canceled })
	if err == nil || errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "in use by the training") {
		return nil
	}
	return err
}

// useOften starts a goroutine for each use, which repeats it some times.
func useOften(t *testing.T, users *sync.WaitGroup, times int, uses map[string]func() error) {
	for name, use := range uses {
		users.Go(func() {
			for range times {
				if err := use(); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
}
