package kernelext

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// CellCode returns the SHA-256, in hex, of the definitions that this cell was compiled with. It makes a training function
// that is written in a cell part of a key: change the function, and its result is trained again. With names, only those
// functions and the definitions that they use count, and later cells may define more. Comments, layout, unused imports
// and func main (the text of a "%%" cell) do not count.
//
// Outside GoNB, or if no cell defines one of the names, it returns an error.
func CellCode(names ...string) (string, error) {
	dir := os.Getenv("GONB_TMP_DIR")
	if dir == "" {
		return "", fmt.Errorf("kernelext: CellCode: GONB_TMP_DIR is not set: it works only in a cell of GoNB")
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "main.go"), nil, 0)
	if err != nil {
		return "", fmt.Errorf("kernelext: CellCode: %w", err)
	}
	defs := definitionsOf(file)
	if len(names) > 0 {
		if defs, err = reachable(defs, names); err != nil {
			return "", err
		}
	}
	texts, err := printed(defs)
	if err != nil {
		return "", fmt.Errorf("kernelext: CellCode: %w", err)
	}
	sum := sha256.Sum256([]byte(strings.Join(append(usedImports(file, defs), texts...), "\n")))
	return fmt.Sprintf("%x", sum), nil
}

// definition is one function, method, type, variable or block of constants, with the names that it defines and uses.
type definition struct {
	node    ast.Node
	defines []string
	uses    map[string]bool
}

func definitionsOf(file *ast.File) []definition {
	var defs []definition
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Name.Name != "main" || decl.Recv != nil {
				defs = append(defs, define(decl, funcName(decl)))
			}
		case *ast.GenDecl:
			defs = append(defs, definitionsIn(decl)...)
		}
	}
	return defs
}

// definitionsIn splits a block into its lines, except a block of constants, whose lines depend on each other by iota.
func definitionsIn(decl *ast.GenDecl) []definition {
	var defs []definition
	switch decl.Tok {
	case token.CONST:
		var names []string
		for _, spec := range decl.Specs {
			names = append(names, specNames(spec)...)
		}
		defs = append(defs, define(decl, names...))
	case token.VAR, token.TYPE:
		for _, spec := range decl.Specs {
			defs = append(defs, define(spec, specNames(spec)...))
		}
	}
	return defs
}

func define(node ast.Node, names ...string) definition {
	d := definition{node: node, defines: names, uses: map[string]bool{}}
	ast.Inspect(node, func(n ast.Node) bool {
		if ident, ok := n.(*ast.Ident); ok {
			d.uses[ident.Name] = true
		}
		return true
	})
	return d
}

// funcName returns the name of a function, and for a method the name of its type, to which it belongs.
func funcName(decl *ast.FuncDecl) string {
	if decl.Recv == nil {
		return decl.Name.Name
	}
	name := ""
	ast.Inspect(decl.Recv.List[0].Type, func(n ast.Node) bool {
		if ident, ok := n.(*ast.Ident); ok && name == "" {
			name = ident.Name
		}
		return name == ""
	})
	return name
}

func specNames(spec ast.Spec) []string {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		return []string{spec.Name.Name}
	case *ast.ValueSpec:
		names := make([]string, len(spec.Names))
		for i, ident := range spec.Names {
			names[i] = ident.Name
		}
		return names
	}
	return nil
}

// reachable returns the definitions that the named ones need, themselves included, and every func init.
func reachable(defs []definition, names []string) ([]definition, error) {
	for _, name := range names {
		if !slices.ContainsFunc(defs, func(d definition) bool { return slices.Contains(d.defines, name) }) {
			return nil, fmt.Errorf("kernelext: CellCode: no cell defines %q", name)
		}
	}
	wanted := map[string]bool{"init": true}
	for _, name := range names {
		wanted[name] = true
	}
	in := make([]bool, len(defs))
	for grown := true; grown; {
		grown = false
		for i, d := range defs {
			if in[i] || !slices.ContainsFunc(d.defines, func(name string) bool { return wanted[name] }) {
				continue
			}
			in[i], grown = true, true
			for name := range d.uses {
				wanted[name] = true
			}
		}
	}
	var kept []definition
	for i, d := range defs {
		if in[i] {
			kept = append(kept, d)
		}
	}
	return kept, nil
}

// printed returns the sorted texts of the definitions. Layout does not matter: without positions the printer chooses its own.
func printed(defs []definition) ([]string, error) {
	texts := make([]string, len(defs))
	for i, d := range defs {
		var buf bytes.Buffer
		if err := printer.Fprint(&buf, token.NewFileSet(), d.node); err != nil {
			return nil, err
		}
		texts[i] = buf.String()
	}
	slices.Sort(texts)
	return texts, nil
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// usedImports lists the imports whose names the definitions use. GoNB drops and adds imports as func main needs them.
func usedImports(file *ast.File, defs []definition) []string {
	var used []string
	for _, spec := range file.Imports {
		name := importName(spec)
		if name == "." || name == "_" ||
			slices.ContainsFunc(defs, func(d definition) bool { return d.uses[name] }) {
			used = append(used, name+" "+spec.Path.Value)
		}
	}
	slices.Sort(used)
	return used
}

// importName returns the name of an import, or guesses it from the path.
func importName(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	full := strings.Trim(spec.Path.Value, `"`)
	base := path.Base(full)
	if majorVersion.MatchString(base) {
		base = path.Base(path.Dir(full))
	}
	base = strings.TrimPrefix(base, "go-")
	base, _, _ = strings.Cut(base, ".")
	return base
}
