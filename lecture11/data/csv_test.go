package data

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestFromCSV checks the format that is found and the values that are read.
func TestFromCSV(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		text     string
		o        CSVOptions
		features string
		values   []float64
		classes  []string
		labels   []int
		source   string
	}{
		"comma, header, label by name": {"a,kind,b\n1,x,2\n3,y,4\n", CSVOptions{Label: "kind"}, "a b", []float64{1, 2, 3, 4}, []string{"x", "y"}, []int{0, 1},
			`comma-separated text with a header in line 1, classes from column 2 ("kind"), sorted`},
		"semicolon, no header, label by number": {"z;1.5;2\ny;3;4e-2\nz;5;6", CSVOptions{Label: "1"}, "x2 x3", []float64{1.5, 2, 3, 0.04, 5, 6},
			[]string{"y", "z"}, []int{1, 0, 1}, "semicolon-separated text without a header, classes from column 1, sorted"},
		"tab, no label": {"a\tb c\n1\t2\n", CSVOptions{}, "a|b c", []float64{1, 2}, nil, nil, "tab-separated text with a header in line 1"},
		"missing": {"a,b,c\n1,,na\nNaN,2,N/A\n?,NULL,3\n", CSVOptions{}, "a b c", []float64{1, nan, nan, nan, 2, nan, nan, nan, 3}, nil, nil,
			"comma-separated text with a header in line 1"},
		"empty fields by tab":   {"1\t\t3\n\t5\t\n", CSVOptions{}, "x1 x2 x3", []float64{1, nan, 3, nan, 5, nan}, nil, nil, "tab-separated text without a header"},
		"other missing values":  {"a,b\n1,-999\n2,\n3,4\n", CSVOptions{Missing: []string{"-999"}}, "a b", []float64{1, nan, 2, nan, 3, 4}, nil, nil, "comma-separated text with a header in line 1"},
		"byte order mark, CRLF": {"\uFEFFa,b\r\n1,2\r\n3,4\r\n", CSVOptions{}, "a b", []float64{1, 2, 3, 4}, nil, nil, "comma-separated text with a header in line 1"},
		"quotes": {"\"a, in cm\",\"b \"\"x\"\"\",c\n\"1\", \"2\",q;r\n 3 ,4,\"two\nlines\"\n", CSVOptions{Label: "c"}, `a, in cm|b "x"`, []float64{1, 2, 3, 4},
			[]string{"q;r", "two\nlines"}, []int{0, 1}, `comma-separated text with a header in line 1, classes from column 3 ("c"), sorted`},
		"decimal comma": {"a;b\n1,5;2\n-3,25;1e3\n", CSVOptions{Decimal: ','}, "a b", []float64{1.5, 2, -3.25, 1000}, nil, nil,
			"semicolon-separated text with decimal commas with a header in line 1"},
		"decimal comma, one column": {"1,5\n2,5\n", CSVOptions{Decimal: ','}, "x1", []float64{1.5, 2.5}, nil, nil,
			"semicolon-separated text with decimal commas without a header"},
		"semicolons although commas are as many": {"1,5;2,5;3\n4,5;5,5;6\n", CSVOptions{Decimal: ','}, "x1 x2 x3", []float64{1.5, 2.5, 3, 4.5, 5.5, 6}, nil, nil,
			"semicolon-separated text with decimal commas without a header"},
		"a semicolon in a name": {"a; in cm,b\n1,2\n3,4\n", CSVOptions{}, "a; in cm|b", []float64{1, 2, 3, 4}, nil, nil, "comma-separated text with a header in line 1"},
		"one column":            {"a\n1\n2\n", CSVOptions{}, "a", []float64{1, 2}, nil, nil, "comma-separated text with a header in line 1"},
		"numbers as classes": {"10,1\n9,2\n10,3\n2.5,4\n", CSVOptions{Label: "1"}, "x2", []float64{1, 2, 3, 4}, []string{"2.5", "9", "10"}, []int{2, 1, 2, 0},
			"comma-separated text without a header, classes from column 1, sorted"},
		"classes in an order": {"1,b\n2,a\n", CSVOptions{Label: "last", Classes: []string{"c", "b", "a"}}, "x1", []float64{1, 2}, []string{"c", "b", "a"},
			[]int{1, 2}, "comma-separated text without a header, classes from column 2, in the order given"},
		"columns": {"a,b,c\n1,x,3\n4,y,6\n", CSVOptions{Columns: []string{"c", "1"}}, "c a", []float64{3, 1, 6, 4}, nil, nil, "comma-separated text with a header in line 1"},
		"numbers of lines, as pandas writes them": {",a\n0,1.5\n1,2.5\n", CSVOptions{Columns: []string{"a"}}, "a", []float64{1.5, 2.5}, nil, nil,
			"comma-separated text with a header in line 1"},
		"a header of numbers": {"2001,2002\n1,2\n", CSVOptions{Header: "yes"}, "2001 2002", []float64{1, 2}, nil, nil, "comma-separated text with a header in line 1"},
		"no header of missing values": {"NA,x\n1,y\n", CSVOptions{Label: "2"}, "x1", []float64{nan, 1}, []string{"x", "y"}, []int{0, 1},
			"comma-separated text without a header, classes from column 2, sorted"},
		"comments and empty lines": {"# one\n\na,b\n# two\n1,2\n\n3,4\n", CSVOptions{Comment: '#'}, "a b", []float64{1, 2, 3, 4}, nil, nil,
			"comma-separated text with a header in line 3"},
		"another separator": {"a|b\n1|2\n", CSVOptions{Separator: '|'}, "a|b", []float64{1, 2}, nil, nil, "'|'-separated text with a header in line 1"},
		"a name before a number": {"2,b,1\n5,6,7\n", CSVOptions{Header: "yes", Columns: []string{"1", "2"}}, "1 2", []float64{7, 5}, nil, nil,
			"comma-separated text with a header in line 1"},
	} {
		p, err := FromCSV(written(t, "x.csv", []byte(c.text)), c.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		features := strings.Split(c.features, " ")
		if strings.Contains(c.features, "|") {
			features = strings.Split(c.features, "|")
		}
		if fmt.Sprint(p.Values) != fmt.Sprint(c.values) || !slices.Equal(p.Features, features) {
			t.Errorf("%s: features %q, values %v, want %q, %v", name, p.Features, p.Values, features, c.values)
		}
		if !slices.Equal(p.Classes, c.classes) || !slices.Equal(p.Labels, c.labels) || p.Source != c.source {
			t.Errorf("%s: classes %q, labels %v, read as %q, want %q, %v, %q", name, p.Classes, p.Labels, p.Source, c.classes, c.labels, c.source)
		}
	}
}

