package lecture11_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// A classifier of the three species of iris. Hidden lists the sizes of its hidden layers. Predict returns the
// probabilities of the classes for each flower, and Accuracy the share of flowers that are classified correctly.
func ExampleNewClassifier() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	m := must.M1(lecture11.NewClassifier(backend, lecture11.ClassifierConfig{
		Features: 4, Classes: 3, Hidden: []int{8}, Seed: 1}))
	training := must.M1(m.Training(iris.Tensor(), iris.Labels, iris.ID, lecture11.FitConfig{
		Epochs: 60, Batch: 30, LearningRate: 1e-2}))
	must.M(training.Run(context.Background(), nil))
	fmt.Println("probabilities", must.M1(m.Predict(iris.Tensor())).Shape())
	fmt.Printf("accuracy %.1f\n", must.M1(m.Accuracy(iris.Tensor(), iris.Labels)).Mean)
	// Output:
	// probabilities (Float32)[150, 3]
	// accuracy 1.0
}

// A classifier with custom hidden layers. Body maps a batch of objects to features z, and Hidden is the number of their components.
// These features are squares of linear combinations of the measurements. Another Body needs another ID, because trained
// models are stored under it.
func ExampleNewClassifierOf() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	squares := lecture11.BodyNet{ID: "squares", Body: func(scope *model.Scope, x *graph.Node) *graph.Node {
		return graph.Square(lecture11.Dense(nil, 6, "linear")(scope, x))
	}}
	m := must.M1(lecture11.NewClassifierOf(backend, lecture11.ClassifierConfig{
		Features: 4, Classes: 3, Hidden: []int{6}, Seed: 1}, squares))
	training := must.M1(m.Training(iris.Tensor(), iris.Labels, iris.ID, lecture11.FitConfig{
		Epochs: 60, Batch: 30, LearningRate: 1e-2}))
	must.M(training.Run(context.Background(), nil))
	fmt.Println("features", must.M1(m.Features(iris.Tensor(), 1)).Shape())
	fmt.Println("accuracy over 0.9:", must.M1(m.Accuracy(iris.Tensor(), iris.Labels)).Mean > 0.9)
	// Output:
	// features (Float32)[150, 6]
	// accuracy over 0.9: true
}

// A trained model is saved in a file, here in memory; SaveFile takes a path. LoadClassifier needs neither the data nor
// the configuration, and the loaded model has the same weights.
func ExampleLoadClassifier() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	m := must.M1(lecture11.NewClassifier(backend, lecture11.ClassifierConfig{Features: 4, Classes: 3, Hidden: []int{8}}))
	training := must.M1(m.Training(iris.Tensor(), iris.Labels, iris.ID, lecture11.FitConfig{Epochs: 2}))
	must.M(training.Run(context.Background(), nil))
	var file bytes.Buffer
	must.M(m.Save(&file))
	loaded := must.M1(lecture11.LoadClassifier(backend, &file))
	fmt.Println("hidden layers", loaded.Config().Hidden)
	fmt.Println("same weights:", must.M1(loaded.WeightsHash()) == must.M1(m.WeightsHash()))
	// Output:
	// hidden layers [8]
	// same weights: true
}

// A probe shows what a linear map can read from features: here from the first d = 1 or 4 principal components of iris.
// It chooses its ridge λ itself, by the error of objects that are left out of the fit, so none have to be set aside.
func ExampleNewLinearProbe() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	pca := must.M1(lecture11.NewPCA(backend, iris.Tensor()))
	for _, d := range []int{1, 4} {
		z := must.M1(pca.Encode(iris.Tensor(), d))
		probe := must.M1(lecture11.NewLinearProbe(z, iris.Labels, 3))
		fmt.Printf("d = %d: accuracy %.2f\n", d, must.M1(probe.Accuracy(z, iris.Labels)).Mean)
	}
	// Output:
	// d = 1: accuracy 0.67
	// d = 4: accuracy 0.85
}
