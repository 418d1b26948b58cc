package lecture11

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/lecture11/internal/noise"
)

// GANConfig describes a generative adversarial network. Zero fields take the default in their comment. Its JSON is
// part of the key under which a trained model is stored.
type GANConfig struct {
	Features int `json:"features"` // components n of an object x
	Latent   int `json:"latent"`   // components d of the noise z ~ N(0, I)

	// Nets is "dense" (default) or "conv", for images. For "dense", Generator and Discriminator are the hidden sizes:
	// {128, 128} by default, and {} is an affine map. For "conv" they are the channels of each image size, {64, 32}
	// and {32, 64} by default: G doubles height and width of its image len(Generator) times; D halves them
	// len(Discriminator) times and ends in a dense layer of Hidden units.
	Nets          string `json:"nets"`
	Generator     []int  `json:"generator"`
	Discriminator []int  `json:"discriminator"`
	Hidden        int    `json:"hidden"`     // "conv" only; default 256
	Norm          string `json:"norm"`       // of G's layers, "conv" only: "pixel" (default), x/√(mean of x² over a pixel's channels), or "none"
	Activation    string `json:"activation"` // of both: "leaky" (default), "relu", "tanh", "gelu"
	Output        string `json:"output"`     // of G: "linear" (default), or "sigmoid" for objects in [0, 1]

	Loss     string   `json:"loss"`     // one of AdversarialLosses; default "non-saturating"
	Steps    int      `json:"steps"`    // steps of D per step of G; default 1
	Clip     float64  `json:"clip"`     // c > 0: each weight of D is clipped to [−c, c] after its step; default 0: no clipping
	Penalty  float64  `json:"penalty"`  // λ > 0 of the gradient penalty; default 0: none
	Spectral bool     `json:"spectral"` // D computes with W/σ(W), where σ is the largest singular value, by one power iteration per call
	Spread   bool     `json:"spread"`   // "conv" only: D also sees how much the objects of its batch differ, which prevents collapse
	Smooth   float64  `json:"smooth"`   // s ∈ [0, ½): D's target for real objects is 1 − s, not 1; cross-entropy losses only
	Pace     *float64 `json:"pace"`     // D's learning rate divided by G's, at least 0; nil stands for 1
	Frozen   string   `json:"frozen"`   // "generator" or "discriminator": its weights keep their first values; default "": both learn
	Average  float64  `json:"average"`  // γ ∈ (0, 1): objects are generated with the mean of G's weights, w̄ := γw̄ + (1 − γ)w; default 0: with w
	Classes  int      `json:"classes"`  // of labels that both nets take, see [WithLabels]; default 0: no labels

	// Height, Width and Channels describe the components of an object as an image, for "conv" networks: row by row,
	// with the channels of a pixel together. Features is then their product. Zeros mean a square image of one channel.
	Height   int `json:"height,omitempty"`
	Width    int `json:"width,omitempty"`
	Channels int `json:"channels,omitempty"`

	Seed int64 `json:"seed"` // the first weights
}

func (c GANConfig) withDefaults() GANConfig {
	c.Features = cmp.Or(c.Features, c.image().features())
	c.Nets = cmp.Or(c.Nets, "dense")
	generator, discriminator := []int{128, 128}, []int{128, 128}
	if c.Nets == "conv" {
		generator, discriminator = []int{64, 32}, []int{32, 64}
		c.Hidden, c.Norm = cmp.Or(c.Hidden, 256), cmp.Or(c.Norm, "pixel")
	}
	if c.Generator == nil {
		c.Generator = generator
	}
	if c.Discriminator == nil {
		c.Discriminator = discriminator
	}
	c.Activation, c.Output = cmp.Or(c.Activation, "leaky"), cmp.Or(c.Output, "linear")
	c.Loss, c.Steps, c.Pace = cmp.Or(c.Loss, "non-saturating"), cmp.Or(c.Steps, 1), valueOr(c.Pace, 1)
	return c
}