// TestFromCSVRefuses: errors name the file, the line and the position in it, and a remedy.
func TestFromCSVRefuses(t *testing.T) {
	for want, c := range map[string]struct {
		text string
		o    CSVOptions
	}{
		`data: x.csv:3:3: "abc" in column 2 ("b") is not a number`:                                     {"a,b\n1,2\n3,abc\n", CSVOptions{}},
		`data: x.csv:1:3: "abc" in column 2 is not a number: set CSVOptions.Header = "yes" if`:         {"1,abc\n", CSVOptions{}},
		`data: x.csv:2:3: "x" in column 2 ("b") is not a number: set CSVOptions.Label`:                 {"a,b\n1,x\n", CSVOptions{}},
		`data: x.csv:2:3: "1,5" in column 2 ("b") is not a number: set CSVOptions.Decimal = ','`:       {"a;b\n1;1,5\n", CSVOptions{}},
		`data: x.csv:2:1: "1.5" in column 1 ("a") is not a number: CSVOptions.Decimal = ',' asks`:      {"a;b\n1.5;2\n", CSVOptions{Decimal: ','}},
		`data: x.csv:2:1: "1e999" in column 1 ("a") is not a finite number`:                            {"a\n1e999\n", CSVOptions{}},
		`data: x.csv:2:1: "-Inf" in column 1 ("a") is not a finite number`:                             {"a\n-Inf\n", CSVOptions{}},
		`data: x.csv:4: 1 field, want 2 as in line 1`:                                                  {"a,b\n\n1,2\n3\n", CSVOptions{}},
		`data: x.csv:2: 3 fields, want 2 as in line 1`:                                                 {"a,b\n1,2,3\n", CSVOptions{}},
		`data: x.csv:2:6: extraneous or missing " in quoted-field`:                                     {"a,b\n1,\"2\n", CSVOptions{}},
		`data: x.csv:3:5: extraneous or missing " in quoted-field, in a record that starts in line 2`:  {"a,b\n1,\"2\n3,4\n", CSVOptions{}},
		`data: x.csv:2:2: bare " in non-quoted-field`:                                                  {"a,b\n1\",2\n", CSVOptions{}},
		`data: x.csv:3:3: no class in column 2 ("c")`:                                                  {"a,c\n1,x\n2,\n", CSVOptions{Label: "c"}},
		`data: x.csv:3:3: class "z", want one of Classes, ["x" "y"]`:                                   {"a,c\n1,x\n2,z\n", CSVOptions{Label: "c", Classes: []string{"x", "y"}}},
		`data: Classes has "x" twice`:                                                                  {"a,c\n1,x\n", CSVOptions{Label: "c", Classes: []string{"x", "x"}}},
		`data: x.csv is empty`:                                                                         {"", CSVOptions{}},
		`data: x.csv is empty, want lines`:                                                             {"\n\r\n", CSVOptions{}},
		`data: x.csv has no objects: no line of values after the header in line 2`:                     {"\na,b\n", CSVOptions{}},
		`data: x.csv: column 2 ("b") has no value`:                                                     {"a,b\n1,\n2,NA\n", CSVOptions{}},
		`data: x.csv: column 3 ("x3") has no value`:                                                    {"a,b,\n1,2,\n", CSVOptions{}},
		`data: x.csv is UTF-16 text`:                                                                   {"\xFF\xFEa\x00", CSVOptions{}},
		`data: x.csv is UTF-16 text, want UTF-8`:                                                       {"\xFE\xFF\x00a", CSVOptions{}},
		`data: x.csv:2: a byte of 0`:                                                                   {"a\n\x001", CSVOptions{}},
		`data: x.csv:2: byte 0xfc, want UTF-8 text`:                                                    {"a\nM\xfcller\n", CSVOptions{}},
		`data: x.csv: CSVOptions.Label = "d", want one of the columns ["a" "b"] or a number from 1 to`: {"a,b\n1,2\n", CSVOptions{Label: "d"}},
		`data: x.csv: CSVOptions.Label = "3", want one of`:                                             {"a,b\n1,2\n", CSVOptions{Label: "3"}},
		`data: x.csv: CSVOptions.Label = "a", the name of two columns`:                                 {"a,b,a\n1,2,3\n", CSVOptions{Label: "a"}},
		`data: x.csv: CSVOptions.Columns has "1", which is already used`:                               {"a,b\n1,2\n", CSVOptions{Columns: []string{"a", "1"}}},
		`data: x.csv: no column is left for features, want at least one besides CSVOptions.Label = "a`: {"a\nx\n", CSVOptions{Label: "a"}},
		`data: x.csv: no column is left for features, want at least one besides CSVOptions.Label = ""`: {"a\n1\n", CSVOptions{Columns: []string{}}},
		`data: CSVOptions.Header = "maybe", want one of "auto", "no", "yes"`:                           {"a\n1\n", CSVOptions{Header: "maybe"}},
		`data: CSVOptions.Decimal = '\'', want '.' or ','`:                                             {"a\n1\n", CSVOptions{Decimal: '\''}},
		`data: CSVOptions.Separator = '"', want`:                                                       {"a\n1\n", CSVOptions{Separator: '"'}},
		`data: CSVOptions.Comment = '\n', want`:                                                        {"a\n1\n", CSVOptions{Comment: '\n'}},
		`data: CSVOptions.Comment = ';', the separator`:                                                {"a\n1\n", CSVOptions{Comment: ';', Separator: ';'}},
		`data: x.csv: CSVOptions.Decimal = ',', the separator`:                                         {"a\n1\n", CSVOptions{Decimal: ',', Separator: ','}},
	} {
		_, err := FromCSV(written(t, "x.csv", []byte(c.text)), c.o)
		wantError(t, err, want)
	}
	_, err := FromCSV("nowhere.csv", CSVOptions{})
	wantError(t, err, "data: open nowhere.csv: no such file")
}

