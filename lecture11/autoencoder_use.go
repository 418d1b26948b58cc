package lecture11

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"
)

// Encode returns the codes z = f(x, α) of objects x [l, n]: [l, d].
func (m *Autoencoder) Encode(x *tensors.Tensor) (*tensors.Tensor, error) {
	if err := m.checkObjects(x, m.cfg.Features, false); err != nil {
		return nil, err
	}
	return first(m.apply("Encode", x, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{m.encode(scope, x)}
	}))
}

// Decode returns the objects x̂ = g(z, β) of codes z [l, d]: [l, n]. With the Bernoulli loss they are probabilities.
func (m *Autoencoder) Decode(z *tensors.Tensor) (*tensors.Tensor, error) {
	if err := checkAllFinite("Autoencoder.Decode", z); err != nil {
		return nil, err
	}
	if s := z.Shape(); s.Rank() != 2 || s.Dimensions[1] != m.cfg.Latent || !s.DType.IsFloat() {
		return nil, fmt.Errorf("lecture11: codes of shape %s, want floats [l, %d]: AutoencoderConfig.Latent = %d",
			s, m.cfg.Latent, m.cfg.Latent)
	}
	return first(m.apply("Decode", z, func(scope *model.Scope, z *Node) []*Node {
		return []*Node{reconstructionLosses[m.cfg.Loss].mean(m.decode(scope, z))}
	}))
}

// Reconstruct returns x̂ = g(f(x, α), β) of objects x [l, n]: [l, n]. For a denoising autoencoder and x̃ it estimates
// E[x|x̃].
func (m *Autoencoder) Reconstruct(x *tensors.Tensor) (*tensors.Tensor, error) {
	if err := m.checkObjects(x, m.cfg.Features, false); err != nil {
		return nil, err
	}
	return first(m.apply("Reconstruct", x, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{reconstructionLosses[m.cfg.Loss].mean(m.decode(scope, m.encode(scope, x)))}
	}))
}

// Loss returns the mean of ℒ(x̂, x) over the objects x [l, n], without corruption. Each ℒ is a sum over components, in
// nats for the Bernoulli loss. It is computed in the type of the weights, usually float32: about 7 digits.
func (m *Autoencoder) Loss(x *tensors.Tensor) (Estimate, error) {
	if err := m.checkObjects(x, m.cfg.Features, m.cfg.Loss == "bernoulli"); err != nil {
		return Estimate{}, err
	}
	out, err := first(m.apply("Loss", x, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{reconstructionLosses[m.cfg.Loss].loss(x, m.decode(scope, m.encode(scope, x)))}
	}))
	if err != nil {
		return Estimate{}, err
	}
	values, err := float64s(out)
	return NewEstimate(values), err
}

// Classify returns the probabilities of the classes, p(y|x) = SoftMax(ŷ(f(x, α), γ)), for objects x [l, n]: [l,
// classes].
func (m *Autoencoder) Classify(x *tensors.Tensor) (*tensors.Tensor, error) {
	if m.cfg.Classes == 0 {
		return nil, fmt.Errorf("lecture11: AutoencoderConfig.Classes = 0, want a model with a classifier")
	}
	if err := m.checkObjects(x, m.cfg.Features, false); err != nil {
		return nil, err
	}
	return first(m.apply("Classify", x, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{Softmax(m.classify(scope, m.encode(scope, x)))}
	}))
}

// AffineMap is x ↦ Matrix·x + Offset. Matrix: [outputs, inputs].
type AffineMap struct {
	Matrix *mat.Dense
	Offset []float64
}

// LinearMaps returns the two maps of a linear autoencoder (Hidden = {}): z = A x + a and x̂ = B z + b. A: [d, n], B:
// [n, d].
func (m *Autoencoder) LinearMaps() (encoder, decoder AffineMap, err error) {
	c := m.cfg
	if len(c.Hidden) > 0 || c.Encoder != "dense" || c.Sparsity.Kind != "" {
		return encoder, decoder, fmt.Errorf("lecture11: LinearMaps of an autoencoder with Hidden = %v, Encoder %q, Sparsity %q, "+
			"want a linear one: {}, \"dense\", \"\"", c.Hidden, c.Encoder, c.Sparsity.Kind)
	}
	held, release := m.hold()
	defer release()
	m = &Autoencoder{cfg: c, nets: m.nets, fitted: held}
	if decoder, err = m.DecoderMap(); err != nil {
		return encoder, decoder, err
	}
	encoder, err = affineMap(m.Encode, c.Features, c.Latent)
	return encoder, decoder, err
}

// DecoderMap returns the map x̂ = B z + b of a linear decoder: that of a linear autoencoder, or of one with "l1"
// sparsity. With "l1" the columns of B are the parts that make up the objects. B: [n, d].
func (m *Autoencoder) DecoderMap() (AffineMap, error) {
	if err := m.checkNamedNets("DecoderMap"); err != nil {
		return AffineMap{}, err
	}
	c := m.cfg
	if len(c.Hidden) > 0 && c.Sparsity.Kind != "l1" || c.Decoder != "dense" || c.Loss != "mse" {
		return AffineMap{}, fmt.Errorf("lecture11: DecoderMap of an autoencoder with Hidden = %v, Decoder %q, Sparsity %q, Loss %q, "+
			"want a linear decoder: {} or \"l1\", \"dense\", \"mse\"", c.Hidden, c.Decoder, c.Sparsity.Kind, c.Loss)
	}
	return affineMap(m.Decode, c.Latent, c.Features)
}

// ClassifierMap returns the map γ of the classifier, from the code z to the logits of the classes. Matrix: [classes,
// d].
func (m *Autoencoder) ClassifierMap() (AffineMap, error) {
	if m.cfg.Classes == 0 {
		return AffineMap{}, fmt.Errorf("lecture11: AutoencoderConfig.Classes = 0, want a model with a classifier")
	}
	logits := func(z *tensors.Tensor) (*tensors.Tensor, error) {
		return first(m.apply("Logits", z, func(scope *model.Scope, z *Node) []*Node {
			return []*Node{m.classify(scope, z)}
		}))
	}
	return affineMap(logits, m.cfg.Latent, m.cfg.Classes)
}

// affineMap computes an affine map from its values at 0 and at the unit vectors.
func affineMap(f func(*tensors.Tensor) (*tensors.Tensor, error), inputs, outputs int) (AffineMap, error) {
	units := make([]float32, (inputs+1)*inputs)
	for i := range inputs {
		units[(i+1)*inputs+i] = 1
	}
	out, err := f(tensors.FromFlatDataAndDimensions(units, inputs+1, inputs))
	if err != nil {
		return AffineMap{}, err
	}
	values, err := float64s(out)
	if err != nil {
		return AffineMap{}, err
	}
	m := AffineMap{mat.NewDense(outputs, inputs, nil), values[:outputs]}
	for i := range inputs {
		for j := range outputs {
			m.Matrix.Set(j, i, values[(i+1)*outputs+j]-m.Offset[j])
		}
	}
	return m, nil
}
