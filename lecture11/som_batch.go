package lecture11

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// An epoch of batch training (Kohonen 2013, "Essentials of the self-organizing map"; slide "Kohonen map training" with
// all objects at once):
//
//	a_i = argmin_c ‖x_i − w_c‖²          for all i
//	S_c = Σ_{a_i = c} ω_i·x_i,  N_c = Σ_{a_i = c} ω_i
//	w_c := (1 − η)·w_c + η·(Σ_b K(r(b, c))·S_b) / (Σ_b K(r(b, c))·N_b)
//
// The winners come from ‖w‖² − 2x·w, a matrix product of a chunk of objects with the weights, so that at most chunk·m
// distances are held. If components are missing, norms and N are over those present. A node with no winners near it, so
// that the divisor is 0, keeps its weights.

// leastWeight is the divisor below which a node keeps its weights. Far from all winners the tail of the kernel is
// meaningless.
const leastWeight = 1e-30

func shapeOfInts(dims []int) shapes.Shape { return shapes.Make(dtypes.Int32, dims...) }

// prepare adds to the state the values that an epoch derives from the weights.
func (p *somProgram) prepare(s somState, sigma *Node) {
	p.clear(s, s["w"].Graph())
	if !p.metric.squared() {
		return
	}
	flat := Reshape(s["w"], p.k*p.m, p.n)
	squares := Mul(flat, flat)
	s["minusTwo"] = scale(flat, -2) // [k·m, n]
	if p.missing {
		s["wSquares"] = squares
		s["bias"] = Reshape(s["pad"], p.k*p.m)
	} else {
		// ReduceSum cannot be used here: go-xla allows a kind of reduction in only one function of a program, and the
		// sums over the objects are in the body of the loop.
		norms := DotGeneral(squares, []int{1}, nil, like(Slice(squares, AxisElem(0)), 1), []int{1}, nil) // [k·m, 1]
		s["bias"] = Add(Reshape(norms, p.k*p.m), Reshape(s["pad"], p.k*p.m))
	}
	if p.heskes {
		s["kernel"] = p.realNodes(s, p.kernelRows(s, s["px"], s["py"], sigma))
	}
}

// clear sets the sums of an epoch to 0. The last row of sums and counts collects the objects that a chunk repeats.
func (p *somProgram) clear(s somState, g *Graph) {
	s["sums"] = zeros(g, p.k*p.m+1, p.n)
	s["counts"] = zeros(g, p.countDims()...)
	s["qe"] = zeros(g, p.k)
	s["energy"] = zeros(g, p.k)
	s["changed"] = zeros(g, p.k)
}

func (p *somProgram) countDims() []int {
	if p.missing {
		return []int{p.k*p.m + 1, p.n}
	}
	return []int{p.k*p.m + 1}
}

// somChunk holds the objects of one chunk.
type somChunk struct {
	start *Node // the first row of x, int32; nil where the chunk is all of x
	valid *Node // [chunk], 0 for an object that the previous chunk had too; nil if there are none
	x     *Node // [chunk, n], 0 where a component is missing
	known *Node // [chunk, n], 1 where a component is known; nil where none is missing
	omega *Node // [chunk], the weights; nil where there are none
}

// take takes chunk i of the objects. The last chunk starts earlier so that it is full; the repeated objects do not
// count.
func (p *somProgram) take(s somState, i *Node) somChunk {
	var c somChunk
	if p.chunk < p.l {
		g := i.Graph()
		from := Mul(i, Const(g, int32(p.chunk)))
		c.start = Min(from, Const(g, int32(p.l-p.chunk)))
		if p.l%p.chunk != 0 {
			rows := Add(Iota(g, shapeOfInts([]int{p.chunk}), 0), BroadcastToDims(c.start, p.chunk))
			c.valid = asFloat(GreaterOrEqual(rows, BroadcastToDims(from, p.chunk)))
		}
	}
	c.x = objects(p.rowsOf(s["x"], c.start))
	if p.missing {
		c.known, c.x = present(c.x)
	}
	if p.weighted {
		c.omega = p.rowsOf(s["weights"], c.start)
	}
	return c
}

// rowsOf returns the chunk's rows of x [l, …].
func (p *somProgram) rowsOf(x, start *Node) *Node {
	if start == nil {
		return x
	}
	size := append([]int{p.chunk}, x.Shape().Dimensions[1:]...)
	at := []*Node{start}
	for range size[1:] {
		at = append(at, Const(x.Graph(), int32(0)))
	}
	return DynamicSlice(x, at, size)
}

// accumulate finds the winners of a chunk and adds its objects to their sums.
func (p *somProgram) accumulate(s somState, c somChunk) {
	var winner, distance *Node // [chunk, k]
	if p.metric.squared() {
		winner, distance = p.winners(s, c)
	} else {
		winner, distance = firstLeast(p.otherScores(s, c))
	}
	s["qe"] = Add(s["qe"], p.total(c, distance))
	p.noteWinners(s, c, winner)
	p.scatter(s, c, winner)
}

// winners finds the winners of a chunk by squared distances, and their distances: [chunk, k].
func (p *somProgram) winners(s somState, c somChunk) (winner, distance *Node) {
	squares := p.scores(s, c)            // [chunk, k, m], ‖x − w‖² − ‖x‖²
	norms := ReduceSum(Mul(c.x, c.x), 1) // [chunk], ‖x‖²
	dims := []int{p.chunk, p.k}
	best := squares
	if p.heskes {
		best = p.heskesScores(s, squares, norms)
	}
	winner, least := firstLeast(best)
	if p.heskes {
		s["energy"] = Add(s["energy"], p.total(c, least))
		least = p.at(squares, winner)
	}
	square := Add(least, BroadcastToDims(Reshape(norms, p.chunk, 1), dims...))
	return winner, Sqrt(Max(square, like(square, 0)))
}

