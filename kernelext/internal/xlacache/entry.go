package xlacache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// Key names a compilation by everything that its result depends on.
type Key [sha256.Size]byte

// NewKey hashes parts, each with its length, so that no two lists of parts have the same bytes.
func NewKey(parts ...[]byte) Key {
	h := sha256.New()
	var length [8]byte
	for _, part := range parts {
		binary.LittleEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write(part)
	}
	return Key(h.Sum(nil))
}

// fileName returns the name of the key's entry.
func (k Key) fileName() string { return hex.EncodeToString(k[:16]) + extension }

// extension ends the name of each entry. The cache reads, writes and removes no other files.
const extension = ".xlaexe"

// magic starts each entry. Its number changes with the format.
const magic = "lecture11 XLA executable 1\n"

// headerSize is the number of bytes before the payload: magic, checksum of all that follows, key, time of compiling.
const headerSize = len(magic) + sha256.Size + sha256.Size + 8

// Entry is a compiled program.
type Entry struct {
	Payload []byte        // the executable, as the plugin serialised it
	Took    time.Duration // the time that the compilation took
}

// encode returns the file of an entry.
func (e Entry) encode(key Key) []byte {
	file := make([]byte, 0, headerSize+len(e.Payload))
	file = append(file, magic...)
	file = append(file, make([]byte, sha256.Size)...)
	file = append(file, key[:]...)
	file = binary.LittleEndian.AppendUint64(file, uint64(e.Took))
	file = append(file, e.Payload...)
	sum := sha256.Sum256(file[len(magic)+sha256.Size:])
	copy(file[len(magic):], sum[:])
	return file
}

// errDamaged reports a file that is not an entry of the key, or not a complete one.
var errDamaged = errors.New("xlacache: the entry is damaged, or belongs to another compilation")

// decode reads the file of the key's entry.
func decode(file []byte, key Key) (Entry, error) {
	if len(file) < headerSize || string(file[:len(magic)]) != magic {
		return Entry{}, errDamaged
	}
	sum, rest := file[len(magic):len(magic)+sha256.Size], file[len(magic)+sha256.Size:]
	if got := sha256.Sum256(rest); !bytes.Equal(got[:], sum) || !bytes.Equal(rest[:sha256.Size], key[:]) {
		return Entry{}, errDamaged
	}
	rest = rest[sha256.Size:]
	return Entry{Took: time.Duration(binary.LittleEndian.Uint64(rest)), Payload: rest[8:]}, nil
}
