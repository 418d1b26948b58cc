package lecture11

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// newClassifier returns an untrained classifier.
func newClassifier(t *testing.T, cfg ClassifierConfig) *Classifier {
	t.Helper()
	m, err := NewClassifier(testx.Backend(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fitClassifier trains a classifier and returns it with the losses of each call.
func fitClassifier(t *testing.T, cfg ClassifierConfig, fit FitConfig, x *tensors.Tensor,
	labels []int) (*Classifier, []map[string]float64) {
	t.Helper()
	m := newClassifier(t, cfg)
	training, err := m.Training(x, labels, "test", fit)
	if err != nil {
		t.Fatal(err)
	}
	var losses []map[string]float64
	err = training.Run(t.Context(), func(_ int, l map[string]float64) error {
		losses = append(losses, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, losses
}

// values returns the numbers of a model's result and fails the test on an error.
func values(t *testing.T) func(*tensors.Tensor, error) []float64 {
	return func(x *tensors.Tensor, err error) []float64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		flat, err := float64s(x)
		if err != nil {
			t.Fatal(err)
		}
		return flat
	}
}

// TestClassifierBayes: for two classes N(±1, 1) the probability of the second is 1/(1 + e^(−2x)), and softmax
// regression finds it. The loss is that of Bayes' rule, the mean of ln(1 + e^(−2x)) over the second class, by
// quadrature.
func TestClassifierBayes(t *testing.T) {
	const l = 40_000
	rng := rand.New(rand.NewPCG(5, 0))
	x, labels := make([]float32, l), make([]int, l)
	for i := range x {
		labels[i] = i % 2
		x[i] = float32(rng.NormFloat64() + 2*float64(labels[i]) - 1)
	}
	m, losses := fitClassifier(t, ClassifierConfig{Features: 1, Classes: 2, Hidden: []int{}, Seed: 1},
		FitConfig{Epochs: 3, Batch: 400, LearningRate: 0.05, Decay: "linear"}, tensors.FromFlatDataAndDimensions(x, l, 1), labels)
	grid := []float32{-2, -1, 0, 0.5, 3}
	p := values(t)(m.Predict(tensors.FromFlatDataAndDimensions(grid, len(grid), 1)))
	for i, v := range grid {
		near(t, "p(second|x)", p[2*i+1], 1/(1+math.Exp(-2*float64(v))), 0.02)
		near(t, "sum of the probabilities", p[2*i]+p[2*i+1], 1, 1e-6)
	}
	bayes, step := 0.0, 0.01
	for v := -9.0; v < 9; v += step { // by symmetry the mean over one class
		bayes += step * math.Exp(-(v-1)*(v-1)/2) / math.Sqrt(2*math.Pi) * math.Log1p(math.Exp(-2*v))
	}
	last := losses[len(losses)-1]
	near(t, "loss of the last steps", last["loss"], bayes, 4*0.5/math.Sqrt(20_000))
	near(t, "their accuracy, Φ(1)", last["accuracy"], 0.8413, 0.02)
}

// layerWeights returns the trained weights and biases of the layer in a scope.
func layerWeights(t *testing.T, m *Classifier, scope string) (w, b []float64) {
	t.Helper()
	for v := range m.store.IterVariables() {
		if !v.Trainable || !strings.Contains(v.Path(), scope) {
			continue
		}
		value, err := v.Value()
		flat := values(t)(value, err)
		if v.Name() == "weights" {
			w = flat
		} else {
			b = flat
		}
	}
	return w, b
}

// TestClassifierNaive compares the features after each layer and the probabilities of a network with random weights
// with plain loops.
func TestClassifierNaive(t *testing.T) {
	m := newClassifier(t, ClassifierConfig{Features: 5, Classes: 3, Hidden: []int{4, 2}, Activation: "tanh", Seed: 3})
	if err := m.Randomize(); err != nil {
		t.Fatal(err)
	}
	object := []float32{0.5, -1, 2, 0, 1}
	x := tensors.FromFlatDataAndDimensions(object, 1, 5)
	h := make([]float64, 5)
	for i, v := range object {
		h[i] = float64(v)
	}
	layer := func(scope string) []float64 {
		w, b := layerWeights(t, m, scope)
		out := slices.Clone(b)
		for j := range out {
			for i, v := range h {
				out[j] += v * w[i*len(b)+j]
			}
		}
		return out
	}
	for k, scope := range []string{"hidden_0", "hidden_1"} {
		h = layer(scope)
		for j, got := range values(t)(m.Features(x, k+1)) {
			h[j] = math.Tanh(h[j])
			near(t, "feature after "+scope, got, h[j], 1e-6)
		}
	}
	h = layer("output")
	sum := 0.0
	for _, a := range h {
		sum += math.Exp(a)
	}
	for c, got := range values(t)(m.Predict(x)) {
		near(t, "probability", got, math.Exp(h[c])/sum, 1e-6)
	}
}

// TestClassifierGradient compares the gradient of a step's loss, in float64, with central differences.
func TestClassifierGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 0))
	labels := []int32{2, 0, 1, 1}
	loss := func(in []*Node) *Node { // x·W₁ → tanh → ·W₂, as Classifier.losses builds it
		return labelledCrossEntropy(MatMul(Tanh(MatMul(in[0], in[1])), in[2]), Const(in[0].Graph(), labels))
	}
	testx.CheckGradient(t, loss, rows(rng, 4, 5), rows(rng, 5, 3), rows(rng, 3, 3))
}

// TestClassifierDigits: both encoders learn digits from a few thousand objects. Accuracy has its standard error, and
// the features have the expected sizes.
func TestClassifierDigits(t *testing.T) {
	long(t)
	train, test := greyDigits(t, 4000, 1000)
	for encoder, want := range map[string]float64{"dense": 0.85, "conv": 0.85} {
		m, _ := fitClassifier(t, ClassifierConfig{Features: 784, Classes: 10, Hidden: []int{64, 32}, Encoder: encoder, Seed: 1},
			FitConfig{Epochs: 4, LearningRate: 3e-3, Decay: "cosine", Seed: 1}, train.Tensor(), train.Labels)
		accuracy, err := m.Accuracy(test.Tensor(), test.Labels)
		if err != nil {
			t.Fatal(err)
		}
		if accuracy.Mean < want || len(accuracy.PerObject) != 1000 {
			t.Errorf("%s: accuracy %.3f over %d, want at least %g over 1000", encoder, accuracy.Mean, len(accuracy.PerObject), want)
		}
		near(t, "its standard error", accuracy.SE, math.Sqrt(accuracy.Mean*(1-accuracy.Mean)/999), 1e-9)
		for k, size := range []int{64, 32} {
			z, err := m.Features(test.Tensor(), k+1)
			if err != nil {
				t.Fatal(err)
			}
			if d := z.Shape().Dimensions; !slices.Equal(d, []int{1000, size}) {
				t.Errorf("%s: features after layer %d of shape %v, want [1000 %d]", encoder, k+1, d, size)
			}
		}
	}
}

// TestClassifierSameSeed: the same seeds give the same weights, bit by bit; Randomize draws the weights with which a
// training starts.
func TestClassifierSameSeed(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	flat, labels := make([]float32, 60*4), make([]int, 60)
	for i := range flat {
		flat[i] = float32(rng.NormFloat64())
		labels[i/4] = i / 4 % 3
	}
	x := tensors.FromFlatDataAndDimensions(flat, 60, 4)
	cfg := ClassifierConfig{Features: 4, Classes: 3, Hidden: []int{5}, Seed: 2}
	predict := func(m *Classifier) []float64 { return values(t)(m.Predict(x)) }
	fit := FitConfig{Epochs: 3, Batch: 20, StepsPerCall: 2}
	a, _ := fitClassifier(t, cfg, fit, x, labels)
	b, _ := fitClassifier(t, cfg, fit, x, labels)
	if !slices.Equal(predict(a), predict(b)) {
		t.Error("the same seeds gave different probabilities")
	}
	random, still := newClassifier(t, cfg), FitConfig{Batch: 60, LearningRate: 1e-30}
	if err := random.Randomize(); err != nil {
		t.Fatal(err)
	}
	unmoved, _ := fitClassifier(t, cfg, still, x, labels)
	if !slices.Equal(predict(random), predict(unmoved)) {
		t.Error("Randomize drew other weights than those a training starts with")
	}
	if slices.Equal(predict(random), predict(a)) {
		t.Error("training changed no weight")
	}
	hash := func(m *Classifier) string {
		t.Helper()
		h, err := m.WeightsHash()
		if err != nil || len(h) != 16 {
			t.Fatalf("hash %q, %v", h, err)
		}
		return h
	}
	if hash(a) != hash(b) || hash(a) == hash(random) {
		t.Errorf("hashes of weights %s and %s of one training, %s of none", hash(a), hash(b), hash(random))
	}
	_, err := newClassifier(t, cfg).WeightsHash()
	wantError(t, err, "no weights")
}

// TestClassifierRestored: a trained classifier that is saved and restored predicts the same.
func TestClassifierRestored(t *testing.T) {
	x := tensors.FromValue([][]float32{{0, 1}, {1, 0}, {1, 1}, {2, 0}})
	labels, cfg := []int{0, 1, 0, 1}, ClassifierConfig{Features: 2, Classes: 2, Hidden: []int{3}}
	m := newClassifier(t, cfg)
	training, err := m.Training(x, labels, "four", FitConfig{Epochs: 2, Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	var saved bytes.Buffer
	if err := training.Save(partWeights, &saved); err != nil {
		t.Fatal(err)
	}
	copied := newClassifier(t, cfg)
	again, err := copied.Training(x, labels, "four", FitConfig{Epochs: 2, Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Restore(partWeights, &saved); err != nil {
		t.Fatal(err)
	}
	if a, b := values(t)(m.Predict(x)), values(t)(copied.Predict(x)); !slices.Equal(a, b) {
		t.Errorf("restored: %v, want %v", b, a)
	}
	other, err := copied.Training(x, []int{1, 1, 0, 1}, "four", FitConfig{Epochs: 2, Batch: 2})
	if err != nil || other.Key()["inputs"].(map[string]string)["labels"] == again.Key()["inputs"].(map[string]string)["labels"] {
		t.Errorf("other labels have the same key; error %v", err)
	}
}

func TestLikeliestAndConfusion(t *testing.T) {
	taken, err := Likeliest(tensors.FromValue([][]float32{{0.2, 0.5, 0.3}, {0.4, 0.2, 0.4}, {-1, -3, -0.5}}))
	if err != nil || !slices.Equal(taken, []int{1, 0, 2}) {
		t.Errorf("likeliest %v, %v, want [1 0 2]", taken, err)
	}
	counts, err := ConfusionTable([]int{0, 0, 2}, taken, 3)
	if err != nil {
		t.Fatal(err)
	}
	for label, want := range [][]int{{1, 1, 0}, {0, 0, 0}, {0, 0, 1}} {
		if !slices.Equal(counts[label], want) {
			t.Errorf("label %d was classified as %v, want %v", label, counts[label], want)
		}
	}
	for want, err := range map[string]error{
		"2 labels with 3":       errorOf(ConfusionTable([]int{0, 1}, taken, 3)),
		"object 2 has label 2":  errorOf(ConfusionTable([]int{0, 0, 2}, taken, 2)),
		"object 1 has label -1": errorOf(ConfusionTable([]int{0, -1, 1}, taken, 3)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}

// TestManyClassesLearnt: a classifier tells apart more classes than a byte can count.
func TestManyClassesLearnt(t *testing.T) {
	const classes = 300
	flat, labels := make([]float32, 2*classes), make([]int, classes)
	for i := range classes {
		phi := 2 * math.Pi * float64(i) / classes
		flat[2*i], flat[2*i+1], labels[i] = float32(math.Cos(phi)), float32(math.Sin(phi)), i
	}
	x := tensors.FromFlatDataAndDimensions(flat, classes, 2)
	m := must(NewClassifier(testx.Backend(t), ClassifierConfig{Features: 2, Classes: classes, Hidden: []int{64}, Seed: 1}))
	training := must(m.Training(x, labels, "circle", FitConfig{Epochs: 200, Batch: classes, LearningRate: 0.05, Seed: 1}))
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if a := must(m.Accuracy(x, labels)).Mean; a < 0.3 {
		t.Errorf("accuracy %.3f of %d classes, want at least 0.3; chance is 0.003", a, classes)
	}
	above := 0
	for _, c := range must(Likeliest(must(m.Predict(x)))) {
		if c > 255 {
			above++
		}
	}
	if above == 0 {
		t.Error("no object is taken for a class above 255")
	}
}

func errorOf[T any](_ T, err error) error { return err }

func TestClassifierConfigErrors(t *testing.T) {
	for want, cfg := range map[string]ClassifierConfig{
		"ClassifierConfig.Features = 0, want the positive number":    {Classes: 2},
		"ClassifierConfig.Classes = 1, want at least 2":              {Features: 4, Classes: 1},
		"ClassifierConfig.Hidden[1] = 0, want a positive":            {Features: 4, Classes: 2, Hidden: []int{3, 0}},
		`ClassifierConfig.Activation = "sin", want one of`:           {Features: 4, Classes: 2, Activation: "sin"},
		`ClassifierConfig.Encoder = "vgg", want one of "conv"`:       {Features: 4, Classes: 2, Encoder: "vgg"},
		`ClassifierConfig.Features = 101 with Height = 0, Width = 0`: {Features: 101, Classes: 2, Encoder: "conv"},
	} {
		if _, err := NewClassifier(testx.Backend(t), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one that contains %q", cfg, err, want)
		}
	}
}

// TestClassifierMisuse tries labels that are out of range, missing or all equal; objects of another size or with NaN;
// a model without weights; and a layer that does not exist.
func TestClassifierMisuse(t *testing.T) {
	m := newClassifier(t, ClassifierConfig{Features: 4, Classes: 3, Hidden: []int{2}})
	x := tensors.FromFlatDataAndDimensions(make([]float32, 12), 3, 4)
	wide := tensors.FromFlatDataAndDimensions(make([]uint8, 15), 3, 5)
	notANumber := tensors.FromValue([][]float32{{0, 0, float32(math.NaN()), 0}})
	train := func(x *tensors.Tensor, labels ...int) error {
		_, err := m.Training(x, labels, "test", FitConfig{Batch: 1})
		return err
	}
	for _, c := range []struct {
		want string
		err  error
	}{
		{"label 3 of object 1, want 0 to 2: ClassifierConfig.Classes = 3", train(x, 0, 3, 1)},
		{"2 labels for objects (Float32)[3, 4], want 3", train(x, 0, 1)},
		{"labels: all 3 are 1, want objects of at least two classes", train(x, 1, 1, 1)},
		{"objects of shape (Uint8)[3, 5], want [l, 4] and at least one: ClassifierConfig.Features = 4", train(wide, 0, 1, 2)},
		{"component 2 of object 0 is NaN", train(notANumber, 0)},
		{"the Classifier has no weights", errorOf(m.Predict(x))},
		{"Features after hidden layer 2, want 1 to 1", errorOf(m.Features(x, 2))},
		{"Features after hidden layer 0", errorOf(m.Features(x, 0))},
		{"objects of shape (Uint8)[3, 5]", errorOf(m.Features(wide, 1))},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want one that contains %q", c.err, c.want)
		}
	}
	if err := m.Randomize(); err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"label 9 of object 2":         errorOf(m.Accuracy(x, []int{0, 1, 9})),
		"1 labels for objects":        errorOf(m.Accuracy(x, []int{0})),
		"Classifier that has weights": m.Randomize(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}
