package lecture11

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
)

// twoBlobs draws l objects in the plane, a share of the first class about (−2, 0), the others about (2, 0).
func twoBlobs(l int, share float64, seed uint64) (*tensors.Tensor, []int) {
	rng := rand.New(rand.NewPCG(seed, 11))
	flat, labels := make([]float32, 0, 2*l), make([]int, l)
	for i := range l {
		if float64(i) >= share*float64(l) {
			labels[i] = 1
		}
		flat = append(flat, float32(4*float64(labels[i])-2+0.5*rng.NormFloat64()), float32(0.5*rng.NormFloat64()))
	}
	return tensors.FromFlatDataAndDimensions(flat, l, 2), labels
}

// TestJudge: real objects are about as far from real ones as those are from each other, by the naive sum over
// features. A lost class is visible in the distance, the shares and the score.
func TestJudge(t *testing.T) {
	x, labels := twoBlobs(400, 0.5, 1)
	c := newClassifier(t, ClassifierConfig{Features: 2, Classes: 2, Hidden: []int{8}, Seed: 1})
	runTraining(t, must(c.Training(x, labels, "blobs", FitConfig{Epochs: 20, LearningRate: 1e-2, Seed: 1})))
	a, _ := twoBlobs(300, 0.5, 2)
	b, _ := twoBlobs(300, 0.5, 3)
	d, _ := twoBlobs(300, 0.5, 4)
	j := must(NewJudge(c, 1, a, b, d))
	seen := func(x *tensors.Tensor) GaussianFit { return must(FitGaussian(must(c.Features(x, 1)))) }
	far := func(x, y *tensors.Tensor) float64 { return must(FrechetDistance(seen(x), seen(y))) }
	fresh, _ := twoBlobs(300, 0.5, 5)
	r := must(j.Report(fresh))
	near(t, "real from real", r.Real, (far(a, b)+far(a, d)+far(b, d))/3, 1e-9)
	near(t, "distance", r.Frechet, (far(fresh, a)+far(fresh, b)+far(fresh, d))/3, 1e-9)
	near(t, "ratio", r.Ratio(), r.Frechet/r.Real, 1e-12)
	if r.Ratio() > 4 || r.Score < 1.8 {
		t.Errorf("real objects: %.2f × real against real, score %.3f, want near 1 and over 1.8", r.Ratio(), r.Score)
	}
	near(t, "share of class 0", r.Shares[0], 0.5, 0.01)
	lost, _ := twoBlobs(300, 0.1, 6)
	worse := must(j.Report(lost))
	near(t, "share of class 0 that is nearly lost", worse.Shares[0], 0.1, 0.01)
	if worse.Frechet < 20*r.Frechet || worse.Score > 1.6 {
		t.Errorf("a class nearly lost: distance %.4f after %.4f, score %.3f: want a much larger distance and a lower score", worse.Frechet, r.Frechet, worse.Score)
	}
}

// TestJudgeRefuses: invalid arguments return an error that names them.
func TestJudgeRefuses(t *testing.T) {
	c := newClassifier(t, ClassifierConfig{Features: 2, Classes: 2, Hidden: []int{8}, Seed: 1})
	a, _ := twoBlobs(30, 0.5, 2)
	b, _ := twoBlobs(30, 0.5, 3)
	few, _ := twoBlobs(20, 0.5, 3)
	_, err := NewJudge(c, 1, a, b)
	wantError(t, err, "set 0")
	if err := c.Randomize(); err != nil {
		t.Fatal(err)
	}
	_, err = NewJudge(c, 1, a)
	wantError(t, err, "at least 2")
	_, err = NewJudge(c, 1, a, few)
	wantError(t, err, "set 1 has 20 real objects, want 30")
	_, err = NewJudge(c, 2, a, b)
	wantError(t, err, "set 0")
	_, err = NewJudge(c, 1, a, a)
	wantError(t, err, "look the same")
	j := must(NewJudge(c, 1, a, b))
	_, err = j.Report(few)
	wantError(t, err, "of 20 objects, want 30")
	_, err = j.Report(gaussians(30, 3, 0, 1, 1))
	wantError(t, err, "3")
}

// TestJudgeWhileTraining: a judge of a classifier under training measures all sets of real objects with the weights of
// one step, and returns errors after these weights have changed.
func TestJudgeWhileTraining(t *testing.T) {
	bothBackends(t, func(t *testing.T, backend compute.Backend) {
		x, labels := twoBlobs(64, 0.5, 1)
		a, _ := twoBlobs(40, 0.5, 2)
		b, _ := twoBlobs(40, 0.5, 3)
		fit := FitConfig{Epochs: 60, Batch: 16, StepsPerCall: 4, LearningRate: 0.05, Seed: 1}
		train := func(onStep func(c *Classifier, training *Training) error) {
			c := must(NewClassifier(backend, ClassifierConfig{Features: 2, Classes: 2, Hidden: []int{4}, Seed: 1}))
			training := must(c.Training(x, labels, "blobs", fit))
			if err := training.Run(t.Context(), func(int, map[string]float64) error { return onStep(c, training) }); err != nil {
				t.Fatal(err)
			}
		}
		var floors []float64 // at step boundaries
		var last *Judge
		train(func(c *Classifier, _ *Training) error {
			if last != nil {
				_, err := last.Report(a)
				wantError(t, err, "as in NewJudge: make a new Judge")
			}
			last = must(NewJudge(c, 1, a, b))
			floors = append(floors, last.floor)
			return errorOf(last.Report(b))
		})
		var users sync.WaitGroup
		var seen []float64
		train(func(c *Classifier, training *Training) error {
			if training.Step() == fit.StepsPerCall {
				users.Go(func() {
					for training.Step() < training.Steps() {
						seen = append(seen, must(NewJudge(c, 1, a, b)).floor)
					}
				})
			}
			return nil
		})
		users.Wait()
		for _, floor := range seen {
			if !slices.Contains(floors, floor) {
				t.Fatalf("one of %d judges compares real objects with weights of several steps: distance %g", len(seen), floor)
			}
		}
	})
}
