package lecture11_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
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

// An autoencoder with custom networks: the encoder returns codes of Latent components, the decoder as many
// components as an object has. Another pair of networks needs another ID, because trained models are stored under it.
func ExampleNewAutoencoderOf() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	nets := lecture11.CodingNets{ID: "tanh and back",
		Encoder: func(scope *model.Scope, x *graph.Node) *graph.Node {
			return graph.Tanh(lecture11.Dense([]int{8}, 2, "tanh")(scope, x)) // codes in (−1, 1)
		},
		Decoder: lecture11.Dense([]int{8}, 4, "tanh")}
	ae := must.M1(lecture11.NewAutoencoderOf(backend, lecture11.AutoencoderConfig{Features: 4, Latent: 2, Seed: 1}, nets))
	training := must.M1(ae.Training(iris.Tensor(), iris.ID, lecture11.FitConfig{
		Epochs: 60, Batch: 30, LearningRate: 1e-2}))
	must.M(training.Run(context.Background(), nil))
	fmt.Println("codes", must.M1(ae.Encode(iris.Tensor())).Shape())
	fmt.Println("loss below a quarter of the variance, 4:", must.M1(ae.Loss(iris.Tensor())).Mean < 1)
	// Output:
	// codes (Float32)[150, 2]
	// loss below a quarter of the variance, 4: true
}

// An autoencoder that also learns from labels, although only ten flowers of each species have one. Classes adds a
// classifier on the code, and ClassWeight is λ of its loss. NoLabel marks the objects without a label.
func ExampleAutoencoder_LabelledTraining() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	labels := slices.Repeat([]int{lecture11.NoLabel}, iris.Len())
	for _, i := range must.M1(lecture11.LabelBudget(iris.Labels, 10, 1)) {
		labels[i] = iris.Labels[i]
	}
	ae := must.M1(lecture11.NewAutoencoder(backend, lecture11.AutoencoderConfig{
		Features: 4, Latent: 2, Hidden: []int{8}, Classes: 3, ClassWeight: 5, Seed: 1}))
	training := must.M1(ae.LabelledTraining(iris.Tensor(), labels, iris.ID, lecture11.FitConfig{
		Epochs: 60, Batch: 30, LearningRate: 1e-2}))
	must.M(training.Run(context.Background(), nil))
	p := must.M1(ae.Classify(iris.Tensor()))
	fmt.Println("accuracy over 0.8:", must.M1(lecture11.Accuracy(p, iris.Labels)) > 0.8)
	// Output: accuracy over 0.8: true
}

// A denoising autoencoder sees noisy flowers in its training and learns to return the clean ones. Reconstruct then
// removes noise that it has not seen: its result is closer to the flowers than the noisy ones are.
func ExampleAutoencoder_Reconstruct() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	noise := lecture11.Corruption{Kind: "gaussian", Level: 0.5}
	ae := must.M1(lecture11.NewAutoencoder(backend, lecture11.AutoencoderConfig{
		Features: 4, Latent: 2, Hidden: []int{16}, Corruption: noise, Seed: 1}))
	training := must.M1(ae.Training(iris.Tensor(), iris.ID, lecture11.FitConfig{
		Epochs: 60, Batch: 50, LearningRate: 1e-2}))
	must.M(training.Run(context.Background(), nil))
	noisy := must.M1(lecture11.Corrupt(backend, iris.Tensor(), noise, 2))
	before := must.M1(lecture11.MeanSquaredError(noisy, iris.Tensor()))
	after := must.M1(lecture11.MeanSquaredError(must.M1(ae.Reconstruct(noisy)), iris.Tensor()))
	fmt.Println("error at least a third smaller:", after < 2*before/3)
	// Output: error at least a third smaller: true
}

// A loaded autoencoder has the same codes.
func ExampleLoadAutoencoder() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	ae := must.M1(lecture11.NewAutoencoder(backend, lecture11.AutoencoderConfig{Features: 4, Latent: 2, Hidden: []int{8}}))
	must.M(must.M1(ae.Training(iris.Tensor(), iris.ID, lecture11.FitConfig{})).Run(context.Background(), nil))
	var file bytes.Buffer
	must.M(ae.Save(&file))
	loaded := must.M1(lecture11.LoadAutoencoder(backend, &file))
	z, again := must.M1(ae.Encode(iris.Tensor())), must.M1(loaded.Encode(iris.Tensor()))
	fmt.Println(z.Shape(), "same codes:", z.Equal(again))
	// Output: (Float32)[150, 2] same codes: true
}
