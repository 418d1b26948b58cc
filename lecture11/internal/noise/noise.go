// Package noise draws random numbers inside a graph with a counter-based generator, whose words are the same on each
// backend.
//
// On a CPU, GoMLX's RandomNormal (v0.28.2) returns an infinity once in 2³² numbers, where XLA treats the argument of
// the logarithm, a float32, as 0. An hour of training meets one. RandomNormal also takes four times as long.
package noise

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// ScopeNormal draws ε ~ N(0, I) from the generator of the scope. Each step of a training gets different numbers.
func ScopeNormal(scope *model.Scope, g *Graph, shape shapes.Shape) *Node {
	return Normal(ScopeKey(scope, g), shape)
}

// ScopeUniform draws u ~ U[0, 1) from the generator of the scope. Each step of a training gets different numbers.
func ScopeUniform(scope *model.Scope, g *Graph, shape shapes.Shape) *Node {
	return Uniform(ScopeKey(scope, g), shape)
}

// StateNormal draws ε ~ N(0, I) from a state of the random generator.
func StateNormal(state *Node, shape shapes.Shape) *Node { return Normal(StateKey(state), shape) }

// keyShape is the shape of a key of the counter-based generator.
var keyShape = shapes.Make(dtypes.Uint32, 2)

// ScopeKey draws a key from the generator of the scope.
func ScopeKey(scope *model.Scope, g *Graph) *Node {
	return scope.RandomIntN(g, uint32(math.MaxUint32), keyShape)
}

// StateKey draws a key from a state of the generator.
func StateKey(state *Node) *Node {
	_, key := RandomIntN(state, uint32(math.MaxUint32), keyShape)
	return key
}

// Normal draws ε ~ N(0, I) of the given shape, in pairs.
func Normal(key *Node, shape shapes.Shape) *Node {
	a, b := randomBits(key, shape)
	return joinHalves(StopGradient(boxMuller(a, b)), shape)
}

// Uniform draws u ~ U[0, 1) of the given shape, in steps of 2⁻²⁴.
func Uniform(key *Node, shape shapes.Shape) *Node {
	a, b := randomBits(key, shape)
	bits := BitwiseShiftRightLogicalScalar(Concatenate([]*Node{a, b}, 1), uint32(8))
	return joinHalves(StopGradient(scaled(bits, 0, 1.0/(1<<24))), shape)
}

// randomBits returns two words for every two numbers of shape. a, b: [rows, ⌈columns/2⌉], where columns is the last
// dimension.
func randomBits(key *Node, shape shapes.Shape) (a, b *Node) {
	rows, columns := rowsAndColumns(shape)
	counter := shapes.Make(dtypes.Uint32, rows, (columns+1)/2)
	return threefry(key, Iota(key.Graph(), counter, 0), Iota(key.Graph(), counter, 1))
}

// joinHalves converts values [rows, 2·⌈columns/2⌉] to shape and drops the surplus of an odd number of columns.
func joinHalves(values *Node, shape shapes.Shape) *Node {
	_, columns := rowsAndColumns(shape)
	values = Slice(values, AxisRange(), AxisRange(0, columns))
	return ConvertDType(Reshape(values, shape.Dimensions...), shape.DType)
}

// rowsAndColumns returns the size of shape as a matrix whose columns are its last axis.
func rowsAndColumns(shape shapes.Shape) (rows, columns int) {
	if shape.Rank() == 0 {
		return 1, 1
	}
	columns = shape.Dim(-1)
	return shape.Size() / columns, columns
}

// threefry is Threefry-2×32 with 20 rounds, the generator of JAX. It returns two random words for each counter of two
// words. key: [2]; counters and results all have the same shape; everything is Uint32.
//
// It consists of additions, shifts and exclusive ors, which XLA fuses with the code that uses the words.
// Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
func threefry(key, x0, x1 *Node) (a, b *Node) {
	rotations := [2][4]int{{13, 15, 26, 6}, {17, 29, 16, 24}}
	k0, k1 := Reshape(Slice(key, AxisElem(0))), Reshape(Slice(key, AxisElem(1)))
	k2 := BitwiseXor(BitwiseXor(k0, k1), Const(key.Graph(), uint32(0x1BD11BDA)))
	keys := [3]*Node{k0, k1, k2}
	x0, x1 = Add(x0, k0), Add(x1, k1)
	for group := range 5 {
		for _, bits := range rotations[group%2] {
			x0 = Add(x0, x1)
			x1 = BitwiseXor(rotateLeft(x1, bits), x0)
		}
		x0 = Add(x0, keys[(group+1)%3])
		x1 = Add(x1, AddScalar(keys[(group+2)%3], uint32(group+1)))
	}
	return x0, x1
}

// rotateLeft rotates the bits of a word.
func rotateLeft(x *Node, bits int) *Node {
	return BitwiseOr(BitwiseShiftLeftScalar(x, uint32(bits)), BitwiseShiftRightLogicalScalar(x, uint32(32-bits)))
}

// boxMuller returns two numbers of N(0, 1) for each pair of words a, b [rows, half]; result: [rows, 2·half]. With
// u ∈ (0, 1] from 31 bits of a, s = ±1 from its last bit and t ∈ [−1, 1] from b,
//
//	s·√(−2 ln u)·cos πt/2,  s·√(−2 ln u)·sin πt/2,
//
// where s extends the half circle of πt/2 to a whole one. Sine and cosine are polynomials, exact to 5·10⁻⁸; they take
// an eighth of the time of XLA's. Box & Muller 1958.
func boxMuller(a, b *Node) *Node {
	u := scaled(BitwiseShiftRightLogicalScalar(a, uint32(1)), 0.5, 1.0/(1<<31))
	s := AddScalar(scaled(BitwiseAnd(a, Const(a.Graph(), uint32(1))), 0, -2), 1)
	radius := Mul(s, Sqrt(MulScalar(Log(u), -2)))
	t := scaled(b, 0, 1.0/(1<<31))
	square := Mul(t, t)
	cos := polynomial(square, 8.581905e-4, -2.0810627e-2, 2.5365075e-1, -1.2336982, 1)
	sin := Mul(t, polynomial(square, 1.5082055e-4, -4.672228e-3, 7.9688481e-2, -6.4596336e-1, 1.5707963))
	return Concatenate([]*Node{Mul(radius, cos), Mul(radius, sin)}, 1)
}

// scaled returns (i + shift)·scale, where i are the words read as signed numbers.
func scaled(words *Node, shift, scale float64) *Node {
	numbers := ConvertDType(Bitcast(words, dtypes.Int32), dtypes.Float32)
	return MulScalar(AddScalar(numbers, shift), scale)
}

// polynomial returns c₀xᵐ + c₁xᵐ⁻¹ + … + cₘ.
func polynomial(x *Node, c ...float64) *Node {
	sum := MulScalar(x, c[0])
	for _, term := range c[1 : len(c)-1] {
		sum = Mul(AddScalar(sum, term), x)
	}
	return AddScalar(sum, c[len(c)-1])
}
