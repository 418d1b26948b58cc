package lecture11

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// A step of online training, as on the slide, for one object x_i:
//
//	winner  a = argmin_c ‖x_i − w_c‖²
//	all c   w_c := w_c + η·K(r(a, c))·(x_i − w_c)
//
// An object of weight ω moves a node as far as ω consecutive visits would: by the share 1 − (1 − ηK)^ω of the distance.

// manyComponents is the number of components from which products of a block of objects with all weights are faster than
// differences object by object.
const manyComponents = 128

// onlineBlock is the number B of steps that share these products.
const onlineBlock = 64

// blocked reports whether steps are computed in blocks. Both methods give the same numbers up to rounding.
func (p *somProgram) blocked() bool {
	return p.n >= manyComponents && p.metric.squared() && !p.missing && !p.single
}

// online builds a loop of "count" steps. The state holds the weights "w" [k, m, n] and, for each step, the object
// "order" (int32), "eta" and "sigma", [steps, k]. The result also holds "wins", the winner of each step, and "qe", the
// sum of the weighted distances to the winners, [k].
func (p *somProgram) online(g *Graph, s somState) somState {
	dims := s["order"].Shape().Dimensions
	s["wins"] = BroadcastToDims(Const(g, int32(0)), dims...)
	s["qe"] = zeros(g, p.k)
	s["i"] = Const(g, int32(0))
	more := func(s somState) *Node { return LessThan(s["i"], s["count"]) }
	if p.blocked() {
		return p.onlineBlocks(g, s)
	}
	s["w"] = Transpose(s["w"], 1, 2)
	s = p.loop(g, s, more, p.onlineStep)
	s["w"] = Transpose(s["w"], 1, 2)
	return s
}

// onlineStep builds step "i" difference by difference. Here "w" is [k, n, m]: sums over components then run along the
// many nodes and not along a few components.
func (p *somProgram) onlineStep(s somState) {
	i := s["i"]
	dims := []int{p.k, p.n, p.m}
	object := Reshape(row(s["order"], i), p.k, 1)
	x := objects(Gather(s["x"], object)) // [k, n]
	difference := Sub(BroadcastToDims(Reshape(x, p.k, p.n, 1), dims...), s["w"])
	if p.missing {
		_, difference = present(difference)
	}
	winner, distance := p.nearest(s, x, difference) // [k]
	share := p.share(s, object, winner, row(s["eta"], i), row(s["sigma"], i))
	s["w"] = Add(s["w"], Mul(BroadcastToDims(Reshape(share, p.k, 1, p.m), dims...), difference))
	s["wins"] = setRow32(s["wins"], i, winner)
	s["qe"] = Add(s["qe"], p.weighted1(s, object, distance))
	s["i"] = next(i)
}

// nearest returns the winners of an object of each map, x [k, n], and their distances, [k], from the differences [k, n,
// m].
func (p *somProgram) nearest(s somState, x, difference *Node) (winner, distance *Node) {
	if !p.metric.squared() {
		return firstLeast(Add(p.onlineDistances(s, x, difference), s["pad"]))
	}
	winner, least := firstLeast(Add(ReduceSum(Mul(difference, difference), 1), s["pad"]))
	return winner, Sqrt(least)
}

// share returns the share of the distance to the object that each node moves, [k, m], from the winner, η and σ, each
// [k].
func (p *somProgram) share(s somState, object, winner, eta, sigma *Node) *Node {
	kernel := p.around(s, winner, sigma)
	dims := []int{p.k, p.m}
	share := Mul(kernel, BroadcastToDims(Reshape(eta, p.k, 1), dims...))
	if !p.weighted {
		return share
	}
	omega := BroadcastToDims(Gather(s["weights"], object), dims...)
	return Sub(like(share, 1), Pow(Sub(like(share, 1), share), omega))
}

// weighted1 multiplies values [k] by the weight of one object for each map.
func (p *somProgram) weighted1(s somState, object, values *Node) *Node {
	if !p.weighted {
		return values
	}
	return Mul(values, Reshape(Gather(s["weights"], object), p.k))
}

