package lecture11

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// AttentionWeights returns the weight of each key for each query,
//
//	softmax_i(⟨q, k_i⟩/√d),
//
// normalised over the keys: q [queries, d], k [keys, d] → [queries, keys]. If the components have variance 1, the
// division by √d gives the logits variance 1 for every d. Without it, a large d saturates the softmax.
//
// Slide "Five-minutes block", question 2; Vaswani et al. 2017, eq. 1.
func AttentionWeights(q, k *Node) *Node {
	_, _, d := objectsAndCenters(q, k)
	return Softmax(MulScalar(Einsum("qd,kd->qk", q, k), 1/math.Sqrt(float64(d))), -1)
}

// Attention returns the convex combination of the values with the attention weights,
//
//	softmax(q·kᵀ/√d)·v,
//
// q [queries, d], k [keys, d], v [keys, n] → [queries, n].
//
// Slide "Five-minutes block", question 2; Vaswani et al. 2017, eq. 1.
func Attention(q, k, v *Node) *Node {
	v.AssertDims(k.Shape().Dim(0), -1)
	return Einsum("qk,kn->qn", AttentionWeights(q, k), v)
}
