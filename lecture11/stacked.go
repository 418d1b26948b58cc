package lecture11

import (
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// Stacked layers are R layers of one shape side by side: one for each of R runs that are trained in one program, or for
// each of R tasks to which a model is adapted. So a seed, a set of objects or a task has its own weights. The runs
// share no numbers: the gradient of the sum of their losses in the weights of a run is the gradient of that run's loss.

// stackedLayer is x_r ↦ x_r W_r + b_r for r = 1 … R. weights: [R, in, out]; biases: [R, 1, out].
type stackedLayer struct{ weights, biases *Node }

// newStackedLayer creates the variables of R layers in scope: weights [R, in, out] uniform in ±√(6/(in + fanOut))
// (Glorot), different in each run, and biases [R, out] at 0. fanOut is out, except for several heads in one layer,
// where it is the outputs of a head.
func newStackedLayer(scope *model.Scope, x *Node, outputs, fanOut int) stackedLayer {
	g, runs, inputs := x.Graph(), x.Shape().Dim(0), x.Shape().Dim(-1)
	limit := math.Sqrt(6 / float64(inputs+fanOut))
	weights := scope.WithInitializer(initializer.RandomUniformFn(scope, -limit, limit)).
		VariableWithShape(weightsName, shapes.Make(x.DType(), runs, inputs, outputs))
	biases := scope.WithInitializer(initializer.Zero).
		VariableWithShape(biasName, shapes.Make(x.DType(), runs, outputs))
	return stackedLayer{weights.NodeValue(g), ExpandAxes(biases.NodeValue(g), 1)}
}

// apply maps x [R, batch, in] to [R, batch, out]. A single layer is a plain product, because XLA does not optimise a
// batch axis of 1.
func (l stackedLayer) apply(x *Node) *Node {
	if d := x.Shape().Dimensions; d[0] == 1 {
		y := Dot(Reshape(x, d[1], d[2]), Reshape(l.weights, d[2], -1)).Product()
		return Add(ExpandAxes(y, 0), l.biases)
	}
	return Add(Dot(x, l.weights).General([]int{2}, []int{0}, []int{1}, []int{0}), l.biases)
}
