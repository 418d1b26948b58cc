package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	roles["tmpfs"], roles["limit"] = fillTmpfs, hitFileLimit
}

// On a full disk the old version stays, nothing is left behind, and the error says what to do.
func TestFullDisk(t *testing.T) {
	tests := []struct {
		role, want string
		attr       *syscall.SysProcAttr
	}{
		{"limit", "file too large", nil},
		{"tmpfs", "no space left on device", ownMounts()},
	}
	for _, test := range tests {
		t.Run(test.role, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := child(t, test.role, t.TempDir())
			cmd = &exec.Cmd{Path: cmd.Path, Env: cmd.Env, Stderr: os.Stderr, SysProcAttr: test.attr}
			out, err := outputWithin(ctx, cmd)
			if errors.Is(err, syscall.EPERM) && test.role == "tmpfs" {
				t.Skip("this system lets only root mount a small disk; the case limit covers a full one")
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range []string{"no room on the disk", test.want, "LECTURE_STORE"} {
				if !strings.Contains(out, want) {
					t.Errorf("error %q, want it to say %q", out, want)
				}
			}
		})
	}
}

// ownMounts lets a child mount a small disk that no other process sees.
func ownMounts() *syscall.SysProcAttr {
	if os.Geteuid() == 0 {
		return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}

func outputWithin(ctx context.Context, cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	err := cmd.Wait()
	return out.String(), err
}

// fillTmpfs runs in its own mount namespace, on a disk of 2 MiB.
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
