package lecture11

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// NetFn builds a network on a batch: x [batch, inputs] → [batch, outputs]. Its weights live in scope, so that calling it
// again on the same (shared) scope reuses them.
type NetFn func(scope *model.Scope, x *Node) *Node

// activations holds the non-linearities that a configuration can name.
var activations = map[string]func(*Node) *Node{
	"relu":   activation.Relu,
	"tanh":   Tanh,
	"gelu":   activation.Gelu,
	"linear": func(x *Node) *Node { return x },
	"leaky":  func(x *Node) *Node { return Max(x, MulScalar(x, 0.2)) },
}

// Dense returns a network of fully connected layers: hidden sizes, each followed by the named activation, then a linear
// layer to outputs. The activation is "relu", "tanh", "gelu", "leaky" for max(x, 0.2x), or "linear" for none. Without
// hidden sizes the network is a single affine map.
//
// Weights start uniform in ±√(6/(in + out)) (Glorot & Bengio 2010), biases at 0. With He's N(0, 2/in), GoMLX's default,
// autoencoders of digits have twice the error after the same training (docs/design.md).
func Dense(hidden []int, outputs int, activationName string) NetFn {
	return denseBy(hidden, outputs, activationName, nil)
}

// denseBy is Dense with the weights of each layer transformed by use.
func denseBy(hidden []int, outputs int, activationName string, use weightFn) NetFn {
	return func(scope *model.Scope, x *Node) *Node {
		act := activations[activationName]
		for i, size := range hidden {
			x = act(affineBy(scope.In("hidden_%d", i), x, size, use)) // [batch, size]
		}
		return affineBy(scope.In("output"), x, outputs, use) // [batch, outputs]
	}
}

// weightFn returns the weights [in, out] that a layer computes with, given those that it stores; scope is the layer's.
// A nil weightFn returns them unchanged.
type weightFn func(scope *model.Scope, weights *Node) *Node

// affine is a fully connected layer without activation: x [batch, in] → x·W + b, [batch, outputs].
func affine(scope *model.Scope, x *Node, outputs int) *Node {
	return layers.DenseWithBias(scope.WithInitializer(initializer.XavierUniformFn(scope)), x, outputs)
}

// affineBy is affine with the weights transformed by use; they are stored under the same names.
func affineBy(scope *model.Scope, x *Node, outputs int, use weightFn) *Node {
	if use == nil {
		return affine(scope, x, outputs)
	}
	g, in := x.Graph(), x.Shape().Dim(-1)
	scope = scope.In("dense").WithInitializer(initializer.XavierUniformFn(scope))
	weights := scope.VariableWithShape("weights", shapes.Make(x.DType(), in, outputs)).NodeValue(g)
	bias := scope.VariableWithShape(biasName, shapes.Make(x.DType(), outputs)).NodeValue(g)
	return Add(Dot(x, use(scope, weights)).Product(), ExpandLeftToRank(bias, 2))
}

// weightsName is the name of a layer's weights, the same as in GoMLX.
const weightsName = "weights"

// netSpec describes the networks of an encoder and a decoder.
type netSpec struct {
	features   int        // components n of an object
	image      imageShape // of "conv" networks, as in the configuration, zeros included
	hidden     []int      // hidden sizes of a dense encoder; the decoder has them reversed
	activation string
}

// encoders holds the networks that a configuration can name: x [batch, n (+ classes)] → [batch, outputs].
var encoders = map[string]func(s netSpec, outputs int) NetFn{"dense": denseEncoder, "conv": convEncoder}

// decoders holds the networks that a configuration can name: z [batch, d (+ classes)] → [batch, n].
var decoders = map[string]func(s netSpec) NetFn{"dense": denseDecoder, "conv": convDecoder}

func denseEncoder(s netSpec, outputs int) NetFn { return Dense(s.hidden, outputs, s.activation) }

func denseDecoder(s netSpec) NetFn {
	reversed := slices.Clone(s.hidden)
	slices.Reverse(reversed)
	return Dense(reversed, s.features, s.activation)
}

// wantDims panics, as graph functions do, unless the output of a network has the dimensions that its model expects.
func wantDims(net string, x *Node, rows, columns int) {
	if s := x.Shape(); s.Rank() != 2 || s.Dim(0) != rows || s.Dim(1) != columns {
		panic(fmt.Errorf("lecture11: the %s returns %s for a batch of %d, want [%d, %d]", net, s, rows, rows, columns))
	}
}

// checkSizes returns an error that names the first layer that cannot be built.
func checkSizes(field string, sizes []int) error {
	for i, size := range sizes {
		if size < 1 {
			return fmt.Errorf("lecture11: %s[%d] = %d, want a positive layer size", field, i, size)
		}
	}
	return nil
}

// checkNets returns an error that names the first field of a configuration that is invalid for an encoder or a decoder.
func checkNets(config string, s netSpec, encoder, decoder string) error {
	if err := checkSizes(config+".Hidden", s.hidden); err != nil {
		return err
	}
	if err := checkName(config+".Activation", s.activation, activations); err != nil {
		return err
	}
	if err := checkName(config+".Encoder", encoder, encoders); err != nil {
		return err
	}
	if err := checkName(config+".Decoder", decoder, decoders); err != nil {
		return err
	}
	if encoder == "conv" || decoder == "conv" || s.image != (imageShape{}) {
		return s.image.check(config, s.features)
	}
	return nil
}

// valueOr returns a pointer to a copy of what p points to, or of byDefault if p is nil. Fields of a configuration for
// which 0 is a useful value are pointers, so that 0 does not stand for the default.
func valueOr[T any](p *T, byDefault T) *T {
	if p != nil {
		byDefault = *p
	}
	return &byDefault
}

// checkName returns an error that lists the known names when name is not one of them.
func checkName[V any](field, name string, known map[string]V) error {
	if _, ok := known[name]; ok {
		return nil
	}
	names := make([]string, 0, len(known))
	for k := range known {
		names = append(names, fmt.Sprintf("%q", k))
	}
	slices.Sort(names)
	return fmt.Errorf("lecture11: %s = %q, want one of %s", field, name, strings.Join(names, ", "))
}

// pixels converts a batch of objects to the network's dtype. Bytes are pixels 0…255 and become [0, 1]; floats remain
// unchanged. x: [batch, …]; result: the same shape.
func pixels(x *Node) *Node {
	if !x.DType().IsInt() {
		return x
	}
	return MulScalar(ConvertDType(x, dtypes.Float32), 1.0/255)
}
