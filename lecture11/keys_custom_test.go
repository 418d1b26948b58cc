package lecture11

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"

	"deeplearning.example/internal/testx"
)

// customKinds returns, for each kind of model with custom networks, a function that prepares a training of it with the
// network body [batch, 40] → [batch, 40], always under the same ID.
func customKinds(t *testing.T) map[string]func(body NetFn) (*Training, error) {
	t.Helper()
	backend, x, labels := testx.Backend(t), greyObjects(40), twoClasses(520)
	then := func(body, next NetFn) NetFn {
		return func(scope *model.Scope, x *Node) *Node { return next(scope.In("next"), body(scope.In("body"), x)) }
	}
	nets := func(body NetFn, codes int) CodingNets {
		return CodingNets{"mine", then(body, Dense(nil, codes, "relu")), Dense(nil, 40, "relu")}
	}
	return map[string]func(body NetFn) (*Training, error){
		"VAE": func(body NetFn) (*Training, error) {
			m := must(NewVAEOf(backend, VAEConfig{Features: 40, Latent: 2, Seed: 1}, nets(body, 4)))
			return m.Training(x, "grey", FitConfig{})
		},
		"Autoencoder": func(body NetFn) (*Training, error) {
			m := must(NewAutoencoderOf(backend, AutoencoderConfig{Features: 40, Latent: 3, Seed: 1}, nets(body, 3)))
			return m.Training(x, "grey", FitConfig{})
		},
		"GAN": func(body NetFn) (*Training, error) {
			m := must(NewGANOf(backend, GANConfig{Features: 40, Latent: 2, Seed: 1},
				GANNets{ID: "mine", Generator: Dense(nil, 40, "relu"), Discriminator: then(body, Dense(nil, 1, "relu"))}))
			return m.Training(x, "grey", FitConfig{})
		},
		"Classifier": func(body NetFn) (*Training, error) {
			m := must(NewClassifierOf(backend, ClassifierConfig{Features: 40, Classes: 2, Hidden: []int{40}, Seed: 1}, BodyNet{"mine", body}))
			return m.Training(x, labels, "grey", FitConfig{})
		},
		"MultiTask": func(body NetFn) (*Training, error) {
			cfg := MultiTaskConfig{Features: 40, Hidden: []int{40}, Tasks: []Task{{Name: "a", Classes: 2}}, Seed: 1}
			y := must(TaskLabels(ClassColumn(labels)))
			return must(NewMultiTaskOf(backend, cfg, BodyNet{"mine", body})).Training(TaskData{X: x, Y: y, ID: "grey"}, FitConfig{})
		},
	}
}

// twoClasses returns labels of two classes in turn.
func twoClasses(l int) []int {
	labels := make([]int, l)
	for i := range labels {
		labels[i] = i % 2
	}
	return labels
}

// scaled returns x multiplied by 40 constants, the last of which is v.
func scaled(v float32) NetFn {
	return func(_ *model.Scope, x *Node) *Node {
		factors := make([]float32, 40)
		for i := range factors {
			factors[i] = 1
		}
		factors[39] = v
		return Mul(x, ExpandAxes(Const(x.Graph(), factors), 0))
	}
}

// startingAt returns x multiplied by a weight that starts at the result of an initializer.
func startingAt(first model.VariableInitializer) NetFn {
	return func(scope *model.Scope, x *Node) *Node {
		w := scope.WithInitializer(first).VariableWithShape("w", shapes.Make(dtypes.Float32, 1, 40))
		return Mul(x, w.NodeValue(x.Graph()))
	}
}

// from returns an initializer whose last value is v.
func from(v float32) model.VariableInitializer {
	return func(g *Graph, shape shapes.Shape) *Node {
		values := make([]float32, shape.Size())
		values[len(values)-1] = v
		return Reshape(Const(g, values), shape.Dimensions...)
	}
}

