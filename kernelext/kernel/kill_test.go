package kernel_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"deeplearning.example/kernelext/store"
)

// long makes the tests of this package long ones: 50 kills, 1 GB of output, 1 000 cells.
var long = flag.Bool("long", false, "run the tests of endurance at full length")

// size is the length of a test of endurance.
func size(full, short int) int {
	if *long {
		return full
	}
	return short
}

// walkCell defines a small model that is saved after each of its steps, whose numbers depend on all of them. It prints
// each step. With a hold it waits at that step until it must stop.
const walkCell = `import "deeplearning.example/kernelext"

type walk struct {
	name  string
	hold  int
	state walkState
}

type walkState struct {
	Step int
	X    []float64
}

func (m *walk) Name() string             { return m.name }
func (m *walk) Key() map[string]any      { return map[string]any{"version": 1} }
func (m *walk) Step() int                { return m.state.Step }
func (m *walk) Steps() int               { return 300 }
func (m *walk) Describe(step int) string { return fmt.Sprint(step, " steps") }
func (m *walk) Parts() []string          { return []string{"state"} }

func (m *walk) Save(_ string, w io.Writer) error    { return gob.NewEncoder(w).Encode(m.state) }
func (m *walk) Restore(_ string, r io.Reader) error { return gob.NewDecoder(r).Decode(&m.state) }

func (m *walk) Run(ctx context.Context, onStep func(int, map[string]float64) error) error {
	for s := &m.state; s.Step < m.Steps(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.Step++
		for i := range s.X {
			s.X[i] = 0.9*s.X[i] + math.Sin(float64(s.Step*(i+1)))
		}
		if err := onStep(s.Step, map[string]float64{"x0": s.X[0]}); err != nil {
			return err
		}
		fmt.Printf("step %d.\n", s.Step)
		if s.Step == m.hold {
			<-ctx.Done()
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func train(name string, hold int) {
	m := &walk{name: name, hold: hold, state: walkState{X: make([]float64, 10_000)}}
	fmt.Println("training", name)
	if _, err := kernelext.Train(kernelext.Context(), m, kernelext.Every(0)); err != nil {
		panic(err)
	}
	fmt.Printf("numbers %d %.12f\n", m.state.Step, m.state.X[9_999])
}
`

// trainCell trains a walk to its end, or to the step hold, at which it waits.
func trainCell(name string, hold int) string { return fmt.Sprintf("%%%%\ntrain(%q, %d)", name, hold) }

// stepLine matches the line of a walk about a step.
func stepLine(step int) string { return fmt.Sprintf("step %d.\n", step) }

// numbers returns the model's numbers that a training cell printed.
func numbers(stdout string) string {
	_, rest, _ := strings.Cut(stdout, "numbers ")
	return rest
}

// TestKilledAtRandom kills the supervisor, GoNB or the cell with -9 at a random step of a training. All processes end,
// the store is whole, and the next run of the cell ends with the same numbers as one in one go. The training waits at a
// later step, so that the victim always lives, and a process that is not ended stays for ever.
func TestKilledAtRandom(t *testing.T) {
	const hold = 150
	dir := filepath.Join(t.TempDir(), "store")
	env := "LECTURE_STORE=" + dir
	k := start(t, env)
	k.good(walkCell)
	want := numbers(k.good(trainCell("whole", 0)))
	resumed := 0
	for round := range size(50, 6) {
		random := rand.New(rand.NewPCG(11, uint64(round)))
		victim := []string{"lecture", "gonb", ".cell"}[(round+random.IntN(2))%3]
		name := fmt.Sprint("killed-", round)
		s := k.send(trainCell(name, hold))
		s.shows(stepLine(1 + random.IntN(hold)))
		pids := k.pids(victim)
		if len(pids) == 0 {
			t.Fatalf("round %d: there is no process of %s to kill: the test does not test", round, victim)
		}
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		if victim == "lecture" {
			k.nothingLeft()
			k = start(t, env)
			k.good(walkCell)
		} else {
			if o := s.wait(); o.Status != "error" {
				t.Errorf("round %d: %s killed, the cell ended with %s", round, victim, o.Status)
			}
			until(t, leftLimit, "the cell's end", func() bool { return len(k.pids(".cell")) == 0 })
		}
		checkStore(t, dir)
		again := k.good(trainCell(name, 0))
		if got := numbers(again); got != want {
			t.Errorf("round %d: %s killed, then %q, want %q", round, victim, got, want)
		}
		if strings.Contains(again, "resuming "+name+" at step") {
			resumed++
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	if resumed == 0 {
		t.Error("no training was resumed: the test does not test")
	}
}

func checkStore(t *testing.T, dir string) {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	infos, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		if info.Damage != "" {
			t.Errorf("the store has a damaged entry: %s: %s", info.ID, info.Damage)
		}
	}
}

// TestInterruptTraining: an interrupted training reports the step at which it is saved, and continues from there.
func TestInterruptTraining(t *testing.T) {
	k := start(t, "LECTURE_STORE="+filepath.Join(t.TempDir(), "store"))
	k.good(walkCell)
	want := numbers(k.good(trainCell("whole", 0)))
	s := k.send(trainCell("stopped", 70))
	s.shows(stepLine(70))
	k.interrupt()
	k.failed(s.wait(), "Interrupted", "stopped is saved at step 70 of 300: run the cell again to continue from there")
	again := k.good(trainCell("stopped", 0))
	if !strings.Contains(again, "resuming stopped at step 70 of 300") || numbers(again) != want {
		t.Errorf("printed %q, want numbers %q", again, want)
	}
}

// TestShutdownSaves: a training that runs while the kernel is shut down saves its state.
func TestShutdownSaves(t *testing.T) {
	env := "LECTURE_STORE=" + filepath.Join(t.TempDir(), "store")
	k := start(t, env)
	k.good(walkCell)
	s := k.send(trainCell("shut", 70))
	s.shows(stepLine(70))
	if err := k.ShutdownMessage(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	k.nothingLeft()
	k = start(t, env)
	k.good(walkCell)
	if got := k.good(trainCell("shut", 0)); !strings.Contains(got, "resuming shut at step 70 of 300") {
		t.Errorf("printed %q", got)
	}
}

// deafWalk is the walk with a training of minutes that does not look at its context.
var deafWalk = strings.NewReplacer("return 300", "return 300_000", "err := ctx.Err(); err != nil", "err := error(nil); err != nil").
	Replace(walkCell)

// TestInterruptExtends: an interrupted training that reports progress has more than the usual 5 s to end, up to a minute.
// A second interrupt shortens that to a second.
func TestInterruptExtends(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	k := start(t, "LECTURE_STORE="+filepath.Join(t.TempDir(), "store"))
	k.good(deafWalk)
	s := k.send(`%%
c := make(chan os.Signal, 1)
signal.Notify(c, os.Interrupt)
go func() {
	<-c
	time.Sleep(7 * time.Second)
	fmt.Println("lives after 7 s")
	time.Sleep(30 * time.Second)
	fmt.Println("lives after 37 s")
}()
train("deaf", 0)`)
	s.shows(stepLine(1)) // an interrupt before the first step ends the cell at once
	k.interrupt()
	s.shows("lives after 7 s")
	k.interrupt()
	o := s.wait()
	k.failed(o, "Interrupted")
	if strings.Contains(o.stream("stdout"), "lives after 37 s") {
		t.Error("the second interrupt has not shortened the time")
	}
}