func (c GANConfig) image() imageShape { return imageShape{c.Height, c.Width, c.Channels} }

// ganOutputs holds the output functions of a generator by name.
var ganOutputs = map[string]func(*Node) *Node{"linear": activations["linear"], "sigmoid": Sigmoid}

// check returns an error that names the first invalid field.
func (c GANConfig) check() error {
	switch {
	case c.Features < 1:
		return fmt.Errorf("lecture11: GANConfig.Features = %d, want the positive number of components of x", c.Features)
	case c.Latent < 1:
		return fmt.Errorf("lecture11: GANConfig.Latent = %d, want a positive number of components of z", c.Latent)
	case c.Steps < 1:
		return fmt.Errorf("lecture11: GANConfig.Steps = %d, want at least 1", c.Steps)
	case !(c.Clip >= 0) || math.IsInf(c.Clip, 0):
		return fmt.Errorf("lecture11: GANConfig.Clip = %g, want c > 0, or 0 for none", c.Clip)
	case !(c.Penalty >= 0) || math.IsInf(c.Penalty, 0):
		return fmt.Errorf("lecture11: GANConfig.Penalty = %g, want λ > 0, or 0 for none", c.Penalty)
	case !(c.Smooth >= 0 && c.Smooth < 0.5):
		return fmt.Errorf("lecture11: GANConfig.Smooth = %g, want s in [0, 0.5)", c.Smooth)
	case c.Smooth > 0 && adversarialLosses[c.Loss].Smooth == nil:
		return fmt.Errorf("lecture11: GANConfig.Smooth = %g with Loss = %q, want a loss of probabilities: minimax or non-saturating",
			c.Smooth, c.Loss)
	case !(*c.Pace >= 0) || math.IsInf(*c.Pace, 0):
		return fmt.Errorf("lecture11: GANConfig.Pace = %g, want a number ≥ 0", *c.Pace)
	case !(c.Average >= 0 && c.Average < 1):
		return fmt.Errorf("lecture11: GANConfig.Average = %g, want γ in (0, 1), or 0 for none", c.Average)
	case c.Classes < 0 || c.Classes == 1:
		return fmt.Errorf("lecture11: GANConfig.Classes = %d, want 0 for none, or at least 2", c.Classes)
	}
	if err := c.checkNets(); err != nil {
		return err
	}
	if err := checkName("GANConfig.Activation", c.Activation, activations); err != nil {
		return err
	}
	if err := checkName("GANConfig.Output", c.Output, ganOutputs); err != nil {
		return err
	}
	if err := checkName("GANConfig.Frozen", c.Frozen, map[string]bool{"": true, "generator": true, "discriminator": true}); err != nil {
		return err
	}
	return checkName("GANConfig.Loss", c.Loss, adversarialLosses)
}

// checkNets returns an error that names the first size for which no network can be built.
func (c GANConfig) checkNets() error {
	if err := checkName("GANConfig.Nets", c.Nets, ganBuilders); err != nil {
		return err
	}
	if c.Nets != "conv" && (c.Hidden != 0 || c.Norm != "" || c.Spread) {
		return fmt.Errorf("lecture11: GANConfig.Hidden = %d, Norm = %q and Spread = %t with Nets = %q, want Nets \"conv\"",
			c.Hidden, c.Norm, c.Spread, c.Nets)
	}
	if c.Nets == "conv" {
		if c.Hidden < 1 {
			return fmt.Errorf("lecture11: GANConfig.Hidden = %d, want a positive number of units", c.Hidden)
		}
		if err := checkName("GANConfig.Norm", c.Norm, ganNorms); err != nil {
			return err
		}
	}
	if c.Nets == "conv" || c.image() != (imageShape{}) {
		if err := c.image().check("GANConfig", c.Features); err != nil {
			return err
		}
	}
	for field, sizes := range map[string][]int{"Generator": c.Generator, "Discriminator": c.Discriminator} {
		if err := checkSizes("GANConfig."+field, sizes); err != nil {
			return err
		}
		if c.Nets != "conv" {
			continue
		}
		if len(sizes) == 0 {
			return fmt.Errorf("lecture11: GANConfig.%s = %v with Nets \"conv\", want the channels of at least one size", field, sizes)
		}
	}
	return nil
}

