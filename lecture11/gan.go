package lecture11

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// GANConfig describes a generative adversarial network. Zero fields take the default in their comment. As JSON it is part of the key
// under which a trained model is stored.
type GANConfig struct {
	Features int `json:"features"` // components n of an object x
	Latent   int `json:"latent"`   // components d of the noise z ~ N(0, I)

	Generator     []int  `json:"generator"`     // hidden sizes of G; default {128, 128}; {} is an affine map
	Discriminator []int  `json:"discriminator"` // hidden sizes of D; default {128, 128}
	Activation    string `json:"activation"`    // of both: "leaky" (default), "relu", "tanh", "gelu"
	Output        string `json:"output"`        // of G: "linear" (default), or "sigmoid" for objects in [0, 1]

	Loss    string  `json:"loss"`    // one of AdversarialLosses; default "non-saturating"
	Steps   int     `json:"steps"`   // of D for each one of G; default 1
	Clip    float64 `json:"clip"`    // c > 0: each weight of D is cut to [−c, c] after its step; default 0: not
	Penalty float64 `json:"penalty"` // λ > 0 of the gradient penalty; default 0: none
	Classes int     `json:"classes"` // of labels that both nets are told, see [WithLabels]; default 0: none
	Seed    int64   `json:"seed"`    // the first weights
}

func (c GANConfig) withDefaults() GANConfig {
	if c.Generator == nil {
		c.Generator = []int{128, 128}
	}
	if c.Discriminator == nil {
		c.Discriminator = []int{128, 128}
	}
	c.Activation, c.Output = cmp.Or(c.Activation, "leaky"), cmp.Or(c.Output, "linear")
	c.Loss, c.Steps = cmp.Or(c.Loss, "non-saturating"), cmp.Or(c.Steps, 1)
	return c
}

// ganOutputs are the last functions of a generator.
var ganOutputs = map[string]func(*Node) *Node{"linear": activations["linear"], "sigmoid": Sigmoid}

// check returns an error that names the first field that makes no model.
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
	case c.Classes < 0 || c.Classes == 1:
		return fmt.Errorf("lecture11: GANConfig.Classes = %d, want 0 for none, or at least 2", c.Classes)
	}
	for field, hidden := range map[string][]int{"Generator": c.Generator, "Discriminator": c.Discriminator} {
		for i, size := range hidden {
			if size < 1 {
				return fmt.Errorf("lecture11: GANConfig.%s[%d] = %d, want a positive layer size", field, i, size)
			}
		}
	}
	if err := checkName("GANConfig.Activation", c.Activation, activations); err != nil {
		return err
	}
	if err := checkName("GANConfig.Output", c.Output, ganOutputs); err != nil {
		return err
	}
	return checkName("GANConfig.Loss", c.Loss, AdversarialLosses)
}

// GAN is a generator G(z) and a discriminator D(x), or critic, that are trained against each other:
//
//	min over G, max over D:  E_p ln D(x) + E_z ln(1 − D(G(z)))
//
// or another pair of [AdversarialLosses]. With Penalty the discriminator also pays λ·E(‖∇_x̂ a(x̂)‖ − 1)², x̂ = u·x + (1 − u)·G(z), with one
// u ~ U[0, 1) for each object (Gulrajani et al. 2017).
//
// Slides "Generative adversarial nets" to "Conditional GAN"; Goodfellow et al. 2014.
type GAN struct {
	cfg GANConfig
	fitted
}

// NewGAN returns an untrained GAN that computes on backend. The error names the field of cfg that is wrong.
func NewGAN(backend compute.Backend, cfg GANConfig) (*GAN, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &GAN{cfg: cfg, fitted: newFitted("GAN", backend)}, nil
}

// Config is the configuration with the defaults filled in.
func (m *GAN) Config() GANConfig { return m.cfg }

