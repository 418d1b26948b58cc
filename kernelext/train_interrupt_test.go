package kernelext

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"deeplearning.example/kernelext/internal/agent"
)

// patience ends a test that hangs. It is far more than anything here takes.
const patience = 2 * time.Minute

// TestSupervisedChild is the cell of the tests below; as a test it does nothing.
func TestSupervisedChild(t *testing.T) {
	dir := os.Getenv("SUPERVISED_TEST_STORE")
	if dir == "" {
		return
	}
	m := &compiling{newToy(60)}
	_, err := Train(Context(), m, WithStore(openStore(t, dir)), WithBar())
	t.Fatalf("Train returned %v", err)
}

// compiling is a model whose first step takes for ever, as XLA's compilation nearly does, and which does not look up.
type compiling struct{ *toy }

func (m *compiling) Run(context.Context, func(int, map[string]float64) error) error {
	time.Sleep(time.Hour)
	return nil
}

// cellRun is a cell's program below a kernel that listens.
type cellRun struct {
	cmd         *exec.Cmd
	out, errOut bytes.Buffer
	told        chan agent.Request
}

// Handle makes a cellRun the kernel.
func (c *cellRun) Handle(_ context.Context, r agent.Request) (agent.Reply, []*os.File, bool) {
	c.told <- r
	return agent.Reply{}, nil, false
}

func startCell(t *testing.T, storeDir string) *cellRun {
	t.Helper()
	dir, err := os.MkdirTemp("", "cell") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, err := agent.Listen(filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	c := &cellRun{told: make(chan agent.Request, 100)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(c) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	c.cmd = exec.CommandContext(ctx, os.Args[0], "-test.run=^TestSupervisedChild$")
	c.cmd.Env = append(os.Environ(), "SUPERVISED_TEST_STORE="+storeDir, agent.SocketVariable+"="+filepath.Join(dir, "s"),
		"GORACE=atexit_sleep_ms=0")
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.errOut
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	return c
}

// hear waits for the next word of the cell.
func (c *cellRun) hear(t *testing.T) agent.Request {
	t.Helper()
	select {
	case r := <-c.told:
		if r.PID != c.cmd.Process.Pid {
			t.Errorf("%+v is not the cell's, which is process %d", r, c.cmd.Process.Pid)
		}
		return r
	case <-time.After(patience):
		t.Fatal("the cell says nothing")
		return agent.Request{}
	}
}

// An interrupt while the first step is still compiled ends the program at once, wherever the training stood.
func TestInterruptWhileCompiling(t *testing.T) {
	for step, line := range map[int]string{
		0:  "interrupted at step 0 of 60; run the cell again to start\n",
		30: "interrupted at step 30 of 60, saved; run the cell again to resume\n",
	} {
		st := newStore(t)
		if step > 0 {
			interruptAt(t, st, newToy(60), step)
		}
		c := startCell(t, st.Dir())
		if r := c.hear(t); r.Op != agent.OpTiming || r.Name != "start" || r.Seconds != 0 {
			t.Errorf("the first told is %+v, want that it has started", r)
		}
		if r := c.hear(t); r.Op != agent.OpProgress || r.Step != int64(step) {
			t.Errorf("told %+v, want step %d", r, step)
		}
		if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		_ = c.cmd.Wait()
		if code := c.cmd.ProcessState.ExitCode(); code != exitStopped { // -1: patience was over, as the model never ends
			t.Errorf("exit code %d, want %d", code, exitStopped)
		}
		expectText(t, c.out.String(), line)
		if c.errOut.Len() > 0 {
			t.Errorf("stderr %q", &c.errOut)
		}
		if step > 0 {
			if r := c.hear(t); r.Op != agent.OpSaved || r.Step != int64(step) {
				t.Errorf("told %+v, want step %d saved", r, step)
			}
		}
	}
}
