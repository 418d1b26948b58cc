package store

import (
	"errors"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func openTest(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func onlyEntry(t *testing.T, s *Store) Info {
	t.Helper()
	infos, err := s.List()
	if err != nil || len(infos) != 1 {
		t.Fatalf("%d entries, %v; want 1", len(infos), err)
	}
	return infos[0]
}

func TestSaveAndLoad(t *testing.T) {
	s := openTest(t)
	if _, err := s.Load(testKey()); !errors.Is(err, ErrNotFound) {
		t.Fatalf("empty store: error %v, want ErrNotFound", err)
	}
	meta := Meta{Type: "*lecture11.VAE", Note: "5 epochs", Step: 100, Steps: 200, Seconds: 1.5}
	err := s.Save(testKey(), meta, Payload{"weights", pattern(1, 1000)}, Payload{"none", pattern(1, 0)},
		Payload{"optimizer", pattern(2, 2000)})
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Load(testKey())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	meta.Kind = KindModel
	if e.Info().Meta != meta {
		t.Errorf("meta %+v, want %+v", e.Info().Meta, meta)
	}
	for _, want := range []struct {
		name           string
		version, words int
	}{{"optimizer", 2, 2000}, {"weights", 1, 1000}, {"none", 1, 0}} {
		r, err := e.Payload(want.name)
		if err == nil {
			err = checkPattern(r, want.version, want.words)
		}
		if err != nil {
			t.Errorf("%s: %v", want.name, err)
		}
	}
	if _, err := e.Payload("history"); err == nil || !strings.Contains(err.Error(), `["weights" "none" "optimizer"]`) {
		t.Errorf("unknown payload: error %v, want the names", err)
	}
}

// An open entry keeps showing its version while the entry is replaced and removed.
func TestOpenEntryStays(t *testing.T) {
	s := openTest(t)
	if err := saveVersion(s, 1); err != nil {
		t.Fatal(err)
	}
	e, err := s.Load(testKey())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := saveVersion(s, 2); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(e.Info().ID); err != nil {
		t.Fatal(err)
	}
	r, err := e.Payload("weights")
	if err == nil {
		err = checkPattern(r, 1, weightWords)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestPayloadNamesDiffer(t *testing.T) {
	s := openTest(t)
	err := s.Save(testKey(), Meta{}, Payload{"history", pattern(1, 1)}, Payload{"history", pattern(2, 1)})
	if err == nil || !strings.Contains(err.Error(), `"history"`) {
		t.Errorf("error %v, want one about two payloads named history", err)
	}
}

func TestDefaultDir(t *testing.T) {
	for _, test := range []struct{ store, notebook, want string }{
		{"/data/models", "/home/ada", "/data/models"},
		{"", "/home/ada", "/home/ada/.lecture11"},
		{"", "", ".lecture11"},
	} {
		t.Setenv("LECTURE_STORE", test.store)
		t.Setenv("GONB_DIR", test.notebook)
		if got := DefaultDir(); got != test.want {
			t.Errorf("LECTURE_STORE=%q GONB_DIR=%q: %s, want %s", test.store, test.notebook, got, test.want)
		}
	}
}

// A store that is only read does not create its folder.
func TestReadingMakesNoFolder(t *testing.T) {
	parent := t.TempDir()
	s, err := Open(filepath.Join(parent, ".lecture11"))
	if err != nil {
		t.Fatal(err)
	}
	if infos, err := s.List(); err != nil || len(infos) > 0 {
		t.Errorf("List: %v, %v; want nothing", infos, err)
	}
	if removed, err := s.Prune(Limits{Keep: 1}); err != nil || len(removed) > 0 {
		t.Errorf("Prune: %v, %v; want nothing", removed, err)
	}
	_, loadErr := s.Load(testKey())
	_, getErr := Get[int](s, "codes")
	_, infoErr := s.Info("vae-1")
	for name, err := range map[string]error{
		"Load": loadErr, "Get": getErr, "Info": infoErr, "Remove": s.Remove("vae-1"),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: error %v, want ErrNotFound", name, err)
		}
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Each kind of write creates the folder, and keeps it out of Git.
func TestWritingMakesTheFolder(t *testing.T) {
	for name, write := range map[string]func(s *Store) error{
		"Save": func(s *Store) error { return saveVersion(s, 1) },
		"Put":  func(s *Store) error { return Put(s, "codes", 1) },
		"Lock": func(s *Store) error {
			lock, err := s.Lock(t.Context(), testKey(), nil)
			if err != nil {
				return err
			}
			return lock.Unlock()
		},
	} {
		s := openTest(t)
		if err := write(s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := string(readAll(t, filepath.Join(s.dir, ".gitignore"))); got != "*\n" {
			t.Errorf("%s: .gitignore holds %q", name, got)
		}
	}
}

func TestOpenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v, want one that names %s", err, file)
	}
	if _, err := Open(filepath.Join(file, "store")); err == nil || !strings.Contains(err.Error(), "LECTURE_STORE") {
		t.Errorf("error %v, want LECTURE_STORE in it", err)
	}
}

func flipBit(t *testing.T, path string, offset int64, bit int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], offset); err != nil {
		t.Fatal(err)
	}
	old := b[0]
	b[0] ^= 1 << bit
	if bits.OnesCount8(old^b[0]) != 1 {
		t.Fatal("no bit was flipped")
	}
	if _, err := f.WriteAt(b[:], offset); err != nil {
		t.Fatal(err)
	}
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
