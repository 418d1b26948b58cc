package lecture11

import (
	"fmt"
	"sync"
	"testing"
)

// further returns a second training of a model of savedKinds, from its present weights.
func further(m fileModel, fit FitConfig) (*Training, error) {
	x, labels := fourObjects()
	switch m := m.(type) {
	case *VAE:
		return m.Training(x, "four", fit)
	case *Autoencoder:
		return m.LabelledTraining(x, []int{0, 1, NoLabel, 1}, "four", fit)
	case *VQVAE:
		return m.Training(x, "four", fit)
	case *Classifier:
		return m.Training(x, labels, "four", fit)
	case *GAN:
		return m.Training(x, "four", fit)
	case *MultiTask:
		y, err := TaskLabels(ClassColumn(labels), []float64{1, 2, 3, 4})
		if err != nil {
			return nil, err
		}
		return m.Training(TaskData{X: x, Y: y, ID: "four"}, fit)
	case *PrototypeNet:
		return m.Training(x, labels, "four", fit)
	case *Meta:
		fit.Batch = 1
		return m.Training(x, labels, "four", fit)
	}
	return nil, fmt.Errorf("no training of a %T", m)
}

// TestUseEveryKindWhileTraining: a model of each kind computes in several goroutines while it trains, and the training ends at the
// weights of a training alone.
func TestUseEveryKindWhileTraining(t *testing.T) {
	long(t)
	fit := FitConfig{Epochs: 40, LearningRate: 0.01, StepsPerCall: 2, Seed: 3}
	for _, kind := range savedKinds() {
		if kind.name == "SOM" {
			continue // TestUseMapWhileTraining does the same with maps
		}
		t.Run(kind.name, func(t *testing.T) {
			used, _ := kind.trained(t)
			training := must(further(used, fit))
			alone, _ := kind.trained(t)
			runTraining(t, must(further(alone, fit)))
			var users sync.WaitGroup
			calls := 0
			err := training.Run(t.Context(), func(int, map[string]float64) error {
				if calls++; calls == 2 {
					compute := func() error { _, err := kind.computes(used); return err }
					useOften(t, &users, 10, map[string]func() error{"one": compute, "two": compute, "three": compute})
				}
				return nil
			})
			users.Wait()
			if err != nil {
				t.Fatal(err)
			}
			a, b := alone.(interface{ WeightsHash() (string, error) }), used.(interface{ WeightsHash() (string, error) })
			if want, got := must(a.WeightsHash()), must(b.WeightsHash()); got != want {
				t.Errorf("weights %s, want %s of the training alone", got, want)
			}
		})
	}
}
