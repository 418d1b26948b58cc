package cell

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseMagics(t *testing.T) {
	for _, test := range []struct {
		text string
		want []Magic
	}{
		{"", nil},
		{"x := 3 % y", nil},
		{"  %env A=1", nil},
		{"%", nil},
		{"%env A=1", []Magic{{1, 1, "%env", []string{"A=1"}, "A=1"}}},
		{"%env\tA \"b c\" d\\n", []Magic{{1, 1, "%env", []string{"A", "b c", `d\n`}, "A \"b c\" d\\n"}}},
		{`%args "a\tb\"" ""`, []Magic{{1, 1, "%args", []string{"a\tb\"", ""}, `"a\tb\"" ""`}}},
		{"% env A", []Magic{{1, 1, "%env", []string{"A"}, "A"}}},
		{"//gonb:%% -v\nx()", []Magic{{1, 1, "%%", []string{"-v"}, "-v"}}},
		{"\n!echo a \\\n//gonb: b\nvar x int\n!*ls", []Magic{{2, 3, "!", nil, "echo a   b"}, {5, 5, "!*", nil, "ls"}}},
		{"!a \\", []Magic{{1, 1, "!", nil, "a"}}},
		{"% ", []Magic{{1, 1, "%", nil, ""}}},
		{"! \t", []Magic{{1, 1, "!", nil, ""}}},
		{"%env A=1\r\n%%\r\nx()\r\n", []Magic{{1, 1, "%env", []string{"A=1"}, "A=1"}, {2, 2, "%%", []string{}, ""}}},
		{"%env ключ=я", []Magic{{1, 1, "%env", []string{"ключ=я"}, "ключ=я"}}},
		{"var s = `a\n%d\n!x`\n%%\n", []Magic{{4, 4, "%%", []string{}, ""}}},
		{"/* a\n%d\n*/ var x = '`'\n!ls `x`", []Magic{{4, 4, "!", nil, "ls `x`"}}},
		{"var s = `never closed\n%%\n", []Magic{{2, 2, "%%", []string{}, ""}}},
		{"/* never closed\n%%\n", []Magic{{2, 2, "%%", []string{}, ""}}},
		{"// `\n%%\nx(\"`\")\n!ls", []Magic{{2, 2, "%%", []string{}, ""}, {4, 4, "!", nil, "ls"}}},
		{"%%\nok := a &&\n!b", []Magic{{1, 1, "%%", []string{}, ""}}},
		{"func f() {\n!ls\n}", []Magic{{2, 2, "!", nil, "ls"}}},
	} {
		if got := Parse(test.text).Magics; !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q:\n%+v\nwant\n%+v", test.text, got, test.want)
		}
	}
}

func TestParseForeign(t *testing.T) {
	for text, want := range map[string]bool{
		"%%bash\nls":           true,
		" \"%%sh\"\nls":        true,
		"//gonb:%%script cat":  true,
		"%%writefile a.go\n%x": true,
		"%%time\n%%bash\nls":   true,
		"%%gx\n":               true,
		"\n%%bash\nls":         false,
		"%%bashful\nls":        false,
		"%%\nls":               false,
	} {
		c := Parse(text)
		if c.Foreign != want {
			t.Errorf("%q: foreign %v, want %v", text, c.Foreign, want)
		}
		if last := c.Magics[len(c.Magics)-1]; want && !slices.Contains(foreign, last.Name) {
			t.Errorf("%q: the last command is %s", text, last.Name)
		}
	}
}

