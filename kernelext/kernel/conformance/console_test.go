package conformance

import (
	"context"
	"os"
	"testing"

	"deeplearning.example/internal/peers/frontends"
	"deeplearning.example/kernelext/setup"
)

// TestConsole holds a session with jupyter console on a terminal: lines that are not complete, history, completion, an
// error, an interrupt.
func TestConsole(t *testing.T) {
	frontends.Need(t)
	i := frontends.Install(t)
	ctx, cancel := context.WithTimeout(t.Context(), frontends.Patience)
	defer cancel()
	script, err := os.ReadFile("testdata/console.py")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := i.Command(ctx, t.TempDir(), "python", "-c", string(script), setup.KernelName).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
