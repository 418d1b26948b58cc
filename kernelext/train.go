package kernelext

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"deeplearning.example/kernelext/store"
)

// Trainable is a training that [Train] can run, save and restore. The trainings of lecture11 satisfy it without importing
// this package. An error of Run may be a [StateKeeper], as after a training that diverged.
type Trainable interface {
	Name() string             // short, for people and file names: "vae-20"
	Key() map[string]any      // everything that determines the result: kind, architecture, hyperparameters, data, seed, code
	Step() int                // optimiser steps taken so far
	Steps() int               // optimiser steps of a finished training
	Describe(step int) string // in words: "5 epochs"

	// Run trains from Step() to Steps(). It calls onStep for each step, immediately or after several steps, on the goroutine
	// that called Run, and returns onStep's error at once. When ctx ends, it returns ctx's error between two steps, with a
	// complete state. onStep may call Save whenever step equals Step().
	Run(ctx context.Context, onStep func(step int, losses map[string]float64) error) error

	Parts() []string                        // the first is enough to use the model, all are needed to continue the training
	Save(part string, w io.Writer) error    // writes one of Parts()
	Restore(part string, r io.Reader) error // reads what Save wrote
}

// StateKeeper is an error of [Trainable.Run] after which the state of the training is still worth saving: a training that
// diverged has gone back to its last good weights, which Step then counts. [Train] saves that state and returns the error,
// so that the next call continues from there. After any other error Train keeps what it saved before.
type StateKeeper interface {
	error
	StateKept() bool // whether the state should be saved despite the error
}

// Result describes how a training ended.
type Result struct {
	Restored bool    // nothing was trained: the finished result was in the store
	Resumed  bool    // an earlier training was continued
	Step     int     // optimiser steps taken
	Seconds  float64 // time trained, over all runs
	History  History // the losses of all runs
}

// History holds the losses of a training, step by step.
type History = store.History

// TrainOption changes what [Train] does.
type TrainOption func(*trainOptions)

type trainOptions struct {
	store  *store.Store
	every  time.Duration
	out    io.Writer
	curve  bool
	series []string
	unit   string
	bar    bool
	watch  func(step int) error
}

// WithCurve draws the losses during the training: the named ones, or all. For a restored training it draws them from the
// store, so that the notebook looks the same.
func WithCurve(series ...string) TrainOption {
	return func(o *trainOptions) { o.curve, o.series = true, series }
}

// WithUnit labels the curve's axis with the unit of the losses (default "loss").
func WithUnit(unit string) TrainOption { return func(o *trainOptions) { o.unit = unit } }

// WithStep calls fn after each step that the model reports, for example to draw what it has learned so far. An error of fn
// ends the training. A restored training takes no steps.
func WithStep(fn func(step int) error) TrainOption { return func(o *trainOptions) { o.watch = fn } }

// WithBar shows a progress bar.
func WithBar() TrainOption { return func(o *trainOptions) { o.bar = true } }

// WithStore keeps the training in s instead of [OpenStore].
func WithStore(s *store.Store) TrainOption { return func(o *trainOptions) { o.store = s } }

// Every sets the time between two saves during the training (default 20 s). If saves take more than 5 % of that time, they
// are made less often.
func Every(d time.Duration) TrainOption { return func(o *trainOptions) { o.every = d } }

// WithOutput writes the lines about the training to w instead of the standard output.
func WithOutput(w io.Writer) TrainOption { return func(o *trainOptions) { o.out = w } }

const (
	saveEvery   = 20 * time.Second
	saveShare   = 20 // the time between two saves is at least this multiple of the duration of the last one
	historyPart = "history"
)

// Train brings m to its last step. It looks for m's name and key in the store: a finished training is restored, and an
// interrupted one is continued. If another process trains the same model, Train waits for its result. It saves from time
// to time during the training, when ctx ends, and at the end. A line of output says what it did.
//
// When ctx ends, the error wraps ctx's error, and the same call continues at that step when it is run again. After a loss
// that is not finite, and after any other error of m.Run, the last saved state remains in the store.
//
// Under the supervised kernel (`lecture kernel`) Train reports its steps and its saves, so that an interrupted cell is
// given time while it makes progress. If [Context] has ended there, which is how an interrupt stops a training, Train does
// not return: it saves, and ends the program with exit code 130 without running the deferred calls of its callers. Before
// the first step, while XLA still compiles it, the program ends at once.
func Train(ctx context.Context, m Trainable, opts ...TrainOption) (Result, error) {
	return here.train(ctx, m, opts)
}

func (f *frontend) train(ctx context.Context, m Trainable, opts []TrainOption) (Result, error) {
	o := trainOptions{every: saveEvery, out: os.Stdout, unit: "loss"}
	for _, opt := range opts {
		opt(&o)
	}
	if o.store == nil {
		opened, err := OpenStore()
		if err != nil {
			return Result{}, err
		}
		o.store = opened
	}
	if len(m.Parts()) == 0 {
		return Result{}, fmt.Errorf("kernelext: train %s: it has no parts to save", m.Name())
	}
	t := &training{front: f, trainOptions: o, m: m, key: store.Key{Name: m.Name(), Fields: m.Key()}}
	// A finished training needs no lock, so it can be restored from a read-only folder too.
	if err := t.restore(false); err != nil || t.result.Restored {
		return t.result, err
	}
	result, err := t.trainLocked(ctx)
	if err != nil && f.tell != nil && errors.Is(context.Cause(ctx), ErrStopped) {
		t.leave(err)
	}
	return result, err
}

// training is one call of Train.
type training struct {
	front *frontend
	trainOptions
	m         Trainable
	key       store.Key
	result    Result
	lossCurve *Curve    // nil if none was requested, or nothing is drawn yet
	shown     []float64 // the last value of each series: a loss need not be reported at each step
	progress  *Bar

	started   time.Time
	before    float64 // seconds that earlier runs took
	lastSave  time.Time
	saveTime  time.Duration // of the last save
	savedStep int           // −1 when the store holds nothing
	warned    bool          // that a save failed
	stop      error         // why onStep ended the training
	told      time.Time     // when the supervised kernel last heard from it
	explained bool          // a line on the output says how it ended
}

func (t *training) say(format string, args ...any) {
	// A failing message must not end the training.
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

// restore loads the state that the store holds: of a finished training or, with the lock, of an unfinished one.
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
		t.say("%s: %v; training from scratch", t.m.Name(), damaged)
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
