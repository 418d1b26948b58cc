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

// Folders are the folders that set-up writes in, all absolute.
type Folders struct {
	Data    string // the tools, the state and the manifest
	Bin     string // lecture, lecture-helper, gonb, goimports, gopls
	Plugins string // the folder where go-xla looks for plugins
	Cache   string // package sets for the first cells of kernels
	Jupyter string // Jupyter's data folder; set-up writes kernels/lecture11 in it
}

// kernelFolder returns the folder of the kernelspec.
func (f Folders) kernelFolder() string { return filepath.Join(f.Jupyter, "kernels", KernelName) }

// ResolveFolders finds the folders from the environment (HOME, XDG_DATA_HOME, JUPYTER_DATA_DIR). A prefix moves the
// kernelspec to PREFIX/share/jupyter, as it does in Jupyter's own installers.
func ResolveFolders(prefix string) (Folders, error) {
	data, err := plugin.DataFolder()
	if err != nil {
		return Folders{}, fmt.Errorf("setup: no home folder: %w; set HOME to a writable folder", err)
	}
	plugins, err := plugin.InstallFolder()
	if err != nil {
		return Folders{}, fmt.Errorf("setup: no home folder: %w; set HOME to a writable folder", err)
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

// jupyterFolder returns the folder where Jupyter keeps the data of a user, by the rules of jupyter_core.
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

// variableOf returns the name of the environment variable that moves a folder.
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

// chosen reports whether a step was requested.
func (in *Installation) chosen(step string) bool {
	return len(in.Only) == 0 || slices.Contains(in.Only, step)
}

// within reports whether path is dir or is inside it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !filepath.IsAbs(rel) && (len(rel) < 3 || rel[:3] != "../")
}

// writable checks, before the first step, that a file can be created in each folder that the steps write in.
func (in *Installation) writable() error {
	for _, dir := range in.targets() {
		if err := in.probe(dir); err != nil {
			return err
		}
	}
	return nil
}

// probe creates and removes a file in dir, or in its nearest parent that exists.
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

// existing returns the nearest of dir and its parents that exists.
func existing(dir string) string {
	for {
		if _, err := os.Lstat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// FolderError reports that set-up cannot write in a folder, and what to do about it.
type FolderError struct {
	Folder string
	Err    error // the system's error
	text   string
}

// Error returns one line: the folder, the reason, and the variable that moves the folder.
func (e *FolderError) Error() string { return e.text }

// Unwrap returns the system's error.
func (e *FolderError) Unwrap() error { return e.Err }

// explain converts the system's error of writing in a folder to a FolderError. It returns other errors unchanged.
func (f Folders) explain(err error, folder string) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err
	}
	e := &FolderError{Folder: folder, Err: errno}
	variable := f.variableOf(folder)
	switch errno {
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG:
		e.text = fmt.Sprintf("no room in %s (%v): free some space, or set %s to a folder with room", folder, errno, variable)
	case syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOTDIR, syscall.ENOENT, syscall.EEXIST:
		e.text = fmt.Sprintf("cannot write in %s (%v): set %s to a writable folder", folder, errno, variable)
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
		dirs = append(dirs, in.kernelFolder())
	}
	return dirs
}
