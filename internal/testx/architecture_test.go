package testx

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestArchitecture: each file that docs/architecture.md names exists, and declares what is named after it.
func TestArchitecture(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	named, err := checkNames(root, string(text))
	if err != nil {
		t.Error(err)
	}
	if named < 80 {
		t.Errorf("%d names, want those of the whole route: the test does not find them", named)
	}
}

// TestArchitectureRots: a file or a function that is gone is found, wherever it is named.
func TestArchitectureRots(t *testing.T) {
	for text, want := range map[string]string{
		"See `internal/testx/gone.go`.":                                  "internal/testx/gone.go does not exist",
		"1. `internal/testx/kernel.go` `Kernel` calls `gone`.":           "internal/testx/kernel.go does not declare gone",
		"1. `internal/testx` `Kernel.gone`":                              "internal/testx does not declare Kernel.gone",
		"1. `internal/testx/kernel.go`\n   `Kernel`\n2. `setUpKernel`":   "setUpKernel has no file before it",
		"1. `internal/testx/kernel.go` `Kernel`, then `go build -o OUT`": "go build -o OUT",
	} {
		if _, err := checkNames(filepath.Join("..", ".."), text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

var (
	// stepStart matches the start of a step, of a paragraph or of a heading.
	stepStart = regexp.MustCompile(`(?m)^(\d+\. |\n|#)`)
	backticks = regexp.MustCompile("`([^`]+)`")
	isPath    = regexp.MustCompile(`^[\w.]+(/[\w.]+)+$|^(lecture11|kernelext)$`)
)

// checkNames checks the names of a text and returns their number.
func checkNames(root, text string) (named int, err error) {
	ends := append(stepStart.FindAllStringIndex(text, -1), []int{len(text)})
	start := 0
	for _, end := range ends {
		file := ""
		for _, match := range backticks.FindAllStringSubmatch(text[start:end[0]], -1) {
			name := match[1]
			switch {
			case isPath.MatchString(name):
				file = name
				if _, missing := os.Stat(filepath.Join(root, name)); missing != nil {
					err = errors.Join(err, fmt.Errorf("%s does not exist", name))
				}
			case file == "":
				err = errors.Join(err, fmt.Errorf("%s has no file before it", name))
			default:
				err = errors.Join(err, declares(root, file, name))
			}
			named++
		}
		start = end[0]
	}
	return named, err
}

// declares looks for a function, a type or a method Type.name in a file, or in the files of a folder.
func declares(root, file, name string) error {
	files := []string{filepath.Join(root, file)}
	if filepath.Ext(file) != ".go" {
		files, _ = filepath.Glob(filepath.Join(root, file, "*.go")) // the pattern is well-formed
	}
	for _, path := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range parsed.Decls {
			if declared(d, name) {
				return nil
			}
		}
	}
	return fmt.Errorf("%s does not declare %s", file, name)
}

func declared(d ast.Decl, name string) bool {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return receiver(d)+d.Name.Name == name
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if spec, ok := spec.(*ast.TypeSpec); ok && spec.Name.Name == name {
				return true
			}
		}
	}
	return false
}

// receiver returns "Type." for a method and "" for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	return of.(*ast.Ident).Name + "."
}