func TestRewriteTime(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"%%time\nx()", "%%\nx()"},
		{"%%time -v 3\nx()", "%% -v 3\nx()"},
		{"\n%%time\n%env A=1\nx()", "\n%%\n%env A=1\nx()"},
		{"%%time\n%%\nx()", "\n%%\nx()"},
		{"%%time\nvar a = 1\n%main\nx()", "\nvar a = 1\n%main\nx()"},
		{"%%time\n%exec f", "\n%exec f"},
		{"%%time\n%test\nx()", "\n%test\nx()"},
		{"%%time\nfunc f() {}", "\nfunc f() {}"},
		{"%%time\nfunc (t T) f() {}", "\nfunc (t T) f() {}"},
		{"%%time\nimport \"fmt\"", "\nimport \"fmt\""},
		{"%%time\nfunc() { x() }()", "%%\nfunc() { x() }()"},
		{"%%time\nf := func(t T) int { return 1 }\n_ = f", "%%\nf := func(t T) int { return 1 }\n_ = f"},
		{"%%time\n!ls", "\n!ls"},
		{"%%time", ""},
		{"%%time\n%%bash\nls", "%%bash\nls"},
		{"x()\n%%time\n", "x()\n%%time\n"},
	} {
		c := Parse(test.text)
		if got := c.Rewrite(nil); got != test.want {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
		if c.Timed == strings.Contains(test.want, "%%time") {
			t.Errorf("%q: timed is %v", test.text, c.Timed)
		}
	}
}

func TestRewrite(t *testing.T) {
	own := func(m Magic) (string, bool) {
		if m.Name == "%mode" {
			return "%env LECTURE_MODE=" + m.Args[0], true
		}
		return "", m.Name == "%limit"
	}
	for _, test := range []struct{ text, want string }{
		{"%mode \\\nfull\n%%\nx()", "%env LECTURE_MODE=full\n\n%%\nx()"},
		{"%limit time 3s\n%ls", "\n%ls"},
		{"% \n!\t\nvar x int", "\n\nvar x int"},
		{"% main -v\nx()", "%% -v\nx()"},
		{"%exec\tf a", "%exec f a"},
		{"%exec  f", "%exec f"},
		{"%exec f  a", "%exec f  a"},
		{"%%\npackageName := 3", "%%\n packageName := 3"},
		{"package main\nvar x int", "package main\nvar x int"},
		{"/* a\n%b\npackage\n!c */\nvar x int", "/* a\n %b\n package\n !c */\nvar x int"},
		{"%%\nok := a &&\n!b", "%%\nok := a &&\n !b"},
		{"const s = `a\n%b\n c\n!d\n`", "const s = `a` + \"\\n\" +\n`%b\n c` + \"\\n\" +\n`!d\n`"},
		{"var b = `\n%\n%%`[1]", "var b = (`` + \"\\n\" +\n`%` + \"\\n\" +\n`%%`)[1]"},
		{"var b = `\n%\n`", "var b = `\n%\n`"},
		{"f(`\n%a`, `\n%b`)", "f(`` + \"\\n\" +\n`%a`, `` + \"\\n\" +\n`%b`)"},
		{"type t struct {\n\tA int `a:\"\n%b\"`\n}", "type t struct {\n\tA int `a:\"\n%b\"`\n}"},
		{"%env A=1\r\nvar s = `\r\n%a`\r\n", "%env A=1\nvar s = `` + \"\\n\" +\n`%a`\n"},
		{"%%bash\n%x\npackage", "%%bash\n%x\npackage"},
	} {
		if got := Parse(test.text).Rewrite(own); got != test.want {
			t.Errorf("%q:\n%q, want\n%q", test.text, got, test.want)
		}
	}
}

func TestCommands(t *testing.T) {
	for _, c := range Commands {
		sentence := strings.HasSuffix(c.Help, ".") && !strings.Contains(c.Help, "\n")
		if !Known(c.Name) || !strings.HasPrefix(c.Usage, c.Name) || !sentence {
			t.Errorf("%+v: want a usage that begins with the name, and one sentence of help", c)
		}
	}
	for _, name := range []string{"", "%", "env", "%envi", "%mainly", "%%env"} {
		if Known(name) {
			t.Errorf("%q is known", name)
		}
	}
	for name, want := range map[string][]string{
		"%evn":        {"%env"},
		"%%timing":    {"%timing"},
		"%time":       {"%%time"},
		"%%bahs":      {"%%bash"},
		"%lec":        {"%lecture"},
		"%capture2":   {"%capture"},
		"%matplotlib": nil,
		"%":           nil,
	} {
		if got := Suggest(name); len(got) == 0 != (len(want) == 0) || len(want) > 0 && got[0] != want[0] {
			t.Errorf("Suggest(%q) = %v, want %v first", name, got, want)
		}
	}
}
