//go:build unix

package xlacache

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFolder opens folders of all kinds.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.WriteFile(at("file"), nil, 0o600))
	check(os.Mkdir(at("private"), 0o700))
	check(os.Symlink(at("private"), at("link")))
	check(os.Symlink(at("nowhere/at/all"), at("dangling")))
	check(os.Mkdir(at("open"), 0o700))
	check(os.Chmod(at("open"), 0o777))
	check(os.Symlink(at("open"), at("link to open")))
	check(os.Mkdir(at("group"), 0o700))
	check(os.Chmod(at("group"), 0o770))
	for name, want := range map[string]string{
		"new/folder":   "",
		"private":      "",
		"link":         "",
		"file":         "not a directory",
		"file/below":   "not a directory",
		"dangling":     "no such file",
		"open":         "other users may write",
		"link to open": "other users may write",
		"group":        "other users may write",
	} {
		_, err := Open(at(name))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%s): %v, want %q", name, err, want)
		}
	}
}

// TestForeignFolder: a folder of another user is refused, for that user could place machine code in it.
func TestForeignFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "belongs to another user (12345)") {
		t.Errorf("Open of another user's folder: %v", err)
	}
}

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
