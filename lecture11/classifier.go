package lecture11

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// ClassifierConfig describes a classifier. Zero fields take the default in their comment. Its JSON is part of the key
// under which a trained model is stored.
type ClassifierConfig struct {
	Features   int    `json:"features"`   // components n of an object x; 784 for MNIST
	Classes    int    `json:"classes"`    // number of classes, at least 2
	Hidden     []int  `json:"hidden"`     // hidden sizes; default {256, 128}; {} is softmax regression, which starts with weights 0
	Activation string `json:"activation"` // "relu" (default), "tanh", "gelu"
	Encoder    string `json:"encoder"`    // "dense" (default), or "conv": two convolutions before the first layer

	// Height, Width and Channels describe the components of an object as an image, for "conv" networks: row by row,
	// with the channels of a pixel together. Features is then their product. Zeros mean a square image of one channel.
	Height   int `json:"height,omitempty"`
	Width    int `json:"width,omitempty"`
	Channels int `json:"channels,omitempty"`

	Seed int64 `json:"seed"` // the first weights
}

// withDefaults returns the configuration with its zero fields filled in.
func (c ClassifierConfig) withDefaults() ClassifierConfig {
	c.Features = cmp.Or(c.Features, c.image().features())
	if c.Hidden == nil {
		c.Hidden = []int{256, 128}
	}
	c.Activation = cmp.Or(c.Activation, "relu")
	c.Encoder = cmp.Or(c.Encoder, "dense")
	return c
}

// check returns an error that names the first invalid field.
func (c ClassifierConfig) check() error {
	switch {
	case c.Features < 1:
		return fmt.Errorf("lecture11: ClassifierConfig.Features = %d, want the positive number of components of x", c.Features)
	case c.Classes < 2:
		return fmt.Errorf("lecture11: ClassifierConfig.Classes = %d, want at least 2", c.Classes)
	}
	return checkNets("ClassifierConfig", c.spec(), c.Encoder, "dense")
}

func (c ClassifierConfig) spec() netSpec {
	return netSpec{features: c.Features, image: c.image(), hidden: c.Hidden, activation: c.Activation}
}

func (c ClassifierConfig) image() imageShape { return imageShape{c.Height, c.Width, c.Channels} }

// Classifier is a network from objects to classes, trained by cross-entropy:
//
//	p(y|x) = SoftMax(g(f(x, α), β))_y,  −Σ_i ln p(y_i|x_i) → min over α, β,
//
// where f is the hidden layers and g the last, affine one. The hidden layers are useful beyond the classes they were
// trained on: see [Classifier.Features].
//
// Slides "Transfer learning", "Domain shift" and "Self-supervised (pretext) tasks".
type Classifier struct {
	cfg  ClassifierConfig
	body NetFn // nil for the layers that cfg describes
	fitted
}

// NewClassifier returns an untrained classifier that computes on backend. The error names the invalid field of cfg.
func NewClassifier(backend compute.Backend, cfg ClassifierConfig) (*Classifier, error) {
	if err := checkBackend("NewClassifier", backend); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &Classifier{cfg: cfg}
	m.fitted = newFitted("Classifier", backend, cfg, m.buildAll)
	return m, nil
}

// buildAll builds the network once, with zeros as the object.
func (m *Classifier) buildAll(scope *model.Scope, g *Graph) {
	m.logits(scope, zeroRow(g, m.cfg.Features))
}

// Config returns the configuration with the defaults filled in.
func (m *Classifier) Config() ClassifierConfig { return m.cfg }

// Training prepares the training of the model on the objects x, [l, n]: floats, or bytes 0…255 that stand for [0, 1].
// There is one label per object, 0 … Classes−1, and at least two different ones. dataID identifies x in the key of the
// result; it may be the ID of a data set. The labels are part of the key too.
//
// The losses are "loss", the cross-entropy in nats, and "accuracy", the share of objects whose likeliest class is
// their label. Both are means over a batch.
func (m *Classifier) Training(x *tensors.Tensor, labels []int, dataID string, cfg FitConfig) (*Training, error) {
	if err := m.check(x); err != nil {
		return nil, err
	}
	if err := m.checkLabels(x, labels); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(labels, func(y int) bool { return y != labels[0] }) {
		return nil, fmt.Errorf("lecture11: labels: all %d are %d, want objects of at least two classes", len(labels), labels[0])
	}
	cfg = cfg.withDefaults(len(labels))
	return m.training(trainingSpec{
		kind: "classifier", name: fmt.Sprintf("classifier-%d", m.cfg.Classes), model: m.cfg, seed: m.cfg.Seed, fit: cfg, id: dataID,
		objects: []namedTensor{{"objects", x}, {"labels", labelTensor(labels)}},
		build: func(scope *model.Scope, now *stepNumbers, batch []*Node) []Loss {
			losses := m.losses(scope, pixels(batch[0]), batch[1])
			now.adamStep(scope, losses[0].Value)
			return losses
		},
		evaluate: m.heldOut,
	})
}

