package lecture11

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// PrincipalAngles gives the sines of the principal angles between the column spans of a [n, d] and b [n, d], the largest
// first: d numbers in [0, 1], all 0 where the spans are the same. It does not matter which columns span them.
//
// They are the singular values of (I − Q_a Q_aᵀ) Q_b for orthonormal bases Q_a, Q_b, which keeps the digits of small angles;
// cosines would lose them (Björck & Golub 1973).
//
// Slide "Linear autoencoder and PCA": same column span.
func PrincipalAngles(a, b *mat.Dense) ([]float64, error) {
	qa, err := orthonormal(a)
	if err != nil {
		return nil, err
	}
	qb, err := orthonormal(b)
	if err != nil {
		return nil, err
	}
	n, d := qa.Dims()
	if rows, columns := qb.Dims(); rows != n || columns != d {
		return nil, fmt.Errorf("lecture11: PrincipalAngles of [%d, %d] and [%d, %d], want one shape", n, d, rows, columns)
	}
	var inside, rest mat.Dense
	inside.Mul(qa.T(), qb)
	rest.Mul(qa, &inside)
	rest.Sub(qb, &rest)
	var svd mat.SVD
	if !svd.Factorize(&rest, mat.SVDNone) {
		return nil, errors.New("lecture11: PrincipalAngles: the singular values do not converge")
	}
	sines := svd.Values(nil)
	for i := range sines {
		sines[i] = min(sines[i], 1)
	}
	return sines, nil
}

// rankTolerance is how small a singular value may be, against the largest, before columns count as dependent.
const rankTolerance = 1e-10

// orthonormal gives an orthonormal basis of the span of m's columns, [n, d].
func orthonormal(m *mat.Dense) (*mat.Dense, error) {
	n, d := m.Dims()
	var svd mat.SVD
	if d > n || !svd.Factorize(m, mat.SVDThin) || svd.Rank(rankTolerance) < d {
		return nil, fmt.Errorf("lecture11: PrincipalAngles of a matrix [%d, %d], want %d independent columns", n, d, d)
	}
	var u mat.Dense
	svd.UTo(&u)
	return &u, nil
}

// ProjectorDistances say how far the map BA of a linear autoencoder, x̂ = B A x + …, is from the projector U_d U_dᵀ of a PCA
// with a code of the same size, as a share of the projector. Both are 0 where they are the same map.
type ProjectorDistances struct {
	// OnData is ‖(BA − U_d U_dᵀ) C^½‖ / ‖U_d U_dᵀ C^½‖, by Frobenius' norm: what the difference does to objects with the
	// covariance C.
	OnData float64
	// Plain is ‖BA − U_d U_dᵀ‖ / ‖U_d U_dᵀ‖. In directions in which objects do not differ nothing is learnt, so that it says
	// nothing where there are such: pixels at the border.
	Plain float64
}

// ProjectorDistances compares the maps of a linear autoencoder (see [Autoencoder.LinearMaps]) with the projector on the
// first d components, d being the size of its code.
//
// Since C^½ = U Λ^½ Uᵀ, both come from D = (BA)U − [U_d, 0], column j weighted by λ_j or by 1.
//
// Slide "Linear autoencoder and PCA".
func (p *PCA) ProjectorDistances(encoder, decoder AffineMap) (ProjectorDistances, error) {
	var distances ProjectorDistances
	n := len(p.Mean)
	rows, inputs := encoder.Matrix.Dims()
	outputs, d := decoder.Matrix.Dims()
	if inputs != n || outputs != n || rows != d {
		return distances, fmt.Errorf("lecture11: ProjectorDistances of A [%d, %d] and B [%d, %d], want A [d, %d], B [%d, d]",
			rows, inputs, outputs, d, n, n)
	}
	if err := p.check(d); err != nil {
		return distances, err
	}
	var codes, difference mat.Dense
	codes.Mul(encoder.Matrix, p.Components)
	difference.Mul(decoder.Matrix, &codes) // B A U, [n, n]
	kept := floats.Sum(p.Variances[:d])    // ‖U_d U_dᵀ C^½‖²
	for j := range n {
		column := mat.Col(nil, j, &difference)
		if j < d {
			floats.Sub(column, mat.Col(nil, j, p.Components))
		}
		squares := floats.Dot(column, column)
		distances.OnData += p.Variances[j] * squares / kept
		distances.Plain += squares / float64(d)
	}
	distances.OnData, distances.Plain = math.Sqrt(distances.OnData), math.Sqrt(distances.Plain)
	return distances, nil
}
