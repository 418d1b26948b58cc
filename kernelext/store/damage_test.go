package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// damageCase is a small entry whose file can be put back after each damage.
type damageCase struct {
	s    *Store
	id   string
	good []byte
}

func newDamageCase(t *testing.T) *damageCase {
	t.Helper()
	s := openTest(t)
	err := s.Save(testKey(), Meta{Step: 5, Note: "1 epoch"}, Payload{"weights", pattern(1, 40)},
		Payload{"optimizer", pattern(2, 40)})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := testKey().ID()
	return &damageCase{s: s, id: id, good: readAll(t, s.path(id))}
}

func (c *damageCase) write(t *testing.T, content []byte) {
	t.Helper()
	if err := os.WriteFile(c.s.path(c.id), content, 0o666); err != nil {
		t.Fatal(err)
	}
}

// expectAside checks that err reports the damage, that the file was set aside as it was, and that the entry is gone.
func (c *damageCase) expectAside(t *testing.T, what string, err error, content []byte) {
	t.Helper()
	var damaged *DamagedError
	if !errors.As(err, &damaged) || damaged.ID != c.id || damaged.Moved == "" {
		t.Fatalf("%s: error %v, want a DamagedError with the file set aside", what, err)
	}
	if string(readAll(t, damaged.Moved)) != string(content) {
		t.Errorf("%s: %s is not the damaged file", what, damaged.Moved)
	}
	if err := os.Remove(damaged.Moved); err != nil {
		t.Fatal(err)
	}
	if _, err := c.s.Load(testKey()); !errors.Is(err, ErrNotFound) {
		t.Fatalf("%s: after that: error %v, want ErrNotFound", what, err)
	}
}

// Every bit outside the payloads is checked when the entry is opened.
func TestFlippedHeader(t *testing.T) {
	c := newDamageCase(t)
	headerAt := binary.LittleEndian.Uint64(c.good[12:])
	for offset := range c.good {
		if offset >= prefixSize && offset < int(headerAt) {
			continue
		}
		for bit := range 8 {
			bad := append([]byte(nil), c.good...)
			bad[offset] ^= 1 << bit
			c.write(t, bad)
			_, err := c.s.Load(testKey())
			c.expectAside(t, "flipped header bit", err, bad)
		}
	}
}

// A flipped bit in a payload is found when that payload is read, and only then.
func TestFlippedPayload(t *testing.T) {
	c := newDamageCase(t)
	for offset := prefixSize; offset < prefixSize+2*40*8; offset += 7 {
		bad := append([]byte(nil), c.good...)
		bad[offset] ^= 1 << (offset % 8)
		c.write(t, bad)
		e, err := c.s.Load(testKey())
		if err != nil {
			t.Fatalf("byte %d: %v", offset, err)
		}
		hit, other := "weights", "optimizer"
		if offset >= prefixSize+40*8 {
			hit, other = other, hit
		}
		if _, err := e.Payload(other); err != nil {
			t.Fatalf("byte %d: %s: %v", offset, other, err)
		}
		r, err := e.Payload(hit)
		if r != nil {
			t.Errorf("byte %d: the damaged payload was returned", offset)
		}
		c.expectAside(t, "flipped payload bit", err, bad)
		if !strings.Contains(err.Error(), hit) {
			t.Errorf("error %q, want the payload %s in it", err, hit)
		}
	}
}

func TestTruncated(t *testing.T) {
	c := newDamageCase(t)
	for size := range c.good {
		c.write(t, c.good[:size])
		_, err := c.s.Load(testKey())
		c.expectAside(t, "truncated", err, c.good[:size])
	}
	longer := append(append([]byte(nil), c.good...), 0)
	c.write(t, longer)
	_, err := c.s.Load(testKey())
	c.expectAside(t, "one byte too long", err, longer)
}

// Between opening an entry and reading a payload the file may lose its end.
func TestTruncatedWhileOpen(t *testing.T) {
	c := newDamageCase(t)
	e, err := c.s.Load(testKey())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(c.s.path(c.id), prefixSize+10); err != nil {
		t.Fatal(err)
	}
	_, err = e.Payload("weights")
	c.expectAside(t, "cut while open", err, c.good[:prefixSize+10])
}

// A file under the name of another entry is not taken for that entry.
func TestForeignEntry(t *testing.T) {
	c := newDamageCase(t)
	other := Key{Name: "vae-20", Fields: map[string]any{"latent": 2}}
	if err := c.s.Save(other, Meta{}, Payload{"weights", pattern(1, 1)}); err != nil {
		t.Fatal(err)
	}
	id, _ := other.ID()
	foreign := readAll(t, c.s.path(id))
	c.write(t, foreign)
	_, err := c.s.Load(testKey())
	c.expectAside(t, "foreign entry", err, foreign)
}

// An entry that a newer program wrote is not damaged: it stays where it is.
func TestNewerFormat(t *testing.T) {
	c := newDamageCase(t)
	newer := append([]byte(nil), c.good...)
	binary.LittleEndian.PutUint32(newer[8:], formatVersion+1)
	binary.LittleEndian.PutUint32(newer[28:], crc32.Checksum(newer[:28], castagnoli))
	c.write(t, newer)
	_, err := c.s.Load(testKey())
	var damaged *DamagedError
	if err == nil || errors.As(err, &damaged) || !strings.Contains(err.Error(), "format version 2") {
		t.Errorf("error %v, want one about format version 2", err)
	}
	if info := onlyEntry(t, c.s); !strings.Contains(info.Damage, "format version 2") {
		t.Errorf("listed as %+v", info)
	}
}

// A reader that finds damage does not set aside a version that a writer has put in its place meanwhile.
func TestDamagedAndReplaced(t *testing.T) {
	c := newDamageCase(t)
	flipBit(t, c.s.path(c.id), prefixSize+1, 3)
	e, err := c.s.Load(testKey())
	if err != nil {
		t.Fatal(err)
	}
	if err := saveVersion(c.s, 9); err != nil {
		t.Fatal(err)
	}
	var damaged *DamagedError
	if _, err := e.Payload("weights"); !errors.As(err, &damaged) || damaged.Moved != "" {
		t.Errorf("error %v, want a DamagedError without a file set aside", err)
	}
	if version, err := loadVersion(c.s); version != 9 || err != nil {
		t.Errorf("version %d, %v; want 9", version, err)
	}
	if files, _ := filepath.Glob(filepath.Join(c.s.dir, damagedFolder, "*")); len(files) > 0 {
		t.Errorf("set aside: %v", files)
	}
}