// heldOut prepares the losses on held-out objects.
func (m *Classifier) heldOut(e *Evaluation) (*heldOutSet, error) {
	x, err := e.objects()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(m.check(e.X), m.checkLabels(e.X, e.Labels)); err != nil {
		return nil, err
	}
	inputs := []namedTensor{x, {"labels", labelTensor(e.Labels)}}
	return &heldOutSet{inputs: inputs, losses: func(scope *model.Scope, batch []*Node) []Loss {
		return m.losses(scope, pixels(batch[0]), batch[1])
	}}, nil
}

// check returns an error unless the classifier can take x as objects.
func (m *Classifier) check(x *tensors.Tensor) error {
	if err := checkTensors(m.kind, x); err != nil {
		return err
	}
	if s := x.Shape(); s.Rank() != 2 || s.Dimensions[0] == 0 || s.Dimensions[1] != m.cfg.Features {
		return fmt.Errorf("lecture11: Classifier: objects of shape %s, want [l, %d] and at least one: ClassifierConfig.Features = %d",
			s, m.cfg.Features, m.cfg.Features)
	}
	return m.checkObjects(x, m.cfg.Features, false)
}

// checkLabels returns an error unless there is a label 0 … Classes−1 for each object.
func (m *Classifier) checkLabels(x *tensors.Tensor, labels []int) error {
	if l := x.Shape().Dimensions[0]; len(labels) != l {
		return fmt.Errorf("lecture11: %d labels for objects %s, want %d: one for each object", len(labels), x.Shape(), l)
	}
	for i, label := range labels {
		if label < 0 || label >= m.cfg.Classes {
			return fmt.Errorf("lecture11: label %d of object %d, want 0 to %d: ClassifierConfig.Classes = %d",
				label, i, m.cfg.Classes-1, m.cfg.Classes)
		}
	}
	return nil
}

// losses builds the cross-entropy of a batch and its accuracy. x: [batch, n]; labels: int32 [batch].
func (m *Classifier) losses(scope *model.Scope, x, labels *Node) []Loss {
	logits := m.logits(scope, x)
	right := Equal(ArgMax(logits, -1, labels.DType()), labels) // [batch]
	return []Loss{
		{"loss", labelledCrossEntropy(logits, labels)},
		{"accuracy", ReduceAllMean(ConvertDType(right, logits.DType()))},
	}
}

// logits builds g(f(x, α), β): x [batch, n] → [batch, classes].
func (m *Classifier) logits(scope *model.Scope, x *Node) *Node {
	if len(m.cfg.Hidden) == 0 {
		if m.cfg.Encoder == "dense" { // convex: random first weights are not needed
			return layers.DenseWithBias(scope.In("output").WithInitializer(initializer.Zero), x, m.cfg.Classes)
		}
		return m.layer(scope, 0, x, m.cfg.Classes)
	}
	return affine(scope.In("output"), m.hidden(scope, x, len(m.cfg.Hidden)), m.cfg.Classes)
}

// hidden builds the activations after hidden layer k = 1, 2, …: x [batch, n] → [batch, Hidden[k−1]].
func (m *Classifier) hidden(scope *model.Scope, x *Node, k int) *Node {
	if m.body != nil {
		z := m.body(scope.In("hidden_0"), x)
		wantDims("body of a Classifier", z, x.Shape().Dim(0), m.cfg.Hidden[0])
		return z
	}
	act := activations[m.cfg.Activation]
	for i, size := range m.cfg.Hidden[:k] {
		x = act(m.layer(scope, i, x, size))
	}
	return x
}

// layer builds layer i without its activation: [batch, …] → [batch, outputs]. With a "conv" encoder the convolutions
// come before the first layer.
func (m *Classifier) layer(scope *model.Scope, i int, x *Node, outputs int) *Node {
	scope = scope.In("hidden_%d", i)
	if i == 0 && m.cfg.Encoder == "conv" {
		return convEncoder(m.cfg.spec(), outputs)(scope, x)
	}
	return affine(scope, x, outputs)
}

