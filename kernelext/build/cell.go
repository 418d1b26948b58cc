package build

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// cellFile is the only source file of GoNB's module.
const cellFile = "main.go"

// cell is the program of a cell.
type cell struct {
	text    []byte
	imports []string // sorted, each once
}

// directive matches comments that the go command reads: build constraints, embedded files, settings of the runtime.
var directive = regexp.MustCompile(`(?m)^\s*//(go:embed|go:debug|go:build|\s*\+build)`)

// readCell reads the program in a folder, or returns the reason why the tools alone cannot build it.
func readCell(dir string) (*cell, error) {
	if err := onlySource(dir); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, cellFile))
	if err != nil {
		return nil, err
	}
	if found := directive.Find(text); found != nil {
		return nil, fmt.Errorf("main.go has %s", strings.TrimSpace(string(found)))
	}
	file, err := parser.ParseFile(token.NewFileSet(), cellFile, text, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	if file.Name.Name != "main" {
		return nil, fmt.Errorf("package %s", file.Name.Name)
	}
	c := &cell{text: text}
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || path == "C" || path == "embed" || !plainPath.MatchString(path) {
			return nil, fmt.Errorf("import %s", spec.Path.Value)
		}
		c.imports = append(c.imports, path)
	}
	slices.Sort(c.imports)
	c.imports = slices.Compact(c.imports)
	return c, nil
}

// plainPath matches the import paths that need no care in a program or a configuration.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~/+-]*$`)

// onlySource checks that main.go is the only file of a folder that the go command would read.
func onlySource(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if name == cellFile || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if name == "vendor" || name == "default.pgo" || slices.Contains(sourceExtensions, filepath.Ext(name)) {
			return fmt.Errorf("%s is beside main.go", name)
		}
	}
	return nil
}
