package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sourceExtensions are the extensions of the files that the go command compiles.
var sourceExtensions = []string{
	".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90", ".s", ".S", ".sx",
	".swig", ".swigcxx", ".syso",
}

// sourceState returns a hash of names, sizes and times of all watched files; a missing file has a state, too. changing
// reports whether a file was written between since and now: it may be written again without a new time.
func sourceState(list []watched, since time.Time) (state string, changing bool) {
	w := watcher{hash: sha256.New(), since: since}
	for _, item := range list {
		w.add(item)
	}
	return hex.EncodeToString(w.hash.Sum(nil)), w.changing
}

type watcher struct {
	hash     hash.Hash
	since    time.Time
	changing bool
}

func (w *watcher) add(item watched) {
	info, err := os.Stat(item.Path)
	switch {
	case err != nil:
		fmt.Fprintf(w.hash, "%q absent\n", item.Path)
	case !info.IsDir():
		w.file(item.Path, info)
	case item.Deep:
		w.tree(item.Path)
	default:
		w.folder(item.Path)
	}
}

func (w *watcher) file(path string, info fs.FileInfo) {
	fmt.Fprintf(w.hash, "%q %d %d %v\n", path, info.Size(), info.ModTime().UnixNano(), info.Mode())
	if t := info.ModTime(); t.After(w.since) && !t.After(time.Now()) {
		w.changing = true
	}
}

// folder adds the source files of a folder, except tests.
func (w *watcher) folder(path string) {
	entries, err := os.ReadDir(path)
	if err != nil {
		fmt.Fprintf(w.hash, "%q unreadable\n", path)
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasSuffix(name, "_test.go") || !slices.Contains(sourceExtensions, filepath.Ext(name)) {
			continue
		}
		if info, err := os.Stat(filepath.Join(path, name)); err == nil { // follows links, as the compiler does
			w.file(filepath.Join(path, name), info)
		}
	}
}

// tree adds all files below a folder.
func (w *watcher) tree(path string) {
	filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			fmt.Fprintf(w.hash, "%q unreadable\n", file)
			return nil
		}
		if info, err := entry.Info(); err == nil && !entry.IsDir() {
			w.file(file, info)
		}
		return nil
	})
}
