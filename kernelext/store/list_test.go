package store

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// saveNamed saves entries of 1000 words each, the last one newest.
func saveNamed(t *testing.T, s *Store, names ...string) {
	t.Helper()
	for i, name := range names {
		key := Key{Name: name, Fields: map[string]any{"latent": i}}
		meta := Meta{Type: "*lecture11.VAE", Step: i, Steps: 3, Complete: i == 3}
		if err := s.Save(key, meta, Payload{"weights", pattern(i, 1000)}); err != nil {
			t.Fatal(err)
		}
	}
}

func names(infos []Info) string {
	var list []string
	for _, info := range infos {
		list = append(list, info.Key.Name)
	}
	return strings.Join(list, " ")
}

func TestList(t *testing.T) {
	s := openTest(t)
	if infos, err := s.List(); err != nil || len(infos) != 0 {
		t.Fatalf("empty store: %v, %v", infos, err)
	}
	saveNamed(t, s, "a", "b", "c", "d")
	infos, err := s.List()
	if err != nil || names(infos) != "d c b a" {
		t.Fatalf("%s, %v; want d c b a", names(infos), err)
	}
	first := infos[0]
	if first.Step != 3 || !first.Complete || first.Size < 8000 || first.Age() < 0 || first.Age() > time.Hour ||
		first.Type != "*lecture11.VAE" || first.Payloads[0].Size != 8000 || first.Kind != KindModel {
		t.Errorf("info %+v", first)
	}
	if latent, ok := first.Key.Fields["latent"]; !ok || latent.(interface{ String() string }).String() != "3" {
		t.Errorf("fields %v, want latent 3", first.Key.Fields)
	}
	one, err := s.Info(first.ID)
	if err != nil || one.Meta != first.Meta || one.ID != first.ID {
		t.Errorf("Info %+v, %v", one, err)
	}
}

func TestListShowsDamage(t *testing.T) {
	s := openTest(t)
	saveNamed(t, s, "good", "bad", "aside")
	badID, _ := Key{Name: "bad", Fields: map[string]any{"latent": 1}}.ID()
	asideKey := Key{Name: "aside", Fields: map[string]any{"latent": 2}}
	asideID, _ := asideKey.ID()
	flipBit(t, s.path(badID), 3, 1)
	flipBit(t, s.path(asideID), prefixSize, 1)
	e, err := s.Load(asideKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Payload("weights"); err == nil {
		t.Fatal("damage not found")
	}
	infos, err := s.List()
	if err != nil || len(infos) != 3 {
		t.Fatalf("%d entries, %v; want 3", len(infos), err)
	}
	for _, info := range infos {
		if (info.Damage == "") != (info.Key.Name == "good") {
			t.Errorf("%s: damage %q", info.ID, info.Damage)
		}
	}
	last := infos[2]
	if !strings.HasPrefix(last.ID, "damaged/aside-") {
		t.Fatalf("last is %s, want the one set aside", last.ID)
	}
	for _, id := range []string{last.ID, badID} {
		if err := s.Remove(id); err != nil {
			t.Error(err)
		}
	}
	if info := onlyEntry(t, s); info.Key.Name != "good" {
		t.Errorf("left: %s", info.ID)
	}
}

func TestRemove(t *testing.T) {
	s := openTest(t)
	saveNamed(t, s, "a", "b")
	idA, _ := Key{Name: "a", Fields: map[string]any{"latent": 0}}.ID()
	keyB := Key{Name: "b", Fields: map[string]any{"latent": 1}}
	idB, _ := keyB.ID()
	for _, id := range []string{"vae", "", "../" + idA, "damaged/x", ".gitignore", "damaged/../" + idA} {
		err := s.Remove(id)
		if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), idA) || !strings.Contains(err.Error(), idB) {
			t.Errorf("remove %q: error %v, want ErrNotFound and what there is", id, err)
		}
	}
	if err := s.Remove(idA); err != nil {
		t.Fatal(err)
	}
	lock, err := s.Lock(t.Context(), keyB, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(idB); err == nil || !strings.Contains(err.Error(), "being trained by process") {
		t.Errorf("error %v, want one that names the trainer", err)
	}
	if removed, err := s.Prune(Limits{OlderThan: 1}); err != nil || len(removed) != 0 {
		t.Errorf("prune removed an entry that is being trained: %s, %v", names(removed), err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(idB); err != nil {
		t.Error(err)
	}
	locks, err := os.ReadDir(s.dir + "/" + locksFolder)
	if err != nil || len(locks) != 1 {
		t.Errorf("%d lock files, %v; want only that of the folder", len(locks), err)
	}
}

func TestPrune(t *testing.T) {
	tests := []struct {
		name   string
		limits Limits
		want   string // the removed ones, newest first
	}{
		{"keep", Limits{Keep: 3}, "a"},
		{"keep more than there are", Limits{Keep: 9}, ""},
		{"bytes", Limits{MaxBytes: 20_000}, "b a"},
		{"age", Limits{OlderThan: 30 * time.Hour}, "b a"},
		{"both", Limits{Keep: 1, OlderThan: 30 * time.Hour}, "c b a"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := openTest(t)
			saveNamed(t, s, "a", "b", "c", "d")
			infos, err := s.List()
			if err != nil {
				t.Fatal(err)
			}
			for i := range infos { // d is new, c a day old, b two, a three
				infos[i].Created = infos[i].Created.Add(time.Duration(-i) * 24 * time.Hour)
			}
			if got := names(test.limits.beyond(infos)); got != test.want {
				t.Errorf("goes: %q, want %q", got, test.want)
			}
			if test.limits.OlderThan > 0 {
				return // the files themselves are all new
			}
			removed, err := s.Prune(test.limits)
			if err != nil || names(removed) != test.want {
				t.Errorf("removed %q, %v; want %q", names(removed), err, test.want)
			}
			left, err := s.List()
			if err != nil || len(left) != 4-len(removed) ||
				slices.ContainsFunc(left, func(i Info) bool { return strings.Contains(test.want, i.Key.Name) }) {
				t.Errorf("left %q, %v", names(left), err)
			}
		})
	}
	for _, limits := range []Limits{{}, {Keep: -1}, {Keep: 1, MaxBytes: -1}} {
		if _, err := openTest(t).Prune(limits); err == nil {
			t.Errorf("limits %+v: no error", limits)
		}
	}
}
