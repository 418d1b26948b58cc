package lecture11_test

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
)

// Five codes on the straight line between two codes. Decode the codes to see how one object changes into another.
func ExampleInterpolateCodes() {
	z := tensors.FromValue([][]float32{{2, 0}, {0, 2}})
	fmt.Println(must.M1(lecture11.InterpolateCodes(z, 0, 1, 5)).Value())
	// Output: [[2 0] [1.5 0.5] [1 1] [0.5 1.5] [0 2]]
}

// The same walk on a great circle keeps the length of the codes, as suits codes of many components from N(0, I).
func ExampleSphericalCodes() {
	z := tensors.FromValue([][]float32{{2, 0}, {0, 2}})
	walk := must.M1(lecture11.SphericalCodes(z, 0, 1, 5))
	fmt.Printf("lengths %.1f\n", must.M1(lecture11.CodeLengths(walk)))
	// Output: lengths [2.0 2.0 2.0 2.0 2.0]
}

// A code moves by the difference between two groups of codes: from the mean of those without a property to the mean of
// those with it. An amount between 0 and 1 moves it part of the way.
func ExampleCodeArithmetic() {
	z := tensors.FromValue([][]float32{{5, 5}})
	with, without := tensors.FromValue([][]float32{{2, 1}, {4, 1}}), tensors.FromValue([][]float32{{1, 1}})
	fmt.Println(must.M1(lecture11.CodeArithmetic(z, with, without, 1)).Value())
	// Output: [[7 5]]
}