// either returns an initializer that computes ones and twos and returns one of the two.
func either(twos bool) model.VariableInitializer {
	return func(g *Graph, shape shapes.Shape) *Node {
		values := []*Node{Ones(g, shape), MulScalar(Ones(g, shape), 2)}
		return values[map[bool]int{false: 0, true: 1}[twos]]
	}
}

// dropping returns x in use, and x multiplied by v while it trains.
func dropping(v float64) NetFn {
	return func(scope *model.Scope, x *Node) *Node {
		if x.Shape().Dim(0) == 1 {
			return x
		}
		return MulScalar(x, v)
	}
}

// repeated doubles or halves x three times, in a loop of the device.
func repeated(double bool) NetFn {
	return func(_ *model.Scope, x *Node) *Node {
		g := x.Graph()
		state := func(g *Graph) (i, x2 *Node) {
			return Parameter(g, "i", shapes.Make(dtypes.Int32)), Parameter(g, "x", x.Shape())
		}
		cond := NewClosure(g, func(g *Graph) []*Node {
			i, _ := state(g)
			return []*Node{LessThan(i, Const(g, int32(3)))}
		})
		body := NewClosure(g, func(g *Graph) []*Node {
			i, x := state(g)
			half, twice := Mul(x, Const(g, float32(0.5))), Add(x, x)
			next := []*Node{Add(i, Const(g, int32(1))), half}
			if double {
				next[1] = twice
			}
			return next
		})
		return StopGradient(While(cond, body, Const(g, int32(0)), StopGradient(x))[1])
	}
}

// sorted returns x sorted along an axis.
func sorted(axis int) NetFn {
	return func(_ *model.Scope, x *Node) *Node { return StopGradient(Sort(StopGradient(x), axis, true)) }
}

// customPairs returns pairs of networks that differ in one property.
func customPairs() map[string][2]NetFn {
	return map[string][2]NetFn{
		"one of 40 constants":             {scaled(2), scaled(3)},
		"one of 40 first weights":         {startingAt(from(2)), startingAt(from(3))},
		"first weights of two kinds":      {startingAt(initializer.Zero), startingAt(initializer.One)},
		"which node an initializer takes": {startingAt(either(false)), startingAt(either(true))},
		"a step only":                     {dropping(0.5), dropping(0.25)},
		"the result of a loop's body":     {repeated(false), repeated(true)},
		"the axis of a sort":              {sorted(0), sorted(1)},
	}
}

// TestCustomKeysNeverLie: networks under one ID that differ in a constant, an initializer, a step or a loop have
// different keys. The same networks have the same key each time.
func TestCustomKeysNeverLie(t *testing.T) {
	for kind, training := range customKinds(t) {
		for what, pair := range customPairs() {
			t.Run(kind+", "+what, func(t *testing.T) {
				key := func(body NetFn) map[string]any { return must(training(body)).Key() }
				first := key(pair[0])
				for range 3 {
					if err := sameKey(key(pair[0]), first); err != nil {
						t.Errorf("the same networks: %v", err)
					}
				}
				wantError(t, sameKey(key(pair[1]), first), "networks.")
			})
		}
	}
}

// weightedDistance returns Σ_j v_j·|x_j − w_j| of 40 components, of which the last has the weight v and the others 1.
func weightedDistance(v float32) MapDistance {
	return func(x, w *Node) *Node {
		factors := make([]float32, 40)
		for i := range factors {
			factors[i] = 1
		}
		factors[39] = v
		apart := Abs(Sub(ExpandAxes(x, 1), ExpandAxes(w, 0)))
		return ReduceSum(Mul(apart, ExpandAxes(Const(x.Graph(), factors), 0, 1)), -1)
	}
}

// eitherDistance builds two distances and returns one of them.
func eitherDistance(squares bool) MapDistance {
	return func(x, w *Node) *Node {
		apart := Abs(Sub(ExpandAxes(x, 1), ExpandAxes(w, 0)))
		sums := []*Node{ReduceSum(apart, -1), ReduceSum(Square(apart), -1)}
		return sums[map[bool]int{false: 0, true: 1}[squares]]
	}
}

