package lecture11

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// A step of online training, the slide's: for one object x_i
//
//	winner  a = argmin_c ‖x_i − w_c‖²
//	all c   w_c := w_c + η·K(r(a, c))·(x_i − w_c)
//
// An object of weight ω moves a node as ω visits in a row would: by 1 − (1 − ηK)^ω of the way.

// manyComponents is from where on products of a block of objects with all weights beat differences object by object.
const manyComponents = 128

// onlineBlock is how many steps share these products.
const onlineBlock = 8

// blocked tells how the steps are computed; both ways give the same numbers up to rounding.
func (p *somProgram) blocked() bool { return p.n >= manyComponents && !p.missing && !p.single }

// online builds a loop of "count" steps. In state: the weights "w" [k, m, n], and for each step the object "order"
// (int32), "eta" and "sigma", [steps, k]; out besides: "wins", the winner of each step, and "qe", the sum of the weighted
// distances to the winners, [k].
func (p *somProgram) online(g *Graph, s somState) somState {
	dims := s["order"].Shape().Dimensions
	s["wins"] = BroadcastToDims(Const(g, int32(0)), dims...)
	s["qe"] = zeros(g, p.k)
	s["i"] = Const(g, int32(0))
	more := func(s somState) *Node { return LessThan(s["i"], s["count"]) }
	if p.blocked() {
		return p.loop(g, s, more, p.onlineBlock)
	}
	s["w"] = Transpose(s["w"], 1, 2)
	s = p.loop(g, s, more, p.onlineStep)
	s["w"] = Transpose(s["w"], 1, 2)
	return s
}

// onlineStep builds step "i" difference by difference. Here "w" is [k, n, m]: sums over components then run along the nodes,
// of which there are many, and not along a few components.
func (p *somProgram) onlineStep(s somState) {
	i := s["i"]
	dims := []int{p.k, p.n, p.m}
	object := Reshape(row(s["order"], i), p.k, 1)
	x := objects(Gather(s["x"], object)) // [k, n]
	difference := Sub(BroadcastToDims(Reshape(x, p.k, p.n, 1), dims...), s["w"])
	if p.missing {
		_, difference = present(difference)
	}
	square := Add(ReduceSum(Mul(difference, difference), 1), s["pad"]) // [k, m]
	winner := ArgMin(square, 1, dtypes.Int32)                          // [k]
	share := p.share(s, object, winner, row(s["eta"], i), row(s["sigma"], i))
	s["w"] = Add(s["w"], Mul(BroadcastToDims(Reshape(share, p.k, 1, p.m), dims...), difference))
	s["wins"] = setRow32(s["wins"], i, winner)
	s["qe"] = Add(s["qe"], p.weighted1(s, object, Sqrt(ReduceMin(square, 1))))
	s["i"] = next(i)
}

// share is how far of the way to the object each node goes: [k, m], from the winner, η and σ, each [k].
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

// weighted1 multiplies values [k] by the weights of one object for each map.
func (p *somProgram) weighted1(s somState, object, values *Node) *Node {
	if !p.weighted {
		return values
	}
	return Mul(values, Reshape(Gather(s["weights"], object), p.k))
}

// setRow32 writes values [k] into row i of a table [rows, k] of int32.
func setRow32(table, i, values *Node) *Node {
	if table.Shape().Dim(0) == 1 {
		return Reshape(values, 1, values.Shape().Dim(0))
	}
	return DynamicUpdateSlice(table, Reshape(values, 1, values.Shape().Dim(0)), []*Node{i, Const(i.Graph(), int32(0))})
}

// onlineBlock builds the B steps from "i" on, or those of them that are before "count". Within a block all weights are
// mixtures w_t = s_t·w_0 + Σ_j β_tj·x_j of those at its start and of its objects, so that three products at its ends,
//
//	P_jc = w_c·x_j,  G_jk = x_j·x_k  and  w_B = s_B·w_0 + βᵀX,
//
// hold all that is long; a step then moves, for all nodes, ‖w‖² and the products with the objects to come:
//
//	‖w‖² := (1−a)²‖w‖² + 2a(1−a)·P_t + a²·G_tt,   P_j := (1−a)·P_j + a·G_tj   with a = η·K(r(winner, c)).
//
// The arithmetic is the step's own in another order, and the weights are read and written once for the block.
func (p *somProgram) onlineBlock(s somState) {
	const size = onlineBlock
	g := s["i"].Graph()
	b := p.startBlock(s)
	var shares, wins, least []*Node
	for t := range size {
		winner, share, score := p.blockStep(s, b, t)
		shares, wins, least = append(shares, share), append(wins, winner), append(least, score)
	}
	s["qe"] = Add(s["qe"], p.blockDistances(s, b, Stack(least, 0)))
	s["w"] = p.endBlock(s, b, shares)
	s["wins"] = DynamicUpdateSlice(s["wins"], Stack(wins, 0), []*Node{s["i"], Const(g, int32(0))})
	s["i"] = Add(s["i"], Const(g, int32(size)))
}