// Training prepares the training on the objects x [l, n], with their labels appended for a conditional model: floats, or bytes 0…255 that
// stand for [0, 1]. A step is Steps steps of D, each on Batch new objects and new noise, and one of G on new noise. The losses of the
// last D step and of G are both built on the same weights before either moves. The losses are "discriminator", with the penalty,
// "generator", "real" and "fake", the means of D's outputs before any sigmoid.
func (m *GAN) Training(x *tensors.Tensor, dataID string, cfg FitConfig) (*Training, error) {
	if err := m.checkObjects(x, m.cfg.Features+m.cfg.Classes, m.cfg.Output == "sigmoid"); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if cfg.Batch < 2 {
		return nil, fmt.Errorf("lecture11: GAN.Training with FitConfig.Batch = %d, want at least 2: one object has no variety", cfg.Batch)
	}
	batch := cfg
	cfg.Batch *= m.cfg.Steps // new objects for each step of D
	return newTraining(Training{
		name: "gan", cfg: cfg, backend: m.backend, store: m.store, initSeed: m.cfg.Seed,
		key: map[string]any{"kind": "gan", "model": m.cfg, "fit": batch, "data": dataID,
			"code": codeVersion(slices.Concat(netSources, []string{"gan.go", "gan_loss.go"})...)},
		data: []*tensors.Tensor{x},
		build: func(scope *model.Scope, progress *Node, rows []*Node) []Loss {
			return m.round(scope, batch, progress, pixels(rows[0]))
		},
	})
}

// round builds Steps steps of D and one of G. x: [Steps·batch, n (+ classes)].
func (m *GAN) round(scope *model.Scope, cfg FitConfig, progress, x *Node) []Loss {
	nets := &ganNets{m: m, scope: scope}
	var losses []Loss
	for k := range m.cfg.Steps {
		real := Slice(x, AxisRange(k*cfg.Batch, (k+1)*cfg.Batch))
		loss, a, b := m.discriminatorLoss(nets, real)
		if k < m.cfg.Steps-1 {
			nets.step(cfg, progress, netLoss{"discriminator", loss})
			continue
		}
		generator := m.generatorLoss(nets, real)
		nets.step(cfg, progress, netLoss{"generator", generator}, netLoss{"discriminator", loss})
		losses = []Loss{{"discriminator", loss}, {"generator", generator}, {"real", ReduceAllMean(a)}, {"fake", ReduceAllMean(b)}}
	}
	return losses
}

// discriminatorLoss builds D's loss on real objects [batch, n (+ classes)] and as many generated ones, with the same labels, and gives
// D's outputs for both, [batch] each.
func (m *GAN) discriminatorLoss(nets *ganNets, real *Node) (loss, a, b *Node) {
	fake := StopGradient(nets.generate(real, m.labels(real), real.Shape().Dim(0)))
	a, b = nets.discriminate(real), nets.discriminate(fake)
	loss = AdversarialLosses[m.cfg.Loss].Discriminator(a, b)
	if m.cfg.Penalty > 0 {
		loss = Add(loss, MulScalar(m.gradientPenalty(nets, real, fake), m.cfg.Penalty))
	}
	return loss, a, b
}

// gradientPenalty is E(‖∇_x̂ a(x̂)‖ − 1)² over points between real and generated objects, one u for each. The gradient is taken in the
// object, not in its label.
func (m *GAN) gradientPenalty(nets *ganNets, real, fake *Node) *Node {
	u := scopeUniform(nets.scope, real.Graph(), shapes.Make(real.DType(), real.Shape().Dim(0), 1))
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
	return AdversarialLosses[m.cfg.Loss].Generator(nets.discriminate(nets.generate(real, m.labels(real), real.Shape().Dim(0))))
}

// labels are the label columns of x, nil without classes.
func (m *GAN) labels(x *Node) *Node {
	if m.cfg.Classes == 0 {
		return nil
	}
	return Slice(x, AxisRange(), AxisRange(m.cfg.Features))
}

// ganNets calls the two nets of a GAN, again and again on the same weights.
type ganNets struct {
	m       *GAN
	scope   *model.Scope
	visited map[string]bool
}

// net is the scope of a net, which GoMLX wants to be told apart on its first visit.
func (nets *ganNets) net(name string) *model.Scope {
	if nets.visited[name] {
		return nets.scope.Shared("%s", name)
	}
	if nets.visited == nil {
		nets.visited = map[string]bool{}
	}
	nets.visited[name] = true
	return nets.scope.In("%s", name)
}

// generate draws noise for so many objects of the graph of like and gives what generateFrom makes of it.
func (nets *ganNets) generate(like, y *Node, count int) *Node {
	z := scopeNoise(nets.scope, like.Graph(), shapes.Make(like.DType(), count, nets.m.cfg.Latent))
	return nets.generateFrom(z, y)
}

// generateFrom is G(z), or G(z, y) with y appended: [count, n (+ classes)].
func (nets *ganNets) generateFrom(z, y *Node) *Node {
	c := nets.m.cfg
	if y != nil {
		z = Concatenate([]*Node{z, y}, -1)
	}
	x := ganOutputs[c.Output](Dense(c.Generator, c.Features, c.Activation)(nets.net("generator"), z))
	if y != nil {
		x = Concatenate([]*Node{x, y}, -1)
	}
	return x
}

