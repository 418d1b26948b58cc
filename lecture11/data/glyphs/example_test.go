package glyphs_test

import (
	"fmt"

	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11/data/glyphs"
)

// The letter a in all faces, split into training and test families.
func ExampleLoad() {
	a := must.M1(must.M1(glyphs.Load()).Of("a"))
	train, test := must.M2(a.Split(1, 0.2))
	fmt.Println(a.ID, a.Len(), a.FaceOf(12).Name)
	fmt.Println(train.ID, train.Len())
	fmt.Println(test.ID, test.Len())
	// Output:
	// glyphs|chars a 114 DejaVu Sans
	// glyphs|chars a|families train seed 1 share 0.2 92
	// glyphs|chars a|families test seed 1 share 0.2 22
}

// The same images serve several tasks.
func ExampleSet_LabelsOf() {
	s := must.M1(must.M1(glyphs.Load()).Family("Roboto"))
	for _, task := range []string{"character", "family", "weight", "slant"} {
		labels, classes, err := s.LabelsOf(task)
		must.M(err)
		fmt.Println(task, classes[labels[100]], len(classes))
	}
	// Output:
	// character m 62
	// family Roboto 13
	// weight light 3
	// slant slanted 2
}
