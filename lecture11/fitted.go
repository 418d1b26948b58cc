package lecture11

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// fitted is the common part of the models that are trained by gradients: their weights, and the programs that apply
// them, each compiled on first use.
type fitted struct {
	kind     string // the model's type, for errors
	backend  compute.Backend
	store    *model.Store
	guard    *guard // of store
	held     bool   // the maker of this copy keeps the weights unchanged; see hold
	programs *programs

	config   any                                // stored in the model's file, with kind and networks
	networks string                             // the ID of custom networks; "" for those that config names
	graphID  string                             // hash of the graph that custom networks build for use
	build    func(scope *model.Scope, g *Graph) // builds all networks once
	used     *usedVariables                     // the variables they use, found by building them

	trained provenance // of the weights
	changes int        // how often Load or SetWeights set the weights
}

// programs holds the compiled programs of a model by name.
type programs struct {
	mu     sync.Mutex
	byName map[string]*model.Exec
}

// newFitted returns the common part of a model that has no weights yet. build builds all its networks once.
func newFitted(kind string, backend compute.Backend, config any, build func(scope *model.Scope, g *Graph)) fitted {
	f := fitted{kind: kind, backend: backend, store: model.NewStore(), guard: &guard{}, config: config, build: build}
	f.programs, f.used = &programs{byName: map[string]*model.Exec{}}, &usedVariables{}
	f.store.SetLoader(f.guard)
	return f
}

// zeroRow returns an object or a code of zeros, [1, n].
func zeroRow(g *Graph, n int) *Node { return Zeros(g, shapes.Make(dtypes.Float32, 1, n)) }

// traceNetworks builds all networks of the model once on backend, without computing them, and returns the variables
// they create. look, which may be nil, is called with their graph.
func (f *fitted) traceNetworks(backend compute.Backend, look func(g *Graph)) (*model.Store, error) {
	store := model.NewStore()
	exec, err := model.NewExec(backend, store, func(scope *model.Scope, x *Node) *Node {
		f.build(scope, x.Graph())
		if look != nil {
			look(x.Graph())
		}
		panic(errTraced)
	})
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	if _, err := exec.Compile(shapes.Make(dtypes.Float32)); !errors.Is(err, errTraced) {
		return nil, fmt.Errorf("networks of the %s: %w", f.kind, err)
	}
	return store, nil
}

// checkTrained returns an error if the model has no weights yet.
func (f *fitted) checkTrained() error {
	if f.store.NumVariables() == 0 {
		return fmt.Errorf("lecture11: the %s has no weights: train or restore it first", f.kind)
	}
	return nil
}

// checkSource returns an error unless other has weights to start from.
func (f *fitted) checkSource(other *fitted) error {
	defer other.reading()()
	if other.store.NumVariables() == 0 {
		return fmt.Errorf("lecture11: %s.StartFrom: the other model has no weights: train or restore it first", f.kind)
	}
	return nil
}

// checkNew returns an error if the model has weights.
func (f *fitted) checkNew() error {
	if f.store.NumVariables() > 0 {
		return fmt.Errorf("lecture11: %s.StartFrom: this model has weights already, want a new one", f.kind)
	}
	return nil
}

// sameCustom returns an error unless the custom networks of both models have the same ID and the same graph, or neither
// model has custom networks.
func (f *fitted) sameCustom(other *fitted) error {
	if ours, theirs := f.networksName(), other.networksName(); ours != theirs {
		return fmt.Errorf("lecture11: %s.StartFrom: the other model has %s, want %s as here", f.kind, theirs, ours)
	}
	if f.graphID != other.graphID {
		return fmt.Errorf("lecture11: %s.StartFrom: the %s of the other model have the graph %s, want %s as here: their functions differ",
			f.kind, other.networksName(), other.graphID, f.graphID)
	}
	return nil
}

// networksName describes the networks of the model in words.
func (f *fitted) networksName() string {
	if f.networks == "" {
		return "the networks of its configuration"
	}
	return fmt.Sprintf("custom networks %q", f.networks)
}

// startFrom copies the trainable weights of a trained model of the same networks into a model that has none. different
// is an error that describes how the networks differ, or nil.
func (f *fitted) startFrom(other *fitted, different error) error {
	if err := f.checkSource(other); err != nil {
		return err
	}
	paths, values, err := other.trainableValues()
	if err != nil {
		return fmt.Errorf("lecture11: %s.StartFrom: %w", f.kind, err)
	}
	return f.guard.change(f.kind+".StartFrom", func() error {
		if err := f.checkNew(); err != nil {
			return err
		}
		if different != nil {
			return different
		}
		return allOrNone(f.store, func() error {
			for i, path := range paths {
				if _, err := f.store.CreateVariable(path, values[i]); err != nil {
					return fmt.Errorf("lecture11: %s.StartFrom: %s: %w", f.kind, path, err)
				}
			}
			return nil
		})
	})
}

