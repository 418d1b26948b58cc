package lecture11

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// KLTerms estimates the three parts of the mean of KL(q(z|x) ‖ p(z)) over objects, with q(z) = (1/N) Σ_n q(z|x_n):
//
//	mutual information   E ln q(z|x) − ln q(z)      information of the code about the object, at most ln N
//	total correlation    E ln q(z) − Σ_j ln q(z_j)  how far the components of the code depend on each other
//	dimension-wise KL    E Σ_j ln q(z_j) − ln p(z_j)
//
// in nats, for a code z_i of each object of a batch, one value per object. Their sum is exactly ln q(z_i|x_i) − ln
// p(z_i). The densities q(z_i) and q(z_ij) are means over the batch in place of all N objects, with the weight 1/N for
// the object's own q(·|x_i) and (N − 1)/(N(B − 1)) for each of the others. Over random batches they are unbiased. Their
// logarithms are too small, and less so in larger batches. These are the weights of stratified sampling in Chen et al.,
// averaged over the order of the batch.
//
// z, mean, logVar: [B, d], logVar = ln σ², B ≥ 2; priorStd is s > 0 of the prior N(0, s²I); objects is N ≥ B; results: [B].
//
// Slide "Variational Auto Encoder" (continued), second brace; Chen et al. 2018 (β-TC-VAE), eq. 2 and appendix C.
func KLTerms(z, mean, logVar *Node, priorStd float64, objects int) (information, correlation, dimensions *Node) {
	b, d := z.Shape().Dim(0), z.Shape().Dim(1)
	mean.AssertDims(b, d)
	logVar.AssertDims(b, d)
	pairs := logNormal(ExpandAxes(z, 1), ExpandAxes(mean, 0), ExpandAxes(logVar, 0)) // [B, B, d]: ln q(z_ij|x_k)
	weights := ConvertDType(batchWeights(z.Graph(), b, objects), z.DType())          // [B, B]
	own := ReduceSum(logNormal(z, mean, logVar), -1)                                 // [B]
	joint := logSumExp(Add(ReduceSum(pairs, -1), weights))                           // [B]: ln q(z_i)
	single := logSumExp(Add(pairs, ExpandAxes(weights, -1)))                         // [B, d]: ln q(z_ij)
	marginals := ReduceSum(single, -1)                                               // [B]
	prior := GaussianLogDensity(z, ZerosLike(z), AddScalar(ZerosLike(z), 2*math.Log(priorStd)))
	return Sub(own, joint), Sub(joint, marginals), Sub(marginals, prior)
}

// logNormal returns ln N(z; μ, σ²) of each component. The shapes of the arguments must broadcast.
func logNormal(z, mean, logVar *Node) *Node {
	inner := Add(Mul(Square(Sub(z, mean)), Exp(Neg(logVar))), AddScalar(logVar, math.Log(2*math.Pi)))
	return MulScalar(inner, -0.5)
}

// batchWeights returns the logarithms of the weights of q(·|x_k) for the code of object i, [b, b].
func batchWeights(g *Graph, b, objects int) *Node {
	n := float64(objects)
	own, other := -math.Log(n), math.Log((n-1)/(n*float64(b-1)))
	table := make([][]float32, b)
	for i := range table {
		table[i] = make([]float32, b)
		for k := range table[i] {
			table[i][k] = float32(other)
		}
		table[i][i] = float32(own)
	}
	return Const(g, table)
}

// logSumExp returns ln Σ_k e^x over axis 1, with the largest term factored out of the sum.
func logSumExp(x *Node) *Node {
	top := StopGradient(ReduceMax(x, 1))
	return Add(top, Log(ReduceSum(Exp(Sub(x, ExpandAxes(top, 1))), 1)))
}

// correlationLosses returns the parts of the loss of a β-TC-VAE. z: [batch, 1, d].
func (m *VAE) correlationLosses(reconstruction *Node, q posterior, z *Node, objects int) []Loss {
	information, correlation, dimensions := KLTerms(Reshape(z, q.mean.Shape().Dimensions...), q.mean, q.logVar, m.cfg.PriorStd, objects)
	information, correlation, dimensions = ReduceAllMean(information), ReduceAllMean(correlation), ReduceAllMean(dimensions)
	loss := Add(Add(reconstruction, information), Add(MulScalar(correlation, m.cfg.TotalCorrelation), dimensions))
	kl := ReduceAllMean(KLDivergence(q.mean, q.logVar, m.cfg.PriorStd))
	return []Loss{{"loss", loss}, {"reconstruction", reconstruction}, {"kl", kl}, {"mutual information", information},
		{"total correlation", correlation}, {"dimension-wise kl", dimensions}}
}
