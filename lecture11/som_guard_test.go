package lecture11

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// tinyMap is quick to compile and to train, and has weights from the start.
func tinyMap(backend compute.Backend) *SOM {
	return must(NewSOM(backend, SOMConfig{Grid: Grid{Width: 3, Height: 2}, Features: 4, Init: "uniform", Seed: 1}))
}

// mapTrainings are the ways to train a tinyMap, with calls of a few steps.
var mapTrainings = map[string]func(m *SOM, x *tensors.Tensor) (*SOMTraining, error){
	"batch": func(m *SOM, x *tensors.Tensor) (*SOMTraining, error) {
		return m.Training(x, "x", nil, SOMFit{Epochs: 300})
	},
	"online": func(m *SOM, x *tensors.Tensor) (*SOMTraining, error) {
		return m.Training(x, "x", nil, SOMFit{Mode: "online", Epochs: 20, Every: 20})
	},
	"stream": func(m *SOM, x *tensors.Tensor) (*SOMTraining, error) {
		return m.StreamTraining(func() iter.Seq2[*tensors.Tensor, error] {
			return func(yield func(*tensors.Tensor, error) bool) { yield(x, nil) }
		}, "x", SOMFit{Epochs: 40})
	},
}

// mapViews lists the methods that read the weights of a map.
func mapViews(x *tensors.Tensor) map[string]func(m *SOM) ([]float64, error) {
	return map[string]func(m *SOM) ([]float64, error){
		"Weights":  func(m *SOM) ([]float64, error) { return float64sOf(m.Weights()) },
		"Quantize": func(m *SOM) ([]float64, error) { return float64sOf(m.Quantize(x)) },
		"Quality": func(m *SOM) ([]float64, error) {
			q, err := m.Quality(x)
			return []float64{q.Quantisation, q.Topographic, q.Spread}, err
		},
		"Distortion": func(m *SOM) ([]float64, error) {
			d, err := m.Distortion(x, 1)
			return []float64{d}, err
		},
	}
}

