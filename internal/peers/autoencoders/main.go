// The autoencoders command trains models of lecture11 beside JAX's on this machine and prints the ratios of their speeds:
//
//	go run ./internal/peers/autoencoders
//	go run ./internal/peers/autoencoders -models conv -rounds 3
//
// The models are a VAE 784-512-20, a denoising autoencoder 784-512-32 and a convolutional autoencoder, all with Adam and
// batch 128 on 60 000 objects that lie on the device. The processes take turns, so that a machine whose speed drifts treats
// both alike; the ratios are taken pair by pair. Without -python it makes a virtual environment with pinned versions in the
// user's cache folder.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/peers/rounds"
	"deeplearning.example/internal/peers/venv"
	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
)

//go:embed autoencoders_jax.py
var script string

// packages are the peer's versions.
var packages = []string{"jax==0.10.2", "optax==0.2.8"}

const (
	objects, features, batch = 60_000, 784, 128
	stepsPerCall             = 50
)

func main() {
	python := flag.String("python", "", "Python with "+strings.Join(packages, " and ")+"; empty: make one")
	models := flag.String("models", "vae,dae,conv", "which models")
	count := flag.Int("rounds", 7, "rounds of ours, JAX step by step, JAX in a scan")
	steps := flag.Int("steps", 1000, "steps a run")
	ours := flag.Bool("ours", false, "time our own training of one model only and print milliseconds a step")
	flag.Parse()
	var err error
	if *ours {
		err = timeOurs(*models, *steps)
	} else {
		err = compareAll(*python, strings.Split(*models, ","), *count, *steps)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// compareAll runs the rounds of each model.
func compareAll(python string, models []string, count, steps int) error {
	if python == "" {
		var err error
		if python, err = venv.Python(packages...); err != nil {
			return err
		}
	}
	for _, name := range models {
		if err := compare(python, name, count, steps); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// compare runs the rounds of a model and prints medians and ratios.
func compare(python, name string, count, steps int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	n := strconv.Itoa(steps)
	return rounds.Compare(fmt.Sprintf("%s, batch %d, Adam", name, batch), count, []rounds.Run{
		{Name: "lecture11", Command: []string{self, "-ours", "-models", name, "-steps", n}},
		{Name: "JAX, a call a step", Command: []string{python, "-c", script, name, "step", n}},
		{Name: "JAX, 50 in one scan", Command: []string{python, "-c", script, name, "scan", n}},
	})
}

// newTraining prepares the training of a model.
func newTraining(backend compute.Backend, model string) (*lecture11.Training, error) {
	fit := lecture11.FitConfig{Batch: batch, Epochs: 100, StepsPerCall: stepsPerCall}
	cfg := lecture11.AutoencoderConfig{Features: features, Code: 32, Seed: 1}
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

// timeOurs trains on random binary objects and prints milliseconds a step.
func timeOurs(model string, steps int) error {
	backend, err := device.Backend()
	if err != nil {
		return err
	}
	training, err := newTraining(backend, model)
	if err != nil {
		return err
	}
	return rounds.PrintStep(training, steps, stepsPerCall)
}

// randomObjects are pixels 0 and 255, with MNIST's share of ink.
func randomObjects() *tensors.Tensor {
	rng := rand.New(rand.NewPCG(0, 0))
	pixels := make([]uint8, objects*features)
	for i := range pixels {
		if rng.Float32() < 0.13 {
			pixels[i] = 255
		}
	}
	return tensors.FromFlatDataAndDimensions(pixels, objects, features)
}
