package lecture11

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// GaussianFit holds the mean and the covariance of features.
type GaussianFit struct {
	Mean       []float64
	Covariance *mat.SymDense
	Objects    int // l; report it with a Fréchet distance
}

// FitGaussian computes the mean and the covariance (divided by l − 1) of features [l, d], l ≥ 2.
func FitGaussian(features *tensors.Tensor) (GaussianFit, error) {
	rows, err := objectRows(features)
	if err != nil {
		return GaussianFit{}, err
	}
	if len(rows) < 2 {
		return GaussianFit{}, fmt.Errorf("lecture11: FitGaussian of %d object, want at least 2", len(rows))
	}
	d := len(rows[0])
	x := mat.NewDense(len(rows), d, slices.Concat(rows...))
	fit := GaussianFit{Mean: make([]float64, d), Covariance: mat.NewSymDense(d, nil), Objects: len(rows)}
	for j := range d {
		fit.Mean[j] = stat.Mean(mat.Col(nil, j, x), nil)
	}
	stat.CovarianceMatrix(fit.Covariance, x, nil)
	return fit, nil
}

// FrechetDistance returns the squared distance of two Gaussians (the square of W₂),
//
//	‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁^½ Σ₂ Σ₁^½)^½),
//
// in the units of the features squared. The root is that of a symmetric matrix, computed from its eigenvalues; the
// usual formula takes the root of Σ₁Σ₂, which is not symmetric. With few objects the distance is far above 0 even for
// two samples of one distribution, so compare distances at the same l, and with the distance of two real sets.
//
// Slide "How to judge a generator"; Heusel et al. 2017 (FID, with the features of another network).
func FrechetDistance(a, b GaussianFit) (float64, error) {
	if len(a.Mean) != len(b.Mean) || len(a.Mean) == 0 {
		return 0, fmt.Errorf("lecture11: FrechetDistance of features of %d and %d components, want as many of both, at least 1", len(a.Mean), len(b.Mean))
	}
	if a.Covariance == nil || b.Covariance == nil {
		return 0, fmt.Errorf("lecture11: FrechetDistance: GaussianFit.Covariance is nil, want that of FitGaussian")
	}
	root, err := symmetricRoot(a.Covariance)
	if err != nil {
		return 0, err
	}
	var left, product mat.Dense
	left.Mul(root, b.Covariance)
	product.Mul(&left, root)
	d := len(a.Mean)
	symmetric := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			symmetric.SetSym(i, j, (product.At(i, j)+product.At(j, i))/2)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(symmetric, false) {
		return 0, fmt.Errorf("lecture11: FrechetDistance: the eigenvalues of Σ₁^½ Σ₂ Σ₁^½ do not converge: are the features finite?")
	}
	distance := mat.Trace(a.Covariance) + mat.Trace(b.Covariance)
	for _, value := range eigen.Values(nil) {
		distance -= 2 * math.Sqrt(math.Max(0, value))
	}
	return distance + squaredDistance(a.Mean, b.Mean), nil
}

// symmetricRoot returns the root of a symmetric matrix without negative eigenvalues. Tiny negative ones count as 0.
func symmetricRoot(m *mat.SymDense) (*mat.Dense, error) {
	var eigen mat.EigenSym
	if !eigen.Factorize(m, true) {
		return nil, fmt.Errorf("lecture11: the eigenvalues of a covariance do not converge: are the features finite?")
	}
	var vectors, scaled, root mat.Dense
	eigen.VectorsTo(&vectors)
	values := eigen.Values(nil)
	scaled.Apply(func(_, j int, v float64) float64 { return v * math.Sqrt(math.Max(0, values[j])) }, &vectors)
	root.Mul(&scaled, vectors.T())
	return &root, nil
}

// InceptionScore returns exp(E KL(p(y|x) ‖ p(y))) for the class probabilities p [l, C] of generated objects, where
// p(y) is their mean. It is 1 if all rows are equal, and C if each row is certain and the classes are equally
// frequent. It does not detect copies of one object per class, nor features that the classifier ignores.
//
// Slide "How to judge a generator"; Salimans et al. 2016.
func InceptionScore(p *tensors.Tensor) (float64, error) {
	rows, err := objectRows(p)
	if err != nil {
		return 0, err
	}
	mean := make([]float64, len(rows[0]))
	for i, row := range rows {
		sum := 0.0
		for c, v := range row {
			if v < 0 {
				return 0, fmt.Errorf("lecture11: InceptionScore: probability %g of class %d of object %d, want at least 0", v, c, i)
			}
			sum += v
			mean[c] += v / float64(len(rows))
		}
		if math.Abs(sum-1) > 1e-3 {
			return 0, fmt.Errorf("lecture11: InceptionScore: the probabilities of object %d sum to %g, want 1", i, sum)
		}
	}
	divergence := 0.0
	for _, row := range rows {
		for c, v := range row {
			divergence += weighted(v, math.Log(v/mean[c])) / float64(len(rows))
		}
	}
	return math.Exp(divergence), nil
}
