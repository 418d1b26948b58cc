package lecture11

import (
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// sparsities maps each kind of sparsity to the code's activation and to the penalty, a scalar of z [batch, d].
var sparsities = map[string]struct {
	activation func(z *Node) *Node
	penalty    func(z *Node, target float64) *Node
}{
	"l1":      {activation.Relu, func(z *Node, _ float64) *Node { return ReduceAllMean(ReduceSum(Abs(z), -1)) }},
	"entropy": {Sigmoid, EntropySparsity},
}

// EntropySparsity returns the divergence of the mean activities of a code from ρ₀,
//
//	Σ_j KL(ρ₀ ‖ z̄_j) = Σ_j (ρ₀ ln(ρ₀/z̄_j) + (1 − ρ₀) ln((1 − ρ₀)/(1 − z̄_j))),
//
// in nats, summed over the d components. z: [batch, d] in (0, 1), z̄_j its mean over the batch; result: a scalar.
//
// Slide "Sparse autoencoder".
func EntropySparsity(z *Node, target float64) *Node {
	mean := ClipScalar(ReduceMean(z, 0), 1e-6, 1-1e-6) // [d]
	cross := Add(MulScalar(Log(mean), target), MulScalar(Log(OneMinus(mean)), 1-target))
	entropy := -target*math.Log(target) - (1-target)*math.Log(1-target)
	return Sub(ConstAs(cross, -entropy*float64(mean.Shape().Dim(0))), ReduceAllSum(cross))
}

// reconstructionLosses maps the name of a loss to ℒ(x̂, x), [batch], and to the meaning of the decoder's output.
var reconstructionLosses = map[string]struct {
	loss func(x, out *Node) *Node
	mean func(out *Node) *Node
}{
	"mse":       {SquaredError, func(out *Node) *Node { return out }},
	"bernoulli": {func(x, out *Node) *Node { return Neg(BernoulliLogLikelihood(x, out)) }, Sigmoid},
}

// SquaredError returns ℒ(x̂, x) = ‖x̂ − x‖² = Σ_j (x̂_j − x_j)², summed over the n components, one value per object.
// x, out:
// [batch, n]; result: [batch], in the unit of x squared.
//
// Slide "Autoencoders".
func SquaredError(x, out *Node) *Node { return ReduceSum(Square(Sub(out, x)), -1) }

// losses builds the parts of a batch's loss, starting with their weighted sum. labels: none, or one node int32
// [batch].
func (m *Autoencoder) losses(scope *model.Scope, x *Node, labels []*Node) []Loss {
	z := m.encode(scope, m.cfg.Corruption.fresh(scope, x))
	reconstruction := ReduceAllMean(reconstructionLosses[m.cfg.Loss].loss(x, m.decode(scope, z)))
	total := reconstruction
	parts := []Loss{{"reconstruction", reconstruction}}
	if s := m.cfg.Sparsity; s.Kind != "" {
		penalty := sparsities[s.Kind].penalty(z, s.Target)
		total = Add(total, MulScalar(penalty, s.Weight))
		parts = append(parts, Loss{"sparsity", penalty})
	}
	for _, y := range labels {
		loss := labelledCrossEntropy(m.classify(scope, z), y)
		total = Add(total, MulScalar(loss, m.cfg.ClassWeight))
		parts = append(parts, Loss{"classification", loss})
	}
	return append([]Loss{{"loss", total}}, parts...)
}

// encode builds z = f(x, α), [batch, d].
func (m *Autoencoder) encode(scope *model.Scope, x *Node) *Node {
	z := m.nets.Encoder(scope.In("encoder"), x)
	wantDims("encoder of an Autoencoder", z, x.Shape().Dim(0), m.cfg.Latent)
	if s := m.cfg.Sparsity.Kind; s != "" {
		return sparsities[s].activation(z)
	}
	return z
}

// decode builds the decoder's output for codes z [batch, d]: x̂, or its logits for the Bernoulli loss, [batch, n].
func (m *Autoencoder) decode(scope *model.Scope, z *Node) *Node {
	if s := m.cfg.Sparsity; s.Kind == "l1" {
		return dictionary(s)(scope.In("decoder").In("output"), z, m.cfg.Features)
	}
	out := m.nets.Decoder(scope.In("decoder"), z)
	wantDims("decoder of an Autoencoder", out, z.Shape().Dim(0), m.cfg.Features)
	return out
}

// dictionary returns the decoder of an L1 autoencoder. It has a single layer, because a second one could undo the unit
// columns.
func dictionary(s Sparsity) func(scope *model.Scope, z *Node, outputs int) *Node {
	if s.FreeColumns {
		return freeDense
	}
	return unitDense
}

// unitDense is an affine layer whose weights from each input have the norm 1: out = Σ_j x_j b_j/‖b_j‖ + c. A penalty
// on the size of x then cannot be escaped by a smaller x and a larger b.
func unitDense(scope *model.Scope, x *Node, outputs int) *Node {
	g, dtype := x.Graph(), x.DType()
	scope = scope.In("dense").WithInitializer(initializer.XavierUniformFn(scope))
	weights := scope.VariableWithShape("weights", shapes.Make(dtype, x.Shape().Dim(-1), outputs)).NodeValue(g)
	biases := scope.VariableWithShape(biasName, shapes.Make(dtype, outputs)).NodeValue(g)
	norms := Sqrt(AddScalar(ReduceAndKeep(Square(weights), ReduceSum, -1), 1e-12)) // [in, 1]
	return Add(Dot(x, Div(weights, norms)).Product(), ExpandAxes(biases, 0))
}

// freeDense is unitDense with a learned norm g_j for the weights from each input, 1 at the start: out = Σ_j x_j g_j
// b_j/‖b_j‖ + c.
func freeDense(scope *model.Scope, x *Node, outputs int) *Node {
	norms := scope.WithInitializer(initializer.One).VariableWithShape("norms", shapes.Make(x.DType(), x.Shape().Dim(-1)))
	return unitDense(scope, Mul(x, ExpandAxes(norms.NodeValue(x.Graph()), 0)), outputs)
}

// classify builds the classifier's logits on codes z [batch, d]: an affine map, [batch, classes].
func (m *Autoencoder) classify(scope *model.Scope, z *Node) *Node {
	return Dense(nil, m.cfg.Classes, m.cfg.Activation)(scope.In("classifier"), z)
}
