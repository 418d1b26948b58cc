package lecture11

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// MetaConfig describes a network that learns first weights θ from which a few steps on a support suffice. Zero fields
// take the default in their comment.
type MetaConfig struct {
	Features   int    `json:"features"`   // components n of an object
	Hidden     []int  `json:"hidden"`     // default {128, 64}
	Activation string `json:"activation"` // "tanh" (default), "relu", "gelu"

	// Method is "maml" (default), "fomaml" or "reptile". MAML differentiates through the inner steps, with second
	// derivatives. First-order MAML ignores second derivatives. Reptile moves θ towards the adapted weights.
	Method     string        `json:"method"`
	Episode    EpisodeConfig `json:"episode"`     // default 5 ways, 1 shot, 5 queries
	Episodes   int           `json:"episodes"`    // drawn for an epoch; default 4000
	InnerSteps int           `json:"inner_steps"` // steps on the support; default 5
	InnerRate  float64       `json:"inner_rate"`  // a, their size; default 0.1
	OuterRate  float64       `json:"outer_rate"`  // ε of Reptile at the start; default 0.3. MAML takes steps of Adam
	Seed       int64         `json:"seed"`        // the first weights
}

func (c MetaConfig) withDefaults() MetaConfig {
	if c.Hidden == nil {
		c.Hidden = []int{128, 64}
	}
	c.Activation, c.Method = cmp.Or(c.Activation, "tanh"), cmp.Or(c.Method, "maml")
	c.Episode = cmp.Or(c.Episode, EpisodeConfig{Ways: 5, Shots: 1, Queries: 5})
	c.Episodes, c.InnerSteps = cmp.Or(c.Episodes, 4000), cmp.Or(c.InnerSteps, 5)
	c.InnerRate, c.OuterRate = cmp.Or(c.InnerRate, 0.1), cmp.Or(c.OuterRate, 0.3)
	return c
}

// metaMethods holds the names of MetaConfig.Method.
var metaMethods = map[string]bool{"maml": true, "fomaml": true, "reptile": true}

// check returns an error that names the first invalid field.
func (c MetaConfig) check() error {
	switch {
	case c.Features < 1:
		return fmt.Errorf("lecture11: MetaConfig.Features = %d, want the positive number of components of x", c.Features)
	case c.Episodes < 1:
		return fmt.Errorf("lecture11: MetaConfig.Episodes = %d, want at least 1", c.Episodes)
	case c.InnerSteps < 1:
		return fmt.Errorf("lecture11: MetaConfig.InnerSteps = %d, want at least 1", c.InnerSteps)
	case !(c.InnerRate > 0) || math.IsInf(c.InnerRate, 0):
		return fmt.Errorf("lecture11: MetaConfig.InnerRate = %g, want a positive number", c.InnerRate)
	case !(c.OuterRate > 0 && c.OuterRate <= 1):
		return fmt.Errorf("lecture11: MetaConfig.OuterRate = %g, want ε in (0, 1]", c.OuterRate)
	}
	if err := checkName("MetaConfig.Method", c.Method, metaMethods); err != nil {
		return err
	}
	return checkNets("MetaConfig", netSpec{features: c.Features, hidden: c.Hidden, activation: c.Activation}, "dense", "dense")
}

// Meta is a classifier of N classes that learns first weights θ such that InnerSteps steps on the support of a new
// task,
//
//	θ'_t := θ'_t − a·∇ℒ_t(θ'_t; support),  θ'_t = θ at first,
//
// classify its queries. MAML minimises Σ_t ℒ_t(θ'_t; queries) over θ (Finn et al. 2017), with or without second
// derivatives (first-order MAML). Reptile takes steps θ := θ + ε·mean(θ'_t − θ) (Nichol et al. 2018).
//
// Slide "Few-shot learning".
type Meta struct {
	cfg MetaConfig
	fitted
}

// NewMeta returns an untrained network that computes on backend. The error names the invalid field of cfg.
func NewMeta(backend compute.Backend, cfg MetaConfig) (*Meta, error) {
	if err := checkBackend("NewMeta", backend); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &Meta{cfg: cfg}
	m.fitted = newFitted("Meta", backend, cfg, m.buildAll)
	return m, nil
}

// buildAll builds the network once, with zeros as the object.
func (m *Meta) buildAll(scope *model.Scope, g *Graph) {
	m.weights(scope, ExpandAxes(zeroRow(g, m.cfg.Features), 0))
}

// Config returns the configuration with the defaults filled in.
func (m *Meta) Config() MetaConfig { return m.cfg }

