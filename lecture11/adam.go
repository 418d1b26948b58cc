package lecture11

import (
	"path"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// Adam's constants, as in the paper.
const (
	adamBeta1   = 0.9
	adamBeta2   = 0.999
	adamEpsilon = 1e-8
)

// adamScope is where the moments and the count of steps lie, beside the path of what they belong to.
const adamScope = "/adam"

// adamStep builds the update of all trainable variables under scope by Adam on a scalar loss,
//
//	m := β₁m + (1 − β₁)g,  v := β₂v + (1 − β₂)g²,
//	w := w − η·m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε),
//
// with the rate η of the configuration at the share progress of the training. Kingma & Ba 2015, algorithm 1.
//
// It does what GoMLX's own Adam does, with ε as in the paper, and spares XLA a copy of the weights in each step; see after.
func (c FitConfig) adamStep(scope *model.Scope, progress, loss *Node) {
	var variables []*model.Variable
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(loss.Graph()) {
			variables = append(variables, v)
		}
	}
	gradients := scope.BuildTrainableVariablesGradientsGraph(loss)
	step := adamVariable(scope, scope.Scope(), "step", shapes.Make(loss.DType()))
	t := OnePlus(step.NodeValue(loss))
	step.SetNodeValue(t)
	rate := MulScalar(decays[c.Decay](ConvertDType(progress, loss.DType())), c.LearningRate)
	rate = after(rate, gradients)
	rate = Div(rate, OneMinus(Pow(ConstAs(t, adamBeta1), t)))    // η/(1 − β₁ᵗ)
	scale := Reciprocal(OneMinus(Pow(ConstAs(t, adamBeta2), t))) // 1/(1 − β₂ᵗ)
	for i, v := range variables {
		adamUpdate(scope, v, gradients[i], rate, scale)
	}
}

// adamUpdate builds the update of one variable.
func adamUpdate(scope *model.Scope, v *model.Variable, gradient, rate, scale *Node) {
	mean := adamVariable(scope, v.Scope(), v.Name()+"_mean", v.Shape())
	square := adamVariable(scope, v.Scope(), v.Name()+"_square", v.Shape())
	m := Add(MulScalar(mean.NodeValue(gradient), adamBeta1), MulScalar(gradient, 1-adamBeta1))
	s := Add(MulScalar(square.NodeValue(gradient), adamBeta2), MulScalar(Square(gradient), 1-adamBeta2))
	mean.SetNodeValue(m)
	square.SetNodeValue(s)
	denominator := AddScalar(Sqrt(Mul(s, scale)), adamEpsilon)
	v.SetNodeValue(Sub(v.NodeValue(gradient), Div(Mul(rate, m), denominator)))
}

// adamVariable is a variable of the optimiser for what lies at the path of, 0 at the start.
func adamVariable(scope *model.Scope, of, name string, shape shapes.Shape) *model.Variable {
	at := scope.Store().Scope(path.Join(adamScope, of)).WithInitializer(initializer.Zero)
	return at.VariableWithShape(name, shape).SetTrainable(false)
}

// after makes the rate wait for all gradients by adding 0 times an element of each bias's gradient. Without it XLA could
// update a layer's weights while the backward pass still reads them, and therefore copies the weights in each step.
func after(rate *Node, gradients []*Node) *Node {
	for _, gradient := range gradients {
		if gradient.Rank() == 1 {
			rate = Add(rate, MulScalar(Reshape(Slice(gradient, AxisRange(0, 1))), 0))
		}
	}
	return rate
}
