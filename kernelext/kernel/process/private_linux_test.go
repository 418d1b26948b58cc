package process_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"deeplearning.example/kernelext/kernel/process"
)

func makePrivate(t *testing.T, parent string) *process.Private {
	t.Helper()
	p, err := process.MakePrivate(helper, parent, privatePrefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Remove() })
	return p
}

func TestRemoveTakesAll(t *testing.T) {
	before := descriptors(t)
	p := makePrivate(t, t.TempDir())
	if err := fill(p.Path()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Remove(); err != nil || exists(p.Path()) {
			t.Errorf("Remove() = %v, the folder is there: %v", err, exists(p.Path()))
		}
	}
	if alive(p.Keeper()) {
		t.Error("the keeper lives")
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func TestKeeperIsReplaced(t *testing.T) {
	p := makePrivate(t, t.TempDir())
	for range 3 {
		old := p.Keeper()
		if info, err := os.Stat(p.Path()); err != nil || info.Mode().Perm() != 0o700 {
			t.Fatalf("%v, %v, want a folder for this user alone", info, err)
		}
		syscall.Kill(old, syscall.SIGKILL)
		eventually(t, "a new keeper", func() bool { return p.Keeper() != old && isKeeper(p.Keeper()) })
	}
	if err := p.Remove(); err != nil || exists(p.Path()) {
		t.Errorf("Remove() = %v, the folder is there: %v", err, exists(p.Path()))
	}
}

func TestMakePrivateSaysWhatIsWrong(t *testing.T) {
	parent, before := t.TempDir(), descriptors(t)
	for want, args := range map[string][2]string{
		"stat /nowhere: no such": {helper, "/nowhere"},
		"keeper of a private":    {"/nowhere/helper", parent},
	} {
		if p, err := process.MakePrivate(args[0], args[1], privatePrefix); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("MakePrivate%q = %v, %v, want %q", args, p, err, want)
		}
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v are left", entries, err)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// folder creates a folder with a file in it, and another file if lock is not empty.
func folder(t *testing.T, path, lock string, age time.Duration) string {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := fill(path); err != nil {
		t.Fatal(err)
	}
	if lock != "" {
		if err := os.WriteFile(filepath.Join(path, lock), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	then := time.Now().Add(-age)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(path, "tmp", "gonb_x", "locked"), 0o700) }) // for t.TempDir
	return path
}

func TestRemoveStale(t *testing.T) {
	parent, elsewhere := t.TempDir(), t.TempDir()
	used := makePrivate(t, parent)
	name := func(name string) string { return filepath.Join(parent, name) }
	stale := []string{
		folder(t, name("lecture-kernel-dead"), "lock", 0),
		folder(t, name("lecture-kernel-old"), "", 2*time.Hour),
	}
	stay := []string{
		used.Path(),
		folder(t, name("lecture-kernel-young"), "", time.Minute),
		folder(t, name("lecture-other"), "lock", 2*time.Hour),
		folder(t, elsewhere, "lock", 2*time.Hour),
	}
	if err := os.Symlink(elsewhere, name("lecture-kernel-link")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name("lecture-kernel-file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	removed, err := process.RemoveStale(helper, parent, privatePrefix)
	if slices.Sort(removed); err != nil || !slices.Equal(removed, stale) {
		t.Errorf("RemoveStale() = %q, %v, want %q", removed, err, stale)
	}
	for _, path := range stale {
		if exists(path) {
			t.Errorf("%s is there", path)
		}
	}
	for _, path := range append(stay, name("lecture-kernel-link"), name("lecture-kernel-file")) {
		if !exists(path) {
			t.Errorf("%s is removed", path)
		}
	}
}

func TestRemoveStaleSaysWhatIsWrong(t *testing.T) {
	parent := t.TempDir()
	path := folder(t, filepath.Join(parent, "lecture-kernel-x"), "lock", 0)
	if _, err := process.RemoveStale("/nowhere/helper", parent, privatePrefix); err == nil ||
		!strings.Contains(err.Error(), path+" cannot be removed: fork/exec /nowhere/helper") {
		t.Error(err)
	}
	if _, err := process.RemoveStale(helper, "/nowhere", privatePrefix); err == nil {
		t.Error("no error for a parent that is missing")
	}
}

// Kernels that start and sweep at the same time remove nothing of each other.
func TestStaleAndNewTogether(t *testing.T) {
	parent := t.TempDir()
	stop := make(chan struct{})
	var sweeper sync.WaitGroup
	for range 2 {
		sweeper.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := process.RemoveStale(helper, parent, privatePrefix); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 50 {
		p := makePrivate(t, parent)
		if !exists(p.Path()) {
			t.Errorf("%s is removed", p.Path())
		}
		if err := p.Remove(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	sweeper.Wait()
}
