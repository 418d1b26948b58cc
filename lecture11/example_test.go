package lecture11_test

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
)

// The KL term of one code of two components against the prior N(0, I): the first component equals the prior and costs
// nothing; the second has μ = 2 and costs ½·2² nats.
func ExampleKLDivergence() {
	backend := must.M1(gobackend.New(""))
	kl := graph.MustExecOnce(backend, func(mean, logVar *graph.Node) *graph.Node {
		return lecture11.KLDivergence(mean, logVar, 1)
	}, [][]float64{{0, 2}}, [][]float64{{0, 0}})
	fmt.Println(kl.Value())
	// Output: [2]
}

// A decoder that always answers ½ pays ln 2 for each pixel.
func ExampleBernoulliLogLikelihood() {
	backend := must.M1(gobackend.New(""))
	logits := [][]float64{{0, 0, 0, 0}}
	out := graph.MustExecOnce(backend, lecture11.BernoulliLogLikelihood, [][]float64{{0, 1, 1, 0}}, logits)
	fmt.Printf("%.4f\n", out.Value())
	// Output: [-2.7726]
}

// A VAE on two patterns of four pixels: after training, each pattern is reconstructed from a code of one number.
func ExampleNewVAE() {
	backend := must.M1(gobackend.New(""))
	vae := must.M1(lecture11.NewVAE(backend, lecture11.VAEConfig{
		Features: 4, Latent: 1, Hidden: []int{8}, Seed: 1}))
	x := tensors.FromValue([][]float32{{1, 0, 1, 0}, {0, 1, 0, 1}})
	training := must.M1(vae.Training(x, "two patterns", lecture11.FitConfig{
		Epochs: 500, Batch: 2, LearningRate: 3e-2, Seed: 1}))
	must.M(training.Run(context.Background(), nil))
	rebuilt := must.M1(tensors.CopyFlatData[float32](must.M1(vae.Reconstruct(x))))
	for _, p := range rebuilt {
		fmt.Printf("%.0f ", p)
	}
	// Output: 1 0 1 0 0 1 0 1
}

// The bound of a linear-Gaussian model under its exact posterior equals the log-likelihood, for every code drawn.
func ExampleLinearGaussian() {
	m := must.M1(lecture11.NewLinearGaussian(3, 1, 0.5, 1))
	x := m.Sample(1, 2)[0]
	truth := m.Marginal(0).LogProb(x)
	for _, w := range m.LogWeights(x, m.Posterior(x, 3), 3) {
		fmt.Printf("%.9f ", w-truth+1)
	}
	// Output: 1.000000000 1.000000000 1.000000000
}
