package kernelext

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"deeplearning.example/kernelext/store"
)

// Trainable is what [Train] can train, keep and restore. The models of lecture11 satisfy it without knowing this
// package.
type Trainable interface {
	Name() string             // short, for people and file names: "vae-20"
	Key() map[string]any      // all that identifies the result: kind, architecture, hyperparameters, data, seed, code
	Step() int                // optimiser steps taken so far
	Steps() int               // optimiser steps of a finished training
	Describe(step int) string // in words: "5 epochs"

	// Run trains from Step() to Steps(). It calls onStep after each step, or after a few for each of them, on its own
	// goroutine, and returns onStep's error at once. When ctx ends it returns ctx's error at a step boundary with its
	// state whole. Save may be called from within onStep whenever step equals Step().
	Run(ctx context.Context, onStep func(step int, losses map[string]float64) error) error

	Parts() []string                        // the first is enough to use the model, all are needed to go on training
	Save(part string, w io.Writer) error    // writes one of Parts()
	Restore(part string, r io.Reader) error // reads what Save wrote
}

// Result says how a training went.
type Result struct {
	Restored bool    // nothing was trained: the finished result was in the store
	Resumed  bool    // an earlier training was continued
	Step     int     // optimiser steps taken
	Seconds  float64 // time trained, over all runs
	History  History // the losses of all runs
}

// History is the course of the losses.
type History = store.History

// TrainOption changes what [Train] does.
type TrainOption func(*trainOptions)

type trainOptions struct {
	store  *store.Store
	every  time.Duration
	out    io.Writer
	curve  bool
	series []string
	bar    bool
}

// WithCurve draws the losses while they come in, those named or else all. A restored training draws them from the
// store, so that the notebook looks the same.
func WithCurve(series ...string) TrainOption {
	return func(o *trainOptions) { o.curve, o.series = true, series }
}

// WithBar shows how far the training is.
func WithBar() TrainOption { return func(o *trainOptions) { o.bar = true } }

// WithStore keeps the training in s instead of [OpenStore].
func WithStore(s *store.Store) TrainOption { return func(o *trainOptions) { o.store = s } }

// Every is the time between two saves while training, 20 s unless told. Saves that take more than 5 % of it are made
// less often.
func Every(d time.Duration) TrainOption { return func(o *trainOptions) { o.every = d } }

// WithOutput writes the lines about the training to w instead of the standard output.
func WithOutput(w io.Writer) TrainOption { return func(o *trainOptions) { o.out = w } }

const (
	saveEvery   = 20 * time.Second
	saveShare   = 20 // between two saves lie at least so many times the time of the last one
	historyPart = "history"
)

// Train brings m to its last step. What the store has for m's name and key is used: a finished training is restored,
// an interrupted one is continued, and where another process is training the same, Train waits for its result. While
// training it saves now and then; it saves when ctx ends, and at the end. One line to the output tells which it was.
//
// When ctx ends, the error wraps ctx's error and running the same call again goes on at that step. A loss that is not
// finite and any other error of m.Run leave the last saved state in the store.
func Train(ctx context.Context, m Trainable, opts ...TrainOption) (Result, error) {
	o := trainOptions{every: saveEvery, out: os.Stdout}
	for _, opt := range opts {
		opt(&o)
	}
	if o.store == nil {
		s, err := OpenStore()
		if err != nil {
			return Result{}, err
		}
		o.store = s
	}
	if len(m.Parts()) == 0 {
		return Result{}, fmt.Errorf("kernelext: train %s: it has no parts to save", m.Name())
	}
	t := &training{trainOptions: o, m: m, key: store.Key{Name: m.Name(), Fields: m.Key()}}
	// A finished training needs no lock, and so restores from a folder that cannot be written too.
	if err := t.restore(false); err != nil || t.result.Restored {
		return t.result, err
	}
	return t.trainLocked(ctx)
}

// training is one call of Train.
type training struct {
	trainOptions
	m         Trainable
	key       store.Key
	result    Result
	lossCurve *Curve    // nil when none was asked for, or nothing is drawn yet
	shown     []float64 // the last value of each series: a loss need not be reported at each step
	progress  *Bar

	started   time.Time
	before    float64 // seconds that earlier runs took
	lastSave  time.Time
	saveTime  time.Duration // of the last save
	savedStep int           // −1 when the store holds nothing
	warned    bool          // that a save failed
	stop      error         // why onStep ended the training
}

func (t *training) say(format string, args ...any) {
	// Words about the training must not end it.
	_, _ = fmt.Fprintf(t.out, format+"\n", args...)
}

