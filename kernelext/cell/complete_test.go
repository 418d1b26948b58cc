package cell

import "testing"

func TestComplete(t *testing.T) {
	for _, test := range []struct{ text, status, indent string }{
		{"", "complete", ""},
		{"\n\n", "complete", ""},
		{"// a comment", "complete", ""},
		{"!ls", "complete", ""},
		{"!ls \\", "incomplete", ""},
		{"%env X=1", "complete", ""},
		{"import \"fmt\"", "complete", ""},
		{"func one() int { return 1 }", "complete", ""},
		{"const text = `raw\nstring`", "complete", ""},
		{"const text = `raw\n%d`", "complete", ""},
		{"type point struct {\n\tx, y float64\n}", "complete", ""},
		{"package main", "complete", ""},
		{"%%\nfmt.Println(1)", "complete", ""},
		{"%%\nfor i := range 3 {\n\tfmt.Println(i)\n}", "complete", ""},
		{"%%\n\n", "complete", ""},
		{"%%time\nx()", "complete", ""},
		{"func f() {}\n%exec f", "complete", ""},
		{"%%bash\nls\n", "complete", ""},

		{"%%", "incomplete", ""},
		{"%%time", "incomplete", ""},
		{"%%bash", "incomplete", ""},
		{"%%bash\nls", "incomplete", ""},
		{"func one() int {", "incomplete", "\t"},
		{"func one() int {\n\tif true {\n", "incomplete", "\t\t"},
		{"%%\nfor i := range 3 {", "incomplete", "\t"},
		{"%%\nfmt.Println(", "incomplete", "\t"},
		{"%%\nf(func() {", "incomplete", "\t"},
		{"%%\nx := 1 +", "incomplete", "\t"},
		{"%%\nfmt.", "incomplete", "\t"},
		{"%%\nswitch x {\ncase 1:", "incomplete", "\t"},
		{"%%\nx := []int{\n\t1,", "incomplete", "\t"},
		{"type point struct {\n\tx float64", "incomplete", "\t"},
		{"import (", "incomplete", "\t"},
		{"const (\n\ta = 1", "incomplete", "\t"},
		{"var x =", "incomplete", "\t"},
		{"var x = // why", "incomplete", "\t"},
		{"type point struct", "incomplete", "\t"},
		{"import", "incomplete", "\t"},
		{"%%\nfmt.Println(1", "incomplete", "\t"},
		{"const text = `raw", "incomplete", ""},
		{"%%\ns := `raw\n\n", "incomplete", ""},
		{"/* a comment", "incomplete", ""},

		{"func ) {", "invalid", ""},
		{"type 7 int", "invalid", ""},
		{"fmt.Println(1)", "invalid", ""},
		{"func f() {}}", "invalid", ""},
		{"%%\nx := := 3", "invalid", ""},
		{"%%\nfmt.Println(1))", "invalid", ""},
		{"%%\nx()\n}", "invalid", ""},
		{"%%\ns := \"open\n", "invalid", ""},
		{"%%\nif x", "invalid", ""},
		{"%%\nfor i := range 3", "invalid", ""},
		{"%%\ngo func() {}", "invalid", ""},
		{"var x", "invalid", ""},
	} {
		status, indent := Complete(test.text)
		if status != test.status || indent != test.indent {
			t.Errorf("%q: %s %q, want %s %q", test.text, status, indent, test.status, test.indent)
		}
	}
}
