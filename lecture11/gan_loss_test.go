package lecture11

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// TestAdversarialGradients is C24.1 for all losses: it compares values and gradients of each loss with respect to the
// outputs a with formulas. At a = −5 the gradients of non-saturating and minimax have the ratio e⁵ = 148.4.
func TestAdversarialGradients(t *testing.T) {
	sigmoid := func(a float64) float64 { return 1 / (1 + math.Exp(-a)) }
	step := func(v bool) float64 { return map[bool]float64{true: 1}[v] }
	formulas := map[string]struct{ generator, real, fake func(a float64) float64 }{
		"minimax": {func(a float64) float64 { return -sigmoid(a) },
			func(a float64) float64 { return sigmoid(a) - 1 }, sigmoid},
		"non-saturating": {func(a float64) float64 { return sigmoid(a) - 1 },
			func(a float64) float64 { return sigmoid(a) - 1 }, sigmoid},
		"least-squares": {func(a float64) float64 { return a },
			func(a float64) float64 { return a - 1 }, func(a float64) float64 { return a + 1 }},
		"wasserstein": {func(float64) float64 { return -1 },
			func(float64) float64 { return -1 }, func(float64) float64 { return 1 }},
		"hinge": {func(float64) float64 { return -1 },
			func(a float64) float64 { return -step(a < 1) }, func(a float64) float64 { return step(a > -1) }},
	}
	outputs := []float64{-5, -0.7, 0.3, 5}
	for name, loss := range adversarialLosses {
		out, err := NewExec(testx.Backend(t), func(a *Node) []*Node {
			generator := Gradient(loss.Generator(a), a)[0]
			real, fake := Identity(a), Identity(a)
			both := Gradient(loss.Discriminator(real, fake), real, fake)
			return []*Node{generator, both[0], both[1]}
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := out.Call(outputs)
		if err != nil {
			t.Fatal(err)
		}
		want := formulas[name]
		for part, formula := range []func(float64) float64{want.generator, want.real, want.fake} {
			for i, v := range tensors.MustCopyFlatData[float64](got[part]) {
				near(t, fmt.Sprintf("%s, gradient %d at a = %g", name, part, outputs[i]), v, formula(outputs[i])/4, 1e-6)
			}
		}
	}
	near(t, "ratio at a = −5", formulas["non-saturating"].generator(-5)/formulas["minimax"].generator(-5), math.Exp(5), 1e-9)
}

// TestAdversarialEquilibrium: if D cannot distinguish the objects, a = 0, the losses are 2 ln 2 and ln 2 (minimax: −ln
// 2).
func TestAdversarialEquilibrium(t *testing.T) {
	for name, want := range map[string][2]float64{
		"minimax": {2 * math.Ln2, -math.Ln2}, "non-saturating": {2 * math.Ln2, math.Ln2},
		"least-squares": {1, 0}, "wasserstein": {0, 0}, "hinge": {2, 0},
	} {
		loss := adversarialLosses[name]
		out, err := ExecOnce(testx.Backend(t), func(a *Node) *Node {
			return Stack([]*Node{loss.Discriminator(a, a), loss.Generator(a)}, 0)
		}, []float64{0, 0, 0})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range tensors.MustCopyFlatData[float64](out) {
			near(t, name, v, want[i], 1e-12)
		}
	}
}
