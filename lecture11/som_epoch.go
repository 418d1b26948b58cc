package lecture11

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// apply updates the weights at the end of an epoch. eta, sigma: [k]; m0, rows: the block of nodes; result: [k, rows,
// n].
func (p *somProgram) apply(s somState, eta, sigma, m0 *Node, rows int) *Node {
	block := func(x *Node) *Node { // rows m0 … of axis 1
		if rows == p.m {
			return x
		}
		at := []*Node{Const(x.Graph(), int32(0)), m0}
		size := []int{p.k, rows}
		if x.Rank() == 3 {
			at, size = append(at, Const(x.Graph(), int32(0))), append(size, p.n)
		}
		return DynamicSlice(x, at, size)
	}
	kernel := p.kernelRows(s, block(s["px"]), block(s["py"]), sigma) // [k, rows, m]
	dims := []int{p.k, rows, p.n}
	sums := Reshape(Slice(s["sums"], AxisRange(0, p.k*p.m)), p.k, p.m, p.n)
	top := p.dotMaps(kernel, 2, sums, 1) // [k, rows, n]
	counts := Slice(s["counts"], AxisRange(0, p.k*p.m))
	var bottom *Node
	if p.missing {
		bottom = p.dotMaps(kernel, 2, Reshape(counts, p.k, p.m, p.n), 1)
	} else {
		bottom = BroadcastToDims(p.dotMaps(kernel, 2, Reshape(counts, p.k, p.m, 1), 1), dims...)
	}
	return p.towards(block(s["w"]), top, bottom, eta)
}

// towards moves weights w towards top/bottom, all [k, rows, n], by the share eta [k]. A node whose divisor is 0 keeps its
// weights.
func (p *somProgram) towards(w, top, bottom, eta *Node) *Node {
	won := GreaterThan(bottom, like(bottom, leastWeight))
	mean := Div(top, Where(won, bottom, like(bottom, 1)))
	eta = BroadcastToDims(Reshape(eta, p.k, 1, 1), w.Shape().Dimensions...)
	return Where(won, Add(Mul(Sub(like(eta, 1), eta), w), Mul(eta, mean)), w)
}

// epochs builds a loop of "count" epochs on data that are one chunk. The state holds the weights "w" [k, m, n], the
// "winners" [l, k], the number of epochs "stable" in which they have not changed, and the tables "eta", "sigma"
// [epochs, k]. The result also holds the tables "qes", "changes", "energies" [epochs, k].
func (p *somProgram) epochs(g *Graph, s somState) somState {
	height := s["eta"].Shape().Dim(0)
	for _, name := range []string{"qes", "changes", "energies"} {
		s[name] = zeros(g, height, p.k)
	}
	s["i"] = Const(g, int32(0))
	more := func(s somState) *Node {
		going := LessThan(s["i"], s["count"])
		return LogicalAnd(going, LessThan(s["stable"], s["stop"]))
	}
	return p.loop(g, s, more, func(s somState) {
		sigma := row(s["sigma"], s["i"])
		p.prepare(s, sigma)
		p.accumulate(s, p.take(s, s["i"]))
		s["w"] = p.apply(s, row(s["eta"], s["i"]), sigma, nil, p.m)
		p.endEpoch(s, s["i"])
		s["i"] = next(s["i"])
	})
}

// endEpoch writes the values of an epoch to its row of the tables.
func (p *somProgram) endEpoch(s somState, i *Node) {
	s["qes"] = setRow(s["qes"], i, s["qe"])
	s["changes"] = setRow(s["changes"], i, s["changed"])
	s["energies"] = setRow(s["energies"], i, s["energy"])
	any := ReduceAllMax(s["changed"])
	s["stable"] = Where(Equal(any, like(any, 0)), next(s["stable"]), Const(any.Graph(), int32(0)))
}

// epoch builds one epoch: a loop over the chunks, then the update, in blocks of nodes if the map is large. The state
// and the result are those of epochs, with tables of one row.
func (p *somProgram) epoch(g *Graph, s somState) somState {
	eta, sigma := Reshape(s["eta"], p.k), Reshape(s["sigma"], p.k)
	p.prepare(s, sigma)
	for _, name := range []string{"qes", "changes", "energies"} {
		s[name] = zeros(g, 1, p.k)
	}
	s["i"] = Const(g, int32(0))
	chunks := (p.l + p.chunk - 1) / p.chunk
	s = p.loop(g, s,
		func(s somState) *Node { return LessThan(s["i"], Const(s["i"].Graph(), int32(chunks))) },
		func(s somState) {
			p.accumulate(s, p.take(s, s["i"]))
			s["i"] = next(s["i"])
		})
	p.endEpoch(s, Const(g, int32(0)))
	s["i"] = Const(g, int32(1))
	s["w"] = p.applyAll(g, s, eta, sigma)
	return s
}

// applyAll updates the weights of all nodes. If the kernel of all pairs would be large, it is applied along the rows and the
// columns, or block by block.
func (p *somProgram) applyAll(g *Graph, s somState, eta, sigma *Node) *Node {
	if p.separates() {
		return p.applySeparately(s, eta, sigma)
	}
	if p.kernelFits() || p.single {
		return p.apply(s, eta, sigma, nil, p.m)
	}
	rows := max(1, wholeKernel/p.m/p.k)
	blocks := (p.m + rows - 1) / rows
	state := somState{"block": Const(g, int32(0)), "etaNow": eta, "sigmaNow": sigma, "new": s["w"]}
	for _, name := range []string{"w", "sums", "counts", "px", "py", "ex", "ey"} {
		state[name] = s[name]
	}
	state = p.loop(g, state,
		func(s somState) *Node { return LessThan(s["block"], Const(s["block"].Graph(), int32(blocks))) },
		func(s somState) {
			g := s["block"].Graph()
			at := Min(Mul(s["block"], Const(g, int32(rows))), Const(g, int32(p.m-rows)))
			zero := Const(g, int32(0))
			s["new"] = DynamicUpdateSlice(s["new"], p.apply(s, s["etaNow"], s["sigmaNow"], at, rows), []*Node{zero, at, zero})
			s["block"] = next(s["block"])
		})
	return state["new"]
}
