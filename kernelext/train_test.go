package kernelext

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"deeplearning.example/kernelext/store"
)

// toy is gradient descent with momentum on a bowl with noise that depends on the step alone.
type toy struct {
	name     string
	steps    int
	seed     int
	weights  []float64
	velocity []float64
	step     int
	ran      int      // steps that this process took
	restored []string // parts, in order
	broken   bool     // a NaN loss does not stop Run

	after func(step int) // called after each step
	loss  func(step int, value float64) float64
}

func newToy(steps int) *toy {
	return &toy{name: "toy", steps: steps, weights: make([]float64, 50), velocity: make([]float64, 50)}
}

func (m *toy) Name() string             { return m.name }
func (m *toy) Key() map[string]any      { return map[string]any{"steps": m.steps, "seed": m.seed} }
func (m *toy) Step() int                { return m.step }
func (m *toy) Steps() int               { return m.steps }
func (m *toy) Describe(step int) string { return fmt.Sprintf("%d epochs", step/10) }
func (m *toy) Parts() []string          { return []string{"weights", "optimizer"} }

func (m *toy) Run(ctx context.Context, onStep func(int, map[string]float64) error) error {
	for m.step < m.steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		value := m.takeStep()
		if m.loss != nil {
			value = m.loss(m.step, value)
		}
		if err := onStep(m.step, map[string]float64{"bowl": value, "step": float64(m.step)}); err != nil && !m.broken {
			return fmt.Errorf("toy: %w", err)
		}
		if m.after != nil {
			m.after(m.step)
		}
	}
	return nil
}

func (m *toy) takeStep() float64 {
	loss := 0.0
	for i := range m.weights {
		noise := math.Sin(float64(m.step*7 + i + m.seed))
		m.velocity[i] = 0.9*m.velocity[i] - 0.01*(m.weights[i]-float64(i)+noise)
		m.weights[i] += m.velocity[i]
		loss += (m.weights[i] - float64(i)) * (m.weights[i] - float64(i))
	}
	m.step++
	m.ran++
	return loss
}

func (m *toy) Save(part string, w io.Writer) error {
	if part == "optimizer" {
		return binary.Write(w, binary.LittleEndian, m.velocity)
	}
	return errors.Join(binary.Write(w, binary.LittleEndian, int64(m.step)),
		binary.Write(w, binary.LittleEndian, m.weights))
}

func (m *toy) Restore(part string, r io.Reader) error {
	m.restored = append(m.restored, part)
	if part == "optimizer" {
		return binary.Read(r, binary.LittleEndian, m.velocity)
	}
	var step int64
	if err := binary.Read(r, binary.LittleEndian, &step); err != nil {
		return err
	}
	m.step = int(step)
	return binary.Read(r, binary.LittleEndian, m.weights)
}

