package xlacache

import (
	"fmt"
	"strings"

	"deeplearning.example/kernelext/internal/ownfolder"
)

// Variable is the environment variable that turns the cache off ("off") or names its folder (an absolute path).
const Variable = "LECTURE_XLA_CACHE"

// Folder returns the folder of the cache: that of LECTURE_XLA_CACHE, else lecture11/xla in the user's cache folder. It
// is empty if the cache is turned off.
func Folder() (string, error) {
	dir, err := ownfolder.Choose(Variable, "xla")
	if err != nil {
		return "", plain(err)
	}
	return dir, nil
}

// plain puts the package's name before an error of a folder or a file.
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
