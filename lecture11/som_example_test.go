package lecture11_test

import (
	"fmt"

	"deeplearning.example/lecture11"
	"github.com/gomlx/gomlx/core/tensors"
)

// Four nodes in a row are at 0, 1, 9 and 10. The wall between the two clusters is in the middle.
func ExampleUMatrix() {
	w := tensors.FromFlatDataAndDimensions([]float32{0, 1, 9, 10}, 4, 1)
	u, err := lecture11.UMatrix(w, lecture11.Grid{Width: 4, Height: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(u)
	// Output: [1 4.5 4.5 1]
}

// Five objects of two classes at three nodes.
func ExampleNewClassMap() {
	c, err := lecture11.NewClassMap([]int32{0, 0, 0, 2, 2}, []int{0, 0, 1, 1, 1}, 3, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Majority, c.MeanPurity(), c.Shared(0))
	// Output: [0 -1 1] 0.8 1
}

// A rotated map is aligned with the original.
func ExampleAlign() {
	grid := lecture11.Grid{Width: 2, Height: 2}
	a := tensors.FromFlatDataAndDimensions([]float32{0, 1, 2, 3}, 4, 1)
	b := tensors.FromFlatDataAndDimensions([]float32{3, 2, 1, 0}, 4, 1)
	alignment, err := lecture11.Align(a, b, grid)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %g, before %.2f\n", alignment.Name, alignment.RMS, alignment.As)
	// Output: turned by 180°: 0, before 2.24
}