// Training prepares the training on episodes of the objects x [l, n] with their labels. FitConfig.Batch is the number
// of tasks per step, default 8, and an epoch is a pass over the episodes. The loss is that of the queries after the
// inner steps, in nats. FitConfig.Decay applies to Adam's step, or to ε for Reptile, which ignores
// FitConfig.LearningRate.
func (m *Meta) Training(x *tensors.Tensor, labels []int, dataID string, cfg FitConfig) (*Training, error) {
	table, err := trainingEpisodes(m.kind, x, m.cfg.Features, labels, m.cfg.Episode, m.cfg.Episodes, cfg.Seed)
	if err != nil {
		return nil, err
	}
	cfg.Batch = cmp.Or(cfg.Batch, min(8, m.cfg.Episodes))
	cfg = cfg.withDefaults(m.cfg.Episodes)
	return m.training(trainingSpec{
		kind: "meta", name: m.cfg.Method, model: m.cfg, seed: m.cfg.Seed, fit: cfg, id: dataID,
		objects: []namedTensor{{"episodes", table}}, whole: []namedTensor{{"objects", x}},
		build: func(scope *model.Scope, now *stepNumbers, batch []*Node) []Loss {
			return []Loss{{"loss", m.metaStep(scope, now, batch[0], batch[1])}}
		},
		unevaluated: "its loss is that of episodes, and a held-out object alone has none; Meta.Accuracy measures held-out episodes",
	})
}

// metaStep builds a step on tasks, given as indices [M, N·(K+Q)] of objects x [l, n], and returns the loss of the
// queries.
func (m *Meta) metaStep(scope *model.Scope, now *stepNumbers, places, x *Node) *Node {
	support, queries := m.parts(pixels(Gather(x, ExpandAxes(places, -1))))
	theta := m.weights(scope, support)
	adapted := m.adapt(broadcastTasks(theta, places.Shape().Dim(0)), support, m.cfg.InnerSteps, m.cfg.Method == "maml")
	loss := MulScalar(m.loss(adapted, queries, m.cfg.Episode.Queries), 1/float64(places.Shape().Dim(0)))
	if m.cfg.Method == "reptile" {
		variables := trainable(scope, x.Graph())
		share := ConvertDType(now.remaining, theta[0].DType()) // remaining share of ε
		for i, after := range ReptileStep(theta, adapted, m.cfg.OuterRate) {
			after = Add(theta[i], Mul(Sub(after, theta[i]), share))
			variables[i].SetNodeValue(Reshape(after, variables[i].Shape().Dimensions...))
		}
		return loss
	}
	now.adamStep(scope, loss)
	return loss
}

// parts splits episodes [M, N·(K+Q), n] into supports [M, N·K, n] and queries [M, N·Q, n].
func (m *Meta) parts(x *Node) (support, queries *Node) {
	c, tasks, n := m.cfg.Episode, x.Shape().Dim(0), x.Shape().Dim(-1)
	x = Reshape(x, tasks, c.Ways, c.Shots+c.Queries, n)
	support = Reshape(Slice(x, AxisRange(), AxisRange(), AxisRange(0, c.Shots)), tasks, c.Ways*c.Shots, n)
	return support, Reshape(Slice(x, AxisRange(), AxisRange(), AxisRange(c.Shots)), tasks, c.Ways*c.Queries, n)
}

// weights creates θ as weights [1, in, out] and biases [1, 1, out], layer by layer. x: [M, objects, n].
func (m *Meta) weights(scope *model.Scope, x *Node) []*Node {
	var theta []*Node
	x = Slice(x, AxisRange(0, 1))
	for i, size := range append(slices.Clone(m.cfg.Hidden), m.cfg.Episode.Ways) {
		layer := newStackedLayer(scope.In("layer_%d", i), x, size, size)
		theta = append(theta, layer.weights, layer.biases)
		x = layer.apply(x)
	}
	return theta
}

// logits applies the network with the weights of each task: x [M, objects, n] → [M, objects, N].
func (m *Meta) logits(theta []*Node, x *Node) *Node {
	for i := 0; i < len(theta); i += 2 {
		if i > 0 {
			x = activations[m.cfg.Activation](x)
		}
		x = stackedLayer{theta[i], theta[i+1]}.apply(x)
	}
	return x
}

// loss returns the sum over tasks of the mean cross-entropy of objects [M, N·each, n], which are ordered by class.
func (m *Meta) loss(theta []*Node, x *Node, each int) *Node {
	ways := m.cfg.Episode.Ways
	class := Iota(x.Graph(), shapes.Make(dtypes.Int32, ways, each), 0)
	hit := ExpandAxes(OneHot(Reshape(class, -1), ways, x.DType()), 0)
	return Neg(MulScalar(ReduceAllSum(Mul(hit, LogSoftmax(m.logits(theta, x)))), 1/float64(ways*each)))
}

// adapt takes inner steps on the support for each task.
func (m *Meta) adapt(theta []*Node, support *Node, steps int, secondOrder bool) []*Node {
	return InnerSteps(theta, func(theta []*Node) *Node { return m.loss(theta, support, m.cfg.Episode.Shots) },
		m.cfg.InnerRate, steps, secondOrder)
}

