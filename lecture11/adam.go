package lecture11

import (
	"path"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// Adam's constants, as in the paper. β₁ is the default of FitConfig.Beta1.
const (
	adamBeta1   = 0.9
	adamBeta2   = 0.999
	adamEpsilon = 1e-8
)

// adamScope is the scope of the moments and of the step counts: those of a variable are at its path below this scope.
const adamScope = "/adam"

// adamStep builds the update of all trainable variables under scope by Adam on a scalar loss,
//
//	m := β₁m + (1 − β₁)g,  v := β₂v + (1 − β₂)g²,
//	w := w − η·m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε),
//
// with the rate η of the step. Kingma & Ba 2015, algorithm 1.
//
// With WeightDecay λ it is AdamW (Loshchilov & Hutter 2019, algorithm 2): a step also subtracts η·λ·w from w. The
// decay is not part of the gradient, so weights with large gradients decay as fast as others. As in PyTorch and optax,
// η is the whole rate; the paper's λ is our η·λ. Only variables called "weights" decay: the layers here and in GoMLX
// use this name for their matrices and kernels. PyTorch by default also decays biases and learned scales, but these do
// not make a network steeper, and the data may require values far from 0.
//
// It computes the same as GoMLX's own Adam, with ε as in the paper, and saves XLA a copy of the weights in each step;
// see after.
func (now *stepNumbers) adamStep(scope *model.Scope, loss *Node) {
	variables := trainable(scope, loss.Graph())
	now.adamApply(scope, variables, scope.BuildTrainableVariablesGradientsGraph(loss), nil)
}

// trainable lists the trainable variables under scope that the graph uses, in the order of their gradients.
func trainable(scope *model.Scope, g *Graph) []*model.Variable {
	var variables []*model.Variable
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			variables = append(variables, v)
		}
	}
	return variables
}

// adamApply builds the update of variables by Adam on their gradients. share may be nil. Otherwise it returns the
// fraction of its step that a variable takes: a node whose shape broadcasts, or nil for the whole step. Where the
// fraction is 0, the variable does not change at all, and only the moments change.
func (now *stepNumbers) adamApply(scope *model.Scope, variables []*model.Variable, gradients []*Node, share func(v *model.Variable) *Node) {
	dtype := gradients[0].DType()
	step := adamVariable(scope, scope.Scope(), "step", shapes.Make(dtype))
	t := OnePlus(step.NodeValue(now.rate))
	step.SetNodeValue(t)
	plain := after(ConvertDType(now.rate, dtype), variables, gradients)
	beta1, rest := ConvertDType(now.beta1, dtype), ConvertDType(now.rest, dtype)
	rate := Div(plain, OneMinus(Pow(beta1, t)))                  // η/(1 − β₁ᵗ)
	scale := Reciprocal(OneMinus(Pow(ConstAs(t, adamBeta2), t))) // 1/(1 − β₂ᵗ)
	for i, v := range variables {
		var part *Node
		if share != nil {
			part = share(v)
		}
		fraction := func(x *Node) *Node {
			if part == nil {
				return x
			}
			return Mul(x, part)
		}
		if now.weightDecay != nil && v.Name() == weightsName {
			w := v.NodeValue(now.rate)
			decay := Mul(plain, ConvertDType(now.weightDecay, dtype)) // η·λ
			v.SetNodeValue(Sub(w, Mul(fraction(decay), w)))
		}
		adamUpdate(scope, v, gradients[i], adamNumbers{beta1, rest, fraction(rate), scale})
	}
}

// beta1 returns the decay of the first moment.
func (c FitConfig) beta1() float64 {
	if c.Beta1 == nil {
		return adamBeta1
	}
	return *c.Beta1
}

// adamNumbers holds what the updates of variables have in common: β₁, 1 − β₁, η/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ), in their
// type. The rate may differ between the variables.
type adamNumbers struct{ beta1, rest, rate, scale *Node }

// adamUpdate builds the update of one variable.
func adamUpdate(scope *model.Scope, v *model.Variable, gradient *Node, by adamNumbers) {
	mean := adamVariable(scope, v.Scope(), v.Name()+"_mean", v.Shape())
	square := adamVariable(scope, v.Scope(), v.Name()+"_square", v.Shape())
	m := Add(Mul(mean.NodeValue(gradient), by.beta1), Mul(gradient, by.rest))
	s := Add(MulScalar(square.NodeValue(gradient), adamBeta2), MulScalar(Square(gradient), 1-adamBeta2))
	mean.SetNodeValue(m)
	square.SetNodeValue(s)
	denominator := AddScalar(Sqrt(Mul(s, by.scale)), adamEpsilon)
	v.SetNodeValue(Sub(v.NodeValue(gradient), Div(Mul(by.rate, m), denominator)))
}

// adamVariable returns the optimizer's variable of the given name for the path of, 0 at the start.
func adamVariable(scope *model.Scope, of, name string, shape shapes.Shape) *model.Variable {
	at := scope.Store().Scope(path.Join(adamScope, of)).WithInitializer(initializer.Zero)
	return at.VariableWithShape(name, shape).SetTrainable(false)
}

// after returns the rate plus 0 times one element of each bias's gradient, so that the rate is computed after all
// gradients. Without it XLA could update a layer's weights while the backward pass still reads them; to be safe it
// would copy the weights in each step.
func after(rate *Node, variables []*model.Variable, gradients []*Node) *Node {
	for i, gradient := range gradients {
		if variables[i].Name() == biasName {
			first := Slice(Reshape(gradient, -1), AxisRange(0, 1))
			rate = Add(rate, MulScalar(Reshape(first), 0))
		}
	}
	return rate
}

// biasName is the name of a layer's biases, here and in GoMLX.
const biasName = "biases"
