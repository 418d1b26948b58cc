package lecture11

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"deeplearning.example/internal/testx"
)

// TestRestoreIsWhole: Restore refuses a part that is cut off, has an extra byte or has a flipped bit, and the weights
// are unchanged.
func TestRestoreIsWhole(t *testing.T) {
	cfg := FitConfig{Epochs: 1, Batch: 32}
	first, second := lineTraining(t, cfg, 0), lineTraining(t, cfg, 0)
	second.initSeed = 2
	runTraining(t, first)
	runTraining(t, second)
	want := weightsOf(t, second)
	if slices.Equal(weightsOf(t, first), want) {
		t.Fatal("both trainings have the same weights")
	}
	for _, part := range first.Parts() {
		text := saved(t, first)[part]
		damaged := [][]byte{append(slices.Clone(text), 0)}
		for cut := 0; cut < len(text); cut += 7 {
			damaged = append(damaged, text[:cut])
		}
		for i := range text {
			flipped := slices.Clone(text)
			flipped[i] ^= 1 << (i % 8)
			damaged = append(damaged, flipped)
		}
		for i, file := range damaged {
			if err := second.Restore(part, bytes.NewReader(file)); err == nil {
				t.Fatalf("%s: damaged file %d of %d is restored", part, i, len(damaged))
			}
		}
		if got := weightsOf(t, second); !slices.Equal(got, want) {
			t.Errorf("%s: refused files changed the weights: %v, want %v", part, got, want)
		}
	}
	if err := second.Restore(partWeights, bytes.NewReader(saved(t, first)[partWeights])); err != nil {
		t.Fatal(err)
	}
	if got, want := weightsOf(t, second), weightsOf(t, first); !slices.Equal(got, want) {
		t.Errorf("restored %v, want %v", got, want)
	}
}

// unfinished returns a training of 6 steps, stopped after 3.
func unfinished(t *testing.T) *Training {
	t.Helper()
	training := lineTraining(t, FitConfig{Epochs: 3, Batch: 32, StepsPerCall: 3}, 0)
	stop := errors.New("stop")
	err := training.Run(t.Context(), func(int, map[string]float64) error { return stop })
	if !errors.Is(err, stop) || training.Step() != 3 {
		t.Fatalf("stopped at step %d: %v", training.Step(), err)
	}
	return training
}

// TestRunAfterPartOfTheState: with one part of the state of an unfinished training, or with parts of different steps,
// Run is an error that names the part. With both parts from one step it continues.
func TestRunAfterPartOfTheState(t *testing.T) {
	early, late := unfinished(t), unfinished(t)
	late.cfg.StepsPerCall = 1
	stop := errors.New("stop")
	if err := late.Run(t.Context(), func(int, map[string]float64) error { return stop }); !errors.Is(err, stop) || late.Step() != 4 {
		t.Fatalf("stopped at step %d: %v", late.Step(), err)
	}
	at3, at4 := saved(t, early), saved(t, late)
	for _, c := range []struct {
		name  string
		parts map[string][]byte
		want  string
	}{
		{"weights", map[string][]byte{partWeights: at3[partWeights]}, `the part "optimizer" of the state at step 3 was not restored`},
		{"optimizer", map[string][]byte{partOptimizer: at3[partOptimizer]}, `the part "weights" of the state at step 3 was not restored`},
		{"two steps", map[string][]byte{partWeights: at3[partWeights], partOptimizer: at4[partOptimizer]}, "from step"},
		{"one step", at3, ""},
	} {
		training := lineTraining(t, FitConfig{Epochs: 3, Batch: 32, StepsPerCall: 3}, 0)
		for part, text := range c.parts {
			if err := training.Restore(part, bytes.NewReader(text)); err != nil {
				t.Fatal(err)
			}
		}
		err := training.Run(t.Context(), nil)
		if c.want == "" && (err != nil || training.Step() != 6) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: at step %d, error %v, want %q", c.name, training.Step(), err, c.want)
		}
	}
}

// TestRunAfterLoad: a training whose model has got other weights in the meantime does not continue with them. A new
// training starts from them, with a different key.
func TestRunAfterLoad(t *testing.T) {
	x, _ := fourObjects()
	m := must(NewVAE(testx.Backend(t), VAEConfig{Features: 4, Latent: 1, Hidden: []int{2}, Seed: 1}))
	cfg := FitConfig{Epochs: 4, Batch: 4, Seed: 2, StepsPerCall: 1}
	training := must(m.Training(x, "four", cfg))
	ctx, cancel := context.WithCancel(t.Context())
	_ = training.Run(ctx, func(int, map[string]float64) error { cancel(); return nil })
	var file bytes.Buffer
	if err := errors.Join(m.Save(&file), m.Load(bytes.NewReader(file.Bytes()))); err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "after step 1, want a new Training") {
		t.Errorf("the interrupted training continues: %v", err)
	}
	again := must(m.Training(x, "four", cfg))
	if again.Key()["start"] == nil {
		t.Errorf("the key of a training from loaded weights is that of one from the seed: %v", again.Key())
	}
	runTraining(t, again)
}

// TestSOMRestoreIsWhole is TestRestoreIsWhole and TestRunAfterPartOfTheState for a map, whose training takes more
// epochs than one call.
func TestSOMRestoreIsWhole(t *testing.T) {
	x, _ := fourObjects()
	build := func(seed int64) (*SOM, *SOMTraining) {
		m := must(NewSOM(testx.Backend(t), SOMConfig{Grid: Grid{Width: 2, Height: 2}, Features: 4, Init: "samples", Seed: 1}))
		return m, must(m.Training(x, "four", nil, SOMFit{Epochs: 200, Seed: seed}))
	}
	_, first := build(1)
	stop := errors.New("stop")
	if err := first.Run(t.Context(), func(int, map[string]float64) error { return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	parts := map[string][]byte{}
	for _, part := range first.Parts() {
		var out bytes.Buffer
		if err := first.Save(part, &out); err != nil {
			t.Fatal(err)
		}
		parts[part] = out.Bytes()
	}
	m, second := build(1)
	if err := second.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	want := must(m.Weights())
	for part, text := range parts {
		for i := range text {
			text[i] ^= 1 << (i % 8)
			if err := second.Restore(part, bytes.NewReader(text)); err == nil {
				t.Fatalf("%s: byte %d flipped: restored", part, i)
			}
			text[i] ^= 1 << (i % 8)
		}
	}
	if got := must(m.Weights()); !got.Equal(want) {
		t.Errorf("refused files changed the weights: %v, want %v", got, want)
	}
	_, third := build(1)
	if err := third.Restore(partWeights, bytes.NewReader(parts[partWeights])); err != nil {
		t.Fatal(err)
	}
	if err := third.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), `the part "progress"`) {
		t.Errorf("Run after weights alone: %v", err)
	}
}
