package lecture11_test

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// A linear autoencoder of iris with two numbers per flower reaches PCA's loss.
func ExampleNewAutoencoder() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	ae := must.M1(lecture11.NewAutoencoder(backend, lecture11.AutoencoderConfig{
		Features: 4, Latent: 2, Hidden: []int{}, Seed: 1}))
	training := must.M1(ae.Training(iris.Tensor(), iris.ID, lecture11.FitConfig{
		Epochs: 2000, Batch: 150, LearningRate: 0.1, Decay: "linear"}))
	must.M(training.Run(context.Background(), nil))
	pca := must.M1(lecture11.NewPCA(backend, iris.Tensor()))
	fmt.Printf("%.3f of %.3f\n", must.M1(ae.Loss(iris.Tensor())).Mean, must.M1(pca.Loss(2)))
	// Output: 0.167 of 0.167
}

// Four points of an ellipse: a code of one number keeps the long axis, and the loss is the variance of the short one.
func ExampleNewPCA() {
	backend := must.M1(gobackend.New(""))
	x := tensors.FromValue([][]float32{{3, 2}, {-1, 2}, {1, 3}, {1, 1}})
	pca := must.M1(lecture11.NewPCA(backend, x))
	fmt.Printf("variances %.1f, loss %.1f\n", pca.Variances, must.M1(pca.Loss(1)))
	fmt.Println(must.M1(pca.Reconstruct(x, 1)).Value())
	// Output:
	// variances [2.0 0.5], loss 0.5
	// [[3 2] [-1 2] [1 2] [1 2]]
}

// Two components have the mean activities 0.05 and 0.5, and the target is 0.05: only the second is penalised.
func ExampleEntropySparsity() {
	backend := must.M1(gobackend.New(""))
	z := [][]float64{{0.02, 0.3}, {0.08, 0.7}}
	penalty := graph.MustExecOnce(backend, func(z *graph.Node) *graph.Node {
		return lecture11.EntropySparsity(z, 0.05)
	}, z)
	fmt.Printf("%.4f\n", penalty.Value())
	// Output: 0.4946
}