// broadcastTasks copies the weights [1, …] for each of the given number of tasks: [tasks, …]. The gradient of a sum
// over tasks with respect to the copies consists of each task's own gradient.
func broadcastTasks(theta []*Node, tasks int) []*Node {
	copies := make([]*Node, len(theta))
	for i, w := range theta {
		dims := slices.Clone(w.Shape().Dimensions)
		dims[0] = tasks
		copies[i] = BroadcastToDims(w, dims...)
	}
	return copies
}

// InnerSteps takes steps θ' := θ' − a·∇ℒ(θ'). With secondOrder, gradients of the result are propagated through ∇, with
// a factor (I − a·H)ᵀ per step. Without it, ∇ is treated as a constant.
func InnerSteps(theta []*Node, loss func(theta []*Node) *Node, rate float64, steps int, secondOrder bool) []*Node {
	for range steps {
		next := slices.Clone(theta)
		for i, gradient := range Gradient(loss(theta), theta...) {
			if !secondOrder {
				gradient = StopGradient(gradient)
			}
			next[i] = Sub(theta[i], MulScalar(gradient, rate))
		}
		theta = next
	}
	return theta
}

// ReptileStep returns θ + ε·(mean over tasks of θ'_t − θ): [1, …] for each of theta [1, …] and adapted [tasks, …].
func ReptileStep(theta, adapted []*Node, epsilon float64) []*Node {
	moved := make([]*Node, len(theta))
	for i, w := range theta {
		mean := ReduceAndKeep(adapted[i], ReduceMean, 0)
		moved[i] = Add(w, MulScalar(Sub(mean, w), epsilon))
	}
	return moved
}

// Accuracy adapts to the support of each episode by the given number of steps, 0 or more, and returns the share of its
// queries that are then classified correctly, an estimate over the episodes. All episodes must have the configured
// number N of classes and equal K and Q, which may differ from the configured ones. x: [l, n].
func (m *Meta) Accuracy(x *tensors.Tensor, episodes []Episode, steps int) (Estimate, error) {
	defer m.reading()()
	size, err := m.checkEpisodes(x, episodes, steps)
	if err != nil {
		return Estimate{}, err
	}
	at := *m // with the size of these episodes
	at.cfg.Episode = size
	name := fmt.Sprintf("Accuracy %+v of %s after %d", size, x.Shape(), steps)
	exec, err := program(&m.fitted, name, func(scope *model.Scope, places, x *Node) []*Node {
		support, queries := at.parts(pixels(Gather(x, ExpandAxes(places, -1))))
		theta := at.adapt(broadcastTasks(at.weights(scope, support), places.Shape().Dim(0)), support, steps, false)
		class := Reshape(Iota(x.Graph(), shapes.Make(dtypes.Int32, 1, size.Ways, size.Queries), 1), 1, -1)
		hit := Equal(ArgMax(at.logits(theta, queries), -1, dtypes.Int32), class)
		return []*Node{ReduceMean(ConvertDType(hit, dtypes.Float32), -1)}
	})
	if err != nil {
		return Estimate{}, err
	}
	copied, err := x.LocalClone() // the device may keep the copy
	if err != nil {
		return Estimate{}, err
	}
	const tasks = 50
	out, err := mapBatches(episodeTable(episodes, size), tasks, func(_ int, batch *tensors.Tensor) ([]*tensors.Tensor, error) {
		return exec.Call(batch, copied)
	})
	if err != nil {
		return Estimate{}, fmt.Errorf("lecture11: Meta.Accuracy: %w", err)
	}
	shares, err := float64s(out[0])
	if err != nil {
		return Estimate{}, err
	}
	return NewEstimate(shares), nil
}

// checkEpisodes returns the size that all episodes have, or an error that names the first invalid one.
func (m *Meta) checkEpisodes(x *tensors.Tensor, episodes []Episode, steps int) (EpisodeConfig, error) {
	if err := m.checkObjects(x, m.cfg.Features, false); err != nil {
		return EpisodeConfig{}, err
	}
	if len(episodes) == 0 || steps < 0 {
		return EpisodeConfig{}, fmt.Errorf("lecture11: Meta.Accuracy of %d episodes after %d steps, want at least one, and 0 steps or more", len(episodes), steps)
	}
	var size EpisodeConfig
	for i, e := range episodes {
		if err := e.check(x.Shape().Dimensions[0]); err != nil {
			return size, fmt.Errorf("lecture11: Meta.Accuracy: episode %d: %w", i, err)
		}
		this := EpisodeConfig{Ways: len(e.Support), Shots: len(e.Support[0]), Queries: len(e.Query[0])}
		if i == 0 {
			size = this
		}
		if this != size || this.Ways != m.cfg.Episode.Ways {
			return size, fmt.Errorf("lecture11: Meta.Accuracy: episode %d is of %+v, want all alike, of %d ways", i, this, m.cfg.Episode.Ways)
		}
	}
	return size, nil
}
