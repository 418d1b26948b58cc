package lecture11

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// GradientNorms holds the Euclidean norms of the gradients of the bound's two terms, in nats per unit of the weights: α
// of the encoder, β of the decoder. As on the slide, the decoder learns only from the reconstruction, so that KLDecoder
// is exactly 0, and the encoder learns from both.
type GradientNorms struct {
	ReconstructionEncoder, ReconstructionDecoder float64
	KLEncoder, KLDecoder                         float64
}

// GradientNorms computes the gradients of −E ln p(x|z) and of KL(q(z|x) ‖ p(z)) from one code per object, as means over
// the objects x [l, n].
func (m *VAE) GradientNorms(x *tensors.Tensor, seed int64) (GradientNorms, error) {
	defer m.reading()()
	var norms GradientNorms
	if err := m.checkObjects("VAE.GradientNorms", x); err != nil {
		return norms, err
	}
	if err := m.checkTrained(); err != nil {
		return norms, fmt.Errorf("lecture11: VAE.GradientNorms: %w", err)
	}
	exec, err := program(&m.fitted, "GradientNorms", m.gradientNorms)
	if err != nil {
		return norms, err
	}
	state, err := RNGStateFromSeed(seed)
	if err != nil {
		return norms, err
	}
	out, err := exec.Call(x, state)
	if err != nil {
		return norms, fmt.Errorf("lecture11: VAE.GradientNorms: %w", err)
	}
	v, err := float64s(out[0])
	if err != nil {
		return norms, err
	}
	return GradientNorms{v[0], v[1], v[2], v[3]}, nil
}

func (m *VAE) gradientNorms(scope *model.Scope, x, rngState *Node) *Node {
	logLikelihood, kl := m.terms(scope, pixels(x), rngState)
	encoder, decoder := m.weights(x.Graph(), "/encoder/"), m.weights(x.Graph(), "/decoder/")
	var norms []*Node
	for _, term := range []*Node{Neg(ReduceAllMean(logLikelihood)), ReduceAllMean(kl)} {
		norms = append(norms, norm(Gradient(term, encoder...)), norm(Gradient(term, decoder...)))
	}
	return Stack(norms, 0)
}

// norm returns the Euclidean norm of all components of several nodes together, a scalar.
func norm(nodes []*Node) *Node {
	sum := ScalarZero(nodes[0].Graph(), nodes[0].DType())
	for _, n := range nodes {
		sum = Add(sum, ReduceAllSum(Square(n)))
	}
	return Sqrt(sum)
}
