package quiz_test

import (
	"fmt"

	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11/quiz"
)

func ExampleCheck() {
	fmt.Println(must.M1(quiz.Check("bert", "It predicts masked words")))
	// Output:
	// bert: not yet, 1 of 2 points
	//   + masked language model
	//   ? The second criterion looks at a pair of texts. What is asked about them?
}
