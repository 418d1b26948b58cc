package cell

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestTraps(t *testing.T) {
	for _, test := range []struct {
		text string
		want string // line:kind, ! where it is not repaired
	}{
		{"%%\nfmt.Println(`a\n  %d`)", ""},
		{"var s = `a\n%d\n!x\npackage`", "2:string 3:string 4:string"},
		{"type t struct {\n\tA int `\n%b`\n}", "3:string!"},
		{"/*\n%d\n*/\nvar x int", "2:comment"},
		{"%%\nok := a &&\n!b", "3:expression"},
		{"%%\npackages := 1", "2:package"},
		{"package main\nvar x int", ""},
		{"%env A=1\n%%bash\nls", "2:first!"},
		{"var x int\n%%time", "2:first!"},
		{"%%time\nx()", ""},
		{"% \n! ", "1:empty 2:empty"},
		{"%%script\nls", "1:empty!"},
		{"%%script cat\nls", ""},
		{"%env A=ä", "1:letters!"},
		{"%mode ä\n!echo ä", ""},
		{"%%writefile ä", "1:letters!"},
		{"var x int\r\n%ls\r\n", "1:lines"},
		{"import . \"strings\"\nimport \"C\"", "1:dot import 2:cgo!"},
		{"//go:build linux\n\n//go:embed a.txt\nvar a string", "1:directive! 3:directive!"},
		{"var s = `//go:embed a`", ""},
		{"%%bash\n//go:embed a\n%x", ""},
	} {
		if got := kinds(Parse(test.text).Traps(nil)); got != test.want {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}

func kinds(traps []Trap) string {
	var all []string
	for _, trap := range traps {
		sign := "!"
		if trap.Repaired {
			sign = ""
		}
		all = append(all, fmt.Sprintf("%d:%s%s", trap.Line, trap.Kind, sign))
	}
	return strings.Join(all, " ")
}

func TestInitialiserTraps(t *testing.T) {
	var defs Definitions
	defs.Add(1, "type celsius float64", nil)
	for value, costly := range map[string]bool{
		"3":                                    false,
		"f()":                                  true,
		"time.Now()":                           true,
		"func() int { return f() }()":          true,
		"func() int { return f() }":            false,
		"[]float64{1, math.Sqrt(2)}":           false,
		"[]int{1, f()}":                        true,
		"celsius(3)":                           false,
		"kelvin(3)":                            false,
		"fahrenheit(3)":                        true,
		"make([]int, 3)":                       false,
		"[]byte(\"a\")":                        false,
		"(*int)(nil)":                          false,
		"errors.New(\"a\")":                    false,
		"regexp.MustCompile(`a`)":              false,
		"flag.Int(\"n\", 3, \"\")":             false,
		"sync.OnceValue(f)":                    false,
		"rand.New(rand.NewPCG(1, 2))":          false,
		"must.M1(device.Backend())":            true,
		"set[int](nil)":                        false,
		"load[int](3)":                         true,
		"template.Must(template.ParseFiles())": true,
	} {
		text := "type kelvin float64\ntype set[T comparable] map[T]bool\nvar x = " + value
		want := ""
		if costly {
			want = "3:initialiser!"
		}
		if got := kinds(Parse(text).Traps(&defs)); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
	traps := Parse("var a, b = f()\n%%\nvar c = f()").Traps(nil)
	if kinds(traps) != "1:initialiser!" || !strings.HasPrefix(traps[0].Text, "a, b is computed") {
		t.Errorf("%+v", traps)
	}
}

func TestMethodTraps(t *testing.T) {
	const value = "type %[1]s[T any] struct{}\nfunc (x %[1]s[T]) Get() {}\n"
	const pointer = "type %[1]s[T any] struct{}\nfunc (x *%[1]s[T]) Get() {}\n"
	a, b := fmt.Sprintf(value, "A"), fmt.Sprintf(value, "B")
	var defs Definitions
	if got := kinds(Parse(a + b).Traps(&defs)); got != "4:method!" {
		t.Errorf("two in one cell: %q", got)
	}
	if got := kinds(Parse(a + fmt.Sprintf(pointer, "B")).Traps(&defs)); got != "" {
		t.Errorf("one with a pointer: %q", got)
	}
	defs.Add(1, a, nil)
	if got := kinds(Parse(a).Traps(&defs)); got != "" {
		t.Errorf("the same again: %q", got)
	}
	if got := kinds(Parse(b).Traps(&defs)); got != "2:method!" {
		t.Errorf("another later: %q", got)
	}
	defs.Add(2, "%rm unknown~Get", nil)
	if got := kinds(Parse(b).Traps(&defs)); got != "" {
		t.Errorf("another after %%rm: %q", got)
	}
}

// TestTrapTexts requires one sentence in one line.
func TestTrapTexts(t *testing.T) {
	const all = "% \n%%bash\n%env A=ä\n/*\n%d\n*/\nimport . \"strings\"\nimport \"C\"\n//go:embed a\n" +
		"var s, n = `\n!x\npackage`, func() int {\n\treturn 1\n}()"
	traps := Parse(all).Traps(nil)
	if len(traps) < 10 {
		t.Errorf("%d traps: %s", len(traps), kinds(traps))
	}
	if !slices.IsSortedFunc(traps, func(a, b Trap) int { return a.Line - b.Line }) {
		t.Errorf("not in order: %s", kinds(traps))
	}
	for _, trap := range traps {
		if strings.ContainsAny(trap.Text, "\n") || strings.HasSuffix(trap.Text, ".") || len(trap.Text) < 40 {
			t.Errorf("%+v", trap)
		}
	}
}
