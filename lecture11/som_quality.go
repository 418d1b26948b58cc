package lecture11

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
)

// MapQuality holds numbers that together show whether a map is good. Each alone can mislead.
type MapQuality struct {
	Quantisation float64 // quantisation error: mean over objects of ρ(x_i, w_a(x_i)), in the unit of x (not squared)
	OneNode      float64 // the same for a map of one node in the middle of the objects: the worst sensible value
	Topographic  float64 // topographic error in [0, 1], over neighbours with corners (8; 6 on a hexagonal grid)
	Topographic4 float64 // the same without corners (4; 6 on a hexagonal grid)
	Permuted     float64 // Topographic of the same weights after shuffling the nodes, mean over 20 shuffles
	Spread       float64 // variance of the nodes' weights over the variance of the objects, both summed over components
	Unused       int     // nodes that win no object
	Collapsed    bool    // whether the nodes are at one point: Spread < 10⁻⁴; the topographic errors are then set to 1
}

// NewMapQuality measures a map with weights [m, n] on objects x [l, n]. The topographic error is the share of objects
// whose two nearest nodes are not neighbours on the grid,
//
//	TE = (1/l) Σ_i [b(x_i) ∉ N(a(x_i))],  a the nearest, b the second nearest node.
//
// A map whose nodes are all at one point would have TE = 0, because the first two of equally near nodes are taken, and
// these are neighbours. It is reported as Collapsed, with TE = 1. Kiviluoto 1996; slide "Kohonen map training".
//
// Distances are Euclidean; for a map with another one see [SOM.Quality]. x and weights are as in [FindNearest].
func NewMapQuality(backend compute.Backend, x, weights *tensors.Tensor, grid Grid) (MapQuality, error) {
	return mapQuality(backend, x, weights, grid, euclideanMetric)
}

// mapQuality is NewMapQuality with the distance metric.
func mapQuality(backend compute.Backend, x, weights *tensors.Tensor, grid Grid, metric somMetric) (MapQuality, error) {
	if err := checkBackend("NewMapQuality", backend); err != nil {
		return MapQuality{}, err
	}
	var q MapQuality
	if err := checkSheet(grid, weights); err != nil {
		return q, err
	}
	if grid.Nodes() < 2 {
		return q, fmt.Errorf("lecture11: NewMapQuality of a %s grid, want at least 2 nodes", grid)
	}
	nearest, err := findNearest(backend, x, weights, 2, metric)
	if err != nil {
		return q, err
	}
	if x, err = metric.prepare(x); err != nil {
		return q, err
	}
	middle, variance, err := meanObject(x)
	if err != nil {
		return q, err
	}
	one, err := findNearest(backend, x, tensors.FromFlatDataAndDimensions(middle, 1, len(middle)), 1, metric)
	if err != nil {
		return q, err
	}
	_, spread, err := meanObject(weights)
	if err != nil {
		return q, err
	}
	q.Quantisation, q.OneNode = nearest.QuantisationError(), one.QuantisationError()
	hits, err := Hits(nearest.Winners(), grid.Nodes())
	if err != nil {
		return q, err
	}
	for _, objects := range hits {
		if objects == 0 {
			q.Unused++
		}
	}
	if q.Spread = spread / variance; spread == 0 {
		q.Spread = 0 // also for objects without any spread
	}
	if q.Collapsed = !(q.Spread >= collapsed); q.Collapsed {
		q.Topographic, q.Topographic4, q.Permuted = 1, 1, 1
		return q, nil
	}
	near := neighbourSets(grid, true)
	q.Topographic, q.Permuted = nearest.topographicError(near, nil), nearest.permuted(near)
	q.Topographic4 = nearest.topographicError(neighbourSets(grid, false), nil)
	return q, nil
}

// permuted returns the topographic error of the same weights without an order, as a mean over some shuffles of the
// nodes.
func (n *Nearest) permuted(near []map[int]bool) float64 {
	const shuffles = 20
	rng := rand.New(rand.NewPCG(1, 0))
	mean := 0.0
	for range shuffles {
		mean += n.topographicError(near, rng.Perm(len(near))) / shuffles
	}
	return mean
}

