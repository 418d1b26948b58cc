package lecture11

import (
	"cmp"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// VAEConfig describes a variational autoencoder. Zero fields take the default in their comment. As JSON it is part of
// the key under which a trained model is stored.
type VAEConfig struct {
	Features   int      `json:"features"`   // components n of an object x; 784 for MNIST
	Latent     int      `json:"latent"`     // components d of the code z
	Hidden     []int    `json:"hidden"`     // hidden sizes of the dense encoder, reversed in the decoder; default {512}
	Activation string   `json:"activation"` // "relu" (default), "tanh", "gelu"
	Encoder    string   `json:"encoder"`    // "dense" (default) or "conv"
	Decoder    string   `json:"decoder"`    // the same
	Likelihood string   `json:"likelihood"` // p(x|z): "bernoulli" (default, x in [0, 1]) or "gaussian"
	NoiseStd   float64  `json:"noise_std"`  // σ of the Gaussian likelihood, in units of x; default 1
	Beta       *float64 `json:"beta"`       // weight β ≥ 0 of the KL term; nil stands for 1, the bound of the slide
	PriorStd   float64  `json:"prior_std"`  // s of the prior p(z) = N(0, s²I); default 1

	// Samples is K, the number of codes drawn for an object in a training step; default 1. With more, training raises the
	// bound L_K of [ImportanceBound] in place of the ELBO: the model is an importance weighted autoencoder (IWAE).
	Samples int `json:"samples"`
	// WarmUp is the share of the training, 0 to 1, in which β rises linearly from 0 to Beta; default 0: none.
	WarmUp float64 `json:"warm_up"`
	// FreeBits is λ ≥ 0: the KL of a component of the code counts only beyond λ nats, as a mean over the batch; default
	// 0.
	FreeBits float64 `json:"free_bits"`
	// TotalCorrelation is the weight β > 0 of the total correlation in the loss of a β-TC-VAE, see [KLTerms]; default
	// 0: the ELBO, whose KL term gives its three parts equal weights.
	TotalCorrelation float64 `json:"total_correlation,omitempty"`
	// Binarize draws each pixel again in each training step, as 0 or 1 with its value as the probability of 1.
	Binarize bool `json:"binarize"`
	// Classes makes the model conditional: p_β(x|z, y), q_α(z|x, y) for labels y = 0 … Classes−1. [WithLabels] adds the
	// labels to the objects and the codes; default 0: none.
	Classes int `json:"classes"`

	// Height, Width and Channels describe how the components of an object form an image, for "conv" networks: row by
	// row, with the channels of a pixel adjacent. Features then is their product. Zeros stand for a square image of one
	// channel.
	Height   int `json:"height,omitempty"`
	Width    int `json:"width,omitempty"`
	Channels int `json:"channels,omitempty"`

	Seed int64 `json:"seed"` // of the initial weights
}

// withDefaults returns c with defaults for its zero fields.
func (c VAEConfig) withDefaults() VAEConfig {
	c.Features = cmp.Or(c.Features, c.image().features())
	if c.Hidden == nil {
		c.Hidden = []int{512}
	}
	c.Activation = cmp.Or(c.Activation, "relu")
	c.Encoder = cmp.Or(c.Encoder, "dense")
	c.Decoder = cmp.Or(c.Decoder, "dense")
	c.Likelihood = cmp.Or(c.Likelihood, "bernoulli")
	c.NoiseStd = cmp.Or(c.NoiseStd, 1)
	c.Beta = valueOr(c.Beta, 1)
	c.PriorStd = cmp.Or(c.PriorStd, 1)
	c.Samples = cmp.Or(c.Samples, 1)
	return c
}

// check returns an error that names the first invalid field.
func (c VAEConfig) check() error {
	for _, f := range []struct {
		field string
		value int
		want  string
	}{
		{"Features", c.Features, "the positive number of components of x"},
		{"Latent", c.Latent, "a positive number of components of z"},
	} {
		if f.value < 1 {
			return fmt.Errorf("lecture11: VAEConfig.%s = %d, want %s", f.field, f.value, f.want)
		}
	}
	for _, f := range []struct {
		field string
		value float64
	}{{"NoiseStd", c.NoiseStd}, {"PriorStd", c.PriorStd}} {
		if !(f.value > 0) || math.IsInf(f.value, 0) {
			return fmt.Errorf("lecture11: VAEConfig.%s = %g, want a positive number", f.field, f.value)
		}
	}
	if !(*c.Beta >= 0) || math.IsInf(*c.Beta, 0) {
		return fmt.Errorf("lecture11: VAEConfig.Beta = %g, want β ≥ 0", *c.Beta)
	}
	if err := c.checkTrainingOptions(); err != nil {
		return err
	}
	if err := checkNets("VAEConfig", c.spec(), c.Encoder, c.Decoder); err != nil {
		return err
	}
	return checkName("VAEConfig.Likelihood", c.Likelihood, likelihoods)
}

// checkTrainingOptions checks the fields that change the minimised loss.
func (c VAEConfig) checkTrainingOptions() error {
	switch {
	case c.Samples < 1:
		return fmt.Errorf("lecture11: VAEConfig.Samples = %d, want at least 1", c.Samples)
	case !(c.WarmUp >= 0 && c.WarmUp <= 1):
		return fmt.Errorf("lecture11: VAEConfig.WarmUp = %g, want a share of the training in [0, 1]", c.WarmUp)
	case !(c.FreeBits >= 0) || math.IsInf(c.FreeBits, 0):
		return fmt.Errorf("lecture11: VAEConfig.FreeBits = %g, want λ ≥ 0 nats", c.FreeBits)
	case c.Samples > 1 && (*c.Beta != 1 || c.WarmUp > 0 || c.FreeBits > 0):
		return fmt.Errorf("lecture11: VAEConfig.Samples = %d with Beta = %g, WarmUp = %g, FreeBits = %g, want 1, 0, 0: the bound of "+
			"several codes has no separate KL term", c.Samples, *c.Beta, c.WarmUp, c.FreeBits)
	case !(c.TotalCorrelation >= 0) || math.IsInf(c.TotalCorrelation, 0):
		return fmt.Errorf("lecture11: VAEConfig.TotalCorrelation = %g, want a weight of at least 0", c.TotalCorrelation)
	case c.TotalCorrelation > 0 && (c.Samples > 1 || *c.Beta != 1 || c.WarmUp > 0 || c.FreeBits > 0):
		return fmt.Errorf("lecture11: VAEConfig.TotalCorrelation = %g with Samples = %d, Beta = %g, WarmUp = %g, FreeBits = %g, want 1, 1, "+
			"0, 0: it weights one part of the KL term", c.TotalCorrelation, c.Samples, *c.Beta, c.WarmUp, c.FreeBits)
	case c.Binarize && c.Likelihood != "bernoulli":
		return fmt.Errorf("lecture11: VAEConfig.Binarize with Likelihood %q, want \"bernoulli\"", c.Likelihood)
	case c.Classes < 0 || c.Classes == 1:
		return fmt.Errorf("lecture11: VAEConfig.Classes = %d, want 0 for none, or at least 2", c.Classes)
	}
	return nil
}

func (c VAEConfig) spec() netSpec {
	return netSpec{features: c.Features, image: c.image(), hidden: c.Hidden, activation: c.Activation}
}

func (c VAEConfig) image() imageShape { return imageShape{c.Height, c.Width, c.Channels} }

// VAE is a variational autoencoder: an encoder q_α(z|x) = N(μ_α(x), diag σ_α²(x)), a decoder p_β(x|z) and the prior
// p(z) = N(0, s²I), trained together to raise the evidence lower bound
//
//	ELBO(x) = E_{z~q_α(z|x)} ln p_β(x|z) − KL(q_α(z|x) ‖ p(z)) ≤ ln p_β(x).
//
// Slides "Variational Auto Encoder"; Kingma & Welling 2013.
type VAE struct {
	cfg  VAEConfig
	nets CodingNets
	fitted
}

// NewVAE returns an untrained VAE that computes on backend. The error names the invalid field of cfg.
func NewVAE(backend compute.Backend, cfg VAEConfig) (*VAE, error) {
	if err := checkBackend("NewVAE", backend); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &VAE{cfg: cfg, nets: CodingNets{Encoder: encoders[cfg.Encoder](cfg.spec(), 2*cfg.Latent), Decoder: decoders[cfg.Decoder](cfg.spec())}}
	m.fitted = newFitted("VAE", backend, cfg, m.buildAll)
	return m, nil
}

// buildAll builds the encoder and the decoder once, on objects of zeros.
func (m *VAE) buildAll(scope *model.Scope, g *Graph) {
	m.encode(scope, zeroRow(g, m.cfg.Features+m.cfg.Classes))
	m.decode(scope, zeroRow(g, m.cfg.Latent+m.cfg.Classes))
}

// Config returns the configuration with the defaults filled in.
func (m *VAE) Config() VAEConfig { return m.cfg }

// Training prepares the training of the model on the objects x, [l, n]: floats, or bytes 0…255 scaled to [0, 1]. The
// objects of a conditional model include their labels (see [WithLabels]). dataID identifies x in the key of the result,
// such as the ID of a data set.
//
// The losses are "loss" = reconstruction + β·kl, "reconstruction" = −E ln p(x|z) by one z for each x, and "kl", in
// nats, summed over components and averaged over objects; −loss is the ELBO if β = 1. With free bits a component of kl
// below λ counts as λ in the loss. With several codes the loss is −L_K, and the other two are computed from the same
// codes.
//
// With a weight β of the total correlation the loss is reconstruction + mutual information + β·total correlation +
// dimension-wise kl. These parts are also reported, by these names; see [KLTerms].
func (m *VAE) Training(x *tensors.Tensor, dataID string, cfg FitConfig) (*Training, error) {
	if err := m.checkObjects("VAE.Training", x); err != nil {
		return nil, err
	}
	objects := x.Shape().Dimensions[0]
	cfg = cfg.withDefaults(objects)
	if m.cfg.TotalCorrelation > 0 && cfg.Batch < 2 {
		return nil, fmt.Errorf("lecture11: FitConfig.Batch = %d with VAEConfig.TotalCorrelation = %g, want at least 2 objects to compare",
			cfg.Batch, m.cfg.TotalCorrelation)
	}
	return m.training(trainingSpec{
		kind: "vae", name: m.name(), model: m.cfg, seed: m.cfg.Seed, fit: cfg, id: dataID,
		objects: []namedTensor{{"objects", x}},
		numbers: func(step int) []float64 { return []float64{m.betaAt(float64(step) / float64(cfg.steps(objects)))} },
		build: func(scope *model.Scope, now *stepNumbers, batch []*Node) []Loss {
			losses := m.losses(scope, now.own[0], pixels(batch[0]), objects)
			now.adamStep(scope, losses[0].Value)
			return losses
		},
		evaluate: m.heldOut,
	})
}

// heldOut evaluates the losses of held-out objects, with the full β.
func (m *VAE) heldOut(e *Evaluation) (*heldOutSet, error) {
	x, err := e.objects()
	if err != nil {
		return nil, err
	}
	if err := m.checkObjects("VAE.Training", e.X); err != nil {
		return nil, err
	}
	return &heldOutSet{inputs: []namedTensor{x}, losses: func(scope *model.Scope, batch []*Node) []Loss {
		return m.losses(scope, Const(batch[0].Graph(), *m.cfg.Beta), pixels(batch[0]), e.X.Shape().Dimensions[0])
	}}, nil
}

// name returns a short name: "vae-20", "iwae50-20", "tcvae-20".
func (m *VAE) name() string {
	if m.cfg.Samples > 1 {
		return fmt.Sprintf("iwae%d-%d", m.cfg.Samples, m.cfg.Latent)
	}
	if m.cfg.TotalCorrelation > 0 {
		return fmt.Sprintf("tcvae-%d", m.cfg.Latent)
	}
	return fmt.Sprintf("vae-%d", m.cfg.Latent)
}

// checkObjects returns an error unless x is [l, n], or [l, n + classes] for a conditional model, with the labels that
// [WithLabels] appends, and is valid for the likelihood. who is the function, for errors.
func (m *VAE) checkObjects(who string, x *tensors.Tensor) error {
	if err := m.fitted.checkObjects(x, m.cfg.Features+m.cfg.Classes, m.cfg.Likelihood == "bernoulli"); err != nil {
		return err
	}
	return checkLabelColumns(who, x, m.cfg.Features, m.cfg.Classes)
}
