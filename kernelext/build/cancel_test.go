package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCancel: the end of ctx kills the tool with all its children, and no part of a program stays.
func TestCancel(t *testing.T) {
	for _, args := range [][]string{{"build", "-race"}, {"build"}} { // by the go command, while packages are listed
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			x := newBench(t)
			pids := filepath.Join(t.TempDir(), "pids")
			tool := filepath.Join(t.TempDir(), "go")
			write(t, tool, "#!/bin/sh\nsleep 1000 &\necho part > "+x.out()+"\necho $$ $! >> "+pids+"\nwait\n")
			if err := os.Chmod(tool, 0o700); err != nil {
				t.Fatal(err)
			}
			x.opts.Go = tool
			write(t, filepath.Join(x.dir, "main.go"), program([]string{"fmt"}, "fmt.Print(1)"))
			job := x.job()
			job.Args = args
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				for len(readPIDs(pids)) < 2 {
					time.Sleep(time.Millisecond)
				}
				cancel()
			}()
			if _, err := x.Build(ctx, job); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want %v", err, context.Canceled)
			}
			if _, err := os.Stat(x.out()); err == nil {
				t.Error("part of a program is left")
			}
			mustDie(t, readPIDs(pids))
		})
	}
}

func readPIDs(path string) []int {
	raw, _ := os.ReadFile(path)
	if !strings.HasSuffix(string(raw), "\n") {
		return nil
	}
	var pids []int
	for _, field := range strings.Fields(string(raw)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// mustDie waits until processes have ended or are dead.
func mustDie(t *testing.T, pids []int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		living := 0
		for _, pid := range pids {
			raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
			if syscall.Kill(pid, 0) == nil && (err != nil || !strings.Contains(string(raw), ") Z ")) {
				living++
			}
		}
		if living == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of the processes %v live", living, pids)
		}
	}
}
