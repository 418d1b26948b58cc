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

// Uninstall removes what set-up put on the machine, by its manifest, and nothing else. A file that was changed since
// stays and is named.
func Uninstall(ctx context.Context, opts Options) error {
	folders, err := ResolveFolders(opts.Prefix)
	if err != nil {
		return err
	}
	if _, err := os.Stat(folders.Data); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(opts.Out, "nothing to remove: set-up has put nothing here")
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

// removeAll removes the files and our trees.
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

// removeDirs removes the folders that were made and are empty now, the deepest first.
func (in *Installation) removeDirs() {
	dirs := slices.Clone(in.manifest.Dirs)
	slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) })
	for _, dir := range dirs {
		_ = os.Remove(dir) // one that holds something of others stays
	}
}

// removeUnchanged removes a file that is still what set-up put.
func (in *Installation) removeUnchanged(path string) error {
	mark, err := fileMark(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if mark != in.manifest.Files[path] {
		in.say("kept %s: it was changed since", path)
		return nil
	}
	if err := os.Remove(path); err != nil {
		return in.explain(err, filepath.Dir(path))
	}
	in.say("removed %s", path)
	return nil
}

// removeFile removes one file of ours before its time, and forgets it.
func (in *Installation) removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return in.explain(err, filepath.Dir(path))
	}
	delete(in.manifest.Files, path)
	return in.saveManifest()
}

// removeState removes set-up's own files and the data folder, as far as nothing else lies in it.
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