// discriminate gives D's output before any sigmoid: [batch]. x: [batch, n (+ classes)].
func (nets *ganNets) discriminate(x *Node) *Node {
	c := nets.m.cfg
	return Squeeze(Dense(c.Discriminator, 1, c.Activation)(nets.net("discriminator"), x), -1)
}

// netLoss is a net's name and what it has to minimise.
type netLoss struct {
	name string
	loss *Node
}

// step moves nets by Adam, each on its own loss. All gradients are taken before any weight moves, and a net's loss moves that net alone.
func (nets *ganNets) step(cfg FitConfig, progress *Node, losses ...netLoss) {
	type move struct {
		scope     *model.Scope
		variables []*model.Variable
		gradients []*Node
	}
	var moves []move
	for _, l := range losses {
		scope := nets.scope.Shared("%s", l.name)
		variables := trainable(scope, progress.Graph())
		nodes := make([]*Node, len(variables))
		for i, v := range variables {
			nodes[i] = v.NodeValue(progress.Graph())
		}
		moves = append(moves, move{scope, variables, Gradient(l.loss, nodes...)})
	}
	for _, mv := range moves {
		cfg.adamApply(mv.scope, progress, mv.variables, mv.gradients, nil)
		if c := nets.m.cfg.Clip; c > 0 && mv.scope.Scope() == "/discriminator" {
			for _, v := range mv.variables {
				v.SetNodeValue(ClipScalar(v.NodeValue(progress), -c, c))
			}
		}
	}
}

// Generate gives count new objects G(z), z ~ N(0, I) by the seed: [count, n].
func (m *GAN) Generate(count int, seed int64) (*tensors.Tensor, error) {
	if m.cfg.Classes > 0 {
		return nil, fmt.Errorf("lecture11: GAN.Generate with GANConfig.Classes = %d, want GenerateOf, that takes labels", m.cfg.Classes)
	}
	if count < 1 {
		return nil, fmt.Errorf("lecture11: GAN.Generate: count = %d, want at least 1", count)
	}
	return m.GenerateFrom(tensors.FromFlatDataAndDimensions(normals(count*m.cfg.Latent, seed), count, m.cfg.Latent))
}

// GenerateOf gives a new object for each label, G(z, y): [len(labels), n].
func (m *GAN) GenerateOf(labels []uint8, seed int64) (*tensors.Tensor, error) {
	if m.cfg.Classes == 0 {
		return nil, fmt.Errorf("lecture11: GAN.GenerateOf with GANConfig.Classes = 0, want a conditional model")
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("lecture11: GAN.GenerateOf without labels, want at least one")
	}
	z := tensors.FromFlatDataAndDimensions(normals(len(labels)*m.cfg.Latent, seed), len(labels), m.cfg.Latent)
	z, err := WithLabels(z, labels, m.cfg.Classes)
	if err != nil {
		return nil, err
	}
	return m.GenerateFrom(z)
}

// GenerateFrom gives the objects of noise z [l, d], or of noise with labels appended [l, d + classes]: [l, n].
func (m *GAN) GenerateFrom(z *tensors.Tensor) (*tensors.Tensor, error) {
	if err := m.checkObjects(z, m.cfg.Latent+m.cfg.Classes, false); err != nil {
		return nil, err
	}
	return first(m.apply("Generate", z, func(scope *model.Scope, z *Node) []*Node {
		var y *Node
		if m.cfg.Classes > 0 {
			y = Slice(z, AxisRange(), AxisRange(m.cfg.Latent))
			z = Slice(z, AxisRange(), AxisRange(0, m.cfg.Latent))
		}
		x := (&ganNets{m: m, scope: scope}).generateFrom(z, y)
		return []*Node{Slice(x, AxisRange(), AxisRange(0, m.cfg.Features))}
	}))
}

// Discriminate gives D's output before any sigmoid for the objects x [l, n (+ classes)]: [l, 1].
func (m *GAN) Discriminate(x *tensors.Tensor) (*tensors.Tensor, error) {
	if err := m.checkObjects(x, m.cfg.Features+m.cfg.Classes, false); err != nil {
		return nil, err
	}
	return first(m.apply("Discriminate", x, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{ExpandAxes((&ganNets{m: m, scope: scope}).discriminate(pixels(x)), -1)}
	}))
}
