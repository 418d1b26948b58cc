// Package venv creates the Python environments of the peers.
package venv

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// Make creates an environment with the packages that requirements lists, as for pip, in a folder of cache whose name
// depends on them. It does so once, also for several callers at the same time, and again when the requirements change.
// dir is the environment.
func Make(ctx context.Context, cache, requirements string) (dir string, err error) {
	hash := sha256.Sum256([]byte(requirements))
	dir = filepath.Join(cache, fmt.Sprintf("venv-%x", hash[:6]))
	complete := filepath.Join(dir, ".complete")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	lock := flock.New(dir + ".lock")
	if err := lock.Lock(); err != nil {
		return "", err
	}
	defer lock.Unlock()
	if _, err := os.Stat(complete); err == nil {
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	list := dir + ".txt"
	if err := os.WriteFile(list, []byte(requirements), 0o644); err != nil {
		return "", err
	}
	for _, command := range [][]string{
		{"python3", "-m", "venv", dir},
		{Program(dir, "pip"), "install", "-q", "--disable-pip-version-check", "-r", list},
	} {
		if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("venv: %s: %w\n%s", strings.Join(command, " "), err, out)
		}
	}
	return dir, os.WriteFile(complete, nil, 0o644)
}

// Python returns the interpreter of an environment in the user's cache with the given packages, each as in
// "numpy==2.3.4". It creates the environment if it is missing.
func Python(packages ...string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir, err := Make(context.Background(), filepath.Join(cache, "lecture11", "peers"), strings.Join(packages, "\n")+"\n")
	return Program(dir, "python"), err
}

// Program returns the path of a program of the environment in dir.
func Program(dir, name string) string { return filepath.Join(dir, "bin", name) }
