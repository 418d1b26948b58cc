package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// roles are the programs that the test binary can be for other tests. Some systems have more of them.
var roles = map[string]func(dir string) error{"writer": writeForEver, "holder": holdLock}

// With STORE_TEST_ROLE set the test binary runs as another process of a test.
func TestMain(m *testing.M) {
	role := os.Getenv("STORE_TEST_ROLE")
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Getenv("STORE_TEST_DIR")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "STORE_TEST_ROLE="+role, "STORE_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

func testKey() Key {
	return Key{Name: "vae-20", Fields: map[string]any{"latent": 20, "lr": 1e-3, "data": "mnist"}}
}

// pattern writes n words that depend on the version, so that a mixture of two versions is detected.
func pattern(version, n int) func(w io.Writer) error {
	return func(w io.Writer) error {
		buf := make([]byte, 0, 4096)
		for i := range n {
			buf = binary.LittleEndian.AppendUint64(buf, uint64(version)<<32|uint64(i))
			if len(buf) == cap(buf) || i == n-1 {
				if _, err := w.Write(buf); err != nil {
					return err
				}
				buf = buf[:0]
			}
		}
		return nil
	}
}

func checkPattern(r io.Reader, version, n int) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if len(data) != 8*n {
		return fmt.Errorf("%d bytes, want %d", len(data), 8*n)
	}
	for i := range n {
		if got, want := binary.LittleEndian.Uint64(data[8*i:]), uint64(version)<<32|uint64(i); got != want {
			return fmt.Errorf("word %d is %x, want %x", i, got, want)
		}
	}
	return nil
}

const (
	weightWords    = 60_000
	optimizerWords = 20_000
)

func saveVersion(s *Store, version int) error {
	return s.Save(testKey(), Meta{Step: version, Steps: 1 << 30},
		Payload{"weights", pattern(version, weightWords)}, Payload{"optimizer", pattern(version, optimizerWords)})
}

// loadVersion reads all of the stored version and returns its number.
func loadVersion(s *Store) (int, error) {
	e, err := s.Load(testKey())
	if err != nil {
		return 0, err
	}
	defer e.Close()
	version := e.Info().Step
	for name, words := range map[string]int{"weights": weightWords, "optimizer": optimizerWords} {
		r, err := e.Payload(name)
		if err != nil {
			return 0, err
		}
		if err := checkPattern(r, version, words); err != nil {
			return 0, fmt.Errorf("version %d, %s: %w", version, name, err)
		}
	}
	return version, nil
}

// writeForEver writes one version after the other and prints the number of each that is committed.
func writeForEver(dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	version, err := loadVersion(s)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	for {
		version++
		if err := saveVersion(s, version); err != nil {
			return err
		}
		fmt.Println(version)
	}
}

// holdLock takes the lock, reports that, and holds it until its standard input ends.
func holdLock(dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	lock, err := s.Lock(context.Background(), testKey(), nil)
	if err != nil {
		return err
	}
	fmt.Println("locked")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return lock.Unlock()
}

func firstLine(t *testing.T, r io.Reader) string {
	t.Helper()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}
