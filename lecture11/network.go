package lecture11

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Network is one of the networks of a trained model, as a function that can be built on any backend. Package
// lecture11/onnx writes it as an ONNX file.
//
// A [SOM] has no networks: its map is a table of weights, and an object belongs to the nearest one. A [Meta] has none
// either, because its weights are only a start: they are adapted to the support of an episode before use.
type Network struct {
	Name    string                                    // "VAE encoder"
	Inputs  int                                       // components of an object or a code x, with its label
	DType   dtypes.DType                              // of x: Float32, or Int32 for places in a code book
	Outputs []string                                  // the names of the results
	Build   func(scope *model.Scope, x *Node) []*Node // x: [batch, Inputs]; results: [batch, …]
	Store   *model.Store                              // copies of the weights, on no device
}

// networkOf returns the network of the model with the given name, which must be one of parts.
func (f *fitted) networkOf(part string, parts map[string]Network) (Network, error) {
	n, ok := parts[part]
	if !ok {
		return Network{}, fmt.Errorf("lecture11: %s.Network(%q), want one of %q", f.kind, part, slices.Sorted(maps.Keys(parts)))
	}
	weights, err := f.Weights()
	if err != nil {
		return Network{}, err
	}
	n.Name, n.Store, n.DType = f.kind+" "+part, model.NewStore(), cmp.Or(n.DType, dtypes.Float32)
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if _, err := n.Store.CreateVariable(name, weights[name]); err != nil {
			return Network{}, fmt.Errorf("lecture11: %s.Network: %w", f.kind, err)
		}
	}
	return n, nil
}

// Network returns the "encoder", x ↦ μ_α(x), ln σ_α²(x) with the results "mean" and "log_variance", or the "decoder", z
// ↦ E[x|z] with the result "x". The labels of a conditional model are appended as in [WithLabels].
func (m *VAE) Network(part string) (Network, error) {
	return m.networkOf(part, map[string]Network{
		"encoder": {Inputs: m.cfg.Features + m.cfg.Classes, Outputs: []string{"mean", "log_variance"}, Build: func(scope *model.Scope, x *Node) []*Node {
			q := m.encode(scope, x)
			return []*Node{q.mean, q.logVar}
		}},
		"decoder": {Inputs: m.cfg.Latent + m.cfg.Classes, Outputs: []string{"x"}, Build: func(scope *model.Scope, z *Node) []*Node {
			return []*Node{likelihoods[m.cfg.Likelihood].mean(m.decode(scope, z))}
		}},
	})
}

// Network returns the "encoder", x ↦ z with the result "code", or the "decoder", z ↦ x̂ with the result "x". A model
// with classes also has the "classifier", x ↦ p(y|x) with the result "probabilities".
func (m *Autoencoder) Network(part string) (Network, error) {
	parts := map[string]Network{
		"encoder": {Inputs: m.cfg.Features, Outputs: []string{"code"}, Build: func(scope *model.Scope, x *Node) []*Node {
			return []*Node{m.encode(scope, x)}
		}},
		"decoder": {Inputs: m.cfg.Latent, Outputs: []string{"x"}, Build: func(scope *model.Scope, z *Node) []*Node {
			return []*Node{reconstructionLosses[m.cfg.Loss].mean(m.decode(scope, z))}
		}},
	}
	if m.cfg.Classes > 0 {
		parts["classifier"] = Network{Inputs: m.cfg.Features, Outputs: []string{"probabilities"}, Build: func(scope *model.Scope, x *Node) []*Node {
			return []*Node{Softmax(m.classify(scope, m.encode(scope, x)))}
		}}
	}
	return m.networkOf(part, parts)
}

// Network returns the "encoder", x ↦ a(z_e), e_a with the results "places", int32 [batch, L], and "vectors", [batch, L,
// d], or the "decoder", places ↦ x̂ with the result "x", whose input is int32 [batch, L]. Places are those of
// [VQVAE.Encode], 0 … m−1. The decoder does not check them.
func (m *VQVAE) Network(part string) (Network, error) {
	return m.networkOf(part, map[string]Network{
		"encoder": {Inputs: m.cfg.Features, Outputs: []string{"places", "vectors"}, Build: func(scope *model.Scope, x *Node) []*Node {
			places, book := m.places(scope, x)
			return []*Node{places, vectorsAt(book, places)}
		}},
		"decoder": {Inputs: m.cfg.Positions, DType: dtypes.Int32, Outputs: []string{"x"}, Build: func(scope *model.Scope, places *Node) []*Node {
			return []*Node{m.objectsAt(scope, places)}
		}},
	})
}

// Network returns the "classifier", x ↦ p(y|x) with the result "probabilities".
func (m *Classifier) Network(part string) (Network, error) {
	return m.networkOf(part, map[string]Network{
		"classifier": {Inputs: m.cfg.Features, Outputs: []string{"probabilities"}, Build: func(scope *model.Scope, x *Node) []*Node {
			return []*Node{Softmax(m.logits(scope, x))}
		}},
	})
}

// Network returns the "generator", z ↦ G(z) with the result "x", or the "discriminator", x ↦ D's output before any
// sigmoid, [batch, 1], with the result "a". The generator uses the mean of its weights if GANConfig.Average asks for
// it. The labels of a conditional model are appended as in [WithLabels].
func (m *GAN) Network(part string) (Network, error) {
	return m.networkOf(part, map[string]Network{
		"generator": {Inputs: m.cfg.Latent + m.cfg.Classes, Outputs: []string{"x"}, Build: func(scope *model.Scope, z *Node) []*Node {
			return []*Node{m.objectsOf(scope, z)}
		}},
		"discriminator": {Inputs: m.cfg.Features + m.cfg.Classes, Outputs: []string{"a"}, Build: func(scope *model.Scope, x *Node) []*Node {
			return []*Node{ExpandAxes((&ganNets{m: m, scope: scope}).discriminate(x), -1)}
		}},
	})
}

// Network returns the network of one run with the head of a task: x ↦ p(y|x), with the result "probabilities", or a number
// [batch, 1] with the result "number".
func (m *MultiTask) Network(run int, task string) (Network, error) {
	if err := m.checkRun(run); err != nil {
		return Network{}, err
	}
	group, place, err := m.find(task)
	if err != nil {
		return Network{}, err
	}
	output := "probabilities"
	if m.groups[group].classes == 0 {
		output = "number"
	}
	return m.networkOf(task, map[string]Network{
		task: {Inputs: m.cfg.Features, Outputs: []string{output}, Build: func(scope *model.Scope, x *Node) []*Node {
			return []*Node{m.predict(scope, x, run, group, place)}
		}},
	})
}

// Network returns the "encoder", x ↦ z with the result "code".
func (m *PrototypeNet) Network(part string) (Network, error) {
	return m.networkOf(part, map[string]Network{
		"encoder": {Inputs: m.cfg.Features, Outputs: []string{"code"}, Build: func(scope *model.Scope, x *Node) []*Node {
			return []*Node{m.encode(scope, x)}
		}},
	})
}
