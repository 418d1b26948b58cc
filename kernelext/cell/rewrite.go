package cell

import (
	"cmp"
	"go/token"
	"slices"
	"strings"
)

// Rewrite returns the text for GoNB. Each command is replaced by the line that replace returns, unless changed is
// false. Text that GoNB would spoil is written in another form with the same meaning. Lines keep their numbers. %%time
// is replaced here, by %% if it means that, else by nothing; replace, which may be nil, is not called for it. Only
// above a cell that is not Go its line is left out, because GoNB expects %%bash and similar commands in the first line.
func (c *Cell) Rewrite(replace func(Magic) (line string, changed bool)) string {
	if len(c.Magics) == 0 && len(c.edits()) == 0 {
		return c.Text
	}
	out := slices.Clone(c.repaired().lines)
	for i, m := range c.Magics {
		if line, changed := c.replaced(i, m, replace); changed {
			out[m.Line-1] = line
			for at := m.Line; at < m.End; at++ {
				out[at] = ""
			}
		}
	}
	if c.Foreign && c.Timed {
		out = out[1:]
	}
	return strings.Join(out, "\n")
}

// replaced returns the line that replaces a command.
func (c *Cell) replaced(i int, m Magic, replace func(Magic) (string, bool)) (line string, changed bool) {
	if i == 0 && c.Timed {
		if c.timeMain {
			return strings.TrimSpace("%% " + m.Rest), true
		}
		return "", true
	}
	if replace != nil {
		if line, changed := replace(m); changed {
			return line, true
		}
	}
	return c.plain(m)
}

// plain writes a command so that GoNB's two readers of it agree. GoNB's composer knows %% and %exec at the start of a
// line only, and %exec only before a space. A sign with nothing after it, which ends GoNB, is left out.
func (c *Cell) plain(m Magic) (line string, changed bool) {
	first := uncomment(c.lines[m.Line-1])
	switch {
	case m.Name == "%" || m.Name == "!" && m.Rest == "":
		return "", true
	case (m.Name == "%%" || m.Name == "%main") && !opensMain(first):
		return strings.TrimSpace("%% " + m.Rest), true
	case m.Name == "%exec" && len(m.Args) > 0 && !strings.HasPrefix(first, "%exec "+m.Args[0]):
		return "%exec " + m.Rest, true
	}
	return "", false
}

// edit inserts a text into a line.
type edit struct {
	line, column int // line from 1, column from 0
	text         string
}

// edits returns the repairs of lines that GoNB would treat as a command or a package clause, the last in a line first.
func (c *Cell) edits() []edit {
	var edits []edit
	for _, s := range c.strings() {
		if s.sound {
			edits = append(edits, s.edits(c.lines)...)
		}
	}
	for i, k := range c.kinds {
		line := c.lines[i]
		if k == wordLine || k == signLine || k == noteLine && spoiled(line) {
			edits = append(edits, edit{i + 1, 0, " "})
		}
	}
	slices.SortStableFunc(edits, func(a, b edit) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(b.column, a.column))
	})
	return edits
}

// spoiled reports whether GoNB changes a line.
func spoiled(line string) bool { return isCommand(line) || strings.HasPrefix(line, "package") }

// rawString is a raw string with lines that GoNB would remove.
type rawString struct {
	first  spot // place of the opening `, line from 1
	last   spot // place of the closing one
	lines  []int
	sound  bool // it is an expression, so it can be written as a sum
	braces bool // the sum needs brackets
}

// strings returns the raw strings of the cell that have lines which GoNB would remove.
func (c *Cell) strings() []rawString {
	if !slices.Contains(c.kinds, textLine) {
		return nil
	}
	var found []rawString
	pieces := scan(c.code(), 0)
	for i, p := range pieces {
		if p.tok != token.STRING || p.end == p.line {
			continue
		}
		s := rawString{first: spot{p.line, p.column}, lines: c.spoiledIn(p)}
		if len(s.lines) == 0 {
			continue
		}
		s.last = spot{p.end, strings.IndexByte(c.lines[p.end-1], '`')}
		s.sound = i == 0 || !beforeTag(pieces[i-1].tok)
		s.braces = i+1 < len(pieces) && pieces[i+1].tok == token.LBRACK
		found = append(found, s)
	}
	return found
}

// spoiledIn returns the lines of a raw string that GoNB would remove. If there are any, a sign alone in a line is one
// of them, because inserted text would make it a command.
func (c *Cell) spoiledIn(p piece) []int {
	var lines []int
	some := false
	for line := p.line + 1; line <= p.end; line++ {
		text := c.lines[line-1]
		some = some || spoiled(text)
		if spoiled(text) || isCommand(text+"`") {
			lines = append(lines, line)
		}
	}
	if !some {
		return nil
	}
	return lines
}

// beforeTag reports whether a string after a token is a struct tag, an import path, or not Go.
func beforeTag(tok token.Token) bool {
	switch tok {
	case token.IDENT, token.RPAREN, token.RBRACK, token.RBRACE, token.IMPORT:
		return true
	}
	return false
}

// edits writes the string as a sum of strings, so that a line which GoNB would remove starts with a backquote.
func (s rawString) edits(lines []string) []edit {
	var edits []edit
	if s.braces {
		edits = append(edits, edit{s.first.line, s.first.column, "("}, edit{s.last.line, s.last.column + 1, ")"})
	}
	for _, line := range s.lines {
		edits = append(edits, edit{line - 1, len(lines[line-2]), "` + \"\\n\" +"}, edit{line, 0, "`"})
	}
	return edits
}

// repaired returns the cell as GoNB receives it, except for its commands.
func (c *Cell) repaired() *Cell {
	edits := c.edits()
	if len(edits) == 0 {
		return c
	}
	r := *c
	r.lines = slices.Clone(c.lines)
	for _, e := range edits {
		line := &r.lines[e.line-1]
		*line = (*line)[:e.column] + e.text + (*line)[e.column:]
	}
	return &r
}
