package lecture11_test

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/gobackend"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
)

// The gradient of E z² for z ~ N(1.5, 1) with respect to the mean is 2·1.5 = 3. Both estimates find it, but that of the
// reparametrisation trick has the smaller error. Without the path through z the estimate is 0.
func ExampleNewGradientDraws() {
	backend := must.M1(gobackend.New(""))
	d := must.M1(lecture11.NewGradientDraws(backend, 1.5, 1, 10_000, 1))
	trick, score := lecture11.NewEstimate(d.Reparameterized), lecture11.NewEstimate(d.Score)
	fmt.Println("within 4 standard errors:", math.Abs(trick.Mean-3) < 4*trick.SE, math.Abs(score.Mean-3) < 4*score.SE)
	fmt.Println("smaller error with the trick:", trick.SE < score.SE)
	fmt.Println("detached:", lecture11.NewEstimate(d.Detached).Mean)
	// Output:
	// within 4 standard errors: true true
	// smaller error with the trick: true
	// detached: 0
}
