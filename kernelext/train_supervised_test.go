package kernelext

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"deeplearning.example/kernelext/internal/agent"
	"deeplearning.example/kernelext/store"
)

// supervised is a front end under a supervised kernel that notes what it hears.
type supervised struct {
	*fake
	heard []agent.Request
	at    []time.Time
}

func newSupervised() *supervised {
	s := &supervised{fake: newFake(toPipe)}
	s.tell = func(r agent.Request) { s.heard, s.at = append(s.heard, r), append(s.at, time.Now()) }
	return s
}

// steps are the steps told by an op.
func (s *supervised) steps(op string) (steps []int64) {
	for _, r := range s.heard {
		if r.Op == op {
			steps = append(steps, r.Step)
		}
	}
	return steps
}

// trainIn trains as a cell does, which may end the program.
func (s *supervised) trainIn(ctx context.Context, m Trainable, opts ...TrainOption) (result Result, err error) {
	s.run(func() { result, err = s.train(ctx, m, opts) })
	return result, err
}

// Progress is told at the start and then at most five times a second.
func TestTrainTellsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervised()
		m := newToy(100)
		m.after = func(int) { time.Sleep(30 * time.Millisecond) }
		result, err := s.trainIn(t.Context(), m, WithStore(newStore(t)), WithOutput(io.Discard))
		if err != nil || result.Step != 100 || s.code != -1 {
			t.Fatalf("%+v, %v, exit %d", result, err, s.code)
		}
		if got := fmt.Sprint(s.steps(agent.OpProgress)); got != "[0 8 15 22 29 36 43 50 57 64 71 78 85 92 99]" {
			t.Errorf("told of steps %s, want one in 210 ms", got)
		}
		for i, r := range s.heard {
			if r.Name != "toy" || r.Steps != 100 || r.PID != 0 {
				t.Errorf("told %+v", r)
			}
			if i > 0 && r.Op == agent.OpProgress && s.at[i].Sub(s.at[i-1]) < tellEvery {
				t.Errorf("step %d is told %v after the last", r.Step, s.at[i].Sub(s.at[i-1]))
			}
		}
		if got := s.steps(agent.OpSaved); len(got) != 1 || got[0] != 100 {
			t.Errorf("saved at %v, want the end alone", got)
		}
	})
}

func TestTrainTellsSaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervised()
		m := newToy(10)
		m.after = func(int) { time.Sleep(time.Second) }
		if _, err := s.trainIn(t.Context(), m, WithStore(newStore(t)), WithOutput(io.Discard), Every(3*time.Second)); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(s.steps(agent.OpSaved)); got != "[4 7 10]" {
			t.Errorf("saved at %s, want each third step and the end", got)
		}
	})
}

// stopAt trains and interrupts after a step, as Context does.
func (s *supervised) stopAt(t *testing.T, st *store.Store, m *toy, step int) (*bytes.Buffer, error) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	m.after = func(now int) {
		if now == step {
			cancel(fmt.Errorf("%w by signal", ErrStopped))
		}
	}
	var out bytes.Buffer
	_, err := s.trainIn(ctx, m, WithStore(st), WithOutput(&out))
	return &out, err
}

// An interrupted training is saved, the kernel hears at which step, and the program ends with one line.
func TestTrainLeaves(t *testing.T) {
	s, st := newSupervised(), newStore(t)
	m := newToy(100)
	out, err := s.stopAt(t, st, m, 37)
	if s.code != exitStopped || err != nil {
		t.Fatalf("exit %d, error %v; want exit code %d", s.code, err, exitStopped)
	}
	if want := "interrupted at step 37 of 100, saved; run the cell again to resume\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out, want)
	}
	if s.errOut.Len() > 0 {
		t.Errorf("stderr %q", &s.errOut)
	}
	if last := s.heard[len(s.heard)-1]; last.Op != agent.OpSaved || last.Step != 37 || last.Steps != 100 {
		t.Errorf("the last told is %+v, want step 37 saved", last)
	}
	if info := entryOf(t, st, m); info.Step != 37 || info.Complete {
		t.Errorf("stored %+v", info)
	}
	lock, err := st.Lock(t.Context(), store.Key{Name: m.Name(), Fields: m.Key()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}

// A failed save is reported on stderr, and the kernel hears of no save.
func TestTrainLeavesUnsaved(t *testing.T) {
	s, m := newSupervised(), &unsavable{toy: newToy(100)}
	ctx, cancel := context.WithCancelCause(t.Context())
	m.after = func(int) { cancel(ErrStopped) }
	if _, err := s.trainIn(ctx, m, WithStore(newStore(t)), WithOutput(io.Discard)); err != nil || s.code != exitStopped {
		t.Fatalf("exit %d, error %v", s.code, err)
	}
	expectText(t, s.errOut.String(), "interrupted at step 1 of 100", "not saved, nothing had been saved yet", "no space")
	if got := s.steps(agent.OpSaved); got != nil {
		t.Errorf("told of saves at %v", got)
	}
}

// An interrupt while another process trains the same ends the wait and the program.
func TestTrainLeavesLock(t *testing.T) {
	s, st := newSupervised(), newStore(t)
	m := newToy(10)
	lock, err := st.Lock(t.Context(), store.Key{Name: m.Name(), Fields: m.Key()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Unlock() }()
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(10*time.Millisecond, func() { cancel(ErrStopped) })
	if _, err := s.trainIn(ctx, m, WithStore(st), WithOutput(io.Discard)); err != nil || s.code != exitStopped {
		t.Fatalf("exit %d, error %v", s.code, err)
	}
	expectText(t, s.errOut.String(), "train toy", "waiting for the lock")
}

// Train returns where it is not the user's interrupt that ends it, and where no supervised kernel waits.
func TestTrainReturns(t *testing.T) {
	for name, test := range map[string]struct {
		supervised bool
		cause      error
	}{
		"a time limit":   {true, context.DeadlineExceeded},
		"another kernel": {false, ErrStopped},
	} {
		s := newSupervised()
		if !test.supervised {
			s.tell = nil
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		m := newToy(20)
		m.after = func(int) { cancel(test.cause) }
		var out strings.Builder
		result, err := s.trainIn(ctx, m, WithStore(newStore(t)), WithOutput(&out))
		if s.code != -1 || !errors.Is(err, context.Canceled) || result.Step != 1 {
			t.Errorf("%s: exit %d, %+v, %v; want an error alone", name, s.code, result, err)
		}
		expectText(t, out.String(), "interrupted at step 1 of 20, saved")
	}
}

// A restored training tells nothing: it took no time.
func TestRestoredTellsNothing(t *testing.T) {
	st := newStore(t)
	if _, err := Train(t.Context(), newToy(5), WithStore(st), WithOutput(io.Discard)); err != nil {
		t.Fatal(err)
	}
	s := newSupervised()
	result, err := s.trainIn(t.Context(), newToy(5), WithStore(st), WithOutput(io.Discard))
	if err != nil || !result.Restored || len(s.heard) > 0 {
		t.Errorf("%+v, %v, told %v", result, err, s.heard)
	}
}
