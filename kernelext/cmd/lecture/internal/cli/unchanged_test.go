//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"deeplearning.example/kernelext/nbformat"
)

// TestFilesBeside: files that cannot be hashed are an error, and are not read: a pipe would never end, and a large file would
// fill the memory.
func TestFilesBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "one.ipynb")
	b := &batch{flags: runFlags{out: filepath.Join(dir, "results")}}
	book := &notebook{path: path, name: "one.ipynb", nb: &nbformat.Notebook{}}
	for _, name := range []string{"one.ipynb", "two.ipynb", "data.csv", ".hidden"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(b.flags.out, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.flags.out, "page.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := b.filesBeside(book)
	if _, found := files[filepath.Join(dir, "data.csv")]; err != nil || len(files) != 1 || !found {
		t.Errorf("filesBeside = %v, %v; want data.csv alone", files, err)
	}
	large := filepath.Join(dir, "large")
	for what, create := range map[string]func() error{
		"a large file": func() error {
			f, err := os.Create(large)
			if err != nil {
				return err
			}
			defer f.Close()
			return f.Truncate(1 << 40)
		},
		"a pipe": func() error { return syscall.Mkfifo(large, 0o600) },
	} {
		if err := create(); err != nil {
			t.Fatal(err)
		}
		if files, err := b.filesBeside(book); err == nil {
			t.Errorf("%s: filesBeside = %v", what, files)
		}
		if err := os.Remove(large); err != nil {
			t.Fatal(err)
		}
	}
	book.path = filepath.Join(dir, "gone", "one.ipynb")
	if _, err := b.filesBeside(book); err == nil {
		t.Error("a folder that is gone has files")
	}
}
