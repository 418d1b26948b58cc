package lecture11

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
)

// Novelty measures how new an object is to a map by its mean distance to the K nearest nodes,
//
//	s(x) = (1/K) Σ_{k=1}^K ρ(x, w_k-th nearest),
//
// in the unit of x. An object is called new if its score is above a quantile of the scores of the objects on which the
// map was trained.
type Novelty struct {
	K         int
	Quantile  float64
	Threshold float64 // the quantile of the training scores

	backend compute.Backend
	weights *tensors.Tensor
}

// NewNovelty sets the threshold so that a share 1 − quantile of the objects x [l, n] is above it: with quantile 0.99,
// one in a hundred objects like these is called new by mistake. weights [m, n]; k is the number of nearest nodes.
func NewNovelty(backend compute.Backend, weights, x *tensors.Tensor, k int, quantile float64) (*Novelty, error) {
	if err := checkBackend("NewNovelty", backend); err != nil {
		return nil, err
	}
	if !(quantile > 0 && quantile <= 1) {
		return nil, fmt.Errorf("lecture11: NewNovelty: quantile = %g, want above 0 and at most 1", quantile)
	}
	v := &Novelty{K: k, Quantile: quantile, backend: backend, weights: weights}
	scores, err := v.Scores(x)
	if err != nil {
		return nil, err
	}
	slices.Sort(scores)
	v.Threshold = scores[int(math.Ceil(quantile*float64(len(scores))))-1]
	return v, nil
}

// Scores returns s(x_i) of objects x [l, n]: [l].
func (v *Novelty) Scores(x *tensors.Tensor) ([]float64, error) {
	nearest, err := FindNearest(v.backend, x, v.weights, v.K)
	if err != nil {
		return nil, err
	}
	scores := make([]float64, nearest.Len())
	for i := range scores {
		for _, d := range nearest.Distances[i*v.K : (i+1)*v.K] {
			scores[i] += d / float64(v.K)
		}
	}
	return scores, nil
}

// New returns the share of scores above the threshold, in [0, 1].
func (v *Novelty) New(scores []float64) float64 {
	above := 0
	for _, s := range scores {
		if s > v.Threshold {
			above++
		}
	}
	return float64(above) / float64(len(scores))
}

// ROC returns the area under the ROC curve of two samples of scores: the probability that a new object has a higher
// score than a known one, where equal scores count half. 0.5 is guessing, 1 is perfect separation. Mann & Whitney 1947.
func ROC(known, novel []float64) (float64, error) {
	if len(known) == 0 || len(novel) == 0 {
		return 0, fmt.Errorf("lecture11: ROC of %d known and %d new scores, want at least one of each", len(known), len(novel))
	}
	sorted := slices.Clone(known)
	slices.Sort(sorted)
	sum := 0.0
	for _, s := range novel {
		below, _ := slices.BinarySearch(sorted, s)
		upTo, _ := slices.BinarySearchFunc(sorted, s, func(a, b float64) int {
			if a <= b {
				return -1
			}
			return 1
		})
		sum += float64(below) + float64(upTo-below)/2
	}
	return sum / float64(len(known)*len(novel)), nil
}
