package lecture11

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// ManifoldPrecisionRecall compares generated objects with real ones by balls that reach to the k-th nearest neighbour within a set:
// precision is the share of generated objects in a ball of a real one (are they good?), recall the share of real objects in a ball of a
// generated one (are all kinds there?). real, fake: features [l, d] and [m, d]; 1 ≤ k < min(l, m).
//
// Slide "How to judge a generator"; Kynkäänniemi et al. 2019.
func ManifoldPrecisionRecall(real, fake *tensors.Tensor, k int) (precision, recall float64, err error) {
	a, err := objectRows(real)
	if err != nil {
		return 0, 0, err
	}
	b, err := objectRows(fake)
	if err != nil {
		return 0, 0, err
	}
	if len(a[0]) != len(b[0]) || k < 1 || k >= min(len(a), len(b)) {
		return 0, 0, fmt.Errorf("lecture11: ManifoldPrecisionRecall of features %s and %s with k = %d, want as many components and 1 ≤ k < %d",
			real.Shape(), fake.Shape(), k, min(len(a), len(b)))
	}
	return covered(a, b, k), covered(b, a, k), nil
}

// covered is the share of points in a ball of one of centres, that reaches to its k-th nearest other centre.
func covered(centres, points [][]float64, k int) float64 {
	radius := make([]float64, len(centres))
	parallel(len(centres), func(i int) {
		farthest := nearestRows(centres, centres[i], k+1)[k] // after the centre itself, at distance 0
		radius[i] = squaredDistance(centres[i], centres[farthest])
	})
	inside := make([]bool, len(points))
	parallel(len(points), func(p int) {
		for i, c := range centres {
			if inside[p] = squaredDistance(points[p], c) <= radius[i]; inside[p] {
				break
			}
		}
	})
	return shareOf(inside)
}

// shareOf is the share of those that are true.
func shareOf(of []bool) float64 {
	count := 0
	for _, yes := range of {
		if yes {
			count++
		}
	}
	return float64(count) / float64(len(of))
}

// TwoSampleNeighbours is the accuracy of 1-nearest-neighbour, each object left out in turn, in telling real from generated ones: ½ where
// nothing tells them apart, 1 where all can be told, 0 where each generated object is next to the real one that it copies. real, fake:
// [l, d] each, as many of both.
//
// Slide "How to judge a generator"; Lopez-Paz & Oquab 2017.
func TwoSampleNeighbours(real, fake *tensors.Tensor) (float64, error) {
	a, err := objectRows(real)
	if err != nil {
		return 0, err
	}
	b, err := objectRows(fake)
	if err != nil {
		return 0, err
	}
	if len(a) != len(b) || len(a[0]) != len(b[0]) || len(a) < 2 {
		return 0, fmt.Errorf("lecture11: TwoSampleNeighbours of %s and %s, want one shape [l, d] with l ≥ 2", real.Shape(), fake.Shape())
	}
	all := slices.Concat(a, b)
	right := make([]bool, len(all))
	parallel(len(all), func(i int) {
		nearest, _ := nearestOther(all, all[i], i)
		right[i] = (nearest < len(a)) == (i < len(a))
	})
	return shareOf(right), nil
}

// nearestOther gives the place of the row nearest to x, of equally near ones the first, and its squared distance. It leaves out the row
// at the place self; −1: none.
func nearestOther(rows [][]float64, x []float64, self int) (place int, square float64) {
	place, square = -1, math.Inf(1)
	for i, row := range rows {
		if d := squaredDistance(x, row); i != self && d < square {
			place, square = i, d
		}
	}
	return place, square
}

// Coverage says how objects fill a mixture of known Gaussians.
type Coverage struct {
	Shares []float64 // of the objects that are good for each Gaussian: within 4 standard deviations of its centre
	Modes  int       // Gaussians with at least 1 % of the objects
	Good   float64   // share of objects that are good for one
}

// Coverage counts the objects x [l, n] near each Gaussian of the mixture. An object counts for the nearest centre.
//
// Slide "Mode collapse"; Metz et al. 2017.
func (m *GaussianMixture) Coverage(x *tensors.Tensor) (Coverage, error) {
	rows, err := objectRows(x)
	if err != nil {
		return Coverage{}, err
	}
	if len(rows[0]) != len(m.centers[0]) {
		return Coverage{}, fmt.Errorf("lecture11: Coverage of objects %s by a mixture of %d components, want [l, %d]", x.Shape(),
			len(m.centers[0]), len(m.centers[0]))
	}
	c := Coverage{Shares: make([]float64, len(m.centers))}
	for _, row := range rows {
		if k, square := nearestOther(m.centers, row, -1); square <= 16*m.std*m.std {
			c.Shares[k] += 1 / float64(len(rows))
		}
	}
	for _, share := range c.Shares {
		c.Good += share
		if share >= 0.01 {
			c.Modes++
		}
	}
	return c, nil
}

// HitDivergence is the Jensen–Shannon divergence, in nats, of how two sets of objects fill the nodes of one map: 0 for one distribution
// of hits, ln 2 where they share no node. hits are as of [Hits]; with few objects a node it is above 0 for two samples of one
// distribution: compare beside real against real.
//
// A map trained on real objects is a referee that the generator has not met: it shows which kinds of objects are missing.
func HitDivergence(a, b []int) (float64, error) {
	if len(a) != len(b) {
		return 0, fmt.Errorf("lecture11: HitDivergence of %d nodes with %d, want the same map", len(a), len(b))
	}
	totalA, totalB := 0, 0
	for i := range a {
		if a[i] < 0 || b[i] < 0 {
			return 0, fmt.Errorf("lecture11: HitDivergence: node %d has %d and %d hits, want at least 0", i, a[i], b[i])
		}
		totalA, totalB = totalA+a[i], totalB+b[i]
	}
	if totalA == 0 || totalB == 0 {
		return 0, fmt.Errorf("lecture11: HitDivergence of %d hits with %d, want at least one of both", totalA, totalB)
	}
	divergence := 0.0
	for i := range a {
		p, q := float64(a[i])/float64(totalA), float64(b[i])/float64(totalB)
		divergence += (weighted(p, math.Log(2*p/(p+q))) + weighted(q, math.Log(2*q/(p+q)))) / 2
	}
	return divergence, nil
}
