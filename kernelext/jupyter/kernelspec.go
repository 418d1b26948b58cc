package jupyter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Interrupt modes of a kernelspec.
const (
	// InterruptSignal: a SIGINT to the process group of the kernel. It is the default.
	InterruptSignal = "signal"
	// InterruptMessage: an interrupt_request on the control channel.
	InterruptMessage = "message"
)

// Spec is an installed kernelspec, which describes how a kernel is started.
type Spec struct {
	// Name is the lower-case name of its folder; Dir is that folder.
	Name string `json:"-"`
	Dir  string `json:"-"`

	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode,omitempty"`
	Env           map[string]string `json:"env,omitempty"`
	Metadata      map[string]any    `json:"metadata,omitempty"`
}

// NotInstalledError reports that no kernelspec of a name was found.
type NotInstalledError struct {
	Name string
	// Known lists the names of the installed kernels, sorted.
	Known []string
}

// Error names the installed kernels.
func (e *NotInstalledError) Error() string {
	known := "none is installed"
	if len(e.Known) > 0 {
		known = "installed: " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("jupyter: kernel %q is not installed (%s)", e.Name, known)
}

// Environ looks up environment variables; os.Getenv is one.
type Environ func(name string) string

// userDataDir returns the folder where Jupyter keeps the current user's data, such as kernelspecs.
func userDataDir(getenv Environ) (string, error) {
	if dir := getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir, nil
	}
	home := getenv("HOME")
	if dir := getenv("XDG_DATA_HOME"); dir != "" && runtime.GOOS != "darwin" {
		return filepath.Join(dir, "jupyter"), nil
	}
	switch {
	case home == "":
		return "", errors.New("jupyter: no data folder: set HOME or JUPYTER_DATA_DIR")
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// DataDirs returns the folders whose kernels/ Jupyter searches; the first match counts: JUPYTER_PATH, the user's, the
// active virtual environment's (VIRTUAL_ENV or CONDA_PREFIX), the system's. JUPYTER_PREFER_ENV_PATH puts the
// environment before the user.
func DataDirs(getenv Environ) []string {
	dirs := filepath.SplitList(getenv("JUPYTER_PATH"))
	var user, env []string
	if dir, err := userDataDir(getenv); err == nil {
		user = append(user, dir)
	}
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if prefix := getenv(name); prefix != "" {
			env = append(env, filepath.Join(prefix, "share", "jupyter"))
		}
	}
	if preferEnv(getenv, len(env) > 0) {
		dirs = slices.Concat(dirs, env, user)
	} else {
		dirs = slices.Concat(dirs, user, env)
	}
	return append(dirs, "/usr/local/share/jupyter", "/usr/share/jupyter")
}

// preferEnv reports whether the environment comes first. As in jupyter_core, the variable decides, else an active
// environment comes first.
func preferEnv(getenv Environ, active bool) bool {
	switch strings.ToLower(getenv("JUPYTER_PREFER_ENV_PATH")) {
	case "":
		return active
	case "0", "n", "no", "off", "false":
		return false
	}
	return true
}

// FindSpec returns the kernelspec with a name; upper and lower case are the same. The error is *NotInstalledError, or
// describes a fault in its kernel.json.
func FindSpec(name string, getenv Environ) (*Spec, error) {
	dirs := specDirs(getenv)
	dir, ok := dirs[strings.ToLower(name)]
	if !ok {
		return nil, &NotInstalledError{Name: name, Known: slices.Sorted(maps.Keys(dirs))}
	}
	return ReadSpec(dir)
}

// specDirs maps each installed name to its folder.
func specDirs(getenv Environ) map[string]string {
	found := map[string]string{}
	for _, data := range DataDirs(getenv) {
		kernels := filepath.Join(data, "kernels")
		entries, err := os.ReadDir(kernels)
		if err != nil {
			continue // most of the folders do not exist, and Jupyter treats an unreadable one in the same manner
		}
		for _, entry := range entries {
			dir := filepath.Join(kernels, entry.Name())
			key := strings.ToLower(entry.Name())
			if _, dup := found[key]; !dup && isFile(filepath.Join(dir, "kernel.json")) {
				found[key] = dir
			}
		}
	}
	return found
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// ReadSpec reads the kernelspec in the folder dir.
func ReadSpec(dir string) (*Spec, error) {
	path := filepath.Join(dir, "kernel.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("jupyter: %s holds no kernelspec: %w", dir, err)
	} else if err != nil {
		return nil, fmt.Errorf("jupyter: kernelspec: %w", err)
	}
	spec := &Spec{Name: strings.ToLower(filepath.Base(dir)), Dir: dir}
	if err := json.Unmarshal(data, spec); err != nil {
		return nil, fmt.Errorf("jupyter: %s: %w", path, err)
	}
	if err := spec.check(); err != nil {
		return nil, fmt.Errorf("jupyter: %s: %w", path, err)
	}
	return spec, nil
}

func (s *Spec) check() error {
	if s.InterruptMode == "" {
		s.InterruptMode = InterruptSignal
	}
	if s.InterruptMode != InterruptSignal && s.InterruptMode != InterruptMessage {
		return fmt.Errorf("interrupt_mode %q, want %q or %q", s.InterruptMode, InterruptSignal, InterruptMessage)
	}
	if len(s.Argv) == 0 {
		return errors.New("argv is empty, want the command that starts the kernel")
	}
	return nil
}
