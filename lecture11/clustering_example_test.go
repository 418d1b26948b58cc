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

// One query that matches the first of two keys takes two thirds of the first value.
func ExampleAttention() {
	backend := must.M1(gobackend.New(""))
	q, k, v := [][]float64{{1, 0}}, [][]float64{{1, 0}, {0, 1}}, [][]float64{{1}, {0}}
	fmt.Printf("%.5f\n", graph.MustExecOnce(backend, lecture11.Attention, q, k, v).Value())
	// Output: [[0.66976]]
}

// Two centres for three objects: the criterion as the sum on the slide and as the mean.
func ExampleCluster() {
	backend := must.M1(gobackend.New(""))
	x := tensors.FromValue([][]float32{{0, 0}, {2, 0}, {5, 5}})
	w := tensors.FromValue([][]float32{{1, 0}, {5, 4}})
	c := must.M1(lecture11.Cluster(backend, x, w))
	fmt.Println(c.Winner, c.Sum, c.Mean)
	// Output: [0 0 1] 3 1
}

// The layer of argmin fires one neuron for each object.
func ExampleKohonenLayers() {
	backend := must.M1(gobackend.New(""))
	fires := graph.MustExecOnce(backend, func(x, w *graph.Node) *graph.Node {
		_, fires := lecture11.KohonenLayers(x, w)
		return fires
	}, [][]float64{{0, 1}, {3, 3}}, [][]float64{{0, 0}, {2, 2}, {9, 9}})
	fmt.Println(fires.Value())
	// Output: [[1 0 0] [0 1 0]]
}

// With η = 1/n_y the only centre is the mean of the objects it has won, here each of them twice.
func ExampleNewKohonen() {
	backend := must.M1(gobackend.New(""))
	x := tensors.FromValue([][]float32{{1}, {2}, {6}})
	k := must.M1(lecture11.NewKohonen(backend, lecture11.KohonenConfig{
		Steps: 6, MacQueen: true, Pick: func(step int) int { return step % 3 }}))
	run := must.M1(k.Fit(context.Background(), x, tensors.FromValue([][]float32{{0}}), 0))
	fmt.Printf("%.4f after %v wins\n", run.Trajectory[6], run.Wins)
	// Output: [[3.0000]] after [6] wins
}

// The Mexican hat is negative beyond its width, which the slide's condition on kernels excludes.
func ExampleCheckKernel() {
	backend := must.M1(gobackend.New(""))
	for _, name := range []string{"gaussian", "mexican hat"} {
		err := lecture11.CheckKernel(backend, must.M1(lecture11.KernelByName(name)), 0.05, 2)
		fmt.Println(name, err == nil)
	}
	// Output:
	// gaussian true
	// mexican hat false
}

// Four clusters of objects around known points. LloydBest runs k-means from the given number of random starts and
// returns the best result; Mean is the mean squared distance to the nearest centre, here 2·0.1².
func ExampleLloydBest() {
	ring := must.M1(data.Ring(4, 400, 2, 0.1, 1))
	centers, best, err := lecture11.LloydBest(ring.Tensor(), 4, 10, 1)
	must.M(err)
	fmt.Println(len(centers), "centres")
	fmt.Printf("mean %.2f\n", best.Mean)
	// Output:
	// 4 centres
	// mean 0.02
}

// The first centres of a k-means or of a Kohonen network, chosen among the objects: "k-means++" prefers objects that
// are far from the centres chosen before. The seed draws them.
func ExampleStartCenters() {
	ring := must.M1(data.Ring(4, 400, 2, 0.1, 1))
	start := must.M1(lecture11.StartCenters("k-means++", ring.Tensor64(), 4, 1))
	_, c, err := lecture11.Lloyd(ring.Rows(), start.Value().([][]float64))
	must.M(err)
	fmt.Printf("centres %v, after k-means the mean is %.2f\n", start.Shape(), c.Mean)
	// Output: centres (Float64)[4, 2], after k-means the mean is 0.02
}
