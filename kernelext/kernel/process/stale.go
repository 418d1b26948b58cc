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

// unlockedAge is the age above which a private folder without a lock is stale: a younger one may be about to get its
// lock.
const unlockedAge = time.Hour

// RemoveStale removes the private folders in parent, with names that start with prefix, whose processes are dead. Such
// folders are left only if a process died together with its keeper and its guards, or if the machine stopped. Folders
// in use and those of other users are kept. It returns the removed folders; the error names those that could not be
// removed.
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

// removeStale removes one folder if it is stale. It holds the lock meanwhile, so that no other process removes it too.
func removeStale(helper, path string) (removed bool, err error) {
	info, err := os.Lstat(path)
	if err != nil || !isMine(info) {
		return false, nil // removed meanwhile, or another user's
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

// isMine reports whether info is that of a folder of this user.
func isMine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.IsDir() && int(stat.Uid) == os.Geteuid()
}

// lockFolder takes the lock of a folder, which the system releases when this process ends. The file is nil if another
// process has the lock, or has removed the folder meanwhile. With flag os.O_CREATE a missing lock is created.
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

// isAt reports whether path still names an open file.
func isAt(file *os.File, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(open, named)
}
