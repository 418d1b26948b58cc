package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// declarationTraps returns the traps in the cell's declarations.
func (c *Cell) declarationTraps(defs *Definitions) []Trap {
	f := parse(c.source())
	if f.at == nil {
		return nil
	}
	traps := f.importTraps()
	for _, decl := range f.ast.Decls {
		if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
			for _, spec := range d.Specs {
				traps = append(traps, f.valueTraps(spec.(*ast.ValueSpec), defs)...)
			}
		}
	}
	return append(traps, f.methodTraps(defs)...)
}

func (f *file) importTraps() []Trap {
	var traps []Trap
	for _, spec := range f.ast.Imports {
		switch {
		case spec.Path.Value == `"C"`:
			traps = append(traps, Trap{f.line(spec.Pos()), TrapCgo,
				"GoNB drops the C code above import \"C\": put it into a package of a module and import that", false})
		case spec.Name != nil && spec.Name.Name == ".":
			traps = append(traps, Trap{f.line(spec.Pos()), TrapDotImport, fmt.Sprintf(
				"import . %s stays for the later cells, and GoNB fails on each that does not use it: "+
					"write the package's name", spec.Path.Value), true})
		}
	}
	return traps
}

// methodTraps finds methods with value receivers of generic types, which GoNB stores by the method's name alone.
func (f *file) methodTraps(defs *Definitions) []Trap {
	var traps []Trap
	types := defs.genericMethods()
	for _, u := range f.units() {
		if u.generic == "" {
			continue
		}
		if other := types[u.method]; other != "" && other != u.generic {
			traps = append(traps, Trap{u.from, TrapMethod, fmt.Sprintf(
				"GoNB keeps one method %s of generic types with value receivers, so %s loses its own to %s: "+
					"give one of them a pointer receiver", u.method, other, u.generic), false})
		}
		types[u.method] = u.generic
	}
	return traps
}

// genericMethods maps each method with a value receiver of a generic type to that type.
func (d *Definitions) genericMethods() map[string]string {
	types := map[string]string{}
	for _, u := range d.units {
		if u.generic != "" {
			types[u.method] = u.generic
		}
	}
	return types
}

// valueTraps finds variables whose value is computed by a call.
func (f *file) valueTraps(spec *ast.ValueSpec, defs *Definitions) []Trap {
	names := make([]string, len(spec.Names))
	for i, name := range spec.Names {
		names[i] = name.Name
	}
	for i, value := range spec.Values {
		call := f.costly(value, defs)
		if call == nil {
			continue
		}
		named := strings.Join(names, ", ")
		if len(spec.Values) == len(names) {
			named = names[i]
		}
		return []Trap{{f.line(spec.Names[0].Pos()), TrapInitialiser, fmt.Sprintf(
			"%s is computed again in every cell from here on, because each cell is a separate program: "+
				"call %s in a function or below %%%%, and keep its result in the store", named, f.nameOf(call)), false}}
	}
	return nil
}

// nameOf returns the name of the function of a call, on one line.
func (f *file) nameOf(call *ast.CallExpr) string {
	name := strings.Join(strings.Fields(f.textOf(call.Fun)), " ")
	if _, literal := call.Fun.(*ast.FuncLit); literal || len(name) > 40 {
		return "it"
	}
	return name
}

// costly returns the first call in an expression that may take time in each cell; nil if there is none. Calls in a
// function literal do not count, because they are not made yet.
func (f *file) costly(expr ast.Expr, defs *Definitions) (found *ast.CallExpr) {
	ast.Inspect(expr, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if found == nil && !f.cheap(n.Fun, defs) {
				found = n
			}
		}
		return found == nil
	})
	return found
}

// cheapNames are builtin functions and types: calls of them cost nothing.
var cheapNames = strings.Fields("append cap complex imag len make max min new real " +
	"any bool byte complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string " +
	"uint uint8 uint16 uint32 uint64 uintptr")

// cheapPackages are packages whose functions take no noticeable time; cheapSelectors are such functions and types of
// other packages.
var (
	cheapPackages  = strings.Fields("bits cmplx errors flag html math path regexp strconv strings unicode utf8")
	cheapSelectors = strings.Fields("big.NewInt bytes.NewBufferString bytes.NewReader context.Background context.TODO " +
		"fmt.Errorf fmt.Sprint fmt.Sprintf image.NewUniform image.Pt image.Rect json.Number json.RawMessage os.FileMode " +
		"rand.New rand.NewPCG rand.NewSource reflect.TypeFor reflect.TypeOf sync.OnceFunc sync.OnceValue " +
		"sync.OnceValues template.HTML template.Must time.Date time.Duration time.Month time.Unix")
)

// cheap reports whether a call of fun is a conversion or takes no time.
func (f *file) cheap(fun ast.Expr, defs *Definitions) bool {
	switch e := fun.(type) {
	case *ast.ParenExpr:
		return f.cheap(e.X, defs)
	case *ast.IndexExpr:
		return f.cheap(e.X, defs)
	case *ast.IndexListExpr:
		return f.cheap(e.X, defs)
	case *ast.Ident:
		return slices.Contains(cheapNames, e.Name) || f.definesType(e.Name) || defs.units["type "+e.Name].key != ""
	case *ast.SelectorExpr:
		pkg, ok := e.X.(*ast.Ident)
		return ok && (slices.Contains(cheapPackages, pkg.Name) || slices.Contains(cheapSelectors, pkg.Name+"."+e.Sel.Name))
	case *ast.ArrayType, *ast.MapType, *ast.ChanType, *ast.FuncType, *ast.InterfaceType, *ast.StarExpr, *ast.StructType:
		return true
	}
	return false
}

func (f *file) definesType(name string) bool {
	for _, decl := range f.ast.Decls {
		if d, ok := decl.(*ast.GenDecl); ok {
			for _, spec := range d.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok && t.Name.Name == name {
					return true
				}
			}
		}
	}
	return false
}
