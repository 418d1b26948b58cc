package main

import (
	"encoding/json"
	"regexp"
	"strings"
)

var (
	fence      = regexp.MustCompile("^\\s*(```|~~~|\\$\\$)")
	newItem    = regexp.MustCompile(`^\s*([-*+]|\d+[.)])\s+|^#+\s+|^>\s*`)
	inlineCode = regexp.MustCompile("`[^`]*`|\\$[^$]+\\$")
	linkTarget = regexp.MustCompile(`\]\([^)]*\)`)
)

// markdownPassages returns the paragraphs, list items, headings and table cells of a Markdown text. Code and formulas
// count as one word.
func markdownPassages(source []byte) ([]passage, error) {
	var passages []passage
	var current passage
	flush := func() {
		if current.text != "" {
			passages = append(passages, current)
		}
		current = passage{kind: markdown}
	}
	flush()
	fenced := false
	for i, line := range strings.Split(string(source), "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence.MatchString(line):
			flush()
			// A formula may open and close on one line.
			oneLine := strings.HasPrefix(trimmed, "$$") && len(trimmed) > 3 && strings.HasSuffix(trimmed, "$$")
			fenced = fenced != !oneLine
		case fenced:
		case trimmed == "":
			flush()
		case strings.HasPrefix(trimmed, "|"):
			for _, cell := range strings.Split(plain(trimmed), "|") {
				flush()
				current.add(i+1, cell)
			}
			flush()
		default:
			mark := newItem.FindString(line)
			if mark != "" {
				flush()
			}
			current.add(i+1, plain(line[len(mark):]))
			if strings.HasPrefix(trimmed, "#") {
				flush()
			}
		}
	}
	flush()
	return passages, nil
}

// plain replaces code and formulas by a word each and drops the targets of links.
func plain(line string) string {
	return linkTarget.ReplaceAllString(inlineCode.ReplaceAllString(line, "code"), "]")
}

// notebookPassages returns the passages of the Markdown cells of a notebook.
func notebookPassages(source []byte) ([]passage, error) {
	var notebook struct {
		Cells []struct {
			Type   string          `json:"cell_type"`
			Source json.RawMessage `json:"source"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(source, &notebook); err != nil {
		return nil, err
	}
	var passages []passage
	for i, cell := range notebook.Cells {
		if cell.Type != "markdown" {
			continue
		}
		text, err := cellText(cell.Source)
		if err != nil {
			return nil, err
		}
		found, err := markdownPassages([]byte(text))
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			p.cell = i + 1
			passages = append(passages, p)
		}
	}
	return passages, nil
}

// cellText returns the source of a cell: a string or a list of lines.
func cellText(source json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(source, &text) == nil {
		return text, nil
	}
	var lines []string
	err := json.Unmarshal(source, &lines)
	return strings.Join(lines, ""), err
}
