package page

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
)

// controls matches a terminal's control sequence: CSI (with its parameters and final letter), OSC, or two letters.
// control matches one at the start of a text.
var (
	controls = regexp.MustCompile(`\x1b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])`)
	control  = regexp.MustCompile(`^` + controls.String())
)

// look describes how a letter is shown; the zero value is plain text.
type look struct {
	fg, bg                           string // "" or a colour: a class "3", or "#rrggbb"
	bold, faint, italic, under, swap bool
}

// letter is one place of a terminal's line.
type letter struct {
	r    rune
	look look
}

// screen emulates a terminal as far as saved outputs need it: colours, carriage return, backspace, erasing of a line.
type screen struct {
	out    strings.Builder
	line   []letter
	column int
	look   look
}

// ansiHTML converts text with terminal control sequences to HTML. Of a line that a carriage return overwrites (a
// progress bar) only the last state is shown, as on a terminal.
func ansiHTML(text string) string {
	if !strings.ContainsAny(text, "\x1b\r\b") {
		return html.EscapeString(text)
	}
	var s screen
	for text != "" {
		if found := control.FindStringSubmatch(text); found != nil {
			s.control(found[1], found[2])
			text = text[len(found[0]):]
			continue
		}
		end := strings.IndexByte(text[1:], '\x1b') + 1
		if end == 0 {
			end = len(text)
		}
		for _, r := range text[:end] {
			s.put(r)
		}
		text = text[end:]
	}
	s.flush()
	return s.out.String()
}

func (s *screen) put(r rune) {
	switch r {
	case '\n':
		s.flush()
		s.out.WriteByte('\n')
	case '\r':
		s.column = 0
	case '\b':
		s.column = max(0, s.column-1)
	case '\x1b', '\a':
	default:
		for len(s.line) <= s.column {
			s.line = append(s.line, letter{' ', look{}})
		}
		s.line[s.column] = letter{r, s.look}
		s.column++
	}
}

func (s *screen) control(parameters, final string) {
	switch final {
	case "m":
		s.look = s.look.change(parameters)
	case "K":
		s.erase(parameters)
	}
}

// erase erases the line: from the cursor on (0), up to the cursor (1), or completely (2).
func (s *screen) erase(parameter string) {
	switch parameter {
	case "", "0":
		s.line = s.line[:min(s.column, len(s.line))]
	case "1":
		for i := range min(s.column+1, len(s.line)) {
			s.line[i] = letter{' ', look{}}
		}
	case "2":
		s.line = s.line[:0]
	}
}

// flush writes the line as runs of letters that look the same.
func (s *screen) flush() {
	for start := 0; start < len(s.line); {
		end := start
		var text strings.Builder
		for end < len(s.line) && s.line[end].look == s.line[start].look {
			text.WriteRune(s.line[end].r)
			end++
		}
		s.out.WriteString(s.line[start].look.span(html.EscapeString(text.String())))
		start = end
	}
	s.line, s.column = s.line[:0], 0
}

// change applies the parameters of a colour sequence (SGR).
func (l look) change(parameters string) look {
	codes := strings.FieldsFunc(parameters, func(r rune) bool { return r == ';' || r == ':' })
	if len(codes) == 0 {
		return look{}
	}
	for i := 0; i < len(codes); i++ {
		code, err := strconv.Atoi(codes[i])
		switch {
		case err != nil:
		case code == 38 || code == 48:
			colour, used := extended(codes[i+1:])
			i += used
			if code == 38 {
				l.fg = colour
			} else {
				l.bg = colour
			}
		default:
			l = l.simple(code)
		}
	}
	return l
}

// simple applies one code of an SGR sequence.
func (l look) simple(code int) look {
	switch {
	case code == 0:
		return look{}
	case code == 1:
		l.bold = true
	case code == 2:
		l.faint = true
	case code == 3:
		l.italic = true
	case code == 4:
		l.under = true
	case code == 7:
		l.swap = true
	case code == 22:
		l.bold, l.faint = false, false
	case code == 23:
		l.italic = false
	case code == 24:
		l.under = false
	case code == 27:
		l.swap = false
	case code == 39:
		l.fg = ""
	case code == 49:
		l.bg = ""
	default:
		l.fg, l.bg = colours(code, l.fg, l.bg)
	}
	return l
}

// colours applies a code for one of the sixteen colours: classes 0 to 15.
func colours(code int, fg, bg string) (string, string) {
	switch base, n := code/10*10, code%10; {
	case n > 7:
	case base == 30:
		fg = strconv.Itoa(n)
	case base == 40:
		bg = strconv.Itoa(n)
	case base == 90:
		fg = strconv.Itoa(n + 8)
	case base == 100:
		bg = strconv.Itoa(n + 8)
	}
	return fg, bg
}

// extended reads the colour after code 38 or 48, and returns the number of codes that it used.
func extended(codes []string) (colour string, used int) {
	number := func(i int) int {
		n, _ := strconv.Atoi(codes[i])
		return min(max(n, 0), 255)
	}
	switch {
	case len(codes) >= 2 && codes[0] == "5":
		return palette(number(1)), 2
	case len(codes) >= 4 && codes[0] == "2":
		return fmt.Sprintf("#%02x%02x%02x", number(1), number(2), number(3)), 4
	}
	return "", len(codes)
}

// palette returns xterm's colour n of 256: sixteen named ones, a cube of 6·6·6, and 24 greys.
func palette(n int) string {
	switch {
	case n < 16:
		return strconv.Itoa(n)
	case n >= 232:
		grey := 8 + 10*(n-232)
		return fmt.Sprintf("#%02x%02x%02x", grey, grey, grey)
	}
	level := func(i int) int {
		if i == 0 {
			return 0
		}
		return 55 + 40*i
	}
	n -= 16
	return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6))
}

// span wraps text in an HTML element that shows it in this look.
func (l look) span(text string) string {
	if l == (look{}) {
		return text
	}
	var classes, styles []string
	add := func(on bool, class string) {
		if on {
			classes = append(classes, class)
		}
	}
	add(l.bold, "ab")
	add(l.faint, "ad")
	add(l.italic, "ai")
	add(l.under, "au")
	add(l.swap, "as")
	for _, part := range []struct{ colour, class, property string }{{l.fg, "f", "color"}, {l.bg, "b", "background"}} {
		if strings.HasPrefix(part.colour, "#") {
			styles = append(styles, part.property+":"+part.colour)
		} else {
			add(part.colour != "", part.class+part.colour)
		}
	}
	attributes := ""
	if len(classes) > 0 {
		attributes = ` class="` + strings.Join(classes, " ") + `"`
	}
	if len(styles) > 0 {
		attributes += ` style="` + strings.Join(styles, ";") + `"`
	}
	return "<span" + attributes + ">" + text + "</span>"
}
