package lecture11_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// The description of a file of a model, without the weights: its kind, which says what Load function reads it, the
// steps of its training, and the names and shapes of the weights.
func ExampleReadInfo() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	m := must.M1(lecture11.NewClassifier(backend, lecture11.ClassifierConfig{Features: 4, Classes: 3, Hidden: []int{8}}))
	training := must.M1(m.Training(iris.Tensor(), iris.Labels, iris.ID, lecture11.FitConfig{Epochs: 3, Batch: 50}))
	must.M(training.Run(context.Background(), nil))
	var file bytes.Buffer
	must.M(m.Save(&file))
	info := must.M1(lecture11.ReadInfo(&file))
	fmt.Println(info.Kind, "after", info.Step, "steps")
	for _, w := range info.Weights {
		fmt.Println(w.Name, w.Shape)
	}
	// Output:
	// Classifier after 9 steps
	// hidden_0/dense/biases (Float32)[8]
	// hidden_0/dense/weights (Float32)[4, 8]
	// output/dense/biases (Float32)[3]
	// output/dense/weights (Float32)[8, 3]
}
