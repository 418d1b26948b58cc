// The gan command trains GANs of lecture11 beside JAX's on this machine and prints the ratios of their speeds:
//
//	go run ./internal/peers/gan
//	go run ./internal/peers/gan -models ring,digits -rounds 3
//	go run ./internal/peers/gan -check
//
// The models are a dense GAN of 2-D objects, the same as a critic with gradient penalty and five steps of D, the same
// with labels, and a convolutional GAN of digits. All use Adam, β₁ = 0.5, on 60 000 objects on the device. The
// processes take turns. With -check both start at the same weights instead. Over steps that move nothing, mean losses
// and lengths of gradients must agree within 3 %. Over ten steps of Adam, the distances that the weights and their mean
// move must agree within 5 %; each side draws its own noise. Without -python it creates a virtual environment with
// pinned versions in the user's cache folder.
package main

import (
	_ "embed"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/peers/rounds"
	"deeplearning.example/lecture11"
)

//go:embed gan_jax.py
var script string

const (
	objects      = 60_000
	stepsPerCall = 50
)

// ring is the GAN that three of the models share.
var ring = lecture11.GANConfig{Features: 2, Latent: 8, Seed: 1}

// peer is a model under comparison.
type peer struct {
	what  string
	model lecture11.GANConfig
	batch int
}

// peers are the models by name.
var peers = map[string]peer{
	"ring": {"2-D, 128-128, batch 200", ring, 200},
	"penalty": {"2-D, 128-128, batch 200, Wasserstein, penalty, 5 steps of D",
		with(ring, func(c *lecture11.GANConfig) { c.Loss, c.Steps, c.Penalty = "wasserstein", 5, 1 }), 200},
	"conditional": {"2-D, 128-128, batch 200, 8 classes", with(ring, func(c *lecture11.GANConfig) { c.Classes = 8 }), 200},
	"digits": {"28×28, convolutions, batch 64, mean of weights",
		lecture11.GANConfig{Features: 784, Latent: 64, Nets: "conv", Output: "sigmoid", Average: 0.999, Seed: 1}, 64},
}

func with(c lecture11.GANConfig, change func(c *lecture11.GANConfig)) lecture11.GANConfig {
	change(&c)
	return c
}

func main() {
	rounds.Program{
		Models: []string{"ring", "penalty", "digits", "conditional"}, Steps: 500, PerCall: stepsPerCall, Script: script,
		What: func(name string) string { return peers[name].what },
		Training: func(backend compute.Backend, name string) (*lecture11.Training, error) {
			return newTraining(backend, name, 1e-3, stepsPerCall)
		},
		Forms: map[string][]rounds.Form{"digits": {{What: "patches, a call", Name: "step-patches"}, {What: "patches, a scan", Name: "scan-patches"}}},
		Check: check,
	}.Main()
}

// newTraining prepares the training of a model.
func newTraining(backend compute.Backend, name string, rate float64, perCall int) (*lecture11.Training, error) {
	p, ok := peers[name]
	if !ok {
		return nil, fmt.Errorf("-models %q, want ring, penalty, digits or conditional", name)
	}
	m, err := lecture11.NewGAN(backend, p.model)
	if err != nil {
		return nil, err
	}
	beta1 := 0.5
	fit := lecture11.FitConfig{Batch: p.batch, Epochs: 200, LearningRate: rate, Beta1: &beta1, StepsPerCall: perCall}
	x := ringObjects(p.model.Classes)
	if name == "digits" {
		x = tensors.FromFlatDataAndDimensions(rounds.RandomPixels(objects*p.model.Features), objects, p.model.Features)
	}
	return m.Training(x, "random", fit)
}

// ringObjects returns points of eight Gaussians on a circle, with the number of the Gaussian appended as a class:
// [objects, 2 + classes].
func ringObjects(classes int) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(0, 0))
	var values []float32
	for range objects {
		mode := rng.IntN(8)
		angle := float64(mode) * math.Pi / 4
		values = append(values, float32(2*math.Cos(angle)+0.02*rng.NormFloat64()), float32(2*math.Sin(angle)+0.02*rng.NormFloat64()))
		label := make([]float32, classes)
		if classes > 0 {
			label[mode] = 1
		}
		values = append(values, label...)
	}
	return tensors.FromFlatDataAndDimensions(values, objects, 2+classes)
}