// GAN is a generator G(z) and a discriminator (or critic) D(x) that are trained against each other:
//
//	min over G, max over D:  E_p ln D(x) + E_z ln(1 − D(G(z)))
//
// or another pair of [AdversarialLosses]. With Penalty the discriminator's loss also has the term λ·E(‖∇_x̂ a(x̂)‖ −
// 1)², x̂ = u·x + (1 − u)·G(z), with one u ~ U[0, 1) for each object (Gulrajani et al. 2017).
//
// Slides "Generative adversarial nets" to "Conditional GAN"; Goodfellow et al. 2014.
type GAN struct {
	cfg  GANConfig
	nets GANNets
	fitted
}

// NewGAN returns an untrained GAN that computes on backend. The error names the invalid field of cfg.
func NewGAN(backend compute.Backend, cfg GANConfig) (*GAN, error) {
	if err := checkBackend("NewGAN", backend); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &GAN{cfg: cfg, nets: ganBuilders[cfg.Nets](cfg)}
	m.fitted = newFitted("GAN", backend, cfg, m.buildAll)
	return m, nil
}

// NewGANOf is NewGAN with custom networks, in place of those described by Nets, Generator, Discriminator and
// Activation.
func NewGANOf(backend compute.Backend, cfg GANConfig, nets GANNets) (*GAN, error) {
	if err := checkBackend("NewGANOf", backend); err != nil {
		return nil, err
	}
	if nets.ID == "" || nets.Generator == nil || nets.Discriminator == nil {
		return nil, errors.New("lecture11: NewGANOf, want GANNets with ID, Generator and Discriminator: the ID is part of the key of a trained GAN")
	}
	if cfg.Spectral {
		return nil, errors.New("lecture11: NewGANOf with GANConfig.Spectral, want false: it cannot change the layers of a custom discriminator")
	}
	m, err := NewGAN(backend, cfg)
	if err != nil {
		return nil, err
	}
	m.nets = nets
	if err := m.setNetworks(nets.ID); err != nil {
		return nil, err
	}
	return m, nil
}

// buildAll builds both nets once, with zeros as noise and objects. It builds G again if there is a mean of its
// weights.
func (m *GAN) buildAll(scope *model.Scope, g *Graph) {
	nets := &ganNets{m: m, scope: scope}
	z, y := zeroRow(g, m.cfg.Latent), (*Node)(nil)
	if m.cfg.Classes > 0 {
		y = zeroRow(g, m.cfg.Classes)
	}
	nets.discriminate(nets.generateFrom(z, y))
	if m.cfg.Average == 0 {
		return
	}
	(&ganNets{m: m, scope: scope.In(averageScope)}).generateFrom(z, y)
	for v := range scope.Store().Scope("/" + averageScope).IterVariables() {
		v.SetTrainable(false)
	}
}

// Config returns the configuration with the defaults filled in.
func (m *GAN) Config() GANConfig { return m.cfg }

// StartFrom uses the weights of a trained GAN of the same networks as the first weights of m, in place of those drawn
// by its seed. Other networks are an error; custom networks are the same if their ID and their graph are. Call
// StartFrom before Training. The key of the training then contains a hash of these
// weights.
func (m *GAN) StartFrom(other *GAN) error {
	if err := checkGiven("GAN.StartFrom", "the source model", other != nil, "a trained model"); err != nil {
		return err
	}
	networks := func(m *GAN) string {
		c := m.cfg
		return fmt.Sprintf("GANNets.ID %q, Features %d, image %v, Latent %d, Classes %d, Nets %q, Generator %v, Discriminator %v, Hidden %d, Norm %q, "+
			"Spread %t, Spectral %t, Activation %q, Output %q", m.nets.ID, c.Features, c.image(), c.Latent, c.Classes, c.Nets, c.Generator, c.Discriminator, c.Hidden,
			c.Norm, c.Spread, c.Spectral, c.Activation, c.Output)
	}
	var different error
	if ours, theirs := networks(m), networks(other); ours != theirs {
		different = fmt.Errorf("lecture11: GAN.StartFrom: the other model has %s, want %s as here", theirs, ours)
	}
	return m.startFrom(&other.fitted, cmp.Or(different, m.sameCustomNets(other)))
}

