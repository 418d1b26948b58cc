package run

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxLine is the length in bytes up to which a carriage return can go back to the start of an unfinished line.
const maxLine = 64 << 10

// terminalText is text as a terminal would show it. A carriage return goes back to the start of its line and a
// backspace one character back, and the following text overwrites. Of a progress bar only the last state is stored.
type terminalText struct {
	buf   []byte
	start int // start of the last line in buf
	col   int // column of the cursor in the last line, in characters; atEnd when it is at the end
}

const atEnd = -1

func newTerminalText(line string) terminalText {
	return terminalText{buf: []byte(line), col: atEnd}
}

func (t *terminalText) write(text string) {
	for text != "" {
		if t.col == atEnd {
			plain := strings.IndexAny(text, "\r\b\x1b")
			if plain < 0 {
				plain = len(text)
			}
			t.append(text[:plain])
			if text = text[plain:]; text == "" {
				return
			}
		}
		text = text[t.control(text):]
	}
}

// append adds text at the end.
func (t *terminalText) append(text string) {
	if newline := strings.LastIndexByte(text, '\n'); newline >= 0 {
		t.start = len(t.buf) + newline + 1
	}
	t.buf = append(t.buf, text...)
}

// eraseLine is the ANSI sequence that progress bars send: erase to the end of the line, or (2) all of it.
var eraseLine = regexp.MustCompile(`^\x1b\[([02]?)K`)

// control handles one control character, one erase sequence, or a character over old text. It returns the number of
// bytes used.
func (t *terminalText) control(text string) int {
	switch {
	case text[0] == '\r':
		t.col = 0
		return 1
	case text[0] == '\n':
		t.col = atEnd
		t.append("\n")
		return 1
	case text[0] == '\b':
		t.back()
		return 1
	}
	if match := eraseLine.FindStringSubmatch(text); match != nil {
		t.erase(match[1] == "2")
		return len(match[0])
	}
	_, size := utf8.DecodeRuneInString(text)
	t.overwrite(text[:size])
	return size
}

func (t *terminalText) back() {
	if t.col == atEnd {
		t.col = utf8.RuneCount(t.buf[t.start:])
	}
	t.col = max(0, t.col-1)
}

func (t *terminalText) erase(all bool) {
	end := len(t.buf)
	if t.col != atEnd {
		end = t.offset()
	}
	if all {
		end = t.start
	}
	t.buf, t.col = t.buf[:end], atEnd
}

// offset returns the cursor's offset in buf when it is not at the end.
func (t *terminalText) offset() int {
	at := t.start
	for range t.col {
		_, size := utf8.DecodeRune(t.buf[at:])
		at += size
	}
	return at
}

// overwrite writes one character at the cursor.
func (t *terminalText) overwrite(char string) {
	if t.col == atEnd {
		t.append(char)
		return
	}
	at := t.offset()
	if at >= len(t.buf) {
		t.col = atEnd
		t.append(char)
		return
	}
	_, size := utf8.DecodeRune(t.buf[at:])
	t.buf = append(t.buf[:at], append([]byte(char), t.buf[at+size:]...)...)
	t.col++
}

// takeLine removes the unfinished last line, so that the following text can go back in it.
func (t *terminalText) takeLine() string {
	if len(t.buf)-t.start > maxLine {
		return ""
	}
	line := string(t.buf[t.start:])
	t.buf = t.buf[:t.start]
	return line
}

func (t *terminalText) String() string {
	return string(bytes.ToValidUTF8(t.buf, []byte("\uFFFD")))
}
