package nbformat

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write encodes the notebook and writes it to path, completely or not at all. An existing file is replaced in one step
// and keeps its permissions; on an error (a full disk, a value that JSON cannot express) it is unchanged. A symbolic
// link stays one: the file that it names is replaced.
func Write(path string, nb *Notebook) error {
	data, err := nb.Encode()
	if err != nil {
		return fmt.Errorf("%w (%s not written)", err, path)
	}
	if err := replace(path, data); err != nil {
		return fmt.Errorf("nbformat: %s not written: %w", path, err)
	}
	return nil
}

// replace writes data to path by way of a temporary file in the same folder.
func replace(path string, data []byte) error {
	path, mode, err := target(path)
	if err != nil {
		return err
	}
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()[:8]+".tmp")
	err = writeSync(temp, data, mode)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp) // report the first error
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// target follows links from path to the file to replace. It returns the permissions of that file, or 0 if there is
// none.
func target(path string) (string, fs.FileMode, error) {
	file, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", 0, err
	}
	if !info.Mode().IsRegular() {
		return "", 0, errors.New("there is something that is not a file")
	}
	return file, info.Mode().Perm(), nil
}

// writeSync creates a file and flushes it to the disk. Mode 0 leaves the permissions to the user's umask.
func writeSync(path string, data []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if mode != 0 {
		err = file.Chmod(mode)
	}
	if err == nil {
		_, err = file.Write(data)
	}
	if err == nil {
		err = file.Sync()
	}
	return cmp.Or(err, file.Close())
}

// syncFolder makes a rename inside the folder durable, so that it survives a power cut.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	err = folder.Sync()
	_ = folder.Close() // it was only read: nothing can be lost
	return err
}