// scores returns ‖x − w‖² − ‖x‖² for a chunk and all nodes, [chunk, k, m].
func (p *somProgram) scores(s somState, c somChunk) *Node {
	product := DotGeneral(c.x, []int{1}, nil, s["minusTwo"], []int{1}, nil) // [chunk, k·m]
	if p.missing {
		product = Add(product, DotGeneral(c.known, []int{1}, nil, s["wSquares"], []int{1}, nil))
	}
	bias := BroadcastToDims(Reshape(s["bias"], 1, p.k*p.m), p.chunk, p.k*p.m)
	return Reshape(Add(product, bias), p.chunk, p.k, p.m)
}

// heskesScores returns Σ_b K(r(b, c))·‖x − w_b‖², which Heskes's winner minimises: [chunk, k, m]. Heskes 1999, "Energy
// functions for self-organizing maps".
func (p *somProgram) heskesScores(s somState, squares, norms *Node) *Node {
	dims := squares.Shape().Dimensions
	full := Add(squares, BroadcastToDims(Reshape(norms, p.chunk, 1, 1), dims...))
	around := DotGeneral(full, []int{2}, []int{1}, s["kernel"], []int{1}, []int{0}) // [k, chunk, m]
	pad := BroadcastToDims(Reshape(s["pad"], 1, p.k, p.m), dims...)
	return Add(Transpose(around, 0, 1), pad)
}

// realNodes sets the columns and rows of the kernel [k, m, m] for nodes that only pad a map to 0.
func (p *somProgram) realNodes(s somState, kernel *Node) *Node {
	real := asFloat(Equal(s["pad"], like(s["pad"], 0)))
	dims := kernel.Shape().Dimensions
	rows := BroadcastToDims(Reshape(real, p.k, p.m, 1), dims...)
	columns := BroadcastToDims(Reshape(real, p.k, 1, p.m), dims...)
	return Mul(kernel, Mul(rows, columns))
}

// at returns the score of a node for each object and map: scores [chunk, k, m], node [chunk, k].
func (p *somProgram) at(scores, node *Node) *Node {
	dims := scores.Shape().Dimensions
	nodes := BroadcastToDims(Reshape(node, p.chunk, p.k, 1), dims...)
	here := Equal(Iota(scores.Graph(), shapeOfInts(dims), 2), nodes)
	return ReduceSum(Where(here, scores, like(scores, 0)), 2)
}

// total sums values [chunk, k] over the objects that count, weighted by the objects' weights: [k].
func (p *somProgram) total(c somChunk, values *Node) *Node {
	for _, factor := range []*Node{c.valid, c.omega} {
		if factor != nil {
			values = Mul(values, BroadcastToDims(Reshape(factor, p.chunk, 1), p.chunk, p.k))
		}
	}
	return ReduceSum(values, 0)
}

// noteWinners counts the objects whose winner differs from that of the previous epoch, and stores the winners.
func (p *somProgram) noteWinners(s somState, c somChunk, winner *Node) {
	if s["winners"] == nil {
		return
	}
	changed := asFloat(NotEqual(winner, p.rowsOf(s["winners"], c.start)))
	if c.valid != nil {
		changed = Mul(changed, BroadcastToDims(Reshape(c.valid, p.chunk, 1), p.chunk, p.k))
	}
	s["changed"] = Add(s["changed"], ReduceSum(changed, 0))
	if c.start == nil {
		s["winners"] = winner
		return
	}
	s["winners"] = DynamicUpdateSlice(s["winners"], winner, []*Node{c.start, Const(winner.Graph(), int32(0))})
}

// scatter adds the objects of a chunk to the sums of their winners.
func (p *somProgram) scatter(s somState, c somChunk, winner *Node) {
	g, rows := winner.Graph(), p.chunk*p.k
	target := p.flatNode(winner) // [chunk, k]
	if c.valid != nil {
		dims := target.Shape().Dimensions
		none := BroadcastToDims(Const(g, int32(p.k*p.m)), dims...)
		counts := Equal(c.valid, like(c.valid, 1))
		target = Where(BroadcastToDims(Reshape(counts, p.chunk, 1), dims...), target, none)
	}
	target = Reshape(target, rows, 1)
	s["sums"] = ScatterSum(s["sums"], target, p.forEachMap(p.times(c, c.x)), false, false)
	count := BroadcastToDims(Const(g, float32(1)), p.chunk)
	switch {
	case p.missing:
		count = p.times(c, c.known)
	case p.weighted:
		count = c.omega
	}
	s["counts"] = ScatterSum(s["counts"], target, p.forEachMap(count), false, false)
}

// times multiplies rows of x [chunk, n] by the weights of the objects.
func (p *somProgram) times(c somChunk, x *Node) *Node {
	if c.omega == nil {
		return x
	}
	return Mul(x, BroadcastToDims(Reshape(c.omega, p.chunk, 1), x.Shape().Dimensions...))
}

// forEachMap repeats each row k times: [chunk, …] → [chunk·k, …].
func (p *somProgram) forEachMap(x *Node) *Node {
	if p.k == 1 {
		return x
	}
	rest := x.Shape().Dimensions[1:]
	wide := append([]int{p.chunk, p.k}, rest...)
	one := append([]int{p.chunk, 1}, rest...)
	return Reshape(BroadcastToDims(Reshape(x, one...), wide...), append([]int{p.chunk * p.k}, rest...)...)
}
