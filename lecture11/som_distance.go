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

// MapDistance builds a distance ρ(x_i, w_c) for all pairs of objects x [l, n] and weights w [m, n], both float32: [l, m]. Objects
// reach it in their own unit and with all components known; NaN is refused before. As what it is built of may not be allowed
// in a loop of the device, each step, or epoch of a batch, is a call.
type MapDistance func(x, w *Node) *Node

// somMetric is the distance ρ(x, w) by which a map picks winners.
type somMetric struct {
	name string
	own  MapDistance // the user's; nil for a name of somDistances
}

// somDistances are the distances that a configuration may name; their formulas are at SOMConfig.
var somDistances = map[string]bool{"euclidean": true, "cosine": true, "manhattan": true, "chebyshev": true}

// euclidean is the metric of maps whose configuration names no other.
var euclideanMetric = somMetric{name: "euclidean"}

// metric is the distance that the configuration asks for.
func (c SOMConfig) metric() somMetric { return somMetric{c.withDefaults().Distance, c.DistanceFunc} }

// checkDistance returns an error unless Distance and DistanceFunc fit each other.
func (c SOMConfig) checkDistance() error {
	switch {
	case c.DistanceFunc == nil && !somDistances[c.Distance]:
		return fmt.Errorf("lecture11: SOMConfig.Distance = %q, want one of %q, or the ID of a DistanceFunc", c.Distance,
			slices.Sorted(maps.Keys(somDistances)))
	case c.DistanceFunc != nil && (c.Distance == "" || somDistances[c.Distance]):
		return fmt.Errorf("lecture11: SOMConfig.Distance = %q with a DistanceFunc, want an ID of its own: it stands for the "+
			"function in the key of what is trained", c.Distance)
	}
	return nil
}

// squared reports whether winners are found by ‖x − w‖², for which there are products.
func (d somMetric) squared() bool { return d.name == euclideanMetric.name }

// moves reports whether ρ(x, w) stays the same when both are moved, and keeps its ratio when both are scaled.
func (d somMetric) moves() bool { return d.own == nil && d.name != "cosine" }

// prepare returns the objects as the map sees them: for the cosine directions x/‖x‖, which have norm 1. It refuses
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

// unitObjects are the rows of x [l, n] divided by their norms, float32. A row of norm 0 is an error.
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

// pairs builds ρ(x_i, w_c) for all pairs: x [l, n] as prepare returns them, 0 where a component is missing; w [m, n];
// known [l, n] is 1 where a component is known, nil where all are. Result: [l, m].
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

// norm reduces the axis of components of differences x − w, 0 where one is missing.
func (d somMetric) norm(difference *Node, axis int) *Node {
	switch size := Abs(difference); d.name {
	case "manhattan":
		return ReduceSum(size, axis)
	case "chebyshev":
		return Neg(ReduceMin(Neg(size), axis)) // a maximum: go-xla lets a kind of reduction be in one function of a program only
	}
	return Sqrt(ReduceSum(Mul(difference, difference), axis))
}

// unitRows divides the rows of w [m, n] by their norms; a row of 0 stays 0.
func unitRows(w *Node) *Node {
	dims := w.Shape().Dimensions
	squares := Reshape(ReduceSum(Mul(w, w), 1), dims[0], 1)
	positive := GreaterThan(squares, like(squares, 0))
	inverse := Where(positive, Div(like(squares, 1), Sqrt(Where(positive, squares, like(squares, 1)))), like(squares, 0))
	return Mul(w, BroadcastToDims(inverse, dims...))
}

// pairsAtOnce is up to how many numbers the differences of objects and weights may have on a backend that stores them.
const pairsAtOnce = 1 << 24

// blocksOfPairs is pairs in blocks of objects, so that no more than pairsAtOnce differences are stored at a time.
func (d somMetric) blocksOfPairs(x, w, known *Node) *Node {
	l := x.Shape().Dim(0)
	size := min(l, max(1, pairsAtOnce/w.Shape().Size()))
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

// otherScores are the distances by which winners are found where they are not squares: [chunk, k, m].
func (p *somProgram) otherScores(s somState, c somChunk) *Node {
	flat, pairs := Reshape(s["w"], p.k*p.m, p.n), p.metric.pairs
	if p.single {
		pairs = p.metric.blocksOfPairs
	}
	pad := BroadcastToDims(Reshape(s["pad"], 1, p.k*p.m), p.chunk, p.k*p.m)
	return Reshape(Add(pairs(c.x, flat, c.known), pad), p.chunk, p.k, p.m)
}

// onlineDistances are ρ between an object of each map, x [k, n], and its weights "w" [k, n, m], from their differences, of
// the same shape: [k, m].
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
