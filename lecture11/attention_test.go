package lecture11

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"deeplearning.example/internal/testx"
)

// TestAttention is C1.1: the weights are a distribution over keys, the result is in the box of the values, and the
// order of the pairs (k_i, v_i) does not matter. It also compares with the formula written as loops.
func TestAttention(t *testing.T) {
	const d, n = 7, 3
	rng := rand.New(rand.NewPCG(1, 0))
	q, k, v := rows(rng, 4, d), rows(rng, 5, d), rows(rng, 5, n)
	weights, out := run(t, AttentionWeights, q, k), run(t, Attention, q, k, v)
	for i := range q {
		sum, naive := 0.0, make([]float64, len(k))
		for y := range k {
			dot := 0.0
			for j := range d {
				dot += q[i][j] * k[y][j]
			}
			naive[y] = math.Exp(dot / math.Sqrt(d))
			sum += naive[y]
		}
		total := 0.0
		for y := range k {
			near(t, "weight", weights[i*5+y], naive[y]/sum, 1e-12)
			total += weights[i*5+y]
		}
		near(t, "sum over keys", total, 1, 1e-12)
		for j := range n {
			want, low, high := 0.0, math.Inf(1), math.Inf(-1)
			for y := range v {
				want += naive[y] / sum * v[y][j]
				low, high = min(low, v[y][j]), max(high, v[y][j])
			}
			c := out[i*n+j]
			near(t, "attention", c, want, 1e-12)
			if c < low || c > high {
				t.Errorf("component %d of query %d = %g, want it between %g and %g, the range of the values", j, i, c, low, high)
			}
		}
	}
	permuted := run(t, Attention, q, permute(k, 3, 0, 4, 1, 2), permute(v, 3, 0, 4, 1, 2))
	for i := range out {
		near(t, "after a permutation", permuted[i], out[i], 1e-12)
	}
}

func permute(x [][]float64, order ...int) [][]float64 {
	var p [][]float64
	for _, i := range order {
		p = append(p, x[i])
	}
	return p
}

// TestAttentionByHand is C1.2: e^{1/√2}/(e^{1/√2} + 1) = 0.66976; without √d it would be 0.7311.
func TestAttentionByHand(t *testing.T) {
	c := run(t, Attention, [][]float64{{1, 0}}, [][]float64{{1, 0}, {0, 1}}, [][]float64{{1}, {0}})
	near(t, "c", c[0], 0.66976, 1e-5)
}

// TestAttentionSaturates is C1.3: without √d the largest of 16 weights tends to 1 as d grows; with √d it does not
// change. The prototype measured .43, .84, .94 without and .24, .25, .25 with it.
func TestAttentionSaturates(t *testing.T) {
	const queries = 500
	for _, c := range []struct {
		d                int
		unscaled, scaled float64
	}{{4, 0.43, 0.24}, {64, 0.84, 0.25}, {512, 0.94, 0.25}} {
		rng := rand.New(rand.NewPCG(2, uint64(c.d)))
		q := rows(rng, queries, c.d)
		keys := rows(rng, 16*queries, c.d) // each query has its own 16 keys
		top := func(factor float64) Estimate {
			return NewEstimate(run(t, func(q, k *Node) *Node {
				k = Reshape(k, queries, 16, c.d)
				logits := MulScalar(Einsum("qd,qkd->qk", q, k), factor)
				return ReduceMax(Softmax(logits, -1), -1)
			}, q, keys))
		}
		unscaled, scaled := top(1), top(1/math.Sqrt(float64(c.d)))
		t.Logf("d = %d: unscaled %.3f (SE %.3f), scaled %.3f (SE %.3f)", c.d, unscaled.Mean, unscaled.SE, scaled.Mean, scaled.SE)
		near(t, "largest weight, unscaled", unscaled.Mean, c.unscaled, 0.02)
		near(t, "largest weight, scaled", scaled.Mean, c.scaled, 0.02)
	}
}

// TestScoresVariance: ⟨q, k⟩ of 64 independent components has variance 64, within 4 standard errors.
func TestScoresVariance(t *testing.T) {
	const d, pairs = 64, 100_000
	rng := rand.New(rand.NewPCG(4, 0))
	squares := make([]float64, pairs)
	for i := range squares {
		dot := 0.0
		for range d {
			dot += rng.NormFloat64() * rng.NormFloat64()
		}
		squares[i] = dot * dot
	}
	e := NewEstimate(squares)
	near(t, "variance", e.Mean, d, 4*e.SE)
}

func TestAttentionGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	testx.CheckGradient(t, func(in []*Node) *Node { return ReduceAllSum(Square(Attention(in[0], in[1], in[2]))) },
		rows(rng, 2, 4), rows(rng, 3, 4), rows(rng, 3, 2))
}

// TestAttentionShapes: wrong shapes return an error.
func TestAttentionShapes(t *testing.T) {
	x := func(l, d int) [][]float64 { return rows(rand.New(rand.NewPCG(1, 0)), l, d) }
	for _, in := range [][]any{{x(2, 3), x(4, 2), x(4, 1)}, {x(2, 3), x(4, 3), x(5, 1)}} {
		if _, err := ExecOnce(testx.Backend(t), Attention, in...); err == nil {
			t.Errorf("shapes %v returned no error", slices.Concat(in))
		}
	}
}
