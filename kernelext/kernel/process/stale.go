package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unlockedAge is how old a private folder without a lock must be to be stale: a younger one may be about to get it.
const unlockedAge = time.Hour

// RemoveStale removes the private folders in parent, by names that begin with prefix, whose processes are dead. They
// are there only where a process died together with its keeper and its guards, or where the machine stopped. Folders in
// use and those of other users stay. It returns what it has removed; the error says what should have gone and has not.
func RemoveStale(helper, parent, prefix string) (removed []string, err error) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil, fmt.Errorf("process: stale folders: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		if !entry.IsDir() || !strings.HasPrefix(entry.Name(), prefix) {
			continue
		}
		path := filepath.Join(parent, entry.Name())
		gone, err := removeStale(helper, path)
		if gone {
			removed = append(removed, path)
		}
		errs = append(errs, err)
	}
	return removed, errors.Join(errs...)
}

// removeStale removes one folder if it is stale. It holds the lock meanwhile, so that it is the only one.
func removeStale(helper, path string) (removed bool, err error) {
	info, err := os.Lstat(path)
	if err != nil || !isMine(info) {
		return false, nil // gone meanwhile, or another user's
	}
	lock, err := lockFolder(path, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if time.Since(info.ModTime()) < unlockedAge {
			return false, nil
		}
	case err != nil:
		return false, fmt.Errorf("process: stale folder: %w", err)
	case lock == nil:
		return false, nil
	default:
		defer lock.Close()
	}
	said, err := keeper(helper, path, nil).CombinedOutput() // its stdin has ended
	if _, still := os.Lstat(path); still == nil {
		return false, fmt.Errorf("process: stale folder %s cannot be removed: %w", path, errors.Join(err, errors.New(string(said))))
	}
	return true, nil
}

// isMine tells whether info is that of a folder of this user.
func isMine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.IsDir() && int(stat.Uid) == os.Geteuid()
}

// lockFolder takes the lock of a folder, which the system gives up when this process ends. The file is nil if somebody
// has the lock, or has removed the folder meanwhile. With flag os.O_CREATE a missing lock is made.
func lockFolder(folder string, flag int) (*os.File, error) {
	file, err := os.OpenFile(lockPath(folder), os.O_RDWR|unix.O_NOFOLLOW|flag, 0o600)
	if err != nil {
		if flag != 0 && errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	if err := flock(file); err != nil {
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, &os.PathError{Op: "lock", Path: file.Name(), Err: err}
	}
	if !isAt(file, lockPath(folder)) {
		return nil, file.Close()
	}
	return file, nil
}

// flock takes the lock of a file, or fails at once with EWOULDBLOCK.
func flock(file *os.File) error {
	for {
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != unix.EINTR {
			return err
		}
	}
}

// isAt tells whether path still names an open file.
func isAt(file *os.File, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(open, named)
}
