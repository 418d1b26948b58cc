package main

import (
	"context"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// set is a data set with the model and the training that it gets.
type set struct {
	name        string
	train, test *tensors.Tensor
	model       lecture11.VQVAEConfig
	fit         lecture11.FitConfig
	radii       [][2]float64 // the first and the last of each map
}

// names are those of the data sets by which the updates are compared.
var names = []string{"plane", "digits", "parts"}

// newSet returns the data set with one of the names.
func newSet(ctx context.Context, name string) (set, error) {
	if name == "plane" {
		return planeSet()
	}
	train, test, err := data.MNIST(ctx)
	if err != nil {
		return set{}, err
	}
	if train, err = train.Head(6000); err != nil {
		return set{}, err
	}
	if test, err = test.Head(2000); err != nil {
		return set{}, err
	}
	s := set{name: name, train: train.Tensor(), test: test.Tensor(), fit: lecture11.FitConfig{Epochs: 20, Batch: 128, Decay: "cosine"},
		model: lecture11.VQVAEConfig{Grid: lecture11.Grid{Width: 16, Height: 16}, Features: 784, Latent: 16, Hidden: []int{256}},
		radii: [][2]float64{{8, 0.2}, {3, 0.2}, {2, 0.2}, {2, 0.1}, {1, 0.1}}}
	if name == "parts" {
		s.model = lecture11.VQVAEConfig{Grid: lecture11.Grid{Width: 8, Height: 8}, Features: 784, Latent: 16, Encoder: "conv", Decoder: "conv"}
		s.radii = [][2]float64{{3, 0.2}, {4, 0.1}}
	}
	return s, nil
}

// planeSet is 64 Gaussians of standard deviation 0.05 that stand 1 apart, for as many code vectors: the best quantiser has the loss
// 2·0.05² = 0.005.
func planeSet() (set, error) {
	mixture, err := lecture11.GridMixture(8, 1, 0.05)
	if err != nil {
		return set{}, err
	}
	return set{name: "plane", train: narrow(mixture.Sample(6400, 1)), test: narrow(mixture.Sample(6400, 2)),
		model: lecture11.VQVAEConfig{Grid: lecture11.Grid{Width: 8, Height: 8}, Features: 2, Latent: 2, Hidden: []int{64}},
		fit:   lecture11.FitConfig{Epochs: 40, Batch: 128, LearningRate: 2e-3, Decay: "cosine"},
		radii: [][2]float64{{3, 0.2}, {4, 0.2}}}, nil
}

// narrow returns objects of 64 bits as numbers of 32 bits.
func narrow(x *tensors.Tensor) *tensors.Tensor {
	wide := tensors.MustCopyFlatData[float64](x)
	flat := make([]float32, len(wide))
	for i, v := range wide {
		flat[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(flat, x.Shape().Dimensions...)
}
