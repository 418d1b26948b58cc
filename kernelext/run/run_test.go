package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/jupyter/jupytertest"
	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/run"
)

// TestOutputs checks what each sequence of messages becomes in the notebook.
func TestOutputs(t *testing.T) {
	nb := notebook(
		`print a\nb\nprint c\nstderr d\nprint e`,
		"print a\nprint b\nstderr c\nprint d",
		"display one first\nprint x\nupdate one second",
		"update one third\nprint y",
		"print gone\nclear\nprint stays",
		"print gone\nclear wait\nprint stays",
		"print stays\nclear wait",
		`print 10%\r20%\r30%\nprint \r100%\n`,
		"result - 7",
		"display same a\ndisplay same b",
		"update nobody x",
	)
	report, err := runFake(t, nb, run.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"stdout<a\nb\nprint c\nstderr d\nprint e>",
		"stdout<ab>stderr<c>stdout<d>",
		"display_data<third>stdout<x>",
		"stdout<y>",
		"stdout<stays>",
		"stdout<stays>",
		"stdout<stays>",
		"stdout<30%\n100%t \n>",
		"execute_result<7>",
		"display_data<b>display_data<b>",
		"",
	}
	for i, cell := range nb.Cells {
		if got := show(cell); got != want[i] {
			t.Errorf("cell %d: %s, want %s", i+1, got, want[i])
		}
		if cell.ExecutionCount == nil || *cell.ExecutionCount != i+1 {
			t.Errorf("cell %d: execution count %v", i+1, cell.ExecutionCount)
		}
	}
	if report.Status != run.StatusOK || report.Kernel != "fake" || report.Mode != run.Quick {
		t.Errorf("%+v", report)
	}
}

func TestStopsAtFailure(t *testing.T) {
	nb := notebook("print 1", "print 2\nerror NameError no such thing\nprint never", "print 3")
	nb.Cells = append([]*nbformat.Cell{{ID: "text", Type: nbformat.Markdown, Source: "# Title"}}, nb.Cells...)
	nb.Cells[3].Outputs = []nbformat.Output{{Type: nbformat.Stream, Name: "stdout", Text: "from an earlier run"}}
	report, err := runFake(t, nb, run.Options{Name: "vae.ipynb"})
	failed := cellError(t, err)
	if got, want := failed.Error(), "vae.ipynb: cell 3 (code cell 2): NameError: no such thing"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := statuses(report); got != "ok, error, not run" || report.Status != run.StatusError {
		t.Errorf("statuses %s, %s", got, report.Status)
	}
	if got := show(nb.Cells[2]); got != "stdout<2>error<no such thing>" {
		t.Errorf("outputs %s", got)
	}
	if nb.Cells[3].Outputs != nil {
		t.Error("a cell that did not run keeps outputs of an earlier run")
	}
	if err := run.Stale(nb); err == nil {
		t.Error("the outputs of a failed run pass as complete")
	}
}

