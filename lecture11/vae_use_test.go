package lecture11

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/gomlx/compute"
)

// TestReconstructIsOneProgram: a model that comes from a file compiles one program for its reconstructions, and their numbers are
// those of the two networks one after the other.
func TestReconstructIsOneProgram(t *testing.T) {
	bothBackends(t, func(t *testing.T, backend compute.Backend) {
		x, labels := patterns(30)
		joined := must(WithLabels(x, labels, 2))
		for name, cfg := range map[string]VAEConfig{
			"bernoulli":   {Hidden: []int{16, 8}},
			"gaussian":    {Hidden: []int{16}, Likelihood: "gaussian"},
			"conditional": {Hidden: []int{16}, Classes: 2},
		} {
			cfg.Features, cfg.Latent, cfg.Seed = 8, 3, 1
			objects := x
			if cfg.Classes > 0 {
				objects = joined
			}
			two := must(NewVAE(backend, cfg))
			drawWeights(two.Training(objects, "x", FitConfig{}))
			var file bytes.Buffer
			if err := two.Save(&file); err != nil {
				t.Fatal(err)
			}
			one := must(LoadVAE(backend, &file))
			got := must(float64sOf(one.Reconstruct(objects)))
			if compiled := slices.Collect(maps.Keys(one.programs.byName)); len(compiled) != 1 {
				t.Errorf("%s: Reconstruct compiled %q, want one program", name, compiled)
			}
			z, _, err := two.Encode(objects)
			if err == nil && cfg.Classes > 0 {
				z, err = WithLabels(z, labels, cfg.Classes)
			}
			if err != nil {
				t.Fatal(err)
			}
			nearAll(t, name, got, must(float64sOf(two.Decode(z))), 1e-6)
		}
	})
}

// TestAutoencoderReconstructIsOneProgram is TestReconstructIsOneProgram for autoencoders.
func TestAutoencoderReconstructIsOneProgram(t *testing.T) {
	bothBackends(t, func(t *testing.T, backend compute.Backend) {
		x, _ := patterns(30)
		m := must(NewAutoencoder(backend, AutoencoderConfig{Features: 8, Latent: 3, Hidden: []int{16}, Loss: "bernoulli", Seed: 1}))
		drawWeights(m.Training(x, "x", FitConfig{}))
		got := must(float64sOf(m.Reconstruct(x)))
		if compiled := slices.Collect(maps.Keys(m.programs.byName)); len(compiled) != 1 {
			t.Errorf("Reconstruct compiled %q, want one program", compiled)
		}
		nearAll(t, "reconstruction", got, must(float64sOf(m.Decode(must(m.Encode(x))))), 1e-6)
	})
}

// nearAll checks numbers one by one.
func nearAll(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		near(t, fmt.Sprintf("%s, number %d", what, i), got[i], want[i], tolerance)
	}
}
