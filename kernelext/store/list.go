package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Info describes an entry.
type Info struct {
	Meta
	ID       string
	Key      Key // numbers among the fields have the type json.Number
	Size     int64
	Created  time.Time // when this version was written
	Payloads []PayloadInfo
	Damage   string // what is wrong with it; empty for a sound header
}

// Age returns the time since this version was written.
func (i Info) Age() time.Duration { return time.Since(i.Created) }

// Info describes the entry with the given id, as List does. It checks the header, not the payloads.
func (s *Store) Info(id string) (Info, error) {
	if validID(id) {
		if info, ok := s.describeFile(id); ok {
			return info, nil
		}
	}
	return Info{}, s.unknown(id)
}

// describeFile describes an entry's file. It returns false when there is no such file; a file that cannot be read is
// described by its Damage.
func (s *Store) describeFile(id string) (Info, bool) {
	f, err := os.Open(s.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return Info{}, false
	}
	if err != nil {
		return Info{ID: id, Damage: underlying(err).Error()}, true
	}
	defer f.Close()
	_, info, err := describe(f, id)
	switch {
	case err != nil:
		info.Damage = err.Error()
	case strings.HasPrefix(id, damagedFolder+"/"):
		info.Damage = "a payload was damaged"
	}
	return info, true
}

// validID returns an error for ids that name a file in another folder.
func validID(id string) bool {
	rest := strings.TrimPrefix(id, damagedFolder+"/")
	return rest != "" && !strings.HasPrefix(rest, ".") && !strings.ContainsAny(rest, `/\`)
}

func (s *Store) unknown(id string) error {
	infos, err := s.List()
	if err != nil {
		return err
	}
	ids := make([]string, len(infos))
	for i, info := range infos {
		ids[i] = info.ID
	}
	return fmt.Errorf("store: entry %q in %s: %w; there are: %s", id, s.dir, ErrNotFound, orNone(ids))
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// List describes all entries, newest first. Damaged entries that were set aside come last; their ids start with
// "damaged/".
func (s *Store) List() ([]Info, error) {
	sound, err := s.listFolder("")
	if err != nil {
		return nil, err
	}
	damaged, err := s.listFolder(damagedFolder + "/")
	if err != nil {
		return nil, err
	}
	return append(sound, damaged...), nil
}

func (s *Store) listFolder(sub string) ([]Info, error) {
	files, err := os.ReadDir(filepath.Join(s.dir, sub))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("store: %w", err)
	}
	var infos []Info
	for _, file := range files {
		id, ok := strings.CutSuffix(file.Name(), entrySuffix)
		if !ok || !validID(id) {
			continue
		}
		if info, ok := s.describeFile(sub + id); ok {
			infos = append(infos, info)
		}
	}
	slices.SortStableFunc(infos, func(a, b Info) int { return b.Created.Compare(a.Created) })
	return infos, nil
}

var errBusy = errors.New("it is being trained")

// Remove deletes the entry with the given id. It returns an error if the entry is being trained.
func (s *Store) Remove(id string) error {
	if _, err := s.Info(id); err != nil {
		return err
	}
	if strings.HasPrefix(id, damagedFolder+"/") {
		if err := os.Remove(s.path(id)); err != nil {
			return writeError("entry "+id, err)
		}
		return nil
	}
	lock, holder, err := s.tryLock(id)
	if err != nil {
		return err
	}
	if lock == nil {
		return fmt.Errorf("store: entry %s: %w by %s: stop that first", id, errBusy, holder)
	}
	err = s.locked(func() error { return os.Remove(s.path(id)) })
	if err == nil {
		err = os.Remove(lock.path) // while we hold it: see tryLock
	}
	if err != nil {
		return errors.Join(writeError("entry "+id, err), lock.Unlock())
	}
	return lock.Unlock()
}

// Limits says which entries Prune keeps. Each limit works by itself; a limit of zero is not applied.
type Limits struct {
	Keep      int           // the number of entries to keep, the newest ones
	MaxBytes  int64         // the disk space for the entries to keep, counted from the newest one
	OlderThan time.Duration // entries of this age and older are removed
}

// Prune removes the entries beyond the limits and returns them. Damaged ones count as the oldest. Entries that are
// being trained are kept.
func (s *Store) Prune(limits Limits) ([]Info, error) {
	if limits == (Limits{}) || min(limits.Keep, int(limits.MaxBytes), int(limits.OlderThan)) < 0 {
		return nil, fmt.Errorf("store: prune with %+v: want at least one limit, and none below zero", limits)
	}
	infos, err := s.List()
	if err != nil {
		return nil, err
	}
	var removed []Info
	var failed []error
	for _, info := range limits.beyond(infos) {
		err := s.Remove(info.ID)
		switch {
		case err == nil:
			removed = append(removed, info)
		case !errors.Is(err, errBusy) && !errors.Is(err, ErrNotFound):
			failed = append(failed, err)
		}
	}
	return removed, errors.Join(failed...)
}

// beyond returns the entries beyond the limits in a list that is sorted as List sorts it.
func (l Limits) beyond(infos []Info) []Info {
	var beyond []Info
	var kept int
	var bytes int64
	for _, info := range infos {
		tooMany := l.Keep > 0 && kept >= l.Keep
		tooBig := l.MaxBytes > 0 && bytes+info.Size > l.MaxBytes
		tooOld := l.OlderThan > 0 && info.Age() >= l.OlderThan
		if tooMany || tooBig || tooOld {
			beyond = append(beyond, info)
			continue
		}
		kept++
		bytes += info.Size
	}
	return beyond
}
