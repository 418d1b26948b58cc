// Package plugin finds XLA's PJRT plugins and records which of them were proved to work.
//
// A plugin is a shared library of about 200 MB that the process loads and calls. A damaged one does not return an
// error: it kills the process. So this package loads none. Set-up proves each plugin in a child process and writes the
// result to a small file. Other programs load only a plugin that is recorded there as proved and has not changed since.
package plugin

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// EnvSearch is go-xla's variable that replaces its search folders by a list of others, separated by colons.
const EnvSearch = "PJRT_PLUGIN_LIBRARY_PATH"

// Platforms of plugins.
const (
	CPU  = "cpu"
	CUDA = "cuda"
)

// DataFolder returns the folder of set-up's tools, state and manifest: $XDG_DATA_HOME/lecture11, else
// ~/.local/share/lecture11.
func DataFolder() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "lecture11"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "share", "lecture11"), nil
}

// InstallFolder returns the folder in which plain go-xla finds a plugin: the first folder of $PJRT_PLUGIN_LIBRARY_PATH,
// else go-xla's folder in the home folder.
func InstallFolder() (string, error) {
	for _, dir := range filepath.SplitList(os.Getenv(EnvSearch)) {
		if filepath.IsAbs(dir) {
			return dir, nil
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "go-xla"), nil
	}
	return filepath.Join(home, ".local", "lib", "go-xla"), nil
}

// SearchFolders lists the folders where go-xla looks for plugins, in its order.
func SearchFolders() ([]string, error) {
	if os.Getenv(EnvSearch) != "" {
		return slices.DeleteFunc(filepath.SplitList(os.Getenv(EnvSearch)), func(dir string) bool {
			return !filepath.IsAbs(dir)
		}), nil
	}
	own, err := InstallFolder()
	if err != nil {
		return nil, err
	}
	system := "/usr/local/lib/go-xla"
	return []string{own, filepath.Join(own, "nvidia"), system, filepath.Join(system, "nvidia")}, nil
}

// Installed lists the plugin files in the search folders, each file once even if several links lead to it: CUDA before
// CPU, then in the order of the folders, and in one folder the newest name first. It loads none of them.
func Installed() ([]string, error) {
	folders, err := SearchFolders()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, dir := range folders {
		found = append(found, pluginsIn(dir)...)
	}
	slices.SortStableFunc(found, Prefer)
	return found, nil
}

// pluginsIn lists the plugin files of one folder without the links to them; a broken link is ignored.
func pluginsIn(dir string) []string {
	var found []string
	seen := map[string]bool{}
	for _, pattern := range []string{"pjrt_c_api_*_plugin", "pjrt-plugin-*", "pjrt_plugin_*"} {
		matches, _ := filepath.Glob(filepath.Join(escapeGlob(dir), pattern+Extension())) // the pattern is well formed
		slices.Reverse(matches)
		for _, path := range matches {
			real, err := filepath.EvalSymlinks(path)
			if err != nil || seen[real] {
				continue
			}
			seen[real] = true
			found = append(found, real)
		}
	}
	return found
}

// escapeGlob escapes the special characters of filepath.Glob.
func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// Extension returns the suffix of a shared library on this system.
func Extension() string {
	if runtime.GOOS == "darwin" {
		return ".dylib"
	}
	return ".so"
}

// PlatformOf guesses a plugin's platform from its path, as go-xla does.
func PlatformOf(path string) string {
	upper := strings.ToUpper(path)
	if strings.Contains(upper, "CUDA") || strings.Contains(upper, "NVIDIA") {
		return CUDA
	}
	return CPU
}

// Prefer orders plugins: those for CUDA come first.
func Prefer(a, b string) int { return cmp.Compare(rank(a), rank(b)) }

func rank(path string) int {
	if PlatformOf(path) == CUDA {
		return 0
	}
	return 1
}

// HasNVIDIA reports whether an NVIDIA device is present, from the files of its driver in /dev or /proc.
func HasNVIDIA() bool {
	for _, pattern := range []string{"/dev/nvidia[0-9]*", "/proc/driver/nvidia/gpus/*"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return true
		}
	}
	return false
}
