package build

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"deeplearning.example/kernelext/internal/ownfolder"
)

// keeping limits the stored programs by their number and by the sum of their sizes in bytes. One that uses XLA has 27 MB.
type keeping struct {
	number int
	bytes  int64
}

var (
	keptForAll    = keeping{math.MaxInt, 2 << 30} // in the folder that all kernels of a user share
	keptForKernel = keeping{8, 400 << 20}         // in the private folder of a kernel
)

// programs stores linked programs by a hash of everything that determines them. The name of a file holds the checksum and the
// size of the program, so that a damaged one is recognised. Several kernels may share the folder.
type programs struct {
	dir   string // empty: nothing is stored
	limit keeping
}

// openPrograms opens the folder of the stored programs. Without it nothing is stored, and the error says why.
func openPrograms(dir string, limit keeping) (*programs, error) {
	real, writable, err := ownfolder.Open(dir)
	if err == nil && !writable {
		err = fmt.Errorf("%s cannot be written", dir)
	}
	if err != nil {
		return &programs{}, fmt.Errorf("build: programs are not stored for other kernels: %w", err)
	}
	return &programs{real, limit}, nil
}

// take writes the program of a key to path, if there is one. A damaged one is removed.
func (p *programs) take(key, path string) bool {
	if p.dir == "" {
		return false
	}
	found, _ := os.ReadDir(p.dir) // a folder that cannot be read is empty
	for _, entry := range found {
		if !strings.HasPrefix(entry.Name(), key) {
			continue
		}
		kept := filepath.Join(p.dir, entry.Name())
		if name, err := programName(key, kept); err != nil || name != entry.Name() {
			os.Remove(kept)
			continue
		}
		now := time.Now()
		os.Chtimes(kept, now, now)
		return place(kept, path) == nil
	}
	return false
}

// keep stores a copy of the program at path. If the file system supports links, this costs a link in the folder and no
// bytes.
func (p *programs) keep(key, path string) error {
	if p.dir == "" {
		return nil
	}
	name, err := programName(key, path)
	if err != nil {
		return err
	}
	if err := place(path, filepath.Join(p.dir, name)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return removeOldest(p.dir, p.limit.number, p.limit.bytes)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// programName returns the name under which the program at path is stored: its key, its checksum and its size.
func programName(key, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := crc32.New(castagnoli)
	size, err := io.Copy(sum, f)
	return fmt.Sprintf("%s-%08x-%d", key, sum.Sum32(), size), err
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
