package setup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/internal/plugin"
)

// KernelName is the name of the kernelspec in Jupyter.
const KernelName = "lecture11"

// Folders are the places that set-up writes in, all absolute.
type Folders struct {
	Data    string // tools, state, manifest
	Bin     string // lecture, lecture-helper, gonb, goimports, gopls
	Plugins string // where go-xla looks for plugins
	Cache   string // package sets for the first cells of kernels
	Jupyter string // Jupyter's data folder, of which kernels/lecture11 is ours
}

// KernelFolder is the folder of the kernelspec.
func (f Folders) KernelFolder() string { return filepath.Join(f.Jupyter, "kernels", KernelName) }

// ResolveFolders finds the folders from the environment (HOME, XDG_DATA_HOME, JUPYTER_DATA_DIR). A prefix moves the
// kernelspec to PREFIX/share/jupyter, as it does in Jupyter's own installers.
func ResolveFolders(prefix string) (Folders, error) {
	data, err := plugin.DataFolder()
	if err != nil {
		return Folders{}, fmt.Errorf("setup: no home folder: %w; set HOME to a folder that can be written", err)
	}
	plugins, err := plugin.InstallFolder()
	if err != nil {
		return Folders{}, fmt.Errorf("setup: no home folder: %w; set HOME to a folder that can be written", err)
	}
	jupyter, err := jupyterFolder(prefix)
	if err != nil {
		return Folders{}, err
	}
	cache, err := build.UserCache()
	if err != nil {
		return Folders{}, fmt.Errorf("setup: %w", err)
	}
	return Folders{Data: data, Bin: filepath.Join(data, "bin"), Plugins: plugins, Cache: cache, Jupyter: jupyter}, nil
}

// jupyterFolder is where Jupyter keeps the data of a user, by the rules of jupyter_core.
func jupyterFolder(prefix string) (string, error) {
	if prefix != "" {
		abs, err := filepath.Abs(prefix)
		return filepath.Join(abs, "share", "jupyter"), err
	}
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// variableOf names the environment variable that moves a folder.
func (f Folders) variableOf(folder string) string {
	switch {
	case within(folder, f.Plugins):
		return plugin.EnvSearch + " or HOME"
	case within(folder, f.Cache):
		return "XDG_CACHE_HOME or HOME"
	case within(folder, f.Data):
		return "XDG_DATA_HOME or HOME"
	case within(folder, f.Jupyter):
		return "JUPYTER_DATA_DIR or HOME"
	}
	return "HOME"
}

// chosen tells whether a step is to be done.
func (in *Installation) chosen(step string) bool {
	return len(in.Only) == 0 || slices.Contains(in.Only, step)
}

// within tells whether path is dir or lies below it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !filepath.IsAbs(rel) && (len(rel) < 3 || rel[:3] != "../")
}

// writable sees that a file can be made in each folder that the steps will write in, before anything is begun.
func (in *Installation) writable() error {
	for _, dir := range in.targets() {
		if err := in.probe(dir); err != nil {
			return err
		}
	}
	return nil
}

// probe makes a file in dir, or in its nearest parent that is there, and removes it.
func (in *Installation) probe(dir string) error {
	parent := existing(dir)
	file, err := os.CreateTemp(parent, ".lecture-*")
	if err == nil {
		_, err = file.WriteString("x")
		err = errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		return in.explain(err, dir)
	}
	return nil
}

// existing is the nearest of dir and its parents that is there.
func existing(dir string) string {
	for {
		if _, err := os.Lstat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// FolderError says that set-up cannot write in a folder, and what to do about it.
type FolderError struct {
	Folder string
	Err    error // the system's error
	text   string
}

// Error is one line: the folder, the reason, and the variable that moves the folder.
func (e *FolderError) Error() string { return e.text }

// Unwrap returns the system's error.
func (e *FolderError) Unwrap() error { return e.Err }

// explain turns the system's error of writing in a folder into a FolderError. Other errors stay as they are.
func (f Folders) explain(err error, folder string) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err
	}
	e := &FolderError{Folder: folder, Err: errno}
	variable := f.variableOf(folder)
	switch errno {
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG:
		e.text = fmt.Sprintf("no room in %s (%v): free some, or set %s to a folder with room", folder, errno, variable)
	case syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOTDIR, syscall.ENOENT, syscall.EEXIST:
		e.text = fmt.Sprintf("cannot write in %s (%v): set %s to a folder that can be written", folder, errno, variable)
	default:
		e.text = fmt.Sprintf("cannot write in %s: %v", folder, errno)
	}
	return e
}

// targets lists the folders that the chosen steps write in.
func (in *Installation) targets() []string {
	dirs := []string{in.Data}
	if in.chosen("plugin") {
		dirs = append(dirs, in.Plugins)
	}
	if in.chosen("kernelspec") {
		dirs = append(dirs, in.KernelFolder())
	}
	return dirs
}
