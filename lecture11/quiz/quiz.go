// Package quiz holds the five-minutes block of the lecture (slide 1): three questions on attention and BERT, the
// points of a complete answer, and common wrong answers. The answers are not in the notebook. A cell calls Check,
// which counts the points of an answer and returns hints for the rest, and Reveal, which returns the answers.
//
//	grade, err := quiz.Check("bert", answer)
//	fmt.Println(grade)
//	answers, err := quiz.Reveal("bert")
//
// An answer is free text in English or Russian. It is matched against word patterns, not understood: a correct idea in
// unusual words may be missed, and "not" is ignored. The grades are meant for a student's own use, not for marks.
package quiz

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

//go:embed questions.json
var questionsJSON []byte

// Question is a question of the block, without its answer.
type Question struct {
	ID     string // for Check and Reveal
	Text   string
	Need   int // number of points of a passing answer
	Points int // number of points of a complete answer
}

// Grade is the result of checking an answer.
type Grade struct {
	ID      string
	Present []string // names of the points that the answer makes
	Hints   []string // a question for each missing point; they do not reveal the answer
	Wrong   []string // explanations of mistakes in the answer
	Need    int      // number of points of a passing answer
	Note    string   // set if the answer could not be read: it is empty or in an unknown script
}

// Passed reports whether the answer makes enough points and contains no known mistake.
func (g Grade) Passed() bool { return len(g.Present) >= g.Need && len(g.Wrong) == 0 }

// String returns the grade, line by line.
func (g Grade) String() string {
	var b strings.Builder
	verdict := "not yet"
	if g.Passed() {
		verdict = "good"
	}
	fmt.Fprintf(&b, "%s: %s, %d of %d points", g.ID, verdict, len(g.Present), g.Need)
	if g.Note != "" {
		fmt.Fprintf(&b, " (%s)", g.Note)
	}
	for _, list := range []struct {
		mark  string
		lines []string
	}{{"+", g.Present}, {"!", g.Wrong}, {"?", g.Hints}} {
		for _, line := range list.lines {
			fmt.Fprintf(&b, "\n  %s %s", list.mark, line)
		}
	}
	return b.String()
}

// item is a question in the file.
type item struct {
	ID     string  `json:"id"`
	Text   string  `json:"text"`
	Need   int     `json:"need"`
	Points []point `json:"points"`
	Wrong  []wrong `json:"wrong"`
}

type point struct {
	Name     string   `json:"name"`
	Hint     string   `json:"hint"`
	Answer   string   `json:"answer"`
	Patterns patterns `json:"patterns"`
}

type wrong struct {
	Patterns patterns `json:"patterns"`
	Reason   string   `json:"reason"`
}

// patterns are regular expressions, at least one of which must match. JSON: strings.
type patterns []*regexp.Regexp

// UnmarshalJSON compiles the patterns.
func (p *patterns) UnmarshalJSON(text []byte) error {
	var sources []string
	if err := json.Unmarshal(text, &sources); err != nil {
		return err
	}
	for _, source := range sources {
		r, err := regexp.Compile(source)
		if err != nil {
			return err
		}
		*p = append(*p, r)
	}
	return nil
}

func (p patterns) in(text string) bool {
	return slices.ContainsFunc(p, func(r *regexp.Regexp) bool { return r.MatchString(text) })
}

// items returns the questions in the file, which is read once.
var items = sync.OnceValues(func() ([]item, error) {
	var all []item
	if err := json.Unmarshal(questionsJSON, &all); err != nil {
		return nil, fmt.Errorf("quiz: questions.json: %w", err)
	}
	return all, nil
})

// Questions returns the three questions in order.
func Questions() ([]Question, error) {
	all, err := items()
	if err != nil {
		return nil, err
	}
	var questions []Question
	for _, q := range all {
		questions = append(questions, Question{ID: q.ID, Text: q.Text, Need: q.Need, Points: len(q.Points)})
	}
	return questions, nil
}

// find returns the question with this ID.
func find(id string) (item, error) {
	all, err := items()
	if err != nil {
		return item{}, err
	}
	var known []string
	for _, q := range all {
		if q.ID == id {
			return q, nil
		}
		known = append(known, fmt.Sprintf("%q", q.ID))
	}
	return item{}, fmt.Errorf("quiz: question %q, want one of %s", id, strings.Join(known, ", "))
}

// Check grades an answer to the question id.
func Check(id, answer string) (Grade, error) {
	q, err := find(id)
	if err != nil {
		return Grade{}, err
	}
	g := Grade{ID: q.ID, Need: q.Need, Note: unreadable(answer)}
	text := normal(answer)
	for _, p := range q.Points {
		if p.Patterns.in(text) {
			g.Present = append(g.Present, p.Name)
		} else {
			g.Hints = append(g.Hints, p.Hint)
		}
	}
	for _, w := range q.Wrong {
		if w.Patterns.in(text) {
			g.Wrong = append(g.Wrong, w.Reason)
		}
	}
	return g, nil
}

// Reveal returns the answer to the question id, point by point.
func Reveal(id string) ([]string, error) {
	q, err := find(id)
	if err != nil {
		return nil, err
	}
	var answers []string
	for _, p := range q.Points {
		answers = append(answers, p.Answer)
	}
	return answers, nil
}

// normal returns the text in lower case, with single spaces and plain quotes, as the patterns expect it.
func normal(text string) string {
	text = strings.ToLower(strings.ReplaceAll(text, "’", "'"))
	return strings.Join(strings.Fields(text), " ")
}

// unreadable returns the reason why no pattern can match a text, or "".
func unreadable(text string) string {
	if strings.TrimSpace(text) == "" {
		return "no answer given"
	}
	for _, r := range text {
		if unicode.In(r, unicode.Latin, unicode.Cyrillic) {
			return ""
		}
	}
	return "this reads English and Russian only"
}