func TestTags(t *testing.T) {
	nb := notebook("error A b", "die 1", "  \n", "print end")
	tag(nb, 1, "other", run.TagRaises)
	tag(nb, 2, run.TagSkip)
	report, err := runFake(t, nb, run.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := statuses(report); got != "allowed, skipped, skipped, ok" {
		t.Errorf("statuses %s", got)
	}
	if err := run.Stale(nb); err != nil {
		t.Errorf("stale: %v", err)
	}
	dying := notebook("print x\ndie 9")
	tag(dying, 1, run.TagRaises)
	if _, err := runFake(t, dying, run.Options{}); cellError(t, err).Status != run.StatusDied {
		t.Errorf("a death is allowed: %v", err)
	}
}

func TestDeath(t *testing.T) {
	nb := notebook("print before\ndie 5", "print never")
	report, err := runFake(t, nb, run.Options{})
	failed := cellError(t, err)
	exit := new(jupyter.ExitError)
	if failed.Status != run.StatusDied || !errors.As(err, &exit) || exit.State != "exit status 5" {
		t.Errorf("%v", err)
	}
	if got := show(nb.Cells[0]); got != "stdout<before>" || statuses(report) != "died, not run" {
		t.Errorf("outputs %s, statuses %s", got, statuses(report))
	}
}

// TestTimeout: a cell that ends at the interrupt, one that does not, and one that has stopped the kernel.
func TestTimeout(t *testing.T) {
	for code, want := range map[string]string{
		"print a\nwait": "ran longer than 300ms",
		"print a\nsave": "ran longer than 300ms",
		"print a\nhang": "ran longer than 300ms; it did not end within 500ms of the interrupt and was killed",
		"print a\nstop": "ran longer than 300ms; the kernel hangs",
	} {
		nb := notebook(code, "print never")
		report, err := runFake(t, nb, run.Options{Timeout: 300 * time.Millisecond, Grace: 500 * time.Millisecond})
		failed := cellError(t, err)
		if failed.Status != run.StatusTimeout || !strings.HasPrefix(failed.Message, want) {
			t.Errorf("%s: %s %v", code, failed.Status, err)
		}
		if got := show(nb.Cells[0]); !strings.HasPrefix(got, "stdout<a") || statuses(report) != "timeout, not run" {
			t.Errorf("%s: outputs %s, statuses %s", code, got, statuses(report))
		}
	}
}

// TestCancel: the context ends, as by Ctrl-C, in a cell and between cells.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	nb := notebook("print first", "print second\nsave", "print never")
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	report, err := run.Notebook(ctx, nb, run.Options{Spec: jupytertest.Spec(nil), OnEvent: func(e run.Event) {
		if e.Kind == run.EventCell && e.Cell == 2 {
			time.AfterFunc(300*time.Millisecond, cancel)
		}
	}})
	checkClean(t, scratch)
	if failed := cellError(t, err); failed.Status != run.StatusInterrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if got := show(nb.Cells[1]); got != "stdout<secondsaved\n>" || statuses(report) != "ok, interrupted, not run" {
		t.Errorf("outputs %s, statuses %s", got, statuses(report))
	}

	ctx, cancel = context.WithCancel(testContext(t))
	defer cancel()
	nb = notebook("print first", "print never")
	report, err = run.Notebook(ctx, nb, run.Options{Spec: jupytertest.Spec(nil), OnEvent: func(e run.Event) {
		if e.Kind == run.EventCellDone {
			cancel()
		}
	}})
	if failed := cellError(t, err); failed.Cell != 2 || statuses(report) != "ok, interrupted" {
		t.Errorf("%v %s", err, statuses(report))
	}
	checkClean(t, scratch)
}

