package lecture11

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Weights returns copies of all weights that the model computes with, by name, such as "encoder/output/dense/weights".
func (f *fitted) Weights() (map[string]*tensors.Tensor, error) {
	defer f.reading()()
	if err := f.checkTrained(); err != nil {
		return nil, err
	}
	variables, err := f.variableSet()
	var values map[string]*tensors.Tensor
	if err == nil {
		values, _, err = variables.values(partWeights)
	}
	if err != nil {
		return nil, fmt.Errorf("lecture11: %s.Weights: %w", f.kind, err)
	}
	return values, nil
}

// SetWeights sets the weights of the model, trained or new, to copies of weights. They must have the names and the
// shapes of those that Weights returns. On an error the model is unchanged. [ReadWeights] reads weights from a file of
// another program.
func (f *fitted) SetWeights(weights map[string]*tensors.Tensor) error {
	err := f.guard.change(f.kind+".SetWeights", func() error {
		copies, order, err := f.copyWeights(weights)
		if err != nil {
			return err
		}
		return f.replace(copies, order)
	})
	if err != nil {
		return fmt.Errorf("lecture11: %s.SetWeights: %w", f.kind, err)
	}
	return nil
}

// copyWeights copies weights that are complete, have the right shapes and are floats of one type.
func (f *fitted) copyWeights(weights map[string]*tensors.Tensor) (copies map[string]*tensors.Tensor, order []savedVariable, err error) {
	wanted, err := f.wantedWeights()
	if err != nil {
		return nil, nil, err
	}
	copies = map[string]*tensors.Tensor{}
	for _, v := range wanted {
		name := fileName(v)
		value := weights[name]
		if err := checkShape(name, value, v.Shape().Dimensions); err != nil {
			return nil, nil, err
		}
		if dtype := weights[fileName(wanted[0])].DType(); !value.DType().IsFloat() || value.DType() != dtype {
			return nil, nil, fmt.Errorf("%s is of type %s, want floats, all of one type", name, value.DType())
		}
		if err := checkFiniteWeights(name, value); err != nil {
			return nil, nil, err
		}
		if copies[name], err = value.LocalClone(); err != nil {
			return nil, nil, err
		}
		order = append(order, savedVariable{name, !v.Trainable})
	}
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if copies[name] == nil {
			return nil, nil, fmt.Errorf("it has no weights %q, want those of %q", name, slices.Sorted(maps.Keys(copies)))
		}
	}
	return copies, order, nil
}

// checkFiniteWeights returns an error if a weight is not finite.
func checkFiniteWeights(name string, value *tensors.Tensor) error {
	place, bad, err := notFinite(value)
	if err == nil && place >= 0 {
		err = fmt.Errorf("number %d of %s is %g, want finite weights", place, name, bad)
	}
	return err
}

// checkShape returns an error unless a tensor has the given dimensions.
func checkShape(name string, value *tensors.Tensor, dims []int) error {
	if value == nil {
		return fmt.Errorf("%q is missing or nil", name)
	}
	if !value.Shape().Ok() {
		return fmt.Errorf("%s is finalized, want the shape %v", name, dims)
	}
	if got := value.Shape().Dimensions; !slices.Equal(got, dims) {
		return fmt.Errorf("%s has the shape %v, want %v", name, got, dims)
	}
	return nil
}

// wantedWeights returns the variables that are weights: the existing ones, else those that the networks will have.
func (f *fitted) wantedWeights() ([]*model.Variable, error) {
	variables, err := f.variableSet()
	if err != nil || f.store.NumVariables() == 0 {
		return variables.networks, err
	}
	weights := slices.Collect(f.store.IterVariables())
	return slices.DeleteFunc(weights, func(v *model.Variable) bool { return variables.part(v) != partWeights }), nil
}

// variableSet returns the variables of the model. It builds the networks once for this.
func (f *fitted) variableSet() (weightSet, error) {
	f.used.mu.Lock()
	defer f.used.mu.Unlock()
	if f.used.variables == nil {
		store, err := f.traceNetworks(f.backend, nil)
		if err != nil {
			return weightSet{}, err
		}
		f.used.variables = slices.Collect(store.IterVariables())
	}
	return weightSet{store: f.store, networks: f.used.variables}, nil
}
