package kernelext_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"deeplearning.example/kernelext/jupyter"
)

// walkCell defines a small model, as a lecture's cell might. At step 60 its training holds while a file named "hold"
// lies beside the store.
const walkCell = `import "deeplearning.example/kernelext"

type walk struct {
	name, code string
	state      walkState
}

type walkState struct {
	Step int
	X    []float64
}

func (m *walk) Name() string             { return m.name }
func (m *walk) Key() map[string]any      { return map[string]any{"code": m.code} }
func (m *walk) Step() int                { return m.state.Step }
func (m *walk) Steps() int               { return 100 }
func (m *walk) Describe(step int) string { return fmt.Sprint(step, " steps") }
func (m *walk) Parts() []string          { return []string{"state"} }

func (m *walk) Save(_ string, w io.Writer) error    { return gob.NewEncoder(w).Encode(m.state) }
func (m *walk) Restore(_ string, r io.Reader) error { return gob.NewDecoder(r).Decode(&m.state) }

func (m *walk) Run(ctx context.Context, onStep func(int, map[string]float64) error) error {
	for s := &m.state; s.Step < 100; {
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
		if s.Step == 60 {
			hold(ctx)
		}
	}
	return nil
}

func hold(ctx context.Context) {
	if _, err := os.Stat(os.Getenv("LECTURE_STORE") + ".hold"); err == nil {
		fmt.Println("holding, process", os.Getpid())
		<-ctx.Done()
	}
}

func train(name string) {
	code, err := kernelext.CellCode("walk")
	if err != nil {
		panic(err)
	}
	m := &walk{name: name, code: code, state: walkState{X: make([]float64, 4)}}
	result, err := kernelext.Train(kernelext.Context(), m, kernelext.Every(0))
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println("numbers", m.state, result.History.Steps, result.History.Loss("x0"))
}
`

// trainInCell is a cell that trains the walk under a name.
func trainInCell(name string) string { return cell(`train("` + name + `")`) }

// TestTrainInGoNB trains, restores, interrupts and kills in the real kernel.
func TestTrainInGoNB(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a dozen cells")
	}
	storeDir := filepath.Join(t.TempDir(), "store")
	kernel := startKernel(t, "LECTURE_STORE="+storeDir)
	mustSucceed(t, kernel, walkCell)
	whole := mustSucceed(t, kernel, trainInCell("whole")).stream("stdout")
	if !strings.HasPrefix(whole, "trained whole in ") || numbers(whole) == "" {
		t.Fatalf("the first cell printed %q", whole)
	}

	t.Run("restored", func(t *testing.T) {
		got := mustSucceed(t, kernel, trainInCell("whole")).stream("stdout")
		if !strings.HasPrefix(got, "restored whole (100 steps, trained ") || numbers(got) != numbers(whole) {
			t.Errorf("%q, want whole restored as in %q", got, whole)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		r := stopHeldCell(t, kernel, storeDir, "stopped", func(int) error { return kernel.Interrupt(t.Context()) })
		want := "interrupted at step 60 of 100, saved; run the cell again to resume\n"
		if got := r.stream("stdout"); r.reply.Status != "ok" || !strings.Contains(got, want) {
			t.Errorf("status %s, %q, want %q in it", r.reply.Status, got, want)
		}
		testResumed(t, kernel, "stopped", "60", whole)
	})
	t.Run("killed", func(t *testing.T) {
		kill := func(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }
		r := stopHeldCell(t, kernel, storeDir, "killed", kill)
		if r.reply.Status != "error" || !strings.Contains(r.reply.Evalue, "killed") {
			t.Errorf("status %s %q, want an error: killed", r.reply.Status, r.reply.Evalue)
		}
		testResumed(t, kernel, "killed", `\d+`, whole)
	})
	t.Run("changed code", func(t *testing.T) {
		mustSucceed(t, kernel, strings.Replace(walkCell, "0.9*", "0.8*", 1))
		got := mustSucceed(t, kernel, trainInCell("whole")).stream("stdout")
		if !strings.HasPrefix(got, "trained whole in ") || numbers(got) == numbers(whole) {
			t.Errorf("%q, want it trained again", got)
		}
	})
}

// numbers returns the numbers of the model and its losses that a cell printed.
func numbers(stdout string) string {
	_, rest, _ := strings.Cut(stdout, "numbers ")
	return rest
}

var holding = regexp.MustCompile(`holding, process (\d+)\n`)

// stopHeldCell runs a training that holds at step 60, and calls stop with its process once it does.
func stopHeldCell(t *testing.T, kernel *jupyter.Kernel, storeDir, name string, stop func(pid int) error) result {
	t.Helper()
	file := storeDir + ".hold"
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	var stdout strings.Builder
	stopped := make(chan error, 1)
	told := false
	r := runCell(t, kernel, trainInCell(name), func(o output) {
		if o.kind == "stdout" {
			stdout.WriteString(o.text)
		}
		match := holding.FindStringSubmatch(stdout.String())
		if match == nil || told {
			return
		}
		told = true
		pid, _ := strconv.Atoi(match[1])
		go func() { stopped <- stop(pid) }()
	})
	if !told {
		t.Fatalf("the cell never held: %s %s\n%s", r.reply.Status, r.reply.Evalue, stdout.String())
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	return r
}

// testResumed runs the same cell again: it continues at the step that was saved, a pattern, and ends with the numbers of
// the training that ran through.
func testResumed(t *testing.T, kernel *jupyter.Kernel, name, step, whole string) {
	t.Helper()
	got := mustSucceed(t, kernel, trainInCell(name)).stream("stdout")
	first := regexp.MustCompile("^resuming " + name + " at step " + step + " of 100 \\(saved [^\n]*\\)\ntrained " + name)
	if !first.MatchString(got) {
		t.Errorf("%q, want it resumed at step %s", got, step)
	}
	if numbers(got) != numbers(whole) {
		t.Errorf("numbers %q, want those of a training in one go: %q", numbers(got), numbers(whole))
	}
}

// TestKeepInGoNB hands values from one cell to another.
func TestKeepInGoNB(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs cells")
	}
	kernel := startKernel(t, "LECTURE_STORE="+filepath.Join(t.TempDir(), "store"))
	mustSucceed(t, kernel, `import (
	"deeplearning.example/kernelext"
	"github.com/gomlx/gomlx/core/tensors"
)
type report struct { Names []string; Score map[string]float64 }
%%
kept := report{Names: []string{"ä", "b"}, Score: map[string]float64{"ELBO": -99.5}}
weights := tensors.FromValue([][]float32{{1, 2}, {3, 4}})
if err := errors.Join(kernelext.Keep("report", kept), kernelext.Keep("weights", weights)); err != nil { panic(err) }`)
	got := mustSucceed(t, kernel, cell(`
		kept, err := kernelext.Fetch[report]("report")
		fmt.Println(kept, err)
		weights, err := kernelext.Fetch[*tensors.Tensor]("weights")
		if err != nil { panic(err) }
		fmt.Println(weights.Value())
		_, err = kernelext.Fetch[[]string]("report")
		fmt.Println("type:", err)
		_, err = kernelext.Fetch[report]("raport")
		fmt.Println("name:", err)`)).stream("stdout")
	for _, want := range []string{
		"{[ä b] map[ELBO:-99.5]} <nil>\n", "[[1 2] [3 4]]\n",
		`type: store: value "report": type differs: it holds main.report, asked for []string` + "\n",
		`name: store: value "raport" in `, `there are: "weights" (*tensors.Tensor), "report" (main.report)`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q, want %q in it", got, want)
		}
	}
}
