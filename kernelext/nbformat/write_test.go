package nbformat_test

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"deeplearning.example/kernelext/nbformat"
)

func TestWriteReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vae.ipynb")
	if err := nbformat.Write(path, small()); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	changed := small()
	changed.Cells[0].Source = "# Other"
	if err := nbformat.Write(path, changed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, path), encode(t, changed)) {
		t.Error("the file is not what Encode gives")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("permissions %v, %v: want 0640 kept", info.Mode(), err)
	}
	wantFiles(t, filepath.Dir(path), "vae.ipynb")
}

func TestWriteFollowsALink(t *testing.T) {
	folder := t.TempDir()
	link := filepath.Join(folder, "link.ipynb")
	if err := os.WriteFile(filepath.Join(folder, "file.ipynb"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file.ipynb", link); err != nil {
		t.Fatal(err)
	}
	if err := nbformat.Write(link, small()); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(link); err != nil || target != "file.ipynb" {
		t.Errorf("the link is now %q, %v", target, err)
	}
	if !bytes.Equal(read(t, filepath.Join(folder, "file.ipynb")), encode(t, small())) {
		t.Error("the file behind the link is not the notebook")
	}
}

func TestWriteLeavesNothingBehindAnError(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "nan.ipynb")
	nb := small()
	nb.Metadata["nan"] = math.NaN()
	if err := nbformat.Write(path, nb); err == nil || !strings.Contains(err.Error(), "nan.ipynb not written") {
		t.Errorf("NaN: %v", err)
	}
	if err := nbformat.Write(folder, small()); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("path of a folder: %v", err)
	}
	if err := nbformat.Write(filepath.Join(folder, "none", "a.ipynb"), small()); err == nil {
		t.Error("no folder: no error")
	}
	wantFiles(t, folder)
}

// TestWriteOnAFullDisk writes in a process that may write files of 1000 bytes only, which looks like a full disk to the
// program.
func TestWriteOnAFullDisk(t *testing.T) {
	const variable = "NBFORMAT_TEST_FULL_DISK"
	if path := os.Getenv(variable); path != "" {
		writeWithLimit(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "vae.ipynb")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestWriteOnAFullDisk$", "-test.v")
	child.Env = append(os.Environ(), variable+"="+path)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := string(read(t, path)); got != "old" {
		t.Errorf("after the failed write the file is %q, want it as it was", got)
	}
	wantFiles(t, filepath.Dir(path), "vae.ipynb")
}

func writeWithLimit(t *testing.T, path string) {
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: 1000, Max: before.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	nb := small()
	nb.Cells[0].Source = strings.Repeat("long line\n", 1000)
	if err := nbformat.Write(path, nb); err == nil || !strings.Contains(err.Error(), "file too large") {
		t.Errorf("Write past the limit: %v, want: file too large", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
}

func wantFiles(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}
