package lecture11

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// ManifoldPrecisionRecall compares generated objects with real ones by balls around each object that reach to its k-th
// nearest neighbour within its set. Precision is the share of generated objects in a ball of a real one; it measures
// quality. Recall is the share of real objects in a ball of a generated one; it measures variety. real, fake: features
// [l, d] and [m, d]; 1 ≤ k < min(l, m).
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
		return 0, 0, fmt.Errorf("lecture11: ManifoldPrecisionRecall of features %s and %s with k = %d, want as many components of both and 1 ≤ k < %d",
			real.Shape(), fake.Shape(), k, min(len(a), len(b)))
	}
	return covered(a, b, k), covered(b, a, k), nil
}

// covered returns the share of points in a ball around one of centres. Each ball reaches to the k-th nearest other
// centre.
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

// shareOf returns the share of elements that are true.
func shareOf(of []bool) float64 {
	count := 0
	for _, yes := range of {
		if yes {
			count++
		}
	}
	return float64(count) / float64(len(of))
}

// TwoSampleNeighbours returns the leave-one-out accuracy of the 1-nearest-neighbour classifier of real and generated
// objects. It is ½ if they cannot be distinguished, 1 if all can, and 0 if each generated object is next to the real
// one that it copies. real, fake: [l, d] each, with the same l.
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

// nearestOther returns the index of the row nearest to x, the first of equally near ones, and its squared distance. It
// leaves out the row with the index self; −1 leaves out none.
func nearestOther(rows [][]float64, x []float64, self int) (place int, square float64) {
	place, square = -1, math.Inf(1)
	for i, row := range rows {
		if d := squaredDistance(x, row); i != self && d < square {
			place, square = i, d
		}
	}
	return place, square
}

// Coverage describes how objects cover a mixture of known Gaussians.
type Coverage struct {
	Shares []float64 // for each Gaussian, of the objects that are good for it: within 4 standard deviations of its centre
	Modes  int       // Gaussians with at least 1 % of the objects
	Good   float64   // share of objects that are good for some Gaussian
}

// Coverage counts the objects x [l, n] near each Gaussian of the mixture. An object counts for its nearest centre
// only.
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

// HitDivergence returns the Jensen–Shannon divergence, in nats, of the distributions of two sets of objects over the
// nodes of one map. It is 0 for equal shares of hits, and ln 2 if the sets have no node in common. a, b: as returned
// by [Hits]. With few objects per node it is above 0 for two samples of one distribution, so compare it with the
// divergence of two real sets.
//
// A map trained on real objects is a judge that took no part in the GAN's training: it shows which kinds of objects
// are missing.
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
