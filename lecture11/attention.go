package lecture11

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// AttentionWeights say how much each query looks at each key,
//
//	softmax_i(⟨q, k_i⟩/√d),
//
// normalised over the keys: q [queries, d], k [keys, d] → [queries, keys]. Divided by √d, logits of components with
// variance 1 have variance 1 for every d; without that, a large d saturates the softmax.
//
// Slide "Five-minutes block", question 2; Vaswani et al. 2017, eq. 1.
func AttentionWeights(q, k *Node) *Node {
	_, _, d := objectsAndCenters(q, k)
	return Softmax(MulScalar(Einsum("qd,kd->qk", q, k), 1/math.Sqrt(float64(d))), -1)
}

// Attention is the convex combination of the values that the weights make,
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
