package xlacache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Variable is the environment variable that turns the cache off ("off") or names its folder (an absolute path).
const Variable = "LECTURE_XLA_CACHE"

// Off as the value of [Variable] turns the cache off.
const Off = "off"

// Folder returns the folder of the cache: that of LECTURE_XLA_CACHE, else lecture11/xla in the user's cache folder. It
// is empty if the cache is turned off.
func Folder() (string, error) {
	switch value := os.Getenv(Variable); {
	case value == Off:
		return "", nil
	case filepath.IsAbs(value):
		return filepath.Clean(value), nil
	case value != "":
		return "", fmt.Errorf("xlacache: %s=%q, want %q or an absolute path", Variable, value, Off)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("xlacache: no cache folder: %w", err)
	}
	return filepath.Join(dir, "lecture11", "xla"), nil
}

// openFolder creates the folder if it is missing, follows links, and reports whether entries can be written there. An
// entry is machine code that the process will run. So the folder must belong to this user or to the administrator, and
// nobody else may write into it.
func openFolder(dir string) (real string, writable bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", false, plain(err)
	}
	real, err = filepath.EvalSymlinks(dir)
	if err != nil {
		return "", false, plain(err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", false, plain(err)
	}
	if !info.IsDir() {
		return "", false, fmt.Errorf("xlacache: %s is not a folder", dir)
	}
	if err := trusted(real, info); err != nil {
		return "", false, err
	}
	probe, err := os.CreateTemp(real, temporary)
	if err != nil {
		return real, false, nil
	}
	probe.Close()
	return real, true, os.Remove(probe.Name())
}

// plain puts the package's name before an error of the file system.
func plain(err error) error { return fmt.Errorf("xlacache: %w", err) }

// temporary is the pattern for the names of files that are being written.
const temporary = ".new-*" + extension

// isTemporary reports whether a file is being written, or is left from a process that was killed.
func isTemporary(name string) bool {
	return strings.HasPrefix(name, ".new-") && strings.HasSuffix(name, extension)
}

// isEntry reports whether a file has the name of an entry.
func isEntry(name string) bool {
	return !strings.HasPrefix(name, ".") && strings.HasSuffix(name, extension) && len(name) == 32+len(extension)
}
