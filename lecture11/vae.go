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
	Features   int     `json:"features"`   // components n of an object x; 784 for MNIST
	Latent     int     `json:"latent"`     // components d of the code z
	Hidden     []int   `json:"hidden"`     // hidden sizes of the dense encoder, reversed in the decoder; default {512}
	Activation string  `json:"activation"` // "relu" (default), "tanh", "gelu"
	Encoder    string  `json:"encoder"`    // "dense" (default) or "conv" (square images, side a multiple of 4)
	Decoder    string  `json:"decoder"`    // the same
	Likelihood string  `json:"likelihood"` // p(x|z): "bernoulli" (default, x in [0, 1]) or "gaussian"
	NoiseStd   float64 `json:"noise_std"`  // σ of the Gaussian likelihood, in units of x; default 1
	Beta       float64 `json:"beta"`       // weight β of the KL term; default 1, the bound of the slide
	PriorStd   float64 `json:"prior_std"`  // s of the prior p(z) = N(0, s²I); default 1
	Seed       int64   `json:"seed"`       // the first weights
}

// withDefaults fills the zero fields.
func (c VAEConfig) withDefaults() VAEConfig {
	if c.Hidden == nil {
		c.Hidden = []int{512}
	}
	c.Activation = cmp.Or(c.Activation, "relu")
	c.Encoder = cmp.Or(c.Encoder, "dense")
	c.Decoder = cmp.Or(c.Decoder, "dense")
	c.Likelihood = cmp.Or(c.Likelihood, "bernoulli")
	c.NoiseStd = cmp.Or(c.NoiseStd, 1)
	c.Beta = cmp.Or(c.Beta, 1)
	c.PriorStd = cmp.Or(c.PriorStd, 1)
	return c
}

// check returns an error that names the first field that makes no model.
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
	for i, size := range c.Hidden {
		if size < 1 {
			return fmt.Errorf("lecture11: VAEConfig.Hidden[%d] = %d, want a positive layer size", i, size)
		}
	}
	for _, f := range []struct {
		field string
		value float64
	}{{"NoiseStd", c.NoiseStd}, {"Beta", c.Beta}, {"PriorStd", c.PriorStd}} {
		if !(f.value > 0) || math.IsInf(f.value, 0) {
			return fmt.Errorf("lecture11: VAEConfig.%s = %g, want a positive number", f.field, f.value)
		}
	}
	return c.checkNames()
}

func (c VAEConfig) checkNames() error {
	if err := checkName("VAEConfig.Activation", c.Activation, activations); err != nil {
		return err
	}
	if err := checkName("VAEConfig.Likelihood", c.Likelihood, likelihoods); err != nil {
		return err
	}
	for field, name := range map[string]string{"Encoder": c.Encoder, "Decoder": c.Decoder} {
		if err := checkName("VAEConfig."+field, name, vaeNets); err != nil {
			return err
		}
		if name == "conv" && imageSide(c.Features)%4 != 0 {
			return fmt.Errorf("lecture11: VAEConfig.Features = %d with %s \"conv\", want a square image whose side is a "+
				"multiple of 4, such as 784 = 28·28", c.Features, field)
		}
	}
	return nil
}

// VAE is a variational autoencoder: an encoder q_α(z|x) = N(μ_α(x), diag σ_α²(x)), a decoder p_β(x|z) and the prior
// p(z) = N(0, s²I), trained together to raise the evidence lower bound
//
//	ELBO(x) = E_{z~q_α(z|x)} ln p_β(x|z) − KL(q_α(z|x) ‖ p(z)) ≤ ln p_β(x).
//
// Slides "Variational Auto Encoder"; Kingma & Welling 2013.
type VAE struct {
	cfg     VAEConfig
	backend compute.Backend
	store   *model.Store
	encoder *model.Exec // compiled when first asked for
	decoder *model.Exec
	bounds  map[int]*model.Exec // by the number of codes an object; see perObject
}

// NewVAE returns an untrained VAE that computes on backend. The error names the field of cfg that is wrong.
func NewVAE(backend compute.Backend, cfg VAEConfig) (*VAE, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &VAE{cfg: cfg, backend: backend, store: model.NewStore(), bounds: map[int]*model.Exec{}}, nil
}

// Config is the configuration with the defaults filled in.
func (m *VAE) Config() VAEConfig { return m.cfg }

