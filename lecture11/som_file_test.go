package lecture11

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// TestLoadSOMs: the part "weights" of two maps trained together holds both, of different sizes. LoadSOM requires a file
// with one map.
func TestLoadSOMs(t *testing.T) {
	x, _ := fourObjects()
	backend := testx.Backend(t)
	maps := []*SOM{
		must(NewSOM(backend, SOMConfig{Grid: Grid{Width: 2, Height: 2}, Features: 4, Seed: 1})),
		must(NewSOM(backend, SOMConfig{Grid: Grid{Width: 3, Height: 1}, Features: 4, Seed: 2})),
	}
	training := must(TrainTogether(maps, x, "four", nil, []SOMFit{{Epochs: 2}}))
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := training.Save(partWeights, &file); err != nil {
		t.Fatal(err)
	}
	loaded := must(LoadSOMs(backend, bytes.NewReader(file.Bytes())))
	if len(loaded) != len(maps) {
		t.Fatalf("%d maps, want %d", len(loaded), len(maps))
	}
	for i, m := range maps {
		if got, want := must(loaded[i].Weights()), must(m.Weights()); !got.Equal(want) || loaded[i].Config().Grid != m.Config().Grid {
			t.Errorf("map %d: %v of %+v, want %v of %+v", i, got, loaded[i].Config(), want, m.Config())
		}
	}
	if _, err := LoadSOM(backend, bytes.NewReader(file.Bytes())); err == nil || !strings.Contains(err.Error(), "holds 2 maps") {
		t.Errorf("LoadSOM of two maps: %v", err)
	}
}

// TestSOMLoad: a map loads the weights from a file with its configuration, and keeps its own on any error.
func TestSOMLoad(t *testing.T) {
	cfg := SOMConfig{Grid: Grid{Width: 2, Height: 1}, Features: 2, Init: "uniform", Seed: 1}
	m, other := must(NewSOM(testx.Backend(t), cfg)), must(NewSOM(testx.Backend(t), cfg))
	want := tensors.FromValue([][]float32{{1, 2}, {3, 4}})
	if err := m.SetWeights(want); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := m.Save(&file); err != nil {
		t.Fatal(err)
	}
	before := must(other.Weights())
	text := file.Bytes()
	for i := range text {
		text[i] ^= 0x10
		if err := other.Load(bytes.NewReader(text)); err == nil {
			t.Fatalf("byte %d of %d flipped: loaded", i, len(text))
		}
		text[i] ^= 0x10
	}
	if got := must(other.Weights()); !got.Equal(before) {
		t.Errorf("refused files changed the weights: %v, want %v", got, before)
	}
	if err := other.Load(bytes.NewReader(text)); err != nil || !must(other.Weights()).Equal(want) {
		t.Errorf("loaded %v (%v), want %v", must(other.Weights()), err, want)
	}
	cfg.Torus = true
	torus := must(NewSOM(testx.Backend(t), cfg))
	if err := torus.Load(bytes.NewReader(text)); err == nil || !strings.Contains(err.Error(), "torus = false, want true") {
		t.Errorf("another configuration: %v", err)
	}
}
