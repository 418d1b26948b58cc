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
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary plays other processes: with STORE_TEST_ROLE set it is one of them.
func TestMain(m *testing.M) {
	role := os.Getenv("STORE_TEST_ROLE")
	if role == "" {
		os.Exit(m.Run())
	}
	roles := map[string]func(dir string) error{
		"writer": writeForEver, "holder": holdLock, "tmpfs": fillTmpfs, "limit": hitFileLimit,
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

// pattern writes n words that tell the version, so that a mixture of two versions cannot pass.
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

// loadVersion returns the version that is there after reading all of it.
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

// holdLock takes the lock, says so, and holds it until its standard input ends.
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

// fillTmpfs runs in a mount namespace of its own, on a disk of 2 MiB.
func fillTmpfs(dir string) error {
	// Without this a mount in the new namespace would show in the old one too.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		return err
	}
	return saveTooMuch(dir, syscall.ENOSPC)
}

func hitFileLimit(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	return saveTooMuch(dir, syscall.EFBIG)
}

// saveTooMuch saves a version that fits and one that does not, and checks what is left.
func saveTooMuch(dir string, want error) error {
	s, err := Open(filepath.Join(dir, "store"))
	if err != nil {
		return err
	}
	if err := saveVersion(s, 1); err != nil {
		return err
	}
	err = s.Save(testKey(), Meta{Step: 2}, Payload{"weights", pattern(2, 1<<19)})
	if !errors.Is(err, want) {
		return fmt.Errorf("saving 4 MiB: error %v, want %v", err, want)
	}
	fmt.Println(err)
	if version, err := loadVersion(s); err != nil || version != 1 {
		return fmt.Errorf("after a failed save: version %d, %v; want 1", version, err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, ".*.tmp-*")); len(left) > 0 {
		return fmt.Errorf("left behind: %v", left)
	}
	return nil
}

func firstLine(t *testing.T, r io.Reader) string {
	t.Helper()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}
