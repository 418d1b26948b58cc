package lecture11_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// A VAE with custom networks. The encoder returns μ and ln σ² side by side, 2·Latent components. The decoder returns
// as many components as an object has. With the likelihood "gaussian", objects are any numbers; "bernoulli" is for
// pixels in [0, 1]. ELBO estimates the lower bound of ln p(x), which is the reconstruction term
// minus the KL term.
func ExampleNewVAEOf() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	nets := lecture11.CodingNets{
		ID: "tanh 8", Encoder: lecture11.Dense([]int{8}, 2*2, "tanh"), Decoder: lecture11.Dense([]int{8}, 4, "tanh")}
	vae := must.M1(lecture11.NewVAEOf(backend, lecture11.VAEConfig{
		Features: 4, Latent: 2, Likelihood: "gaussian", NoiseStd: 0.5, Seed: 1}, nets))
	var losses []float64
	training := must.M1(vae.Training(iris.Tensor(), iris.ID, lecture11.FitConfig{
		Epochs: 60, Batch: 50, LearningRate: 1e-2}))
	must.M(training.Run(context.Background(), func(_ int, l map[string]float64) error {
		losses = append(losses, l["loss"])
		return nil
	}))
	fmt.Println("loss fell:", losses[len(losses)-1] < losses[0])
	bound := must.M1(vae.ELBO(iris.Tensor(), 1))
	fmt.Println("bound below reconstruction:", bound.Bound.Mean < bound.Reconstruction.Mean)
	fmt.Println("new flowers", must.M1(vae.Generate(5, 1)).Shape())
	// Output:
	// loss fell: true
	// bound below reconstruction: true
	// new flowers (Float32)[5, 4]
}

// A conditional VAE generates objects of a class that you choose. Classes is the number of labels, and WithLabels
// appends them to the objects. The mean petal lengths of the generated flowers are in the known order of
// the species.
func ExampleVAE_GenerateOf() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	vae := must.M1(lecture11.NewVAE(backend, lecture11.VAEConfig{
		Features: 4, Latent: 1, Hidden: []int{8}, Classes: 3, Likelihood: "gaussian", NoiseStd: 0.5, Seed: 1}))
	labelled := must.M1(lecture11.WithLabels(iris.Tensor(), iris.Labels, 3))
	training := must.M1(vae.Training(labelled, iris.ID, lecture11.FitConfig{Epochs: 60, Batch: 50, LearningRate: 1e-2}))
	must.M(training.Run(context.Background(), nil))
	petals := must.M1(lecture11.Columns(must.M1(vae.GenerateOf(iris.Labels, 1))))[2] // their lengths
	var mean [3]float64
	for i, species := range iris.Labels {
		mean[species] += petals[i] / 50
	}
	fmt.Println(iris.Classes, "in this order:", mean[0] < mean[1] && mean[1] < mean[2])
	// Output: [setosa versicolor virginica] in this order: true
}

// A training can start from the weights of another VAE. Here the ELBO comes first, which is fast, and then the tighter
// bound of five codes for each object.
func ExampleVAE_StartFrom() {
	backend := must.M1(gobackend.New(""))
	x := tensors.FromValue([][]float32{{1, 0, 1, 0}, {0, 1, 0, 1}})
	cfg := lecture11.VAEConfig{Features: 4, Latent: 1, Hidden: []int{8}, Seed: 1}
	first := must.M1(lecture11.NewVAE(backend, cfg))
	must.M(must.M1(first.Training(x, "two patterns", lecture11.FitConfig{Epochs: 100})).Run(context.Background(), nil))

	cfg.Samples = 5
	second := must.M1(lecture11.NewVAE(backend, cfg))
	must.M(second.StartFrom(first))
	fmt.Println("same weights:", must.M1(second.WeightsHash()) == must.M1(first.WeightsHash()))
	must.M(must.M1(second.Training(x, "two patterns", lecture11.FitConfig{Epochs: 20})).Run(context.Background(), nil))
	fmt.Println("after the training:", must.M1(second.WeightsHash()) == must.M1(first.WeightsHash()))
	// Output:
	// same weights: true
	// after the training: false
}

// A file holds the configuration and the weights, so that LoadVAE needs nothing else. Save writes to any io.Writer, and
// SaveFile to a path.
func ExampleLoadVAE() {
	backend := must.M1(gobackend.New(""))
	x := tensors.FromValue([][]float32{{1, 0, 1, 0}, {0, 1, 0, 1}})
	vae := must.M1(lecture11.NewVAE(backend, lecture11.VAEConfig{Features: 4, Latent: 1, Hidden: []int{8}, Seed: 1}))
	must.M(must.M1(vae.Training(x, "two patterns", lecture11.FitConfig{})).Run(context.Background(), nil))
	var file bytes.Buffer
	must.M(vae.Save(&file))
	loaded := must.M1(lecture11.LoadVAE(backend, &file))
	fmt.Println("hidden layers", loaded.Config().Hidden)
	fmt.Println(must.M1(lecture11.MeanSquaredError(must.M1(loaded.Generate(3, 1)), must.M1(vae.Generate(3, 1)))))
	// Output:
	// hidden layers [8]
	// 0
}

// With a weight β that is far too large the KL term wins: all codes are the prior, and the decoder ignores them. The
// report shows it, and its text suggests what to change. Beta is a pointer, so that 0 differs from the default.
func ExampleVAE_CollapseReport() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	for _, beta := range []float64{1, 100} {
		vae := must.M1(lecture11.NewVAE(backend, lecture11.VAEConfig{
			Features: 4, Latent: 1, Hidden: []int{8}, Likelihood: "gaussian", NoiseStd: 0.5, Beta: new(beta), Seed: 1}))
		training := must.M1(vae.Training(iris.Tensor(), iris.ID, lecture11.FitConfig{
			Epochs: 50, Batch: 50, LearningRate: 1e-2}))
		must.M(training.Run(context.Background(), nil))
		report := must.M1(vae.CollapseReport(iris.Tensor(), 1))
		fmt.Printf("β = %g: %d of 1 components active\n", beta, report.Active)
	}
	// Output:
	// β = 1: 1 of 1 components active
	// β = 100: 0 of 1 components active
}
