package cell

import (
	"cmp"
	"errors"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// Complete reports whether a console should run a cell as it is. The result is "complete"; "incomplete", with the
// indent of the next line; or "invalid", if no further text can make it valid.
func Complete(text string) (status, indent string) {
	c := Parse(text)
	switch {
	case c.Foreign:
		return c.completeScript(), ""
	case c.expectsMore():
		return "incomplete", ""
	}
	code := c.code()
	pieces := scan(code, scanner.ScanComments)
	if openEnd(code, pieces) {
		return "incomplete", ""
	}
	depth, indent := brackets(pieces, c.bodyOpen())
	if depth < 0 {
		return "invalid", ""
	}
	return c.judge(code, depth == 0 && lineEnds(pieces), indent)
}

// completeScript requires an empty line at the end of a cell that is not Go.
func (c *Cell) completeScript() string {
	if n := len(c.lines); n > 1 && strings.TrimSpace(c.lines[n-1]) == "" {
		return "complete"
	}
	return "incomplete"
}

// expectsMore reports whether the cell ends in a command that continues, or that starts func main.
func (c *Cell) expectsMore() bool {
	if len(c.Magics) == 0 {
		return false
	}
	last := c.Magics[len(c.Magics)-1]
	if last.End < len(c.lines) {
		return false
	}
	return strings.HasSuffix(c.lines[last.End-1], `\`) || last.Name == timeMagic || opensMain(c.lines[last.Line-1])
}

// openEnd reports whether the text ends in a raw string or a comment.
func openEnd(code string, pieces []piece) bool {
	for len(pieces) > 0 && pieces[len(pieces)-1].tok == token.SEMICOLON {
		pieces = pieces[:len(pieces)-1]
	}
	if len(pieces) == 0 {
		return false
	}
	last := pieces[len(pieces)-1]
	switch {
	case last.tok == token.STRING && code[last.at] == '`':
		return end(code, last.at, last.tok) == len(code)
	case last.tok == token.COMMENT && strings.HasPrefix(last.lit, "/*"):
		return end(code, last.at, last.tok) == len(code)
	}
	return false
}

// brackets counts the brackets that are open at the end, and returns the indent of the next line: a tab for each line
// that opened some. The count is negative if a bracket is closed that was not open; body says that the first one is
// that of main.
func brackets(pieces []piece, body bool) (depth int, indent string) {
	var open []int
	for _, p := range pieces {
		switch nesting(p.tok) {
		case 1:
			open = append(open, p.line)
		case -1:
			if len(open) == 0 {
				return -1, ""
			}
			open = open[:len(open)-1]
		}
	}
	if body {
		if len(open) == 0 {
			return -1, ""
		}
		open = open[1:]
	}
	for i, line := range open {
		if i == 0 || line != open[i-1] {
			indent += "\t"
		}
	}
	return len(open), indent
}

// lineEnds reports whether the statement ends with the last line, because Go inserts a semicolon there.
func lineEnds(pieces []piece) bool {
	last := token.ILLEGAL
	for _, p := range pieces {
		if p.tok != token.COMMENT {
			last = p.tok
		}
	}
	return last == token.SEMICOLON
}

// judge asks Go's parser. Further text may fix an error at the end of the text, unless the statement is already
// complete there.
func (c *Cell) judge(code string, said bool, indent string) (string, string) {
	first := firstError(parse(c.source()).err)
	if first == nil {
		return "complete", ""
	}
	end := len(packageClause) + len(strings.TrimRight(code, " \t\r\n"))
	if first.Pos.Offset < end || said {
		return "invalid", ""
	}
	if indent == "" {
		indent = "\t"
	}
	return "incomplete", indent
}

// firstError returns the first error of Go's parser, whose list is sorted by the positions of //line.
func firstError(err error) *scanner.Error {
	var list scanner.ErrorList
	if !errors.As(err, &list) || len(list) == 0 {
		return nil
	}
	return slices.MinFunc(list, func(a, b *scanner.Error) int { return cmp.Compare(a.Pos.Offset, b.Pos.Offset) })
}
