package lecture11

import (
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Neighbourhoods describes how well a map preserves the k nearest neighbours of each object, from 0 to 1. The distance
// of two objects on the map is that of their winners on the grid.
type Neighbourhoods struct {
	K int
	// Trustworthiness is 1 if neighbours on the map are neighbours in the data. It falls with the distance in the data
	// of the other neighbours on the map:  T(k) = 1 − 2/(l·k·(2l−3k−1)) Σ_i Σ_{j∈U_k(i)} (r(i,j) − k). U_k(i) are the
	// objects that are among the k nearest of i on the map but not in the data, and r(i,j) is the rank of j by distance
	// from i in the data.
	Trustworthiness float64
	// Continuity is 1 if neighbours in the data are neighbours on the map. It falls with the distance on the map of the
	// other neighbours in the data: the same sum with the data and the map exchanged.
	Continuity float64
	// Preserved is the mean share of the k nearest in the data that are among the k nearest on the map, Q_NX(k) of Lee
	// & Verleysen 2009, eq. 20. A map without order has k/(l−1).
	Preserved float64
}

// NewNeighbourhoods compares neighbourhoods of k objects in the data x [l, n] and on the map with the weights [m, n].
// It requires k < l/2. All objects of a node are equally near on the map: all orders of equally near objects have the
// same probability, and the numbers are expectations over them. The cost grows with l²: for 10 000 objects of 784
// components, it takes seconds.
//
// Venna & Kaski 2001, "Neighborhood preservation in nonlinear projection methods", eqs. 1 and 2.
func NewNeighbourhoods(backend compute.Backend, x, weights *tensors.Tensor, grid Grid, k int) (Neighbourhoods, error) {
	if err := checkBackend("NewNeighbourhoods", backend); err != nil {
		return Neighbourhoods{}, err
	}
	none := Neighbourhoods{K: k}
	if err := checkSheet(grid, weights); err != nil {
		return none, err
	}
	nearest, err := FindNearest(backend, x, weights, 1)
	if err != nil {
		return none, err
	}
	l := nearest.Len()
	if k < 1 || 2*k >= l {
		return none, fmt.Errorf("lecture11: NewNeighbourhoods: k = %d, want 1 to less than half of %d, the number of objects", k, l)
	}
	frame, missing, err := pairFrame(x, weights)
	if err != nil {
		return none, err
	}
	if x, _, err = frame.both(x, weights); err != nil {
		return none, err
	}
	r := newMapRanks(nearest.Winners(), grid.Distances(), k)
	var sums rankErrors
	err = forBlocks(backend, x, missing, func(first int, squares []float32) {
		sums.add(r.block(first, squares))
	})
	if err != nil {
		return none, fmt.Errorf("lecture11: NewNeighbourhoods: %w", err)
	}
	return sums.neighbourhoods(l, k), nil
}

// rankErrors holds the sums over objects behind the three numbers.
type rankErrors struct{ strangers, torn, kept float64 }

func (s *rankErrors) add(o rankErrors) {
	s.strangers, s.torn, s.kept = s.strangers+o.strangers, s.torn+o.torn, s.kept+o.kept
}

func (s *rankErrors) neighbourhoods(l, k int) Neighbourhoods {
	scale := 2 / (float64(l) * float64(k) * float64(2*l-3*k-1))
	return Neighbourhoods{K: k, Trustworthiness: 1 - scale*s.strangers, Continuity: 1 - scale*s.torn,
		Preserved: s.kept / float64(l*k)}
}

// pairsPerBlock is the number of distances between objects that are held at a time.
const pairsPerBlock = 4 << 20

// forBlocks computes the squared distances of all pairs of objects, block by block of rows. squares is [rows · l] and
// is reused for the next block.
func forBlocks(backend compute.Backend, x *tensors.Tensor, missing bool, use func(first int, squares []float32)) error {
	exec, err := NewExec(backend, func(some, all *Node) *Node {
		return pairSquares(pixels(some), pixels(all), missing)
	})
	if err != nil {
		return err
	}
	defer exec.Finalize()
	l := x.Shape().Dimensions[0]
	all, err := paddedRows(x, 0, l, l) // the caller's tensor is not tied to this backend
	if err != nil {
		return err
	}
	defer all.MustFinalizeAll()
	size := min(l, max(16, pairsPerBlock/l))
	for first := 0; first < l; first += size {
		rows := min(size, l-first)
		some, err := paddedRows(x, first, rows, size)
		if err != nil {
			return err
		}
		out, err := exec.Call(some, all)
		if err != nil {
			return err
		}
		err = tensors.ConstFlatData(out[0], func(flat []float32) { use(first, flat[:rows*l]) })
		if err != nil {
			return err
		}
		if err := out[0].FinalizeAll(); err != nil {
			return err
		}
		if err := some.FinalizeAll(); err != nil {
			return err
		}
	}
	return nil
}

// pairSquares returns squared distances between objects, over the components that both have.
func pairSquares(some, all *Node, missing bool) *Node {
	if !missing {
		return squaredDistances(some, all, false)
	}
	rows := []*Node{}
	for i := range some.Shape().Dim(0) { // rare, so that it may be slow: one row of differences at a time
		row := Slice(some, AxisElem(i))
		rows = append(rows, ReduceSum(maskedSquare(Sub(row, all), true), -1))
	}
	return Stack(rows, 0)
}
