package jupyter

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var placeholder = regexp.MustCompile(`\{([A-Za-z0-9_]+)\}`)

// Args returns the spec's argv with {connection_file} and {resource_dir} filled in. Other names in braces are kept, as
// in Jupyter.
func (s *Spec) Args(connectionFile string) []string {
	values := map[string]string{"connection_file": connectionFile, "resource_dir": s.Dir}
	args := make([]string, len(s.Argv))
	for i, arg := range s.Argv {
		args[i] = placeholder.ReplaceAllStringFunc(arg, func(match string) string {
			if value, ok := values[match[1:len(match)-1]]; ok {
				return value
			}
			return match
		})
	}
	return args
}

var variable = regexp.MustCompile(`\$(\$|[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})`)

// Environ returns base ("NAME=value" each) with the spec's env added. In the spec's values ${NAME} and $NAME are
// replaced by base's value of NAME, and $$ by $. Unknown names are kept, as in Jupyter.
func (s *Spec) Environ(base []string) []string {
	values := map[string]string{}
	for _, entry := range base {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	result := slices.Clone(base)
	for name, value := range s.Env {
		expanded := variable.ReplaceAllStringFunc(value, func(match string) string {
			if match == "$$" {
				return "$"
			}
			if value, ok := values[strings.Trim(match, "${}")]; ok {
				return value
			}
			return match
		})
		result = setenv(result, name, expanded)
	}
	return result
}

// setenv replaces or adds one variable.
func setenv(env []string, name, value string) []string {
	env = slices.DeleteFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
	return append(env, name+"="+value)
}

// LookupEnv finds a variable in a list of "NAME=value"; the last entry of a name counts.
func LookupEnv(env []string, name string) (value string, ok bool) {
	for _, entry := range slices.Backward(env) {
		if key, value, found := strings.Cut(entry, "="); found && key == name {
			return value, true
		}
	}
	return "", false
}

// LookPath finds a program as a kernel started with env would: on env's PATH, not on this process's.
func LookPath(program string, env []string) (string, error) {
	if strings.ContainsRune(program, filepath.Separator) {
		if err := executable(program); err != nil {
			return "", fmt.Errorf("jupyter: %w", err)
		}
		return program, nil
	}
	path, _ := LookupEnv(env, "PATH")
	for _, dir := range filepath.SplitList(path) {
		if candidate := filepath.Join(dir, program); executable(candidate) == nil {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("jupyter: %q: %w (PATH=%s)", program, exec.ErrNotFound, path)
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s is not an executable file", path)
	}
	return nil
}
