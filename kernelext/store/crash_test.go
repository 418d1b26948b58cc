package store

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A writer killed at any moment leaves a whole version, and never one older than it had reported as saved.
func TestKilledWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	const kills = 60
	seen, midWrite := 0, 0
	for range kills {
		acknowledged := killWriter(t, dir)
		temps, _ := filepath.Glob(filepath.Join(dir, ".*.tmp-*"))
		midWrite += len(temps)
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		version, err := loadVersion(s)
		if errors.Is(err, ErrNotFound) && seen == 0 && acknowledged == 0 {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if version < max(seen, acknowledged) {
			t.Fatalf("version %d, want at least %d (seen) and %d (said to be saved)", version, seen, acknowledged)
		}
		seen = version
		if left, _ := filepath.Glob(filepath.Join(dir, ".*.tmp-*")); len(left) > 0 {
			t.Fatalf("Open left %v", left)
		}
	}
	t.Logf("%d kills, %d in the middle of a write, %d versions", kills, midWrite, seen)
	if midWrite == 0 {
		t.Errorf("none of %d kills came in the middle of a write, so nothing was tested", kills)
	}
}

// killWriter lets a writer run for a random time and returns the last version that it reported as saved.
func killWriter(t *testing.T, dir string) int {
	t.Helper()
	cmd := child(t, "writer", dir)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5*time.Millisecond + time.Duration(rand.Int64N(int64(60*time.Millisecond))))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the writer ended by itself: %v", err)
	}
	whole := out.String()[:strings.LastIndex(out.String(), "\n")+1]
	lines := strings.Fields(whole)
	if len(lines) == 0 {
		return 0
	}
	n, err := strconv.Atoi(lines[len(lines)-1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Readers that run beside two writers always find one whole version, and never an older one than before.
func TestReadersBesideWriters(t *testing.T) {
	s := openTest(t)
	if err := saveVersion(s, 0); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	for writer := range 2 {
		go func() {
			for i := 1; i <= 15; i++ {
				if err := saveVersion(s, 2*i+writer); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for finished := 0; finished < 2; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			finished++
		default:
			if _, err := loadVersion(s); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTempFiles(t *testing.T) {
	s := openTest(t)
	if err := saveVersion(s, 1); err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(s.dir, ".vae-20-000000000000"+tempInfix+"1")
	if err := os.WriteFile(dead, []byte("half"), 0o666); err != nil {
		t.Fatal(err)
	}
	writing, goOn := make(chan bool), make(chan bool)
	saved := make(chan error)
	go func() {
		saved <- s.Save(testKey(), Meta{Step: 7}, Payload{"weights", func(w io.Writer) error {
			writing <- true
			<-goOn
			return pattern(7, 10)(w)
		}})
	}()
	<-writing
	if _, err := Open(s.dir); err != nil { // another process would clean in the same manner
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of a dead writer is still there: %v", err)
	}
	goOn <- true
	if err := <-saved; err != nil {
		t.Fatalf("Open took the file of a living writer: %v", err)
	}
	if info := onlyEntry(t, s); info.Step != 7 {
		t.Errorf("step %d, want 7", info.Step)
	}
}

func TestFailedPayload(t *testing.T) {
	s := openTest(t)
	if err := saveVersion(s, 1); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("device lost")
	err := s.Save(testKey(), Meta{Step: 2}, Payload{"weights", func(io.Writer) error {
		return broken
	}})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "weights") {
		t.Errorf("error %v, want the payload's name and %v", err, broken)
	}
	if version, err := loadVersion(s); version != 1 || err != nil {
		t.Errorf("version %d, %v; want 1", version, err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, ".*.tmp-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