// Check applies the lecture's threefold rule for a good map, C7.3: the topographic error and the quantisation error are
// small, and the permuted control is large, which shows that the topographic error depends on the grid. The error names
// the failed conditions.
func (q MapQuality) Check(maxTopographic, maxQuantisation, minPermuted float64) error {
	var found []string
	add := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if q.Collapsed {
		add("the map has collapsed: the spread of its nodes is %.0e of the objects'", q.Spread)
	}
	if !(q.Topographic <= maxTopographic) {
		add("topographic error %.3f, want at most %.3f", q.Topographic, maxTopographic)
	}
	if !(q.Quantisation <= maxQuantisation) {
		add("quantisation error %.4g, want at most %.4g", q.Quantisation, maxQuantisation)
	}
	if !(q.Permuted >= minPermuted) {
		add("permuted control %.3f, want at least %.3f", q.Permuted, minPermuted)
	}
	if len(found) == 0 {
		return nil
	}
	return errors.New("lecture11: " + strings.Join(found, "; "))
}

// TopographicError returns the share of objects x [l, n] whose two nearest nodes are not neighbours on the grid: among
// the 8 with corners, the 4 without, or the 6 of a hexagonal grid. A collapsed map is an error: see [NewMapQuality].
func TopographicError(backend compute.Backend, x, weights *tensors.Tensor, grid Grid, corners bool) (float64, error) {
	if err := checkBackend("TopographicError", backend); err != nil {
		return 0, err
	}
	q, err := NewMapQuality(backend, x, weights, grid)
	switch {
	case err != nil:
		return 0, err
	case q.Collapsed:
		return 0, fmt.Errorf("lecture11: TopographicError of a collapsed map: the spread of its nodes is %.1e of the "+
			"objects', want at least %.0e", q.Spread, collapsed)
	case corners:
		return q.Topographic, nil
	}
	return q.Topographic4, nil
}

// QuantisationError returns the mean over objects of the distance to the winner, ρ(x_i, w_a(x_i)), in the unit of x. It
// is not squared, as in MiniSom and most papers.
func (n *Nearest) QuantisationError() float64 {
	sum := 0.0
	for i := range n.Len() {
		sum += n.Distances[i*n.K]
	}
	return sum / float64(n.Len())
}

// topographicError returns the share of objects whose two best nodes are not neighbours. If place is not nil, it moves
// the nodes on the grid.
func (n *Nearest) topographicError(near []map[int]bool, place []int) float64 {
	errors := 0
	for i := range n.Len() {
		a, b := int(n.Nodes[i*n.K]), int(n.Nodes[i*n.K+1])
		if place != nil {
			a, b = place[a], place[b]
		}
		if !near[a][b] {
			errors++
		}
	}
	return float64(errors) / float64(n.Len())
}

// neighbourSets returns the set of the neighbours of each node.
func neighbourSets(grid Grid, corners bool) []map[int]bool {
	sets := make([]map[int]bool, grid.Nodes())
	for node := range sets {
		sets[node] = map[int]bool{}
		for _, other := range grid.Neighbours(node, corners) {
			sets[node][other] = true
		}
	}
	return sets
}

// checkSheet returns an error unless the number of weights [m, n] is that of the grid's nodes.
func checkSheet(grid Grid, weights *tensors.Tensor) error {
	if err := checkAllFinite("weights of a map", weights); err != nil {
		return err
	}
	if err := grid.check(); err != nil {
		return err
	}
	if weights == nil || weights.Rank() != 2 || weights.Shape().Dimensions[0] != grid.Nodes() || weights.Size() == 0 {
		return fmt.Errorf("lecture11: weights of shape %s for a grid of %s, want [%d, n]", shapeOf(weights), grid, grid.Nodes())
	}
	return nil
}
