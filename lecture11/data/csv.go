package data

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// CSVOptions describes how a file of separated values is read. Zero fields take the default in their comment. A column
// is given by its name in the header, by its number, starting at 1, or as "last".
type CSVOptions struct {
	Label   string   // the column of the classes; default "": no classes
	Columns []string // the columns of the features; default: all but Label
	Classes []string // the classes of labels 0, 1, …; default: all classes in the file, sorted by value if they are numbers, else as text

	// Header says whether the first line has the names of the columns: "yes", "no", or "auto" (default). With "auto"
	// the first line is a header if it contains no number.
	Header    string
	Separator rune // between fields; default: the comma, semicolon or tab that splits the first lines into equal numbers of fields
	Decimal   rune // in numbers, '.' (default) or ','
	Comment   rune // lines that start with it are skipped; default 0: no comments

	// Missing lists the texts that mark a missing value, besides the empty text. Default: NA, N/A, NaN, null, none and
	// ?, in upper or lower case.
	Missing []string
}

// FromCSV reads a file of separated values, with one object per line: the numbers of its features and its class, if
// [CSVOptions.Label] names a column. The text is UTF-8, plain or gzipped, with fields quoted as in RFC 4180. A missing
// value becomes NaN.
//
// Errors name the file, the line and the position in it: `data: iris.csv:17:9: "abc" in column 3 ("petal length") is
// not a number`. FromCSV returns an error for lines whose number of fields differs from the first line's, infinite
// numbers, columns without any value, and objects without a class.
func FromCSV(path string, o CSVOptions) (*Points, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parseCSV(filepath.Base(path), raw, o)
}

// parseCSV parses the content of the named file.
func parseCSV(name string, raw []byte, o CSVOptions) (*Points, error) {
	text, err := utf8Text(name, raw)
	if err != nil {
		return nil, err
	}
	t, err := newTable(name, text, o)
	if err != nil {
		return nil, err
	}
	p := &Points{}
	var classes []csvClass
	for {
		fields, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, j := range t.features {
			v, err := t.number(fields[j], j)
			if err != nil {
				return nil, err
			}
			p.Values = append(p.Values, v)
		}
		if t.label < 0 {
			continue
		}
		class := fields[t.label]
		if class == "" {
			return nil, fmt.Errorf("data: %s: no class in column %s", t.at(t.label), t.title(t.label))
		}
		line, column := t.r.FieldPos(t.label)
		classes = append(classes, csvClass{strings.Clone(class), line, column})
	}
	return t.finish(p, classes)
}

// csvClass is the class of an object, with its position in the file.
type csvClass struct {
	text         string
	line, column int
}

// finish checks the objects and sets names, labels and ID.
func (t *table) finish(p *Points, classes []csvClass) (*Points, error) {
	if len(p.Values) == 0 {
		return nil, fmt.Errorf("data: %s has no objects: no line of values%s", t.name, t.afterHeader())
	}
	for k, j := range t.features {
		p.Features = append(p.Features, t.names[j])
		if column := p.Values[k:]; allMissing(column, len(t.features)) {
			return nil, fmt.Errorf("data: %s: column %s has no value: leave it out by naming the others in CSVOptions.Columns", t.name, t.title(j))
		}
	}
	if t.label >= 0 {
		texts := make([]string, len(classes))
		for i, class := range classes {
			texts[i] = class.text
		}
		var err error
		p.Labels, p.Classes, err = textLabels(t.name+": column "+t.title(t.label), texts, t.o.Classes, func(i int) string {
			return fmt.Sprintf("%s:%d:%d", t.name, classes[i].line, classes[i].column)
		})
		if err != nil {
			return nil, err
		}
	}
	p.Source = t.describe()
	p.identify(t.name)
	return p, nil
}

// allMissing reports whether every n-th value is NaN.
func allMissing(values []float64, n int) bool {
	for i := 0; i < len(values); i += n {
		if !math.IsNaN(values[i]) {
			return false
		}
	}
	return true
}

// table reads lines of fields.
type table struct {
	name string
	o    CSVOptions
	r    *csv.Reader

	names    []string // names of the columns
	header   bool     // the first line has the names
	label    int      // column of the classes, −1 for none
	features []int    // columns of the features

	first     []string // the first line, which was read ahead
	firstLine int      // the number of the first line with fields
	ahead     bool     // whether next returns first
}

