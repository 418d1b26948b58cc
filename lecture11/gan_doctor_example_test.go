package lecture11_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// A doctor watches the training of a GAN whose generator ignores its noise: all its objects are the same. Run the
// training that Over returns in place of the other one. With Stop, a finding ends it with an error that says what is
// wrong and what to change; without Stop, see Findings.
func ExampleNewGANDoctor() {
	backend := must.M1(gobackend.New(""))
	points := must.M1(data.Ring(8, 1024, 2, 0.05, 1))
	nets := lecture11.GANNets{
		ID: "deaf",
		Generator: func(scope *model.Scope, z *graph.Node) *graph.Node {
			return lecture11.Dense([]int{16}, 2, "leaky")(scope, graph.MulScalar(z, 1e-3))
		},
		Discriminator: lecture11.Dense([]int{16}, 1, "leaky"),
	}
	gan := must.M1(lecture11.NewGANOf(backend, lecture11.GANConfig{Features: 2, Latent: 2, Seed: 1}, nets))
	training := must.M1(gan.Training(points.Tensor(), points.ID, lecture11.FitConfig{Epochs: 50, Batch: 64, StepsPerCall: 10}))
	doctor := must.M1(lecture11.NewGANDoctor(gan, points.Tensor(), lecture11.DoctorConfig{
		Every: 20, WarmUp: new(40), Objects: 128, Stop: true}))
	err := doctor.Over(training).Run(context.Background(), nil)
	if sick, ok := errors.AsType[*lecture11.SickGANError](err); ok {
		fmt.Println(sick.Finding.Cause)
		fmt.Println("stopped early:", training.Step() < training.Steps())
	}
	// Output:
	// mode collapse
	// stopped early: true
}