// somBlock is a block of steps under way.
type somBlock struct {
	order, eta, sigma *Node // [B, k]
	counts            *Node // [B, k], 1 for a step before "count", else 0
	x                 *Node // [k, B, n], the objects, from the centre
	w                 *Node // [k, m, n], the weights at the start, from the centre
	gram              *Node // [k, B, B], x_j·x_k
	products          *Node // [k, B − t, m], w_c·x_j for the objects from the present one on
	squares           *Node // [k, m], ‖w_c‖²
}

func (p *somProgram) startBlock(s somState) *somBlock {
	i := s["i"]
	g := i.Graph()
	cut := func(table *Node) *Node {
		return DynamicSlice(table, []*Node{i, Const(g, int32(0))}, []int{onlineBlock, p.k})
	}
	b := &somBlock{order: cut(s["order"]), eta: cut(s["eta"]), sigma: cut(s["sigma"]), w: p.moved(s["w"], s["centre"])}
	steps := Add(Iota(g, shapeOfInts([]int{onlineBlock, p.k}), 0), BroadcastToDims(i, onlineBlock, p.k))
	b.counts = asFloat(LessThan(steps, BroadcastToDims(s["count"], onlineBlock, p.k)))
	b.eta = Mul(b.eta, b.counts) // a step of η = 0 moves nothing
	index := Reshape(Transpose(b.order, 0, 1), p.k*onlineBlock, 1)
	b.x = p.moved(Reshape(objects(Gather(s["x"], index)), p.k, onlineBlock, p.n), s["centre"])
	b.products = p.dotMaps(b.x, 2, b.w, 2)
	b.gram = p.dotMaps(b.x, 2, b.x, 2)
	b.squares = ReduceSum(Mul(b.w, b.w), 2)
	return b
}

// blockStep builds step t of a block: the winner [k], how far each node goes [k, m], the winner's ‖w‖² − 2w·x [k].
func (p *somProgram) blockStep(s somState, b *somBlock, t int) (winner, share, least *Node) {
	of := func(table *Node) *Node { return Reshape(Slice(table, AxisElem(t), AxisRange()), p.k) }
	dims := []int{p.k, p.m}
	product := Reshape(Slice(b.products, AxisRange(), AxisElem(0), AxisRange()), dims...)
	own := Reshape(Slice(b.gram, AxisRange(), AxisElem(t), AxisElem(t)), p.k, 1) // ‖x_t‖²
	score := Add(Sub(b.squares, scale(product, 2)), s["pad"])
	winner, least = ArgMin(score, 1, dtypes.Int32), ReduceMin(score, 1)
	share = p.share(s, Reshape(of(b.order), p.k, 1), winner, of(b.eta), of(b.sigma))
	keep := Sub(like(share, 1), share)
	b.squares = Add(Mul(Mul(keep, keep), b.squares), Add(
		scale(Mul(Mul(share, keep), product), 2),
		Mul(Mul(share, share), BroadcastToDims(own, dims...))))
	b.advance(p, t, share, keep)
	return winner, share, least
}

// blockDistances sums the weighted distances to the winners of a block's steps: [k], from their ‖w‖² − 2w·x, [B, k].
func (p *somProgram) blockDistances(s somState, b *somBlock, least *Node) *Node {
	var own []*Node
	for t := range onlineBlock {
		own = append(own, Reshape(Slice(b.gram, AxisRange(), AxisElem(t), AxisElem(t)), p.k))
	}
	square := Add(least, Stack(own, 0))
	distances := Mul(b.counts, Sqrt(Max(square, like(square, 0))))
	if p.weighted {
		index := Reshape(b.order, onlineBlock*p.k, 1)
		distances = Mul(distances, Reshape(Gather(s["weights"], index), onlineBlock, p.k))
	}
	return ReduceSum(distances, 0)
}

// advance moves the products with the objects after t.
func (b *somBlock) advance(p *somProgram, t int, share, keep *Node) {
	left := onlineBlock - t - 1
	if left == 0 {
		return
	}
	dims := []int{p.k, left, p.m}
	wide := func(x *Node) *Node { return BroadcastToDims(Reshape(x, p.k, 1, p.m), dims...) }
	with := Slice(b.gram, AxisRange(), AxisElem(t), AxisRange(t+1)) // [k, 1, left]
	with = BroadcastToDims(Reshape(with, p.k, left, 1), dims...)
	rest := Slice(b.products, AxisRange(), AxisRange(1), AxisRange())
	b.products = Add(Mul(wide(keep), rest), Mul(wide(share), with))
}

// endBlock gives the weights after the block. Nodes that did not move keep theirs to the bit: what is added is 0.
func (p *somProgram) endBlock(s somState, b *somBlock, shares []*Node) *Node {
	after := like(shares[0], 1) // Π_{later} (1 − a)
	betas := make([]*Node, len(shares))
	for t := len(shares) - 1; t >= 0; t-- {
		betas[t] = Mul(shares[t], after)
		after = Mul(after, Sub(like(after, 1), shares[t]))
	}
	beta := Stack(betas, 1) // [k, B, m]
	mixed := p.dotMaps(beta, 1, b.x, 1)
	lost := BroadcastToDims(Reshape(Sub(after, like(after, 1)), p.k, p.m, 1), p.k, p.m, p.n)
	return Add(s["w"], Add(mixed, Mul(lost, b.w)))
}