func openStore(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newStore(t testing.TB) *store.Store { return openStore(t, filepath.Join(t.TempDir(), "store")) }

// trained is a toy trained in one go, and its losses.
func trained(t *testing.T, steps int) (*toy, History) {
	t.Helper()
	m := newToy(steps)
	result, err := Train(t.Context(), m, WithStore(newStore(t)), WithOutput(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	return m, result.History
}

func (m *toy) expectSame(t *testing.T, want *toy) {
	t.Helper()
	if m.step != want.step || !reflect.DeepEqual(m.weights, want.weights) {
		t.Errorf("%s at step %d differs from the one trained in one go to step %d", m.name, m.step, want.step)
	}
}

func expectText(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q, want %q in it", text, want)
		}
	}
}

// entryOf loads what the store has of m.
func entryOf(t *testing.T, s *store.Store, m *toy) store.Info {
	t.Helper()
	e, err := s.Load(store.Key{Name: m.Name(), Fields: m.Key()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	return e.Info()
}

func TestTrainThenRestore(t *testing.T) {
	s := newStore(t)
	first := newToy(50)
	var out bytes.Buffer
	result, err := Train(t.Context(), first, WithStore(s), WithOutput(&out))
	if err != nil || result.Restored || result.Resumed || result.Step != 50 || len(result.History.Steps) != 50 {
		t.Fatalf("%+v, %v", result, err)
	}
	expectText(t, out.String(), "trained toy in 0.", " s\n")
	out.Reset()
	again := newToy(50)
	restored, err := Train(t.Context(), again, WithStore(s), WithOutput(&out))
	if err != nil || !restored.Restored || restored.Step != 50 || again.ran != 0 {
		t.Fatalf("%+v, %v, %d steps taken", restored, err, again.ran)
	}
	if !reflect.DeepEqual(restored.History, result.History) || restored.Seconds <= 0 {
		t.Errorf("history or seconds differ: %+v", restored)
	}
	at := entryOf(t, s, first).Created.Local().Format("15:04")
	if want := "restored toy (5 epochs, trained " + at + ")\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	if !reflect.DeepEqual(again.restored, []string{"weights"}) {
		t.Errorf("restored %v, want only the weights", again.restored)
	}
	again.expectSame(t, first)
	other := newToy(50)
	other.seed = 1
	if result, err := Train(t.Context(), other, WithStore(s), WithOutput(io.Discard)); err != nil || result.Restored {
		t.Errorf("another seed: %+v, %v; want it trained", result, err)
	}
}

// A training that is interrupted several times ends with the numbers of one without interrupts.
func TestInterruptAndResume(t *testing.T) {
	whole, history := trained(t, 100)
	s := newStore(t)
	for _, stop := range []int{37, 38, 90} {
		ctx, cancel := context.WithCancel(t.Context())
		m := newToy(100)
		m.after = func(step int) {
			if step == stop {
				cancel()
			}
		}
		var out bytes.Buffer
		result, err := Train(ctx, m, WithStore(s), WithOutput(&out))
		if !errors.Is(err, context.Canceled) || result.Step != stop || result.Resumed != (stop > 37) {
			t.Fatalf("%+v, %v; want interrupted at step %d", result, err, stop)
		}
		line := fmt.Sprintf("interrupted at step %d of 100, saved; run the cell again to resume\n", stop)
		expectText(t, out.String(), line)
		if info := entryOf(t, s, m); info.Complete || info.Step != stop || info.Steps != 100 {
			t.Errorf("stored %+v", info)
		}
	}
	m := newToy(100)
	var out bytes.Buffer
	result, err := Train(t.Context(), m, WithStore(s), WithOutput(&out))
	if err != nil || !result.Resumed || result.Restored || m.ran != 10 {
		t.Fatalf("%+v, %v, %d steps taken", result, err, m.ran)
	}
	expectText(t, out.String(), "resuming toy at step 90 of 100 (saved ", "trained toy in ")
	m.expectSame(t, whole)
	if !reflect.DeepEqual(result.History, history) {
		t.Errorf("the losses differ from those of a training that ran through")
	}
}

func TestInterruptBeforeTheFirstStep(t *testing.T) {
	s := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	_, err := Train(ctx, newToy(10), WithStore(s), WithOutput(&out))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	expectText(t, out.String(), "interrupted at step 0 of 10")
	if infos, err := s.List(); err != nil || len(infos) > 0 {
		t.Errorf("stored %v, %v; want nothing", infos, err)
	}
}

// A loss that is NaN ends the training; the last saved state remains.
func TestNotFiniteLoss(t *testing.T) {
	for _, broken := range []bool{false, true} {
		s := newStore(t)
		m := newToy(100)
		m.broken = broken
		m.loss = func(step int, value float64) float64 {
			if step == 30 {
				return math.NaN()
			}
			return value
		}
		_, err := Train(t.Context(), m, WithStore(s), WithOutput(io.Discard), Every(0))
		if err == nil {
			t.Fatal("no error")
		}
		expectText(t, err.Error(), "toy", "loss bowl is NaN at step 30 of 100", "the state of step ", "is kept")
		if info := entryOf(t, s, m); info.Complete || info.Step < 1 || info.Step > 29 {
			t.Errorf("stored %+v, want a step before 30", info)
		}
	}
}

// diverged is the error of a training that has gone back to its last good state.
type diverged struct{ error }

func (diverged) StateKept() bool { return true }

// goesBack is a toy that finds at step 20 that it diverged, and goes back to step 18.
type goesBack struct{ *toy }

func (m goesBack) Run(ctx context.Context, onStep func(int, map[string]float64) error) error {
	steps := m.steps
	m.steps = 20
	err := m.toy.Run(ctx, onStep)
	m.step, m.steps = 18, steps
	return errors.Join(err, diverged{errors.New("diverged at step 20")})
}

// A training that diverges and has kept its last good state is saved there, with the history up to there.
func TestDivergedIsSaved(t *testing.T) {
	s := newStore(t)
	m := goesBack{newToy(100)}
	_, err := Train(t.Context(), m, WithStore(s), WithOutput(io.Discard), Every(time.Hour))
	if err == nil {
		t.Fatal("no error")
	}
	expectText(t, err.Error(), "diverged at step 20", "the state of step 18 is kept")
	if info := entryOf(t, s, m.toy); info.Complete || info.Step != 18 {
		t.Errorf("stored %+v, want step 18", info)
	}
	result, err := Train(t.Context(), newToy(100), WithStore(s), WithOutput(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	if !result.Resumed || !slices.IsSorted(result.History.Steps) || len(result.History.Steps) != 100 {
		t.Errorf("resumed %v, steps %v, want each of 100 once", result.Resumed, result.History.Steps)
	}
}

func TestRunFails(t *testing.T) {
	lost := errors.New("device lost")
	tests := []struct {
		name string
		m    Trainable
		want []string
	}{
		{"error", failing{newToy(20), lost}, []string{"toy at step 7 of 20", "device lost", "nothing had been saved yet"}},
		{"stops early", failing{newToy(20), nil}, []string{"without an error at step 7, want 20"}},
		{"no parts", noParts{newToy(20)}, []string{"no parts"}},
		{"key", badKey{newToy(20)}, []string{"lr", "NaN"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t)
			_, err := Train(t.Context(), test.m, WithStore(s), WithOutput(io.Discard))
			if err == nil {
				t.Fatal("no error")
			}
			expectText(t, err.Error(), test.want...)
			if infos, err := s.List(); err != nil || len(infos) > 0 {
				t.Errorf("stored %v, %v; want nothing", infos, err)
			}
		})
	}
}

type failing struct {
	*toy
	err error
}

func (m failing) Run(context.Context, func(int, map[string]float64) error) error {
	m.step = 7
	return m.err
}

type noParts struct{ *toy }

func (noParts) Parts() []string { return nil }

type badKey struct{ *toy }

func (badKey) Key() map[string]any { return map[string]any{"lr": math.NaN()} }

// A damaged entry is set aside and the training starts from scratch; the model has not read a byte of it.
func TestDamagedIsTrainedAgain(t *testing.T) {
	whole, _ := trained(t, 60)
	for _, part := range []string{"weights", "optimizer", "history"} {
		t.Run(part, func(t *testing.T) {
			s := newStore(t)
			interruptAt(t, s, newToy(60), 30)
			damage(t, s, part)
			m := newToy(60)
			var out bytes.Buffer
			result, err := Train(t.Context(), m, WithStore(s), WithOutput(&out))
			if err != nil || result.Resumed || result.Restored || m.ran != 60 || len(m.restored) > 0 {
				t.Fatalf("%+v, %v, %d steps taken, restored %v", result, err, m.ran, m.restored)
			}
			expectText(t, out.String(), "toy: ", "payload "+part+" differs", "set aside as", "; training from scratch\n",
				"trained toy")
			m.expectSame(t, whole)
			again, err := Train(t.Context(), newToy(60), WithStore(s), WithOutput(io.Discard))
			if err != nil || !again.Restored {
				t.Errorf("after that: %+v, %v; want it restored", again, err)
			}
		})
	}
}

func interruptAt(t *testing.T, s *store.Store, m *toy, step int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	m.after = func(now int) {
		if now == step {
			cancel()
		}
	}
	if _, err := Train(ctx, m, WithStore(s), WithOutput(io.Discard)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// damage flips a bit in a payload of the only entry.
func damage(t *testing.T, s *store.Store, part string) {
	t.Helper()
	infos, err := s.List()
	if err != nil || len(infos) != 1 {
		t.Fatalf("%d entries, %v", len(infos), err)
	}
	path := filepath.Join(s.Dir(), infos[0].ID+".entry")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range infos[0].Payloads {
		if p.Name == part {
			data[p.Offset+p.Size/2] ^= 4
		}
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// An entry that the model cannot use is an error that names the part, and it is not replaced.
func TestUnusableEntries(t *testing.T) {
	s := newStore(t)
	interruptAt(t, s, newToy(60), 30)
	short := newToy(60)
	short.weights = make([]float64, 51)
	_, err := Train(t.Context(), short, WithStore(s), WithOutput(io.Discard))
	if err == nil || short.ran > 0 {
		t.Fatalf("%v, %d steps taken", err, short.ran)
	}
	expectText(t, err.Error(), "restore toy", "part weights")

	fewer := fixedKey{newToy(20)}
	_, err = Train(t.Context(), fewer, WithStore(s), WithOutput(io.Discard))
	if err == nil {
		t.Fatal("no error")
	}
	expectText(t, err.Error(), "30 steps", "want 20", "lecture models rm toy-")
}

// fixedKey forgets the number of steps in its key.
type fixedKey struct{ *toy }

func (fixedKey) Key() map[string]any { return map[string]any{"steps": 60, "seed": 0} }

func TestUnknownSeries(t *testing.T) {
	_, err := Train(t.Context(), newToy(5), WithStore(newStore(t)), WithOutput(io.Discard), WithCurve("kl"))
	if err == nil {
		t.Fatal("no error")
	}
	expectText(t, err.Error(), `"kl"`, "bowl, step")
}

// A training finishes although a save in its midst fails; that is told once.
func TestFailedSaveMeanwhile(t *testing.T) {
	s := newStore(t)
	m := &unsavable{toy: newToy(30)}
	var out bytes.Buffer
	if _, err := Train(t.Context(), m, WithStore(s), WithOutput(&out), Every(0)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "training continues: "); n != 1 {
		t.Errorf("told %d times, want once:\n%s", n, out.String())
	}
	expectText(t, out.String(), "no room", "trained toy")
}

// unsavable cannot be saved before its last step.
type unsavable struct{ *toy }

func (m *unsavable) Save(part string, w io.Writer) error {
	if m.step < m.steps {
		return syscall.ENOSPC
	}
	return m.toy.Save(part, w)
}

func TestTimeText(t *testing.T) {
	now := time.Now()
	if got, want := timeText(now), now.Format("15:04"); got != want {
		t.Errorf("now is %s, want %s", got, want)
	}
	old := time.Date(2020, 2, 3, 4, 5, 6, 0, time.Local)
	if got := timeText(old); got != "2020-02-03 04:05" {
		t.Errorf("an old time is %s", got)
	}
}

// TestWithStep: what the model has learnt can be drawn at each report; an error ends the training.
func TestWithStep(t *testing.T) {
	s := newStore(t)
	var steps []int
	m := newToy(5)
	if _, err := Train(t.Context(), m, WithStore(s), WithOutput(io.Discard), WithStep(func(step int) error {
		steps = append(steps, step)
		return nil
	})); err != nil || !reflect.DeepEqual(steps, []int{1, 2, 3, 4, 5}) {
		t.Errorf("%v, steps %v", err, steps)
	}
	broken := errors.New("no paper")
	other := newToy(9)
	_, err := Train(t.Context(), other, WithStore(s), WithOutput(io.Discard), WithStep(func(int) error { return broken }))
	if !errors.Is(err, broken) || other.step != 1 {
		t.Errorf("%v at step %d", err, other.step)
	}
}
