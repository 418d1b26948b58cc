package build

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxAge is the time after which the go command is run again, so that it does not treat the compiled packages as unused
// and remove them after five days.
const maxAge = 24 * time.Hour

// packageSet is the go command's information about some packages and all their dependencies.
type packageSet struct {
	Listed    time.Time           `json:"listed"`
	Roots     []string            `json:"roots"`     // imports that the go command accepted in a cell
	Workspace bool                `json:"workspace"` // go.work is in force: a cell may import any package of its modules
	ToolEnv   []string            `json:"tool_env"`  // variables that the go command sets for its tools
	Plan      *plan               `json:"plan"`
	Packages  map[string]*pkgInfo `json:"packages"`
	Watched   []watched           `json:"watched"` // sources that may change
	Sources   string              `json:"sources"` // hash of their state
}

// pkgInfo is a compiled package.
type pkgInfo struct {
	Name    string   `json:"name"`
	Export  string   `json:"export"`  // file of its compiled form; empty for unsafe
	Imports []string `json:"imports"` // paths in the set
	Module  string   `json:"module"`  // path; empty for the standard library
	Main    bool     `json:"main"`    // belongs to a module of the workspace
}

// watched is a folder whose source files may change, or a file.
type watched struct {
	Path string `json:"path"`
	Deep bool   `json:"deep"` // all files of the folder and of those below count, because some are embedded
}

// offers reports whether a cell may import a package and the set contains it.
func (s *packageSet) offers(path string) bool {
	if slices.Contains(s.Roots, path) {
		return true
	}
	p := s.Packages[path]
	if p == nil || p.Name == "main" {
		return false
	}
	for _, element := range strings.Split(path, "/") {
		if element == "internal" || element == "vendor" {
			return false
		}
	}
	return p.Module == "" || p.Main || s.Workspace
}

// missing returns the paths that the set does not offer.
func (s *packageSet) missing(imports []string) []string {
	return slices.DeleteFunc(slices.Clone(imports), s.offers)
}

// closure returns the packages that a program with the given imports links, sorted.
func (s *packageSet) closure(imports []string) ([]string, error) {
	seen := map[string]bool{"unsafe": true, "C": true}
	var paths []string
	queue := append([]string{"runtime"}, imports...)
	for len(queue) > 0 {
		path := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if seen[path] {
			continue
		}
		seen[path] = true
		p := s.Packages[path]
		if p == nil || p.Export == "" {
			return nil, fmt.Errorf("package %s has no compiled form", path)
		}
		paths = append(paths, path)
		queue = append(queue, p.Imports...)
		if slices.Contains(p.Imports, "C") { // packages that cmd/cgo adds
			queue = append(queue, "runtime/cgo", "syscall")
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// modules returns the modules of some packages.
func (s *packageSet) modules(paths []string) map[string]bool {
	used := map[string]bool{}
	for _, path := range paths {
		used[s.Packages[path].Module] = true
	}
	return used
}

// checkPlan checks that this package interprets the set as the go command does: a program with all its roots links the
// packages and names the modules in the output of `go build -n`.
func (s *packageSet) checkPlan() error {
	linked, err := s.closure(s.Roots)
	if err != nil {
		return err
	}
	said := slices.Sorted(slices.Values(s.Plan.packages))
	if !slices.Equal(linked, said) {
		return fmt.Errorf("%d packages are linked by the go command, %d by the list of their imports", len(said), len(linked))
	}
	used := s.modules(linked)
	for _, m := range s.Plan.Modules {
		if !used[m.Path] {
			return fmt.Errorf("the go command names the module %s, of which no package is linked", m.Path)
		}
		delete(used, m.Path)
	}
	delete(used, "")
	if len(used) > 0 {
		return fmt.Errorf("the go command does not name the modules of %v", used)
	}
	return nil
}

// fresh checks that the set is still valid.
func (s *packageSet) fresh(now time.Time) error {
	if age := now.Sub(s.Listed); age > maxAge || age < 0 {
		return fmt.Errorf("the package set is %v old", age.Round(time.Hour))
	}
	if sources, _ := sourceState(s.Watched, now); sources != s.Sources {
		return errors.New("sources have changed")
	}
	return nil
}

// complete checks that all compiled packages still exist, because the go command trims its cache.
func (s *packageSet) complete(paths []string) error {
	for _, path := range paths {
		if _, err := os.Stat(s.Packages[path].Export); err != nil {
			return err
		}
	}
	return nil
}

// linkConfig returns the linker's configuration for a program of the given packages and its own package in main.
func (s *packageSet) linkConfig(modulePath, main string, paths []string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "packagefile %s=%s\n", modulePath, main)
	for _, path := range paths {
		fmt.Fprintf(&text, "packagefile %s=%s\n", path, s.Packages[path].Export)
	}
	fmt.Fprintf(&text, "modinfo %q\n", s.Plan.info(modulePath, s.modules(paths)))
	return text.String()
}

// compileConfig returns the compiler's configuration for a program with the given imports.
func (s *packageSet) compileConfig(imports []string) string {
	var text strings.Builder
	text.WriteString("# import config\n")
	for _, path := range imports {
		if p := s.Packages[path]; p != nil && p.Export != "" {
			fmt.Fprintf(&text, "packagefile %s=%s\n", path, p.Export)
		}
	}
	return text.String()
}

// within reports whether path is folder or is inside it.
func within(path, folder string) bool {
	relative, err := filepath.Rel(folder, path)
	return err == nil && relative != ".." && !strings.HasPrefix(relative, "../")
}
