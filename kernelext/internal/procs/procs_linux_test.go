package procs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

const limit = time.Minute

func TestMain(m *testing.M) {
	if os.Getenv("PROCS_TEST_HOG") != "" {
		memory := bytes.Repeat([]byte{1}, 64<<20)
		time.Sleep(time.Hour)
		fmt.Println(memory[0])
	}
	os.Exit(m.Run())
}

func TestParseStat(t *testing.T) {
	for text, want := range map[string]stat{
		"7 (sh) S 3 7 7 0":             {pid: 7, parent: 3, group: 7},
		"7 (a b) (c) R 41 7 7 0":       {pid: 7, parent: 41, group: 7},
		"7 (x) Z 1 (y) S 5 7 7":        {pid: 7, parent: 5, group: 7},
		"7 (gone) Z 3 7 7":             {pid: 7, parent: 3, group: 7, dead: true},
		"7 (going) X 3 7 7":            {pid: 7, parent: 3, group: 7, dead: true},
		"7 (sleeps for ever) D 1 7 7 ": {pid: 7, parent: 1, group: 7},
	} {
		if got, ok := parseStat(7, []byte(text)); !ok || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "7", "7 (sh)", "7 (sh) S", "7 (sh) S x", "7 (sh) S 3", "7 (sh) S 3 x"} {
		if got, ok := parseStat(7, []byte(text)); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestDescends(t *testing.T) {
	parents := map[int]int{2: 1, 3: 2, 4: 3, 5: 99, 6: 7, 7: 6} // 6 and 7 are a ring, 99 is gone
	for pid, want := range map[int]bool{3: true, 4: true, 5: false, 6: false, 99: false} {
		if got := descends(pid, 2, parents); got != want {
			t.Errorf("descends(%d, 2) = %v", pid, got)
		}
	}
}

// start starts a shell script and ends it, with all in its group, at the test's end.
func start(t *testing.T, script string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	return cmd
}

// eventually waits until a list has n processes.
func eventually(t *testing.T, n int, list func() []int) []int {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		pids := list()
		if len(pids) == n {
			return pids
		}
		if time.Since(begin) > limit {
			t.Fatalf("processes %v, want %d", pids, n)
		}
	}
}

func TestDescendantsAndTree(t *testing.T) {
	tricky := filepath.Join(t.TempDir(), "x) R 1 (y")
	sleep, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tricky, sleep, 0o700); err != nil {
		t.Fatal(err)
	}
	// A child that nobody waits for stays as a zombie, and does not count.
	cmd := start(t, `sh -c '"$0" 1000 & "$0" 1000 & wait' "$TRICKY" & sh -c 'exit' & exec sleep 1000`, "TRICKY="+tricky)
	root := cmd.Process.Pid
	for name, list := range map[string]func(int) []int{"Descendants": Descendants, "Tree": Tree} {
		pids := eventually(t, 3, func() []int { return list(root) })
		if slices.Contains(pids, root) {
			t.Errorf("%s: %v holds the root %d", name, pids, root)
		}
		// A look at /proc may miss a process that is being replaced by exec: hence more than one look.
		eventually(t, 4, func() []int {
			all := list(os.Getpid())
			return all[:min(4, len(all))] // other tests' children may be there too
		})
		if none := list(1 << 30); len(none) > 0 {
			t.Errorf("%s of nobody: %v", name, none)
		}
	}
}

func TestMarked(t *testing.T) {
	mark := fmt.Sprintf("PROCS_TEST_MARK=%d-%d", os.Getpid(), time.Now().UnixNano())
	cmd := start(t, `sleep 1000 & env -i sleep 1000 & wait`, mark)
	eventually(t, 3, func() []int { return append(Tree(cmd.Process.Pid), cmd.Process.Pid) })
	pids := eventually(t, 2, func() []int { return Marked(mark) })
	if !slices.Contains(pids, cmd.Process.Pid) {
		t.Errorf("%v lacks %d", pids, cmd.Process.Pid)
	}
	if pids := Marked(mark[:len(mark)-1]); len(pids) > 0 {
		t.Errorf("a part of the mark is the mark of %v", pids)
	}
}

func TestUsageCountsEachOnce(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := start(t, `"$PROGRAM" & "$PROGRAM" & sleep 1000 & wait`, "PROCS_TEST_HOG=1", "PROGRAM="+program)
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		m, n := Usage(cmd.Process.Pid)
		if n == 3 && m.Private > 128<<20 {
			break
		}
		if time.Since(begin) > limit {
			t.Fatalf("%+v of %d processes, want two with 64 MB each and one more", m, n)
		}
	}
	m, _ := Usage(cmd.Process.Pid)
	if m.Private > 300<<20 || m.Shared == 0 || m.Shared > 64<<20 {
		t.Errorf("%+v", m)
	}
	pids := Tree(cmd.Process.Pid)
	if _, n := Usage(cmd.Process.Pid, pids[0], pids[1]); n != 1 {
		t.Errorf("%d processes but two, want 1", n)
	}
}

func TestSharesMemory(t *testing.T) {
	parent := node{size: 1000, resident: 800}
	for child, want := range map[node]bool{
		{size: 1000, resident: 800}: true,
		{size: 1000, resident: 790}: true,  // the parent's other threads continue
		{size: 1000, resident: 100}: false, // forked, and alone with what it has changed
		{size: 990, resident: 800}:  false,
	} {
		if got := child.sharesMemory(parent); got != want {
			t.Errorf("%+v: %v", child, got)
		}
	}
}
