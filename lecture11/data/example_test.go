package data_test

import (
	"fmt"

	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11/data"
)

// Iris, unchanged and standardised: the IDs differ.
func ExampleIris() {
	iris := must.M1(data.Iris())
	fmt.Println(iris.Len(), iris.Features[0], iris.Classes)
	fmt.Println(iris.Standardized().ID)
	// Output:
	// 150 sepal length (cm) [setosa versicolor virginica]
	// iris|standardized
}

func ExampleRing() {
	ring := must.M1(data.Ring(4, 8, 2, 0, 1)) // std 0: the objects are the centres
	fmt.Printf("%.0f %v\n", ring.Rows()[0], ring.Labels)
	fmt.Println(ring.ID)
	// Output:
	// [2 0] [0 1 2 3 0 1 2 3]
	// ring of 4|8 objects|radius 2|std 0|seed 1
}
