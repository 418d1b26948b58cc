package cell

import (
	"cmp"
	"fmt"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// Trap is a place of a cell where GoNB silently departs from the text.
type Trap struct {
	// Line is counted from 1.
	Line int
	// Kind is one of the constants below.
	Kind string
	// Text says what GoNB does and what to do instead, in one sentence.
	Text string
	// Repaired reports that Rewrite, or the supervisor later, repairs it.
	Repaired bool
}

// Kinds of traps.
const (
	TrapString      = "string"      // a line of a raw string that GoNB removes
	TrapComment     = "comment"     // a line of a comment that GoNB runs
	TrapExpression  = "expression"  // a line that starts with ! as Go's operator
	TrapPackage     = "package"     // a line that starts with package and is dropped
	TrapFirst       = "first"       // a command that must be in the first line
	TrapEmpty       = "empty"       // a sign without a command, which ends GoNB
	TrapLetters     = "letters"     // an argument that is not ASCII
	TrapLines       = "lines"       // lines that end as on Windows
	TrapDotImport   = "dot import"  // an import that remains when it is no longer used
	TrapDirective   = "directive"   // a comment for the compiler that GoNB drops
	TrapCgo         = "cgo"         // C code that GoNB drops
	TrapMethod      = "method"      // a method that replaces another type's
	TrapInitialiser = "initialiser" // a variable whose value is computed again in each cell
)

// Traps returns the places of the cell, after the cells that defs holds, where GoNB would silently change something;
// nil means none. They are in the order of lines.
func (c *Cell) Traps(defs *Definitions) []Trap {
	if defs == nil {
		defs = &Definitions{}
	}
	traps := c.commandTraps()
	if !c.Foreign {
		traps = slices.Concat(traps, c.lineTraps(), c.stringTraps(), c.directiveTraps(), c.declarationTraps(defs))
	}
	slices.SortStableFunc(traps, func(a, b Trap) int { return cmp.Compare(a.Line, b.Line) })
	return traps
}

// commandTraps finds the traps of commands.
func (c *Cell) commandTraps() []Trap {
	var traps []Trap
	for i, m := range c.Magics {
		timing := i == 0 && c.Timed
		switch {
		case m.Name == "%" || m.Name == "!" && m.Rest == "":
			traps = append(traps, Trap{m.Line, TrapEmpty, fmt.Sprintf(
				"a line of %q with nothing after it ends GoNB: remove the line", m.Name), true})
		case m.Name == "%%script" && c.Foreign && len(m.Args) == 0:
			traps = append(traps, Trap{m.Line, TrapEmpty,
				"%%script without a program ends GoNB: name the program that gets the cell as its input", false})
		case firstOnly(m.Name) && !c.Foreign && !timing:
			traps = append(traps, Trap{m.Line, TrapFirst, fmt.Sprintf(
				"%s counts in the first line of a cell only: put it into a separate cell", m.Name), false})
		case m.Name[0] == '%' && !own(m.Name) && !ascii(strings.Join(m.Args, "")):
			traps = append(traps, Trap{m.Line, TrapLetters, fmt.Sprintf(
				"GoNB spoils letters that are not ASCII in the arguments of %s: use plain letters, or set the value in Go",
				m.Name), false})
		}
	}
	return traps
}

func firstOnly(name string) bool { return name == timeMagic || slices.Contains(foreign, name) }

func own(name string) bool {
	return slices.ContainsFunc(Commands, func(c Command) bool { return c.Own && c.Name == name })
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
}

// lineTraps finds lines outside of raw strings that GoNB removes.
func (c *Cell) lineTraps() []Trap {
	var traps []Trap
	for i, k := range c.kinds {
		line := c.lines[i]
		switch {
		case k == noteLine && spoiled(line):
			traps = append(traps, Trap{i + 1, TrapComment, fmt.Sprintf(
				"GoNB %s though it is in a comment: put a space before it", deed(line)), true})
		case k == signLine:
			traps = append(traps, Trap{i + 1, TrapExpression,
				"GoNB runs a line that starts with ! in bash though it is Go: indent the line", true})
		case k == wordLine:
			traps = append(traps, Trap{i + 1, TrapPackage,
				"GoNB drops a line that starts with \"package\", clause or not: indent the line", true})
		}
	}
	if at := strings.Index(c.Text, "\r\n"); at >= 0 && len(c.Magics) > 0 {
		traps = append(traps, Trap{1 + strings.Count(c.Text[:at], "\n"), TrapLines,
			"lines end as on Windows, and GoNB treats the carriage return as a part of a command: " +
				"save the file with plain line ends", true})
	}
	return traps
}

// deed returns a description of what GoNB does with a line.
func deed(line string) string {
	switch uncomment(line)[0] {
	case '%':
		return "treats this line as a command"
	case '!':
		return "runs this line in bash"
	}
	return "drops this line because it starts with \"package\""
}

// stringTraps finds lines of raw strings that GoNB removes.
func (c *Cell) stringTraps() []Trap {
	var traps []Trap
	for _, s := range c.strings() {
		for _, line := range s.lines {
			if !spoiled(c.lines[line-1]) {
				continue
			}
			traps = append(traps, Trap{line, TrapString, fmt.Sprintf(
				"GoNB %s though it is in a raw string: indent it, or write the string with \\n",
				deed(c.lines[line-1])), s.sound})
		}
	}
	return traps
}

// directiveTraps finds comments that have a meaning in Go, and that GoNB drops.
func (c *Cell) directiveTraps() []Trap {
	var traps []Trap
	for _, p := range scan(c.code(), scanner.ScanComments) {
		switch {
		case p.tok != token.COMMENT:
		case strings.HasPrefix(p.lit, "//go:embed"):
			traps = append(traps, Trap{p.line, TrapDirective,
				"GoNB drops //go:embed, and the variable stays empty: read the file by os.ReadFile", false})
		case strings.HasPrefix(p.lit, "//go:build"):
			traps = append(traps, Trap{p.line, TrapDirective,
				"GoNB drops //go:build: set the tags for all cells by `%goflags -tags=name`", false})
		}
	}
	return traps
}
