package lecture11

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// benchSOM times a training in b.N parts, without the first call of the device, which includes the compilation.
func benchSOM(b *testing.B, training *SOMTraining, objects int) {
	done := errors.New("done")
	first, steps := 0, 0
	err := training.Run(context.Background(), func(step int, _ map[string]float64) error {
		if first == 0 {
			first = step
			b.ResetTimer()
		} else if steps = step - first; steps >= b.N {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		b.Fatal(err)
	}
	b.ReportMetric(float64(steps*objects)/b.Elapsed().Seconds(), "samples/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
}

// BenchmarkSOMBatch20x20MNIST times epochs of 10 000 digits. For MiniSom: go run ./internal/peers/som.
func BenchmarkSOMBatch20x20MNIST(b *testing.B) {
	benchSOM(b, digitsTraining(b, SOMFit{Epochs: 1 << 20}), 10_000)
}

// BenchmarkSOMOnline20x20MNIST times steps on the same digits.
func BenchmarkSOMOnline20x20MNIST(b *testing.B) {
	benchSOM(b, digitsTraining(b, SOMFit{Mode: "online", Steps: 1 << 30}), 1)
}

func digitsTraining(b *testing.B, fit SOMFit) *SOMTraining {
	b.Helper()
	train, _, err := data.MNIST(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	digits, err := train.Head(10_000)
	if err != nil {
		b.Fatal(err)
	}
	m, err := NewSOM(testx.Backend(b), SOMConfig{Grid: Grid{Width: 20, Height: 20}, Features: 784, Init: "pca"})
	if err != nil {
		b.Fatal(err)
	}
	training, err := m.Training(digits.Tensor(), digits.ID, nil, fit)
	if err != nil {
		b.Fatal(err)
	}
	return training
}

// BenchmarkSOMTogether times epochs of maps of 10×10 on 150 objects of 4 components, the size of iris.
func BenchmarkSOMTogether(b *testing.B) {
	for _, mode := range []string{"batch", "online"} {
		for _, count := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s-%dx10x10", mode, count), func(b *testing.B) {
				fit := SOMFit{Epochs: 1 << 20, Mode: mode}
				objects := 1
				if mode == "batch" {
					objects = 150
				}
				benchSOM(b, irisLike(b, count, fit), objects*count)
			})
		}
	}
}

func irisLike(b *testing.B, count int, fit SOMFit) *SOMTraining {
	b.Helper()
	var maps []*SOM
	for i := range count {
		m, err := NewSOM(testx.Backend(b), SOMConfig{Grid: Grid{Width: 10, Height: 10}, Features: 4, Init: "uniform", Seed: int64(i)})
		if err != nil {
			b.Fatal(err)
		}
		maps = append(maps, m)
	}
	var x *tensors.Tensor = somObjects(150, 4, 0, 0)
	training, err := TrainTogether(maps, x, "x", nil, []SOMFit{fit})
	if err != nil {
		b.Fatal(err)
	}
	return training
}
