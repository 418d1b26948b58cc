package kernelext

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"deeplearning.example/kernelext/store"
)

// A store that cannot be written restores what is finished, and refuses the rest before a step is taken.
func TestTrainWithReadOnlyStore(t *testing.T) {
	s := newStore(t)
	if _, err := Train(t.Context(), newToy(10), WithStore(s), WithOutput(io.Discard)); err != nil {
		t.Fatal(err)
	}
	folders := []string{s.Dir(), filepath.Join(s.Dir(), "locks")}
	for _, dir := range folders {
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	}
	for dir := filepath.Dir(s.Dir()); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if os.Geteuid() == 0 { // root may write everywhere: be nobody for the files that this thread touches
		if err := unix.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Setfsuid(0) }()
	}
	result, err := Train(t.Context(), newToy(10), WithStore(s), WithOutput(io.Discard))
	if err != nil || !result.Restored {
		t.Errorf("finished: %+v, %v; want it restored", result, err)
	}
	m := newToy(11)
	_, err = Train(t.Context(), m, WithStore(s), WithOutput(io.Discard))
	if !errors.Is(err, store.ErrReadOnly) || m.ran > 0 {
		t.Errorf("new: %v after %d steps, want ErrReadOnly at once", err, m.ran)
	}
}
