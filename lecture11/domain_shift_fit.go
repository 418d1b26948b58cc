package lecture11

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Polynomial is c₀ + c₁x + c₂x² + …, a model that is adequate or not depending on its degree.
type Polynomial []float64

// At returns the value at x.
func (c Polynomial) At(x float64) float64 {
	sum := 0.0
	for k := len(c) - 1; k >= 0; k-- {
		sum = sum*x + c[k]
	}
	return sum
}

// Losses returns the squared errors (y_i − c(x_i))² of objects, in the unit of y squared.
func (c Polynomial) Losses(x, y []float64) []float64 {
	losses := make([]float64, len(x))
	for i := range x {
		e := y[i] - c.At(x[i])
		losses[i] = e * e
	}
	return losses
}

// FitPolynomial returns the polynomial of the given degree with the least weighted squared error,
//
//	Σ_i w_i (y_i − c(x_i))² → min over c.
//
// With w = p_T/p_S it is the fit for the target computed from objects of the source. Nil weights are equal weights.
//
// Slide "Domain shift"; Shimodaira 2000.
func FitPolynomial(x, y, w []float64, degree int) (Polynomial, error) {
	l := len(x)
	if len(y) != l || degree < 0 || l <= degree {
		return nil, fmt.Errorf("lecture11: FitPolynomial of %d x and %d y with degree = %d, want as many of both, more than the degree, and degree ≥ 0",
			l, len(y), degree)
	}
	if w != nil {
		if err := checkImportance(w, l); err != nil {
			return nil, err
		}
	}
	powers, targets := mat.NewDense(l, degree+1, nil), mat.NewVecDense(l, nil)
	for i := range l {
		root := 1.0
		if w != nil {
			root = math.Sqrt(w[i])
		}
		targets.SetVec(i, root*y[i])
		for k, power := 0, root; k <= degree; k++ {
			powers.Set(i, k, power)
			power *= x[i]
		}
	}
	var c mat.VecDense
	if err := c.SolveVec(powers, targets); err != nil {
		return nil, fmt.Errorf("lecture11: FitPolynomial of degree %d: %w, want more distinct x with positive weights", degree, err)
	}
	return Polynomial(c.RawVector().Data), nil
}