// TestUseMapWhileTraining: what other goroutines see of a map under training is, to the bit, what it is at a step boundary.
func TestUseMapWhileTraining(t *testing.T) {
	bothBackends(t, func(t *testing.T, backend compute.Backend) {
		x := far(64, 1)
		for mode, prepare := range mapTrainings {
			allowed, seen := map[string][][]float64{}, map[string][][]float64{}
			alone := tinyMap(backend)
			boundaries := []*tensors.Tensor{must(alone.Weights())}
			err := must(prepare(alone, x)).Run(t.Context(), func(int, map[string]float64) error {
				boundaries = append(boundaries, must(alone.Weights()))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			m := tinyMap(backend)
			training := must(prepare(m, x))
			var users sync.WaitGroup
			var mu sync.Mutex
			for name, view := range mapViews(x) {
				users.Go(func() {
					for again := true; again; again = training.Step() < training.Steps() {
						values, err := view(m)
						if err != nil {
							t.Errorf("%s, %s: %v", mode, name, err)
							return
						}
						mu.Lock()
						seen[name] = append(seen[name], values)
						mu.Unlock()
					}
				})
			}
			if err := training.Run(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			users.Wait()
			for name, view := range mapViews(x) {
				if name != "Weights" && backend.Name() != pureGo {
					continue // a view is compiled again at each boundary
				}
				for _, w := range boundaries {
					if err := alone.SetWeights(w); err != nil {
						t.Fatal(err)
					}
					allowed[name] = append(allowed[name], must(view(alone)))
				}
				for _, values := range seen[name] {
					if !slices.ContainsFunc(allowed[name], func(a []float64) bool { return slices.Equal(a, values) }) {
						t.Fatalf("%s, %s: one of %d uses saw weights of no step boundary", mode, name, len(seen[name]))
					}
				}
			}
		}
	})
}

// savedMap is the file of a map.
func savedMap(t *testing.T, m *SOM) []byte {
	var file bytes.Buffer
	if err := m.Save(&file); err != nil {
		t.Error(err)
	}
	return file.Bytes()
}

// savedMapPart is a part of the state of a training of maps.
func savedMapPart(t *testing.T, training *SOMTraining, part string) []byte {
	var file bytes.Buffer
	if err := training.Save(part, &file); err != nil {
		t.Error(err)
	}
	return file.Bytes()
}

// TestOneMapTrainingAtATime: while a training of a map runs, all else that changes its weights is an error that says so, and the
// training is what it is alone.
func TestOneMapTrainingAtATime(t *testing.T) {
	bothBackends(t, func(t *testing.T, backend compute.Backend) {
		x := far(64, 1)
		for mode, prepare := range mapTrainings {
			alone, m, other := tinyMap(backend), tinyMap(backend), tinyMap(backend)
			if err := must(prepare(alone, x)).Run(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			training, second := must(prepare(m, x)), must(prepare(m, x))
			together := must(TrainTogether([]*SOM{other, m}, x, "x", nil, []SOMFit{{Epochs: 2}}))
			weights, saved, tries := must(alone.Weights()), savedMap(t, alone), 0
			err := training.Run(t.Context(), func(int, map[string]float64) error {
				if tries++; tries > 3 {
					return nil
				}
				part := savedMapPart(t, training, partWeights)
				for name, change := range map[string]func() error{
					"the same Run":  func() error { return training.Run(t.Context(), nil) },
					"a second Run":  func() error { return second.Run(t.Context(), nil) },
					"TrainTogether": func() error { return together.Run(t.Context(), nil) },
					"SetWeights":    func() error { return m.SetWeights(weights) },
					"Load":          func() error { return m.Load(bytes.NewReader(saved)) },
					"Restore":       func() error { return training.Restore(partWeights, bytes.NewReader(part)) },
					"by a goroutine": func() error {
						failed := make(chan error)
						go func() { failed <- second.Run(t.Context(), nil) }()
						return <-failed
					},
				} {
					if err := change(); err == nil || !strings.Contains(err.Error(), "the model is in use by the training som-3x2, want one at a time") {
						t.Errorf("%s, %s: error %v, want that the training runs", mode, name, err)
					}
				}
				return other.SetWeights(weights) // which TrainTogether has given back
			})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(mapWeights(t, m), mapWeights(t, alone)) {
				t.Errorf("%s: the map has other weights than that of the training alone", mode)
			}
		}
	})
}

// TestOtherMapTrainingInBetween: a training whose map has got other weights meanwhile neither continues nor saves them as its own.
func TestOtherMapTrainingInBetween(t *testing.T) {
	stop := errors.New("stop")
	for name, change := range map[string]func(m *SOM, second *SOMTraining) error{
		"a training": func(m *SOM, second *SOMTraining) error { return second.Run(t.Context(), nil) },
		"SetWeights": func(m *SOM, _ *SOMTraining) error { return m.SetWeights(must(m.Weights())) },
		"Load":       func(m *SOM, _ *SOMTraining) error { return m.Load(bytes.NewReader(savedMap(t, m))) },
	} {
		m, x := tinyMap(testx.Backend(t)), far(64, 1)
		first, second := must(mapTrainings["batch"](m, x)), must(mapTrainings["online"](m, x))
		if err := first.Run(t.Context(), func(int, map[string]float64) error { return stop }); !errors.Is(err, stop) {
			t.Fatal(err)
		}
		if err := change(m, second); err != nil {
			t.Fatal(err)
		}
		after := mapWeights(t, m)
		want := fmt.Sprintf("the weights were set, loaded or trained by another after step %d", first.Step())
		wantError(t, first.Run(t.Context(), nil), want)
		wantError(t, first.Save(partWeights, io.Discard), want)
		if !slices.Equal(mapWeights(t, m), after) {
			t.Errorf("%s: the first training has changed the weights", name)
		}
	}
}

// TestFinishedTrainingLeavesMap: a finished training that runs again leaves a map alone that another has trained since.
func TestFinishedTrainingLeavesMap(t *testing.T) {
	m, x := tinyMap(testx.Backend(t)), far(64, 1)
	first := must(mapTrainings["batch"](m, x))
	if err := first.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := must(mapTrainings["online"](m, x)).Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	after := mapWeights(t, m)
	if err := first.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(mapWeights(t, m), after) {
		t.Error("the first training has set its own weights again")
	}
}

// TestSameMapTwice: one training does not train a map twice.
func TestSameMapTwice(t *testing.T) {
	a, b := tinyMap(goBackend(t)), tinyMap(goBackend(t))
	_, err := TrainTogether([]*SOM{a, b, a}, far(64, 1), "x", nil, []SOMFit{{}})
	wantError(t, err, "TrainTogether: map 2 is map 0, want")
}

// mapUses are all ways to use a map.
func mapUses(m *SOM, x *tensors.Tensor) map[string]func() error {
	uses := map[string]func() error{
		"Nearest":        func() error { return errorOf(m.Nearest(x, 2)) },
		"Winners":        func() error { return errorOf3(m.Winners(x, 1)) },
		"Save":           func() error { return m.Save(io.Discard) },
		"Training":       func() error { return errorOf(m.Training(x, "x", nil, SOMFit{})) },
		"StreamTraining": func() error { return errorOf(mapTrainings["stream"](m, x)) },
	}
	for name, view := range mapViews(x) {
		uses[name] = func() error { return errorOf(view(m)) }
	}
	return uses
}

// TestManyGoroutinesOfMaps: maps are trained together, cancelled and trained on while others use one in all ways, save the training
// and try to train too. Nothing fails that is allowed alone, and in the end the maps are what they are without them.
func TestManyGoroutinesOfMaps(t *testing.T) {
	bothBackends(t, func(t *testing.T, backend compute.Backend) {
		x, fits := far(64, 1), []SOMFit{{Mode: "online", Epochs: 10, Every: 20}, {Mode: "online", Epochs: 10, Every: 20, Seed: 2}}
		prepare := func() ([]*SOM, *SOMTraining) {
			maps := []*SOM{tinyMap(backend), tinyMap(backend)}
			return maps, must(TrainTogether(maps, x, "x", nil, fits))
		}
		alone, training := prepare()
		if err := training.Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		maps, training := prepare()
		var users sync.WaitGroup
		for training.Step() < training.Steps() {
			ctx, cancel := context.WithCancel(t.Context())
			calls := 0
			err := training.Run(ctx, func(int, map[string]float64) error {
				if calls++; calls == 1 && training.Step() <= 20 {
					startMapUsers(t, &users, maps, training, x)
				}
				if calls == 5 {
					cancel()
				}
				return nil
			})
			if cancel(); err != nil && !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "in use by the training") {
				t.Fatal(err)
			}
		}
		users.Wait()
		for i, m := range maps {
			if !slices.Equal(mapWeights(t, m), mapWeights(t, alone[i])) {
				t.Errorf("map %d has other weights than that of the training alone", i)
			}
		}
	})
}

// startMapUsers starts a goroutine for each way to use maps under training, and some that must be refused or wait.
func startMapUsers(t *testing.T, users *sync.WaitGroup, maps []*SOM, training *SOMTraining, x *tensors.Tensor) {
	uses := mapUses(maps[1], x)
	for _, part := range training.Parts() {
		uses["SOMTraining.Save "+part] = func() error { return training.Save(part, io.Discard) }
	}
	uses["Describe"] = func() error { _ = training.Describe(training.Step()); return nil }
	// A training of the same maps in the other order locks them in that order.
	turned := must(TrainTogether([]*SOM{maps[1], maps[0]}, x, "x", nil, []SOMFit{{Mode: "online"}}))
	uses["Save of another training"] = func() error { wantError(t, turned.Save(partWeights, io.Discard), "not trained"); return nil }
	uses["a second Run"] = func() error { return secondRun(t, training.Run) }
	useOften(t, users, 5, uses)
}
