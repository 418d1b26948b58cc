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

// Four objects and four code vectors that start close together: as nodes of a map they spread, and each object gets
// its own.
func ExampleNewVQVAE() {
	backend := must.M1(gobackend.New(""))
	x := tensors.FromValue([][]float32{{-3, -3}, {3, -3}, {-3, 3}, {3, 3}})
	m := must.M1(lecture11.NewVQVAE(backend, lecture11.VQVAEConfig{
		Grid: lecture11.Grid{Width: 2, Height: 2}, Features: 2, Latent: 2, Hidden: []int{},
		Update: "kohonen", CodeStd: 0.01, Memory: 0.9, Seed: 1}))
	training := must.M1(m.Training(x, "corners", lecture11.FitConfig{Epochs: 400, Batch: 4, LearningRate: 1e-2}))
	must.M(training.Run(context.Background(), nil))
	usage := must.M1(m.Usage(x))
	fmt.Printf("counts %v, dead %.0f %%, perplexity %.1f\n", usage.Counts, 100*usage.Dead, usage.Perplexity)
	fmt.Printf("loss %.2f\n", must.M1(m.Loss(x)).Mean)
	// Output:
	// counts [1 1 1 1], dead 0 %, perplexity 4.0
	// loss 0.00
}

// One step of two code vectors on two codes, with γ = ½ and the counts 1: the winner moves towards the mean of its
// codes. The other, pulled half as strongly, moves towards the same mean.
func ExampleBookStep() {
	backend := must.M1(gobackend.New(""))
	book, codes := [][]float64{{0}, {10}}, [][]float64{{1}, {3}}
	moved := graph.MustExecOnce(backend, func(book, counts, z, pull *graph.Node) *graph.Node {
		_, fires := lecture11.KohonenLayers(z, book)
		moved, _ := lecture11.BookStep(book, counts, z, fires, pull, 0.5)
		return moved
	}, book, []float64{1, 1}, codes, [][]float64{{1, 0.5}, {0.5, 1}})
	fmt.Printf("%.3f\n", moved.Value())
	// Output: [[1.333] [6.000]]
}

// Codes of two objects, far apart on a diagonal: a code identifies its object, ln 2 nats, and each component contains
// the same information.
func ExampleNewKLParts() {
	mean := tensors.FromValue([][]float64{{-9, -9}, {9, 9}})
	logVar := tensors.FromValue([][]float64{{0, 0}, {0, 0}})
	p := must.M1(lecture11.NewKLParts(mean, logVar, 1, 1))
	fmt.Printf("%.4f %.4f\n", p.MutualInformation.Mean, p.TotalCorrelation.Mean)
	// Output: 0.6931 0.6931
}

// Objects at 0 and objects at 1, with one component: (1 + 1)³ + 1 − 2.
func ExampleKernelDistance() {
	zeros, ones := make([][]float64, 20), make([][]float64, 20)
	for i := range zeros {
		zeros[i], ones[i] = []float64{0}, []float64{1}
	}
	d := must.M1(lecture11.KernelDistance(tensors.FromValue(zeros), tensors.FromValue(ones), 5))
	fmt.Printf("%v\n", d)
	// Output: 7.00 ± 0.00
}
