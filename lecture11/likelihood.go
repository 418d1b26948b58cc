package lecture11

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// likelihoods holds the distributions p(x|z) that a configuration can name. log returns ln p(x|z), [batch]; mean
// returns E[x|z], [batch, n]. Both take the decoder's output.
var likelihoods = map[string]struct {
	log  func(x, out *Node, std float64) *Node
	mean func(out *Node) *Node
}{
	"bernoulli": {func(x, out *Node, _ float64) *Node { return BernoulliLogLikelihood(x, out) }, Sigmoid},
	"gaussian":  {GaussianLogLikelihood, func(out *Node) *Node { return out }},
}

// Reparameterize draws z ~ N(μ, diag σ²) as a differentiable function of μ and σ:
//
//	z = μ + σ ⊙ ε,  σ = exp(½ ln σ²),  ε ~ N(0, I).
//
// The randomness is an argument, so that the gradient can be taken inside the expectation over ε. mean, logVar, eps and
// the result: [batch, d].
//
// Slide "Variational Auto Encoder" (continued), the reparametrisation trick; Kingma & Welling 2013, section 2.4.
func Reparameterize(mean, logVar, eps *Node) *Node {
	return Add(mean, Mul(Exp(MulScalar(logVar, 0.5)), eps))
}

// KLDivergence returns the regulariser of the bound, the divergence of the encoder's q(z|x) = N(μ, diag σ²) from the
// prior p(z) = N(0, s²I):
//
//	KL = ½ Σ_j ((μ_j² + σ_j²)/s² − 1 − ln(σ_j²/s²))
//
// in nats, summed over the d components of the code, for each object. mean, logVar: [batch, d], logVar = ln σ²;
// priorStd is s > 0; result: [batch].
//
// Slide "Variational Auto Encoder" (continued), second brace; Kingma & Welling 2013, appendix B.
func KLDivergence(mean, logVar *Node, priorStd float64) *Node {
	return ReduceSum(klComponents(mean, logVar, priorStd), -1) // [batch]
}

// klComponents returns the summands of KLDivergence, one for each component of the code: [batch, d], in nats.
func klComponents(mean, logVar *Node, priorStd float64) *Node {
	logRatio := AddScalar(logVar, -2*math.Log(priorStd))                        // ln σ²/s²
	inner := Add(MulScalar(Square(mean), 1/(priorStd*priorStd)), Exp(logRatio)) // [batch, d]
	return MulScalar(Sub(inner, OnePlus(logRatio)), 0.5)
}

// BernoulliLogLikelihood returns ln p(x|z) for independent pixels x_j ∈ [0, 1] with p(x_j = 1|z) = sigmoid(a_j):
//
//	ln p(x|z) = Σ_j (x_j a_j − softplus(a_j))
//
// in nats, summed (not averaged) over the n pixels: with an average the KL term would weigh n times too much. For a
// grey pixel between 0 and 1 it is the expectation over its binarisation. x, logits: [batch, n]; result: [batch].
//
// Slide "Variational Auto Encoder" (continued), first brace; Kingma & Welling 2013, appendix C.1.
func BernoulliLogLikelihood(x, logits *Node) *Node {
	return ReduceSum(Sub(Mul(x, logits), Softplus(logits)), -1)
}

// GaussianLogLikelihood returns ln p(x|z) for x ~ N(m, σ²I), with m from the decoder and one σ for all components:
//
//	ln p(x|z) = −‖x − m‖²/(2σ²) − n ln σ − (n/2) ln 2π
//
// in nats, summed over the n components. x, mean: [batch, n]; std is σ > 0, in units of x; result: [batch].
//
// Slide "Variational Auto Encoder" (continued), first brace; Kingma & Welling 2013, appendix C.2.
func GaussianLogLikelihood(x, mean *Node, std float64) *Node {
	n := float64(x.Shape().Dim(-1))
	squares := ReduceSum(Square(Sub(x, mean)), -1) // [batch]
	return AddScalar(MulScalar(squares, -0.5/(std*std)), -n*(math.Log(std)+0.5*math.Log(2*math.Pi)))
}

// GaussianLogDensity returns ln N(z; μ, diag σ²), the density of a code under q(z|x), or under the prior with μ = 0 and
// σ = s:
//
//	ln N = −½ Σ_j ((z_j − μ_j)²/σ_j² + ln σ_j² + ln 2π)
//
// in nats, summed over the d components. z, mean, logVar: […, d], logVar = ln σ²; result: […].
func GaussianLogDensity(z, mean, logVar *Node) *Node {
	inner := Add(Mul(Square(Sub(z, mean)), Exp(Neg(logVar))), AddScalar(logVar, math.Log(2*math.Pi)))
	return MulScalar(ReduceSum(inner, -1), -0.5)
}

// ImportanceBound returns the bound from K weighted codes for each object,
//
//	L_K(x) = ln (1/K) Σ_k w_k,  w_k = p(x, z_k)/q(z_k|x),  z_k ~ q(z|x).
//
// In expectation ELBO = L_1 ≤ L_K ≤ L_{K+1} ≤ ln p(x). logWeights are ln w_k, [K, batch]; result: [batch], in nats. The
// largest weight is factored out of the sum, so that weights near e^−10000 do not underflow.
//
// Slide "Variational Auto Encoder", the bound; Burda, Grosse & Salakhutdinov 2016, eq. 8.
func ImportanceBound(logWeights *Node) *Node {
	k := float64(logWeights.Shape().Dim(0))
	top := StopGradient(ReduceMax(logWeights, 0))                 // [batch]
	sum := ReduceSum(Exp(Sub(logWeights, ExpandAxes(top, 0))), 0) // [batch]
	return AddScalar(Add(top, Log(sum)), -math.Log(k))
}

// labelledCrossEntropy returns −Σ ln p(y|x) over the labelled objects, in nats, divided by the number of all objects.
// logits: [batch, classes]; labels: int32 [batch], negative for none; result: a scalar.
func labelledCrossEntropy(logits, labels *Node) *Node {
	classes := logits.Shape().Dim(-1)
	logits = Sub(logits, StopGradient(ReduceAndKeep(logits, ReduceMax, -1)))
	logNormaliser := Log(ReduceSum(Exp(logits), -1))                                                  // [batch]
	chosen := Mul(logits, OneHot(Max(labels, ZerosLike(labels)), classes, logits.DType()))            // [batch, classes]
	perObject := Sub(logNormaliser, ReduceSum(chosen, -1))                                            // [batch]
	return ReduceAllMean(Where(LessThan(labels, ZerosLike(labels)), ZerosLike(perObject), perObject)) // unlabelled: 0
}
