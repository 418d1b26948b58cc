package build

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Limits of the programs that are stored for a cell that is run again.
const (
	keptPrograms = 8
	keptBytes    = 400 << 20
)

// programs stores the last linked programs of this kernel by a hash of everything that determines them.
type programs struct{ dir string }

func newPrograms(dir string) *programs { return &programs{dir} }

// take writes the program of a key to path, if there is one.
func (p *programs) take(key, path string) bool {
	kept := filepath.Join(p.dir, key)
	if _, err := os.Stat(kept); err != nil {
		return false
	}
	now := time.Now()
	os.Chtimes(kept, now, now)
	return place(kept, path) == nil
}

// keep stores a copy of the program at path. If the file system supports links, this costs a link in the folder and no
// bytes.
func (p *programs) keep(key, path string) error {
	if err := place(path, filepath.Join(p.dir, key)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return removeOldest(p.dir, keptPrograms, keptBytes)
}

// place creates a second name for a file, or a copy if the file system has no second names.
func place(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return copyFile(from, to)
}

// copyFile copies a program completely or not at all.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+"-")
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Chmod(0o755), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), to)
	}
	if err != nil {
		os.Remove(out.Name())
	}
	return err
}
