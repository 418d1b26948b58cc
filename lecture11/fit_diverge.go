package lecture11

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
)

// DivergedError says where a training ran away. The training is then as it was after step Kept, the last whose weights
// gave finite losses.
type DivergedError struct {
	Name  string  // of the training
	Step  int     // whose loss is not finite, counted from 1
	Part  string  // of the loss that is not finite, or "weights"
	Value float64 // of that part
	Kept  int     // steps taken of the state that is kept

	// Largest is the largest |x| among the components of the objects at step 1, where no smaller rate could have helped, else 0.
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

// StateKept tells who stores trainings that the state is whole and worth a save, error or not.
func (e *DivergedError) StateKept() bool { return true }

// snapshotEvery is the least time between two copies of the state of a training, which take some milliseconds each.
const snapshotEvery = time.Second

// snapshot is the state of a training after some steps: copies of all variables in the host's memory.
type snapshot struct {
	step   int
	values []*tensors.Tensor
}

// snapshots are what a training can go back to: good, whose weights are known to give finite losses, and next, of which
// that is not known yet.
type snapshots struct {
	good, next *snapshot
	taken      time.Time
}

// snapshot copies the state.
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

// rewind takes the training back to s, which can be used again.
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

// remember takes a snapshot if it is time for one.
func (t *Training) remember() (err error) {
	if t.past.next != nil || t.past.good != nil && time.Since(t.past.taken) < snapshotEvery {
		return nil
	}
	t.past.next, err = t.snapshot()
	t.past.taken = time.Now()
	return err
}

// proven says that all steps since the last snapshot gave finite losses.
func (s *snapshots) proven() {
	if s.next != nil {
		s.good, s.next = s.next, nil
	}
}

// notFinite finds a part of the losses that is not a finite number.
func (t *Training) notFinite(losses map[string]float64) (part string, value float64, found bool) {
	for _, name := range t.lossNames {
		if v := losses[name]; math.IsNaN(v) || math.IsInf(v, 0) {
			return name, v, true
		}
	}
	return "", 0, false
}

// diverged finds the step at which the losses stopped to be finite, by taking the steps since the last good state again,
// one by one, and goes back to the last good weights. The losses so far say part = value before step t.step.
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
			return err
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

// weightsPart is the Part of a DivergedError whose weights are not finite.
const weightsPart = "weights"

// objects returns the objects that the training learns from. Where a step sees data whole, these begin with the objects, and
// the data of its batch are their places.
func (t *Training) objects() *tensors.Tensor {
	if len(t.whole) > 0 {
		return t.whole[0]
	}
	return t.data[0]
}

// largestOf returns the largest |x| among the components of objects, of which bytes stand for [0, 1].
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

// checkWeights looks for weights that are not finite after the last step, whose update no loss has seen.
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
