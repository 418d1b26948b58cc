package store

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// asOrdinaryUser runs fn as a user to whom permissions apply: root's file-system user is changed for one thread.
func asOrdinaryUser(t *testing.T, dir string, fn func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		fn()
		return
	}
	const nobody = 65534
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err == nil {
			err = os.Chmod(d, info.Mode()|0o055)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setfsuid(0) }()
	fn()
}

func TestWriteBelowReadOnlyFolder(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(parent, 0o555); err != nil {
		t.Fatal(err)
	}
	s, err := Open(filepath.Join(parent, ".lecture11"))
	if err != nil {
		t.Fatal(err)
	}
	asOrdinaryUser(t, parent, func() {
		_, lockErr := s.Lock(t.Context(), testKey(), nil)
		for name, err := range map[string]error{"save": saveVersion(s, 1), "lock": lockErr} {
			if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), s.dir) ||
				!strings.Contains(err.Error(), "LECTURE_STORE") {
				t.Errorf("%s: error %v, want ErrReadOnly, the folder %s and LECTURE_STORE", name, err, s.dir)
			}
		}
	})
}

// A folder that cannot be written can be read. Writers get a clear error.
func TestReadOnlyStore(t *testing.T) {
	s := openTest(t)
	if err := saveVersion(s, 3); err != nil {
		t.Fatal(err)
	}
	if err := Put(s, "codes", []int{1, 2}); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{s.dir, filepath.Join(s.dir, locksFolder)} {
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(s.dir, 0o755); _ = os.Chmod(filepath.Join(s.dir, locksFolder), 0o755) })
	asOrdinaryUser(t, s.dir, func() {
		s, err := Open(s.dir)
		if err != nil {
			t.Error(err)
			return
		}
		if version, err := loadVersion(s); version != 3 || err != nil {
			t.Errorf("version %d, %v; want 3", version, err)
		}
		if codes, err := Get[[]int](s, "codes"); err != nil || len(codes) != 2 {
			t.Errorf("codes %v, %v", codes, err)
		}
		if infos, err := s.List(); err != nil || len(infos) != 2 {
			t.Errorf("%d entries, %v; want 2", len(infos), err)
		}
		id, _ := testKey().ID()
		_, lockErr := s.Lock(t.Context(), testKey(), nil)
		for name, err := range map[string]error{
			"save": saveVersion(s, 4), "lock": lockErr, "remove": s.Remove(id), "put": Put(s, "x", 1),
		} {
			if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "LECTURE_STORE") ||
				!strings.Contains(err.Error(), s.dir) {
				t.Errorf("%s: error %v, want ErrReadOnly, the folder and LECTURE_STORE", name, err)
			}
		}
	})
}

// A damaged file in a folder that cannot be written is an error too.
func TestDamagedInReadOnlyStore(t *testing.T) {
	s := openTest(t)
	if err := saveVersion(s, 3); err != nil {
		t.Fatal(err)
	}
	id, _ := testKey().ID()
	flipBit(t, s.path(id), prefixSize+5, 0)
	if err := os.Chmod(s.dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(s.dir, 0o755) })
	asOrdinaryUser(t, s.dir, func() {
		_, err := loadVersion(s)
		var damaged *DamagedError
		if !errors.As(err, &damaged) || damaged.Moved != "" || !errors.Is(err, ErrReadOnly) {
			t.Errorf("error %v, want a DamagedError that was not moved", err)
		}
	})
}
