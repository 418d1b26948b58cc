package lecture11

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// PrincipalAngles returns the sines of the principal angles between the column spans of a [n, d] and b [n, d], the
// largest first: d numbers in [0, 1], which are all 0 if the spans are the same. They depend only on the spans, not on
// the columns.
//
// They are the singular values of (I − Q_a Q_aᵀ) Q_b for orthonormal bases Q_a, Q_b. This keeps the digits of small
// angles, which cosines would lose (Björck & Golub 1973).
//
// Slide "Linear autoencoder and PCA": same column span.
func PrincipalAngles(a, b *mat.Dense) ([]float64, error) {
	if err := checkGiven("PrincipalAngles", "a or b", a != nil && b != nil, "two matrices"); err != nil {
		return nil, err
	}
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
		return nil, fmt.Errorf("lecture11: PrincipalAngles of [%d, %d] and [%d, %d], want equal shapes", n, d, rows, columns)
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

// rankTolerance is the ratio of a singular value to the largest one below which columns count as dependent.
const rankTolerance = 1e-10

// orthonormal returns an orthonormal basis of the span of m's columns, [n, d].
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

// ProjectorDistances holds two distances between the map BA of a linear autoencoder, x̂ = B A x + …, and the projector
// U_d U_dᵀ of a PCA with a code of the same size, relative to the projector. Both are 0 if the maps are the same.
type ProjectorDistances struct {
	// OnData is ‖(BA − U_d U_dᵀ) C^½‖ / ‖U_d U_dᵀ C^½‖ in the Frobenius norm: the effect of the difference on objects
	// with the covariance C.
	OnData float64
	// Plain is ‖BA − U_d U_dᵀ‖ / ‖U_d U_dᵀ‖. The autoencoder learns nothing in directions in which the objects do not
	// vary, such as pixels at the border. If there are such directions, Plain is meaningless.
	Plain float64
}

// ProjectorDistances compares the maps of a linear autoencoder (see [Autoencoder.LinearMaps]) with the projector on the
// first d components, where d is the size of its code.
//
// Since C^½ = U Λ^½ Uᵀ, both follow from D = (BA)U − [U_d, 0], with column j weighted by λ_j or by 1.
//
// Slide "Linear autoencoder and PCA".
func (p *PCA) ProjectorDistances(encoder, decoder AffineMap) (ProjectorDistances, error) {
	var distances ProjectorDistances
	if err := checkGiven("ProjectorDistances", "AffineMap.Matrix", encoder.Matrix != nil && decoder.Matrix != nil, "a matrix"); err != nil {
		return distances, err
	}
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
