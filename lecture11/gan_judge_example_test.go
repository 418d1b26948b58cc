package lecture11_test

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// A judge compares objects with sets of real ones, in the features of a trained classifier: here of its hidden layer 1.
// Its first objects are good: another draw of the real distribution, with four classes. The others are all of one
// class, as after a mode collapse. They have no variety, so the score is 1, and their distance from the real objects is
// many times the distance between real sets.
func ExampleNewJudge() {
	backend := must.M1(gobackend.New(""))
	draw := func(seed int64) *data.Points { return must.M1(data.Ring(4, 400, 2, 0.2, seed)) }
	train := draw(1)
	classifier := must.M1(lecture11.NewClassifier(backend, lecture11.ClassifierConfig{
		Features: 2, Classes: 4, Hidden: []int{16}, Seed: 1}))
	training := must.M1(classifier.Training(train.Tensor(), train.Labels, train.ID, lecture11.FitConfig{
		Epochs: 40, Batch: 50, LearningRate: 1e-2}))
	must.M(training.Run(context.Background(), nil))

	judge := must.M1(lecture11.NewJudge(classifier, 1, draw(2).Tensor(), draw(3).Tensor()))
	collapsed := must.M1(data.Ring(1, 400, 2, 0.2, 4))
	for _, made := range []*data.Points{draw(4), collapsed} {
		r := must.M1(judge.Report(made.Tensor()))
		fmt.Printf("score %.0f of 4, shares %.2f, over 10 times the real distance: %t\n", r.Score, r.Shares, r.Ratio() > 10)
	}
	// Output:
	// score 4 of 4, shares [0.25 0.25 0.25 0.25], over 10 times the real distance: false
	// score 1 of 4, shares [1.00 0.00 0.00 0.00], over 10 times the real distance: true
}

// The distance of two Gaussians with equal covariances is the squared distance of their means: here of the point (2, 0)
// from (3, 0), up to the error of sampling.
func ExampleFrechetDistance() {
	near := must.M1(lecture11.FitGaussian(must.M1(data.Ring(1, 4000, 2, 0.1, 1)).Tensor()))
	far := must.M1(lecture11.FitGaussian(must.M1(data.Ring(1, 4000, 3, 0.1, 2)).Tensor()))
	fmt.Printf("%.1f\n", must.M1(lecture11.FrechetDistance(near, far)))
	// Output: 1.0
}
