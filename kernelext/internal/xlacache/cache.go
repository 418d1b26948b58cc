// Package xlacache stores the programs that XLA has compiled on disk, so that no process compiles again what another
// one has compiled on the same machine. JAX calls the same thing its persistent compilation cache.
//
// A damaged or incomplete file is never loaded: its program is compiled and written again. Package hook finds and stores
// the programs that go-xla compiles.
package xlacache

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"deeplearning.example/kernelext/internal/ownfolder"
)

// defaultLimit is the size in bytes that a cache may have. The lecture's programs need about 30 MB on a CPU.
const defaultLimit = 1 << 30

// Cache is a folder of compiled programs. Any number of processes and goroutines may use a folder at the same time.
type Cache struct {
	dir      string
	limit    int64
	readOnly atomic.Bool // also after the first file that could not be written, as on a full disk

	mu   sync.Mutex
	size int64 // of the folder, as far as this process knows; negative before the first look
}

// Open opens the cache in a folder and creates the folder if it is missing. The error says why the folder cannot be
// used. A folder that can be read but not written is used as it is.
func Open(dir string) (*Cache, error) {
	real, writable, err := ownfolder.Open(dir)
	if err != nil {
		return nil, plain(err)
	}
	c := &Cache{dir: real, limit: defaultLimit, size: -1}
	c.readOnly.Store(!writable)
	return c, nil
}

// Dir returns the folder of the cache, without links.
func (c *Cache) Dir() string { return c.dir }

// Writable reports whether new programs are stored.
func (c *Cache) Writable() bool { return !c.readOnly.Load() }

// Get returns the entry of a key, if there is a complete one. The time of the file becomes the time of its last use.
func (c *Cache) Get(key Key) (Entry, bool) {
	path := filepath.Join(c.dir, key.fileName())
	file, err := os.ReadFile(path)
	if err != nil {
		return Entry{}, false
	}
	e, err := decode(file, key)
	if err != nil {
		return Entry{}, false
	}
	if c.Writable() {
		now := time.Now()
		_ = os.Chtimes(path, now, now) // at worst the entry is removed early
	}
	return e, true
}

// Put writes the entry of a key, which replaces an older one atomically. A cache that cannot be written stores nothing
// from then on: the disk is probably full, and the next attempt would take the time again.
func (c *Cache) Put(key Key, e Entry) error {
	if !c.Writable() {
		return nil
	}
	file := e.encode(key)
	if int64(len(file)) > c.limit {
		return nil
	}
	if err := c.write(key.fileName(), file); err != nil {
		c.readOnly.Store(true)
		return plain(err)
	}
	c.grow(int64(len(file)))
	return nil
}

// write writes a file under another name and renames it. The file is not synced: an incomplete one, after a failure of
// power, has a wrong checksum.
func (c *Cache) write(name string, content []byte) error {
	f, err := os.CreateTemp(c.dir, temporary)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = cmp.Or(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// Drop removes the entry of a key.
func (c *Cache) Drop(key Key) { _ = os.Remove(filepath.Join(c.dir, key.fileName())) }

// grow adds n bytes to the known size, and removes the least recently used entries if the cache is larger than its
// limit.
func (c *Cache) grow(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size >= 0 && c.size+n <= c.limit {
		c.size += n
		return
	}
	c.size = c.prune()
}

// file is a file of the cache.
type file struct {
	name string
	size int64
	used time.Time
}

// list lists the entries, the least recently used first, and the temporary files.
func (c *Cache) list() (entries, temporaries []file) {
	found, _ := os.ReadDir(c.dir) // a folder that cannot be read is empty
	for _, d := range found {
		info, err := d.Info()
		if err != nil || info.Mode().Type() != fs.FileMode(0) {
			continue
		}
		f := file{d.Name(), info.Size(), info.ModTime()}
		switch {
		case isEntry(f.name):
			entries = append(entries, f)
		case isTemporary(f.name):
			temporaries = append(temporaries, f)
		}
	}
	slices.SortFunc(entries, func(a, b file) int { return a.used.Compare(b.used) })
	return entries, temporaries
}

// abandoned is the age from which a temporary file belongs to a process that was killed.
const abandoned = time.Hour

// prune removes abandoned files, and entries until a cache above its limit is a tenth below it. It returns the size.
func (c *Cache) prune() int64 {
	entries, temporaries := c.list()
	for _, f := range temporaries {
		if time.Since(f.used) > abandoned {
			_ = os.Remove(filepath.Join(c.dir, f.name))
		}
	}
	size := sum(entries)
	if size <= c.limit {
		return size
	}
	for _, f := range entries {
		if size <= c.limit-c.limit/10 {
			break
		}
		if os.Remove(filepath.Join(c.dir, f.name)) == nil {
			size -= f.size
		}
	}
	return size
}

func sum(files []file) (total int64) {
	for _, f := range files {
		total += f.size
	}
	return total
}

// Usage returns the number of entries and their size in bytes.
func (c *Cache) Usage() (entries int, bytes int64) {
	list, _ := c.list()
	return len(list), sum(list)
}
