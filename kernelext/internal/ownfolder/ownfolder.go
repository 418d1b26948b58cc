// Package ownfolder opens folders of machine code that processes of the user run: nobody else must be able to write there.
package ownfolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

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