// setRow32 writes values [k] to row i of a table [rows, k] of int32.
func setRow32(table, i, values *Node) *Node {
	if table.Shape().Dim(0) == 1 {
		return Reshape(values, 1, values.Shape().Dim(0))
	}
	return DynamicUpdateSlice(table, Reshape(values, 1, values.Shape().Dim(0)), []*Node{i, Const(i.Graph(), int32(0))})
}

// onlineBlocks builds the steps in blocks of B; steps from "count" on move nothing. Within a block all weights are
// linear combinations w_t = s_t·w_0 + Σ_j β_tj·x_j of the weights at its start and of its objects, so that three
// products at its ends,
//
//	P_jc = w_c·x_j,  G_jk = x_j·x_k  and  w_B = s_B·w_0 + βᵀX,
//
// contain all the long operations. A step then updates, for all nodes, ‖w‖² and the products with the following
// objects:
//
//	‖w‖² := (1−a)²‖w‖² + 2a(1−a)·P_t + a²·G_tt,   P_j := (1−a)·P_j + a·G_tj   with a = η·K(r(winner, c)).
//
// The arithmetic is that of the single step in another order, and the weights are read and written once per block. s
// and the shares β_j of the previous objects are updated in the same way, and form one table with P: rows 0 … t are β_0
// … β_t, rows t + 1 … B − 1 are the following products, and row B is s. The steps of a block are a loop; the blocks are
// not, because GoMLX has no nested loops.
func (p *somProgram) onlineBlocks(g *Graph, s somState) somState {
	var steps func(somState) somState
	var wins []*Node
	for first := 0; first < s["order"].Shape().Dim(0); first += onlineBlock {
		w := s["w"]
		b, x := p.startBlock(s, w, first)
		if steps == nil {
			steps = p.newLoop(g, b, beforeBlockEnd, p.blockStep)
		}
		b = steps(b)
		p.advance(b, Const(g, int32(onlineBlock-1)))
		s["qe"] = Add(s["qe"], b["qe"])
		s["w"] = p.endBlock(w, x, b["table"])
		wins = append(wins, b["wins"])
	}
	s["wins"] = Concatenate(wins, 0)
	return s
}

func beforeBlockEnd(b somState) *Node {
	return LessThan(b["t"], Const(b["t"].Graph(), int32(onlineBlock)))
}

// startBlock returns the state of the loop over the B steps starting at first, and their objects [k, B, n].
func (p *somProgram) startBlock(s somState, w *Node, first int) (b somState, x *Node) {
	const size = onlineBlock
	g := w.Graph()
	cut := func(table *Node) *Node { return Slice(table, AxisRange(first, first+size)) }
	order := cut(s["order"])
	index := Reshape(Transpose(order, 0, 1), p.k*size, 1)
	x = Reshape(objects(Gather(s["x"], index)), p.k, size, p.n)
	products := p.dotMaps(x, 2, w, 2) // [k, B, m]
	counts := LessThan(AddScalar(Iota(g, shapeOfInts([]int{size, p.k}), 0), first), BroadcastToDims(s["count"], size, p.k))
	b = somState{
		"t": Const(g, int32(0)), "order": order, "sigma": cut(s["sigma"]), "counts": asFloat(counts),
		"eta":     Mul(cut(s["eta"]), asFloat(counts)), // a step with η = 0 moves nothing
		"table":   Concatenate([]*Node{products, like(Slice(products, AxisRange(), AxisRange(0, 1)), 1)}, 1),
		"product": zeros(g, p.k, p.m), "share": zeros(g, p.k, p.m), "squares": ReduceSum(Mul(w, w), 2),
		"wins": BroadcastToDims(Const(g, int32(0)), size, p.k), "qe": zeros(g, p.k),
	}
	b["own"], b["gram"] = p.gram(x)
	for _, name := range []string{"px", "py", "ex", "ey", "pad", "weights"} {
		b[name] = s[name]
	}
	return b, x
}

