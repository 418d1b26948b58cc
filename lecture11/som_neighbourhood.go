package lecture11

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// neighbourhood is a kernel K on the grid in two forms: built into a graph, and for two nodes. The arguments of kernel
// are the absolute offsets dx, dy of nodes and the radius σ > 0, all of one shape. [neighbourhood.build] handles r = 0
// and σ = 0.
type neighbourhood struct {
	cells   bool // whether offsets are in columns and rows for any arrangement of the grid
	product bool // whether K(Δx, Δy) = K(Δx, 0)·K(0, Δy)
	kernel  func(dx, dy, sigma *Node) *Node
	value   func(dx, dy, sigma float64) float64
}

// neighbourhoods holds the kernels that a configuration can name; their formulas are in the comment of
// SOMConfig.Kernel.
var neighbourhoods = map[string]neighbourhood{
	"gaussian":     {product: true, kernel: gaussianKernel, value: gaussianValue},
	"cut gaussian": {kernel: cutGaussianKernel, value: cutGaussianValue},
	"bubble":       {kernel: bubbleKernel, value: bubbleValue},
	"triangle":     {kernel: triangleKernel, value: triangleValue},
	"square bubble": {cells: true, product: true,
		kernel: func(dx, dy, s *Node) *Node { return asFloat(LogicalAnd(LessThan(dx, s), LessThan(dy, s))) },
		value:  func(dx, dy, s float64) float64 { return indicator(dx < s && dy < s) }},
	"square triangle": {cells: true, product: true,
		kernel: func(dx, dy, s *Node) *Node { return Mul(ramp(dx, s), ramp(dy, s)) },
		value:  func(dx, dy, s float64) float64 { return max(0, 1-dx/s) * max(0, 1-dy/s) }},
}

// rim makes a bubble include nodes at the distance σ despite rounding.
const rim = 1 + 1e-5

// like returns a constant of the shape of x. The graph functions below take their scalars from it, because it builds a
// new one each time: GoMLX's own scalars are cached for a graph and must not be shared by the bodies of its loops.
func like(x *Node, v float64) *Node {
	return BroadcastToDims(Const(x.Graph(), float32(v)), x.Shape().Dimensions...)
}

func asFloat(b *Node) *Node { return ConvertDType(b, dtypes.Float32) }

func gridSquare(dx, dy *Node) *Node { return Add(Mul(dx, dx), Mul(dy, dy)) }

func ramp(r, s *Node) *Node { return Max(like(r, 0), Sub(like(r, 1), Div(r, s))) }

func gaussianKernel(dx, dy, s *Node) *Node {
	return Exp(Div(Mul(like(dx, -0.5), gridSquare(dx, dy)), Mul(s, s)))
}

func bubbleKernel(dx, dy, s *Node) *Node {
	return asFloat(LessOrEqual(gridSquare(dx, dy), Mul(like(s, rim), Mul(s, s))))
}

func cutGaussianKernel(dx, dy, s *Node) *Node {
	return Mul(gaussianKernel(dx, dy, s), bubbleKernel(dx, dy, s))
}

func triangleKernel(dx, dy, s *Node) *Node { return ramp(Sqrt(gridSquare(dx, dy)), s) }

func gaussianValue(dx, dy, s float64) float64 { return math.Exp(-(dx*dx + dy*dy) / (2 * s * s)) }
func bubbleValue(dx, dy, s float64) float64   { return indicator(dx*dx+dy*dy <= rim*s*s) }
func cutGaussianValue(dx, dy, s float64) float64 {
	return gaussianValue(dx, dy, s) * bubbleValue(dx, dy, s)
}
func triangleValue(dx, dy, s float64) float64 { return max(0, 1-math.Hypot(dx, dy)/s) }

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// build returns K for offsets dx, dy and radii sigma ≥ 0, all of one shape.
func (h neighbourhood) build(dx, dy, sigma *Node) *Node {
	zero, one := like(dx, 0), like(dx, 1)
	positive := GreaterThan(sigma, zero)
	k := Where(positive, h.kernel(dx, dy, Where(positive, sigma, one)), zero)
	return Where(Equal(gridSquare(dx, dy), zero), one, k)
}

// Kernel returns K(r(a, b)) at the radius σ, the strength with which node b moves when a wins. By the name in
// Neighbourhood, with the grid distance r:
//
//	gaussian         e^{−r²/2σ²}
//	cut gaussian     e^{−r²/2σ²}·[r ≤ σ]
//	bubble           [r ≤ σ]
//	triangle         max(0, 1 − r/σ)
//	square bubble    [|Δcolumn| < σ]·[|Δrow| < σ], MiniSom's "bubble"
//	square triangle  max(0, 1 − |Δcolumn|/σ)·max(0, 1 − |Δrow|/σ), MiniSom's "triangle" divided by σ²
//
// All kernels are 1 at r = 0 and do not increase, as slide "Hard and soft competition" requires. At σ = 0 each is [r =
// 0], which makes a map WTA. Slide "Kohonen map training", WTM step.
func (c SOMConfig) Kernel(a, b int, radius float64) float64 {
	c = c.withDefaults()
	h := neighbourhoods[c.Neighbourhood]
	if a == b {
		return 1
	}
	if !(radius > 0) {
		return 0
	}
	dx, dy := c.offsets(h.cells, a, b)
	return h.value(dx, dy, radius)
}
