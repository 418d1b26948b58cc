package lecture11

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// AutoencoderConfig describes an autoencoder. Zero fields take the default in their comment. Its JSON is part of the
// key under which a trained model is stored.
type AutoencoderConfig struct {
	Features   int    `json:"features"`   // components n of an object x; 784 for MNIST
	Latent     int    `json:"latent"`     // components d of the code z
	Hidden     []int  `json:"hidden"`     // hidden sizes of a dense encoder, reversed in the decoder; default {512}; {} is linear
	Activation string `json:"activation"` // "relu" (default), "tanh", "gelu"
	Encoder    string `json:"encoder"`    // "dense" (default) or "conv"
	Decoder    string `json:"decoder"`    // the same
	Loss       string `json:"loss"`       // ℒ(x̂, x): "mse" (default) or "bernoulli" (x in [0, 1])

	Corruption Corruption `json:"corruption"` // of the encoder's input in training; default none (slide 11)
	Sparsity   Sparsity   `json:"sparsity"`   // of the code; default none (slide 9c)

	Classes     int     `json:"classes"`      // of a classifier on the code; default 0, no classifier (slide 13a)
	ClassWeight float64 `json:"class_weight"` // λ ≥ 0 of the classifier's loss; 0 trains no classifier

	// Height, Width and Channels describe the components of an object as an image, for "conv" networks: row by row,
	// with the channels of a pixel together. Features is then their product. Zeros mean a square image of one channel.
	Height   int `json:"height,omitempty"`
	Width    int `json:"width,omitempty"`
	Channels int `json:"channels,omitempty"`

	Seed int64 `json:"seed"` // the first weights
}

// Sparsity describes a penalty that makes most components of an object's code small or 0.
type Sparsity struct {
	// Kind is "" (none), "l1" or "entropy". "l1" adds τ Σ_j |z_j| for codes z = ReLU(…). Its decoder is one affine
	// layer and ignores Hidden: x̂ = Σ_j z_j b_j + b with ‖b_j‖ = 1. "entropy" adds τ Σ_j KL(ρ₀ ‖ z̄_j) for codes z =
	// sigmoid(…) in (0, 1), where z̄_j is the mean over the batch.
	Kind   string  `json:"kind"`
	Weight float64 `json:"weight"` // τ ≥ 0
	Target float64 `json:"target"` // ρ₀ ∈ (0, 1), the target for the mean of a component; default 0.05; "entropy" only

	// FreeColumns leaves the norms of b_j free, for "l1" only. It demonstrates a mistake: z → z/c, b_j → c·b_j keeps
	// each x̂ and divides the penalty by c, so that the penalty favours small numbers instead of zeros.
	FreeColumns bool `json:"free_columns"`
}

// withDefaults returns the configuration with its zero fields filled in.
func (c AutoencoderConfig) withDefaults() AutoencoderConfig {
	c.Features = cmp.Or(c.Features, c.image().features())
	if c.Hidden == nil {
		c.Hidden = []int{512}
	}
	c.Activation = cmp.Or(c.Activation, "relu")
	c.Encoder = cmp.Or(c.Encoder, "dense")
	c.Decoder = cmp.Or(c.Decoder, "dense")
	c.Loss = cmp.Or(c.Loss, "mse")
	if c.Sparsity.Kind == "entropy" {
		c.Sparsity.Target = cmp.Or(c.Sparsity.Target, 0.05)
	}
	return c
}

// check returns an error that names the first invalid field.
func (c AutoencoderConfig) check() error {
	switch {
	case c.Features < 1:
		return fmt.Errorf("lecture11: AutoencoderConfig.Features = %d, want the positive number of components of x", c.Features)
	case c.Latent < 1:
		return fmt.Errorf("lecture11: AutoencoderConfig.Latent = %d, want a positive number of components of z", c.Latent)
	case c.Classes < 0 || c.Classes == 1:
		return fmt.Errorf("lecture11: AutoencoderConfig.Classes = %d, want 0 for none, or at least 2", c.Classes)
	case !(c.ClassWeight >= 0) || math.IsInf(c.ClassWeight, 0):
		return fmt.Errorf("lecture11: AutoencoderConfig.ClassWeight = %g, want λ ≥ 0", c.ClassWeight)
	case c.ClassWeight > 0 && c.Classes == 0:
		return fmt.Errorf("lecture11: AutoencoderConfig.ClassWeight = %g with Classes = 0, want the number of classes",
			c.ClassWeight)
	}
	if err := checkNets("AutoencoderConfig", c.spec(), c.Encoder, c.Decoder); err != nil {
		return err
	}
	return errors.Join(checkName("AutoencoderConfig.Loss", c.Loss, reconstructionLosses),
		c.Corruption.check("AutoencoderConfig.Corruption"), c.checkSparsity())
}

