package lecture11

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// DivergedError reports where a training diverged. The training is then in the state after step Kept, the last step
// whose weights gave finite losses.
type DivergedError struct {
	Name  string  // of the training
	Step  int     // the step whose loss is not finite, counted from 1
	Part  string  // the part of the loss that is not finite, or "weights"
	Value float64 // of that part
	Kept  int     // steps taken in the state that is kept

	// Largest is the largest |x| among the components of the objects if the training diverged at step 1, where no
	// smaller learning rate could have helped; else 0.
	Largest float64
}

func (e *DivergedError) Error() string {
	if e.Step == 1 && e.Part != weightsPart {
		return fmt.Sprintf("lecture11: %s diverged at step 1, before any update: %s = %g, with objects up to |x| = %g: scale the objects, "+
			"for example to mean 0 and standard deviation 1", e.Name, e.Part, e.Value, e.Largest)
	}
	return fmt.Sprintf("lecture11: %s diverged at step %d: %s = %g; the state after step %d is kept: try a smaller learning rate",
		e.Name, e.Step, e.Part, e.Value, e.Kept)
}

// StateKept reports that the state is complete and should be saved despite the error.
func (e *DivergedError) StateKept() bool { return true }

// snapshotEvery is the minimum time between two copies of the state of a training, which take some milliseconds each.
const snapshotEvery = time.Second

// snapshot is the state of a training after some steps: copies of all variables in the host's memory.
type snapshot struct {
	step   int
	values []*tensors.Tensor
}

// snapshots are the states to which a training can return: good, whose weights are known to give finite losses, and
// next, whose weights are not yet known to do so.
type snapshots struct {
	good, next *snapshot
	taken      time.Time
}

// snapshot returns a copy of the state.
func (t *Training) snapshot() (*snapshot, error) {
	s := &snapshot{step: t.step}
	for _, v := range t.variables() {
		clone, err := cloneOf(v)
		if err != nil {
			return nil, fmt.Errorf("lecture11: %s: state of step %d: %w", t.name, t.step, err)
		}
		s.values = append(s.values, clone)
	}
	return s, nil
}

// rewind resets the training to s, which stays usable.
func (t *Training) rewind(s *snapshot) error {
	for i, v := range t.variables() {
		clone, err := s.values[i].LocalClone()
		if err == nil {
			err = v.SetValue(clone)
		}
		if err != nil {
			return fmt.Errorf("lecture11: %s: back to step %d: %w", t.name, s.step, err)
		}
	}
	t.reached(s.step)
	return nil
}

// failed returns err, the error of a call of the device. A step gives the memory of the variables that it updates to
// the device, so that a call that fails can lose their values. The training is then reset to its last snapshot. Before
// the first one there is nothing to keep: the next Run draws the initial weights again.
func (t *Training) failed(err error) error {
	last := cmp.Or(t.past.next, t.past.good)
	lost := func(v *model.Variable) bool { return !v.HasValue() }
	if last == nil || !slices.ContainsFunc(t.variables(), lost) {
		return err
	}
	if back := t.rewind(last); back != nil {
		return errors.Join(err, back)
	}
	return fmt.Errorf("%w; the state after step %d is kept", err, last.step)
}

// remember takes a snapshot if one is due.
func (t *Training) remember() (err error) {
	if t.past.next != nil || t.past.good != nil && time.Since(t.past.taken) < snapshotEvery {
		return nil
	}
	t.past.next, err = t.snapshot()
	t.past.taken = time.Now()
	return err
}

// proven records that all steps since the last snapshot gave finite losses.
func (s *snapshots) proven() {
	if s.next != nil {
		s.good, s.next = s.next, nil
	}
}

// notFinite returns a part of the losses that is not a finite number, if there is one.
func (t *Training) notFinite(losses map[string]float64) (part string, value float64, found bool) {
	for _, name := range t.lossNames {
		if v := losses[name]; math.IsNaN(v) || math.IsInf(v, 0) {
			return name, v, true
		}
	}
	return "", 0, false
}

// diverged finds the step at which the losses stopped being finite: it repeats the steps since the last good state one
// by one. It resets the training to the last good weights. part and value are the part of the losses that was not
// finite before step t.step.
func (t *Training) diverged(ctx context.Context, part string, value float64) error {
	report := &DivergedError{Name: t.name, Step: t.step, Part: part, Value: value}
	last := t.past.good
	if last == nil {
		last = t.past.next
	}
	if err := t.rewind(last); err != nil {
		return err
	}
	for t.step < report.Step && ctx.Err() == nil {
		here, err := t.snapshot()
		if err != nil {
			return err
		}
		losses, err := t.call(ctx, 1)
		if err != nil {
			return t.failed(fmt.Errorf("lecture11: %s, step %d: %w", t.name, t.step, err))
		}
		if part, value, found := t.notFinite(losses); found {
			report.Step, report.Part, report.Value = t.step, part, value
			break
		}
		last = here
	}
	report.Kept = last.step
	if report.Step == 1 && report.Part != weightsPart {
		report.Largest = largestOf(t.objects())
	}
	if err := t.rewind(last); err != nil {
		return err
	}
	return report
}

// weightsPart is the Part of a DivergedError for weights that are not finite.
const weightsPart = "weights"

// objects returns the objects that the training learns from. In trainings that pass data as a whole the objects are
// the first of these tensors, and the batch holds their indices.
func (t *Training) objects() *tensors.Tensor {
	if len(t.whole) > 0 {
		return t.whole[0]
	}
	return t.data[0]
}

// largestOf returns the largest |x| among the components of objects; bytes stand for [0, 1].
func largestOf(x *tensors.Tensor) float64 {
	flat, err := float64s(x)
	if err != nil {
		return 1
	}
	most := 0.0
	for _, v := range flat {
		most = max(most, math.Abs(v))
	}
	return most
}

// checkWeights returns an error if weights are not finite after the last step, whose update no loss has seen.
func (t *Training) checkWeights(ctx context.Context) error {
	for _, v := range t.variables() {
		if !v.Trainable {
			continue
		}
		flat, err := numbersOf(v)
		if err != nil {
			return fmt.Errorf("lecture11: %s: %s: %w", t.name, v.Path(), err)
		}
		for _, w := range flat {
			if math.IsNaN(w) || math.IsInf(w, 0) {
				return t.diverged(ctx, weightsPart, w)
			}
		}
	}
	return nil
}
