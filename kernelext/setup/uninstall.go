package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Uninstall removes what set-up installed, by its manifest, and nothing else. A file that was changed since then is
// kept and its name is printed.
func Uninstall(ctx context.Context, opts Options) error {
	folders, err := ResolveFolders(opts.Prefix)
	if err != nil {
		return err
	}
	if _, err := os.Stat(folders.Data); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(opts.Out, "nothing to remove: set-up has installed nothing here")
		return nil
	}
	s, unlock, err := open(ctx, opts)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.removeAll(); err != nil {
		return err
	}
	if err := s.removeState(); err != nil {
		return err
	}
	s.removeDirs()
	return nil
}

// removeAll removes the files and the trees of the manifest.
func (in *Installation) removeAll() error {
	for _, path := range slices.Sorted(maps.Keys(in.manifest.Files)) {
		if err := in.removeUnchanged(path); err != nil {
			return err
		}
	}
	for _, dir := range in.manifest.Trees {
		if err := os.RemoveAll(dir); err != nil {
			return in.explain(err, dir)
		}
		in.say("removed %s", dir)
	}
	return nil
}

// removeDirs removes the folders that were created and are empty now, the deepest first.
func (in *Installation) removeDirs() {
	dirs := slices.Clone(in.manifest.Dirs)
	slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) })
	for _, dir := range dirs {
		_ = os.Remove(dir) // a folder with other files is kept
	}
}

// removeUnchanged removes a file if it is still the one that set-up installed.
func (in *Installation) removeUnchanged(path string) error {
	mark, err := fileMark(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if mark != in.manifest.Files[path] {
		in.say("kept %s: it was changed after the set-up", path)
		return nil
	}
	if err := os.Remove(path); err != nil {
		return in.explain(err, filepath.Dir(path))
	}
	in.say("removed %s", path)
	return nil
}

// removeFile removes one installed file early, and its line in the manifest.
func (in *Installation) removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return in.explain(err, filepath.Dir(path))
	}
	delete(in.manifest.Files, path)
	return in.saveManifest()
}

// removeState removes set-up's own files, and the data folder if nothing else is in it.
func (in *Installation) removeState() error {
	in.dropHelper()
	_ = os.RemoveAll(filepath.Join(in.Data, "download"))
	for _, name := range []string{"plugins.json", stampsName, manifestName, lockName} {
		if err := os.Remove(filepath.Join(in.Data, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return in.explain(err, in.Data)
		}
	}
	return nil
}
