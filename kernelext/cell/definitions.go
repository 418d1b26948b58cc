package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Definitions are the definitions of the cells so far. The zero value is empty. They are not safe for use by several
// goroutines at once.
type Definitions struct {
	mainGo  []byte          // main.go of the last cell that compiled
	removed map[string]bool // GoNB's keys that %rm has removed since then
	units   map[string]unit
	texts   []text // texts of the cells, the last first
	known   composed
}

// text is the text of a cell that compiled.
type text struct {
	count int
	cell  *Cell
}

// maxTexts is the number of cells whose whole text is kept.
const maxTexts = 200

// Add adds a cell that compiled: its number, its original text, and the main.go that GoNB composed, or nil if there is
// none, as when the cells of a notebook are read but not run.
func (d *Definitions) Add(count int, cellText string, mainGo []byte) {
	c := Parse(cellText)
	d.Apply(c)
	if c.Foreign {
		return
	}
	if mainGo != nil {
		d.mainGo, d.removed = mainGo, nil
	}
	if d.units == nil {
		d.units = map[string]unit{}
	}
	for _, u := range parse(c.repaired().source()).units() {
		if u.key == "func main" {
			continue
		}
		if u.generic != "" {
			d.removeGeneric(u.method)
		}
		u.count = count
		d.units[u.key] = u
	}
	d.texts = slices.Insert(d.texts, 0, text{count, c})
	d.texts = d.texts[:min(len(d.texts), maxTexts)]
}

// Apply applies the %rm and %reset commands of a cell that GoNB has received. They also count if the cell does not
// compile, or has no Go. Add does the same.
func (d *Definitions) Apply(c *Cell) {
	for _, m := range c.Magics {
		switch m.Name {
		case "%reset":
			if len(m.Args) == 0 {
				*d = Definitions{}
			}
		case "%rm", "%remove":
			for _, key := range m.Args {
				d.remove(key)
			}
		}
	}
}

func (d *Definitions) remove(key string) {
	if d.removed == nil {
		d.removed = map[string]bool{}
	}
	d.removed[key] = true
	if isInit(key) {
		return // its name is needed to recognise it in main.go
	}
	name := strings.Replace(key, "~", ".", 1)
	for _, kind := range []string{"func ", "type ", "var ", "const "} {
		delete(d.units, kind+name)
	}
	if method, ok := strings.CutPrefix(key, "unknown~"); ok {
		d.removeGeneric(method)
	}
}

// removeGeneric removes a method with value receivers of generic types, for which GoNB has one place.
func (d *Definitions) removeGeneric(method string) {
	maps.DeleteFunc(d.units, func(_ string, u unit) bool { return u.generic != "" && u.method == method })
}

// Source returns Go text, without package clause and main function, that defines everything again in a new GoNB. It is
// empty if there are no definitions, or if no main.go was added.
func (d *Definitions) Source() string {
	if d.mainGo == nil {
		return ""
	}
	f := parse(string(d.mainGo))
	var parts []string
	names := map[string]bool{}
	for _, decl := range f.ast.Decls {
		var part string
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			part = d.funcSource(f, decl, names)
		case *ast.GenDecl:
			part = d.genSource(f, decl)
		}
		if part != "" {
			parts = append(parts, part)
		}
	}
	return Parse(strings.Join(parts, "\n\n")).Rewrite(nil)
}

// funcSource restores the names of init functions in their cells, because GoNB keeps only one of a name.
func (d *Definitions) funcSource(f *file, decl *ast.FuncDecl, names map[string]bool) string {
	if decl.Recv == nil && decl.Name.Name == "main" || d.removed[gonbKey(f, decl)] {
		return ""
	}
	begin := decl.Pos()
	if decl.Doc != nil {
		begin = decl.Doc.Pos()
	}
	text := f.text[f.at.Offset(begin):f.at.Offset(decl.End())]
	if decl.Recv != nil || decl.Name.Name != "init" {
		return text
	}
	name := d.initName(tailOf(f, decl), names)
	names[name] = true
	if d.removed[name] {
		return ""
	}
	return f.text[f.at.Offset(begin):f.at.Offset(decl.Name.Pos())] + name + tailOf(f, decl)
}

func (d *Definitions) initName(tail string, taken map[string]bool) string {
	var found []string
	for _, u := range d.units {
		name := strings.TrimPrefix(u.key, "func ")
		if u.tail == tail && !taken[name] {
			found = append(found, name)
		}
	}
	if len(found) > 0 {
		return slices.Min(found)
	}
	return fmt.Sprintf("init_%d", len(taken))
}

// gonbKey returns the name by which GoNB stores a function.
func gonbKey(f *file, decl *ast.FuncDecl) string {
	name, form := receiver(decl)
	switch form := form.(type) {
	case nil:
		return decl.Name.Name
	case *ast.Ident:
	case *ast.StarExpr:
		name = f.textOf(form.X)
	default:
		name = "unknown"
	}
	return name + "~" + decl.Name.Name
}

// genSource returns the source of a declaration without the names that were removed.
func (d *Definitions) genSource(f *file, decl *ast.GenDecl) string {
	if decl.Tok == token.CONST && len(decl.Specs) > 0 {
		if first := decl.Specs[0].(*ast.ValueSpec).Names[0].Name; d.removed[first] || gonbs(first) {
			return ""
		}
		return f.textOf(decl)
	}
	var specs []string
	for _, spec := range decl.Specs {
		if !d.removed[specKey(spec)] {
			specs = append(specs, f.textOf(spec))
		}
	}
	switch len(specs) {
	case 0:
		return ""
	case 1:
		return decl.Tok.String() + " " + specs[0]
	}
	return decl.Tok.String() + " (\n\t" + strings.Join(specs, "\n\t") + "\n)"
}

// gonbs reports whether a constant is one that GoNB puts into %wasm cells.
func gonbs(name string) bool { return strings.HasPrefix(name, "GonbWasm") }

// importName returns the name by which GoNB stores an import without a name.
var importName = regexp.MustCompile(`(\w+)\s*$`)

// specKey returns the name by which GoNB stores a declaration that is not a function.
func specKey(spec ast.Spec) string {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return s.Name.Name
	case *ast.ValueSpec:
		return s.Names[0].Name
	case *ast.ImportSpec:
		importPath := strings.Trim(s.Path.Value, "\"`")
		switch {
		case s.Name != nil && s.Name.Name == ".":
			return ".~" + importPath
		case s.Name != nil:
			return s.Name.Name
		}
		return importName.FindString(path.Base(importPath))
	}
	return ""
}