// sameCustomNets returns an error unless both models have the same custom networks, or none. The mean of the weights of
// G, which one of them may lack, is not part of the comparison.
func (m *GAN) sameCustomNets(other *GAN) error {
	ours, err := m.withoutAverage()
	if err != nil {
		return err
	}
	theirs, err := other.withoutAverage()
	if err != nil {
		return err
	}
	return ours.sameCustom(theirs)
}

// withoutAverage returns the common part of a model with the same networks, without weights and GANConfig.Average.
func (m *GAN) withoutAverage() (*fitted, error) {
	plain := &GAN{cfg: m.cfg, nets: m.nets}
	plain.cfg.Average = 0
	plain.fitted = newFitted(m.kind, m.backend, plain.cfg, plain.buildAll)
	if m.networks == "" {
		return &plain.fitted, nil
	}
	return &plain.fitted, plain.setNetworks(m.networks)
}

// Training prepares the training on the objects x [l, n]: floats, or bytes 0…255 that stand for [0, 1]. For a
// conditional model the labels are appended to the objects. A step consists of Steps steps of D, each on Batch new
// objects and new noise, and one step of G on new noise. The losses of the last D step and of G are built on the same
// weights, before either net changes.
//
// The losses are "discriminator", which includes the penalty, and "generator". "real" and "fake" are the means of D's
// outputs before any sigmoid. "certain" is the share of objects, real or generated, that D classifies correctly with a
// probability over 99 % (|a| > ln 99). "∇G" and "∇D" are the norms of the gradients, before Adam, with respect to all
// weights of a net.
func (m *GAN) Training(x *tensors.Tensor, dataID string, cfg FitConfig) (*Training, error) {
	if err := m.checkObjects(x, m.cfg.Features+m.cfg.Classes, m.cfg.Output == "sigmoid"); err != nil {
		return nil, err
	}
	if err := checkLabelColumns("GAN.Training", x, m.cfg.Features, m.cfg.Classes); err != nil {
		return nil, err
	}
	l := x.Shape().Dimensions[0]
	if l < 2*m.cfg.Steps {
		return nil, fmt.Errorf("lecture11: GAN.Training on %d objects with GANConfig.Steps = %d, want at least 2 objects for each step of D", l, m.cfg.Steps)
	}
	cfg = cfg.withDefaults(l / m.cfg.Steps)
	if cfg.Batch < 2 {
		return nil, fmt.Errorf("lecture11: GAN.Training with FitConfig.Batch = %d, want at least 2: the spread of one object is not defined", cfg.Batch)
	}
	return m.training(trainingSpec{
		kind: "gan", name: "gan", model: m.cfg, seed: m.cfg.Seed, fit: cfg, id: dataID,
		settings: map[string]any{"nets": m.nets.ID},
		objects:  []namedTensor{{"objects", x}},
		perStep:  cfg.Batch * m.cfg.Steps, // each step of D takes new objects
		numbers:  func(int) []float64 { return []float64{*m.cfg.Pace} },
		build: func(scope *model.Scope, now *stepNumbers, rows []*Node) []Loss {
			return m.round(scope, now, cfg.Batch, pixels(rows[0]))
		},
		unevaluated: "D and G play a game, and a lower loss of either does not mean better objects; " +
			"NewJudge compares generated objects with real ones",
	})
}

