package kernel_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

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

// walkCell defines a small model that is saved after each of its steps, whose numbers depend on all of them.
const walkCell = `import "deeplearning.example/kernelext"

type walk struct {
	name  string
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
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}

func train(name string) {
	m := &walk{name: name, state: walkState{X: make([]float64, 10_000)}}
	fmt.Println("training", name)
	if _, err := kernelext.Train(kernelext.Context(), m, kernelext.Every(0)); err != nil {
		panic(err)
	}
	fmt.Printf("numbers %d %.12f\n", m.state.Step, m.state.X[9_999])
}
`

func trainCell(name string) string { return "%%\ntrain(\"" + name + "\")" }

// numbers is what a training cell printed of the model.
func numbers(stdout string) string {
	_, rest, _ := strings.Cut(stdout, "numbers ")
	return rest
}

// TestKilledAtRandom kills the supervisor, GoNB or the cell with -9 at a random moment of a training. No process
// lives 2 s later, the store is whole, and the next run of the cell ends with the same numbers as one in one go.
func TestKilledAtRandom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	env := "LECTURE_STORE=" + dir
	k := start(t, env)
	k.good(walkCell)
	want := numbers(k.good(trainCell("whole")))
	for round := range size(50, 6) {
		random := rand.New(rand.NewPCG(11, uint64(round)))
		victim := []string{"lecture", "gonb", ".cell"}[(round+random.IntN(2))%3]
		name := fmt.Sprint("killed-", round)
		s := k.send(trainCell(name))
		s.shows("training " + name)
		time.Sleep(time.Duration(random.IntN(800)) * time.Millisecond)
		pids := k.pids(victim)
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		killed := time.Now()
		if victim == "lecture" {
			k.nothingLeft()
			t.Logf("round %d: %s killed, all gone after %v", round, victim, time.Since(killed))
			k = start(t, env)
			k.good(walkCell)
		} else {
			if o := s.wait(); len(pids) > 0 && o.Status != "error" {
				t.Errorf("round %d: %s killed, the cell ended with %s", round, victim, o.Status)
			}
			until(t, leftLimit, "the cell's end", func() bool { return len(k.pids(".cell")) == 0 })
			t.Logf("round %d: %s killed, the cell answered after %v", round, victim, time.Since(killed))
		}
		checkStore(t, dir)
		if got := numbers(k.good(trainCell(name))); got != want {
			t.Errorf("round %d: %s killed, then %q, want %q", round, victim, got, want)
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
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

// TestInterruptTraining: an interrupted training says at which step it is saved, and goes on from there.
func TestInterruptTraining(t *testing.T) {
	k := start(t, "LECTURE_STORE="+filepath.Join(t.TempDir(), "store"))
	k.good(walkCell)
	want := numbers(k.good(trainCell("whole")))
	s := k.send(trainCell("stopped"))
	s.shows("training stopped")
	time.Sleep(500 * time.Millisecond)
	begin := time.Now()
	k.interrupt()
	o := s.wait()
	t.Logf("answered after %v: %s", time.Since(begin), o.Evalue)
	k.failed(o, "Interrupted", "stopped is saved at step", "of 300: run the cell again to go on from there")
	step := regexp.MustCompile(`saved at step (\d+)`).FindStringSubmatch(o.Evalue)
	again := k.good(trainCell("stopped"))
	if step == nil || !strings.Contains(again, "resuming stopped at step "+step[1]+" of 300") || numbers(again) != want {
		t.Errorf("saved at %v, then %q, want %q", step, again, want)
	}
}

// TestShutdownSaves: a training that runs while the kernel is shut down saves what it has.
func TestShutdownSaves(t *testing.T) {
	env := "LECTURE_STORE=" + filepath.Join(t.TempDir(), "store")
	k := start(t, env)
	k.good(walkCell)
	s := k.send(trainCell("shut"))
	s.shows("training shut")
	time.Sleep(300 * time.Millisecond)
	begin := time.Now()
	if err := k.ShutdownMessage(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	k.nothingLeft()
	t.Logf("all gone after %v", time.Since(begin))
	k = start(t, env)
	k.good(walkCell)
	if got := k.good(trainCell("shut")); !strings.Contains(got, "resuming shut at step") {
		t.Errorf("printed %q", got)
	}
}

// deafWalk is the walk with a training of 15 s that does not look at its context.
var deafWalk = strings.NewReplacer("return 300", "return 3000", "err := ctx.Err(); err != nil", "err := error(nil); err != nil").
	Replace(walkCell)

// TestInterruptExtends: an interrupted training that reports progress has more than the usual time to end.
func TestInterruptExtends(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	k := start(t, "LECTURE_STORE="+filepath.Join(t.TempDir(), "store"))
	k.good(deafWalk)
	s := k.send("%%\ngo func() {\n\ttime.Sleep(8 * time.Second)\n\tfmt.Println(\"still here\")\n}()\ntrain(\"deaf\")")
	s.shows("training deaf")
	time.Sleep(time.Second) // an interrupt before the first step ends the cell at once
	begin := time.Now()
	k.interrupt()
	s.shows("still here")
	k.interrupt()
	k.failed(s.wait(), "Interrupted")
	t.Logf("ended %v after the first interrupt", time.Since(begin))
}
