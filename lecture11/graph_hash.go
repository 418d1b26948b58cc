package lecture11

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// graphHash identifies custom functions in the key of a training by the graphs that they build. It is a backend that
// passes the operations on to another one, but compiles nothing: [compute.Builder.Compile] returns errTraced. It hashes
// what GoMLX's nodes do not print: the values of all constants, the results of functions, and the functions that
// loops, branches and sorts call. add hashes the nodes themselves.
type graphHash struct {
	compute.Backend
	hash      hash.Hash
	values    map[compute.Value]int // by the order in which they were made, from 1
	functions int
}

// newGraphHash returns the hash of no graphs yet. Their operations must be those of backend.
func newGraphHash(backend compute.Backend) *graphHash {
	return &graphHash{Backend: backend, hash: sha256.New(), values: map[compute.Value]int{}}
}

// add hashes the nodes of a graph, with their attributes, shapes and inputs.
func (h *graphHash) add(g *Graph) {
	for _, node := range g.Nodes() {
		fmt.Fprint(h.hash, node)
		for _, input := range node.Inputs() {
			fmt.Fprint(h.hash, " #", input.Id())
		}
		fmt.Fprintln(h.hash)
	}
}

// sum returns the form of the hash that a key contains.
func (h *graphHash) sum() string { return digestOf(h.hash) }

// of returns the hash of the graph that fn builds for inputs of the given shapes.
func (h *graphHash) of(fn func(inputs []*Node) *Node, inputs ...shapes.Shape) (string, error) {
	exec, err := NewExec(h, func(inputs []*Node) *Node {
		result := fn(inputs)
		h.add(result.Graph())
		return result
	})
	if err != nil {
		return "", err
	}
	defer exec.Finalize()
	if _, err := exec.Compile(inputs...); !errors.Is(err, errTraced) {
		return "", err
	}
	return h.sum(), nil
}

// networksKey identifies the custom networks of a training by their ID and by hashes of three graphs. The first is that
// of the networks in use, and the second that of a step of the training, in which they may differ. The third is that of
// the initializers of all variables of the step. It draws no weights.
func (t *Training) networksKey() (map[string]string, error) {
	trial := *t
	trial.store = model.NewStore()
	step, first := newGraphHash(t.backend), newGraphHash(t.backend)
	trial.backend = step
	if err := trial.store.SetRNGStateFromSeed(t.initSeed); err != nil {
		return nil, err
	}
	if err := trial.traceStep(step.add); err != nil {
		return nil, err
	}
	if err := addInitializers(first, trial.store); err != nil {
		return nil, err
	}
	return map[string]string{"id": t.model.networks, "graph": t.model.graphID, "step": step.sum(), "first weights": first.sum()}, nil
}

// addInitializers hashes the graph by which GoMLX would draw the first values of all variables of a store. GoMLX keeps
// the initializers to itself, but calls them in the order of the variables, so that the last one sees the graph.
func addInitializers(hash *graphHash, store *model.Store) error {
	last := func(g *Graph, shape shapes.Shape) *Node {
		hash.add(g)
		return Zeros(g, shape)
	}
	store.RootScope().In("last").WithInitializer(last).VariableWithShape("last", shapes.Make(dtypes.Float32))
	if err := store.InitializeVariables(hash, nil); !errors.Is(err, errTraced) {
		return err
	}
	return nil
}

// Builder returns a builder of the other backend whose operations are hashed.
func (h *graphHash) Builder(name string) compute.Builder {
	return &hashedBuilder{h.Backend.Builder(name), h}
}

// hashedBuilder builds one graph.
type hashedBuilder struct {
	compute.Builder
	to *graphHash
}

func (b *hashedBuilder) Main() compute.Function { return &hashedFunction{b.Builder.Main(), b.to, 0} }

func (b *hashedBuilder) NewFunction(name string) (compute.Function, error) {
	return b.to.function(b.Builder.NewFunction(name))
}

// OpShape is called by GoMLX once for each value that it makes, and so gives the values their numbers.
func (b *hashedBuilder) OpShape(value compute.Value) (shapes.Shape, error) {
	if b.to.values[value] == 0 {
		b.to.values[value] = len(b.to.values) + 1
	}
	return b.Builder.OpShape(value)
}

// Compile returns errTraced.
func (b *hashedBuilder) Compile() (compute.Executable, error) { return nil, errTraced }

// hashedFunction is a function of a graph, with its number.
type hashedFunction struct {
	compute.Function
	to     *graphHash
	number int
}

// function returns a new function with the next number.
func (h *graphHash) function(f compute.Function, err error) (compute.Function, error) {
	if err != nil {
		return nil, err
	}
	h.functions++
	return &hashedFunction{f, h, h.functions}, nil
}

// called returns the other backend's function, and hashes that it is called.
func (h *graphHash) called(f compute.Function) compute.Function {
	own := f.(*hashedFunction) // every function comes from this graph's builder
	fmt.Fprintln(h.hash, "function", own.number)
	return own.Function
}

func (f *hashedFunction) Closure() (compute.Function, error) {
	return f.to.function(f.Function.Closure())
}

func (f *hashedFunction) Constant(flat any, dims ...int) (compute.Value, error) {
	fmt.Fprintf(f.to.hash, "constant %T %v\n", flat, dims)
	f.to.hash.Write(dtypes.UnsafeByteSliceFromAny(flat))
	return f.Function.Constant(flat, dims...)
}

func (f *hashedFunction) Return(outputs []compute.Value, shardings []*compute.ShardingSpec) error {
	fmt.Fprint(f.to.hash, "function ", f.number, " returns")
	for _, value := range outputs {
		fmt.Fprint(f.to.hash, " ", f.to.values[value])
	}
	fmt.Fprintln(f.to.hash)
	return f.Function.Return(outputs, shardings)
}

func (f *hashedFunction) Call(callee compute.Function, inputs ...compute.Value) ([]compute.Value, error) {
	return f.Function.Call(f.to.called(callee), inputs...)
}

func (f *hashedFunction) Sort(comparator compute.Function, axis int, isStable bool, inputs ...compute.Value) ([]compute.Value, error) {
	fmt.Fprintln(f.to.hash, "sort", axis, isStable)
	return f.Function.Sort(f.to.called(comparator), axis, isStable, inputs...)
}

func (f *hashedFunction) While(cond, body compute.Function, initialState ...compute.Value) ([]compute.Value, error) {
	return f.Function.While(f.to.called(cond), f.to.called(body), initialState...)
}

func (f *hashedFunction) If(pred compute.Value, trueBranch, falseBranch compute.Function) ([]compute.Value, error) {
	return f.Function.If(pred, f.to.called(trueBranch), f.to.called(falseBranch))
}
