// Package ownfolder opens folders of machine code that processes of the user run: nobody else must be able to write there.
package ownfolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Off as the value of a variable turns a cache off.
const Off = "off"

// Choose returns the folder of a cache: the one that the environment variable names (an absolute path), else lecture11/name in
// the user's cache folder. It is empty if the variable is "off".
func Choose(variable, name string) (string, error) {
	switch value := os.Getenv(variable); {
	case value == Off:
		return "", nil
	case filepath.IsAbs(value):
		return filepath.Clean(value), nil
	case value != "":
		return "", fmt.Errorf("%s=%q, want %q or an absolute path", variable, value, Off)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w", err)
	}
	return filepath.Join(dir, "lecture11", name), nil
}

// Open creates a folder if it is missing, follows links, and reports whether files can be written there. The folder must
// belong to this user or to the administrator, and nobody else may write into it.
func Open(dir string) (real string, writable bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", false, err
	}
	real, err = filepath.EvalSymlinks(dir)
	if err != nil {
		return "", false, err
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", false, err
	}
	if !info.IsDir() {
		return "", false, fmt.Errorf("%s is not a folder", dir)
	}
	if err := trusted(real, info); err != nil {
		return "", false, err
	}
	probe, err := os.CreateTemp(real, ".probe-*")
	if err != nil {
		return real, false, nil
	}
	probe.Close()
	return real, true, os.Remove(probe.Name())
}
