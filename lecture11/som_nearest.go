package lecture11

import (
	"fmt"
	"math"
	"sort"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Nearest holds, for each of l objects, the K nodes of a map whose weights are nearest to it. All readings and measures
// of a map start from it. Slide "Kohonen map training", the WTA line.
type Nearest struct {
	K         int
	Nodes     []int32   // [l · K], object by object, the winner first
	Distances []float64 // [l · K], ρ(x_i, w): Euclidean, in the unit of x, unless the map names another distance
}

// FindNearest finds the k nodes nearest to each object by the Euclidean distance:
//
//	a(x_i) = argmin_{(a,b)} ρ(x_i, w_ab),  then the second best, …
//
// x [l, n] (float32, float64, int32, int64, or bytes scaled to [0, 1]) and weights [m, n] (float32 or float64) may be
// of any scale. Of equally near nodes, the one with the smaller index comes first. A NaN component is left out of the
// distance, which is then over fewer components. An infinite component, or an object without any known component, is an
// error. The objects go through the device in batches, so that no tensor has l·m numbers. For a map with another
// distance see [SOM.Nearest].
func FindNearest(backend compute.Backend, x, weights *tensors.Tensor, k int) (*Nearest, error) {
	return findNearest(backend, x, weights, k, euclideanMetric)
}

// findNearest is FindNearest with the distance metric.
func findNearest(backend compute.Backend, x, weights *tensors.Tensor, k int, metric somMetric) (*Nearest, error) {
	if err := checkBackend("FindNearest", backend); err != nil {
		return nil, err
	}
	if err := checkMap(x, weights); err != nil {
		return nil, err
	}
	m := weights.Shape().Dimensions[0]
	if k < 1 || k > m {
		return nil, fmt.Errorf("lecture11: nearest nodes: k = %d, want 1 to %d, the number of nodes", k, m)
	}
	x, err := metric.prepare(x)
	if err != nil {
		return nil, err
	}
	frame, missing, err := pairFrame(x, weights)
	if err != nil {
		return nil, err
	}
	if !metric.moves() {
		frame = plainFrame()
	}
	if x, weights, err = frame.both(x, weights); err != nil {
		return nil, err
	}
	rows := inferenceBatch
	if !metric.squared() {
		rows = min(rows, max(1, pairsAtOnce/weights.Size()))
	}
	out, err := inBatches(backend, rows, func(x, w *Node) []*Node { return nearestNodes(pixels(x), w, k, metric, missing) }, x, weights)
	if err != nil {
		return nil, fmt.Errorf("lecture11: nearest nodes: %w", err)
	}
	return newNearest(k, out, frame.unit)
}

// newNearest takes over the results of nearestNodes in a frame with the given unit.
func newNearest(k int, out []*tensors.Tensor, unit float64) (n *Nearest, err error) {
	n = &Nearest{K: k}
	if n.Nodes, err = tensors.CopyFlatData[int32](out[0]); err != nil {
		return nil, err
	}
	if n.Distances, err = float64s(out[1]); err != nil {
		return nil, err
	}
	for i := range n.Distances {
		n.Distances[i] *= unit
	}
	n.order()
	return n, nil
}

// Len returns the number l of objects.
func (n *Nearest) Len() int { return len(n.Nodes) / n.K }

// Winners returns the best nodes a(x_i), [l].
func (n *Nearest) Winners() []int32 {
	winners := make([]int32, n.Len())
	for i := range winners {
		winners[i] = n.Nodes[i*n.K]
	}
	return winners
}

// order sorts the nodes of each object by distance. Nodes that the fast product cannot distinguish may be in another
// order before.
func (n *Nearest) order() {
	for i := range n.Len() {
		sort.Sort(nearestRow{n.Nodes[i*n.K : (i+1)*n.K], n.Distances[i*n.K : (i+1)*n.K]})
	}
}

type nearestRow struct {
	nodes     []int32
	distances []float64
}

func (r nearestRow) Len() int { return len(r.nodes) }
func (r nearestRow) Less(i, j int) bool {
	return r.distances[i] < r.distances[j] || r.distances[i] == r.distances[j] && r.nodes[i] < r.nodes[j]
}
func (r nearestRow) Swap(i, j int) {
	r.nodes[i], r.nodes[j] = r.nodes[j], r.nodes[i]
	r.distances[i], r.distances[j] = r.distances[j], r.distances[i]
}

// checkMap returns an error unless x [l, n] are objects for weights [m, n].
func checkMap(x, weights *tensors.Tensor) error {
	if err := checkTensors("objects and weights of a map", x, weights); err != nil {
		return err
	}
	if weights == nil || weights.Rank() != 2 || !isFloat(weights) || weights.Size() == 0 {
		return fmt.Errorf("lecture11: weights of a map: %s, want float32 or float64 [m, n]", shapeOf(weights))
	}
	if x == nil || x.Rank() != 2 || x.Size() == 0 || x.Shape().Dimensions[1] != weights.Shape().Dimensions[1] {
		return fmt.Errorf("lecture11: objects of shape %s, want [l, %d] with at least one object: the map's weights are %s",
			shapeOf(x), weights.Shape().Dimensions[1], weights.Shape())
	}
	return checkNumbers(x)
}

// isFloat reports whether t holds float32 or float64 numbers, as the weights of a map do.
func isFloat(t *tensors.Tensor) bool {
	return t.DType() == dtypes.Float32 || t.DType() == dtypes.Float64
}

// fewComponents is the largest number of components for which distances are summed difference by difference. Above it
// they come from a matrix product, which is faster and rounds more.
const fewComponents = 16

// nearestNodes builds the k best nodes [batch, k] (int32) and their distances, which are computed difference by
// difference.
func nearestNodes(x, w *Node, k int, metric somMetric, missing bool) []*Node {
	scores := metric.scores(x, w, missing) // [batch, m]
	batch, m := scores.Shape().Dim(0), scores.Shape().Dim(1)
	taken := Scalar(x.Graph(), scores.DType(), math.Inf(1))
	var nodes, distances []*Node
	for range k {
		best, least := firstLeast(scores) // [batch]
		nodes = append(nodes, best)
		distances = append(distances, metric.exact(x, w, best, least, missing))
		won := Equal(Iota(x.Graph(), scores.Shape().Clone(), 1), ConvertDType(BroadcastToDims(ExpandAxes(best, -1), batch, m),
			scores.DType()))
		scores = Where(won, BroadcastToDims(taken, batch, m), scores)
	}
	return []*Node{Stack(nodes, 1), Stack(distances, 1)}
}

// scores builds the values that the nearest node minimises, for all pairs: ρ, or its square. x [l, n], w [m, n];
// result: [l, m].
func (d somMetric) scores(x, w *Node, missing bool) *Node {
	if d.squared() {
		return squaredDistances(x, w, missing)
	}
	var known *Node
	if missing {
		known, x = present(x)
	}
	return d.pairs(x, w, known)
}

// exact builds the distances ρ of objects x [l, n] to the nodes [l] that have the scores [l], with the digits that
// products lose. For the cosine it is 1 − cos = ½‖x/‖x‖ − w/‖w‖‖².
func (d somMetric) exact(x, w, nodes, scores *Node, missing bool) *Node {
	if !d.squared() && d.name != "cosine" {
		return scores
	}
	if !d.squared() {
		w = unitRows(w)
	}
	near := Gather(w, ExpandAxes(nodes, -1)) // [l, n]
	square := ReduceSum(maskedSquare(Sub(x, near), missing), -1)
	if d.squared() {
		return Sqrt(square)
	}
	norm := ReduceSum(Mul(near, near), -1)
	return Where(GreaterThan(norm, like(norm, 0)), scale(square, 0.5), like(norm, 1))
}

// squaredDistances returns ‖x_i − w_j‖² over the components that are present: x [l, n], w [m, n]; result: [l, m].
func squaredDistances(x, w *Node, missing bool) *Node {
	if x.Shape().Dim(1) <= fewComponents {
		return ReduceSum(maskedSquare(Sub(ExpandAxes(x, 1), ExpandAxes(w, 0)), missing), -1)
	}
	middle := ReduceAndKeep(w, ReduceMean, 0) // near zero the terms below are small, and so are their rounding errors
	x, w = Sub(x, middle), Sub(w, middle)
	squares := Transpose(Square(w), 0, 1)        // [n, m]
	rest := ReduceAndKeep(squares, ReduceSum, 0) // [1, m]
	if missing {
		var known *Node
		known, x = present(x)
		rest = MatMul(known, squares) // [l, m]
	}
	product := MatMul(x, Transpose(w, 0, 1)) // [l, m]
	return Add(Sub(ReduceAndKeep(Square(x), ReduceSum, 1), MulScalar(product, 2)), rest)
}

// maskedSquare squares differences. The difference to a missing component counts as 0.
func maskedSquare(d *Node, missing bool) *Node {
	if missing {
		_, d = present(d)
	}
	return Square(d)
}

// inBatches applies a graph function of a batch of objects, at most rows rows of x, and of a second argument to all
// rows of x, and joins the results, each [l, …].
func inBatches(backend compute.Backend, rows int, fn func(x, second *Node) []*Node, x, second *tensors.Tensor) (
	[]*tensors.Tensor, error) {
	exec, err := NewExec(backend, fn)
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	// A copy goes to the device: the caller's tensor is not tied to this backend.
	if second, err = paddedRows(second, 0, second.Shape().Dimensions[0], second.Shape().Dimensions[0]); err != nil {
		return nil, err
	}
	defer second.MustFinalizeAll()
	return mapBatches(x, min(rows, x.Shape().Dimensions[0]),
		func(_ int, batch *tensors.Tensor) ([]*tensors.Tensor, error) { return exec.Call(batch, second) })
}
