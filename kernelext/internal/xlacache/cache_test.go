package xlacache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// openTemp opens a cache in a new folder.
func openTemp(t *testing.T) *Cache {
	t.Helper()
	c, err := Open(filepath.Join(t.TempDir(), "xla"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// payload returns the i-th payload of the tests.
func payload(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8), 7}, 40) }

func keyOf(i int) Key { return NewKey(fmt.Append(nil, i)) }

func TestGetReturnsWhatPutWrote(t *testing.T) {
	c := openTemp(t)
	for i := range 5 {
		if _, found := c.Get(keyOf(i)); found {
			t.Errorf("Get(%d) before Put: found", i)
		}
		if err := c.Put(keyOf(i), Entry{payload(i), time.Second}); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(c.Dir())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		e, found := again.Get(keyOf(i))
		if !found || !bytes.Equal(e.Payload, payload(i)) || e.Took != time.Second {
			t.Errorf("Get(%d) = %v, %v", i, e, found)
		}
	}
	if n, size := c.Usage(); n != 5 || size != 5*int64(headerSize+len(payload(0))) {
		t.Errorf("Usage() = %d entries, %d bytes", n, size)
	}
}

// TestKeySeparatesParts: equal bytes, divided in another way, are another key.
func TestKeySeparatesParts(t *testing.T) {
	seen := map[Key]string{}
	for _, parts := range [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}} {
		var raw [][]byte
		for _, p := range parts {
			raw = append(raw, []byte(p))
		}
		key := NewKey(raw...)
		if other, equal := seen[key]; equal {
			t.Errorf("%q has the key of %s", parts, other)
		}
		seen[key] = fmt.Sprintf("%q", parts)
	}
}

// TestEveryDamageIsAMiss: no cut and no flipped bit of an entry's file is accepted.
func TestEveryDamageIsAMiss(t *testing.T) {
	c, key := openTemp(t), keyOf(1)
	if err := c.Put(key, Entry{payload(1), time.Second}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.Dir(), key.fileName())
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(file []byte, what string) {
		t.Helper()
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, found := c.Get(key); found {
			t.Errorf("%s: accepted", what)
		}
	}
	for n := range whole {
		refused(whole[:n], fmt.Sprintf("the first %d bytes", n))
		damaged := bytes.Clone(whole)
		damaged[n] ^= 1 << (n % 8)
		refused(damaged, fmt.Sprintf("a flipped bit in byte %d", n))
	}
	refused(append(bytes.Clone(whole), 0), "a byte more")
	refused(nil, "an empty file")
	refused(Entry{payload(1), time.Second}.encode(keyOf(2)), "the entry of another key")
	if err := c.Put(key, Entry{payload(1), time.Second}); err != nil {
		t.Fatal(err)
	}
	if _, found := c.Get(key); !found {
		t.Error("a damaged file was not replaced")
	}
}

// TestLeastRecentlyUsedGoFirst fills a cache above its limit.
func TestLeastRecentlyUsedGoFirst(t *testing.T) {
	c := openTemp(t)
	size := int64(headerSize + len(payload(0)))
	c.limit = 10 * size
	put := func(i int) {
		t.Helper()
		if err := c.Put(keyOf(i), Entry{payload(i), 0}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10 {
		put(i)
		old := time.Now().Add(time.Duration(i-100) * time.Minute)
		if err := os.Chtimes(filepath.Join(c.Dir(), keyOf(i).fileName()), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if _, found := c.Get(keyOf(0)); !found { // it is the most recently used now
		t.Fatal("entry 0 is missing before the limit")
	}
	put(10)
	for i, want := range []bool{true, false, false, true, true, true, true, true, true, true, true} {
		if _, found := c.Get(keyOf(i)); found != want {
			t.Errorf("entry %d: found = %v, want %v", i, found, want)
		}
	}
	if _, bytes := c.Usage(); bytes > c.limit {
		t.Errorf("the cache has %d bytes, limit %d", bytes, c.limit)
	}
}

// TestOtherFilesStay: a folder with files of others, large ones too, loses none of them.
func TestOtherFilesStay(t *testing.T) {
	c := openTemp(t)
	c.limit = int64(headerSize + len(payload(0)))
	others := []string{"letter.txt", "x" + extension, ".hidden" + extension, ".new-young" + extension}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(c.Dir(), name), make([]byte, 1<<16), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	killed := filepath.Join(c.Dir(), ".new-old"+extension)
	if err := os.WriteFile(killed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(killed, old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(c.Dir(), keyOf(5).fileName()), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := c.Put(keyOf(i), Entry{payload(i), 0}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range others {
		if _, err := os.Stat(filepath.Join(c.Dir(), name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(killed); !os.IsNotExist(err) {
		t.Errorf("the file of a killed process is still there: %v", err)
	}
}
