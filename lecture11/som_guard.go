package lecture11

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
)

// Each map has a guard, and each training a mutex for its own state. Lock t.mu first. Only who has claimed all maps of a training by
// begin locks several of them at a time, so that two trainings of the same maps never wait for each other.

// current returns the weights as they are after some step. Nobody changes the tensor afterwards.
func (m *SOM) current() (*tensors.Tensor, error) {
	m.guard.lock()
	defer m.guard.unlock()
	return m.latest()
}

// latest is current for a caller that holds the guard. It copies newer weights from the device, and draws initial weights that do
// not depend on objects.
func (m *SOM) latest() (*tensors.Tensor, error) {
	if m.sync != nil {
		if err := m.sync(); err != nil {
			return nil, err
		}
	}
	if m.weights == nil {
		if m.cfg.Init != "uniform" {
			return nil, fmt.Errorf("lecture11: the map has no weights yet: SOMConfig.Init = %q takes them from the objects of a "+
				"training", m.cfg.Init)
		}
		m.initialise(nil, false)
	}
	return m.weights, nil
}

// begin claims all maps for who. It returns an error if one of them is claimed already.
func (t *SOMTraining) begin(who string) error {
	for i, m := range t.maps {
		if err := m.guard.begin(who); err != nil {
			t.end(i)
			return err
		}
	}
	return nil
}

// end releases the first maps.
func (t *SOMTraining) end(maps int) {
	for _, m := range t.maps[:maps] {
		m.guard.end()
	}
}

// locked calls fn while nobody else uses the maps or the state of the training. Its caller has claimed the maps.
func (t *SOMTraining) locked(fn func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.maps {
		m.guard.lock()
		defer m.guard.unlock()
	}
	return fn()
}

// change claims the maps for who and calls fn, which sets their weights or the state of the training.
func (t *SOMTraining) change(who string, fn func() error) error {
	if err := t.begin(who); err != nil {
		return err
	}
	defer t.end(len(t.maps))
	return t.locked(fn)
}

// own takes the maps over for the steps that follow. It returns an error if the state is not that of one step, or if the weights
// are no longer those of the last step.
func (t *SOMTraining) own() error {
	if err := t.restored.check(t.name, t.Parts(), t.step); err != nil {
		return err
	}
	t.restored = nil
	for _, m := range t.maps {
		if err := t.checkOwner(m); t.step > 0 && err != nil {
			return err
		}
	}
	for _, m := range t.maps {
		m.guard.last = t
	}
	return nil
}

// checkOwner returns an error unless the weights of a map come from this training. Its caller holds the map's guard.
func (t *SOMTraining) checkOwner(m *SOM) error {
	if m.guard.last != t {
		return fmt.Errorf("lecture11: %s: the weights were set, loaded or trained by another after step %d, want a new training to continue from them",
			t.name, t.step)
	}
	return nil
}

// weightsOf returns a copy of the weights of a map, which must come from this training.
func (t *SOMTraining) weightsOf(m *SOM) (*tensors.Tensor, error) {
	m.guard.lock()
	defer m.guard.unlock()
	if err := t.checkOwner(m); err != nil {
		return nil, err
	}
	w, err := m.latest()
	if err != nil {
		return nil, err
	}
	return w.LocalClone()
}
