package data

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"deeplearning.example/lecture11/internal/random"
)

// Gap draws l objects of n components near a subspace of dimension d: x ~ N(m, C). C has the eigenvalues d·ratio, …,
// 2·ratio, ratio in random directions and 1 in the n − d others, and m_j = 2 for all j. The spectrum has a gap after
// component d: λ_d/λ_{d+1} = ratio, up to sampling error. The best code of d components has the loss Σ_{j>d} λ_j ≈ n −
// d.
func Gap(l, n, d int, ratio float64, seed int64) (*Points, error) {
	switch {
	case l < 1:
		return nil, fmt.Errorf("data: Gap: l = %d, want a positive number of objects", l)
	case d < 1 || d >= n:
		return nil, fmt.Errorf("data: Gap: d = %d of n = %d, want 1 to n − 1 components", d, n)
	case !(ratio >= 1) || math.IsInf(ratio, 0):
		return nil, fmt.Errorf("data: Gap: ratio = %g, want a number of at least 1", ratio)
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 2))
	p := &Points{
		ID:     fmt.Sprintf("gap behind %d of %d|%d objects|ratio %g|seed %d", d, n, l, ratio, seed),
		Values: make([]float64, 0, l*n),
	}
	for j := range n {
		p.Features = append(p.Features, fmt.Sprintf("x%d", j+1))
	}
	directions := random.Rotation(n, rng)
	coordinates, x := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	for range l {
		for j := range n {
			coordinates.SetVec(j, rng.NormFloat64()*math.Sqrt(gapVariance(j, d, ratio)))
		}
		x.MulVec(directions, coordinates)
		for _, v := range x.RawVector().Data {
			p.Values = append(p.Values, gapMean+v)
		}
	}
	return p, nil
}

// gapMean is the mean of each component. It is not 0, so that tests detect code that does not centre.
const gapMean = 2

// gapVariance returns eigenvalue j = 0, 1, … of the covariance.
func gapVariance(j, d int, ratio float64) float64 {
	if j < d {
		return ratio * float64(d-j)
	}
	return 1
}
