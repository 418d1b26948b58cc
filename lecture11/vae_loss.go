package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/lecture11/internal/noise"
)

// losses builds the parts of a batch's loss; the encoder and the decoder are trained together on the first part. beta is
// the weight of the KL divergence, a scalar. x: [batch, n (+ classes)]; objects is the number of objects from which the
// batch is drawn.
func (m *VAE) losses(scope *model.Scope, beta, x *Node, objects int) []Loss {
	if m.cfg.Binarize {
		x = m.binarize(x, noise.ScopeUniform(scope, x.Graph(), x.Shape()))
	}
	q := m.encode(scope, x)
	eps := noise.ScopeNormal(scope, x.Graph(), q.draws(m.cfg.Samples))
	if m.cfg.Samples > 1 {
		return m.importanceLosses(scope, x, q, eps)
	}
	z := q.sample(eps)
	reconstruction := Neg(ReduceAllMean(m.logLikelihoods(scope, x, z)))
	if m.cfg.TotalCorrelation > 0 {
		return m.correlationLosses(reconstruction, q, z, objects)
	}
	components := ReduceMean(klComponents(q.mean, q.logVar, m.cfg.PriorStd), 0) // [d]
	kl := ReduceAllSum(components)
	paid := kl
	if m.cfg.FreeBits > 0 {
		paid = ReduceAllSum(MaxScalar(components, m.cfg.FreeBits))
	}
	loss := Add(reconstruction, Mul(paid, ConvertDType(beta, paid.DType())))
	return []Loss{{"loss", loss}, {"reconstruction", reconstruction}, {"kl", kl}}
}

// importanceLosses returns the parts for several codes of each object: −L_K, and the two terms computed from the same
// codes.
func (m *VAE) importanceLosses(scope *model.Scope, x *Node, q posterior, eps *Node) []Loss {
	z := q.sample(eps)
	logLikelihood := m.logLikelihoods(scope, x, z) // [batch, K]
	logWeights := Sub(Add(logLikelihood, m.logPrior(z)), q.logDensity(eps))
	loss := Neg(ReduceAllMean(ImportanceBound(Transpose(logWeights, 0, 1))))
	kl := ReduceAllMean(KLDivergence(q.mean, q.logVar, m.cfg.PriorStd))
	return []Loss{{"loss", loss}, {"reconstruction", Neg(ReduceAllMean(logLikelihood))}, {"kl", kl}}
}

// betaAt returns β after the share t of the training.
func (m *VAE) betaAt(t float64) float64 {
	if m.cfg.WarmUp == 0 {
		return *m.cfg.Beta
	}
	return min(t/m.cfg.WarmUp, 1) * *m.cfg.Beta
}

// binarize sets pixel x_j to 1 with probability x_j, else to 0, by u ~ U[0, 1). Labels, which are 0 or 1, do not
// change.
func (m *VAE) binarize(x, u *Node) *Node { return ConvertDType(LessThan(u, x), x.DType()) }

// posterior is q_α(z|x) of a batch: mean and ln σ², [batch, d] each.
type posterior struct{ mean, logVar *Node }

// draws returns the shape of the noise for k codes of each object.
func (q posterior) draws(k int) shapes.Shape {
	return shapes.Make(q.mean.DType(), q.mean.Shape().Dim(0), k, q.mean.Shape().Dim(1))
}

// sample draws codes z = μ + σ·ε. eps and result: [batch, K, d].
func (q posterior) sample(eps *Node) *Node {
	return Reparameterize(ExpandAxes(q.mean, 1), ExpandAxes(q.logVar, 1), eps)
}

// logDensity returns ln q(z|x) of the codes z = μ + σ·ε: [batch, K], in nats. eps: [batch, K, d]. It is computed from
// ε, because (z − μ)/σ is 0/0 if σ is too small for a float32.
func (q posterior) logDensity(eps *Node) *Node {
	inner := AddScalar(Add(Square(eps), ExpandAxes(q.logVar, 1)), math.Log(2*math.Pi)) // [batch, K, d]
	return MulScalar(ReduceSum(inner, -1), -0.5)
}

