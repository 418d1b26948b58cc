package lecture11_test

import (
	"fmt"

	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
)

// Two models are measured with the same four seeds. The standard error of the difference, seed by seed, is far smaller
// than those of the two means, because good and bad seeds are the same for both.
func ExampleEstimate_Minus() {
	a := lecture11.NewEstimate([]float64{0.70, 0.80, 0.90, 0.60})
	b := lecture11.NewEstimate([]float64{0.68, 0.77, 0.88, 0.59})
	fmt.Println(a, "and", b)
	fmt.Printf("difference %.3f ± %.3f\n", must.M1(a.Minus(b)).Mean, must.M1(a.Minus(b)).SE)
	// Output:
	// 0.75 ± 0.06 and 0.73 ± 0.06
	// difference 0.020 ± 0.004
}
