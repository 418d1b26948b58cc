package gopls

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// maxCell limits the size in bytes of cells that are completed: more is data, not typed code.
const maxCell = 1 << 20

// program is the code around a cell: the definitions so far, and the imports of each cell.
type program struct {
	source  string      // of definitions.go; it imports the known paths too
	imports []importing // for the head of the cell's file: those of the definitions, then the known ones
	names   map[string]bool
}

// importing is one import. Its name may be guessed from the path.
type importing struct {
	name, path, as string // as: the name written before the path, if any
}

// newProgram parses GoNB's main.go. In Go imports belong to a file, so the imports of the definitions are the cell's
// too.
func newProgram(mainGo []byte, known []string) *program {
	source := validUTF8(string(mainGo))
	if file := parse(source); file.Name == nil || file.Name.Name != "main" {
		source = "package main\n"
	}
	p := &program{names: map[string]bool{}}
	file := parse(source)
	addNames(p.names, file)
	p.imports = importsOf(file)
	var also strings.Builder
	for _, path := range known {
		p.imports = append(p.imports, importing{name: guessName(path), path: path})
		also.WriteString("; import _ " + strconv.Quote(path))
	}
	head := int(file.Name.End()) - 1 // parse's positions start at 1
	p.source = source[:head] + also.String() + source[head:]
	return p
}

// parse parses a file that may be unfinished, as far as possible. Positions in it are byte offsets plus 1.
func parse(source string) *ast.File {
	file, _ := parser.ParseFile(token.NewFileSet(), "", source, parser.AllErrors|parser.SkipObjectResolution)
	if file == nil {
		return &ast.File{} // the file is too large for the parser
	}
	return file
}

func importsOf(file *ast.File) []importing {
	var all []importing
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || path == "" || path == "C" {
			continue
		}
		in := importing{name: guessName(path), path: path}
		if spec.Name != nil {
			in.name, in.as = spec.Name.Name, spec.Name.Name
		}
		all = append(all, in)
	}
	return all
}

// guessName returns the usual name of a package.
func guessName(importPath string) string {
	name := path.Base(importPath)
	if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
		name = path.Base(path.Dir(importPath))
	}
	return name
}

// addNames collects the names that a file declares, except methods.
func addNames(names map[string]bool, file *ast.File) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names[d.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				addSpec(names, spec)
			}
		}
	}
}

func addSpec(names map[string]bool, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		names[s.Name.Name] = true
	case *ast.ValueSpec:
		for _, name := range s.Names {
			names[name.Name] = true
		}
	}
}

// head returns the first line of a cell's file. It imports the same paths for each cell, because gopls calls the go
// command when they change. An import whose name the cell or the definitions use otherwise gets the name _.
func (p *program) head(cell *ast.File) string {
	taken := map[string]bool{}
	addNames(taken, cell)
	for _, in := range importsOf(cell) {
		taken[in.name] = in.name != "."
	}
	var b strings.Builder
	b.WriteString("package main")
	for _, in := range p.imports {
		as := in.as
		if taken[in.name] || p.names[in.name] {
			as = "_"
		}
		taken[in.name] = in.name != "."
		b.WriteString("; import " + as + " " + strconv.Quote(in.path))
	}
	return b.String()
}

// view is a cell as gopls sees it, with the conversion between places in both.
type view struct {
	code  string // the cell as it was typed
	text  string // text of cell.go: one line of head, then line by line the cell
	lines []string
	cell  *goCell
}

// position is a place in the protocol's units: lines from 0, UTF-16 code units from the start of the line.
type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// compose creates the file of a cell. It returns nil for a cell that is not Go.
func (p *program) compose(code string) *view {
	if len(code) > maxCell {
		return nil
	}
	cell := newGoCell(code)
	if cell == nil {
		return nil
	}
	body := strings.Join(cell.lines, "\n") + cell.tail + "\n"
	head := p.head(parse("package main; " + body))
	return &view{code: code, text: head + "\n" + body, lines: strings.Split(code, "\n"), cell: cell}
}

// position converts a byte offset of the cell to a place in the file. It returns false in a line that is not Go.
func (v *view) position(cursor int) (position, bool) {
	cursor = max(0, min(cursor, len(v.code)))
	line := strings.Count(v.code[:cursor], "\n")
	before := v.cell.before[line]
	if before < 0 {
		return position{}, false
	}
	column := cursor - (strings.LastIndexByte(v.code[:cursor], '\n') + 1)
	return position{line + 1, utf16Length(v.cell.lines[line][:before+column])}, true
}

// offset converts a place of the file to an offset in the cell. It returns false for text that is not in the cell.
func (v *view) offset(at position) (int, bool) {
	line := at.Line - 1
	if line < 0 || line >= len(v.lines) || v.cell.before[line] < 0 {
		return 0, false
	}
	column := utf16Offset(v.cell.lines[line], at.Character) - v.cell.before[line]
	if column < 0 {
		return 0, false
	}
	offset := 0
	for _, l := range v.lines[:line] {
		offset += len(l) + 1
	}
	return offset + column, true
}

// warming returns a cell's file and a place in it. A question about it makes gopls load all packages that cells may
// import.
func (p *program) warming() (text string, at position) {
	const cell = "func _() {\n\tfmt.\n}"
	v := p.compose(cell)
	at, _ = v.position(strings.Index(cell, ".") + 1)
	return v.text, at
}
