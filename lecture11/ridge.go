package lecture11

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// Ridge returns the weights of linear regression with a penalty, in closed form:
//
//	w = argmin Σ_i (y_i − wᵀx_i)² + λ‖w‖² = (XᵀX + λI)⁻¹Xᵀy.
//
// It is the best that a task can do alone, and the control of multi-task learning. x: l rows of n components; λ > 0.
//
// Slide "Multi-task learning"; Hoerl & Kennard 1970.
func Ridge(x [][]float64, y []float64, lambda float64) ([]float64, error) {
	if len(x) == 0 || len(x) != len(y) || !(lambda > 0) {
		return nil, fmt.Errorf("lecture11: Ridge of %d objects and %d values with λ = %g, want equal numbers, at least 1, and λ > 0",
			len(x), len(y), lambda)
	}
	n := len(x[0])
	rows := mat.NewDense(len(x), n, nil)
	for i, row := range x {
		if len(row) != n {
			return nil, fmt.Errorf("lecture11: Ridge: object %d has %d components, want %d as in the first", i, len(row), n)
		}
		rows.SetRow(i, row)
	}
	gram := mat.NewSymDense(n, nil)
	gram.SymOuterK(1, rows.T())
	addDiagonal(gram, lambda)
	var right, w mat.VecDense
	right.MulVec(rows.T(), mat.NewVecDense(len(y), y))
	var factor mat.Cholesky
	if !factor.Factorize(gram) {
		return nil, fmt.Errorf("lecture11: Ridge: XᵀX + %g·I is not positive definite in float64, want a larger λ", lambda)
	}
	if err := factor.SolveVecTo(&w, &right); err != nil {
		return nil, fmt.Errorf("lecture11: Ridge: %w", err)
	}
	return w.RawVector().Data, nil
}

// bestRidge returns the Ridge whose λ, from 10⁻³ … 10³, comes closest to the true weights. This is an oracle that is
// not available in practice. A method that beats it does so by more than its choice of λ.
func bestRidge(x [][]float64, y, truth []float64) (w []float64, distance float64, err error) {
	for _, lambda := range []float64{1e-3, 1e-2, 0.1, 0.3, 1, 3, 10, 30, 100, 1000} {
		candidate, err := Ridge(x, y, lambda)
		if err != nil {
			return nil, 0, err
		}
		if len(truth) != len(candidate) {
			return nil, 0, fmt.Errorf("lecture11: LinearStudy.AloneExcess: %d true weights for objects of %d components", len(truth), len(candidate))
		}
		if d := squaredDistance(candidate, truth); w == nil || d < distance {
			w, distance = candidate, d
		}
	}
	return w, distance, nil
}
