package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/imports"
)

// Imports does the work of `goimports -w FILE` in dir: it removes unused imports, adds missing ones and formats the
// file. Missing packages of the standard library are found in this process. goimports itself is run only if it has to
// look further, or if the name of an imported package is not known. Imports returns the output of goimports, such as
// syntax errors, and its exit code.
func (b *Builder) Imports(ctx context.Context, file, dir string, env []string) (output string, code int) {
	target := file
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, file)
	}
	text, err := os.ReadFile(target)
	if err != nil {
		return err.Error() + "\n", 2
	}
	fixed, err := b.fixText(file, dir, env, text)
	var syntax scanner.ErrorList
	if errors.As(err, &syntax) && !strings.Contains(err.Error(), "expected 'package'") {
		var said bytes.Buffer
		scanner.PrintError(&said, syntax)
		return said.String(), 2
	}
	if err != nil {
		b.opts.Log("build: imports by goimports: " + err.Error())
		return b.goimports(ctx, file, dir, env)
	}
	if bytes.Equal(fixed, text) {
		return "", 0
	}
	if err := os.WriteFile(target, fixed, 0o600); err != nil {
		return err.Error() + "\n", 2
	}
	return "", 0
}

// fixText returns the text with its imports fixed. An error that is not a syntax error of the text is a reason to use
// goimports.
func (b *Builder) fixText(file, dir string, env []string, text []byte) ([]byte, error) {
	if err := onlySource(dir); err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(text, []byte("//go:embed")) || filepath.Base(file) != cellFile {
		return nil, fmt.Errorf("%s, or go:embed in it", file)
	}
	edits, err := b.importEdits(parsed, dir, env)
	if err != nil {
		return nil, err
	}
	if len(edits) > 0 {
		if text, err = apply(fset, parsed, edits); err != nil {
			return nil, err
		}
	}
	return imports.Process(file, text, &imports.Options{Comments: true, TabIndent: true, TabWidth: 8, FormatOnly: true})
}

// importEdits decides about the imports of a file in the module in dir.
func (b *Builder) importEdits(file *ast.File, dir string, env []string) ([]edit, error) {
	goroot, err := b.goroot(env)
	if err != nil {
		return nil, err
	}
	fix := importFix{
		file:     file,
		realName: func(path string) (string, bool) { return b.packageName(goroot, dir, env, path) },
		findStd:  func(name string, symbols map[string]bool) string { return b.std.find(goroot, name, symbols) },
	}
	edits, ok := fix.edits()
	if !ok {
		return nil, errors.New("a package is missing or unknown")
	}
	return edits, nil
}

// goroot returns the folder of the standard library.
func (b *Builder) goroot(env []string) (string, error) {
	root := getenv(env, "GOROOT")
	if root == "" {
		tool, err := filepath.EvalSymlinks(b.opts.Go)
		if err != nil {
			return "", err
		}
		root = filepath.Dir(filepath.Dir(tool))
	}
	_, err := os.Stat(filepath.Join(root, "src", "fmt"))
	return root, err
}

// packageName returns the name of a package of the standard library or of a package set of the module.
func (b *Builder) packageName(goroot, dir string, env []string, importPath string) (string, bool) {
	if b.std.has(goroot, importPath) {
		return assumedName(importPath), true
	}
	if s, err := readSettings(b.opts.Go, dir, env, nil); err == nil {
		b.site(s) // so that a set which set-up left on disk is used
	}
	b.mu.Lock()
	sites := slices.Collect(maps.Values(b.sites))
	b.mu.Unlock()
	for _, at := range sites {
		if name := at.name(importPath); name != "" {
			return name, true
		}
	}
	return "", false
}

// name returns the name of a package in the set, or an empty string.
func (t *site) name(importPath string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.load()
	if t.set == nil || t.set.Packages[importPath] == nil {
		return ""
	}
	return t.set.Packages[importPath].Name
}

// goimports runs the program itself.
func (b *Builder) goimports(ctx context.Context, file, dir string, env []string) (string, int) {
	tool := b.opts.Goimports
	if tool == "" {
		var err error
		if tool, err = lookPath("goimports", env); err != nil {
			return err.Error() + "\n", 127
		}
	}
	code, output, err := run(ctx, command{Path: tool, Args: []string{"-w", file}, Dir: dir, Env: env})
	if err != nil {
		return err.Error() + "\n", 1
	}
	return output, code
}

// lookPath finds a program on the PATH of env. It skips a folder where `go` is the same file: that is the replacement
// through which the call has come.
func lookPath(name string, env []string) (string, error) {
	for _, dir := range filepath.SplitList(getenv(env, "PATH")) {
		found, err := exec.LookPath(filepath.Join(dir, name))
		if err != nil || !filepath.IsAbs(found) {
			continue
		}
		info, err := os.Stat(found)
		other, otherErr := os.Stat(filepath.Join(dir, "go"))
		if err == nil && (otherErr != nil || !os.SameFile(info, other)) {
			return found, nil
		}
	}
	return "", fmt.Errorf("build: no %s on PATH", name)
}