// allOrNone calls create, which creates variables in the store. If create fails, allOrNone deletes those that it
// created.
func allOrNone(store *model.Store, create func() error) error {
	before := map[string]bool{}
	for v := range store.IterVariables() {
		before[v.Path()] = true
	}
	err := create()
	if err == nil {
		return nil
	}
	for _, v := range slices.Collect(store.IterVariables()) {
		if !before[v.Path()] {
			err = errors.Join(err, store.DeleteVariable(v.Path()))
		}
	}
	return err
}

// trainableValues returns the paths of the trainable variables and copies of their values.
func (f *fitted) trainableValues() (paths []string, values []*tensors.Tensor, err error) {
	defer f.reading()()
	for v := range f.store.IterVariables() {
		if !v.Trainable {
			continue
		}
		clone, err := cloneOf(v)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", v.Path(), err)
		}
		paths, values = append(paths, v.Path()), append(values, clone)
	}
	return paths, values, nil
}

// variableAt returns the variable of a store at a path, or nil. The store's own GetVariable asks the guard for a
// missing variable, and the guard refuses it.
func variableAt(store *model.Store, path string) *model.Variable {
	for v := range store.IterVariables() {
		if v.Path() == path {
			return v
		}
	}
	return nil
}

// WeightsHash returns sixteen hexadecimal digits that identify the weights of a trained model: two models with the
// same networks are equal if their hashes are. Report it with any feature distance.
func (f *fitted) WeightsHash() (string, error) {
	defer f.reading()()
	if err := f.checkTrained(); err != nil {
		return "", err
	}
	variables, err := f.variableSet()
	var hash string
	if err == nil {
		hash, err = f.variablesHash(func(v *model.Variable) bool { return variables.part(v) == partWeights })
	}
	if err != nil {
		return "", fmt.Errorf("lecture11: %s.WeightsHash: %w", f.kind, err)
	}
	return hash, nil
}

// variablesHash returns sixteen hexadecimal digits that identify the names and values of the wanted variables.
func (f *fitted) variablesHash(wanted func(v *model.Variable) bool) (string, error) {
	hash := sha256.New()
	variables := slices.SortedFunc(f.store.IterVariables(), func(a, b *model.Variable) int { return cmp.Compare(a.Path(), b.Path()) })
	for _, v := range variables {
		if !wanted(v) {
			continue
		}
		value, err := v.Value()
		if err == nil {
			fmt.Fprintln(hash, v.Path(), value.Shape())
			err = value.ConstBytes(func(data []byte) { hash.Write(data) })
		}
		if err != nil {
			return "", fmt.Errorf("variable %s: %w", v.Path(), err)
		}
	}
	return digestOf(hash), nil
}

// cloneOf copies the value of a variable to the host's memory.
func cloneOf(v *model.Variable) (*tensors.Tensor, error) {
	value, err := v.Value()
	if err != nil {
		return nil, err
	}
	return value.LocalClone()
}

// numbersOf returns the value of a variable.
func numbersOf(v *model.Variable) ([]float64, error) {
	value, err := v.Value()
	if err != nil {
		return nil, err
	}
	return float64s(value)
}

// weights returns the trainable variables whose path starts with prefix.
func (f *fitted) weights(g *Graph, prefix string) []*Node {
	var nodes []*Node
	for v := range f.store.IterVariables() {
		if v.Trainable && strings.HasPrefix(v.Path(), prefix) {
			nodes = append(nodes, v.NodeValue(g))
		}
	}
	return nodes
}

// program returns the graph function fn of a model, cached by name and compiled for each shape of its inputs. The
// caller must keep the weights unchanged.
func program[F useFn](f *fitted, name string, fn F) (*model.Exec, error) {
	f.programs.mu.Lock()
	defer f.programs.mu.Unlock()
	if exec := f.programs.byName[name]; exec != nil {
		return exec, nil
	}
	if err := f.checkTrained(); err != nil {
		return nil, err
	}
	exec, err := model.NewExec(f.backend, f.store, oneAtATime(&f.guard.building, fn))
	if err != nil {
		return nil, err
	}
	f.programs.byName[name] = exec.WithName(f.kind + "." + name)
	return exec, nil
}

// likeWeights converts objects or codes to the weights' type. A model that has learned from 64-bit numbers computes
// with them, while the noise of [RandomCodes] and pixels have 32 bits.
func (f *fitted) likeWeights(x *Node) *Node {
	x = pixels(x)
	for v := range f.store.IterVariables() {
		if dtype := v.Shape().DType; v.Trainable && dtype.IsFloat() {
			return ConvertDType(x, dtype)
		}
	}
	return x
}

