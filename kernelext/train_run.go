package kernelext

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"deeplearning.example/kernelext/internal/agent"
	"deeplearning.example/kernelext/internal/xlaoptions"
	"deeplearning.example/kernelext/store"
)

const tellEvery = 200 * time.Millisecond // between two reports to the supervised kernel

// run trains from the current step of the model.
func (t *training) run(ctx context.Context) error {
	t.started = time.Now()
	t.lastSave = t.started
	if t.bar {
		t.progress = NewBar(t.m.Name(), t.m.Steps())
	}
	t.tell(agent.OpProgress, t.m.Step())
	err := t.replay()
	if err == nil {
		err = t.runModel(ctx)
	}
	line, err := t.conclude(ctx, err)
	t.result.Step, t.result.Seconds = t.m.Step(), t.seconds()
	t.closeDisplays() // after the save: an interrupted cell has only a few seconds
	if line != "" {
		t.say("%s", line)
		t.explained = true
	}
	return err
}

// runModel calls m.Run. Under the supervised kernel an interrupt before the first step ends the program at once: XLA takes
// seconds to compile the step, during which Run does not check ctx, and there is nothing to save.
func (t *training) runModel(ctx context.Context) error {
	step := t.m.Step()
	if t.front.tell == nil || step > 0 && step != t.savedStep {
		return t.m.Run(ctx, t.onStep)
	}
	left := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(left)
		if errors.Is(context.Cause(ctx), ErrStopped) {
			t.leaveEarly(step)
		}
	})
	begin := sync.OnceFunc(func() {
		if !stop() {
			<-left
		}
	})
	defer begin()
	return t.m.Run(ctx, func(step int, losses map[string]float64) error {
		begin()
		return t.onStep(step, losses)
	})
}

// leaveEarly ends a program that has taken no step beyond the stored one, while m.Run still runs.
func (t *training) leaveEarly(step int) {
	line := t.nothingToSave(step)
	t.closeDisplays()
	t.say("%s", line)
	t.front.exit(exitStopped)
}

// tell reports a step to the supervised kernel.
func (t *training) tell(op string, step int) {
	if t.front.tell == nil {
		return
	}
	t.told = time.Now()
	t.front.tell(agent.Request{Op: op, Name: t.m.Name(), Step: int64(step), Steps: int64(t.m.Steps())})
}

// leave ends a program that was told to stop.
func (t *training) leave(err error) {
	if t.explained {
		t.front.exit(exitStopped)
		return
	}
	t.front.fail(exitStopped, err.Error())
}

// conclude saves the state if it is worth it when Run has returned err, and returns the closing line.
func (t *training) conclude(ctx context.Context, err error) (line string, _ error) {
	name, step, steps := t.m.Name(), t.m.Step(), t.m.Steps()
	switch {
	case t.stop != nil:
		return "", t.stop
	case err != nil && ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))):
		return t.interrupted(ctx)
	case err != nil:
		t.saveKept(err)
		return "", fmt.Errorf("kernelext: training %s at step %d of %d: %w; %s", name, step, steps, err, t.kept())
	case step != steps:
		return "", fmt.Errorf("kernelext: training %s: Run returned without an error at step %d, want %d; %s",
			name, step, steps, t.kept())
	}
	if err := t.save(true); err != nil {
		return "", fmt.Errorf("kernelext: %s is trained, but could not be saved: %w", name, err)
	}
	return fmt.Sprintf("trained %s in %s", name, clock(time.Duration(t.seconds()*float64(time.Second)))), nil
}

func (t *training) seconds() float64 { return t.before + time.Since(t.started).Seconds() }

// interrupted saves the state and returns a line that says how to continue.
func (t *training) interrupted(ctx context.Context) (line string, _ error) {
	step, steps := t.m.Step(), t.m.Steps()
	failed := fmt.Errorf("kernelext: training %s interrupted at step %d of %d: %w", t.m.Name(), step, steps, ctx.Err())
	if step == 0 || step == t.savedStep {
		return t.nothingToSave(step), failed
	}
	t.tell(agent.OpProgress, step) // the save may take a while
	if err := t.save(false); err != nil {
		return "", fmt.Errorf("%w; not saved, %s: %w", failed, t.kept(), err)
	}
	return resumeLine(step, steps), failed
}

// nothingToSave returns a line that says how to continue, from the start or from the stored state.
func (t *training) nothingToSave(step int) string {
	if step == 0 {
		return fmt.Sprintf("interrupted at step 0 of %d; run the cell again to start", t.m.Steps())
	}
	t.tell(agent.OpSaved, step)
	return resumeLine(step, t.m.Steps())
}

func resumeLine(step, steps int) string {
	return fmt.Sprintf("interrupted at step %d of %d, saved; run the cell again to resume", step, steps)
}

