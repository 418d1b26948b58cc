package xlacache

import (
	"fmt"
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
