package lecture11

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
)

// TestSOMWinnerTakesAll is C7.1: with K = [r = 0] the grid has no effect, so that maps on other grids, and with other
// kernels, are the same to the bit, and only winners move.
func TestSOMWinnerTakesAll(t *testing.T) {
	zero := Schedule{Name: "constant", Start: 0}
	for _, fit := range []SOMFit{{Epochs: 5, Radius: Schedule{Func: func(float64) float64 { return 0 }}},
		{Mode: "online", Steps: 300, Radius: Schedule{Func: zero.at0}, Seed: 2}} {
		var first []float32
		for _, cfg := range []SOMConfig{
			{Grid: Grid{Width: 4, Height: 3}},
			{Grid: Grid{Width: 1, Height: 12}, Neighbourhood: "bubble"},
			{Grid: Grid{Width: 6, Height: 2, Hex: true, Torus: true}, Neighbourhood: "triangle"},
		} {
			cfg.Features, cfg.Init, cfg.Seed = 2, "uniform", 1
			m := newMap(t, cfg)
			before := mapWeights(t, m)
			got := trainSOM(t, m, somObjects(50, 2, 3, 0), nil, fit)
			if first == nil {
				first = got
			}
			if !slices.Equal(got, first) {
				t.Errorf("%s, %s: the map differs from that on the first grid", fit.Mode, cfg.Grid)
			}
			if fit.Mode == "online" && !sameSomewhere(before, got) {
				t.Error("objects far from all nodes moved every one of them: no winner takes all")
			}
		}
	}
}

// at0 returns the value of a schedule at its start.
func (s Schedule) at0(float64) float64 { return s.Start }

// sameSomewhere reports whether a node kept its weights to the bit.
func sameSomewhere(a, b []float32) bool {
	for i := 0; i < len(a); i += 2 {
		if a[i] == b[i] && a[i+1] == b[i+1] {
			return true
		}
	}
	return false
}

// TestSOMConstantKernel is C7.2: with K ≡ 1 differences of weights shrink by the factor (1 − η) in each step.
func TestSOMConstantKernel(t *testing.T) {
	const steps, eta = 40, 0.05
	m := newMap(t, SOMConfig{Grid: Grid{Width: 4, Height: 3}, Features: 2, Neighbourhood: "bubble", Init: "uniform"})
	before := mapWeights(t, m)
	after := trainSOM(t, m, somObjects(30, 2, 0, 0), nil, SOMFit{Mode: "online", Steps: steps,
		Radius: Schedule{Start: 100}, LearningRate: Schedule{Start: eta}})
	for i := 2; i < len(after); i++ {
		want := float64(before[i]-before[i%2]) * math.Pow(1-eta, steps)
		if got := float64(after[i] - after[i%2]); math.Abs(got-want) > 1e-6 {
			t.Fatalf("w_%d − w_0 = %g, want %g", i/2, got, want)
		}
	}
}

// TestSOMEnergy is C7.5: with Heskes's winner and a constant radius the energy never rises, with Kohonen's it does.
func TestSOMEnergy(t *testing.T) {
	radius := Schedule{Start: 1}
	for _, winner := range []string{"heskes", "nearest"} {
		rises := 0
		for seed := range int64(5) {
			m := newMap(t, SOMConfig{Grid: Grid{Width: 5, Height: 5}, Features: 2, Init: "samples", Seed: seed})
			x := somObjects(60, 2, 0, 0)
			data, _ := newSOMData(x, nil, m.cfg)
			sample, _ := data.sample(60, seed)
			m.initialise(sample, false)
			o := newOracle(t, m, x, nil, SOMFit{Epochs: 25, Radius: radius, Winner: winner})
			rises += risesOf(o)
		}
		t.Logf("%s: %d rises in 5 × 24 epochs", winner, rises)
		if (rises > 0) != (winner == "nearest") {
			t.Errorf("the energy of the oracle with winner %q rose %d times", winner, rises)
		}
	}
	m := newMap(t, SOMConfig{Grid: Grid{Width: 5, Height: 5}, Features: 2, Init: "samples"})
	training, err := m.Training(somObjects(60, 2, 0, 0), "x", nil, SOMFit{Epochs: 25, Radius: radius, Winner: "heskes"})
	if err != nil {
		t.Fatal(err)
	}
	last := math.Inf(1)
	err = training.Run(context.Background(), func(step int, l map[string]float64) error {
		if l["energy"] > last*(1+1e-6) {
			t.Errorf("epoch %d: energy %g after %g", step, l["energy"], last)
		}
		last = l["energy"]
		return nil
	})
	if err != nil || math.IsInf(last, 0) {
		t.Fatal(err, last)
	}
}

// risesOf counts the epochs whose energy Σ_i min_c Σ_b K·‖x_i − w_b‖² is above that of the previous epoch.
func risesOf(o *somOracle) (rises int) {
	last := math.Inf(1)
	for e := range o.fit.Epochs {
		energy := 0.0
		for _, x := range o.x {
			a, _ := o.winner(x, 1)
			for b := range o.w {
				energy += o.cfg.Kernel(b, a, 1) * o.square(x, o.w[b])
			}
		}
		if energy > last*(1+1e-9) {
			rises++
		}
		last = energy
		o.epoch(e)
	}
	return rises
}

