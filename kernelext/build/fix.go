package build

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/tools/go/ast/astutil"
)

// references are the names of packages that a file uses, each with the names that the file uses of it.
type references map[string]map[string]bool

// importFix decides about the imports of one file as goimports does.
type importFix struct {
	file     *ast.File
	refs     references
	realName func(path string) (string, bool)                         // the name in a package's clause, if known
	findStd  func(name string, symbols map[string]bool) (path string) // a package of the standard library, or empty
}

// edit is a change of an import declaration.
type edit struct {
	name, path string // as it is in the file, or as it is to be added
	add        bool
	rename     string // name to write before the path
	remove     bool
}

// edits returns the changes, or false if goimports would look further than the standard library and the packages whose
// names are known.
func (x *importFix) edits() ([]edit, bool) {
	x.refs = collectReferences(x.file)
	assumed := func(path string) (string, bool) { return assumedName(path), true }
	byName, _ := x.imports(assumed)
	missing := x.missing(byName)
	if len(missing) == 0 {
		return x.unused(byName, assumed), true
	}
	added, complete := x.additions(missing)
	if removed := x.unused(byName, assumed); complete && len(removed) == 0 {
		return added, true
	}
	// Something is missing and something is unused: perhaps a package has another name than its path says.
	byName, known := x.imports(x.realName)
	if !known {
		return nil, false
	}
	added, complete = x.additions(x.missing(byName))
	return append(x.unused(byName, x.realName), added...), complete
}

// imports returns the import declarations by the name they introduce, and whether all names are known.
func (x *importFix) imports(nameOf func(string) (string, bool)) (map[string][]*ast.ImportSpec, bool) {
	byName := map[string][]*ast.ImportSpec{}
	for _, spec := range x.file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		name, known := "", true
		if spec.Name != nil {
			name = spec.Name.Name
		} else {
			name, known = nameOf(path)
		}
		if path == "C" || name == "_" || name == "." {
			continue
		}
		if !known {
			return nil, false
		}
		byName[name] = append(byName[name], spec)
	}
	return byName, true
}

// missing returns the references that no import satisfies.
func (x *importFix) missing(byName map[string][]*ast.ImportSpec) references {
	missing := references{}
	for name, symbols := range x.refs {
		if byName[name] == nil {
			missing[name] = symbols
		}
	}
	return missing
}

// additions finds packages of the standard library for references, and reports whether it found all.
func (x *importFix) additions(missing references) ([]edit, bool) {
	var edits []edit
	for name, symbols := range missing {
		path := x.findStd(name, symbols)
		if path == "" {
			return nil, false
		}
		edits = append(edits, edit{path: path, add: true})
	}
	slices.SortFunc(edits, func(a, b edit) int { return strings.Compare(a.path, b.path) })
	return edits, true
}

// unused returns the removal of each import that is not used, and the naming of each whose name differs from its path.
func (x *importFix) unused(byName map[string][]*ast.ImportSpec, nameOf func(string) (string, bool)) []edit {
	var edits []edit
	for name, specs := range byName {
		for _, spec := range specs {
			path, _ := strconv.Unquote(spec.Path.Value)
			change := edit{path: path}
			if spec.Name != nil {
				change.name = spec.Name.Name
			}
			if x.refs[name] == nil {
				change.remove = true
				edits = append(edits, change)
			} else if spec.Name == nil && name != assumedName(path) {
				change.rename = name
				edits = append(edits, change)
			}
		}
	}
	slices.SortFunc(edits, func(a, b edit) int { return strings.Compare(a.path+" "+a.name, b.path+" "+b.name) })
	return edits
}

// apply makes the edits and returns the new text.
func apply(fset *token.FileSet, file *ast.File, edits []edit) ([]byte, error) {
	for _, change := range edits {
		switch {
		case change.remove:
			astutil.DeleteNamedImport(fset, file, change.name, change.path)
		case change.add:
			astutil.AddNamedImport(fset, file, "", change.path)
		default:
			rename(file, change)
		}
	}
	var text bytes.Buffer
	err := format.Node(&text, fset, file)
	return text.Bytes(), err
}

func rename(file *ast.File, change edit) {
	for _, spec := range file.Imports {
		if path, _ := strconv.Unquote(spec.Path.Value); path == change.path && spec.Name == nil {
			spec.Name = &ast.Ident{Name: change.rename, NamePos: spec.Pos()}
		}
	}
}

// collectReferences collects the names that a file uses of packages: selectors of exported names of an identifier that
// the file does not declare.
func collectReferences(file *ast.File) references {
	refs := references{}
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		ident, ok := selector.X.(*ast.Ident)
		if !ok || ident.Obj != nil || !selector.Sel.IsExported() {
			return true
		}
		if refs[ident.Name] == nil {
			refs[ident.Name] = map[string]bool{}
		}
		refs[ident.Name][selector.Sel.Name] = true
		return true
	})
	return refs
}

// isVersion reports whether an element of a path is a major version, such as v2.
func isVersion(element string) bool {
	digits, ok := strings.CutPrefix(element, "v")
	if !ok {
		return false
	}
	_, err := strconv.Atoi(digits)
	return err == nil
}

// notInName reports whether a Go name cannot contain a character.
func notInName(r rune) bool {
	return r != '_' && !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') &&
		!(r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)))
}
