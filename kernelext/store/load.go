package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// DamagedError reports an entry whose bytes have changed since they were written. Such an entry is never loaded: train
// again.
type DamagedError struct {
	ID     string
	Reason string // "the checksum of payload weights differs"
	Moved  string // path of the file now; empty when it could not be moved
	cause  error  // why it could not be moved
}

// Error describes the damage and says where the file is now.
func (e *DamagedError) Error() string {
	text := fmt.Sprintf("store: entry %s is damaged: %s", e.ID, e.Reason)
	if e.Moved != "" {
		return text + "; set aside as " + e.Moved
	}
	return fmt.Sprintf("%s; it could not be set aside: %v", text, e.cause)
}

// Unwrap returns why the file could not be set aside, or nil.
func (e *DamagedError) Unwrap() error { return e.cause }

// Entry is an open version of an entry. It stays readable while writers replace the entry.
type Entry struct {
	store  *Store
	f      *os.File
	id     string
	header header
	info   Info
}

// Load opens the newest version of the entry of key and checks its header. The error is ErrNotFound when there is
// none, and a *DamagedError, with the file set aside, when the header is damaged.
func (s *Store) Load(key Key) (*Entry, error) {
	keyJSON, err := key.JSON()
	if err != nil {
		return nil, err
	}
	e, err := s.open(idOf(key.Name, keyJSON))
	if err != nil {
		return nil, err
	}
	if !sameJSON(e.header.Key, keyJSON) {
		return nil, e.damaged("it holds the entry of another key: " + string(e.header.Key))
	}
	return e, nil
}

func (s *Store) open(id string) (*Entry, error) {
	f, err := os.Open(s.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("store: entry %s in %s: %w", id, s.dir, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("store: entry %s: %w", id, err)
	}
	e := &Entry{store: s, f: f, id: id}
	var bad flaw
	if e.header, e.info, err = describe(f, id); errors.As(err, &bad) {
		return nil, e.damaged(string(bad))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: entry %s: %w", id, err), f.Close())
	}
	return e, nil
}

// describe reads the header of an open file.
func describe(f *os.File, id string) (header, Info, error) {
	info := Info{ID: id}
	stat, err := f.Stat()
	if err != nil {
		return header{}, info, err
	}
	info.Size, info.Created = stat.Size(), stat.ModTime()
	h, err := readHeader(f, stat.Size())
	if err != nil {
		return header{}, info, err
	}
	key, err := keyFromJSON(h.Key)
	if err != nil {
		return header{}, info, flaw(err.Error())
	}
	info.Key, info.Meta, info.Created, info.Payloads = key, h.Meta, h.Created, h.Payloads
	return h, info, nil
}

// Info describes the version that is open.
func (e *Entry) Info() Info { return e.info }

// Close closes the file.
func (e *Entry) Close() error { return e.f.Close() }

// Payload checks the bytes of the named payload and returns a reader of them. The other payloads are not touched.
// The error is a *DamagedError, with the file set aside, when the checksum differs; the entry is then closed.
func (e *Entry) Payload(name string) (*io.SectionReader, error) {
	for _, p := range e.header.Payloads {
		if p.Name == name {
			return e.checked(p)
		}
	}
	var names []string
	for _, p := range e.header.Payloads {
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("store: entry %s has no payload %q; it has %q", e.id, name, names)
}

func (e *Entry) checked(p PayloadInfo) (*io.SectionReader, error) {
	sum := crc32.New(castagnoli)
	buf := make([]byte, 1<<18)
	n, err := io.CopyBuffer(sum, struct{ io.Reader }{io.NewSectionReader(e.f, p.Offset, p.Size)}, buf)
	switch {
	case err != nil:
		return nil, fmt.Errorf("store: entry %s: payload %s: %w", e.id, p.Name, err)
	case n != p.Size:
		return nil, e.damaged(fmt.Sprintf("payload %s is cut off after %d bytes, want %d", p.Name, n, p.Size))
	case sum.Sum32() != p.CRC:
		return nil, e.damaged("the checksum of payload " + p.Name + " differs")
	}
	return io.NewSectionReader(e.f, p.Offset, p.Size), nil
}

// damaged closes the entry, sets its file aside unless a writer has replaced it, and returns the error.
func (e *Entry) damaged(reason string) error {
	report := &DamagedError{ID: e.id, Reason: reason}
	report.Moved, report.cause = e.store.setAside(e.f, e.id)
	_ = e.f.Close() // it was only read
	return report
}

// setAside moves the open file of an entry to the folder of damaged ones.
func (s *Store) setAside(f *os.File, id string) (moved string, err error) {
	folder := filepath.Join(s.dir, damagedFolder)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", writeError("the folder "+folder, err)
	}
	target := filepath.Join(folder, id+"."+time.Now().UTC().Format("20060102T150405.000000000")+entrySuffix)
	err = s.locked(func() error {
		if !isAt(f, s.path(id)) {
			return errors.New("a newer version has taken its place")
		}
		return os.Rename(s.path(id), target)
	})
	if err != nil {
		return "", writeError("setting "+id+" aside in "+s.dir, err)
	}
	return target, nil
}
