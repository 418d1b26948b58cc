package cell

import (
	"go/ast"
	"go/token"
	"strings"
)

// unit is a piece of a declaration that GoNB moves as a whole: a function, a type, an import. The name, the type and
// the value of a variable or a constant are separate units. The tokens of a unit are the same in the cell and in the
// composed program.
type unit struct {
	key      string
	count    int    // number of the cell
	from, to int    // lines, from 1
	tokens   []int  // line of each token that counts
	tail     string // of a function init or init_…: the text after the name
	generic  string // the type, if the unit is a method with a value receiver of a generic type
	method   string // its name
}

// collector makes the units of a file.
type collector struct {
	file   *file
	pieces []piece
	units  []unit
}

func (f *file) units() []unit {
	if f.at == nil {
		return nil
	}
	c := &collector{file: f, pieces: scan(f.text, 0)}
	for _, decl := range f.ast.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			c.addFunc(d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				c.addSpec(d.Tok, spec)
			}
		}
	}
	return c.units
}

func (c *collector) addFunc(d *ast.FuncDecl) {
	u := c.add(funcKey(d), d)
	if d.Recv == nil && isInit(d.Name.Name) {
		u.tail = tailOf(c.file, d)
	}
	u.generic = genericValue(d)
	u.method = d.Name.Name
}

func isInit(name string) bool { return name == "init" || strings.HasPrefix(name, "init_") }

// tailOf returns a function without its name. GoNB changes the name of init functions only.
func tailOf(f *file, d *ast.FuncDecl) string {
	return f.text[f.at.Offset(d.Name.End()):f.at.Offset(d.End())]
}

func funcKey(d *ast.FuncDecl) string {
	if name, _ := receiver(d); name != "" {
		return "func " + name + "." + d.Name.Name
	}
	return "func " + d.Name.Name
}

// receiver returns the type that a method belongs to, and the form of its receiver.
func receiver(d *ast.FuncDecl) (name string, form ast.Expr) {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return "", nil
	}
	form = d.Recv.List[0].Type
	for expr := form; ; {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.ParenExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name, form
		default:
			return "", form
		}
	}
}

// genericValue returns the type of a method whose receiver GoNB does not understand: it stores those by the method's
// name.
func genericValue(d *ast.FuncDecl) string {
	name, form := receiver(d)
	switch form.(type) {
	case nil, *ast.Ident, *ast.StarExpr:
		return ""
	}
	return name
}

func (c *collector) addSpec(tok token.Token, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.ImportSpec:
		name := ""
		if s.Name != nil {
			name = s.Name.Name
		}
		c.add("import "+name+" "+strings.Trim(s.Path.Value, "\"`"), s)
	case *ast.TypeSpec:
		c.add("type "+s.Name.Name, s)
	case *ast.ValueSpec:
		c.addValues(tok, s)
	}
}

func (c *collector) addValues(tok token.Token, s *ast.ValueSpec) {
	for i, name := range s.Names {
		key := tok.String() + " " + name.Name
		value := valueOf(s, i)
		if name.Name == "_" && value != nil {
			key += " " + c.file.textOf(value)
		}
		c.add(key, name)
		if s.Type != nil {
			c.add(key+" type", s.Type)
		}
		if value != nil {
			c.add(key+" value", value)
		}
	}
}

// valueOf returns the value of a name in a declaration; one call may return the values of all.
func valueOf(s *ast.ValueSpec, i int) ast.Expr {
	switch {
	case i < len(s.Values):
		return s.Values[i]
	case len(s.Values) == 1:
		return s.Values[0]
	}
	return nil
}

func (c *collector) add(key string, node ast.Node) *unit {
	from, to := c.file.at.Offset(node.Pos()), c.file.at.Offset(node.End())
	u := unit{key: key, from: c.file.line(node.Pos()), to: c.file.line(node.End())}
	for _, p := range c.pieces {
		if p.at >= from && p.at < to && counts(p.tok) {
			u.tokens = append(u.tokens, p.line)
		}
	}
	c.units = append(c.units, u)
	return &c.units[len(c.units)-1]
}

// counts leaves out the tokens that gofmt may put in or take out.
func counts(tok token.Token) bool {
	switch tok {
	case token.SEMICOLON, token.COMMA, token.LPAREN, token.RPAREN:
		return false
	}
	return true
}
