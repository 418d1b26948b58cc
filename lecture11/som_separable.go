package lecture11

import . "github.com/gomlx/gomlx/core/graph"

// On a grid of columns and rows some kernels are a product of one for the columns and one for the rows,
//
//	K(r(b, c)) = K(Δcolumn)·K(Δrow),
//
// such as e^{−r²/2σ²} with r² = Δcolumn² + Δrow². Then Σ_b K(r(b, c))·S_b is a sum along the rows and one along the
// columns: m·(Width + Height) products instead of m². It is used for maps whose kernel of all pairs would be large. On
// smaller maps a single matrix product is as fast.

// columns returns the number of columns of a grid on which the kernel is such a product, else 0.
func (h neighbourhood) columns(g Grid) int {
	if !h.product || g.Hex && !h.cells {
		return 0
	}
	return g.Width
}

// separates reports whether the kernel is applied along the rows and the columns.
func (p *somProgram) separates() bool { return p.width > 0 && p.k == 1 && !p.kernelFits() }

// applySeparately updates the weights at the end of an epoch, as apply does. eta, sigma: [1]; result: [1, m, n].
func (p *somProgram) applySeparately(s somState, eta, sigma *Node) *Node {
	rows := p.m / p.width
	along := p.sideKernel(Slice(s["px"], AxisRange(), AxisRange(0, p.width)), s["ex"], sigma)
	across := p.sideKernel(Reshape(Slice(Reshape(s["py"], rows, p.width), AxisRange(), AxisElem(0)), 1, rows), s["ey"], sigma)
	smooth := func(x *Node) *Node { // [m + 1, columns] → [1, m, columns]
		columns := x.Shape().Size() / (p.m + 1)
		x = Reshape(Slice(x, AxisRange(0, p.m)), rows, p.width, columns)
		x = DotGeneral(across, []int{1}, nil, x, []int{0}, nil) // [rows, width, columns]
		x = DotGeneral(along, []int{1}, nil, x, []int{1}, nil)  // [width, rows, columns]
		return Reshape(Transpose(x, 0, 1), 1, p.m, columns)
	}
	bottom := BroadcastToDims(smooth(s["counts"]), 1, p.m, p.n)
	return p.towards(s["w"], smooth(s["sums"]), bottom, eta)
}

// sideKernel returns K between the nodes of one column or row: [side, side]. places: [1, side]; extent, sigma: [1].
func (p *somProgram) sideKernel(places, extent, sigma *Node) *Node {
	side := places.Shape().Dim(1)
	dims := []int{1, side, side}
	d := p.offset(places, places, extent, dims)
	return Reshape(p.hood.build(d, like(d, 0), BroadcastToDims(Reshape(sigma, 1, 1, 1), dims...)), side, side)
}