func (c AutoencoderConfig) checkSparsity() error {
	s := c.Sparsity
	if s == (Sparsity{}) {
		return nil
	}
	if err := checkName("AutoencoderConfig.Sparsity.Kind", s.Kind, sparsities); err != nil {
		return err
	}
	switch {
	case !(s.Weight >= 0) || math.IsInf(s.Weight, 0):
		return fmt.Errorf("lecture11: AutoencoderConfig.Sparsity.Weight = %g, want τ ≥ 0", s.Weight)
	case s.Kind == "entropy" && !(s.Target > 0 && s.Target < 1):
		return fmt.Errorf("lecture11: AutoencoderConfig.Sparsity.Target = %g, want ρ₀ in (0, 1)", s.Target)
	case s.Kind == "l1" && c.Decoder != "dense":
		return fmt.Errorf("lecture11: AutoencoderConfig.Decoder = %q with Sparsity.Kind \"l1\", want \"dense\": its decoder is "+
			"one affine layer", c.Decoder)
	case s.Kind != "l1" && s.FreeColumns:
		return fmt.Errorf("lecture11: AutoencoderConfig.Sparsity.FreeColumns with Kind %q, want \"l1\"", s.Kind)
	case s.Kind != "entropy" && s.Target != 0:
		return fmt.Errorf("lecture11: AutoencoderConfig.Sparsity.Target = %g with Kind %q, want \"entropy\"", s.Target, s.Kind)
	}
	return nil
}

func (c AutoencoderConfig) spec() netSpec {
	return netSpec{features: c.Features, image: c.image(), hidden: c.Hidden, activation: c.Activation}
}

func (c AutoencoderConfig) image() imageShape { return imageShape{c.Height, c.Width, c.Channels} }

// Autoencoder is an encoder z = f(x, α) and a decoder x̂ = g(z, β), trained together to reconstruct the objects:
//
//	Σ_i ℒ(g(f(x_i, α), β), x_i) → min over α, β.
//
// With a [Corruption] the encoder sees x̃ ~ q(x̃|x), drawn again in each step, and the decoder has to return x: this
// is a denoising autoencoder. With Classes a classifier ŷ(z, γ) on the same code learns from the labelled objects.
//
// Slides "Autoencoders", "Linear autoencoder and PCA", "Sparse autoencoder", "Denoising auto encoder" and "Autoencoders
// for supervised learning"; Rumelhart, Hinton & Williams 1986; Vincent et al. 2008.
type Autoencoder struct {
	cfg  AutoencoderConfig
	nets CodingNets
	fitted
}

// NewAutoencoder returns an untrained autoencoder that computes on backend. The error names the invalid field of cfg.
func NewAutoencoder(backend compute.Backend, cfg AutoencoderConfig) (*Autoencoder, error) {
	if err := checkBackend("NewAutoencoder", backend); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &Autoencoder{cfg: cfg, nets: CodingNets{Encoder: encoders[cfg.Encoder](cfg.spec(), cfg.Latent), Decoder: decoders[cfg.Decoder](cfg.spec())}}
	m.fitted = newFitted("Autoencoder", backend, cfg, m.buildAll)
	return m, nil
}

// buildAll builds the encoder, the decoder and the classifier once, with zeros as objects.
func (m *Autoencoder) buildAll(scope *model.Scope, g *Graph) {
	z := m.encode(scope, zeroRow(g, m.cfg.Features))
	m.decode(scope, z)
	if m.cfg.Classes > 0 {
		m.classify(scope, z)
	}
}

// Config returns the configuration with the defaults filled in.
func (m *Autoencoder) Config() AutoencoderConfig { return m.cfg }

// NoLabel is the label of an object whose class is unknown.
const NoLabel = -1

