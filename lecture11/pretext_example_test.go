package lecture11_test

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
	"deeplearning.example/lecture11/data/glyphs"
)

// A pretext task needs no labels: a network learns by how many quarter turns a letter is turned, and QuarterTurns
// makes the images and their answers. The letters of the test are in families of typefaces that it has not seen.
func Example_pretext() {
	backend := must.M1(gobackend.New(""))
	train, test := must.M2(must.M1(must.M1(glyphs.Load()).Of("FGJL")).Split(1, 0.3))
	turns, unseen := must.M1(train.QuarterTurns()), must.M1(test.QuarterTurns())
	m := must.M1(lecture11.NewClassifier(backend, lecture11.ClassifierConfig{
		Features: 1024, Classes: 4, Hidden: []int{32}, Seed: 1}))
	training := must.M1(m.Training(turns.Tensor(), turns.Labels, turns.ID, lecture11.FitConfig{Epochs: 5, Batch: 64}))
	must.M(training.Run(context.Background(), nil))
	accuracy := must.M1(m.Accuracy(unseen.Tensor(), unseen.Labels))
	fmt.Println(turns.Len()/train.Len(), "images of each letter, labels", turns.Labels[:4])
	fmt.Printf("accuracy %.1f, by chance 0.25\n", accuracy.Mean)
	// Output:
	// 4 images of each letter, labels [0 1 2 3]
	// accuracy 1.0, by chance 0.25
}

// A probe on five labelled flowers of each species shows which features are worth most when labels are few. The seed
// draws the flowers, the same ones for both kinds of features: one principal component or all four.
func ExampleFewShotProbe() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	pca := must.M1(lecture11.NewPCA(backend, iris.Tensor()))
	for _, d := range []int{1, 4} {
		all := lecture11.LabelledCodes{Codes: must.M1(pca.Encode(iris.Tensor(), d)), Labels: iris.Labels}
		fmt.Printf("d = %d: accuracy %.2f\n", d, must.M1(lecture11.FewShotProbe(all, all, 5, 1)))
	}
	// Output:
	// d = 1: accuracy 0.67
	// d = 4: accuracy 0.82
}

// The rival of the object (1, 0) of class 0 is the nearest object of another class, at half its length.
func ExampleRivals() {
	x := lecture11.LabelledCodes{Codes: tensors.FromValue([][]float32{{1, 0}}), Labels: []int{0}}
	pool := lecture11.LabelledCodes{
		Codes: tensors.FromValue([][]float32{{1, 0.1}, {1, 0.5}, {3, 0}}), Labels: []int{0, 1, 1}}
	fmt.Println(must.M1(lecture11.Rivals(x, pool)))
	// Output: [{1 0.5}]
}
