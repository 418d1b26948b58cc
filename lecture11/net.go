package lecture11

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
)

// NetFn builds a network on a batch: x [batch, inputs] → [batch, outputs]. Its weights live in scope, so that calling it
// again on the same (shared) scope reuses them.
type NetFn func(scope *model.Scope, x *Node) *Node

// activations are the non-linearities that a configuration may name.
var activations = map[string]func(*Node) *Node{
	"relu": activation.Relu,
	"tanh": Tanh,
	"gelu": activation.Gelu,
}

// Dense is a network of fully connected layers: hidden sizes with the named activation ("relu", "tanh" or "gelu")
// after each, then a linear layer to outputs. No hidden size makes it a single affine map.
//
// Weights start as Glorot's uniform ±√(6/(in+out)), biases at 0.
func Dense(hidden []int, outputs int, activationName string) NetFn {
	return func(scope *model.Scope, x *Node) *Node {
		act := activations[activationName]
		for i, size := range hidden {
			x = act(layers.DenseWithBias(scope.In("hidden_%d", i), x, size)) // [batch, size]
		}
		return layers.DenseWithBias(scope.In("output"), x, outputs) // [batch, outputs]
	}
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

// pixels gives a batch of objects as numbers of the network's dtype. Bytes are pixels 0…255 and become [0, 1]; floats
// pass unchanged. x: [batch, …]; result: the same shape.
func pixels(x *Node) *Node {
	if !x.DType().IsInt() {
		return x
	}
	return MulScalar(ConvertDType(x, dtypes.Float32), 1.0/255)
}
