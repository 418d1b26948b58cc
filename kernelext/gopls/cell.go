package gopls

import (
	"go/scanner"
	"go/token"
	"slices"
	"strings"
	"unicode/utf8"
)

// commentPrefix may precede a magic of GoNB, so that editors treat the cell as Go.
const commentPrefix = "//gonb:"

// goCell is a cell's text converted to Go: it has the lines of the cell, some of them with a text before or after.
type goCell struct {
	lines  []string
	before []int  // number of bytes inserted before the cell's own text of each line; -1: the line is not Go
	main   int    // line of %%; the number of lines if there is none
	tail   string // text after the last line
}

// newGoCell converts a cell to Go. Magic lines and package clauses become empty, the text after %% becomes the body of
// main, and statements outside of functions become the body of a function without name. It returns nil for a cell that
// is not Go.
func newGoCell(code string) *goCell {
	lines := strings.Split(validUTF8(code), "\n")
	if foreign(lines[0]) {
		return nil
	}
	c := &goCell{lines: lines, before: make([]int, len(lines)), main: len(lines)}
	c.blankMagics()
	c.tail = c.wrapStatements()
	if c.main < len(lines) {
		if c.tail != "" {
			c.lines[c.main] = c.tail + "; " + c.lines[c.main]
		}
		c.tail = c.closeMain() + "}"
	}
	if c.tail != "" {
		c.tail = "\n" + c.tail
	}
	return c
}

// validUTF8 replaces each byte that is not UTF-8 by a question mark, which keeps the offsets.
func validUTF8(code string) string {
	if utf8.ValidString(code) {
		return code
	}
	out := []byte(code)
	for i := 0; i < len(out); {
		r, size := utf8.DecodeRune(out[i:])
		if r == utf8.RuneError && size == 1 {
			out[i] = '?'
		}
		i += size
	}
	return string(out)
}

// foreign reports, from its first line, whether a cell is a script or a file.
func foreign(line string) bool {
	word, _, _ := strings.Cut(strings.TrimPrefix(line, commentPrefix), " ")
	switch strings.TrimRight(word, "\r\t") {
	case "%%writefile", "%%script", "%%bash", "%%sh", "%%gx":
		return true
	}
	return false
}

// blankMagics empties the lines that GoNB removes, and opens main at %%.
func (c *goCell) blankMagics() {
	for i := 0; i < len(c.lines); i++ {
		line := strings.TrimPrefix(c.lines[i], commentPrefix)
		switch {
		case startsMain(line) && c.main == len(c.lines):
			c.lines[i], c.before[i], c.main = "func main() {", -1, i
		case strings.HasPrefix(line, "%"), strings.HasPrefix(line, "!"):
			i = c.blankJoined(i)
		case strings.HasPrefix(line, "package"):
			c.lines[i], c.before[i] = "", -1
		}
	}
}

// startsMain reports whether the text after a line is the body of main.
func startsMain(line string) bool {
	word := strings.Fields(line + " x")[0]
	return word == "%%" || word == "%main"
}

// blankJoined empties a magic line and its continuation: a backslash at the end joins the next line.
func (c *goCell) blankJoined(i int) int {
	for {
		joined := strings.HasSuffix(c.lines[i], "\\") && i+1 < len(c.lines)
		c.lines[i], c.before[i] = "", -1
		if !joined {
			return i
		}
		i++
	}
}

// wrapStatements puts statements outside of functions, before %%, into functions, because gopls sees nothing in them
// otherwise. A line that starts with "func " is always a declaration, so that unfinished code above does not swallow
// it. It returns the text that closes the brackets that are open at the end.
func (c *goCell) wrapStatements() (closing string) {
	var open brackets
	wrapped, fresh := false, true // fresh: a declaration may start here
	c.scan(0, c.main, func(line, column int, tok token.Token) {
		switch {
		case column == 0 && strings.HasPrefix(c.lines[line], "func "):
			if wrapped || len(open) > 0 {
				c.prefix(line, open.closing(wrapped)+"; ")
			}
			open, wrapped = nil, false
		case len(open) == 0 && fresh && !wrapped && !declares(tok) && c.begins(line, column):
			c.prefix(line, "func _() { ")
			wrapped = true
		}
		open.see(tok)
		fresh = len(open) == 0 && tok == token.SEMICOLON
	})
	return open.closing(wrapped)
}

// closeMain returns the text that closes the brackets that are open in the body of main.
func (c *goCell) closeMain() string {
	var open brackets
	c.scan(c.main+1, len(c.lines), func(_, _ int, tok token.Token) { open.see(tok) })
	return open.closing(false)
}

// scan calls see for each token of some lines, with its place in the cell's text.
func (c *goCell) scan(from, to int, see func(line, column int, tok token.Token)) {
	if from >= to {
		return
	}
	src := []byte(strings.Join(c.lines[from:to], "\n"))
	file := token.NewFileSet().AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, 0)
	for {
		pos, tok, _ := s.Scan()
		if tok == token.EOF {
			return
		}
		at := file.PositionFor(pos, false)
		see(from+at.Line-1, at.Column-1, tok)
	}
}

// begins reports whether only space precedes a column of a line to which nothing has been added.
func (c *goCell) begins(line, column int) bool {
	return c.before[line] == 0 && column <= len(c.lines[line]) && strings.TrimSpace(c.lines[line][:column]) == ""
}

// prefix inserts text before a line.
func (c *goCell) prefix(line int, text string) {
	c.lines[line] = text + c.lines[line]
	c.before[line] += len(text)
}

// declares reports whether no statement starts with a token outside of functions. A bracket that closes nothing is
// left.
func declares(tok token.Token) bool {
	switch tok {
	case token.FUNC, token.TYPE, token.VAR, token.CONST, token.IMPORT, token.SEMICOLON,
		token.RBRACE, token.RPAREN, token.RBRACK:
		return true
	}
	return false
}

// brackets are the open brackets, as the text that closes them.
type brackets []byte

// see opens or closes a bracket. A closing one that does not fit closes the last.
func (b *brackets) see(tok token.Token) {
	switch tok {
	case token.LBRACE:
		*b = append(*b, '}')
	case token.LPAREN:
		*b = append(*b, ')')
	case token.LBRACK:
		*b = append(*b, ']')
	case token.RBRACE, token.RPAREN, token.RBRACK:
		*b = (*b)[:max(0, len(*b)-1)]
	}
}

// closing returns the text that closes them all, and the function around statements if there is one.
func (b brackets) closing(wrapped bool) string {
	text := slices.Clone(b)
	slices.Reverse(text)
	if wrapped {
		text = append(text, '}')
	}
	return string(text)
}