// newTable reads the first line and determines the columns.
func newTable(name, text string, o CSVOptions) (*table, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Separator == 0 {
		o.Separator = findSeparator(text, o)
	}
	if o.Decimal == o.Separator {
		return nil, fmt.Errorf("data: %s: CSVOptions.Decimal = %q, the separator, want different ones", name, o.Decimal)
	}
	t := &table{name: name, o: o, r: newCSVReader(text, o.Separator, o.Comment)}
	first, err := t.read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("data: %s is empty, want lines of values", name)
	}
	if err != nil {
		return nil, err
	}
	t.first, t.names = slices.Clone(first), featureNames(len(first))
	t.firstLine, _ = t.r.FieldPos(0)
	t.header = o.Header == "yes" || o.Header == "auto" && t.isHeader(first)
	t.ahead = !t.header
	if t.header {
		for j, field := range first {
			if field != "" {
				t.names[j] = strings.Clone(field)
			}
		}
	}
	return t, t.choose()
}

// check fills in defaults and returns an error that names the first invalid field.
func (o *CSVOptions) check() error {
	if o.Header == "" {
		o.Header = "auto"
	}
	if !slices.Contains([]string{"auto", "yes", "no"}, o.Header) {
		return fmt.Errorf("data: CSVOptions.Header = %q, want one of \"auto\", \"no\", \"yes\"", o.Header)
	}
	if o.Decimal == 0 {
		o.Decimal = '.'
	}
	if o.Decimal != '.' && o.Decimal != ',' {
		return fmt.Errorf("data: CSVOptions.Decimal = %q, want '.' or ','", o.Decimal)
	}
	for field, r := range map[string]rune{"Separator": o.Separator, "Comment": o.Comment} {
		if r == '"' || r == '\r' || r == '\n' || r == 0xFFFD || r < 0 || r > 0x10FFFF || r >= 0xD800 && r < 0xE000 {
			return fmt.Errorf("data: CSVOptions.%s = %q, want a character that is not a quote or an end of line", field, r)
		}
	}
	if o.Comment != 0 && o.Comment == o.Separator {
		return fmt.Errorf("data: CSVOptions.Comment = %q, the separator, want another character", o.Comment)
	}
	if o.Missing == nil {
		o.Missing = []string{"na", "n/a", "nan", "null", "none", "?"}
	}
	return nil
}

// isHeader reports whether the fields of the first line are names: at least one text and no number or missing value.
// One empty name is allowed, as in tables whose lines are numbered.
func (t *table) isHeader(fields []string) bool {
	empty := 0
	for _, field := range fields {
		if _, err := t.parse(field); field != "" && (err == nil || t.missing(field)) {
			return false
		}
		if field == "" {
			empty++
		}
	}
	return empty <= 1 && empty < len(fields)
}

// choose determines the columns of the label and the features.
func (t *table) choose() (err error) {
	t.label = -1
	if t.o.Label != "" {
		if t.label, err = t.column("Label", t.o.Label); err != nil {
			return err
		}
	}
	if t.o.Columns == nil {
		for j := range t.names {
			if j != t.label {
				t.features = append(t.features, j)
			}
		}
	}
	for _, name := range t.o.Columns {
		j, err := t.column("Columns", name)
		if err != nil {
			return err
		}
		if j == t.label || slices.Contains(t.features, j) {
			return fmt.Errorf("data: %s: CSVOptions.Columns has %q, which is already used, want other columns", t.name, name)
		}
		t.features = append(t.features, j)
	}
	if len(t.features) == 0 {
		return fmt.Errorf("data: %s: no column is left for features, want at least one besides CSVOptions.Label = %q", t.name, t.o.Label)
	}
	return nil
}

// column returns the index of the column with the given name. If there is none, the name may be "last" or a number
// starting at 1.
func (t *table) column(field, name string) (int, error) {
	if t.header {
		if j := slices.Index(t.names, name); j >= 0 {
			if slices.Contains(t.names[j+1:], name) {
				return 0, fmt.Errorf("data: %s: CSVOptions.%s = %q, the name of two columns, want the number of one", t.name, field, name)
			}
			return j, nil
		}
	}
	if name == "last" {
		return len(t.names) - 1, nil
	}
	if number, err := strconv.Atoi(name); err == nil && number >= 1 && number <= len(t.names) {
		return number - 1, nil
	}
	return 0, fmt.Errorf("data: %s: CSVOptions.%s = %q, want one of the columns %s or a number from 1 to %d", t.name, field, name,
		shortList(t.names), len(t.names))
}

// shortList returns the first names, quoted.
func shortList(names []string) string {
	const most = 12
	if len(names) > most {
		return fmt.Sprintf("%q, …", names[:most])
	}
	return fmt.Sprintf("%q", names)
}
