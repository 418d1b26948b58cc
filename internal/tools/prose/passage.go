package main

import (
	"regexp"
	"strconv"
	"strings"
)

// kind says what part of a file a passage is. Kinds are bits: a habit can be looked for in several.
type kind int

const (
	docFunc  kind = 1 << iota // the doc comment of a function or method
	docOther                  // the doc comment of a package, type, constant, variable or field
	comment                   // any other comment
	text                      // a string literal
	markdown                  // a paragraph, list item, heading or table cell

	doc      = docFunc | docOther
	comments = doc | comment
	prose    = comments | markdown
	all      = prose | text
)

// passage is a piece of connected text, its lines joined by spaces.
type passage struct {
	kind   kind
	name   string // that a doc comment must start with; "" for none
	text   string
	cell   int // of a notebook, counted from 1; else 0
	starts []lineStart
}

// lineStart says where in a passage's text a line of the file starts.
type lineStart struct{ offset, line int }

// add appends a line of the file.
func (p *passage) add(line int, text string) {
	text = strings.TrimSpace(text)
	if text == "" {
		return
	}
	if p.text != "" {
		p.text += " "
	}
	p.starts = append(p.starts, lineStart{len(p.text), line})
	p.text += text
}

// place returns the line of an offset in the passage, or its cell.
func (p *passage) place(offset int) string {
	if p.cell > 0 {
		return "cell " + strconv.Itoa(p.cell)
	}
	line := 0
	for _, s := range p.starts {
		if s.offset <= offset {
			line = s.line
		}
	}
	return strconv.Itoa(line)
}

// findings returns what the habits find in the passage, and its sentences of more than limit words.
func (p *passage) findings(limit int) []finding {
	var found []finding
	for _, h := range habits {
		if h.in&p.kind == 0 {
			continue
		}
		for _, at := range h.find(p.text) {
			found = append(found, finding{place: p.place(at[0]), found: p.text[at[0]:at[1]], advice: h.advice})
		}
	}
	if p.name != "" && !startsWith(p.text, p.name) {
		found = append(found, finding{place: p.place(0), found: opening(p.text),
			advice: "start the doc comment with " + p.name})
	}
	if p.kind&prose == 0 {
		return found
	}
	for _, at := range sentences(p.text) {
		if n := countWords(p.text[at[0]:at[1]]); n > limit {
			found = append(found, finding{place: p.place(at[0]), found: opening(p.text[at[0]:at[1]]),
				advice: "a sentence of " + strconv.Itoa(n) + " words: make two of it"})
		}
	}
	return found
}

var sentenceEnd = regexp.MustCompile(`[.!?…]["”')\]*_]*\s+`)

// abbreviation matches text whose full stop does not end the sentence.
var abbreviation = regexp.MustCompile(`(?i)\b(e\.g|i\.e|cf|eqs?|figs?|sec|vs|al|no|resp|approx|p|pp|vol|ch)\.$`)

// sentences returns the start and the end of each sentence of a text.
func sentences(text string) [][2]int {
	var parts [][2]int
	start := 0
	for _, at := range sentenceEnd.FindAllStringIndex(text, -1) {
		if text[at[0]] == '.' && abbreviation.MatchString(text[start:at[0]+1]) {
			continue
		}
		parts = append(parts, [2]int{start, at[1]})
		start = at[1]
	}
	if start < len(text) {
		parts = append(parts, [2]int{start, len(text)})
	}
	return parts
}

var (
	word      = regexp.MustCompile(`\pL`)
	wordStart = regexp.MustCompile(`^[\pL\d_]`)
)

// countWords counts the fields of a sentence that hold a letter.
func countWords(sentence string) int {
	n := 0
	for _, field := range strings.Fields(sentence) {
		if word.MatchString(field) {
			n++
		}
	}
	return n
}

// opening returns the first five words of a sentence.
func opening(sentence string) string {
	fields := strings.Fields(sentence)
	return strings.Join(fields[:min(5, len(fields))], " ") + " …"
}

// startsWith reports whether a doc comment starts with a name, after an article or not, or marks it as deprecated.
func startsWith(text, name string) bool {
	for _, article := range []string{"", "A ", "An ", "The "} {
		if rest, ok := strings.CutPrefix(text, article+name); ok && !wordStart.MatchString(rest) {
			return true
		}
	}
	return strings.HasPrefix(text, "Deprecated:")
}
