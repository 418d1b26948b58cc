// Package random draws matrices that the models and the data sets share.
package random

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Rotation draws an orthogonal matrix [n, n], the factor Q of a matrix whose entries are drawn from N(0, 1).
func Rotation(n int, rng *rand.Rand) *mat.Dense {
	m := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			m.Set(i, j, rng.NormFloat64())
		}
	}
	var qr mat.QR
	qr.Factorize(m)
	var q mat.Dense
	qr.QTo(&q)
	return &q
}
