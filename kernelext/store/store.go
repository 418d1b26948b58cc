package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	entrySuffix   = ".entry"
	tempInfix     = ".tmp-" // a version being written: "." + id + tempInfix + random digits
	locksFolder   = "locks"
	damagedFolder = "damaged"
)

// ErrNotFound is in the chain of an error about an entry or a value that is not in the store.
var ErrNotFound = errors.New("not found")

// ErrReadOnly is in the chain of an error about a store whose folder cannot be written.
var ErrReadOnly = errors.New("folder cannot be written")

// Store is a folder with entries. It holds no open files, and its methods may be called from many goroutines and
// processes at once.
type Store struct {
	dir    string
	codecs []Codec
}

// Option changes a Store when it is opened.
type Option func(*Store)

// WithCodec makes Put and Get use c for the types that it handles, before the codecs of this package.
func WithCodec(c Codec) Option {
	return func(s *Store) { s.codecs = append(s.codecs, c) }
}

// DefaultDir returns the folder of the store that cells use: $LECTURE_STORE, else .lecture11 beside the notebook
// ($GONB_DIR), else .lecture11 in the working folder.
func DefaultDir() string {
	if dir := os.Getenv("LECTURE_STORE"); dir != "" {
		return dir
	}
	return filepath.Join(os.Getenv("GONB_DIR"), ".lecture11")
}

// Open opens the store in the folder dir. The first write creates the folder if it is missing. Open also removes the
// temporary files of writers that were killed. A folder that cannot be written is not an error: its entries can be
// read.
func Open(dir string, opts ...Option) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("store: folder %s: %w", dir, err)
	}
	info, err := os.Stat(abs)
	switch {
	case err == nil && !info.IsDir():
		return nil, fmt.Errorf("store: %s is a file, want a folder; LECTURE_STORE names another", abs)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("store: folder %s: %w; LECTURE_STORE names another", abs, underlying(err))
	}
	s := &Store{dir: abs}
	for _, opt := range opts {
		opt(s)
	}
	s.codecs = append(s.codecs, binaryCodec{}, imageCodec{}, numbersCodec{}, gobCodec{})
	return s, s.clean()
}

// makeFolder creates the store's folder before the first write.
func (s *Store) makeFolder() error {
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o777); err != nil {
		return err
	}
	// A store is often inside a user's Git repository. Its entries are big and can be computed again.
	return os.WriteFile(filepath.Join(s.dir, ".gitignore"), []byte("*\n"), 0o666)
}

// Dir returns the absolute path of the store's folder.
func (s *Store) Dir() string { return s.dir }

func (s *Store) path(id string) string { return filepath.Join(s.dir, id+entrySuffix) }

// clean removes the temporary files of writers that have died: a living writer holds a lock on its file.
func (s *Store) clean() error {
	names, err := filepath.Glob(filepath.Join(globQuote(s.dir), ".*"+tempInfix+"*"))
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	for _, name := range names {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue // it is gone, or another process has it: do not remove it
		}
		if held, err := flockNow(f); err == nil && held {
			_ = os.Remove(name) // if the folder cannot be written, the next Open tries again
		}
		_ = f.Close()
	}
	return nil
}

// globQuote quotes a folder's name for a pattern of filepath.Glob.
func globQuote(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// writeError adds advice to an error of writing.
func writeError(what string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("store: %s: %w: %w; set LECTURE_STORE to a writable folder",
			what, ErrReadOnly, underlying(err))
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("store: %s: no room on the disk: %w; free some space, or set LECTURE_STORE to another disk",
			what, underlying(err))
	}
	return fmt.Errorf("store: %s: %w", what, err)
}

// underlying removes the paths from an error whose message already names the place.
func underlying(err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr):
		return pathErr.Err
	case errors.As(err, &linkErr):
		return linkErr.Err
	}
	return err
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
