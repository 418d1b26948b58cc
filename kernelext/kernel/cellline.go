package kernel

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// cellLine is a line of a cell.
type cellLine struct{ count, line int }

// frame is one entry of a traceback: the place in GoNB's words, which runners know, the line's text, and the error.
func (at cellLine) frame(source string, column int, message string) string {
	text := fmt.Sprintf("Cell[%d]: Line %d\n", at.count, at.line)
	if source != "" {
		text += source + "\n"
		if column > 0 && column <= utf8.RuneCountInString(source)+1 {
			text += strings.Repeat(" ", column-1) + "^\n"
		}
	}
	return text + red(message)
}

// locator finds and quotes lines of cells for the errors of one of them.
type locator struct {
	k     *Kernel
	count int    // number of the cell that runs
	code  string // its text
}

// find returns the line of a cell from which a line of the composed program comes.
func (l locator) find(mainGo []byte, line int) (cellLine, bool) {
	l.k.mu.Lock()
	defer l.k.mu.Unlock()
	count, inCell, ok := l.k.defs.Locate(mainGo, line, l.count, l.code)
	return cellLine{count, inCell}, ok
}

// frame returns the entry of a traceback for a line.
func (l locator) frame(at cellLine, message string) string { return at.frame(l.text(at), 0, message) }

// frameOf returns the entry for a message of the compiler: line, column and text.
func (l locator) frameOf(mainGo []byte, match []string) string {
	line, _ := strconv.Atoi(match[1])
	column, _ := strconv.Atoi(match[2])
	at, ok := l.find(mainGo, line)
	if !ok {
		return red(match[0])
	}
	source, cut := sourceLine(mainGo, line)
	return at.frame(source, max(0, column-cut), match[3])
}

// text returns a line of a cell, or "" if it is no longer known.
func (l locator) text(at cellLine) string {
	code := l.code
	if at.count != l.count {
		code = l.k.history.code(at.count)
	}
	lines := strings.Split(code, "\n")
	if at.line < 1 || at.line > len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[at.line-1])
}

// sourceLine returns the text of a line of the program, and the number of columns by which it was moved to the left.
func sourceLine(mainGo []byte, line int) (text string, cut int) {
	lines := strings.Split(string(mainGo), "\n")
	if line < 1 || line > len(lines) {
		return "", 0
	}
	text = strings.TrimLeft(lines[line-1], " \t")
	return text, len(lines[line-1]) - len(text)
}
