package run_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"deeplearning.example/internal/testx"
	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/run"
)

const updates = `%%
gonbui.UpdateHTML("picture", "one")
fmt.Println("between")
gonbui.UpdateHTML("picture", "two")
gonbui.Sync()`

// TestGoNB runs a notebook in the real kernel. Set RUN_KEEP to a file name to keep the executed notebook.
func TestGoNB(t *testing.T) {
	nb := notebook(
		"import (\n\t\"fmt\"\n\t\"os\"\n\t\"github.com/janpfeifer/gonb/gonbui\"\n)\n\n"+
			"func double(x int) int { return 2 * x }",
		"%%\nfmt.Println(\"double\", double(21))\nfmt.Fprintln(os.Stderr, \"to stderr\")",
		updates,
		"%%\nfmt.Println(os.Getenv(\"LECTURE_MODE\"), os.Getenv(\"LECTURE_PARAMS\"))",
		"!echo from the shell",
		"%%\ngonbui.UpdateHTML(\"picture\", \"three\")\ngonbui.Sync()",
		"%%\nvar name string\nfmt.Scanln(&name)\nfmt.Printf(\"<%s>\\n\", name)",
	)
	tag(nb, 7, run.TagSkip)
	report, err := runClean(t, nb, run.Options{Spec: gonbSpec(t), Params: map[string]any{"n": 3}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	got := show(nb.Cells[1]) // GoNB does not keep the order of the two streams
	if !strings.Contains(got, "stdout<double 42\n>") || !strings.Contains(got, "stderr<to stderr\n>") {
		t.Error(got)
	}
	if got := show(nb.Cells[3]); got != "stdout<quick {\"n\":3}\n>" {
		t.Error(got)
	}
	if got := show(nb.Cells[4]); got != "stdout<from the shell\n>" {
		t.Error(got)
	}
	displays := 0
	for _, o := range nb.Cells[2].Outputs {
		if o.Type == nbformat.DisplayData {
			displays++
			if o.Data["text/html"] != "three" {
				t.Errorf("display %v, want its last state", o.Data)
			}
		}
	}
	if displays != 1 || len(nb.Cells[5].Outputs) != 0 {
		t.Errorf("%d displays, and %s", displays, show(nb.Cells[5]))
	}
	if !strings.HasPrefix(report.GoVersion, "go1.") || report.PeakBytes < 10<<20 {
		t.Errorf("%+v", report)
	}
	if info, _ := nb.Metadata["language_info"].(map[string]any); info["pygments_lexer"] != "go" {
		t.Errorf("language_info %v", info)
	}
	if err := run.Stale(nb); err != nil {
		t.Error(err)
	}
	if path := os.Getenv("RUN_KEEP"); path != "" {
		if err := nbformat.Write(path, nb); err != nil {
			t.Error(err)
		}
	}
}

// TestTimes: the lecture's kernel reports where the time of the cells went.
func TestTimes(t *testing.T) {
	nb := notebook("func double(x int) int { return 2 * x }", "%%\nfmt.Println(double(21))", "%%\nfmt.Println(double(22))",
		"!echo from the shell", "%%\nfmt.Println(double(21))")
	report, err := runClean(t, nb, run.Options{Spec: testx.Kernel(t), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	checkTimes(t, report, 4)
	if kept := report.Cells[4].Times.Kept; !kept || report.Times.Kept < 1 {
		t.Errorf("the program of the last cell is that of the second: kept = %v, %+v", kept, report.Times)
	}
}

// checkTimes checks that the parts of each cell's time are a part of it, and that the report has their sums.
func checkTimes(t *testing.T, report *run.Report, programs int) {
	t.Helper()
	if report.Times == nil || report.Times.Programs != programs {
		t.Fatalf("times %+v, want those of %d programs", report.Times, programs)
	}
	sums := map[string]float64{}
	for _, c := range report.Cells {
		if c.Times == nil {
			continue
		}
		sum := 0.0
		for part, seconds := range c.Times.Seconds {
			sum += seconds
			sums[part] += seconds
		}
		if sum <= 0 || sum > c.Seconds+0.002 {
			t.Errorf("cell %d took %.3f s, its parts %.3f s: %v", c.CodeCell, c.Seconds, sum, c.Times.Seconds)
		}
	}
	for part, want := range sums {
		if got := report.Times.Seconds[part]; math.Abs(got-want) > 0.01 {
			t.Errorf("%s: %.3f s in the report, %.3f s in the cells", part, got, want)
		}
	}
	for _, group := range []string{"computing ", "linking ", "XLA ", "compiling ", "starting "} {
		if !strings.Contains(report.Times.String(), group) {
			t.Errorf("%q does not tell %s", report.Times, group)
		}
	}
}

// TestGoNBFailures checks the message and the place of each kind of failure.
func TestGoNBFailures(t *testing.T) {
	const define = "import (\"fmt\"; \"os\"; \"errors\"; \"log\"; \"testing\"; \"runtime\"; \"time\")\n\n" +
		"func at(i int) int {\n\treturn []int{1}[i]\n}\n\n" +
		"func slowly() {\n\t_, file, line, _ := runtime.Caller(0)\n" + // as the runtime may write a stack
		"\tfmt.Fprintf(os.Stderr, \"panic: boom\\n\\ngoroutine 1 [running]:\\nmain.slowly()\\n\\t%s\", file)\n" +
		"\ttime.Sleep(time.Second)\n\tfmt.Fprintf(os.Stderr, \":%d +0x1\\n\", line)\n\tos.Exit(2)\n}"
	spec := gonbSpec(t)
	for _, test := range []struct{ name, code, want string }{
		{"compile error", "%%\nfmt.Println(1)\nfmt.Println(undefinedThing)",
			"nb: cell 2 (code cell 2), line 3: undefined: undefinedThing"},
		{"syntax error", "func (", "nb: cell 2 (code cell 2), line 1: expected ')', found 'EOF'"},
		{"panic", "%%\nfmt.Println(1)\npanic(errors.New(\"boom\"))", "nb: cell 2 (code cell 2), line 3: panic: boom"},
		{"panic in an earlier cell's function", "%%\nfmt.Println(at(3))",
			"nb: cell 2 (code cell 2), line 4 of cell 1: panic: runtime error: index out of range [3] with length 1"},
		{"panic whose place is written in pieces", "%%\nslowly()", "nb: cell 2 (code cell 2), line 8 of cell 1: panic: boom"},
		{"exit", "%%\nlog.SetFlags(0)\nlog.Fatal(\"no data\")", "nb: cell 2 (code cell 2): exit status 1: no data"},
		{"test", "%test\nfunc TestX(t *testing.T) { t.Error(\"want 3\") }", "nb: cell 2 (code cell 2): failed: TestX"},
		{"unknown command", "%nonesuch\n%%\nfmt.Println(1)",
			"nb: cell 2 (code cell 2): the kernel does not know the command %nonesuch"},
		{"unknown cell command", "%%nonesuch", "nb: cell 2 (code cell 2): the kernel does not know the command %%nonesuch"},
		{"shell", "!exit 3", "nb: cell 2 (code cell 2): a shell command of the cell failed: exit status 3"},
		{"bash cell", "%%bash\nfalse", "nb: cell 2 (code cell 2): a shell command of the cell failed: exit status 1"},
		{"like a shell's", "%%\nfmt.Fprintln(os.Stderr, \"exit status 3\")", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			nb := notebook(define, test.code, "%%\nfmt.Println(\"never\")")
			_, err := runClean(t, nb, run.Options{Name: "nb", Spec: spec, Timeout: time.Minute})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestGoNBTimeout: cells that end at the interrupt, that ignore it, and that are still being compiled.
func TestGoNBTimeout(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	spec := gonbSpec(t)
	const define = "import (\"fmt\"; \"os\"; \"os/signal\"; \"time\")"
	for name, code := range map[string]string{
		"obeys":   "%%\nfmt.Println(\"started\")\ntime.Sleep(time.Hour)",
		"ignores": "%%\nsignal.Ignore(os.Interrupt)\nfmt.Println(\"started\")\ntime.Sleep(time.Hour)",
		"shell":   "!echo started; sleep 1000 & sleep 1000",
	} {
		t.Run(name, func(t *testing.T) {
			nb := notebook(define, code)
			_, err := runClean(t, nb, run.Options{Spec: spec, Timeout: 6 * time.Second})
			if failed := cellError(t, err); failed.Status != run.StatusTimeout {
				t.Error(err)
			}
			if got := show(nb.Cells[1]); !strings.Contains(got, "started") {
				t.Errorf("outputs %q", got)
			}
		})
	}
}

// TestGoNBCancel: Ctrl-C while a cell runs that has a child in a separate session.
func TestGoNBCancel(t *testing.T) {
	nb := notebook("import (\"fmt\"; \"os\"; \"os/exec\"; \"syscall\"; \"time\")", `%%
cmd := exec.Command("sleep", "1000")
cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
if err := cmd.Start(); err != nil { panic(err) }
os.WriteFile("started", []byte(fmt.Sprint(cmd.Process.Pid)), 0o644)
time.Sleep(time.Hour)`)
	spec := gonbSpec(t)
	scratch, dir := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", scratch)
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(dir, "started")); err == nil {
				cancel()
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	report, err := run.Notebook(ctx, nb, run.Options{Spec: spec, Dir: dir})
	if !errors.Is(err, context.Canceled) || statuses(report) != "ok, interrupted" {
		t.Errorf("%v, statuses %s", err, statuses(report))
	}
	checkClean(t, scratch)
}
