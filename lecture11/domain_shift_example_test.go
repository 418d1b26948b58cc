package lecture11_test

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/janpfeifer/must"
	"gonum.org/v1/gonum/stat/distuv"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// The distance of two domains is 0 if a linear classifier cannot distinguish their objects and 2 if it always can. Here
// both domains are Gaussians: one pair in the same place, one pair far apart.
func ExampleProxyDistance() {
	backend := must.M1(gobackend.New(""))
	at := func(radius float64, seed int64) *data.Points { return must.M1(data.Ring(1, 1000, radius, 0.5, seed)) }
	source := at(1, 1).Tensor()
	for _, target := range []*data.Points{at(1, 2), at(9, 3)} {
		d := must.M1(lecture11.ProxyDistance(context.Background(), backend, source, target.Tensor(), lecture11.FitConfig{
			LearningRate: 0.05, Seed: 1}))
		fmt.Printf("%.0f\n", max(0, d.Distance.Mean)) // by chance it may be just below 0
	}
	// Output:
	// 0
	// 2
}

// Objects of the source N(0, 1) estimate the mean of x² in the target N(½, 1), which is 1.25, with the ratio of the
// densities as their weights. Without weights the result is that of the source, 1. The weights have a price: the
// effective sample size is e^(−¼) = 0.78 of the number of objects.
func ExampleImportanceWeights() {
	x := must.M1(data.Ring(1, 20_000, 0, 1, 1)).Column(0)
	source, target := distuv.Normal{Sigma: 1}, distuv.Normal{Mu: 0.5, Sigma: 1}
	w := must.M1(lecture11.ImportanceWeights(x, target.LogProb, source.LogProb))
	squares := lecture11.Polynomial{0}.Losses(x, x) // (x − 0)²
	fmt.Println("without weights", lecture11.NewEstimate(squares))
	fmt.Println("with weights", must.M1(lecture11.WeightedLoss(w, squares)))
	fmt.Printf("effective share %.2f\n", must.M1(lecture11.EffectiveSampleSize(w))/float64(len(x)))
	// Output:
	// without weights 1.00 ± 0.01
	// with weights 1.26 ± 0.03
	// effective share 0.78
}

// A line fitted to y = x² on [0, 2], first with equal weights, then with weights for a target that has only the objects
// up to 1. The coefficients are those of 1 and x.
func ExampleFitPolynomial() {
	x, y, w := []float64{0, 0.5, 1, 1.5, 2}, []float64{0, 0.25, 1, 2.25, 4}, []float64{1, 1, 1, 0, 0}
	fmt.Printf("%.2f\n", must.M1(lecture11.FitPolynomial(x, y, nil, 1)))
	fmt.Printf("%.2f\n", must.M1(lecture11.FitPolynomial(x, y, w, 1)))
	// Output:
	// [-0.50 2.00]
	// [-0.08 1.00]
}