// gram returns the parts of the products G of a block's objects [k, B, n]: ‖x_t‖², [B, k], and for
// step t the factor of a that is added to each row of the table, [B, k, B + 1]. This factor is G_tj for the following
// products, 1 for the step's own share, else 0.
func (p *somProgram) gram(x *Node) (own, added *Node) {
	const size = onlineBlock
	g := x.Graph()
	gram := p.dotMaps(x, 2, x, 2)
	shape := shapeOfInts([]int{p.k, size, size})
	now, other := Iota(g, shape, 1), Iota(g, shape, 2)
	own = ReduceSum(Where(Equal(now, other), gram, like(gram, 0)), 2)
	added = Where(LessThan(now, other), gram, asFloat(Equal(now, other)))
	added = Concatenate([]*Node{added, zeros(g, p.k, size, 1)}, 2)
	return Transpose(own, 0, 1), Transpose(added, 0, 1)
}

// blockStep builds step "t" of a block: first the moves of the previous step, then its own winner and "share", a [k,
// m]. In this order XLA computes the shares once, and not again for each row of the table.
func (p *somProgram) blockStep(b somState) {
	t := b["t"]
	p.advance(b, Sub(t, Const(t.Graph(), int32(1))))
	winner, least := firstLeast(Add(Sub(b["squares"], scale(b["product"], 2)), b["pad"]))
	object := Reshape(row(b["order"], t), p.k, 1)
	b["share"] = p.share(b, object, winner, row(b["eta"], t), row(b["sigma"], t))
	square := Add(least, row(b["own"], t))
	distance := Mul(row(b["counts"], t), Sqrt(Max(square, like(square, 0))))
	b["qe"] = Add(b["qe"], p.weighted1(b, object, distance))
	b["wins"] = setRow32(b["wins"], t, winner)
	b["t"] = next(t)
}

// advance updates ‖w‖² and the table by the shares of step t, and takes the "product" of step t + 1, [k, m]. Before the
// first step, t = −1, the shares are 0, and XLA reads row 0 in place of row −1.
func (p *somProgram) advance(b somState, t *Node) {
	g, zero := t.Graph(), Const(t.Graph(), int32(0))
	share, product, table := b["share"], b["product"], b["table"]
	keep := Sub(like(share, 1), share)
	own := BroadcastToDims(Reshape(row(b["own"], t), p.k, 1), p.k, p.m)
	b["squares"] = Add(Mul(Mul(keep, keep), b["squares"]), Add(
		scale(Mul(Mul(share, keep), product), 2), Mul(Mul(share, share), own)))

	dims := table.Shape().Dimensions // [k, B + 1, m]
	wide := func(x *Node) *Node { return BroadcastToDims(Reshape(x, p.k, 1, p.m), dims...) }
	added := DynamicSlice(b["gram"], []*Node{t, zero, zero}, []int{1, p.k, onlineBlock + 1})
	added = BroadcastToDims(Reshape(added, p.k, onlineBlock+1, 1), dims...)
	here := Equal(Iota(g, shapeOfInts(dims), 1), BroadcastToDims(t, dims...))
	rest := Where(here, like(table, 0), table) // the product of this step is no longer needed
	b["table"] = Add(Mul(wide(keep), rest), Mul(wide(share), added))
	b["product"] = Reshape(DynamicSlice(b["table"], []*Node{zero, next(t), zero}, []int{p.k, 1, p.m}), p.k, p.m)
}

// endBlock returns the weights after a block, [k, m, n], from the weights w before it, the objects and the table. Nodes
// that did not move keep theirs to the bit, because the summand is 0.
func (p *somProgram) endBlock(w, x, table *Node) *Node {
	mixed := p.dotMaps(Slice(table, AxisRange(), AxisRange(0, onlineBlock)), 1, x, 1)
	left := Reshape(Slice(table, AxisRange(), AxisElem(onlineBlock)), p.k, p.m, 1)
	lost := BroadcastToDims(Sub(left, like(left, 1)), p.k, p.m, p.n)
	return Add(w, Add(mixed, Mul(lost, w)))
}
