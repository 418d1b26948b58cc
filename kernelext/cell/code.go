package cell

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// opensMain reports whether GoNB starts func main at a line of a command. It looks at the line only.
func opensMain(line string) bool {
	line = uncomment(line)
	if rest, ok := strings.CutPrefix(line, "%%"); ok {
		return rest == "" || rest[0] == ' ' || rest[0] == '\t'
	}
	return strings.HasPrefix(line, "%main")
}

// mainHead is the text by which GoNB replaces %%, on one line.
const mainHead = "func main() { flag.Parse()"

// code returns the cell as Go without a package clause, line by line. Commands are empty, and those that make a main
// function are its head. The body's closing brace is missing.
func (c *Cell) code() string {
	if c.Foreign {
		return ""
	}
	out := slices.Clone(c.lines)
	for i, k := range c.kinds {
		if k == magicLine || k == joinedLine || k == clauseLine {
			out[i] = ""
		}
	}
	for i, head := range c.heads() {
		out[i] = head
	}
	return strings.Join(out, "\n")
}

// heads returns, for lines of commands counted from 0, the Go text by which GoNB replaces them.
func (c *Cell) heads() map[int]string {
	heads := map[int]string{}
	for _, m := range c.Magics {
		for i := m.Line - 1; i < m.End; i++ {
			heads[i] = headOf(c.lines[i])
		}
		if line, changed := c.plain(m); changed {
			heads[m.Line-1] = headOf(line)
		}
	}
	if c.timeMain {
		heads[c.Magics[0].Line-1] = mainHead
	}
	return heads
}

func headOf(line string) string {
	if opensMain(line) {
		return mainHead
	}
	line = uncomment(line)
	if words, _ := split(line); strings.HasPrefix(line, "%exec") && len(words) > 1 {
		return mainHead + "; " + words[1] + "() }"
	}
	return ""
}

// bodyOpen reports whether the body of main continues to the end of the cell.
func (c *Cell) bodyOpen() bool {
	for _, head := range c.heads() {
		if head == mainHead {
			return true
		}
	}
	return false
}

// source returns a Go file whose lines are those of the cell.
func (c *Cell) source() string {
	source := packageClause + c.code()
	if c.bodyOpen() {
		source += mainTail
	}
	return source
}

const (
	packageClause = "package main; "
	mainTail      = "\n}\n"
)

// file returns the cell as a parsed Go file. Code with errors is left out.
type file struct {
	text string
	ast  *ast.File
	at   *token.File
	err  error
}

func parse(text string) *file {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, "", text, parser.SkipObjectResolution|parser.AllErrors|parser.ParseComments)
	f := &file{text: text, ast: tree, err: err}
	if tree == nil {
		f.ast = &ast.File{Name: ast.NewIdent("main")}
		return f
	}
	f.at = set.File(tree.FileStart)
	return f
}

func (f *file) line(pos token.Pos) int { return f.at.PositionFor(pos, false).Line }

func (f *file) textOf(node ast.Node) string {
	return f.text[f.at.Offset(node.Pos()):f.at.Offset(node.End())]
}

// piece is one token.
type piece struct {
	tok       token.Token
	lit       string
	line, end int // counted from 1
	column    int // in bytes, counted from 0
	at        int // its offset in the text
}

// scan reads all tokens of a text.
func scan(text string, mode scanner.Mode) []piece {
	at := token.NewFileSet().AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(at, []byte(text), func(token.Position, string) {}, mode)
	var pieces []piece
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return pieces
		}
		where := at.PositionFor(pos, false)
		pieces = append(pieces, piece{tok, lit, where.Line, where.Line, where.Column - 1, where.Offset})
		if tok == token.STRING || tok == token.COMMENT {
			pieces[len(pieces)-1].end += strings.Count(text[where.Offset:end(text, where.Offset, tok)], "\n")
		}
	}
}

// end returns the end of the string or comment that starts at an offset. Its literal may have lost carriage returns.
func end(text string, offset int, tok token.Token) int {
	rest := text[offset:]
	closing := "\n"
	skip := 1
	switch {
	case rest[0] == '`':
		closing = "`"
	case tok == token.COMMENT && strings.HasPrefix(rest, "/*"):
		closing, skip = "*/", 2
	}
	if found := strings.Index(rest[skip:], closing); found >= 0 {
		return offset + skip + found
	}
	return len(text)
}

// declares reports whether tokens contain, outside of brackets, a declaration that only a file can contain: a function
// with a name, a method or an import.
func declares(pieces []piece) bool {
	depth, fresh := 0, true
	for i, p := range pieces {
		if depth == 0 && fresh && (p.tok == token.IMPORT || p.tok == token.FUNC && named(pieces[i+1:])) {
			return true
		}
		depth = max(0, depth+nesting(p.tok))
		fresh = p.tok == token.SEMICOLON
	}
	return false
}

// named reports whether the tokens after func are those of a declaration: a name, perhaps after a receiver.
func named(pieces []piece) bool {
	depth := 0
	for i, p := range pieces {
		depth += nesting(p.tok)
		if depth == 0 {
			return p.tok == token.IDENT || p.tok == token.RPAREN && i+2 < len(pieces) &&
				pieces[i+1].tok == token.IDENT && pieces[i+2].tok == token.LPAREN
		}
	}
	return false
}

// nesting returns the change of the bracket depth at a token.
func nesting(tok token.Token) int {
	switch tok {
	case token.LBRACE, token.LPAREN, token.LBRACK:
		return 1
	case token.RBRACE, token.RPAREN, token.RBRACK:
		return -1
	}
	return 0
}
