package lecture11

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// PartNorms holds the Euclidean norms of a loss's gradient with respect to the weights of each part: α of the encoder,
// β of the decoder and γ of the classifier.
type PartNorms struct{ Encoder, Decoder, Classifier float64 }

// LabelledGradientNorms holds the gradient norms of the two terms of an autoencoder with a classifier, without λ. The
// encoder learns from both terms. The classifier's gradient of the reconstruction and the decoder's gradient of the
// classification are exactly 0.
type LabelledGradientNorms struct{ Reconstruction, Classification PartNorms }

// GradientNorms computes the gradient norms of the two terms of [Autoencoder.LabelledTraining]. Each term is a mean
// over the objects x [l, n] with their labels, without corruption.
//
// Slide "Autoencoders for supervised learning".
func (m *Autoencoder) GradientNorms(x *tensors.Tensor, labels []int) (LabelledGradientNorms, error) {
	defer m.reading()()
	var norms LabelledGradientNorms
	y, err := m.labels(x, labels)
	if err != nil {
		return norms, err
	}
	if err := m.checkObjects(x, m.cfg.Features, m.cfg.Loss == "bernoulli"); err != nil {
		return norms, err
	}
	exec, err := program(&m.fitted, "GradientNorms", m.gradientNorms)
	if err != nil {
		return norms, err
	}
	out, err := exec.Call(x, y)
	if err != nil {
		return norms, fmt.Errorf("lecture11: Autoencoder.GradientNorms: %w", err)
	}
	v, err := float64s(out[0])
	if err != nil {
		return norms, err
	}
	return LabelledGradientNorms{PartNorms{v[0], v[1], v[2]}, PartNorms{v[3], v[4], v[5]}}, nil
}

// gradientNorms builds the six norms. x: [l, n]; labels: int32 [l].
func (m *Autoencoder) gradientNorms(scope *model.Scope, x, labels *Node) *Node {
	x = pixels(x)
	z := m.encode(scope, x)
	reconstruction := ReduceAllMean(reconstructionLosses[m.cfg.Loss].loss(x, m.decode(scope, z)))
	classification := labelledCrossEntropy(m.classify(scope, z), labels)
	var norms []*Node
	for _, term := range []*Node{reconstruction, classification} {
		for _, part := range []string{"/encoder/", "/decoder/", "/classifier/"} {
			norms = append(norms, norm(Gradient(term, m.weights(x.Graph(), part)...)))
		}
	}
	return Stack(norms, 0)
}
