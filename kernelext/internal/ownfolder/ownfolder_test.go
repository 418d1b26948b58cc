//go:build unix

package ownfolder_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"deeplearning.example/kernelext/internal/ownfolder"
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
		_, _, err := ownfolder.Open(at(name))
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
	if _, _, err := ownfolder.Open(dir); err == nil || !strings.Contains(err.Error(), "belongs to another user (12345)") {
		t.Errorf("Open of another user's folder: %v", err)
	}
}
