package cell

import (
	"bytes"
	"strings"
)

// composed is a parsed main.go.
type composed struct {
	mainGo []byte
	file   *file
	units  []unit
}

// Locate finds the origin of a line of a composed main.go: the number of the cell and the line in its text, from 1. The
// cell that is being compiled is not yet added; its number and text are current and currentText, the text as typed or
// as Rewrite made it. Locate also works if a cell does not parse: GoNB then writes the cell alone, line by line.
func (d *Definitions) Locate(mainGo []byte, line, current int, currentText string) (count, cellLine int, ok bool) {
	if len(mainGo) == 0 {
		return 0, 0, false
	}
	if d.known.file == nil || !bytes.Equal(d.known.mainGo, mainGo) {
		f := parse(string(mainGo))
		d.known = composed{mainGo, f, f.units()}
	}
	now := Parse(currentText)
	if d.known.file.err != nil {
		return current, now.repaired().align(strings.Split(string(mainGo), "\n"), line), true
	}
	mine := parse(now.repaired().source()).units()
	for _, u := range d.known.units {
		if line < u.from || line > u.to {
			continue
		}
		if own, ok := find(mine, u); ok {
			return current, min(own.line(u, line), len(now.lines)), true
		}
		if earlier, ok := d.find(u); ok {
			return earlier.count, earlier.line(u, line), true
		}
	}
	return d.match(mainGo, line, current, now)
}

// find returns the unit of a cell from which a unit of main.go comes.
func find(units []unit, u unit) (unit, bool) {
	for i := len(units) - 1; i >= 0; i-- {
		if units[i].same(u) {
			return units[i], true
		}
	}
	return unit{}, false
}

func (d *Definitions) find(u unit) (unit, bool) {
	if u.tail == "" {
		found, ok := d.units[u.key]
		return found, ok
	}
	for _, known := range d.units {
		if known.same(u) {
			return known, true
		}
	}
	return unit{}, false
}

// same compares by key, and init functions, which GoNB gives one name, by the text after the name.
func (u unit) same(other unit) bool {
	if other.tail != "" {
		return u.tail == other.tail
	}
	return u.key == other.key
}

// line returns the line of this unit from which a line of its copy comes: that of the first token on it, else of the
// last one before it.
func (u unit) line(copied unit, line int) int {
	at := 0
	for i, tokenLine := range copied.tokens {
		if tokenLine > line {
			break
		}
		at = i
		if tokenLine == line {
			break
		}
	}
	if at >= len(u.tokens) || at >= len(copied.tokens) {
		return u.from
	}
	return min(u.tokens[at]+line-copied.tokens[at], u.to)
}

// match looks for a line with the same text, in the present cell first.
func (d *Definitions) match(mainGo []byte, line, current int, now *Cell) (count, cellLine int, ok bool) {
	lines := strings.Split(string(mainGo), "\n")
	if line < 1 || line > len(lines) {
		return 0, 0, false
	}
	for _, t := range append([]text{{current, now}}, d.texts...) {
		if at := t.cell.lineOf(lines[line-1]); at > 0 {
			return t.count, at, true
		}
	}
	return 0, 0, false
}

// lineOf returns the first line of Go with a text, or 0.
func (c *Cell) lineOf(text string) int {
	text = strings.TrimSpace(text)
	for i, line := range c.lines {
		if text != "" && strings.TrimSpace(line) == text && c.kinds[i] != magicLine && c.kinds[i] != joinedLine {
			return i + 1
		}
	}
	return 0
}

// align finds a line of the file that GoNB wrote of this cell alone. Both have the same lines in the same order, but in
// the file commands are missing and main's head replaces them. A line after all others is the end of the cell.
func (c *Cell) align(file []string, line int) int {
	next, found, heads := 0, 1, c.heads()
	for _, text := range file[:max(0, min(line, len(file)))] {
		at := c.nextLine(next, strings.TrimSpace(text), heads)
		if at < len(c.lines) {
			next, found = at+1, at+1
		}
	}
	return found
}

// nextLine looks for a text from a line on. For an empty text it looks at that line only.
func (c *Cell) nextLine(from int, text string, heads map[int]string) int {
	for at := from; at < len(c.lines); at++ {
		switch own := strings.TrimSpace(c.lines[at]); {
		case own == text && text != "",
			strings.HasPrefix(text, "func main() {") && heads[at] != "":
			return at
		case text == "" && own == "" && at == from:
			return at
		case text == "" && own != "":
			return len(c.lines)
		}
	}
	return len(c.lines)
}
