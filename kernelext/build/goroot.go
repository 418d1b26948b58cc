package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ShadowGoroot creates a folder in dir that looks like the Go installation in goroot and also has
// misc/wasm/wasm_exec.js, and returns its path. GoNB's %wasm reads that file below the output of `go env GOROOT`; since
// Go 1.24 it is in lib/wasm. The folder consists of symbolic links. If an installation has the file, its own path is
// returned. The folder is only for GoNB to read: the go command would compile the standard library again for it.
func ShadowGoroot(goroot, dir string) (string, error) {
	const script = "wasm_exec.js"
	if _, err := os.Stat(filepath.Join(goroot, "misc", "wasm", script)); err == nil {
		return goroot, nil
	}
	source := filepath.Join(goroot, "lib", "wasm", script)
	if _, err := os.Stat(source); err != nil {
		return "", fmt.Errorf("build: this Go installation has no %s for %%wasm: %w", script, err)
	}
	shadow := filepath.Join(dir, "goroot")
	if err := os.MkdirAll(filepath.Join(shadow, "misc", "wasm"), 0o700); err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	err := errors.Join(
		linkEntries(goroot, shadow, "misc"),
		linkEntries(filepath.Join(goroot, "misc"), filepath.Join(shadow, "misc"), "wasm"),
		linkEntries(filepath.Join(goroot, "misc", "wasm"), filepath.Join(shadow, "misc", "wasm"), script),
		symlink(source, filepath.Join(shadow, "misc", "wasm", script)),
	)
	return shadow, err
}

// linkEntries links all entries of a folder except one into another folder. A missing folder has no entries.
func linkEntries(from, to, except string) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	for _, entry := range entries {
		if entry.Name() != except {
			err = errors.Join(err, symlink(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())))
		}
	}
	return err
}

// symlink creates a link that may exist already.
func symlink(target, link string) error {
	if err := os.Symlink(target, link); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}
