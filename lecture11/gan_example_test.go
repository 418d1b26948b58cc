package lecture11_test

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// A GAN learns a Gaussian around (2, 0). Generator and Discriminator are the hidden sizes of the networks; here G is
// an affine map of the noise. With Average, objects are generated with the mean of G's weights, which is steadier than
// the weights of the last step. Generate returns new objects.
func ExampleNewGAN() {
	backend := must.M1(gobackend.New(""))
	points := must.M1(data.Ring(1, 1024, 2, 0.5, 1))
	gan := must.M1(lecture11.NewGAN(backend, lecture11.GANConfig{
		Features: 2, Latent: 2, Generator: []int{}, Discriminator: []int{16}, Average: 0.98, Seed: 1}))
	training := must.M1(gan.Training(points.Tensor(), points.ID, lecture11.FitConfig{
		Epochs: 12, Batch: 64, LearningRate: 1e-2, Beta1: new(0.5)}))
	must.M(training.Run(context.Background(), nil))
	made := must.M1(lecture11.FitGaussian(must.M1(gan.Generate(1000, 2))))
	fmt.Printf("mean (%.0f, %.0f)\n", made.Mean[0], math.Abs(made.Mean[1]))
	// Output: mean (2, 0)
}

// A GAN with custom networks: this generator returns points of the unit circle, whatever its weights are. Its result has as
// many components as an object, and that of the discriminator has one, before any sigmoid.
func ExampleNewGANOf() {
	backend := must.M1(gobackend.New(""))
	circle := must.M1(data.Ring(64, 512, 1, 0, 1))
	nets := lecture11.GANNets{
		ID: "circle",
		Generator: func(scope *model.Scope, z *graph.Node) *graph.Node {
			return graph.L2Normalize(lecture11.Dense([]int{16}, 2, "tanh")(scope, z), -1)
		},
		Discriminator: lecture11.Dense([]int{16}, 1, "leaky"),
	}
	gan := must.M1(lecture11.NewGANOf(backend, lecture11.GANConfig{Features: 2, Latent: 2, Seed: 1}, nets))
	training := must.M1(gan.Training(circle.Tensor(), circle.ID, lecture11.FitConfig{Epochs: 5, Batch: 64}))
	must.M(training.Run(context.Background(), nil))
	made := must.M1(tensors.CopyFlatData[float32](must.M1(gan.Generate(3, 2))))
	for i := 0; i < len(made); i += 2 {
		fmt.Printf("%.3f ", math.Hypot(float64(made[i]), float64(made[i+1])))
	}
	// Output: 1.000 1.000 1.000
}

// A conditional GAN takes the class of an object as well. Classes is their number, and WithLabels appends the labels to
// the objects. GenerateOf then returns one object for each label that it gets.
func ExampleGAN_GenerateOf() {
	backend := must.M1(gobackend.New(""))
	points := must.M1(data.Ring(2, 512, 2, 0.3, 1)) // class 0 is around (2, 0), class 1 around (−2, 0)
	gan := must.M1(lecture11.NewGAN(backend, lecture11.GANConfig{
		Features: 2, Latent: 2, Classes: 2, Generator: []int{}, Discriminator: []int{16}, Average: 0.95, Seed: 1}))
	labelled := must.M1(lecture11.WithLabels(points.Tensor(), points.Labels, 2))
	training := must.M1(gan.Training(labelled, points.ID, lecture11.FitConfig{
		Epochs: 14, Batch: 32, LearningRate: 2e-2, Beta1: new(0.5)}))
	must.M(training.Run(context.Background(), nil))
	made := must.M1(lecture11.Columns(must.M1(gan.GenerateOf([]int{0, 0, 1, 1}, 2))))
	for _, x := range made[0] {
		fmt.Print(x > 0, " ")
	}
	// Output: true true false false
}

// A training can start from the weights of another GAN, for example to continue it with another loss. The networks
// must be the same.
func ExampleGAN_StartFrom() {
	backend := must.M1(gobackend.New(""))
	points := must.M1(data.Ring(1, 256, 2, 0.5, 1))
	cfg := lecture11.GANConfig{Features: 2, Latent: 2, Generator: []int{8}, Discriminator: []int{8}, Seed: 1}
	first := must.M1(lecture11.NewGAN(backend, cfg))
	must.M(must.M1(first.Training(points.Tensor(), points.ID, lecture11.FitConfig{})).Run(context.Background(), nil))

	cfg.Loss, cfg.Penalty = "wasserstein", 1
	second := must.M1(lecture11.NewGAN(backend, cfg))
	must.M(second.StartFrom(first))
	fmt.Println("same weights:", must.M1(second.WeightsHash()) == must.M1(first.WeightsHash()))
	training := must.M1(second.Training(points.Tensor(), points.ID, lecture11.FitConfig{}))
	must.M(training.Run(context.Background(), nil))
	fmt.Println("after the training:", must.M1(second.WeightsHash()) == must.M1(first.WeightsHash()))
	// Output:
	// same weights: true
	// after the training: false
}

// A loaded GAN generates the same objects from the same noise.
func ExampleLoadGAN() {
	backend := must.M1(gobackend.New(""))
	points := must.M1(data.Ring(1, 256, 2, 0.5, 1))
	gan := must.M1(lecture11.NewGAN(backend, lecture11.GANConfig{
		Features: 2, Latent: 2, Generator: []int{8}, Discriminator: []int{8}, Seed: 1}))
	must.M(must.M1(gan.Training(points.Tensor(), points.ID, lecture11.FitConfig{})).Run(context.Background(), nil))
	var file bytes.Buffer
	must.M(gan.Save(&file))
	loaded := must.M1(lecture11.LoadGAN(backend, &file))
	fmt.Println(must.M1(lecture11.MeanSquaredError(must.M1(loaded.Generate(10, 2)), must.M1(gan.Generate(10, 2)))))
	// Output: 0
}