func (t *training) trainLocked(ctx context.Context) (result Result, err error) {
	name := t.m.Name()
	lock, err := t.store.Lock(ctx, t.key, func(h store.Holder) {
		t.say("%s is being trained by %s: waiting for it", name, h)
	})
	if err != nil {
		return t.result, fmt.Errorf("kernelext: train %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if err := t.restore(true); err != nil || t.result.Restored {
		return t.result, err
	}
	err = t.run(ctx)
	return t.result, err
}

// restore takes over what the store holds: a finished training, or, with the lock, an unfinished one.
func (t *training) restore(locked bool) error {
	t.savedStep = -1
	entry, err := t.store.Load(t.key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		defer entry.Close()
		err = t.restoreEntry(entry, locked)
	}
	var damaged *store.DamagedError
	if errors.As(err, &damaged) {
		t.say("%s: %v; training anew", t.m.Name(), damaged)
		return nil
	}
	if err != nil {
		return fmt.Errorf("kernelext: restore %s: %w", t.m.Name(), err)
	}
	return nil
}

func (t *training) restoreEntry(entry *store.Entry, locked bool) error {
	info := entry.Info()
	finished := info.Complete && info.Step == t.m.Steps()
	switch {
	case info.Step > t.m.Steps():
		return fmt.Errorf("the store has %d steps of it, want %d: make the number of steps part of Key(), or remove "+
			"the entry: lecture models rm %s", info.Step, t.m.Steps(), info.ID)
	case !finished && !locked:
		return nil
	}
	parts := t.m.Parts()
	if finished {
		parts = parts[:1]
	}
	if err := t.restoreParts(entry, parts); err != nil {
		return err
	}
	t.before, t.savedStep = info.Seconds, info.Step
	t.result = Result{
		Restored: finished, Resumed: !finished, Step: info.Step, Seconds: info.Seconds, History: t.result.History,
	}
	if finished {
		t.say("restored %s (%s, trained %s)", t.m.Name(), t.m.Describe(info.Step), timeText(info.Created))
		err := t.replay()
		t.closeDisplays()
		return err
	}
	if t.m.Step() != info.Step {
		return fmt.Errorf("after Restore its Step() is %d, want %d: a part does not keep the step",
			t.m.Step(), info.Step)
	}
	t.say("resuming %s at step %d of %d (saved %s)", t.m.Name(), info.Step, t.m.Steps(), timeText(info.Created))
	return nil
}

// restoreParts checks all bytes before the model sees the first one.
func (t *training) restoreParts(entry *store.Entry, parts []string) error {
	readers := make([]io.Reader, len(parts))
	for i, part := range parts {
		r, err := entry.Payload(part)
		if err != nil {
			return err
		}
		readers[i] = r
	}
	r, err := entry.Payload(historyPart)
	if err != nil {
		return err
	}
	if t.result.History, err = store.ReadHistory(r); err != nil {
		return err
	}
	for i, part := range parts {
		if err := t.m.Restore(part, readers[i]); err != nil {
			return fmt.Errorf("part %s: %w", part, err)
		}
	}
	return nil
}

// run trains from where the model is.
func (t *training) run(ctx context.Context) error {
	t.started = time.Now()
	t.lastSave = t.started
	if t.bar {
		t.progress = NewBar(t.m.Name(), t.m.Steps())
	}
	err := t.replay()
	if err == nil {
		err = t.m.Run(ctx, t.onStep)
	}
	line, err := t.conclude(ctx, err)
	t.result.Step, t.result.Seconds = t.m.Step(), t.seconds()
	t.closeDisplays() // after the save: an interrupted cell has a few seconds to live
	if line != "" {
		t.say("%s", line)
	}
	return err
}

// conclude saves what is worth it when Run has returned err, and gives the closing line.
func (t *training) conclude(ctx context.Context, err error) (line string, _ error) {
	name, step, steps := t.m.Name(), t.m.Step(), t.m.Steps()
	switch {
	case t.stop != nil:
		return "", t.stop
	case err != nil && ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))):
		return t.interrupted(ctx)
	case err != nil:
		return "", fmt.Errorf("kernelext: training %s at step %d of %d: %w; %s", name, step, steps, err, t.kept())
	case step != steps:
		return "", fmt.Errorf("kernelext: training %s: Run returned without an error at step %d, want %d; %s",
			name, step, steps, t.kept())
	}
	if err := t.save(true); err != nil {
		return "", fmt.Errorf("kernelext: %s is trained, but could not be saved: %w", name, err)
	}
	return fmt.Sprintf("trained %s in %s", name, durationText(t.seconds())), nil
}

func (t *training) seconds() float64 { return t.before + time.Since(t.started).Seconds() }

// interrupted saves what there is and says how to go on.
func (t *training) interrupted(ctx context.Context) (line string, _ error) {
	step, steps := t.m.Step(), t.m.Steps()
	failed := fmt.Errorf("kernelext: training %s interrupted at step %d of %d: %w", t.m.Name(), step, steps, ctx.Err())
	if step == 0 {
		return fmt.Sprintf("interrupted at step 0 of %d; run the cell again to start", steps), failed
	}
	if step != t.savedStep {
		if err := t.save(false); err != nil {
			return "", fmt.Errorf("%w; not saved, %s: %w", failed, t.kept(), err)
		}
	}
	return fmt.Sprintf("interrupted at step %d of %d, saved; run the cell again to resume", step, steps), failed
}

// kept says what the store still has.
func (t *training) kept() string {
	if t.savedStep < 0 {
		return "nothing had been saved yet"
	}
	return fmt.Sprintf("the state of step %d is kept", t.savedStep)
}

// onStep takes in the losses of one step.
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

// saveMeanwhile saves in the midst of a training, which a full disk need not end.
func (t *training) saveMeanwhile() {
	if err := t.save(false); err != nil && !t.warned {
		t.warned = true
		t.say("%s: not saved at step %d, training goes on: %v", t.m.Name(), t.m.Step(), err)
	}
}

func (t *training) save(complete bool) error {
	begin := time.Now()
	step := t.m.Step()
	meta := store.Meta{
		Type: fmt.Sprintf("%T", t.m), Note: t.m.Describe(step), Step: step, Steps: t.m.Steps(),
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

// draw adds the k-th point of the history to the curve, if one was asked for.
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
		t.lossCurve = NewCurve(t.m.Name(), t.series...)
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

// timeText is the time of day, with the date when it was not today.
func timeText(at time.Time) string {
	at = at.Local()
	if at.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return at.Format("15:04")
	}
	return at.Format("2006-01-02 15:04")
}

func durationText(seconds float64) string {
	switch {
	case seconds < 10:
		return fmt.Sprintf("%.1f s", seconds)
	case seconds < 120:
		return fmt.Sprintf("%.0f s", seconds)
	}
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
}
