package kernelext

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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

// Interrupted again and again, a training ends with the numbers of one that ran through.
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

// A loss that is no number ends the training; what was saved before stays.
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

// A damaged entry is set aside and trained anew, and the model has not seen a byte of it.
func TestDamagedIsTrainedAnew(t *testing.T) {
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
			expectText(t, out.String(), "toy: ", "payload "+part+" differs", "set aside as", "; training anew\n",
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

// What the model cannot use is an error that names the part, and nothing is trained over it.
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

// A store that cannot be written restores what is finished, and refuses the rest before a step is taken.
func TestTrainWithReadOnlyStore(t *testing.T) {
	s := newStore(t)
	if _, err := Train(t.Context(), newToy(10), WithStore(s), WithOutput(io.Discard)); err != nil {
		t.Fatal(err)
	}
	folders := []string{s.Dir(), filepath.Join(s.Dir(), "locks")}
	for _, dir := range folders {
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	}
	for dir := filepath.Dir(s.Dir()); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if os.Geteuid() == 0 { // root may write everywhere: be nobody for the files that this thread touches
		if err := unix.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Setfsuid(0) }()
	}
	result, err := Train(t.Context(), newToy(10), WithStore(s), WithOutput(io.Discard))
	if err != nil || !result.Restored {
		t.Errorf("finished: %+v, %v; want it restored", result, err)
	}
	m := newToy(11)
	_, err = Train(t.Context(), m, WithStore(s), WithOutput(io.Discard))
	if !errors.Is(err, store.ErrReadOnly) || m.ran > 0 {
		t.Errorf("new: %v after %d steps, want ErrReadOnly at once", err, m.ran)
	}
}

// TestTrainChild is no test: it is the other process of the tests below.
func TestTrainChild(t *testing.T) {
	dir := os.Getenv("TRAIN_TEST_STORE")
	if dir == "" {
		return
	}
	m := newToy(400)
	stdin := bufio.NewReader(os.Stdin)
	m.after = func(step int) {
		fmt.Println("step", step)
		if _, err := stdin.ReadString('\n'); err != nil { // one line allows one step, the end all the others
			m.after = nil
		}
	}
	opts := []TrainOption{WithStore(openStore(t, dir)), Every(0)}
	if os.Getenv("TRAIN_TEST_CURVE") != "" {
		opts = append(opts, WithCurve("bowl"))
	}
	if _, err := Train(t.Context(), m, opts...); err != nil {
		t.Fatal(err)
	}
	fmt.Println("weights", m.weights)
}

// trainer is a process that trains the toy.
type trainer struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

func startTrainer(t *testing.T, dir string, env ...string) *trainer {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &trainer{cmd: exec.Command(exe, "-test.run=^TestTrainChild$")}
	p.cmd.Env = append(append(os.Environ(), "TRAIN_TEST_STORE="+dir), env...)
	p.cmd.Stderr = os.Stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// until reads lines up to one with the given text and returns it.
func (p *trainer) until(t *testing.T, text string) string {
	t.Helper()
	for p.lines.Scan() {
		if strings.Contains(p.lines.Text(), text) {
			return p.lines.Text()
		}
	}
	t.Fatalf("the process ended before it said %q: %v", text, p.lines.Err())
	return ""
}

// finish lets the process run to its end and returns what it printed.
func (p *trainer) finish(t *testing.T) string {
	t.Helper()
	_ = p.stdin.Close() // it may be closed already
	var out strings.Builder
	for p.lines.Scan() {
		fmt.Fprintln(&out, p.lines.Text())
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return out.String()
}

// A trainer killed in the midst of its work is continued from its last save, with the same numbers.
func TestKilledTrainer(t *testing.T) {
	whole, history := trained(t, 400)
	dir := filepath.Join(t.TempDir(), "store")
	p := startTrainer(t, dir)
	s := openStore(t, dir)
	for step, saved := 1, 0; saved < 2; step++ {
		p.until(t, fmt.Sprint("step ", step))
		if step > 1 { // saved first at step 1, then when enough time has gone by
			saved = entryOf(t, s, newToy(400)).Step
		}
		time.Sleep(time.Millisecond) // the work of a step
		if _, err := p.stdin.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.cmd.Process.Kill(); err != nil { // it is on its way to the next step, or saves
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	m := newToy(400)
	var out bytes.Buffer
	result, err := Train(t.Context(), m, WithStore(s), WithOutput(&out))
	if err != nil || !result.Resumed || m.ran > 398 {
		t.Fatalf("%+v, %v, %d steps taken", result, err, m.ran)
	}
	expectText(t, out.String(), fmt.Sprintf("resuming toy at step %d of 400", 400-m.ran))
	m.expectSame(t, whole)
	if !reflect.DeepEqual(result.History, history) {
		t.Errorf("the losses differ from those of a training that ran through")
	}
}

// Of two processes that train the same, one trains and the other waits for its result.
func TestTwoTrainers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	first := startTrainer(t, dir)
	first.until(t, "step 1")
	second := startTrainer(t, dir)
	waiting := second.until(t, "waiting for it")
	expectText(t, waiting, fmt.Sprintf("toy is being trained by process %d on ", first.cmd.Process.Pid))
	one, two := first.finish(t), second.finish(t)
	expectText(t, one, "trained toy in ")
	expectText(t, two, "restored toy (40 epochs, trained ")
	_, weights, _ := strings.Cut(one, "weights ")
	_, others, _ := strings.Cut(two, "weights ")
	if weights == "" || weights != others {
		t.Errorf("the weights differ:\n%s\n%s", weights, others)
	}
	if strings.Contains(two, "step ") {
		t.Errorf("the second process trained too:\n%s", two)
	}
}

// A restored training draws the curve that the training drew.
func TestCurveIsDrawnAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	var curves []string
	for range 2 {
		p := startTrainer(t, dir, "TRAIN_TEST_CURVE=1")
		var curve []string
		for line := range strings.Lines(p.finish(t)) {
			if strings.Contains(line, "bowl") {
				curve = append(curve, line)
			}
		}
		if len(curve) == 0 {
			t.Fatal("no curve")
		}
		curves = append(curves, curve[len(curve)-1])
	}
	if curves[0] != curves[1] {
		t.Errorf("the curve was\n%s and is now\n%s", curves[0], curves[1])
	}
}

// A training finishes although a save in its midst fails; that is told once.
func TestFailedSaveMeanwhile(t *testing.T) {
	s := newStore(t)
	m := &unsavable{toy: newToy(30)}
	var out bytes.Buffer
	if _, err := Train(t.Context(), m, WithStore(s), WithOutput(&out), Every(0)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "training goes on: "); n != 1 {
		t.Errorf("told %d times, want once:\n%s", n, out.String())
	}
	expectText(t, out.String(), "no room", "trained toy")
}

// unsavable cannot be saved before its last step.
type unsavable struct{ *toy }

func (m *unsavable) Save(part string, w io.Writer) error {
	if m.step < m.steps {
		return unix.ENOSPC
	}
	return m.toy.Save(part, w)
}

func TestTimeTexts(t *testing.T) {
	now := time.Now()
	if got, want := timeText(now), now.Format("15:04"); got != want {
		t.Errorf("now is %s, want %s", got, want)
	}
	old := time.Date(2020, 2, 3, 4, 5, 6, 0, time.Local)
	if got := timeText(old); got != "2020-02-03 04:05" {
		t.Errorf("an old time is %s", got)
	}
	for seconds, want := range map[float64]string{
		0.04: "0.0 s", 4.13: "4.1 s", 41.4: "41 s", 119: "119 s", 200: "3 min 20 s", 3725.4: "62 min 5 s",
	} {
		if got := durationText(seconds); got != want {
			t.Errorf("%v s is %q, want %q", seconds, got, want)
		}
	}
}

// big is a model of 10 MiB with as much optimiser state twice.
func big() *toy {
	m := newToy(1)
	m.weights, m.velocity = make([]float64, 10<<20/8), make([]float64, 20<<20/8)
	return m
}

// BenchmarkTrainRestore is what a later cell pays for a finished model of 10 MiB: open the store, look, check, read.
func BenchmarkTrainRestore(b *testing.B) {
	s := newStore(b)
	m := big()
	if _, err := Train(b.Context(), bigRun{m}, WithStore(s), WithOutput(io.Discard)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(10 << 20)
	for b.Loop() {
		result, err := Train(b.Context(), bigRun{m}, WithStore(openStore(b, s.Dir())), WithOutput(io.Discard))
		if err != nil || !result.Restored {
			b.Fatal(result, err)
		}
	}
}

// bigRun takes its one step without touching the weights.
type bigRun struct{ *toy }

func (m bigRun) Run(_ context.Context, onStep func(int, map[string]float64) error) error {
	m.step = m.steps
	return onStep(m.step, map[string]float64{"bowl": 0})
}
