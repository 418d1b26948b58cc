package store

import (
	"crypto/sha256"
	"hash/crc32"
	"io"
	"testing"
)

const benchWords = 10 << 20 / 8 // 10 MiB

// BenchmarkSave writes a new version of an entry of 10 MiB: file and folder flushed to the disk.
func BenchmarkSave(b *testing.B) {
	s, data := openTest(b), make([]byte, 8*benchWords)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		err := s.Save(testKey(), Meta{}, Payload{"weights", func(w io.Writer) error { _, err := w.Write(data); return err }})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRestore opens the store, checks 10 MiB of weights and reads them into existing memory. The entry also has 20
// MiB of optimiser state, which it does not read.
func BenchmarkRestore(b *testing.B) {
	s, data := openTest(b), make([]byte, 8*benchWords)
	err := s.Save(testKey(), Meta{}, Payload{"weights", pattern(1, benchWords)},
		Payload{"optimizer", pattern(2, 2*benchWords)})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		s, err := Open(s.Dir())
		if err != nil {
			b.Fatal(err)
		}
		e, err := s.Load(testKey())
		if err != nil {
			b.Fatal(err)
		}
		r, err := e.Payload("weights")
		if err == nil {
			_, err = io.ReadFull(r, data)
		}
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetFloats(b *testing.B) {
	s := openTest(b)
	if err := Put(s, "x", make([]float32, 10<<20/4)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(10 << 20)
	for b.Loop() {
		if _, err := Get[[]float32](s, "x"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChecksum compares checksums. It is the reason why payloads have CRC-32C.
func BenchmarkChecksum(b *testing.B) {
	data := make([]byte, 10<<20)
	b.Run("crc32c", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			crc32.Checksum(data, castagnoli)
		}
	})
	b.Run("sha256", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			sha256.Sum256(data)
		}
	})
}
