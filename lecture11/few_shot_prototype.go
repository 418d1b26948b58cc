package lecture11

import (
	"cmp"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// PrototypeNetConfig describes a prototypical network. Zero fields take the default in their comment.
type PrototypeNetConfig struct {
	Features   int    `json:"features"`   // components n of an object
	Latent     int    `json:"latent"`     // components d of the code z; default 64
	Hidden     []int  `json:"hidden"`     // of a dense encoder; default {256}
	Activation string `json:"activation"` // "relu" (default), "tanh", "gelu"
	Encoder    string `json:"encoder"`    // "conv" (default) or "dense"

	Episode  EpisodeConfig `json:"episode"`  // of the training; default 20 ways, 1 shot, 5 queries
	Episodes int           `json:"episodes"` // drawn for an epoch; default 1000

	// Height, Width and Channels describe the components of an object as an image, for "conv" networks: row by row,
	// with the channels of a pixel together. Features is then their product. Zeros mean a square image of one channel.
	Height   int `json:"height,omitempty"`
	Width    int `json:"width,omitempty"`
	Channels int `json:"channels,omitempty"`

	Seed int64 `json:"seed"` // the first weights
}

func (c PrototypeNetConfig) withDefaults() PrototypeNetConfig {
	c.Features = cmp.Or(c.Features, c.image().features())
	c.Latent = cmp.Or(c.Latent, 64)
	if c.Hidden == nil {
		c.Hidden = []int{256}
	}
	c.Activation = cmp.Or(c.Activation, "relu")
	c.Encoder = cmp.Or(c.Encoder, "conv")
	c.Episode = cmp.Or(c.Episode, EpisodeConfig{Ways: 20, Shots: 1, Queries: 5})
	c.Episodes = cmp.Or(c.Episodes, 1000)
	return c
}

// check returns an error that names the first invalid field.
func (c PrototypeNetConfig) check() error {
	switch {
	case c.Features < 1:
		return fmt.Errorf("lecture11: PrototypeNetConfig.Features = %d, want the positive number of components of x", c.Features)
	case c.Latent < 1:
		return fmt.Errorf("lecture11: PrototypeNetConfig.Latent = %d, want a positive number of components of z", c.Latent)
	case c.Episodes < 1:
		return fmt.Errorf("lecture11: PrototypeNetConfig.Episodes = %d, want at least 1", c.Episodes)
	}
	return checkNets("PrototypeNetConfig", c.spec(), c.Encoder, "dense")
}

func (c PrototypeNetConfig) spec() netSpec {
	return netSpec{features: c.Features, image: c.image(), hidden: c.Hidden, activation: c.Activation}
}

func (c PrototypeNetConfig) image() imageShape { return imageShape{c.Height, c.Width, c.Channels} }

// PrototypeNet is an encoder f(x, α) that is trained on episodes to map the objects of a class close to their
// prototype c_k = 1/K Σ f(x, α) over the support of class k:
//
//	p(k|x) = SoftMax_k(−‖f(x, α) − c_k‖²),  −ln p(y|x) → min over α, a mean over queries and episodes.
//
// It can classify new classes, because none of its weights belongs to a class. The logits are those of a linear layer,
// 2c_kᵀz − ‖c_k‖², as in the Kohonen layer.
//
// Slide "Few-shot learning"; Snell, Swersky & Zemel 2017.
type PrototypeNet struct {
	cfg PrototypeNetConfig
	fitted
}

// NewPrototypeNet returns an untrained network that computes on backend. The error names the invalid field of cfg.
func NewPrototypeNet(backend compute.Backend, cfg PrototypeNetConfig) (*PrototypeNet, error) {
	if err := checkBackend("NewPrototypeNet", backend); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &PrototypeNet{cfg: cfg}
	m.fitted = newFitted("PrototypeNet", backend, cfg, m.buildAll)
	return m, nil
}

// buildAll builds the encoder once, with zeros as the object.
func (m *PrototypeNet) buildAll(scope *model.Scope, g *Graph) {
	m.encode(scope, zeroRow(g, m.cfg.Features))
}

// Config returns the configuration with the defaults filled in.
func (m *PrototypeNet) Config() PrototypeNetConfig { return m.cfg }

// Training prepares the training on episodes of the objects x [l, n] with their labels. FitConfig.Batch is the number
// of episodes per step, default 1, and an epoch is a pass over the episodes. The losses are "loss", in nats, and
// "accuracy".
func (m *PrototypeNet) Training(x *tensors.Tensor, labels []int, dataID string, cfg FitConfig) (*Training, error) {
	table, err := trainingEpisodes(m.kind, x, m.cfg.Features, labels, m.cfg.Episode, m.cfg.Episodes, cfg.Seed)
	if err != nil {
		return nil, err
	}
	cfg.Batch = cmp.Or(cfg.Batch, 1)
	cfg = cfg.withDefaults(m.cfg.Episodes)
	return m.training(trainingSpec{
		kind: "prototypes", name: fmt.Sprintf("prototypes-%d", m.cfg.Latent), model: m.cfg, seed: m.cfg.Seed, fit: cfg, id: dataID,
		objects: []namedTensor{{"episodes", table}}, whole: []namedTensor{{"objects", x}},
		build: func(scope *model.Scope, now *stepNumbers, batch []*Node) []Loss {
			loss, accuracy := m.episodeLoss(scope, batch[0], batch[1])
			now.adamStep(scope, loss)
			return []Loss{{"loss", loss}, {"accuracy", accuracy}}
		},
		unevaluated: "its loss is that of episodes, and a held-out object alone has none; " +
			"PrototypeAccuracy measures codes on held-out episodes",
	})
}

// episodeLoss builds the loss of episodes, given as indices [E, N·(K+Q)] of objects x [l, n].
func (m *PrototypeNet) episodeLoss(scope *model.Scope, places, x *Node) (loss, accuracy *Node) {
	c := m.cfg.Episode
	z := m.encode(scope, Gather(x, Reshape(places, -1, 1)))
	z = Reshape(z, places.Shape().Dim(0), c.Ways, c.Shots+c.Queries, m.cfg.Latent)
	prototypes := ReduceMean(Slice(z, AxisRange(), AxisRange(), AxisRange(0, c.Shots)), 2) // [E, N, d]
	queries := Reshape(Slice(z, AxisRange(), AxisRange(), AxisRange(c.Shots)), z.Shape().Dim(0), c.Ways*c.Queries, m.cfg.Latent)
	logits := PrototypeLogits(queries, prototypes)                            // [E, N·Q, N]
	class := Iota(z.Graph(), shapes.Make(dtypes.Int32, c.Ways, c.Queries), 0) // of each query
	hit := ExpandAxes(OneHot(Reshape(class, -1), c.Ways, z.DType()), 0)
	loss = Neg(MulScalar(ReduceAllMean(Mul(hit, LogSoftmax(logits))), float64(c.Ways)))
	best := OneHot(ArgMax(logits, -1, dtypes.Int32), c.Ways, z.DType())
	return loss, MulScalar(ReduceAllMean(Mul(hit, best)), float64(c.Ways))
}

// PrototypeLogits returns −‖z − c_k‖² without ‖z‖², which is the same for all k: 2c_kᵀz − ‖c_k‖². z: [E, Q, d];
// prototypes: [E, N, d]; result: [E, Q, N].
func PrototypeLogits(z, prototypes *Node) *Node {
	products := Dot(z, prototypes).General([]int{2}, []int{0}, []int{2}, []int{0})
	return Sub(MulScalar(products, 2), ExpandAxes(ReduceSum(Square(prototypes), -1), 1))
}

// encode builds z = f(x, α). x: [batch, n]; result: [batch, d].
func (m *PrototypeNet) encode(scope *model.Scope, x *Node) *Node {
	return encoders[m.cfg.Encoder](m.cfg.spec(), m.cfg.Latent)(scope.In("encoder"), pixels(x))
}

// Encode returns the codes of objects x [l, n]: [l, d]. See [PrototypeAccuracy].
func (m *PrototypeNet) Encode(x *tensors.Tensor) (*tensors.Tensor, error) {
	if err := m.checkObjects(x, m.cfg.Features, false); err != nil {
		return nil, err
	}
	return first(m.apply("Encode", x, func(scope *model.Scope, x *Node) []*Node { return []*Node{m.encode(scope, x)} }))
}