// apply returns the results of fn, cached by name, for the rows of x: [l, …] each. fn gets x as converted by
// likeWeights.
func (f *fitted) apply(name string, x *tensors.Tensor,
	fn func(scope *model.Scope, x *Node) []*Node) ([]*tensors.Tensor, error) {
	defer f.reading()()
	exec, err := program(f, name, func(scope *model.Scope, x *Node) []*Node { return fn(scope, f.likeWeights(x)) })
	if err != nil {
		return nil, err
	}
	out, err := mapRows(exec, x, inferenceBatch, nil)
	if err != nil {
		return nil, fmt.Errorf("lecture11: %s.%s: %w", f.kind, name, err)
	}
	return out, nil
}

// checkObjects calls the function of the same name for the objects of a model.
func (f *fitted) checkObjects(x *tensors.Tensor, columns int, probabilities bool) error {
	return checkObjects(f.kind, x, columns, probabilities)
}

// checkLabelColumns returns an error, which names who, unless the columns of x [l, n + classes] from n on are labels of a conditional
// model, as appended by [WithLabels]: a single 1 in each row (255 for bytes), and 0 elsewhere.
func checkLabelColumns(who string, x *tensors.Tensor, n, classes int) error {
	if classes == 0 {
		return nil
	}
	var bad, err error
	switch x.DType() {
	case dtypes.Uint8:
		err = tensors.ConstFlatData(x, func(flat []uint8) { bad = checkOneHot(flat, n, classes, 255) })
	case dtypes.Float32:
		err = tensors.ConstFlatData(x, func(flat []float32) { bad = checkOneHot(flat, n, classes, 1) })
	case dtypes.Float64:
		err = tensors.ConstFlatData(x, func(flat []float64) { bad = checkOneHot(flat, n, classes, 1) })
	}
	if err := errors.Join(err, bad); err != nil {
		return fmt.Errorf("lecture11: %s: %w", who, err)
	}
	return nil
}

// checkOneHot returns an error that names the first row of flat, [l, n + classes], whose last columns are not a valid
// label.
func checkOneHot[T uint8 | float32 | float64](flat []T, n, classes int, one T) error {
	for i := 0; i < len(flat); i += n + classes {
		label := flat[i+n : i+n+classes]
		ones, zeros := 0, 0
		for _, v := range label {
			switch v {
			case one:
				ones++
			case 0:
				zeros++
			}
		}
		if ones != 1 || zeros != classes-1 {
			return fmt.Errorf("the label columns of object %d are %v, want a single %v and zeros elsewhere, as WithLabels appends them", i/(n+classes), label, one)
		}
	}
	return nil
}

// checkObjects returns an error, which names who, unless x is [l, columns] and its numbers are finite and, for
// probabilities, in [0, 1]. Bytes are pixels and always valid.
func checkObjects(who string, x *tensors.Tensor, columns int, probabilities bool) error {
	if err := checkTensors(who, x); err != nil {
		return err
	}
	shape := x.Shape()
	if shape.Rank() != 2 || shape.Dimensions[1] != columns || shape.Dimensions[0] == 0 {
		return fmt.Errorf("lecture11: %s: objects of shape %s, want [l, %d] and at least one", who, shape, columns)
	}
	var bad error
	var err error
	switch shape.DType {
	case dtypes.Uint8:
		return nil
	case dtypes.Float32:
		err = tensors.ConstFlatData(x, func(flat []float32) { bad = checkValues(flat, columns, probabilities) })
	case dtypes.Float64:
		err = tensors.ConstFlatData(x, func(flat []float64) { bad = checkValues(flat, columns, probabilities) })
	default:
		bad = fmt.Errorf("values of type %s, want uint8 (pixels 0…255), float32 or float64", shape.DType)
	}
	if err := errors.Join(err, bad); err != nil {
		return fmt.Errorf("lecture11: %s: %w", who, err)
	}
	return nil
}

// checkValues returns an error that names the first value of the objects, row by row, that is not finite or, for
// probabilities, not in [0, 1].
func checkValues[T float32 | float64](flat []T, columns int, probabilities bool) error {
	for i, v := range flat {
		value := float64(v)
		finite, probability := !math.IsNaN(value) && !math.IsInf(value, 0), value >= 0 && value <= 1
		if finite && (probability || !probabilities) {
			continue
		}
		want := "want finite values"
		if finite {
			want = "want [0, 1], the range of a Bernoulli likelihood"
		}
		return fmt.Errorf("component %d of object %d is %g, %s", i%columns, i/columns, value, want)
	}
	return nil
}