// Training prepares the training of the model on the objects x, [l, n]: floats, or bytes 0…255 that stand for [0, 1].
// dataID identifies x in the key of the result; it may be the ID of a data set.
//
// The losses are "loss" and "reconstruction" = ℒ(x̂, x), summed over components and averaged over objects. With
// sparsity there is also "sparsity", the penalty without its weight τ: loss = reconstruction + τ·sparsity.
func (m *Autoencoder) Training(x *tensors.Tensor, dataID string, cfg FitConfig) (*Training, error) {
	if m.cfg.Classes > 0 {
		return nil, fmt.Errorf("lecture11: AutoencoderConfig.Classes = %d, want LabelledTraining, which takes the labels",
			m.cfg.Classes)
	}
	return m.trainingOn(cfg, dataID, namedTensor{"objects", x})
}

// LabelledTraining is like Training for a model with a classifier on the code (slide "Autoencoders for supervised
// learning"). It minimises
//
//	Σ_i ℒ(g(f(x_i, α), β), x_i) + λ Σ_{i labelled} ℒ̃(ŷ(f(x_i, α), γ), y_i) → min over α, β, γ,
//
// where ℒ̃ is the cross-entropy in nats. There is one label per object, 0 … Classes−1 or [NoLabel]. The labels are
// part of the key, like dataID. Both sums are divided by the number of objects in the batch. There is one more loss,
// "classification": loss = reconstruction + λ·classification.
func (m *Autoencoder) LabelledTraining(x *tensors.Tensor, labels []int, dataID string, cfg FitConfig) (*Training, error) {
	y, err := m.labels(x, labels)
	if err != nil {
		return nil, err
	}
	return m.trainingOn(cfg, dataID, namedTensor{"objects", x}, namedTensor{"labels", y})
}

// labels checks labels and returns them as a tensor int32 [l].
func (m *Autoencoder) labels(x *tensors.Tensor, labels []int) (*tensors.Tensor, error) {
	if err := checkTensors(m.kind, x); err != nil {
		return nil, err
	}
	switch {
	case m.cfg.Classes == 0:
		return nil, errors.New("lecture11: AutoencoderConfig.Classes = 0, want the number of classes for labels")
	case x.Rank() == 0 || len(labels) != x.Shape().Dimensions[0]:
		return nil, fmt.Errorf("lecture11: %d labels for objects %s, want one for each object", len(labels), x.Shape())
	}
	flat := make([]int32, len(labels))
	for i, label := range labels {
		if label < NoLabel || label >= m.cfg.Classes {
			return nil, fmt.Errorf("lecture11: label %d of object %d, want 0 to %d, or %d for none",
				label, i, m.cfg.Classes-1, NoLabel)
		}
		flat[i] = int32(label)
	}
	return tensors.FromFlatDataAndDimensions(flat, len(flat)), nil
}

// trainingOn prepares the training on objects, with their labels if the model uses labels.
func (m *Autoencoder) trainingOn(cfg FitConfig, dataID string, batch ...namedTensor) (*Training, error) {
	if err := m.checkObjects(batch[0].value, m.cfg.Features, m.cfg.Loss == "bernoulli"); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults(batch[0].value.Shape().Dimensions[0])
	name := "ae"
	if m.cfg.Corruption.Kind != "" {
		name = "dae"
	}
	return m.training(trainingSpec{
		kind: "autoencoder", name: fmt.Sprintf("%s-%d", name, m.cfg.Latent), model: m.cfg, seed: m.cfg.Seed, fit: cfg, id: dataID,
		objects: batch,
		build: func(scope *model.Scope, now *stepNumbers, batch []*Node) []Loss {
			losses := m.losses(scope, pixels(batch[0]), batch[1:])
			now.adamStep(scope, losses[0].Value)
			return losses
		},
		evaluate: m.heldOut,
	})
}

// heldOut prepares the losses on held-out objects, which are corrupted like the training objects.
func (m *Autoencoder) heldOut(e *Evaluation) (*heldOutSet, error) {
	x, err := e.objects()
	if err != nil {
		return nil, err
	}
	if err := m.checkObjects(e.X, m.cfg.Features, m.cfg.Loss == "bernoulli"); err != nil {
		return nil, err
	}
	inputs := []namedTensor{x}
	if m.cfg.Classes > 0 {
		y, err := m.labels(e.X, e.Labels)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, namedTensor{"labels", y})
	}
	return &heldOutSet{inputs: inputs, losses: func(scope *model.Scope, batch []*Node) []Loss {
		return m.losses(scope, pixels(batch[0]), batch[1:])
	}}, nil
}
