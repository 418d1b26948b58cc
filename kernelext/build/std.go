package build

import (
	"go/ast"
	gobuild "go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// standard holds the packages of the standard library and their exported names. It reads the sources of each package
// once.
type standard struct {
	mu      sync.Mutex
	goroot  string
	paths   map[string][]string        // by the last element of the path, sorted
	exports map[string]map[string]bool // by path
}

// find returns the path of a package with the given name that exports all symbols, or an empty string. Of several
// packages it returns the first by its path; goimports may choose any of them.
func (s *standard) find(goroot, name string, symbols map[string]bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open(goroot)
	candidates := s.paths[name]
	if name == "rand" { // in the order of goimports
		candidates = []string{"crypto/rand", "math/rand/v2", "math/rand"}
	}
	for _, candidate := range candidates {
		if s.exportsAll(candidate, symbols) {
			return candidate
		}
	}
	return ""
}

// has reports whether a path belongs to the standard library.
func (s *standard) has(goroot, importPath string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open(goroot)
	return slices.Contains(s.paths[path.Base(importPath)], importPath)
}

// open lists the packages that a program may import.
func (s *standard) open(goroot string) {
	if s.goroot == goroot && s.paths != nil {
		return
	}
	s.goroot, s.paths, s.exports = goroot, map[string][]string{}, map[string]map[string]bool{}
	root := filepath.Join(goroot, "src")
	filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || file == root {
			return nil
		}
		switch name := entry.Name(); name {
		case "internal", "vendor", "testdata", "cmd":
			return fs.SkipDir
		default:
			relative, _ := filepath.Rel(root, file)
			s.paths[name] = append(s.paths[name], filepath.ToSlash(relative))
		}
		return nil
	})
}

// exportsAll reports whether a package exports all symbols.
func (s *standard) exportsAll(importPath string, symbols map[string]bool) bool {
	have, ok := s.exports[importPath]
	if !ok {
		have = exportsOf(filepath.Join(s.goroot, "src", filepath.FromSlash(importPath)))
		s.exports[importPath] = have
	}
	for symbol := range symbols {
		if !have[symbol] {
			return false
		}
	}
	return true
}

// exportsOf returns the exported names of the package in a folder on this machine; none if it cannot be read.
func exportsOf(dir string) map[string]bool {
	names := map[string]bool{}
	pkg, err := gobuild.Default.ImportDir(dir, 0)
	if err != nil {
		return names
	}
	for _, name := range append(pkg.GoFiles, pkg.CgoFiles...) {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		for _, decl := range file.Decls {
			addExports(names, decl)
		}
	}
	return names
}

func addExports(names map[string]bool, decl ast.Decl) {
	add := func(ident *ast.Ident) { names[ident.Name] = names[ident.Name] || ident.IsExported() }
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			add(decl.Name)
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				add(spec.Name)
			case *ast.ValueSpec:
				for _, ident := range spec.Names {
					add(ident)
				}
			}
		}
	}
}

// assumedName returns the name that goimports assumes for a package by its path alone: the last element that is not a
// major version, without "go-" and up to the first character that a name cannot contain.
func assumedName(importPath string) string {
	base := path.Base(importPath)
	if isVersion(base) && path.Dir(importPath) != "." {
		base = path.Base(path.Dir(importPath))
	}
	base = strings.TrimPrefix(base, "go-")
	if i := strings.IndexFunc(base, notInName); i >= 0 {
		base = base[:i]
	}
	return base
}
