package kernelext

import (
	"context"
	"io"
	"testing"
)

// big is a model of 10 MiB with as much optimiser state twice.
func big() *toy {
	m := newToy(1)
	m.weights, m.velocity = make([]float64, 10<<20/8), make([]float64, 20<<20/8)
	return m
}

// BenchmarkTrainRestore measures what a later cell pays for a finished model of 10 MiB: open the store, find, check, read.
func BenchmarkTrainRestore(b *testing.B) {
	s := newStore(b)
	m := big()
	if _, err := Train(b.Context(), bigRun{m}, WithStore(s), WithOutput(io.Discard)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(10 << 20)
	for b.Loop() {
		result, err := Train(b.Context(), bigRun{m}, WithStore(openStore(b, s.Dir())), WithOutput(io.Discard))
		if err != nil || !result.Restored {
			b.Fatal(result, err)
		}
	}
}

// bigRun takes its one step without touching the weights.
type bigRun struct{ *toy }

func (m bigRun) Run(_ context.Context, onStep func(int, map[string]float64) error) error {
	m.step = m.steps
	return onStep(m.step, map[string]float64{"bowl": 0})
}
