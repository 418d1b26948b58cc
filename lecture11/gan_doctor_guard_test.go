package lecture11

import (
	"reflect"
	"sync"
	"testing"

	"github.com/gomlx/compute"
)

// TestDoctorWhileTraining: while a doctor watches a training, other goroutines read what it has found so far, and trainings that it
// would also watch are refused. In the end it has seen what it sees alone.
func TestDoctorWhileTraining(t *testing.T) {
	bothBackends(t, func(t *testing.T, backend compute.Backend) {
		x, fit := far(64, 1), FitConfig{Epochs: 30, Batch: 16, StepsPerCall: 3, Seed: 1}
		watched := func() (*GANDoctor, *WatchedTraining, *WatchedTraining) {
			m := must(NewGAN(backend, GANConfig{Features: 4, Latent: 2, Generator: []int{3}, Discriminator: []int{3}, Seed: 1}))
			doctor := must(NewGANDoctor(m, x, DoctorConfig{Every: 10, Persist: 1, Objects: 32}))
			return doctor, doctor.Over(must(m.Training(x, "x", fit))), doctor.Over(must(m.Training(x, "x", fit)))
		}
		alone, training, _ := watched()
		if err := training.Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		doctor, training, second := watched()
		var users sync.WaitGroup
		for name, use := range map[string]func() int{
			"Findings": func() int { return len(doctor.Findings()) },
			"Vitals":   func() int { return len(doctor.Vitals()) },
			"Curves":   func() int { steps, _ := doctor.Curves(); return len(steps) },
			"String":   func() int { return len(doctor.String()) },
		} {
			users.Go(func() {
				for most := 0; training.Step() < training.Steps(); {
					if now := use(); now < most && name != "String" {
						t.Errorf("%s: %d after %d", name, now, most)
					} else {
						most = now
					}
				}
			})
		}
		err := training.Run(t.Context(), func(int, map[string]float64) error {
			for _, other := range []*WatchedTraining{training, second} {
				wantError(t, other.Run(t.Context(), nil), "the model is in use by the training gan, want one at a time")
			}
			return nil
		})
		users.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if len(alone.Vitals()) == 0 || !reflect.DeepEqual(doctor.Vitals(), alone.Vitals()) {
			t.Errorf("vitals %v, want those of the training alone, %v", doctor.Vitals(), alone.Vitals())
		}
		if !reflect.DeepEqual(doctor.Findings(), alone.Findings()) {
			t.Errorf("findings %v, want those of the training alone, %v", doctor.Findings(), alone.Findings())
		}
	})
}