// fitsOfAllKinds returns trainings with different programs.
func fitsOfAllKinds() map[string]SOMFit {
	return map[string]SOMFit{
		"batch":  {Epochs: 70},
		"online": {Mode: "online", Steps: 9000, Seed: 3},
		"stable": {Mode: "online", Epochs: 300, StopWhenStable: 1, LearningRate: Schedule{Name: "linear", Start: 0.5}, Radius: Schedule{Start: 0.5}},
	}
}

// TestSOMResume: a training that is interrupted, saved and restored into another map ends with the same weights to the
// bit.
func TestSOMResume(t *testing.T) {
	long(t)
	for name, fit := range fitsOfAllKinds() {
		for _, n := range []int{3, 130} {
			if testing.Short() && n > 3 {
				continue
			}
			cfg := SOMConfig{Grid: Grid{Width: 4, Height: 4}, Features: n, Init: "pca"}
			x := func() *tensors.Tensor { return somObjects(70, n, 0, 0) }
			whole := newMap(t, cfg)
			want := trainSOM(t, whole, x(), nil, fit)
			if again := trainSOM(t, newMap(t, cfg), x(), nil, fit); !slices.Equal(again, want) {
				t.Errorf("%s, n = %d: the same seed gives other weights", name, n)
			}
			got, cuts := trainInPieces(t, cfg, x, fit)
			if !slices.Equal(got, want) || cuts == 0 {
				t.Errorf("%s, n = %d: different weights after %d interruptions", name, n, cuts)
			}
		}
	}
}

// trainInPieces trains a map, interrupted at each call and restored into a new one.
func trainInPieces(t *testing.T, cfg SOMConfig, x func() *tensors.Tensor, fit SOMFit) (w []float32, cuts int) {
	t.Helper()
	stop := errors.New("stop")
	saved := map[string][]byte{}
	for {
		m := newMap(t, cfg)
		training, err := m.Training(x(), "x", nil, fit)
		if err != nil {
			t.Fatal(err)
		}
		for part, text := range saved {
			if err := training.Restore(part, bytes.NewReader(text)); err != nil {
				t.Fatal(err)
			}
		}
		err = training.Run(context.Background(), func(step int, _ map[string]float64) error {
			if step == training.Step() && step < training.Steps() && cuts < 2 {
				return stop
			}
			return nil
		})
		for _, part := range training.Parts() {
			var out bytes.Buffer
			if err := training.Save(part, &out); err != nil {
				t.Fatal(err)
			}
			saved[part] = out.Bytes()
		}
		if err == nil {
			return mapWeights(t, m), cuts
		}
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		cuts++
	}
}