// kept describes what the store still has.
func (t *training) kept() string {
	if t.savedStep < 0 {
		return "nothing had been saved yet"
	}
	return fmt.Sprintf("the state of step %d is kept", t.savedStep)
}

// onStep records the losses of one step.
func (t *training) onStep(step int, losses map[string]float64) error {
	if t.stop != nil {
		return t.stop
	}
	if t.stop = t.checkFinite(step, losses); t.stop != nil {
		return t.stop
	}
	t.result.History.Add(step, losses)
	if t.stop = t.draw(len(t.result.History.Steps) - 1); t.stop != nil {
		return t.stop
	}
	if t.progress != nil {
		t.progress.Set(step, lossText(losses))
	}
	if t.watch != nil {
		if t.stop = t.watch(step); t.stop != nil {
			return t.stop
		}
	}
	if t.front.tell != nil && time.Since(t.told) >= tellEvery {
		t.tell(agent.OpProgress, step)
	}
	pause := max(t.every, saveShare*t.saveTime)
	if step == t.m.Step() && step < t.m.Steps() && time.Since(t.lastSave) >= pause {
		t.saveMeanwhile()
	}
	return nil
}

func (t *training) checkFinite(step int, losses map[string]float64) error {
	for _, name := range slices.Sorted(maps.Keys(losses)) {
		if v := losses[name]; math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("kernelext: training %s: the loss %s is %v at step %d of %d, want a finite number; %s",
				t.m.Name(), name, v, step, t.m.Steps(), t.kept())
		}
	}
	return nil
}

// saveMeanwhile saves during the training. A failure, such as a full disk, does not end the training.
func (t *training) saveMeanwhile() {
	if err := t.save(false); err != nil && !t.warned {
		t.warned = true
		t.say("%s: not saved at step %d, training continues: %v", t.m.Name(), t.m.Step(), err)
	}
}

// saveKept saves the state of a failed training if its error says that it is worth saving.
func (t *training) saveKept(err error) {
	var keeper StateKeeper
	if errors.As(err, &keeper) && keeper.StateKept() && t.m.Step() > max(0, t.savedStep) {
		t.result.History.Cut(t.m.Step())
		t.saveMeanwhile()
	}
}

func (t *training) save(complete bool) error {
	begin := time.Now()
	step := t.m.Step()
	meta := store.Meta{
		Type: fmt.Sprintf("%T", t.m), Note: t.m.Describe(step), Step: step, Steps: t.m.Steps(), XLA: xlaoptions.Used(),
		Seconds: t.seconds(), Complete: complete,
	}
	payloads := make([]store.Payload, 0, len(t.m.Parts())+1)
	for _, part := range t.m.Parts() {
		payloads = append(payloads, store.Payload{Name: part, Write: func(w io.Writer) error { return t.m.Save(part, w) }})
	}
	payloads = append(payloads, store.Payload{Name: historyPart, Write: t.result.History.Write})
	err := t.store.Save(t.key, meta, payloads...)
	t.lastSave = time.Now()
	t.saveTime = t.lastSave.Sub(begin)
	if err == nil {
		t.savedStep = step
		t.tell(agent.OpSaved, step)
	}
	return err
}

// replay draws the losses of earlier runs.
func (t *training) replay() error {
	for k := range t.result.History.Steps {
		if t.stop = t.draw(k); t.stop != nil {
			return t.stop
		}
	}
	return nil
}

// draw adds the k-th point of the history to the curve, if one was requested.
func (t *training) draw(k int) error {
	if !t.curve {
		return nil
	}
	h := &t.result.History
	if t.lossCurve == nil {
		if len(t.series) == 0 {
			t.series = slices.Clone(h.Names)
		}
		for _, name := range t.series {
			if h.Loss(name) == nil {
				return fmt.Errorf("kernelext: training %s: WithCurve: no loss is named %q; there are: %s",
					t.m.Name(), name, strings.Join(h.Names, ", "))
			}
		}
		t.lossCurve = NewCurve(t.m.Name(), t.series...).YLabel(t.unit)
		t.shown = slices.Repeat([]float64{math.NaN()}, len(t.series))
	}
	for i, name := range t.series {
		if v := h.Loss(name)[k]; !math.IsNaN(v) {
			t.shown[i] = v
		}
	}
	if !slices.ContainsFunc(t.shown, math.IsNaN) {
		t.lossCurve.Add(h.Steps[k], t.shown...)
	}
	return nil
}

func (t *training) closeDisplays() {
	var shown error
	if t.progress != nil {
		shown = t.progress.Done()
	}
	if t.lossCurve != nil {
		shown = errors.Join(shown, t.lossCurve.Done())
	}
	if shown != nil {
		t.say("%s: the curve could not be shown: %v", t.m.Name(), shown)
	}
}

func lossText(losses map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(losses)) {
		parts = append(parts, fmt.Sprintf("%s %.4g", name, losses[name]))
	}
	return strings.Join(parts, ", ")
}
