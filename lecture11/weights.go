package lecture11

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// weightSet divides the variables of a store into two parts. "weights" are the variables that gradients train and those
// that the networks use. "optimizer" are all other variables, which only the training needs.
type weightSet struct {
	store    *model.Store
	networks []*model.Variable // that the networks use; not the variables of store
}

// fileName returns the name of a variable in a file: its path without the first slash.
func fileName(v *model.Variable) string { return strings.TrimPrefix(v.Path(), model.ScopeSeparator) }

// part returns the part that a variable belongs to.
func (s weightSet) part(v *model.Variable) string {
	if v.Trainable || slices.ContainsFunc(s.networks, func(n *model.Variable) bool { return n.Path() == v.Path() }) {
		return partWeights
	}
	return partOptimizer
}

// values returns copies of the values of the variables of a part by their names, and their order.
func (s weightSet) values(part string) (values map[string]*tensors.Tensor, order []savedVariable, err error) {
	values = map[string]*tensors.Tensor{}
	for v := range s.store.IterVariables() {
		if s.part(v) != part {
			continue
		}
		value, err := cloneOf(v)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", fileName(v), err)
		}
		values[fileName(v)] = value
		order = append(order, savedVariable{fileName(v), !v.Trainable})
	}
	return values, order, nil
}

// set sets the variables of a part to values, all or none, and creates those that the store lacks, in the given order.
// It is an error if the store has one with another shape, or has weights that are not among the values.
func (s weightSet) set(part string, values map[string]*tensors.Tensor, order []savedVariable) error {
	if err := s.check(part, values); err != nil {
		return err
	}
	var errs []error
	for _, saved := range order {
		if v := s.store.GetVariable(saved.Name); v != nil {
			errs = append(errs, v.SetValue(values[saved.Name]))
			continue
		}
		v, err := s.store.CreateVariable(saved.Name, values[saved.Name])
		if err == nil {
			v.SetTrainable(!saved.Fixed)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// check returns an error that names the first variable that set cannot set.
func (s weightSet) check(part string, values map[string]*tensors.Tensor) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := s.store.GetVariable(name)
		if got := values[name].Shape(); v != nil && !v.Shape().Equal(got) {
			return fmt.Errorf("variable %s has the shape %s there, want %s", name, got, v.Shape())
		}
	}
	for v := range s.store.IterVariables() {
		if part == partWeights && s.part(v) == part && v.HasValue() && values[fileName(v)] == nil {
			return fmt.Errorf("variable %s is missing there", fileName(v))
		}
	}
	return nil
}

// Save writes one part of the state as a safetensors file: "weights", with which the model computes, or "optimizer",
// everything else. A model can be loaded from "weights" alone; see [LoadVAE] and similar functions.
func (t *Training) Save(part string, w io.Writer) error {
	if !slices.Contains(t.Parts(), part) {
		return fmt.Errorf("lecture11: Save(%q), want one of %q", part, t.Parts())
	}
	p, err := t.partFile(part)
	if err != nil {
		return fmt.Errorf("lecture11: saving %s: %w", t.name, err)
	}
	return writePart(w, p)
}

// partFile returns a copy of a part of the state.
func (t *Training) partFile(part string) (p partFile, err error) {
	t.guard.weights.RLock()
	defer t.guard.weights.RUnlock()
	p = partFile{Info: Info{Part: part, Key: t.key, Step: t.step}}
	variables, err := t.variableSet()
	if err == nil && t.model != nil {
		err = t.model.describe(&p.Info)
	}
	if err != nil {
		return p, err
	}
	if p.values, p.order, err = variables.values(part); err != nil || len(p.values) == 0 {
		return p, fmt.Errorf("it is not trained yet: %d variables of %q (%v)", len(p.values), part, err)
	}
	return p, nil
}

// Restore reads a part that Save wrote, all of it, or on an error nothing. A damaged file is refused, as are weights of
// another kind, architecture or data: the error names the first field of the key that differs.
func (t *Training) Restore(part string, r io.Reader) error {
	p, err := readPart(r)
	if err == nil {
		err = p.check(part, t.key)
	}
	if err == nil {
		err = t.guard.change("Restore", func() error { return t.take(part, p) })
	}
	if err != nil {
		return fmt.Errorf("lecture11: restoring %s: %w", t.name, err)
	}
	return nil
}

// take takes over a part of the state, for callers that hold the right to change the weights.
func (t *Training) take(part string, p partFile) error {
	variables, err := t.variableSet()
	if err != nil {
		return err
	}
	if err := variables.set(part, p.values, p.order); err != nil {
		return err
	}
	t.past = snapshots{}
	if t.model != nil {
		t.changes = t.model.changes
	}
	t.restored.add(part, p.Step)
	t.reached(p.Step)
	return nil
}

// variableSet returns the variables of the training.
func (t *Training) variableSet() (weightSet, error) {
	if t.model == nil {
		return weightSet{store: t.store}, nil
	}
	return t.model.variableSet()
}

// check returns an error unless the file holds the given part of the training with the given key.
func (p partFile) check(part string, key map[string]any) error {
	if p.Part != part {
		return fmt.Errorf("the file holds %q, want %q", p.Part, part)
	}
	return sameKey(p.Key, key)
}