// TestSOMStable: the training ends when no object changes its node any more, and reports it.
func TestSOMStable(t *testing.T) {
	m := newMap(t, SOMConfig{Grid: Grid{Width: 3, Height: 3}, Features: 2, Init: "samples"})
	training, err := m.Training(somObjects(40, 2, 0, 0), "x", nil, SOMFit{Epochs: 1000, StopWhenStable: 3,
		Radius: Schedule{Start: 0.5}})
	if err != nil {
		t.Fatal(err)
	}
	var moved []float64
	err = training.Run(context.Background(), func(_ int, l map[string]float64) error {
		moved = append(moved, l["moved"])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e := training.Stopped()
	if e < 4 || e > 200 || len(moved) != e || training.Step() != 1000 || !strings.HasPrefix(training.Describe(1000), "stable after") {
		t.Errorf("stopped at %d with %d epochs reported, step %d, %q", e, len(moved), training.Step(), training.Describe(1000))
	}
	if !slices.Equal(moved[e-3:], []float64{0, 0, 0}) || moved[e-4] == 0 || moved[0] != 1 {
		t.Errorf("shares of objects that moved: %v", moved)
	}
}

// TestSOMSaveLoad: a saved map can be restored only into one with the same key.
func TestSOMSaveLoad(t *testing.T) {
	cfg := SOMConfig{Grid: Grid{Width: 3, Height: 2}, Features: 2}
	m := newMap(t, cfg)
	training, _ := m.Training(somObjects(30, 2, 0, 0), "a", nil, SOMFit{Epochs: 3})
	var out bytes.Buffer
	if err := training.Save("weights", &out); err == nil {
		t.Error("saved a map before its training")
	}
	if err := training.Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if err := training.Save("weights", &out); err != nil {
		t.Fatal(err)
	}
	other := newMap(t, cfg)
	restored, _ := other.Training(somObjects(30, 2, 0, 0), "a", nil, SOMFit{Epochs: 3})
	if err := restored.Restore("weights", bytes.NewReader(out.Bytes())); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(mapWeights(t, other), mapWeights(t, m)) || restored.Step() != 3 {
		t.Error("restored another map")
	}
	for want, fit := range map[string]SOMFit{"epochs": {Epochs: 4}, "function": {Epochs: 3, Radius: Schedule{Func: math.Cos}}} {
		refused, err := newMap(t, cfg).Training(somObjects(30, 2, 0, 0), "a", nil, fit)
		if err != nil {
			t.Fatal(err)
		}
		if err := refused.Restore("weights", bytes.NewReader(out.Bytes())); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("restored into a training with other %s: %v", want, err)
		}
	}
	for cut := range out.Len() {
		if err := restored.Restore("weights", bytes.NewReader(out.Bytes()[:cut])); err == nil {
			t.Fatalf("restored from the first %d of %d bytes", cut, out.Len())
		}
	}
}

// TestSOMTogether: maps that are trained in one program are the same as when trained one by one.
func TestSOMTogether(t *testing.T) {
	long(t)
	for _, n := range []int{3, 130} {
		if testing.Short() && n > 3 {
			continue
		}
		for _, base := range []SOMFit{{Epochs: 12}, {Epochs: 5, Winner: "heskes"}, {Mode: "online", Steps: 300}} {
			grids := []Grid{{Width: 4, Height: 4}, {Width: 2, Height: 3, Hex: true}, {Width: 6, Height: 2, Torus: true}}
			var maps []*SOM
			var fits []SOMFit
			var singles [][][]float64
			for i, grid := range grids {
				cfg := SOMConfig{Grid: grid, Features: n, Init: "samples", Seed: int64(i)}
				fit := base
				fit.Seed = int64(10 * i)
				fit.Radius = Schedule{Name: "linear", Start: 2, End: 0.5 + 0.1*float64(i)}
				single := newMap(t, cfg)
				trainSOM(t, single, somObjects(80, n, 0, 0), nil, fit)
				w, _ := single.Weights()
				singles = append(singles, matrixOf(w))
				maps, fits = append(maps, newMap(t, cfg)), append(fits, fit)
			}
			training, err := TrainTogether(maps, somObjects(80, n, 0, 0), "x", nil, fits)
			if err != nil {
				t.Fatal(err)
			}
			if err := training.Run(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			for i, m := range maps {
				checkClose(t, mapWeights(t, m), singles[i], 2e-5)
			}
		}
	}
}

// TestSOMStream: a training on chunks has the same result as one on the whole set.
func TestSOMStream(t *testing.T) {
	const l, n = 1000, 4
	whole := somObjects(l, n, 10, 0.1)
	flat := tensors.MustCopyFlatData[float32](whole)
	chunks := func() iter.Seq2[*tensors.Tensor, error] {
		return func(yield func(*tensors.Tensor, error) bool) {
			for first := 0; first < l; first += 300 {
				rows := min(300, l-first)
				if !yield(tensors.FromFlatDataAndDimensions(slices.Clone(flat[first*n:(first+rows)*n]), rows, n), nil) {
					return
				}
			}
		}
	}
	cfg := SOMConfig{Grid: Grid{Width: 5, Height: 4}, Features: n, Seed: 4}
	fit := SOMFit{Epochs: 6, Radius: Schedule{Name: "linear", Start: 2, End: 1}}
	single := newMap(t, cfg)
	trainSOM(t, single, whole, nil, fit)
	m := newMap(t, cfg)
	training, err := m.StreamTraining(chunks, "x", fit)
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	want, _ := single.Weights()
	checkClose(t, mapWeights(t, m), matrixOf(want), 1e-4)
	if _, err := newMap(t, SOMConfig{Grid: cfg.Grid, Features: n, Init: "pca"}).StreamTraining(chunks, "x", fit); err != nil {
		t.Error(err)
	}
	failing := errors.New("disk")
	_, err = m.StreamTraining(func() iter.Seq2[*tensors.Tensor, error] {
		return func(yield func(*tensors.Tensor, error) bool) { yield(nil, failing) }
	}, "x", fit)
	if !errors.Is(err, failing) {
		t.Errorf("error of the stream = %v", err)
	}
	_, err = m.StreamTraining(func() iter.Seq2[*tensors.Tensor, error] {
		return func(yield func(*tensors.Tensor, error) bool) {
			_ = yield(whole, nil) && yield(sameRows(2, float32(math.Inf(1)), 0, 0, 0), nil)
		}
	}, "x", fit)
	if err == nil || !strings.HasPrefix(err.Error(), "lecture11: ") {
		t.Errorf("error of the second chunk = %v, want one of lecture11", err)
	}
	wantError(t, err, "component 0 of row 0 = +Inf, want a finite number, or NaN where it is missing (in the chunk that starts at object 1000)")
}

// TestSOMChunks: many chunks, the last of which starts earlier, and blocks of the kernel have the same sums as a single
// chunk.
func TestSOMChunks(t *testing.T) {
	if testing.Short() {
		t.Skip("a large map")
	}
	x := somObjects(5000, 20, 0, 0)
	cfg := SOMConfig{Grid: Grid{Width: 40, Height: 30}, Features: 20, Init: "samples"}
	compareWithOracle(t, cfg, x, nil, SOMFit{Epochs: 2, LearningRate: Schedule{Start: 0.6}}, 5e-4)
}
