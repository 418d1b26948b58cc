package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// utf8Text returns the text of a file without its byte order mark. The error names the line of a byte that is not
// UTF-8, or the encoding that the file seems to use.
func utf8Text(name string, raw []byte) (string, error) {
	switch {
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}), bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		return "", fmt.Errorf("data: %s is UTF-16 text, want UTF-8: save it with this encoding", name)
	case bytes.IndexByte(raw, 0) >= 0:
		return "", fmt.Errorf("data: %s:%d: a byte of 0, want UTF-8 text: the file is UTF-16 or not a text", name, lineOf(raw, bytes.IndexByte(raw, 0)))
	}
	raw = bytes.TrimPrefix(raw, []byte("\uFEFF"))
	if !utf8.Valid(raw) {
		at := notUTF8(raw)
		return "", fmt.Errorf("data: %s:%d: byte %#x, want UTF-8 text: save it with this encoding", name, lineOf(raw, at), raw[at])
	}
	return string(raw), nil
}

// notUTF8 returns the index of the first byte that is not UTF-8.
func notUTF8(raw []byte) int {
	at := 0
	for {
		r, size := utf8.DecodeRune(raw[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}

// lineOf returns the line number of a byte, starting at 1.
func lineOf(raw []byte, at int) int { return 1 + bytes.Count(raw[:at], []byte("\n")) }

// newCSVReader returns a reader of the fields of text.
func newCSVReader(text string, separator, comment rune) *csv.Reader {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.Comment = separator, comment
	r.FieldsPerRecord = -1                                     // the table checks them and names the line
	r.TrimLeadingSpace = separator != '\t' && separator != ' ' // trimming these would remove empty fields
	r.ReuseRecord = true
	return r
}

// findSeparator returns the tab, semicolon or comma that splits the first lines into equal numbers of fields, at least
// two. If there is none, it returns the one with the most fields in the first line, so that an error can name the line
// with another number.
func findSeparator(text string, o CSVOptions) rune {
	candidates := slices.DeleteFunc([]rune{'\t', ';', ','}, func(r rune) bool { return r == o.Comment || r == o.Decimal })
	best, most := candidates[len(candidates)-1], 1
	for _, separator := range candidates {
		fields, equal := firstLines(text, separator, o.Comment)
		if fields > 1 && equal {
			return separator
		}
		if fields > most {
			best, most = separator, fields
		}
	}
	return best
}

// firstLines returns the number of fields of the first line, and whether the lines after it have the same number.
func firstLines(text string, separator, comment rune) (fields int, equal bool) {
	const lines = 50
	r := newCSVReader(text, separator, comment)
	for range lines {
		record, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return fields, true
		case err != nil || fields != 0 && len(record) != fields:
			return fields, false
		}
		fields = len(record)
	}
	return fields, true
}

// next returns the fields of the next object, trimmed. They are valid until the next call.
func (t *table) next() ([]string, error) {
	if t.ahead {
		t.ahead = false
		return t.first, nil
	}
	fields, err := t.read()
	if err == nil && len(fields) != len(t.names) {
		line, _ := t.r.FieldPos(0)
		return nil, fmt.Errorf("data: %s:%d: %s, want %d as in line %d", t.name, line, count(len(fields), "field"), len(t.names), t.firstLine)
	}
	return fields, err
}

// read returns the fields of the next line.
func (t *table) read() ([]string, error) {
	fields, err := t.r.Read()
	if syntax := (*csv.ParseError)(nil); errors.As(err, &syntax) {
		start := ""
		if syntax.StartLine != syntax.Line {
			start = fmt.Sprintf(", in a record that starts in line %d", syntax.StartLine)
		}
		return nil, fmt.Errorf("data: %s:%d:%d: %w%s", t.name, syntax.Line, syntax.Column, syntax.Err, start)
	}
	if err != nil {
		return nil, err
	}
	for j, field := range fields {
		fields[j] = strings.TrimSpace(field)
	}
	return fields, nil
}

// number returns the value of a field of column j of the current line, NaN if it is missing.
func (t *table) number(field string, j int) (float64, error) {
	if field == "" || t.missing(field) {
		return math.NaN(), nil
	}
	v, err := t.parse(field)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && math.IsInf(v, 0):
		return 0, fmt.Errorf("data: %s: %q in column %s is not a finite number", t.at(j), field, t.title(j))
	case err != nil:
		return 0, fmt.Errorf("data: %s: %q in column %s is not a number%s", t.at(j), field, t.title(j), t.advice(field))
	}
	return v, nil
}

// parse returns the number in a field.
func (t *table) parse(field string) (float64, error) {
	if t.o.Decimal == ',' {
		if strings.Contains(field, ".") {
			return 0, strconv.ErrSyntax
		}
		field = strings.Replace(field, ",", ".", 1)
	}
	return strconv.ParseFloat(field, 64)
}

// advice returns a remedy for a field that is not a number, or "" if none is known.
func (t *table) advice(field string) string {
	line, _ := t.r.FieldPos(0)
	other := strings.Replace(field, ",", ".", 1)
	if t.o.Decimal == ',' {
		other = strings.Replace(field, ".", ",", 1)
	}
	switch _, err := t.parse(other); {
	case t.o.Decimal == '.' && err == nil:
		return ": set CSVOptions.Decimal = ',' for numbers with a decimal comma"
	case t.o.Decimal == ',' && strings.Contains(field, "."):
		return ": CSVOptions.Decimal = ',' asks for decimal commas"
	case line == t.firstLine && !t.header:
		return `: set CSVOptions.Header = "yes" if this line has names, CSVOptions.Label to the column of the classes, or CSVOptions.Columns ` +
			"to those of numbers"
	case line <= t.firstLine+1:
		return ": set CSVOptions.Label to the column of the classes, or CSVOptions.Columns to those of numbers"
	}
	return ""
}

// missing reports whether a text marks a missing value.
func (t *table) missing(field string) bool {
	return slices.ContainsFunc(t.o.Missing, func(text string) bool { return strings.EqualFold(text, field) })
}

// at returns the position of the field of column j of the current line: "iris.csv:17:9".
func (t *table) at(j int) string {
	line, column := t.r.FieldPos(j)
	return fmt.Sprintf("%s:%d:%d", t.name, line, column)
}

// title returns the number of a column and its name: `3 ("petal length")`.
func (t *table) title(j int) string {
	if !t.header {
		return strconv.Itoa(j + 1)
	}
	return fmt.Sprintf("%d (%q)", j+1, t.names[j])
}

// afterHeader returns " after the header" and its line if there is a header.
func (t *table) afterHeader() string {
	if t.header {
		return fmt.Sprintf(" after the header in line %d", t.firstLine)
	}
	return ""
}

// describe returns a description of how the table was read.
func (t *table) describe() string {
	separators := map[rune]string{',': "comma", ';': "semicolon", '\t': "tab"}
	separator, known := separators[t.o.Separator]
	if !known {
		separator = strconv.QuoteRune(t.o.Separator)
	}
	text := separator + "-separated text"
	if t.o.Decimal == ',' {
		text += " with decimal commas"
	}
	if t.header {
		text += fmt.Sprintf(" with a header in line %d", t.firstLine)
	} else {
		text += " without a header"
	}
	if t.label < 0 {
		return text
	}
	order := "sorted"
	if t.o.Classes != nil {
		order = "in the order given"
	}
	return text + fmt.Sprintf(", classes from column %s, %s", t.title(t.label), order)
}
