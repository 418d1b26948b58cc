package run_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"deeplearning.example/kernelext/jupyter/jupytertest"
	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/run"
)

// notebook returns a notebook of code cells.
func notebook(sources ...string) *nbformat.Notebook {
	nb := &nbformat.Notebook{Metadata: map[string]any{}}
	for i, source := range sources {
		nb.Cells = append(nb.Cells, &nbformat.Cell{
			ID: "cell-" + strconv.Itoa(i+1), Type: nbformat.Code, Source: source, Metadata: map[string]any{},
		})
	}
	return nb
}

func tag(nb *nbformat.Notebook, cell int, tags ...any) {
	nb.Cells[cell-1].Metadata["tags"] = tags
}

// runFake runs a notebook on the fake kernel. It checks that no process is left and that the result is valid.
func runFake(t *testing.T, nb *nbformat.Notebook, opts run.Options) (*run.Report, error) {
	t.Helper()
	if opts.Spec == nil {
		opts.Spec = jupytertest.Spec(nil)
	}
	return runClean(t, nb, opts)
}

// runClean runs a notebook with its own TMPDIR. It checks that the folder is empty afterwards, and that no process has
// it in its environment.
func runClean(t *testing.T, nb *nbformat.Notebook, opts run.Options) (*run.Report, error) {
	t.Helper()
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	report, err := run.Notebook(testContext(t), nb, opts)
	checkClean(t, scratch)
	if report == nil {
		t.Fatal("no report")
	}
	if invalid := nb.Validate(); invalid != nil {
		t.Errorf("the executed notebook is not valid: %v", invalid)
	}
	return report, err
}

func checkClean(t *testing.T, scratch string) {
	t.Helper()
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("left in TMPDIR: %v %v", left, err)
	}
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range environs {
		environ, _ := os.ReadFile(file)
		if strings.Contains(string(environ), "TMPDIR="+scratch+"/") {
			t.Errorf("a process is left: %s", file)
		}
	}
}

// show writes outputs in a short form.
func show(cell *nbformat.Cell) string {
	var text strings.Builder
	for _, o := range cell.Outputs {
		switch o.Type {
		case nbformat.Stream:
			fmt.Fprintf(&text, "%s<%s>", o.Name, o.Text)
		case nbformat.ErrorOutput:
			fmt.Fprintf(&text, "error<%s>", o.Evalue)
		default:
			fmt.Fprintf(&text, "%s<%v>", o.Type, o.Data["text/plain"])
		}
	}
	return text.String()
}

// cellError returns err as a *run.CellError, or fails the test.
func cellError(t *testing.T, err error) *run.CellError {
	t.Helper()
	failed := new(run.CellError)
	if !errors.As(err, &failed) {
		t.Fatalf("%T %v, want a CellError", err, err)
	}
	return failed
}

// statuses writes the statuses of a report in a short form.
func statuses(r *run.Report) string {
	var all []string
	for _, cell := range r.Cells {
		all = append(all, string(cell.Status))
	}
	return strings.Join(all, ", ")
}