// TestDistanceKeysNeverLie: distances of a map under one ID that differ in their formula have different keys, in a
// batch, online and on a stream. The same distance has the same key each time.
func TestDistanceKeysNeverLie(t *testing.T) {
	pairs := map[string][2]MapDistance{
		"the formula":         {minkowski, weightedDistance(1)},
		"one of 40 constants": {weightedDistance(1), weightedDistance(2)},
		"the result":          {eitherDistance(false), eitherDistance(true)},
	}
	fits := map[string]SOMFit{"batch": {Epochs: 2}, "online": {Mode: "online", Steps: 3}, "stream": {Epochs: 2}}
	x := greyObjects(40)
	for way, fit := range fits {
		for what, pair := range pairs {
			t.Run(way+", "+what, func(t *testing.T) {
				key := func(distance MapDistance) map[string]any {
					m := newMap(t, SOMConfig{Grid: Grid{Width: 2, Height: 2}, Features: 40, Distance: "mine", DistanceFunc: distance})
					if way == "stream" {
						chunks := func(yield func(*tensors.Tensor, error) bool) { yield(x, nil) }
						return must(m.StreamTraining(func() iter.Seq2[*tensors.Tensor, error] { return chunks }, "grey", fit)).Key()
					}
					return must(m.Training(x, "grey", nil, fit)).Key()
				}
				if err := sameKey(key(pair[0]), key(pair[0])); err != nil {
					t.Errorf("the same distance: %v", err)
				}
				wantError(t, sameKey(key(pair[1]), key(pair[0])), "distance")
			})
		}
	}
}

// TestInputsChanged: a training whose inputs were changed after its key was made does not start, and the error names
// the input. Unchanged again, it starts.
func TestInputsChanged(t *testing.T) {
	backend := testx.Backend(t)
	x, held, labels := greyObjects(9), greyObjects(9), twoClasses(520)
	fit := FitConfig{Batch: 520, Evaluation: &Evaluation{X: held, Labels: labels}}
	classifier := func() *Classifier {
		return must(NewClassifier(backend, ClassifierConfig{Features: 9, Hidden: []int{3}, Classes: 2}))
	}
	vae := must(NewVAE(backend, VAEConfig{Features: 9, Latent: 2, Hidden: []int{3}}))
	som := newMap(t, SOMConfig{Grid: Grid{Width: 2, Height: 2}, Features: 9})
	type runner interface {
		Run(ctx context.Context, onStep func(step int, losses map[string]float64) error) error
	}
	for name, c := range map[string]struct {
		training runner
		changed  *tensors.Tensor
		input    string
	}{
		"Classifier":           {must(classifier().Training(x, labels, "grey", fit)), x, "objects"},
		"Classifier, held out": {must(classifier().Training(x, labels, "grey", fit)), held, "evaluation objects"},
		"VAE":                  {must(vae.Training(x, "grey", FitConfig{Batch: 520})), x, "objects"},
		"SOM, batch":           {must(som.Training(x, "grey", nil, SOMFit{Epochs: 1})), x, "objects"},
		"SOM, online":          {must(som.Training(x, "grey", nil, SOMFit{Mode: "online", Steps: 2})), x, "objects"},
	} {
		t.Run(name, func(t *testing.T) {
			flip(t, c.changed)
			err := c.training.Run(t.Context(), nil)
			flip(t, c.changed)
			if want := fmt.Sprintf("lecture11: %s changed after Training was called, want them unchanged until Run returns", c.input); err == nil ||
				!strings.HasPrefix(err.Error(), want) {
				t.Errorf("error = %v, want %s", err, want)
			}
			if testing.Short() {
				return // without compiling the training
			}
			if err := c.training.Run(t.Context(), nil); err != nil {
				t.Errorf("with the original inputs: %v", err)
			}
		})
	}
}

// flip changes the last bit of the last number, and changes it back.
func flip(t *testing.T, x *tensors.Tensor) {
	t.Helper()
	if err := x.MutableBytes(func(data []byte) { data[len(data)-4] ^= 1 }); err != nil {
		t.Fatal(err)
	}
}
