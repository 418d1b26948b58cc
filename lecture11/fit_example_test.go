package lecture11_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// A training is measured on held-out objects, here every 2 epochs. It ends when their loss has not fallen for 5
// evaluations in a row. The model then has the weights of the lowest loss; Best returns that loss, the step of these
// weights, and the step at which the training ended early.
func ExampleEvaluation() {
	backend := must.M1(gobackend.New(""))
	train, held := must.M1(data.Ring(3, 30, 2, 1.5, 1)), must.M1(data.Ring(3, 300, 2, 1.5, 2))
	m := must.M1(lecture11.NewClassifier(backend, lecture11.ClassifierConfig{
		Features: 2, Classes: 3, Hidden: []int{32}, Seed: 1}))
	training := must.M1(m.Training(train.Tensor(), train.Labels, train.ID, lecture11.FitConfig{
		Epochs: 500, LearningRate: 1e-2,
		Evaluation: &lecture11.Evaluation{X: held.Tensor(), Labels: held.Labels, ID: held.ID, Every: 2, Patience: 5}}))
	must.M(training.Run(context.Background(), nil))
	_, step, stopped, err := training.Best()
	must.M(err)
	fmt.Println("ended early:", stopped > 0 && stopped < training.Steps())
	fmt.Println("with earlier weights:", step < stopped)
	// Output:
	// ended early: true
	// with earlier weights: true
}

// Training takes place in Run, which reports losses and stops when its context ends or the report returns an error.
// A training that was saved in parts continues later, in another process too, with the same numbers: the model is the
// same as one that was trained without a break.
func ExampleTraining_Restore() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	prepare := func() (*lecture11.Classifier, *lecture11.Training) {
		m := must.M1(lecture11.NewClassifier(backend, lecture11.ClassifierConfig{
			Features: 4, Classes: 3, Hidden: []int{8}, Seed: 1}))
		return m, must.M1(m.Training(iris.Tensor(), iris.Labels, iris.ID, lecture11.FitConfig{
			Epochs: 20, Batch: 50, StepsPerCall: 10}))
	}
	whole, training := prepare()
	must.M(training.Run(context.Background(), nil))

	_, training = prepare()
	enough := errors.New("enough for today")
	err := training.Run(context.Background(), func(step int, losses map[string]float64) error {
		if step >= 30 {
			return enough
		}
		return nil
	})
	fmt.Println(errors.Is(err, enough), training.Step(), "of", training.Steps(), "steps")
	resumed, later := prepare()
	for _, part := range training.Parts() {
		var file bytes.Buffer
		must.M(training.Save(part, &file))
		must.M(later.Restore(part, &file))
	}
	must.M(later.Run(context.Background(), nil))
	fmt.Println("same weights:", must.M1(resumed.WeightsHash()) == must.M1(whole.WeightsHash()))
	// Output:
	// true 30 of 60 steps
	// same weights: true
}
