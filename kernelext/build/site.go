package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// keptSets is the number of package sets that stay in Options.Cache: each edit of a go.mod leaves one behind.
const keptSets = 16

// site holds the package set of one key of settings.
type site struct {
	mu   sync.Mutex
	path string // file of the set
	set  *packageSet
	read bool // path was read

	unfit error // the reason why the tools alone cannot be used with these settings
}

// site returns the site of settings.
func (b *Builder) site(s *settings) *site {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sites[s.key] == nil {
		b.sites[s.key] = &site{path: filepath.Join(b.opts.Cache, s.key+".json")}
	}
	return b.sites[s.key]
}

// packages returns a set that offers the imports and is valid now, from memory, from disk or from the go command.
func (b *Builder) packages(ctx context.Context, s *settings, imports []string) (*packageSet, error) {
	at := b.site(s)
	at.mu.Lock()
	defer at.mu.Unlock()
	if at.unfit != nil {
		return nil, at.unfit
	}
	at.load()
	var known []string
	if at.set != nil {
		if at.set.usable(imports) == nil {
			return at.set, nil
		}
		known = at.set.Roots
	}
	return b.relist(ctx, at, s, known, imports)
}

// usable returns the reason why a set cannot be used for a program with the imports.
func (s *packageSet) usable(imports []string) error {
	if missing := s.missing(imports); len(missing) > 0 {
		return fmt.Errorf("the package set lacks %v", missing)
	}
	if err := s.fresh(time.Now()); err != nil {
		return err
	}
	linked, err := s.closure(imports)
	if err != nil {
		return err
	}
	return s.complete(linked)
}

// relist creates a new set of the known packages and the imports; of the imports alone if a known package is broken or
// missing.
func (b *Builder) relist(ctx context.Context, at *site, s *settings, known, imports []string) (*packageSet, error) {
	all := slices.Concat(known, imports)
	slices.Sort(all)
	all = slices.Compact(all)
	b.opts.Log(fmt.Sprintf("build: listing packages for %d imports", len(all)))
	set, err := b.list(ctx, s, all)
	if err != nil && len(all) > len(imports) && ctx.Err() == nil {
		set, err = b.list(ctx, s, slices.Clone(imports))
	}
	if err != nil {
		if unfit, ok := errors.AsType[*unfitError](err); ok {
			at.unfit = unfit
		}
		return nil, err
	}
	at.set = set
	if err := at.save(); err != nil {
		b.opts.Log("build: the package set is not stored: " + err.Error())
	}
	return set, nil
}

// load reads the set that another kernel or set-up has left, once. A file that cannot be read counts as missing.
func (t *site) load() {
	if t.read {
		return
	}
	t.read = true
	raw, err := os.ReadFile(t.path)
	if err != nil {
		return
	}
	now := time.Now()
	os.Chtimes(t.path, now, now) // it is in use, so it should not be the next to be removed
	var set packageSet
	if json.Unmarshal(raw, &set) == nil && set.Plan.whole() {
		t.set = &set
	}
}

// save writes a complete set or none, and removes the oldest sets beyond keptSets.
func (t *site) save() error {
	raw, err := json.Marshal(t.set)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(t.path), "new-")
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), t.path)
	}
	if err != nil {
		os.Remove(file.Name())
		return err
	}
	return removeOldest(filepath.Dir(t.path), keptSets, 0)
}

// removeOldest removes the files of a folder, oldest first, beyond a number and, if it is not 0, a sum of their sizes.
func removeOldest(dir string, number int, size int64) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var files []os.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	var sum int64
	var errs []error
	for i, file := range files {
		sum += file.Size()
		if i >= number || (size > 0 && sum > size) {
			if err := os.Remove(filepath.Join(dir, file.Name())); !errors.Is(err, fs.ErrNotExist) { // another kernel may be first
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
