// Package cell reads the text of a notebook cell as GoNB v0.11.4 reads it. It finds the lines that are commands and not
// Go, the silent changes that GoNB makes to the rest, and the line of a cell from which a line of its composed program
// comes.
//
// GoNB works on lines before it parses Go. A line that starts with % or ! is a command, and one that starts with
// package is dropped, also in a raw string, in a comment and in an expression. This package knows Go's tokens, so it
// distinguishes such lines from commands, and Rewrite writes them in another form with the same meaning.
package cell

import (
	"slices"
	"strings"
)

// Cell is the text of one cell, parsed.
type Cell struct {
	// Text is the cell as it was given.
	Text string
	// Magics are the commands, in order. A line in a raw string, a comment or an expression is not a command, though
	// GoNB treats it as one: see Traps.
	Magics []Magic
	// Foreign reports that the whole cell is not Go: %%bash, %%sh, %%script, %%writefile.
	Foreign bool
	// Timed reports that the cell starts with %%time.
	Timed bool

	lines    []string
	kinds    []kind
	timeMain bool // %%time also means %%
}

// Magic is one command of a cell.
type Magic struct {
	// Line and End are its first and last line in the cell, from 1.
	Line, End int
	// Name is the command with its sign: %env, %%bash, %%, !, !*. A sign with nothing after it is % or !.
	Name string
	// Args are the words after the name, split as GoNB splits them; nil for ! and !*.
	Args []string
	// Rest is the text after the name, lines joined, without space around it.
	Rest string
}

// kind is the kind of a line.
type kind int

const (
	goLine     kind = iota
	magicLine       // first line of a command
	joinedLine      // continues the command above
	clauseLine      // a package clause, which GoNB drops
	wordLine        // starts with package, but is not a clause
	signLine        // starts with !, in the middle of an expression
	textLine        // starts in a raw string
	noteLine        // starts in a /* */ comment
)

// Parse reads the text of a cell as GoNB does. It never fails.
func Parse(text string) *Cell {
	c := &Cell{Text: text, lines: strings.Split(text, "\n")}
	c.kinds = make([]kind, len(c.lines))
	if c.takeForeign() {
		return c
	}
	for i, line := range c.lines {
		c.lines[i] = strings.TrimRight(line, "\r")
	}
	c.classify()
	c.readTime()
	return c
}

// takeForeign reads a cell that is a script or a file. Its first line may be %%time.
func (c *Cell) takeForeign() bool {
	first := 0
	if word(c.lines[0]) == timeMagic && len(c.lines) > 1 {
		first = 1
	}
	if !slices.Contains(foreign, word(c.lines[first])) {
		return false
	}
	c.Foreign, c.Timed = true, first == 1
	for i := range first + 1 {
		line := strings.TrimRight(uncomment(c.lines[i]), "\r")
		words, first := split(line)
		m := Magic{Line: i + 1, End: i + 1, Name: words[0], Args: words[1:], Rest: strings.TrimSpace(line[first:])}
		c.Magics = append(c.Magics, m)
		c.kinds[i] = magicLine
	}
	return true
}

// word returns the first word of a line.
func word(line string) string {
	words, _ := split(strings.TrimRight(uncomment(line), "\r"))
	return strings.Join(words[:min(len(words), 1)], "")
}

// timeMagic is the supervisor's own magic that measures a cell. Above Go it may replace %%.
const timeMagic = "%%time"

// readTime finds %%time at the start of a cell, and its meaning there.
func (c *Cell) readTime() {
	if len(c.Magics) == 0 || c.Magics[0].Name != timeMagic {
		return
	}
	begin := c.Magics[0]
	blank := func(line string) bool { return strings.TrimSpace(line) == "" }
	if !all(c.lines[:begin.Line-1], blank) {
		return
	}
	c.Timed = true
	c.timeMain = !c.hasMain() && !declares(scan(c.code(), 0)) && strings.TrimSpace(c.code()) != ""
}

func all(lines []string, is func(string) bool) bool {
	return !slices.ContainsFunc(lines, func(line string) bool { return !is(line) })
}

// hasMain reports whether a command of the cell sets its main function.
func (c *Cell) hasMain() bool {
	return slices.ContainsFunc(c.Magics, func(m Magic) bool {
		return m.Name == "%%" || m.Name == "%main" || m.Name == "%exec" || m.Name == "%test"
	})
}
