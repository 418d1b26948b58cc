package lecture11

import (
	"maps"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// somProgram describes the compiled training of k maps. All of its graphs have the maps as leading axis; for one map k
// = 1. Maps with fewer nodes than m are padded with nodes that never win.
type somProgram struct {
	k, m, n  int // maps, nodes of the largest, components
	width    int // columns of the grid, if its kernel is a product over columns and rows; else 0
	l        int // objects
	chunk    int // objects at a time
	hood     neighbourhood
	metric   somMetric
	missing  bool // whether some components are NaN
	weighted bool // whether objects have weights
	heskes   bool // whether the winner is Heskes's
	single   bool // whether the backend has no loops: one step or epoch per call, on all objects at once
}

// wholeKernel is the largest size of a kernel of all pairs of nodes, [k, m, m], that is held at once. A larger one is
// computed in blocks of rows.
const wholeKernel = 1 << 20

func (p *somProgram) kernelFits() bool { return p.k*p.m*p.m <= wholeKernel }

// farAway is the distance of a padding node. It never wins, and no number becomes infinite.
const farAway = 1e30

// somGeometry returns the grids of k maps as tensors: positions "px", "py" [k, m], and extents "ex", "ey" [k] after
// which a torus repeats (infinite for other grids). "pad" [k, m] is 0 for a node and farAway for a padding node.
func somGeometry(configs []SOMConfig, m int) map[string]*tensors.Tensor {
	k := len(configs)
	px, py, pad := make([]float32, k*m), make([]float32, k*m), make([]float32, k*m)
	ex, ey := make([]float32, k), make([]float32, k)
	for i, c := range configs {
		grid := c.Grid
		grid.Hex = grid.Hex && !neighbourhoods[c.Neighbourhood].cells
		ex[i], ey[i] = float32(math.Inf(1)), float32(math.Inf(1))
		if grid.Torus {
			w, h := grid.size()
			ex[i], ey[i] = float32(w), float32(h)
		}
		for node := range m {
			if node >= grid.Nodes() {
				pad[i*m+node] = farAway
				continue
			}
			x, y := grid.Position(node)
			px[i*m+node], py[i*m+node] = float32(x), float32(y)
		}
	}
	return map[string]*tensors.Tensor{
		"px": tensors.FromFlatDataAndDimensions(px, k, m), "py": tensors.FromFlatDataAndDimensions(py, k, m),
		"ex": tensors.FromFlatDataAndDimensions(ex, k), "ey": tensors.FromFlatDataAndDimensions(ey, k),
		"pad": tensors.FromFlatDataAndDimensions(pad, k, m),
	}
}

// somState is the state of a loop, by name. The body of a graph.While cannot use nodes of the function around it, so
// that everything that it needs is in the state.
type somState map[string]*Node

// names returns the names of the state in the order of its nodes.
func (s somState) names() []string { return slices.Sorted(maps.Keys(s)) }

func (s somState) nodes() []*Node {
	var nodes []*Node
	for _, name := range s.names() {
		nodes = append(nodes, s[name])
	}
	return nodes
}

// named returns nodes in the order of names as a state.
func named(names []string, nodes []*Node) somState {
	s := somState{}
	for i, name := range names {
		s[name] = nodes[i]
	}
	return s
}

// loop runs body while more holds, and returns the last state. body changes the state that it is given. On a backend
// without loops body runs once, and the caller ensures that this is enough.
func (p *somProgram) loop(g *Graph, s somState, more func(s somState) *Node, body func(s somState)) somState {
	return p.newLoop(g, s, more, body)(s)
}

// newLoop returns a loop that can be run several times, on states with the names of s.
func (p *somProgram) newLoop(g *Graph, s somState, more func(s somState) *Node, body func(s somState)) func(somState) somState {
	if p.single {
		return func(s somState) somState {
			body(s)
			return s
		}
	}
	names := s.names()
	parameters := func(g *Graph) somState {
		p := somState{}
		for _, name := range names {
			p[name] = Parameter(g, name, s[name].Shape())
		}
		return p
	}
	cond := NewClosure(g, func(g *Graph) []*Node { return []*Node{more(parameters(g))} })
	step := NewClosure(g, func(g *Graph) []*Node {
		p := parameters(g)
		body(p)
		for _, name := range slices.Collect(maps.Keys(p)) {
			if _, ok := s[name]; !ok {
				delete(p, name) // created in the body, not used after it
			}
		}
		return p.nodes()
	})
	return func(s somState) somState { return named(names, While(cond, step, s.nodes()...)) }
}

// zeros returns new zeros for each use, for the same reason as like.
func zeros(g *Graph, dims ...int) *Node { return BroadcastToDims(Const(g, float32(0)), dims...) }

// scale multiplies x by a number.
func scale(x *Node, v float64) *Node { return Mul(x, like(x, v)) }

// next increments a counter.
func next(i *Node) *Node { return Add(i, Const(i.Graph(), int32(1))) }

// row returns row i of a table [rows, k]: [k].
func row(table, i *Node) *Node {
	return Reshape(Gather(table, Reshape(i, 1, 1)), table.Shape().Dim(1))
}

// setRow writes values [k] to row i of a table [rows, k].
func setRow(table, i, values *Node) *Node {
	dims := table.Shape().Dimensions
	here := Equal(Iota(table.Graph(), shapeOfInts(dims), 0), BroadcastToDims(i, dims...))
	return Where(here, BroadcastToDims(Reshape(values, 1, dims[1]), dims...), table)
}

// firstLeast returns the index of the smallest number along the last axis, the first of equal ones, and that number, as
// ArgMin and ReduceMin do. On a CPU, XLA computes minima with vector instructions, but the pairs of ArgMin one by one.
func firstLeast(x *Node) (place, least *Node) {
	least = ReduceMin(x, -1)
	dims := x.Shape().Dimensions
	here := Equal(x, BroadcastToDims(ExpandAxes(least, -1), dims...))
	places := Iota(x.Graph(), shapeOfInts(dims), len(dims)-1)
	none := BroadcastToDims(Const(x.Graph(), int32(dims[len(dims)-1])), dims...)
	return ReduceMin(Where(here, places, none), -1), least
}

// kernelRows returns K(r; σ) between nodes at px, py [k, rows] and all m nodes: [k, rows, m]. sigma: [k].
func (p *somProgram) kernelRows(s somState, px, py, sigma *Node) *Node {
	dims := []int{p.k, px.Shape().Dim(1), p.m}
	dx := p.offset(px, s["px"], s["ex"], dims)
	dy := p.offset(py, s["py"], s["ey"], dims)
	return p.hood.build(dx, dy, BroadcastToDims(Reshape(sigma, p.k, 1, 1), dims...))
}

// offset returns |a − b|, on a torus over the nearer border: a [k, rows], b [k, columns], extent [k]; result dims [k, rows,
// columns].
func (p *somProgram) offset(a, b, extent *Node, dims []int) *Node {
	d := Abs(Sub(
		BroadcastToDims(Reshape(a, p.k, dims[1], 1), dims...),
		BroadcastToDims(Reshape(b, p.k, 1, dims[2]), dims...)))
	return Min(d, Sub(BroadcastToDims(Reshape(extent, p.k, 1, 1), dims...), d))
}

// around returns K(r; σ) between the winner of each map, [k], and all its nodes: [k, m].
func (p *somProgram) around(s somState, winner, sigma *Node) *Node {
	index := Reshape(p.flatNode(winner), p.k, 1)
	at := func(positions *Node) *Node { return Reshape(Gather(Reshape(positions, p.k*p.m), index), p.k, 1) }
	return Reshape(p.kernelRows(s, at(s["px"]), at(s["py"]), sigma), p.k, p.m)
}

// flatNode converts nodes of maps […, k] to rows of the flat weights [k·m, n].
func (p *somProgram) flatNode(node *Node) *Node {
	if p.k == 1 {
		return node
	}
	dims := node.Shape().Dimensions
	mapIndex := Iota(node.Graph(), shapeOfInts(dims), len(dims)-1)
	return Add(node, Mul(mapIndex, BroadcastToDims(Const(node.Graph(), int32(p.m)), dims...)))
}

// dotMaps returns the matrix product of a and b for each map: both have rank 3 with the maps first, and axis i of a is
// summed with axis j of b. For one map it is built without the maps axis, with which XLA's products are several times
// slower.
func (p *somProgram) dotMaps(a *Node, i int, b *Node, j int) *Node {
	if p.k > 1 {
		return DotGeneral(a, []int{i}, []int{0}, b, []int{j}, []int{0})
	}
	flat := func(x *Node) *Node { return Reshape(x, x.Shape().Dimensions[1:]...) }
	product := DotGeneral(flat(a), []int{i - 1}, nil, flat(b), []int{j - 1}, nil)
	return Reshape(product, append([]int{1}, product.Shape().Dimensions...)...)
}

// objects converts rows of x to numbers; bytes become [0, 1].
func objects(x *Node) *Node {
	if x.DType() == dtypes.Float32 {
		return x
	}
	return scale(ConvertDType(x, dtypes.Float32), 1.0/255)
}

// present returns 1 for a known component and 0 for NaN, and x with 0 in place of NaN.
func present(x *Node) (known, filled *Node) {
	is := Equal(x, x)
	return asFloat(is), Where(is, x, like(x, 0))
}
