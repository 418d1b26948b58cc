// The autoencoders command trains models of lecture11 beside JAX's on this machine and prints the ratios of their speeds:
//
//	go run ./internal/peers/autoencoders
//	go run ./internal/peers/autoencoders -models conv -rounds 3
//
// The models are a VAE 784-512-20, a denoising autoencoder 784-512-32 and a convolutional autoencoder, all with Adam
// and batch 128 on 60 000 objects on the device. The processes take turns, so that a machine whose speed drifts treats
// both alike, and each ratio is that of a pair. Without -python it creates a virtual environment with pinned versions
// in the user's cache folder.
package main

import (
	_ "embed"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/peers/rounds"
	"deeplearning.example/lecture11"
)

//go:embed autoencoders_jax.py
var script string

const (
	objects, features, batch = 60_000, 784, 128
	stepsPerCall             = 50
)

func main() {
	rounds.Program{
		Models: []string{"vae", "dae", "conv"}, Steps: 1000, PerCall: stepsPerCall, Script: script, Training: newTraining,
		What: func(string) string { return fmt.Sprintf("batch %d", batch) },
	}.Main()
}

// newTraining prepares the training of a model.
func newTraining(backend compute.Backend, model string) (*lecture11.Training, error) {
	fit := lecture11.FitConfig{Batch: batch, Epochs: 100, StepsPerCall: stepsPerCall}
	cfg := lecture11.AutoencoderConfig{Features: features, Latent: 32, Seed: 1}
	switch model {
	case "vae":
		vae, err := lecture11.NewVAE(backend, lecture11.VAEConfig{Features: features, Latent: 20, Seed: 1})
		if err != nil {
			return nil, err
		}
		return vae.Training(randomObjects(), "random", fit)
	case "dae":
		cfg.Corruption = lecture11.Corruption{Kind: "gaussian", Level: 0.5}
	case "conv":
		cfg.Encoder, cfg.Decoder = "conv", "conv"
	default:
		return nil, fmt.Errorf("-models %q, want vae, dae or conv", model)
	}
	autoencoder, err := lecture11.NewAutoencoder(backend, cfg)
	if err != nil {
		return nil, err
	}
	return autoencoder.Training(randomObjects(), "random", fit)
}

// randomObjects returns pixels 0 and 255, with MNIST's share of ink.
func randomObjects() *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(rounds.RandomPixels(objects*features), objects, features)
}
