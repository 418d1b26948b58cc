package page

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// formula is one formula of a markdown text.
type formula struct {
	tex     string // without delimiters
	display bool   // on a separate line
	source  string // with delimiters, as written
}

// A formula is hidden from markdown as mark, its number, endMark: letters of the private use area, which markdown
// leaves alone.
const (
	mark    = '\ue000'
	endMark = '\ue001'
)

var (
	hidden    = regexp.MustCompile(string(mark) + `(\d+)` + string(endMark))
	fenceOpen = regexp.MustCompile("^[ \t>]*(?:[-*+][ \t]+|[0-9]+[.)][ \t]+)*(```+|~~~+)")
	blankLine = regexp.MustCompile(`\n[ \t>]*\n`)
	quoteMark = regexp.MustCompile(`^[ \t]*(?:>[ \t]?)+`)
	mathBegin = regexp.MustCompile(`^\\begin\{((?:align|alignat|aligned|equation|gather|gathered|multline|` +
		`array|cases|matrix|[bBpvV]matrix|split|CD)\*?)\}`)
)

// hider removes formulas from a markdown text, and copies code unchanged.
type hider struct {
	in       string
	at       int
	out      strings.Builder
	formulas []formula
}

// hideMath replaces each formula of a markdown text, except those in code, by a mark.
func hideMath(text string) (string, []formula) {
	h := hider{in: strings.NewReplacer(string(mark), "\ufffd", string(endMark), "\ufffd").Replace(text)}
	for h.at < len(h.in) {
		if !h.fence() && !h.codeSpan() && !h.math() {
			h.plain()
		}
	}
	return h.out.String(), h.formulas
}

// showMath replaces each mark in text by the result of show for its formula.
func showMath(text string, formulas []formula, show func(formula) string) string {
	if !strings.ContainsRune(text, mark) {
		return text
	}
	return hidden.ReplaceAllStringFunc(text, func(found string) string {
		n, err := strconv.Atoi(hidden.FindStringSubmatch(found)[1])
		if err != nil || n >= len(formulas) {
			return found
		}
		return show(formulas[n])
	})
}

func (h *hider) copyTo(end int) {
	h.out.WriteString(h.in[h.at:end])
	h.at = end
}

// plain copies one letter, or a backslash with the letter that it protects.
func (h *hider) plain() {
	end := h.at
	if h.in[h.at] == '\\' {
		end++
	}
	_, size := utf8.DecodeRuneInString(h.in[end:])
	h.copyTo(end + size)
}

// fence copies a fenced block of code that starts at the current line.
func (h *hider) fence() bool {
	if h.at > 0 && h.in[h.at-1] != '\n' {
		return false
	}
	open := fenceOpen.FindStringSubmatch(h.in[h.at:])
	if open == nil {
		return false
	}
	rest := h.in[h.at:]
	for end := strings.IndexByte(rest, '\n') + 1; end > 0; {
		line, _, more := strings.Cut(rest[end:], "\n")
		end += len(line) + 1
		bare := strings.TrimLeft(line, " \t>")
		if !more {
			break
		}
		if strings.HasPrefix(bare, open[1]) && strings.Trim(bare, open[1][:1]+" \t\r") == "" {
			h.copyTo(h.at + end)
			return true
		}
	}
	h.copyTo(len(h.in))
	return true
}

// codeSpan copies `code`, or a run of backticks that opens none.
func (h *hider) codeSpan() bool {
	rest := h.in[h.at:]
	ticks := len(rest) - len(strings.TrimLeft(rest, "`"))
	if ticks == 0 {
		return false
	}
	for i := ticks; i < len(rest); {
		next := strings.IndexByte(rest[i:], '`')
		if next < 0 {
			break
		}
		i += next
		run := len(rest[i:]) - len(strings.TrimLeft(rest[i:], "`"))
		i += run
		if run == ticks {
			h.copyTo(h.at + i)
			return true
		}
	}
	h.copyTo(h.at + ticks)
	return true
}

// math hides a formula that starts here.
func (h *hider) math() bool {
	rest := h.in[h.at:]
	delimiters := []struct {
		open, close string
		display     bool
	}{{"$$", "$$", true}, {`\\[`, `\\]`, true}, {`\\(`, `\\)`, false}, {`\[`, `\]`, true}, {`\(`, `\)`, false}}
	for _, d := range delimiters {
		if strings.HasPrefix(rest, d.open) {
			return h.hide(len(d.open), closing(rest, len(d.open), d.close), len(d.close), d.display)
		}
	}
	if begin := mathBegin.FindStringSubmatch(rest); begin != nil {
		end := `\end{` + begin[1] + `}`
		if i := strings.Index(rest, end); i > 0 {
			return h.hide(0, i+len(end), 0, true)
		}
	}
	if rest[0] == '$' {
		return h.hide(1, closingDollar(rest), 1, false)
	}
	return false
}

// hide replaces the formula rest[open:end], of delimiters with these lengths, by a mark; end < 0 means: none.
func (h *hider) hide(open, end, close int, display bool) bool {
	if end < 0 {
		return false
	}
	rest := h.in[h.at:]
	tex := h.unquote(rest[open:end])
	if strings.TrimSpace(tex) == "" {
		return false
	}
	h.out.WriteString(string(mark) + strconv.Itoa(len(h.formulas)) + string(endMark))
	h.formulas = append(h.formulas, formula{tex: tex, display: display, source: rest[:end+close]})
	h.at += end + close
	return true
}

// unquote removes the quote marks (>) from the lines of a formula that starts inside a quotation.
func (h *hider) unquote(tex string) string {
	start := strings.LastIndexByte(h.in[:h.at], '\n') + 1
	if !quoteMark.MatchString(h.in[start:h.at]) {
		return tex
	}
	lines := strings.Split(tex, "\n")
	for i := 1; i < len(lines); i++ {
		lines[i] = quoteMark.ReplaceAllString(lines[i], "")
	}
	return strings.Join(lines, "\n")
}

// closing returns the index of the closing delimiter after from, or -1 when the paragraph ends first.
func closing(text string, from int, delimiter string) int {
	end := strings.Index(text[from:], delimiter)
	if end < 0 || blankLine.MatchString(text[from:from+end]) {
		return -1
	}
	return from + end
}

// closingDollar returns the index of the $ that closes the inline formula at the start of text, or -1. As in pandoc,
// the formula has no space next to its dollars and no digit follows it, so that prices are not read as formulas.
func closingDollar(text string) int {
	first, _ := utf8.DecodeRuneInString(text[1:])
	if unicode.IsSpace(first) {
		return -1
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '`':
			return -1
		case '\n':
			if line, _, _ := strings.Cut(text[i+1:], "\n"); strings.Trim(line, " \t\r>") == "" {
				return -1
			}
		case '$':
			before, _ := utf8.DecodeLastRuneInString(text[:i])
			after, _ := utf8.DecodeRuneInString(text[i+1:])
			if !unicode.IsSpace(before) && !unicode.IsDigit(after) {
				return i
			}
		}
	}
	return -1
}