// logPrior returns ln p(z) of codes z [batch, K, d]: [batch, K], in nats.
func (m *VAE) logPrior(z *Node) *Node {
	return GaussianLogDensity(z, ZerosLike(z), AddScalar(ZerosLike(z), 2*math.Log(m.cfg.PriorStd)))
}

// encode builds q_α(z|x), or q_α(z|x, y). x: [batch, n (+ classes)].
func (m *VAE) encode(scope *model.Scope, x *Node) posterior {
	d := m.cfg.Latent
	out := m.nets.Encoder(scope.In("encoder"), x)
	wantDims("encoder of a VAE", out, x.Shape().Dim(0), 2*d)
	return posterior{Slice(out, AxisRange(), AxisRange(0, d)), Slice(out, AxisRange(), AxisRange(d, 2*d))}
}

// decode builds the parameters of p_β(x|z): logits for Bernoulli, means for Gaussian. z: [l, d (+ classes)]; result: [l, n].
func (m *VAE) decode(scope *model.Scope, z *Node) *Node {
	out := m.nets.Decoder(scope.In("decoder"), z)
	wantDims("decoder of a VAE", out, z.Shape().Dim(0), m.cfg.Features)
	return out
}

// logLikelihoods returns ln p(x|z), or ln p(x|z, y), for K codes of each object. x: [batch, n (+ classes)]; z: [batch,
// K, d]; result: [batch, K], in nats.
func (m *VAE) logLikelihoods(scope *model.Scope, x, z *Node) *Node {
	batch, k, n := z.Shape().Dim(0), z.Shape().Dim(1), m.cfg.Features
	if c := m.cfg.Classes; c > 0 {
		labels := Slice(x, AxisRange(), AxisRange(n)) // [batch, classes]
		z = Concatenate([]*Node{z, BroadcastToDims(ExpandAxes(labels, 1), batch, k, c)}, -1)
		x = Slice(x, AxisRange(), AxisRange(0, n))
	}
	out := m.decode(scope, Reshape(z, batch*k, -1))
	x = BroadcastToDims(ExpandAxes(x, 1), batch, k, n)
	return likelihoods[m.cfg.Likelihood].log(x, Reshape(out, batch, k, n), m.cfg.NoiseStd)
}

// WithLabels appends to each object or code of x [l, n] its label as classes components, 1 at the label and 0 elsewhere
// (255 and 0 for bytes): [l, n + classes]. This is the form that a conditional model expects.
func WithLabels(x *tensors.Tensor, labels []int, classes int) (*tensors.Tensor, error) {
	if err := checkTensors("WithLabels", x); err != nil {
		return nil, err
	}
	if x.Rank() != 2 || x.Shape().Dimensions[0] != len(labels) || classes < 2 {
		return nil, fmt.Errorf("lecture11: WithLabels(objects %s, %d labels, classes = %d), want [l, n], l labels and at least 2 "+
			"classes", x.Shape(), len(labels), classes)
	}
	for i, label := range labels {
		if label < 0 || label >= classes {
			return nil, fmt.Errorf("lecture11: WithLabels: label %d of object %d, want 0 to %d", label, i, classes-1)
		}
	}
	switch x.DType() {
	case dtypes.Uint8:
		return appendLabels[uint8](x, labels, classes, 255)
	case dtypes.Float32:
		return appendLabels[float32](x, labels, classes, 1)
	case dtypes.Float64:
		return appendLabels[float64](x, labels, classes, 1)
	}
	return nil, fmt.Errorf("lecture11: WithLabels of %s, want uint8, float32 or float64", x.Shape())
}

func appendLabels[T uint8 | float32 | float64](x *tensors.Tensor, labels []int, classes int, one T) (*tensors.Tensor, error) {
	flat, err := tensors.CopyFlatData[T](x)
	if err != nil {
		return nil, err
	}
	l, n := len(labels), x.Shape().Dimensions[1]
	joined := make([]T, l*(n+classes))
	for i, label := range labels {
		row := joined[i*(n+classes):]
		copy(row, flat[i*n:(i+1)*n])
		row[n+label] = one
	}
	return tensors.FromFlatDataAndDimensions(joined, l, n+classes), nil
}