// TestFlood: a cell keeps its first and its last outputs, and no more than its limit.
func TestFlood(t *testing.T) {
	nb := notebook("print begin\nflood 20000000\nprint end", "print next")
	report, err := runFake(t, nb, run.Options{MaxOutput: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if r := report.Cells[0]; r.OutputBytes < 20e6 || r.LeftOutBytes < 18e6 || r.LeftOutBytes > r.OutputBytes {
		t.Errorf("%+v", r)
	}
	size := 0
	for _, o := range nb.Cells[0].Outputs {
		size += len(o.Text)
	}
	got := show(nb.Cells[0])
	if size > 1<<20 || size < 1<<19 {
		t.Errorf("%d bytes are kept of 20 MB with a limit of 1 MiB", size)
	}
	if !strings.HasPrefix(got, "stdout<begin") || !strings.HasSuffix(got, "end>") ||
		!strings.Contains(got, "bytes left out here") {
		t.Errorf("%.40s … %s", got, got[len(got)-40:])
	}
}

// TestEndlessFlood: a cell that prints for ever is ended, and the error mentions the flood.
func TestEndlessFlood(t *testing.T) {
	nb := notebook("flood 1000000000000")
	opts := run.Options{MaxOutput: 1 << 20, Timeout: 2 * time.Second, Grace: 500 * time.Millisecond}
	report, err := runFake(t, nb, opts)
	failed := cellError(t, err)
	if failed.Status != run.StatusTimeout || !strings.Contains(failed.Message, "it floods: ") {
		t.Error(err)
	}
	if r := report.Cells[0]; r.LeftOutBytes <= 0 || r.OutputBytes < r.LeftOutBytes {
		t.Errorf("%+v", r)
	}
}

func TestInputAndOrphan(t *testing.T) {
	nb := notebook("input your name", "orphan")
	if _, err := runFake(t, nb, run.Options{}); err != nil {
		t.Fatal(err)
	}
	got := show(nb.Cells[0])
	if !strings.Contains(got, `asks for input ("your name")`) || !strings.Contains(got, "ok got <>") {
		t.Error(got)
	}
}

func TestEnvironment(t *testing.T) {
	nb := notebook("env LECTURE_MODE", "env LECTURE_PARAMS", "cwd")
	dir := t.TempDir()
	t.Setenv("LECTURE_PARAMS", "from outside")
	opts := run.Options{
		Mode: run.Full, Dir: dir, Params: map[string]any{"epochs": 3, "lr": 0.5, "name": "a b", "on": true},
		Spec: jupytertest.Spec(map[string]string{"LECTURE_MODE": "quick"}),
	}
	if _, err := runFake(t, nb, opts); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"full\n", `{"epochs":3,"lr":0.5,"name":"a b","on":true}` + "\n", dir + "\n"} {
		if got := show(nb.Cells[i]); got != "stdout<"+want+">" {
			t.Errorf("%s, want %s", got, want)
		}
	}
	nb = notebook("env LECTURE_PARAMS")
	if _, err := runFake(t, nb, run.Options{}); err != nil || show(nb.Cells[0]) != "stdout<\n>" {
		t.Errorf("LECTURE_PARAMS without parameters: %s %v", show(nb.Cells[0]), err)
	}
}

func TestNoKernel(t *testing.T) {
	t.Setenv("JUPYTER_PATH", t.TempDir())
	nb := notebook("print x")
	_, err := run.Notebook(t.Context(), nb, run.Options{})
	if err == nil || !strings.Contains(err.Error(), "names no kernel") {
		t.Error(err)
	}
	nb.Metadata["kernelspec"] = map[string]any{"name": "nonesuch", "display_name": "x"}
	missing := new(jupyter.NotInstalledError)
	report, err := run.Notebook(t.Context(), nb, run.Options{Name: "a.ipynb"})
	if !errors.As(err, &missing) || missing.Name != "nonesuch" || report.Error == "" {
		t.Errorf("%v", err)
	}
	_, err = runFake(t, nb, run.Options{
		Spec: jupytertest.Spec(map[string]string{"JUPYTERTEST_START": "mute"}), StartTimeout: time.Second,
	})
	if err == nil || !strings.Contains(err.Error(), "not within 1s") {
		t.Error(err)
	}
}

// TestReport: memory, times, and events with an estimate.
func TestReport(t *testing.T) {
	nb := notebook("print small", "alloc 100", "print small")
	var kinds []string
	var last time.Duration
	opts := run.Options{Name: "n", Machine: &run.Machine{Cores: 2, CPU: "c", GPU: "none"}, OnEvent: func(e run.Event) {
		kinds = append(kinds, string(e.Kind))
		last = e.Remaining
		if e.Kind == run.EventCellDone && e.CodeCell < 3 && e.Remaining <= 0 {
			t.Errorf("no estimate: %+v", e)
		}
	}}
	report, err := runFake(t, nb, opts)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(kinds, " "); got != "starting ready cell done cell done cell done finished" || last != 0 {
		t.Errorf("events %s, remaining %v", got, last)
	}
	small, large := report.Cells[0].PeakBytes, report.Cells[1].PeakBytes
	if small <= 0 || large < small+90<<20 || large > small+800<<20 || report.PeakBytes < large {
		t.Errorf("peaks %d and %d bytes, of all %d", small, large, report.PeakBytes)
	}
	if report.Cells[1].Seconds < 0.25 || report.Seconds < report.Cells[1].Seconds {
		t.Errorf("times %+v", report)
	}
	data, err := run.JSON([]*run.Report{report})
	if err != nil {
		t.Fatal(err)
	}
	var back []run.Report
	if err := json.Unmarshal(data, &back); err != nil || back[0].Cells[1] != report.Cells[1] {
		t.Errorf("%s %v", data, err)
	}
}