// round builds Steps steps of D and one of G. x: [Steps·batch, n (+ classes)].
func (m *GAN) round(scope *model.Scope, now *stepNumbers, batch int, x *Node) []Loss {
	scope.Store().SetTraining(x.Graph(), true)
	nets := &ganNets{m: m, scope: scope}
	for k := range m.cfg.Steps - 1 {
		loss, _, _ := m.discriminatorLoss(nets, Slice(x, AxisRange(k*batch, (k+1)*batch)))
		nets.step(now, netLoss{"discriminator", loss})
	}
	real := Slice(x, AxisRange((m.cfg.Steps-1)*batch, m.cfg.Steps*batch))
	loss, a, b := m.discriminatorLoss(nets, real)
	generator := m.generatorLoss(nets, real)
	lengths := nets.step(now, netLoss{"generator", generator}, netLoss{"discriminator", loss})
	nets.average(now.progress)
	return []Loss{{"discriminator", loss}, {"generator", generator}, {"real", ReduceAllMean(a)}, {"fake", ReduceAllMean(b)},
		{"certain", certain(a, b)}, {"∇G", lengths[0]}, {"∇D", lengths[1]}}
}

// certain returns the share of outputs that are right with a probability over 99 %.
func certain(real, fake *Node) *Node {
	margin := Concatenate([]*Node{real, Neg(fake)}, 0)
	return ReduceAllMean(ConvertDType(GreaterThan(margin, ConstAs(margin, math.Log(99))), margin.DType()))
}

// discriminatorLoss builds D's loss on real objects [batch, n (+ classes)] and on the same number of generated ones,
// with the same labels. It also returns D's outputs for both, [batch] each.
func (m *GAN) discriminatorLoss(nets *ganNets, real *Node) (loss, a, b *Node) {
	fake := StopGradient(nets.generate(real, m.labels(real), real.Shape().Dim(0)))
	a, b = nets.compare(real, fake)
	criteria := adversarialLosses[m.cfg.Loss]
	loss = criteria.Discriminator(a, b)
	if s := m.cfg.Smooth; s > 0 {
		loss = Add(loss, criteria.Smooth(a, s))
	}
	if m.cfg.Penalty > 0 {
		loss = Add(loss, MulScalar(m.gradientPenalty(nets, real, fake), m.cfg.Penalty))
	}
	return loss, a, b
}

// gradientPenalty returns E(‖∇_x̂ a(x̂)‖ − 1)² over points between real and generated objects, with one u for each.
// The gradient is taken with respect to the object, not its label.
func (m *GAN) gradientPenalty(nets *ganNets, real, fake *Node) *Node {
	u := ExpandAxes(noise.ScopeUniform(nets.scope, real.Graph(), shapes.Make(real.DType(), real.Shape().Dim(0))), -1)
	n := m.cfg.Features
	objects := func(x *Node) *Node { return Slice(x, AxisRange(), AxisRange(0, n)) }
	between := Add(objects(fake), Mul(u, Sub(objects(real), objects(fake))))
	at := between
	if y := m.labels(real); y != nil {
		at = Concatenate([]*Node{between, y}, -1)
	}
	gradient := Gradient(ReduceAllSum(nets.discriminate(at)), between)[0]
	norms := Sqrt(AddScalar(ReduceSum(Square(gradient), -1), 1e-12)) // no NaN where the gradient is 0
	return ReduceAllMean(Square(AddScalar(norms, -1)))
}

// generatorLoss builds G's loss on new noise, with the labels of real.
func (m *GAN) generatorLoss(nets *ganNets, real *Node) *Node {
	return adversarialLosses[m.cfg.Loss].Generator(nets.discriminate(nets.generate(real, m.labels(real), real.Shape().Dim(0))))
}

// labels returns the label columns of x, nil without classes.
func (m *GAN) labels(x *Node) *Node {
	if m.cfg.Classes == 0 {
		return nil
	}
	return Slice(x, AxisRange(), AxisRange(m.cfg.Features))
}
