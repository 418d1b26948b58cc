package lecture11

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// MapDistance builds a distance ρ(x_i, w_c) for all pairs of objects x [l, n] and weights w [m, n], both float32: [l,
// m]. The objects have their own unit, and all their components are known: NaN is an error. Each step, or each epoch of
// a batch, is a separate call of the device, because the operations of a MapDistance may not be allowed in a loop.
type MapDistance func(x, w *Node) *Node

// somMetric is the distance ρ(x, w) by which a map picks winners.
type somMetric struct {
	name string
	own  MapDistance // custom; nil for a name of somDistances
}

// somDistances holds the distances that a configuration can name; their formulas are in the comment of SOMConfig.
var somDistances = map[string]bool{"euclidean": true, "cosine": true, "manhattan": true, "chebyshev": true}

// euclideanMetric is the metric of maps whose configuration names no other.
var euclideanMetric = somMetric{name: "euclidean"}

// metric returns the distance of the configuration.
func (c SOMConfig) metric() somMetric { return somMetric{c.withDefaults().Distance, c.DistanceFunc} }

// checkDistance returns an error unless Distance and DistanceFunc are consistent.
func (c SOMConfig) checkDistance() error {
	switch {
	case c.DistanceFunc == nil && !somDistances[c.Distance]:
		return fmt.Errorf("lecture11: SOMConfig.Distance = %q, want one of %q, or the ID of a DistanceFunc", c.Distance,
			slices.Sorted(maps.Keys(somDistances)))
	case c.DistanceFunc != nil && (c.Distance == "" || somDistances[c.Distance]):
		return fmt.Errorf("lecture11: SOMConfig.Distance = %q with a DistanceFunc, want an ID other than the names of distances: it is part of "+
			"the key of a training", c.Distance)
	}
	return nil
}

// squared reports whether winners are found by ‖x − w‖², which can be computed with products.
func (d somMetric) squared() bool { return d.name == euclideanMetric.name }

// moves reports whether ρ(x, w) is unchanged when both are translated, and keeps its ratios when both are scaled.
func (d somMetric) moves() bool { return d.own == nil && d.name != "cosine" }

// prepare returns the objects in the form that the map uses: for the cosine, directions x/‖x‖ of norm 1. It refuses
// objects that have no distance.
func (d somMetric) prepare(x *tensors.Tensor) (*tensors.Tensor, error) {
	if d.moves() || x.Size() == 0 {
		return x, nil
	}
	missing := false
	if err := checkKnown("objects", x, &missing); err != nil {
		return nil, err
	}
	if missing {
		return nil, fmt.Errorf("lecture11: objects with NaN and SOMConfig.Distance = %q, want all components known, or one of "+
			"\"euclidean\", \"manhattan\", \"chebyshev\"", d.name)
	}
	if d.name == "cosine" {
		return unitObjects(x)
	}
	if wide(x.DType()) {
		return plainFrame().rows(x, seq(x.Shape().Dimensions[1]))
	}
	return x, nil
}

// unitObjects returns the rows of x [l, n] divided by their norms, float32. A row of norm 0 is an error.
func unitObjects(x *tensors.Tensor) (out *tensors.Tensor, err error) {
	l, n := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
	flat := make([]float32, l*n)
	readErr := withNumbers(x, func(at func(i int) float64) {
		for i := range l {
			square := 0.0
			for j := range n {
				square += at(i*n+j) * at(i*n+j)
			}
			if square == 0 {
				err = fmt.Errorf("lecture11: row %d of the objects is 0 in every component, want a direction with "+
					"SOMConfig.Distance = \"cosine\"", i)
				return
			}
			for j := range n {
				flat[i*n+j] = float32(at(i*n+j) / math.Sqrt(square))
			}
		}
	})
	if readErr != nil {
		return nil, readErr
	}
	return tensors.FromFlatDataAndDimensions(flat, l, n), err
}

