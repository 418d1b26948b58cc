package lecture11

import (
	"context"
	"errors"
	"testing"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// BenchmarkVAEStep784x512x20Batch128 times optimizer steps on MNIST, without compilation. To compare with JAX: go run
// ./internal/peers/vae.
func BenchmarkVAEStep784x512x20Batch128(b *testing.B) {
	train, _, err := data.MNIST(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	vae, err := NewVAE(testx.Backend(b), VAEConfig{Features: 784, Latent: 20, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	const perCall = 50
	training, err := vae.Training(train.Tensor(), train.ID, FitConfig{Epochs: 1 << 20, StepsPerCall: perCall})
	if err != nil {
		b.Fatal(err)
	}
	done := errors.New("done")
	err = training.Run(context.Background(), func(step int, _ map[string]float64) error {
		if step == perCall {
			b.ResetTimer()
		}
		if step >= perCall+b.N {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}

// BenchmarkMNIST times what a cell does at the start: it loads both sets from the cache and draws a fixed binarisation
// of the training set.
func BenchmarkMNIST(b *testing.B) {
	for b.Loop() {
		train, _, err := data.MNIST(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		train.Binarized(1)
	}
}
