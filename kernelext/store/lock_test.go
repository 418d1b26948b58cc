package store

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The lock holds across processes. The waiter is told who holds it, can be stopped, and gets the lock when the holder
// dies.
func TestLockAcrossProcesses(t *testing.T) {
	s := openTest(t)
	before := time.Now().Add(-time.Minute)
	cmd := child(t, "holder", s.dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if line := firstLine(t, stdout); line != "locked\n" {
		t.Fatalf("holder says %q", line)
	}

	ctx, cancel := context.WithCancel(t.Context())
	var told []Holder
	_, err = s.Lock(ctx, testKey(), func(h Holder) {
		told = append(told, h)
		cancel()
	})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "vae-20-") {
		t.Errorf("error %v, want context.Canceled and the entry", err)
	}
	if len(told) != 1 || told[0].PID != cmd.Process.Pid || told[0].Start.Before(before) || told[0].Host == "" {
		t.Fatalf("told %+v, want one holder with PID %d", told, cmd.Process.Pid)
	}
	// Another key is another lock, and readers and writers of entries do not wait.
	other, err := s.Lock(t.Context(), Key{Name: "som"}, nil)
	if err == nil {
		err = other.Unlock()
	}
	if err == nil {
		err = saveVersion(s, 1)
	}
	if err != nil {
		t.Fatal(err)
	}

	lock, err := s.Lock(t.Context(), testKey(), func(Holder) { _ = cmd.Process.Kill() })
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stdout)
	_ = cmd.Wait()
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}

// Only one goroutine at a time holds the lock, also while the lock file is repeatedly removed.
func TestLockExcludes(t *testing.T) {
	s := openTest(t)
	if err := saveVersion(s, 1); err != nil {
		t.Fatal(err)
	}
	id, _ := testKey().ID()
	inside := make(chan bool, 1)
	done := make(chan error)
	for range 4 {
		go func() {
			for range 5 {
				lock, err := s.Lock(t.Context(), testKey(), nil)
				if err != nil {
					done <- err
					return
				}
				select {
				case inside <- true:
				default:
					done <- errors.New("two goroutines hold the lock")
					return
				}
				<-inside
				err = os.Remove(filepath.Join(s.dir, locksFolder, id+".lock")) // the last act of Remove
				if err := errors.Join(err, lock.Unlock()); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func TestHolderString(t *testing.T) {
	at := time.Date(2026, 1, 2, 12, 3, 4, 0, time.Local)
	for _, test := range []struct {
		holder Holder
		want   string
	}{
		{Holder{PID: 12, Host: "alpha", Start: at}, "process 12 on alpha, since 12:03:04"},
		{Holder{}, "another process"},
	} {
		if got := test.holder.String(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
