package cell

import (
	"regexp"
	"slices"
	"strings"
)

// commentPrefix may precede a command, so that editors treat the cell as Go.
const commentPrefix = "//gonb:"

func uncomment(line string) string { return strings.TrimPrefix(line, commentPrefix) }

// isCommand reports whether GoNB treats a line as a command, in any context.
func isCommand(line string) bool {
	line = uncomment(line)
	return len(line) > 1 && (line[0] == '%' || line[0] == '!')
}

// clause matches a whole line that GoNB drops without harm.
var clause = regexp.MustCompile(`^package\s+[\pL_][\pL_\d]*\s*;?\s*(//.*)?$`)

// lexState describes where the next token starts: in code, or in a token that extends over lines.
type lexState int

const (
	inCode lexState = iota
	inString
	inComment
	inRest // in the rest of a cell with a raw string or a comment that never ends
)

// lexer follows raw strings and comments over the lines of a cell. It reads them as Go's own scanner does.
type lexer struct {
	at       lexState
	last     byte // the last character of code that is not a space
	lastTick spot // the last ` of the cell
	lastStar spot // the last */
}

// spot is a line and a column, both from 0.
type spot struct{ line, column int }

func (s spot) after(other spot) bool {
	return s.line > other.line || s.line == other.line && s.column >= other.column
}

func lastSpot(lines []string, text string) spot {
	for i, line := range slices.Backward(lines) {
		if at := strings.LastIndex(line, text); at >= 0 {
			return spot{i, at}
		}
	}
	return spot{-1, -1}
}

// classify finds the kind of each line, and collects the commands.
func (c *Cell) classify() {
	x := lexer{lastTick: lastSpot(c.lines, "`"), lastStar: lastSpot(c.lines, "*/")}
	for i := 0; i < len(c.lines); i++ {
		line := c.lines[i]
		c.kinds[i] = x.kindOf(line)
		switch c.kinds[i] {
		case magicLine:
			i = c.takeMagic(i)
		case clauseLine:
		default:
			x.read(line, i)
		}
	}
}

// kindOf returns the kind of a line that starts at the lexer's place.
func (x *lexer) kindOf(line string) kind {
	switch {
	case x.at == inString:
		return textLine
	case x.at == inComment:
		return noteLine
	case isCommand(line) && line[0] == '!' && strings.IndexByte("(,=&|", x.last) >= 0:
		return signLine
	case isCommand(line):
		return magicLine
	case clause.MatchString(line):
		return clauseLine
	case strings.HasPrefix(line, "package"):
		return wordLine
	}
	return goLine
}

// read moves the lexer over line i.
func (x *lexer) read(line string, i int) {
	for at := 0; at < len(line); {
		switch x.at {
		case inString:
			at = x.close(line, at, "`")
		case inComment:
			at = x.close(line, at, "*/")
		case inRest:
			return
		default:
			at = x.readCode(line, at, i)
		}
	}
}

// close looks for the end of a raw string or a comment.
func (x *lexer) close(line string, at int, end string) int {
	found := strings.Index(line[at:], end)
	if found < 0 {
		return len(line)
	}
	x.at = inCode
	return at + found + len(end)
}

// readCode reads one piece of code.
func (x *lexer) readCode(line string, at, i int) int {
	b := line[at]
	switch {
	case strings.HasPrefix(line[at:], "//"):
		return len(line)
	case strings.HasPrefix(line[at:], "/*"):
		return x.open(inComment, x.lastStar, spot{i, at + 2})
	case b == ' ' || b == '\t' || b == '\r':
		return at + 1
	}
	x.last = b
	switch {
	case b == '`':
		return x.open(inString, x.lastTick, spot{i, at + 1})
	case b == '"' || b == '\'':
		return quoted(line, at)
	}
	return at + 1
}

// open starts a raw string or a comment whose text starts at a spot, if it has an end.
func (x *lexer) open(what lexState, last, begin spot) int {
	if x.at = what; !last.after(begin) {
		x.at, x.last = inRest, 0
	}
	return begin.column
}

// quoted returns the end of a string or a rune that starts at a place of a line. It ends with the line at the latest.
func quoted(line string, at int) int {
	for i := at + 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case line[at]:
			return i + 1
		}
	}
	return len(line)
}

// takeMagic reads the command that starts at line i: a backslash at the end joins the next line. It returns the last
// line.
func (c *Cell) takeMagic(i int) int {
	var joined strings.Builder
	for end := i; ; end++ {
		line, more := strings.CutSuffix(uncomment(c.lines[end]), `\`)
		joined.WriteString(line)
		if more {
			joined.WriteByte(' ')
		}
		if end > i {
			c.kinds[end] = joinedLine
		}
		if !more || end+1 == len(c.lines) {
			c.Magics = append(c.Magics, newMagic(joined.String(), i+1, end+1))
			return end
		}
	}
}

// newMagic parses a command. Its first character is the sign.
func newMagic(text string, line, end int) Magic {
	m := Magic{Line: line, End: end, Name: text[:1]}
	command := strings.TrimLeft(text[1:], " \t")
	if m.Name == "!" {
		if rest, star := strings.CutPrefix(command, "*"); star {
			m.Name, command = "!*", rest
		}
		m.Rest = strings.TrimSpace(command)
		return m
	}
	words, first := split(command)
	if len(words) > 0 {
		m.Name, m.Args, m.Rest = "%"+words[0], words[1:], strings.TrimSpace(command[first:])
	}
	return m
}

// split splits a command into words as GoNB does: quotes are ", and \ has a meaning in quotes only. It also returns the
// end of the first word. GoNB spoils characters that are not ASCII; split does not.
func split(command string) (words []string, first int) {
	var part []byte
	started, quotes := false, false
	end := func(at int) {
		if started {
			words = append(words, string(part))
		}
		if len(words) == 1 && started {
			first = at
		}
		part, started = nil, false
	}
	for i := 0; i < len(command); i++ {
		b := command[i]
		switch {
		case !quotes && (b == ' ' || b == '\t' || b == '\n'):
			end(i)
			continue
		case b == '"':
			quotes, started = !quotes, true
			continue
		case b == '\\' && quotes:
			if i++; i == len(command) {
				continue
			}
			b = unescape(command[i])
		}
		part, started = append(part, b), true
	}
	end(len(command))
	return words, first
}

func unescape(b byte) byte {
	switch b {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	}
	return b
}
