//go:build unix

package xlacache

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// envWorker makes this test binary a process that uses the cache in the folder that it names.
const envWorker = "XLACACHE_TEST_WORKER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envWorker); dir != "" {
		if err := work(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// content returns a payload of 64 KB that its key determines.
func content(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%8d", i), 1<<13) }

// work gets and puts entries for a second, and fails if an entry has a wrong content. The cache holds about a third of
// the entries.
func work(dir string) error {
	c, err := Open(dir)
	if err != nil {
		return err
	}
	c.limit = 10 * 1 << 16
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		i := rand.IntN(30)
		e, found := c.Get(keyOf(i))
		if found && !bytes.Equal(e.Payload, content(i)) {
			return fmt.Errorf("entry %d has a wrong content", i)
		}
		if !found {
			if err := c.Put(keyOf(i), Entry{content(i), 0}); err != nil {
				return err
			}
		}
	}
	return nil
}

func worker(dir string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envWorker+"="+dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

// TestProcesses: eight processes use one folder, while others are killed at 50 random moments.
func TestProcesses(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		var steady []*exec.Cmd
		var outputs []*bytes.Buffer
		for range 8 {
			cmd, out := worker(dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			steady, outputs = append(steady, cmd), append(outputs, out)
		}
		for range 10 {
			victim, out := worker(dir)
			if err := victim.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
			_ = victim.Process.Kill()
			if err := victim.Wait(); err != nil && out.Len() > 0 {
				t.Errorf("a killed process: %v: %s", err, out)
			}
		}
		for i, cmd := range steady {
			if err := cmd.Wait(); err != nil {
				t.Errorf("process %d: %v: %s", i, err, outputs[i])
			}
		}
	}
	if out, err := runWorker(dir); err != nil {
		t.Errorf("after all: %v: %s", err, out)
	}
}

func runWorker(dir string) (string, error) {
	cmd, out := worker(dir)
	err := cmd.Run()
	return out.String(), err
}

// TestFullDisk: where files cannot grow, as on a full disk, the first failure ends the writing, and no part of a file
// stays.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "ulimit -f 8; exec "+os.Args[0]) // 8 blocks: less than an entry
	cmd.Env = append(os.Environ(), envWorker+"="+dir)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "file too large") {
		t.Errorf("put on a full disk: %v: %s", err, out)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("files left: %v", left)
	}
}

// TestWritingEndsAtTheFirstFailure: the folder disappears, and every put after the first failure is silent.
func TestWritingEndsAtTheFirstFailure(t *testing.T) {
	c := openTemp(t)
	if err := os.Remove(c.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := c.Put(keyOf(1), Entry{payload(1), 0}); err == nil || c.Writable() {
		t.Errorf("put without a folder: %v, writable = %v", err, c.Writable())
	}
	if err := c.Put(keyOf(2), Entry{payload(2), 0}); err != nil {
		t.Errorf("the second put: %v", err)
	}
}
