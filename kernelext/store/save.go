package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// Payload is a named part of an entry and the function that writes it.
type Payload struct {
	Name  string
	Write func(w io.Writer) error
}

// Save writes a new version of the entry of key. It replaces the previous version once all its bytes are on the disk.
// On an error the previous version stays as it is.
func (s *Store) Save(key Key, meta Meta, payloads ...Payload) error {
	keyJSON, err := key.JSON()
	if err != nil {
		return err
	}
	if meta.Kind == "" {
		meta.Kind = KindModel
	}
	id := idOf(key.Name, keyJSON)
	f, err := s.createTemp(id)
	if err != nil {
		return writeError("entry "+id+" in "+s.dir, err)
	}
	defer f.Close() // also ends its lock
	h := header{Meta: meta, Key: keyJSON, Created: time.Now().UTC()}
	if err := writeVersion(f, h, payloads); err != nil {
		return errors.Join(writeError("entry "+id+" in "+s.dir, err), os.Remove(f.Name()))
	}
	if err := s.commit(f.Name(), s.path(id)); err != nil {
		return errors.Join(writeError("entry "+id+" in "+s.dir, err), removeIfThere(f.Name()))
	}
	return nil
}

// createTemp creates the file of a new version and locks it. The lock shows clean that the writer is alive.
func (s *Store) createTemp(id string) (*os.File, error) {
	if err := s.makeFolder(); err != nil {
		return nil, err
	}
	for {
		name := fmt.Sprintf(".%s%s%016x", id, tempInfix, rand.Uint64())
		f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		held, err := flockNow(f)
		if err != nil {
			return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
		if held && isAt(f, f.Name()) {
			return f, nil
		}
		_ = f.Close() // clean came between our create and our lock, and removes the file
	}
}

// writeVersion streams the payloads behind the room for the prefix, then writes the header and the prefix.
func writeVersion(f *os.File, h header, payloads []Payload) error {
	if _, err := f.Seek(prefixSize, io.SeekStart); err != nil {
		return err
	}
	offset := int64(prefixSize)
	seen := map[string]bool{}
	for _, p := range payloads {
		if seen[p.Name] {
			return fmt.Errorf("two payloads have the name %q", p.Name)
		}
		seen[p.Name] = true
		info, err := writePayload(f, p)
		if err != nil {
			return fmt.Errorf("payload %s: %w", p.Name, err)
		}
		info.Offset = offset
		offset += info.Size
		h.Payloads = append(h.Payloads, info)
	}
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	if _, err := f.WriteAt(prefix(offset, text), 0); err != nil {
		return err
	}
	return f.Sync()
}

func writePayload(f *os.File, p Payload) (PayloadInfo, error) {
	sum := &checksumming{w: f}
	w := bufio.NewWriterSize(sum, 1<<16) // large writes pass it without a copy
	if err := p.Write(w); err != nil {
		return PayloadInfo{}, err
	}
	if err := w.Flush(); err != nil {
		return PayloadInfo{}, err
	}
	return PayloadInfo{Name: p.Name, Size: sum.size, CRC: sum.crc}, nil
}

// commit renames a finished version to its final name, and waits until the name is on the disk too.
func (s *Store) commit(temp, final string) error {
	if err := s.locked(func() error { return os.Rename(temp, final) }); err != nil {
		return err
	}
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
