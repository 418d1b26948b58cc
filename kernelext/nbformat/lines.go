package nbformat

import (
	"strings"
	"unicode/utf8"
)

// Lines splits text into lines, each with its line end, as Jupyter does (and Python's str.splitlines). Joined, they are
// text again. Line ends are \n, \r, \r\n, \v, \f, U+001C to U+001E, U+0085, U+2028 and U+2029.
func Lines(text string) []string {
	var lines []string
	for text != "" {
		end := lineEnd(text)
		lines = append(lines, text[:end])
		text = text[end:]
	}
	return lines
}

// lineEnd returns the index after the first line of text.
func lineEnd(text string) int {
	i := strings.IndexFunc(text, isLineBreak)
	if i < 0 {
		return len(text)
	}
	if strings.HasPrefix(text[i:], "\r\n") {
		return i + 2
	}
	_, size := utf8.DecodeRuneInString(text[i:])
	return i + size
}

func isLineBreak(r rune) bool {
	switch {
	case '\n' <= r && r <= '\r', '\x1c' <= r && r <= '\x1e', r == '\u0085', r == '\u2028', r == '\u2029':
		return true
	}
	return false
}

// Lines returns the lines of the cell's source, without line ends. As in an editor, line n is Lines()[n-1].
func (c *Cell) Lines() []string {
	source := strings.ReplaceAll(c.Source, "\r\n", "\n")
	return strings.Split(source, "\n")
}
