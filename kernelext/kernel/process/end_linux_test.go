package process_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"deeplearning.example/kernelext/kernel/process"
)

func TestEndAsksFirst(t *testing.T) {
	saved := filepath.Join(t.TempDir(), "saved")
	script := `
trap 'echo gonb >>"$SAVED"; exit 5' TERM
sh -c 'trap "sleep 0.2; echo cell >>\"\$SAVED\"; exit" TERM; echo ready; while :; do sleep 0.01; done' cell "$1" &
while :; do sleep 0.01; done`
	g, _ := start(t, script, token(t), func(c *process.Config) { c.Env = append(os.Environ(), "SAVED="+saved) })
	if err := g.End(limit); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(saved); string(text) != "cell\ngonb\n" {
		t.Errorf("saved %q, %v, want cell before gonb", text, err)
	}
	if err := g.Err(); err == nil || err.Error() != "exit status 5" {
		t.Errorf("Err() = %v", err)
	}
}

func TestEndLosesPatience(t *testing.T) {
	tok, dir := token(t), private(t)
	g, _ := start(t, stubborn, tok, func(c *process.Config) { c.Private = dir })
	if err := g.End(50 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if left := withToken(tok); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if err := g.Err(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("Err() = %v", err)
	}
	if !exists(dir) {
		t.Error("End has removed the private folder, which the next command is to use")
	}
}

// Processes that live for 1 ms and each leave a child in a separate session are caught.
func TestEndCatchesComets(t *testing.T) {
	tok := token(t)
	g, _ := start(t, `
for i in 1 2 3; do sh -c "$COMET" comet "$1" & done
echo ready
sleep "$1"`, tok, func(c *process.Config) {
		c.Env = append(os.Environ(), `COMET=setsid sh -c "$COMET" comet "$1" & exit`)
	})
	time.Sleep(50 * time.Millisecond)
	if err := g.End(0); err != nil {
		t.Fatal(err)
	}
	if left := withToken(tok); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// End also works if the guards have been stopped by a signal.
func TestEndOfStoppedGuards(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until the guards have no more time")
	}
	tok := token(t)
	g, _ := start(t, stubborn, tok, nil)
	inner := parent(g.PID())
	for _, pid := range []int{inner, parent(inner)} {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.End(0); err != nil {
		t.Fatal(err)
	}
	if left := withToken(tok); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}
