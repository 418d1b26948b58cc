package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// LinearSlopes returns the slopes of the best linear denoiser of x ~ N(0, diag s_j²) under Gaussian noise,
//
//	E[x_j|x̃] = s_j²/(s_j² + σ²)·x̃_j.
//
// Components whose spread is small compared with the noise are moved back to their mean; those with a large spread
// hardly change. std: s_j ≥ 0, [n].
//
// Slide "Denoising auto encoder", linear f and g.
func LinearSlopes(std []float64, sigma float64) ([]float64, error) {
	if !(sigma > 0) || math.IsInf(sigma, 0) {
		return nil, fmt.Errorf("lecture11: LinearSlopes: sigma = %g, want σ > 0", sigma)
	}
	slopes := make([]float64, len(std))
	for j, s := range std {
		if !(s >= 0) || math.IsInf(s, 0) {
			return nil, fmt.Errorf("lecture11: LinearSlopes: std[%d] = %g, want a number of at least 0", j, s)
		}
		slopes[j] = s * s / (s*s + sigma*sigma)
	}
	return slopes, nil
}

// LinearDenoiser returns the linear map x̂ᵀ = x̃ᵀW with the least mean squared error over the objects and over the
// noise. It is computed in closed form, without drawing noise (a marginalised denoising autoencoder):
//
//	W = Q⁻¹P,  P = E[X̃ᵀX],  Q = E[X̃ᵀX̃].
//
// With S = XᵀX and q = 1 − p₀, masking noise has P = qS, Q_jk = q²S_jk for j ≠ k and Q_jj = qS_jj. Gaussian noise has
// P = S and Q = S + lσ²I. The map has no offset, so centre the objects first if they need one. x: [l, n]; result: [n,
// n].
//
// Slide "Denoising auto encoder", linear f and g; Chen, Xu, Weinberger & Sha 2012.
func LinearDenoiser(x *tensors.Tensor, c Corruption) (*mat.Dense, error) {
	if err := c.check("Corruption"); err != nil {
		return nil, err
	}
	if err := checkPlainObjects("LinearDenoiser", x); err != nil {
		return nil, err
	}
	values, err := Components(x)
	if err != nil {
		return nil, err
	}
	l, n := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
	var p mat.SymDense // S
	p.SymOuterK(1, mat.NewDense(l, n, values).T())
	q := mat.NewSymDense(n, nil)
	q.CopySym(&p)
	switch c.Kind {
	case "gaussian":
		addDiagonal(q, float64(l)*c.Level*c.Level)
	case "masking":
		keep := 1 - c.Level
		p.ScaleSym(keep, &p)
		q.ScaleSym(keep*keep, q)
		for j := range n {
			q.SetSym(j, j, p.At(j, j))
		}
	default:
		return nil, fmt.Errorf("lecture11: Corruption.Kind = %q, want \"gaussian\" or \"masking\" for LinearDenoiser", c.Kind)
	}
	var factor mat.Cholesky
	if !factor.Factorize(q) || factor.Cond() > 1e14 {
		return nil, fmt.Errorf("lecture11: LinearDenoiser: Q = E[X̃ᵀX̃] of %d objects has no inverse, want components "+
			"that are not 0 in all objects, Level < 1 for masking, and without noise no fewer objects than components", l)
	}
	var w mat.Dense
	if err := factor.SolveTo(&w, &p); err != nil {
		return nil, fmt.Errorf("lecture11: LinearDenoiser: %w", err)
	}
	return &w, nil
}
