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

// Nearest holds, for each of l objects, the K nodes of a map whose weights are nearest to it: what every reading and
// every measure of a map starts from. Slide "Kohonen map training", the WTA line.
type Nearest struct {
	K         int
	Nodes     []int32   // [l · K], object by object, the winner first
	Distances []float64 // [l · K], ρ(x_i, w), Euclidean, in the unit of x
}

// FindNearest finds the k nodes nearest to each object:
//
//	a(x_i) = argmin_{(a,b)} ρ(x_i, w_ab),  then the second best, …
//
// x [l, n] (float32, or bytes read as [0, 1]); weights [m, n]; of equally near nodes the one with the smaller index comes
// first. A component that is NaN is left out of the distance, which is then over fewer components. The objects go through
// the device in batches, so that nothing of l·m numbers is held.
func FindNearest(backend compute.Backend, x, weights *tensors.Tensor, k int) (*Nearest, error) {
	if err := checkBackend("FindNearest", backend); err != nil {
		return nil, err
	}
	if err := checkMap(x, weights); err != nil {
		return nil, err
	}
	if m := weights.Shape().Dimensions[0]; k < 1 || k > m {
		return nil, fmt.Errorf("lecture11: FindNearest: k = %d, want 1 to %d, the number of nodes", k, m)
	}
	if missing, err := hasNaN(weights); err != nil {
		return nil, fmt.Errorf("lecture11: FindNearest: weights: %w", err)
	} else if missing {
		return nil, fmt.Errorf("lecture11: FindNearest: weights with NaN, want finite numbers")
	}
	missing, err := hasNaN(x)
	if err != nil {
		return nil, fmt.Errorf("lecture11: FindNearest: %w", err)
	}
	out, err := inBatches(backend, func(x, w *Node) []*Node { return nearestNodes(pixels(x), w, k, missing) }, x, weights)
	if err != nil {
		return nil, fmt.Errorf("lecture11: FindNearest: %w", err)
	}
	n := &Nearest{K: k}
	if n.Nodes, err = tensors.CopyFlatData[int32](out[0]); err != nil {
		return nil, err
	}
	if n.Distances, err = float64s(out[1]); err != nil {
		return nil, err
	}
	n.order()
	return n, nil
}

// Len is the number l of objects.
func (n *Nearest) Len() int { return len(n.Nodes) / n.K }

// Winners are the best nodes a(x_i), [l].
func (n *Nearest) Winners() []int32 {
	winners := make([]int32, n.Len())
	for i := range winners {
		winners[i] = n.Nodes[i*n.K]
	}
	return winners
}

// order sorts the nodes of each object by distance: those that the fast product could not tell apart may have come in
// another order.
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
	if weights == nil || weights.Rank() != 2 || weights.DType() != dtypes.Float32 || weights.Size() == 0 {
		return fmt.Errorf("lecture11: weights of a map: %s, want float32 [m, n]", shapeOf(weights))
	}
	if x == nil || x.Rank() != 2 || x.Size() == 0 || x.Shape().Dimensions[1] != weights.Shape().Dimensions[1] {
		return fmt.Errorf("lecture11: objects of shape %s, want [l, %d] with at least one object: the map's weights are %s",
			shapeOf(x), weights.Shape().Dimensions[1], weights.Shape())
	}
	if x.DType() != dtypes.Float32 && x.DType() != dtypes.Uint8 {
		return fmt.Errorf("lecture11: objects of type %s, want float32, or bytes read as [0, 1]", x.DType())
	}
	return nil
}

// hasNaN tells whether a component is missing. An infinite one is an error.
func hasNaN(x *tensors.Tensor) (found bool, err error) {
	if x.DType() != dtypes.Float32 {
		return false, nil
	}
	infinite := -1
	err = tensors.ConstFlatData(x, func(flat []float32) {
		for i, v := range flat {
			found = found || v != v
			if math.IsInf(float64(v), 0) && infinite < 0 {
				infinite = i
			}
		}
	})
	if n := x.Shape().Dimensions[1]; infinite >= 0 {
		return found, fmt.Errorf("component %d of row %d is infinite, want a number, or NaN for a missing one",
			infinite%n, infinite/n)
	}
	return found, err
}

// fewComponents is up to where distances are summed difference by difference. Above it they come from a matrix product,
// which is faster and rounds more.
const fewComponents = 16

// nearestNodes gives the k best nodes [batch, k] (int32) and their distances, computed difference by difference.
func nearestNodes(x, w *Node, k int, missing bool) []*Node {
	squares := squaredDistances(x, w, missing) // [batch, m]
	batch, m := squares.Shape().Dim(0), squares.Shape().Dim(1)
	taken := Scalar(x.Graph(), squares.DType(), math.Inf(1))
	var nodes, distances []*Node
	for range k {
		best, _ := firstLeast(squares) // [batch]
		nodes = append(nodes, best)
		exact := maskedSquare(Sub(x, Gather(w, ExpandAxes(best, -1))), missing) // [batch, n]
		distances = append(distances, Sqrt(ReduceSum(exact, -1)))
		won := Equal(Iota(x.Graph(), squares.Shape().Clone(), 1), ConvertDType(BroadcastToDims(ExpandAxes(best, -1), batch, m),
			squares.DType()))
		squares = Where(won, BroadcastToDims(taken, batch, m), squares)
	}
	return []*Node{Stack(nodes, 1), Stack(distances, 1)}
}

// squaredDistances are ‖x_i − w_j‖² over the components that are present: x [l, n], w [m, n]; result [l, m].
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

// maskedSquare squares differences; those to a missing component count 0.
func maskedSquare(d *Node, missing bool) *Node {
	if missing {
		_, d = present(d)
	}
	return Square(d)
}

// inBatches applies a graph function of a batch of objects and of a second argument to all rows of x, and joins the
// results, each [l, …].
func inBatches(backend compute.Backend, fn func(x, second *Node) []*Node, x, second *tensors.Tensor) ([]*tensors.Tensor,
	error) {
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
	return mapBatches(x, min(inferenceBatch, x.Shape().Dimensions[0]),
		func(_ int, batch *tensors.Tensor) ([]*tensors.Tensor, error) { return exec.Call(batch, second) })
}