// TestCSVIdentity: the ID has the name of the file and changes with all values that are read from it, but not with
// their notation.
func TestCSVIdentity(t *testing.T) {
	id := func(text string, o CSVOptions) string {
		p, err := FromCSV(written(t, "x.csv", []byte(text)), o)
		if err != nil {
			t.Fatal(err)
		}
		return p.ID
	}
	label := CSVOptions{Label: "c"}
	first := id("a,c\n1,x\n2,y\n", label)
	if name, hash, _ := strings.Cut(first, "|"); name != "x.csv" || len(hash) != 16 {
		t.Errorf("ID %q, want x.csv and 16 digits", first)
	}
	if other := id("a;c\r\n1.0;\"x\"\r\n2;y\r\n", label); other != first {
		t.Errorf("the same table is called %q and %q", first, other)
	}
	for what, other := range map[string]string{
		"value":   id("a,c\n1,x\n2.0000000000000004,y\n", label),
		"label":   id("a,c\n1,x\n2,x\n", CSVOptions{Label: "c", Classes: []string{"x", "y"}}),
		"class":   id("a,c\n1,x\n2,z\n", label),
		"feature": id("b,c\n1,x\n2,y\n", label),
		"order":   id("a,c\n2,y\n1,x\n", label),
		"shape":   id("a,c,b\n1,x,2\n", label),
		"none":    id("a,c\n1,1\n2,2\n", CSVOptions{}),
	} {
		if other == first {
			t.Errorf("another %s has the same ID", what)
		}
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte("a,c\n1,x\n2,y\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if other := id(packed.String(), label); other != first {
		t.Errorf("gzipped it is %q, want %q", other, first)
	}
	_, err := FromCSV(written(t, "x.csv.gz", packed.Bytes()[:20]), label)
	wantError(t, err, "data: x.csv.gz: unpacking: unexpected EOF")
}

// FuzzCSV: no text makes the parser panic, and a table that it accepts is complete.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,c\n1,x\n2,y\n"), "c", ',')
	f.Add([]byte("1;2,5\n\n\"3\";\"4\n5\"\n"), "", rune(0))
	f.Add([]byte("\uFEFFa\tb\r\n\t?\r\n# x\n"), "1", '\t')
	f.Add([]byte("\xFF\xFE1\x00"), "last", '#')
	f.Fuzz(func(t *testing.T, content []byte, label string, r rune) {
		for _, o := range []CSVOptions{{Label: label}, {Label: label, Separator: r}, {Comment: r, Decimal: ','}, {Header: "no", Columns: []string{label}}} {
			p, err := parseCSV("x.csv", content, o)
			if err != nil {
				continue
			}
			if len(p.Values) != p.Len()*p.Dim() || p.Len() == 0 || p.Labels != nil && len(p.Labels) != p.Len() || p.Missing() == len(p.Values) {
				t.Errorf("%d values of %d features, %d labels", len(p.Values), p.Dim(), len(p.Labels))
			}
			_ = p.String()
		}
	})
}
