package lecture11_test

import (
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
)

// The components that are kept do not change: they are not scaled up.
func ExampleMaskingNoise() {
	backend := must.M1(gobackend.New(""))
	x, u := [][]float64{{1, 2, 3, 4}}, [][]float64{{0.1, 0.9, 0.2, 0.3}}
	out := graph.MustExecOnce(backend, func(x, u *graph.Node) *graph.Node {
		return lecture11.MaskingNoise(x, u, 0.25)
	}, x, u)
	fmt.Println(out.Value())
	// Output: [[0 2 0 4]]
}

// Without noise a digit, here of four pixels, is returned unchanged, as numbers in [0, 1].
func ExampleCorrupt() {
	backend := must.M1(gobackend.New(""))
	x := tensors.FromValue([][]uint8{{0, 51, 102, 255}})
	same := must.M1(lecture11.Corrupt(backend, x, lecture11.Corruption{Kind: "masking", Level: 0}, 1))
	fmt.Printf("%.1f\n", same.Value())
	// Output: [[0.0 0.2 0.4 1.0]]
}

// Two centres at ±1 hold all the mass. Half-way between them the best guess is 0, which is not an object; a step to
// the right makes it close to 1.
func ExampleGaussianMixture() {
	p := must.M1(lecture11.NewGaussianMixture([][]float64{{-1}, {1}}, nil, 0))
	for _, noisy := range []float64{0, 0.25, 1} {
		best, score := p.Denoise([]float64{noisy}, 0.5)[0], must.M1(p.Smoothed(0.5)).Score([]float64{noisy})[0]
		fmt.Printf("%.3f %.3f\n", best, noisy+0.25*score)
	}
	// Output:
	// 0.000 0.000
	// 0.762 0.762
	// 0.999 0.999
}

// A component with little spread is moved back to its mean; one with much spread is nearly unchanged.
func ExampleLinearSlopes() {
	fmt.Printf("%.4f\n", must.M1(lecture11.LinearSlopes([]float64{3, 1, 0.3}, 0.7)))
	// Output: [0.9484 0.6711 0.1552]
}
