package lecture11

import (
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// smallestUniform replaces a uniform number that is 0, which has no logarithm; the next one is 2⁻³².
const smallestUniform = 1.0 / (1 << 33)

// normalNoise draws ε ~ N(0, I) of a shape from the numbers of uniform, by pairs (Box & Muller 1958):
//
//	√(−2 ln u)·cos 2πv,  √(−2 ln u)·sin 2πv,  u, v ~ U[0, 1).
//
// GoMLX's own RandomNormal (v0.28.2) gives an infinity where u is 0: it puts the smallest float32 there, which XLA on a CPU
// counts as 0. That is once in 2³² numbers, and an hour of training draws more.
func normalNoise(shape shapes.Shape, uniform func(shapes.Shape) *Node) *Node {
	pairs := (shape.Size() + 1) / 2
	u := uniform(shapes.Make(shape.DType, 2, pairs))
	radius := Sqrt(MulScalar(Log(MaxScalar(Slice(u, AxisElem(0)), smallestUniform)), -2)) // [1, pairs]
	angle := MulScalar(Slice(u, AxisElem(1)), 2*math.Pi)
	values := Concatenate([]*Node{Mul(radius, Cos(angle)), Mul(radius, Sin(angle))}, -1) // [1, 2·pairs]
	return Reshape(Slice(values, AxisRange(), AxisRange(0, shape.Size())), shape.Dimensions...)
}

// scopeNoise draws ε ~ N(0, I) from the random numbers of the scope: others in each step of a training.
func scopeNoise(scope *model.Scope, g *Graph, shape shapes.Shape) *Node {
	return normalNoise(shape, func(s shapes.Shape) *Node { return scope.RandomUniform(g, s) })
}

// stateNoise draws ε ~ N(0, I) from a state of the random generator.
func stateNoise(state *Node, shape shapes.Shape) *Node {
	return normalNoise(shape, func(s shapes.Shape) *Node {
		_, values := RandomUniform(state, s)
		return values
	})
}
