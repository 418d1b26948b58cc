package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"testing"

	"deeplearning.example/internal/peers/frontends"
	"deeplearning.example/kernelext/setup"
)

// verdict is one line of testdata/kernel_suite.py.
type verdict struct{ Name, Result, Text string }

// minVerdicts is the number of tests in the suite, so that a missing one is noticed.
const minVerdicts = 24

// TestJupyterKernelTest passes on the verdicts of Jupyter's test suite for kernels.
func TestJupyterKernelTest(t *testing.T) {
	frontends.Need(t)
	i := frontends.Install(t)
	ctx, cancel := context.WithTimeout(t.Context(), frontends.Patience)
	defer cancel()
	script, err := os.ReadFile("testdata/kernel_suite.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := i.Command(ctx, t.TempDir(), "python", "-c", string(script), setup.KernelName)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	count := 0
	for lines := bufio.NewScanner(out); lines.Scan(); count++ {
		var v verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Errorf("the suite says %q: %v", lines.Text(), err)
			continue
		}
		t.Run(v.Name, func(t *testing.T) { v.pass(t) })
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if count < minVerdicts {
		t.Errorf("%d tests have run, want %d at least", count, minVerdicts)
	}
}

func (v verdict) pass(t *testing.T) {
	switch v.Result {
	case "pass":
	case "skip":
		t.Skip(v.Text)
	default:
		t.Error(v.Text)
	}
}
