package gopls

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// plainProgram has no definitions and imports nothing.
func plainProgram() *program { return newProgram(nil, nil) }

func TestCellBecomesGo(t *testing.T) {
	for code, want := range map[string]string{
		"":                         "\n",
		"x := 1":                   "func _() { x := 1\n}\n",
		"%%\nx := 1":               "func main() {\nx := 1\n}\n",
		"%main\nx := 1":            "func main() {\nx := 1\n}\n",
		"%% -n 3\nx := 1":          "func main() {\nx := 1\n}\n",
		"//gonb:%%\nx := 1":        "func main() {\nx := 1\n}\n",
		"%%\n%%\n":                 "func main() {\n\n\n}\n",
		"var a = 1\n%%\na++":       "var a = 1\nfunc main() {\na++\n}\n",
		"!ls\nvar a = 1":           "\nvar a = 1\n",
		"%env A=b\nvar a = 1":      "\nvar a = 1\n",
		"!ls \\\n  -l\nvar a = 1":  "\n\nvar a = 1\n",
		"!ls \\":                   "\n",
		"//gonb:!ls\nvar a = 1":    "\nvar a = 1\n",
		"package x\nvar a = 1":     "\nvar a = 1\n",
		"type T struct{}\nT{}.f()": "type T struct{}\nfunc _() { T{}.f()\n}\n",
		"x := 1\nfunc f() {}":      "func _() { x := 1\n}; func f() {}\n",
		"func f() {}\nf()\ng()":    "func f() {}\nfunc _() { f()\ng()\n}\n",

		"func f() {\n\tif x {\n%%\nf()":          "func f() {\n\tif x {\n}}; func main() {\nf()\n}\n",
		"func f() {\n\tg([]int{\nfunc h() {}":    "func f() {\n\tg([]int{\n})}; func h() {}\n",
		"if x {\n\tf(a[":                         "func _() { if x {\n\tf(a[\n])}}\n",
		"%%\nfor {\n\tf(a, ":                     "func main() {\nfor {\n\tf(a, \n)}}\n",
		"var f = func() {\n}\n)\nf()":            "var f = func() {\n}\n)\nfunc _() { f()\n}\n",
		"const s = `\nfunc f() {\n`\ntype T int": "const s = `\nfunc f() {\n`\ntype T int\n",
		"f := func() {\n\treturn\n}\nf()":        "func _() { f := func() {\n\treturn\n}\nf()\n}\n",
		"x \xff y":                               "func _() { x ? y\n}\n",
	} {
		v := plainProgram().compose(code)
		if v == nil {
			t.Errorf("%q is not taken for Go", code)
			continue
		}
		if got := strings.TrimPrefix(v.text, "package main\n"); got != want {
			t.Errorf("%q becomes\n%q, want\n%q", code, got, want)
		}
	}
}

func TestCellThatIsNotGo(t *testing.T) {
	for _, code := range []string{
		"%%writefile a.txt\nx", "%%script cat\nx", "%%bash\nls", "%%sh\r\nls", "//gonb:%%bash\nls", "%%gx\n",
		strings.Repeat("x", maxCell+1),
	} {
		if v := plainProgram().compose(code); v != nil {
			t.Errorf("%.20q becomes %.40q, want nothing", code, v.text)
		}
	}
}

// FuzzCompose checks of any cell that each cursor in a Go line is found again, and that gopls gets as many lines as the
// cell has, and UTF-8.
func FuzzCompose(f *testing.F) {
	for _, code := range []string{
		"x := \"😀\"; y", "%%\nфраза := 1\n", "!ls \\\nvar a = 1\nfunc f() {\n%%\n{[(", "a\xffb", "%%bash\nls",
		"func f() {\nfunc g() {\n`\n!", "//gonb:%%\r\n\t\u2028", "/*\n%%\n*/", "'", "\"\n\"", "\x00", "import \"fmt\"; x",
	} {
		f.Add(code)
	}
	p := newProgram([]byte(earlier), cellImports)
	f.Fuzz(func(t *testing.T, code string) {
		v := p.compose(code)
		if v == nil {
			return
		}
		if !utf8.ValidString(v.text) {
			t.Errorf("%q is not UTF-8", v.text)
		}
		if got, want := strings.Count(v.text, "\n"), strings.Count(code, "\n"); got < want+2 || got > want+3 {
			t.Errorf("%d lines of a cell with %d", got, want)
		}
		for cursor := range len(code) + 1 {
			at, found := v.position(cursor)
			if !found || cursor < len(code) && !utf8.RuneStart(code[cursor]) {
				continue
			}
			if back, ok := v.offset(at); utf8.ValidString(code) && (!ok || back != cursor) {
				t.Errorf("cursor %d is at %+v, which is %d, %v", cursor, at, back, ok)
			}
		}
	})
}
