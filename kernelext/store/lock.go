package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is the time between two attempts of a waiting trainer to take the lock. flock(2) itself can wait, but it
// cannot be stopped when a context ends.
const lockPoll = 100 * time.Millisecond

// Holder describes the process that holds a lock. A PID of zero means that the process is not known.
type Holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Start time.Time `json:"start"` // when it took the lock
}

// String returns, for example, "process 1234 on alpha, since 12:03:20".
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s, since %s", h.PID, h.Host, h.Start.Local().Format("15:04:05"))
}

// Lock is the right to write one entry. The system releases it when its process ends, in whatever manner.
type Lock struct {
	f    *os.File
	path string
}

// Unlock releases the lock.
func (l *Lock) Unlock() error {
	if err := l.f.Close(); err != nil {
		return fmt.Errorf("store: lock %s: %w", l.path, err)
	}
	return nil
}

// Lock waits until no other process, and no other goroutine, holds the lock of key. While it waits it calls waiting
// (which may be nil) with each holder that it waits for. When ctx ends, Lock returns ctx's error.
func (s *Store) Lock(ctx context.Context, key Key, waiting func(Holder)) (*Lock, error) {
	id, err := key.ID()
	if err != nil {
		return nil, err
	}
	var last Holder
	told := false
	for {
		lock, holder, err := s.tryLock(id)
		if err != nil || lock != nil {
			return lock, err
		}
		if waiting != nil && (!told || holder != last) {
			waiting(holder)
		}
		told, last = true, holder
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("store: waiting for the lock of %s, held by %s: %w", id, holder, ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}

// tryLock takes the lock of an entry, or returns a nil Lock and the holder.
func (s *Store) tryLock(id string) (*Lock, Holder, error) {
	path := filepath.Join(s.dir, locksFolder, id+".lock")
	for {
		f, err := s.openLock(path)
		if err != nil {
			return nil, Holder{}, writeError("lock of "+id+" in "+s.dir, err)
		}
		held, err := flockNow(f)
		if err != nil {
			return nil, Holder{}, errors.Join(fmt.Errorf("store: lock %s: %w", path, err), f.Close())
		}
		if !held {
			return nil, readHolder(f), f.Close()
		}
		if isAt(f, path) {
			if err := sign(f); err != nil {
				_ = f.Close()
				return nil, Holder{}, writeError("lock "+path, err)
			}
			return &Lock{f: f, path: path}, Holder{}, nil
		}
		_ = f.Close() // Remove has deleted the file between our open and our lock: take the new one
	}
}

func (s *Store) openLock(path string) (*os.File, error) {
	if err := s.makeFolder(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
}

// sign writes the holder into the lock file.
func sign(f *os.File) error {
	host, _ := os.Hostname() // without a host name the message only has less detail
	text, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Start: time.Now().Truncate(time.Millisecond)})
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(text, 0)
	return err
}

func readHolder(f *os.File) Holder {
	var h Holder
	if err := json.NewDecoder(f).Decode(&h); err != nil {
		return Holder{} // the holder is about to write it
	}
	return h
}

// locked runs fn while no other process changes names in the folder. Unlike Lock it is held for the time of a rename.
func (s *Store) locked(fn func() error) error {
	f, err := s.openLock(filepath.Join(s.dir, locksFolder, ".folder"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := flock(f, unix.LOCK_EX); err != nil {
		return err
	}
	return fn()
}

// flockNow takes the exclusive lock of an open file. It returns false at once if another open file has the lock.
func flockNow(f *os.File) (bool, error) {
	err := flock(f, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// isAt reports whether path still names the open file f.
func isAt(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(open, named)
}
