package lecture11

import "fmt"

// The parts of a saved training: the weights are enough to use the model, both are needed to continue the training.
const (
	partWeights   = "weights"
	partOptimizer = "optimizer"
)

// Parts returns the names of the parts of a saved training. The first is enough to use the model; all are needed to
// continue the training.
func (t *Training) Parts() []string { return []string{partWeights, partOptimizer} }

// provenance identifies the training that made the weights of a model: its key and the number of steps that it had
// taken.
type provenance struct {
	key  map[string]any // nil: none
	step int
}

// restoredParts holds the parts of a training that were restored since it last ran, with their steps.
type restoredParts map[string]int

func (p *restoredParts) add(part string, step int) {
	if *p == nil {
		*p = restoredParts{}
	}
	(*p)[part] = step
}

// check returns an error unless either all parts were restored, all from the same step, or none was.
func (p restoredParts) check(training string, parts []string, step int) error {
	if len(p) == 0 {
		return nil
	}
	for _, part := range parts {
		at, ok := p[part]
		if !ok {
			return fmt.Errorf("lecture11: %s: the part %q of the state at step %d was not restored, want all of %q to continue the training",
				training, part, step, parts)
		}
		if at != step {
			return fmt.Errorf("lecture11: %s: the part %q was restored from step %d and another from step %d, want all from one step",
				training, part, at, step)
		}
	}
	return nil
}

// checkState returns an error unless the state is that of one step of this training: no part of it was restored alone,
// and the weights have not been set since.
func (t *Training) checkState() error {
	if err := t.restored.check(t.name, t.Parts(), t.step); err != nil {
		return err
	}
	t.restored = nil
	if t.model == nil {
		return nil
	}
	t.guard.lock()
	defer t.guard.unlock()
	if t.step > 0 && t.changes != t.model.changes {
		return fmt.Errorf("lecture11: %s: the weights were set, loaded or trained by another after step %d, want a new Training to continue from them", t.name, t.step)
	}
	if t.guard.last != t {
		t.guard.last = t
		t.model.changes++
	}
	t.changes = t.model.changes
	return nil
}

// reached records that the state is that after the given number of steps.
func (t *Training) reached(step int) {
	t.step = step
	t.taken.Store(int64(step))
	if t.model != nil {
		t.model.trained = provenance{t.key, step}
	}
}
