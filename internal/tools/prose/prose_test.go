package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestHabits: each habit finds its own bad example and no habit finds a good one.
func TestHabits(t *testing.T) {
	for _, h := range habits {
		if len(h.find(h.bad)) == 0 {
			t.Errorf("%s is not found in %q", h.pattern, h.bad)
		}
		for _, other := range habits {
			if at := other.find(h.good); len(at) > 0 && other.in&h.in != 0 {
				t.Errorf("%s is found in %q", other.pattern, h.good)
			}
		}
	}
}

// TestGoFile: places are lines of the file, also where a phrase goes over the end of one; code in comments, directives
// and imports are not read.
func TestGoFile(t *testing.T) {
	const source = `// Package p is read at the
// begin of the day.
//
//	code that mends
package p

//go:generate mend

// Codes gives codes. It gives them
// again, and Codes gives more.
func Codes() error { return errors.New("at the begin") }

// A type.
type T struct {
	F int // mended
}

/* One.

mending */
func f() {
	// Comments of mending.
	// Output:
	// mended
	// by mending
}

var s = ` + "`raw\ntext that mends`" + `
`
	passages, err := goPassages([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, passages, "1 the begin", "9 Codes gives", "11 the begin", "13 A type. …", "15 mended", "20 mending", "29 mends", "22 mending")
}

// TestMarkdownFile: code, formulas and link targets are not read; each item and each table cell is a passage.
func TestMarkdownFile(t *testing.T) {
	const source = "# The begin\n" +
		"Text at the\nbegin, `mend it`, [a link](http://mend.example) and $mend$.\n\n" +
		"```\nmend\n```\n" +
		"$$x = mend$$\n" +
		"- mended\n" +
		"  twice\n" +
		"- What is it?\n" +
		"| a | mends |\n|---|---|\n"
	passages, err := markdownPassages([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, passages, "1 The begin", "2 the begin", "9 mended", "12 mends")
}

// TestNotebook reads sources of both forms and names the cells.
func TestNotebook(t *testing.T) {
	const source = `{"cells": [{"cell_type": "code", "source": "mend"},
		{"cell_type": "markdown", "source": ["at the ", "begin"]}, {"cell_type": "markdown", "source": "mend"}]}`
	passages, err := notebookPassages([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, passages, "cell 2 the begin", "cell 3 mend")
}

func expect(t *testing.T, passages []passage, want ...string) {
	t.Helper()
	var got []string
	for _, p := range passages {
		for _, f := range p.findings(40) {
			got = append(got, f.place+" "+f.found)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// TestLongSentence: the limit is exact; abbreviations end no sentence.
func TestLongSentence(t *testing.T) {
	for _, c := range []struct {
		text string
		want int // findings
	}{
		{strings.Repeat("word ", 40) + "= 3.", 0},
		{strings.Repeat("word ", 41), 1},
		{strings.Repeat("word ", 30) + "end. " + strings.Repeat("word ", 30), 0},
		{strings.Repeat("word ", 30) + "see eq. 3 and " + strings.Repeat("word ", 30), 1},
	} {
		p := passage{kind: comment}
		p.add(1, c.text)
		if found := p.findings(40); len(found) != c.want {
			t.Errorf("%q: %v, want %d findings", c.text, found, c.want)
		}
	}
}

// TestBaseline: a pattern hides the findings of its files, and a pattern without any is a finding.
func TestBaseline(t *testing.T) {
	found := []finding{{file: "a/x.go"}, {file: "a/b/y.go"}, {file: "c.md"}}
	kept, err := applyBaseline(found, "a/*.go\nd.md\n")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(kept[0].file, kept[1].file, kept[2].file, kept[2].place)
	if want := fmt.Sprint("a/b/y.go", "c.md", "internal/tools/prose/baseline.txt", "2"); len(kept) != 3 || got != want {
		t.Errorf("kept %v, want %s", kept, want)
	}
	if _, err := applyBaseline(found, "[\n"); err == nil {
		t.Error("a malformed pattern is accepted")
	}
}
