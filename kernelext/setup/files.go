package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockName is the file in the data folder that parallel runs of the set-up lock.
const lockName = "setup.lock"

// lock creates the data folder and takes its lock. It prints one message if it has to wait for another process.
func lock(ctx context.Context, data string, say func(string, ...any)) (unlock func(), err error) {
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	l := flock.New(filepath.Join(data, lockName))
	got, err := l.TryLock()
	if err == nil && !got {
		say("waiting for another set-up on this machine to finish")
		got, err = l.TryLockContext(ctx, 100*time.Millisecond)
	}
	if err != nil || !got {
		return nil, fmt.Errorf("setup: lock %s: %w", l.Path(), err)
	}
	return func() { _ = l.Unlock() }, nil // the end of the process would release it as well
}

// writeFile writes a complete file or none, and records it in the manifest.
func (in *Installation) writeFile(path string, raw []byte, mode os.FileMode) error {
	return in.create(path, mode, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}

// create lets fill write a file under a temporary name, flushes it to the disk and renames it. On an error nothing is
// left behind.
func (in *Installation) create(path string, mode os.FileMode, fill func(io.Writer) error) error {
	dir := filepath.Dir(path)
	if err := in.makeDir(dir); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".lecture-*")
	if err != nil {
		return in.explain(err, dir)
	}
	defer os.Remove(temp.Name()) // fails after the rename, as intended
	err = fill(temp)
	if err == nil {
		err = temp.Chmod(mode)
	}
	if err == nil {
		err = temp.Sync()
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return in.explain(err, dir)
	}
	return in.adopt(temp.Name(), path)
}

// adopt renames a finished file to its final name and records it in the manifest.
func (in *Installation) adopt(temp, path string) error {
	if err := os.Rename(temp, path); err != nil {
		return in.explain(err, filepath.Dir(path))
	}
	return in.record(path)
}

// makeDir creates a folder and records which of its parents were created, for Uninstall.
func (in *Installation) makeDir(dir string) error {
	made := missing(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return in.explain(err, dir)
	}
	if len(made) == 0 {
		return nil
	}
	return in.recordDirs(made)
}

// missing lists those of dir and its parents that do not exist.
func missing(dir string) []string {
	var found []string
	for d := dir; d != existing(d); d = filepath.Dir(d) {
		found = append(found, d)
	}
	return found
}

// hashFile returns the SHA-256 of a file in hex.
func hashFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