// pairs builds ρ(x_i, w_c) for all pairs. x [l, n] is the result of prepare, with 0 where a component is missing; w [m,
// n]; known [l, n] is 1 where a component is known, or nil if all are. Result: [l, m].
func (d somMetric) pairs(x, w, known *Node) *Node {
	l, m, n := x.Shape().Dim(0), w.Shape().Dim(0), w.Shape().Dim(1)
	switch {
	case d.own != nil:
		result := d.own(x, w)
		if !slices.Equal(result.Shape().Dimensions, []int{l, m}) {
			panic(fmt.Errorf("lecture11: SOMConfig.DistanceFunc %q returns %s for x %s and w %s, want [%d, %d]", d.name, result.Shape(),
				x.Shape(), w.Shape(), l, m))
		}
		return ConvertDType(result, dtypes.Float32)
	case d.name == "cosine":
		product := DotGeneral(x, []int{1}, nil, unitRows(w), []int{1}, nil) // [l, m]
		return Sub(like(product, 1), product)
	}
	wide := func(x *Node, rows, columns int) *Node { return BroadcastToDims(Reshape(x, rows, columns, n), l, m, n) }
	difference := Sub(wide(x, l, 1), wide(w, 1, m))
	if known != nil {
		difference = Mul(difference, wide(known, l, 1))
	}
	return d.norm(difference, 2)
}

// norm reduces the components axis of differences x − w, which are 0 where a component is missing.
func (d somMetric) norm(difference *Node, axis int) *Node {
	switch size := Abs(difference); d.name {
	case "manhattan":
		return ReduceSum(size, axis)
	case "chebyshev":
		return Neg(ReduceMin(Neg(size), axis)) // a maximum: go-xla allows a kind of reduction in only one function of a program
	}
	return Sqrt(ReduceSum(Mul(difference, difference), axis))
}

// unitRows divides the rows of w [m, n] by their norms; a row of zeros is unchanged.
func unitRows(w *Node) *Node {
	dims := w.Shape().Dimensions
	squares := Reshape(ReduceSum(Mul(w, w), 1), dims[0], 1)
	positive := GreaterThan(squares, like(squares, 0))
	inverse := Where(positive, Div(like(squares, 1), Sqrt(Where(positive, squares, like(squares, 1)))), like(squares, 0))
	return Mul(w, BroadcastToDims(inverse, dims...))
}

// pairsAtOnce is the largest number of differences between objects and weights on a backend that stores them.
const pairsAtOnce = 1 << 24

// blockOfPairs returns the number of objects, of l, in a block for weights of the given size.
func blockOfPairs(l, size int) int { return min(l, max(1, pairsAtOnce/size)) }

// blocksOfPairs computes pairs in blocks of objects, so that at most pairsAtOnce differences are stored at a time.
func (d somMetric) blocksOfPairs(x, w, known *Node) *Node {
	l := x.Shape().Dim(0)
	size := blockOfPairs(l, w.Shape().Size())
	var blocks []*Node
	for first := 0; first < l; first += size {
		cut := func(x *Node) *Node {
			if x == nil || size == l {
				return x
			}
			return Slice(x, AxisRange(first, min(first+size, l)))
		}
		blocks = append(blocks, d.pairs(cut(x), w, cut(known)))
	}
	return Concatenate(blocks, 0)
}

// otherScores returns the distances that find winners if they are not squares: [chunk, k, m].
func (p *somProgram) otherScores(s somState, c somChunk) *Node {
	flat, pairs := Reshape(s["w"], p.k*p.m, p.n), p.metric.pairs
	if p.single {
		pairs = p.metric.blocksOfPairs
	}
	pad := BroadcastToDims(Reshape(s["pad"], 1, p.k*p.m), p.chunk, p.k*p.m)
	return Reshape(Add(pairs(c.x, flat, c.known), pad), p.chunk, p.k, p.m)
}

// onlineDistances returns ρ between an object of each map, x [k, n], and its weights "w" [k, n, m], from their
// differences, which have the same shape: [k, m].
func (p *somProgram) onlineDistances(s somState, x, difference *Node) *Node {
	if p.metric.moves() {
		return p.metric.norm(difference, 1)
	}
	var rows []*Node
	for i := range p.k {
		w := Transpose(Reshape(Slice(s["w"], AxisRange(i, i+1)), p.n, p.m), 0, 1)
		rows = append(rows, p.metric.pairs(Slice(x, AxisRange(i, i+1)), w, nil))
	}
	return Concatenate(rows, 0)
}
