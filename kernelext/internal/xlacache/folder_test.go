//go:build unix

package xlacache

import (
	"os"
	"strings"
	"testing"
)

// TestReadOnlyFolder: a folder that cannot be written is still read.
func TestReadOnlyFolder(t *testing.T) {
	c := openTemp(t)
	if err := c.Put(keyOf(1), Entry{payload(1), 0}); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		c.readOnly.Store(true) // permissions do not stop root
	} else {
		if err := os.Chmod(c.Dir(), 0o500); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(c.Dir(), 0o700)
		var err error
		if c, err = Open(c.Dir()); err != nil || c.Writable() {
			t.Fatalf("Open of a folder that cannot be written: writable = %v, %v", c.Writable(), err)
		}
	}
	if err := c.Put(keyOf(2), Entry{payload(2), 0}); err != nil {
		t.Errorf("put into a folder that cannot be written: %v", err)
	}
	for i, want := range map[int]bool{1: true, 2: false} {
		if _, found := c.Get(keyOf(i)); found != want {
			t.Errorf("entry %d: found = %v, want %v", i, found, want)
		}
	}
}

func TestVariable(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("HOME", home)
	for value, want := range map[string]string{
		"off": "", "/some/where/": "/some/where", "elsewhere": "error", "ON": "error",
	} {
		t.Setenv(Variable, value)
		got, err := Folder()
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s=%q: %q, %v, want %q", Variable, value, got, err, want)
		}
	}
	t.Setenv(Variable, "")
	if got, err := Folder(); err != nil || !strings.HasPrefix(got, home) || !strings.HasSuffix(got, "lecture11/xla") {
		t.Errorf("the default folder is %q, %v", got, err)
	}
}
