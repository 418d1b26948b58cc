package lecture11

import (
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

var errDeviceGone = errors.New("the device is gone")

// failingBackend is a backend of which one call fails that got variables to update: their values are then lost.
type failingBackend struct {
	compute.Backend
	after int // calls that update variables until one fails; negative: none does
}

func (b *failingBackend) Builder(name string) compute.Builder {
	return &failingBuilder{b.Backend.Builder(name), b}
}

func (b *failingBackend) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	buffer, err := b.Backend.BufferFromFlatData(device, flat, shape)
	return &failingBuffer{buffer, b}, err
}

func (b *failingBackend) NewSharedBuffer(device compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	buffer, flat, err := b.Backend.NewSharedBuffer(device, shape)
	return &failingBuffer{buffer, b}, flat, err
}

// failingBuffer is a buffer of a failingBackend.
type failingBuffer struct {
	compute.Buffer
	backend *failingBackend
}

func (b *failingBuffer) Backend() compute.Backend { return b.backend }

type failingBuilder struct {
	compute.Builder
	backend *failingBackend
}

func (b *failingBuilder) Compile() (compute.Executable, error) {
	e, err := b.Builder.Compile()
	return &failingExecutable{e, b.backend}, err
}

type failingExecutable struct {
	compute.Executable
	backend *failingBackend
}

func (e *failingExecutable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	b := e.backend
	if slices.Contains(donate, true) {
		if b.after--; b.after == -1 {
			return nil, errDeviceGone
		}
	}
	inner := make([]compute.Buffer, len(inputs))
	for i, buffer := range inputs {
		inner[i] = buffer.(*failingBuffer).Buffer
	}
	out, err := e.Executable.Execute(inner, donate, device)
	for i, buffer := range out {
		out[i] = &failingBuffer{buffer, b}
	}
	return out, err
}

// TestDeviceFailure: a call of the device that fails in a training loses nothing. The model is usable with the weights of the last
// copy of the state, and the training continues from there to the same numbers as without the failure.
func TestDeviceFailure(t *testing.T) {
	bothBackends(t, func(t *testing.T, plain compute.Backend) {
		x := far(64, 1)
		for name, fit := range map[string]FitConfig{
			"plain":     {Epochs: 6, Batch: 16, StepsPerCall: 2, Seed: 1},
			"evaluated": {Epochs: 6, Batch: 16, StepsPerCall: 2, Seed: 1, Evaluation: &Evaluation{X: far64(32), ID: "held out"}},
		} {
			alone := tinyVAE(plain)
			drawWeights(alone.Training(x, "x", fit))
			hashes := map[int]string{0: must(alone.WeightsHash())} // by step
			err := must(alone.Training(x, "x", fit)).Run(t.Context(), func(step int, _ map[string]float64) error {
				hashes[step] = must(alone.WeightsHash())
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			checkFailure(t, name, plain, fit, hashes, 0, true)
			checkFailure(t, name, plain, fit, hashes, 2, false)
		}
	})
}

// checkFailure trains a model, of whose calls one fails after some, with a copy of the state from the start, or from each call.
func checkFailure(t *testing.T, name string, plain compute.Backend, fit FitConfig, hashes map[int]string, after int, oldCopy bool) {
	t.Helper()
	x := far(64, 1)
	if fit.Evaluation != nil {
		fit.Evaluation = &Evaluation{X: far64(32), ID: "held out"}
	}
	backend := &failingBackend{Backend: plain, after: -1}
	m := tinyVAE(backend)
	training := must(m.Training(x, "x", fit))
	err := training.Run(t.Context(), func(step int, _ map[string]float64) error {
		if step == fit.StepsPerCall {
			backend.after = after
		}
		training.past.taken = time.Time{}
		if oldCopy {
			training.past.taken = time.Now().Add(time.Hour)
		}
		return nil
	})
	if !errors.Is(err, errDeviceGone) {
		t.Fatalf("%s, %d calls: error %v, want that of the device", name, after, err)
	}
	wantError(t, err, "is kept")
	at := training.Step()
	if oldCopy != (at == 0) {
		t.Errorf("%s, %d calls: the state after step %d is kept, want the first (%t)", name, after, at, oldCopy)
	}
	if got := must(m.WeightsHash()); got != hashes[at] {
		t.Errorf("%s, %d calls: weights %s, want %s of step %d", name, after, got, hashes[at], at)
	}
	must(m.Reconstruct(x))
	for _, part := range training.Parts() {
		if err := training.Save(part, io.Discard); err != nil {
			t.Errorf("%s, %d calls: Save(%q): %v", name, after, part, err)
		}
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got, want := must(m.WeightsHash()), hashes[training.Steps()]; got != want {
		t.Errorf("%s, %d calls: the training ends at the weights %s, want %s", name, after, got, want)
	}
}