// Predict returns the probabilities of the classes, p(y|x), for objects x [l, n]: [l, classes].
func (m *Classifier) Predict(x *tensors.Tensor) (*tensors.Tensor, error) {
	if err := m.check(x); err != nil {
		return nil, err
	}
	return first(m.apply("Predict", x, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{Softmax(m.logits(scope, x))}
	}))
}

// Accuracy returns the share of objects x [l, n] whose likeliest class is their label, with its standard error.
// PerObject is 1 for an object that is classified correctly, else 0.
func (m *Classifier) Accuracy(x *tensors.Tensor, labels []int) (Estimate, error) {
	p, err := m.Predict(x)
	if err != nil {
		return Estimate{}, err
	}
	if err := m.checkLabels(x, labels); err != nil {
		return Estimate{}, err
	}
	classes, err := Likeliest(p)
	if err != nil {
		return Estimate{}, err
	}
	right := make([]float64, len(labels))
	for i, label := range labels {
		if classes[i] == label {
			right[i] = 1
		}
	}
	return NewEstimate(right), nil
}

// Features returns the activations after hidden layer k = 1, 2, … for objects x [l, n]: the features that the network
// has learned, [l, Hidden[k−1]]. [Classifier.Randomize] makes a classifier with random weights.
//
// Slide "Transfer learning": z = f(x, α).
func (m *Classifier) Features(x *tensors.Tensor, k int) (*tensors.Tensor, error) {
	if k < 1 || k > len(m.cfg.Hidden) {
		return nil, fmt.Errorf("lecture11: Features after hidden layer %d, want 1 to %d: ClassifierConfig.Hidden = %v",
			k, len(m.cfg.Hidden), m.cfg.Hidden)
	}
	if err := m.check(x); err != nil {
		return nil, err
	}
	return first(m.apply(fmt.Sprintf("Features%d", k), x, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{m.hidden(scope, x, k)}
	}))
}

// Randomize sets the weights of an untrained classifier to the first weights of a training, drawn from Seed. It is the
// control for any use of [Classifier.Features]: learned features should be better. It returns an error if the model
// has weights, and leaves them unchanged.
func (m *Classifier) Randomize() error {
	x := tensors.FromFlatDataAndDimensions(make([]float32, 2*m.cfg.Features), 2, m.cfg.Features)
	training, err := m.Training(x, []int{0, 1}, "none", FitConfig{Batch: 2})
	if err != nil {
		return err
	}
	return m.guard.change("Classifier.Randomize", func() error {
		if m.store.NumVariables() > 0 {
			return errors.New("lecture11: Randomize of a Classifier that has weights, want a new one")
		}
		return training.createVariables()
	})
}

// Likeliest returns the class of the largest of the probabilities (or logits) p [l, classes], the first of equal ones:
// l labels.
func Likeliest(p *tensors.Tensor) ([]int, error) {
	if err := checkAllFinite("Likeliest", p); err != nil {
		return nil, err
	}
	columns, err := Columns(p)
	if err != nil {
		return nil, err
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("lecture11: Likeliest of %s, want at least one class", p.Shape())
	}
	best := make([]int, len(columns[0]))
	for c, column := range columns {
		for i, v := range column {
			if v > columns[best[i]][i] {
				best[i] = c
			}
		}
	}
	return best, nil
}

// ConfusionTable counts how often an object of one label was classified as another: counts[label][taken] for labels 0
// … classes−1.
func ConfusionTable(labels, taken []int, classes int) ([][]int, error) {
	if len(labels) != len(taken) || len(labels) == 0 {
		return nil, fmt.Errorf("lecture11: ConfusionTable of %d labels with %d, want as many of both, at least 1", len(labels), len(taken))
	}
	counts := make([][]int, classes)
	for i := range counts {
		counts[i] = make([]int, classes)
	}
	for i, label := range labels {
		if min(label, taken[i]) < 0 || max(label, taken[i]) >= classes {
			return nil, fmt.Errorf("lecture11: ConfusionTable: object %d has label %d and was classified as %d, want 0 to %d",
				i, label, taken[i], classes-1)
		}
		counts[label][taken[i]]++
	}
	return counts, nil
}