// Training prepares the training of the model on the objects x, [l, n]: floats, or bytes 0…255 that stand for [0, 1].
// dataID identifies x in the key of the result, such as the ID of a data set.
//
// The losses are "loss" = reconstruction + β·kl, "reconstruction" = −E ln p(x|z) by one z for each x, and "kl", in nats,
// summed over components and averaged over objects; −loss is the ELBO where β = 1.
func (m *VAE) Training(x *tensors.Tensor, dataID string, cfg FitConfig) (*Training, error) {
	if err := m.checkObjects(x); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return newTraining(Training{
		name: fmt.Sprintf("vae-%d", m.cfg.Latent),
		key: map[string]any{
			"kind": "vae", "model": m.cfg, "fit": cfg, "data": dataID,
			"code": codeVersion("vae.go", "likelihood.go", "net.go", "conv.go", "fit.go", "adam.go"),
		},
		cfg: cfg, backend: m.backend, store: m.store, initSeed: m.cfg.Seed,
		data: []*tensors.Tensor{x},
		build: func(scope *model.Scope, progress *Node, batch []*Node) []Loss {
			return m.step(scope, progress, batch[0], cfg)
		},
	})
}

// step builds the losses of a batch and their update. α and β move together: one Adam over both sets of weights.
func (m *VAE) step(scope *model.Scope, progress, x *Node, cfg FitConfig) []Loss {
	x = pixels(x)
	mean, logVar := m.encode(scope, x)
	eps := scope.RandomNormal(x.Graph(), mean.Shape())
	logLikelihood, kl := m.terms(scope, x, mean, logVar, eps)
	reconstruction := Neg(ReduceAllMean(logLikelihood))
	klMean := ReduceAllMean(kl)
	loss := Add(reconstruction, MulScalar(klMean, m.cfg.Beta))
	cfg.adamStep(scope, progress, loss)
	return []Loss{{"loss", loss}, {"reconstruction", reconstruction}, {"kl", klMean}}
}

// terms builds the two terms of the bound for each object by one code each: ln p(x|z) at z = μ + σ·ε, and
// KL(q(z|x) ‖ p(z)). x: [batch, n]; mean, logVar, eps: [batch, d]; results: [batch], in nats.
func (m *VAE) terms(scope *model.Scope, x, mean, logVar, eps *Node) (logLikelihood, kl *Node) {
	z := Reparameterize(mean, logVar, eps)
	return m.logLikelihood(x, m.decode(scope, z)), KLDivergence(mean, logVar, m.cfg.PriorStd)
}

// encode builds q_α(z|x): its mean and the logarithm of its variance, [batch, d] each.
func (m *VAE) encode(scope *model.Scope, x *Node) (mean, logVar *Node) {
	d := m.cfg.Latent
	out := vaeNets[m.cfg.Encoder].encoder(m.cfg, 2*d)(scope.In("encoder"), x) // [batch, 2d]
	return Slice(out, AxisRange(), AxisRange(0, d)), Slice(out, AxisRange(), AxisRange(d, 2*d))
}

// decode builds the parameters of p_β(x|z): logits for Bernoulli, means for Gaussian, [batch, n].
func (m *VAE) decode(scope *model.Scope, z *Node) *Node {
	return vaeNets[m.cfg.Decoder].decoder(m.cfg, m.cfg.Features)(scope.In("decoder"), z)
}

// logLikelihood is ln p(x|z) for the decoder's output, in nats, [batch].
func (m *VAE) logLikelihood(x, out *Node) *Node {
	return likelihoods[m.cfg.Likelihood].log(x, out, m.cfg.NoiseStd)
}

// vaeNets are the networks that a configuration may name.
var vaeNets = map[string]struct {
	encoder, decoder func(cfg VAEConfig, outputs int) NetFn
}{
	"dense": {denseVAEEncoder, denseVAEDecoder},
	"conv":  {convVAEEncoder, convVAEDecoder},
}

func denseVAEEncoder(cfg VAEConfig, outputs int) NetFn {
	return Dense(cfg.Hidden, outputs, cfg.Activation)
}

func denseVAEDecoder(cfg VAEConfig, outputs int) NetFn {
	reversed := make([]int, len(cfg.Hidden))
	for i, size := range cfg.Hidden {
		reversed[len(reversed)-1-i] = size
	}
	return Dense(reversed, outputs, cfg.Activation)
}

// checkObjects returns an error unless x is [l, n] with the model's n.
func (m *VAE) checkObjects(x *tensors.Tensor) error {
	shape := x.Shape()
	if shape.Rank() != 2 || shape.Dimensions[1] != m.cfg.Features {
		return fmt.Errorf("lecture11: objects of shape %s, want [l, %d]: VAEConfig.Features = %d",
			shape, m.cfg.Features, m.cfg.Features)
	}
	return nil
}
