package cell

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestSource defines a session again from its last main.go, and compares the definitions.
func TestSource(t *testing.T) {
	var defs, again Definitions
	for i, m := range sessionsOf(t)[0] {
		if m.Error == "" {
			defs.Add(i+1, m.Text, []byte(m.Main))
		}
	}
	source := defs.Source()
	if strings.Contains(source, "func main()") || strings.Contains(source, "package main") {
		t.Errorf("the source holds a program:\n%s", source)
	}
	again.Add(1, source, nil)
	want, got := slices.Sorted(maps.Keys(defs.units)), slices.Sorted(maps.Keys(again.units))
	if !slices.Equal(got, want) {
		t.Errorf("defined again:\n%q\nwant\n%q", got, want)
	}
	for _, name := range []string{"func init_a() { count = 1 }", "func init_b() {"} {
		if !strings.Contains(source, name) {
			t.Errorf("no %q in\n%s", name, source)
		}
	}
}

const removable = `package main

import (
	"fmt"
	s "strings"
)

type point struct{ x int }

const (
	a = iota
	b
)

var (
	n, m = fmt.Sprint(1), 2
	o    = s.ToUpper("o")
)

// move moves.
func (p *point) move() {}

func init() { o = "" }

func main() { flag.Parse() }
`

func TestSourceAfterRemoval(t *testing.T) {
	const cell = "import (\n\t\"fmt\"\n\ts \"strings\"\n)\ntype point struct{ x int }\nconst (\n\ta = iota\n\tb\n)\n" +
		"var n, m = fmt.Sprint(1), 2\nvar o = s.ToUpper(\"o\")\nfunc (p *point) move() {}\nfunc init_o() { o = \"\" }\n"
	for removed, lost := range map[string]string{
		"%ls":            "",
		"%rm point":      "type point",
		"%rm point~move": "move()",
		"%remove a":      "iota",
		"%rm n":          "Sprint",
		"%rm init_o":     "func init",
		"%rm s":          `s "strings"`,
		"%rm fmt o":      `"fmt"`,
		"%reset":         "",
	} {
		var defs Definitions
		defs.Add(1, cell, []byte(removable))
		defs.Apply(Parse(removed))
		source := defs.Source()
		if lost != "" && strings.Contains(source, lost) || removed == "%reset" && source != "" {
			t.Errorf("after %s there is still %q:\n%s", removed, lost, source)
		}
		if removed == "%ls" && !(strings.Contains(source, "func init_o()") && strings.Contains(source, "// move moves.\n")) {
			t.Errorf("init has lost its name, or move its comment:\n%s", source)
		}
		if removed != "%reset" && parse("package main\n"+source).err != nil {
			t.Errorf("after %s the source does not parse:\n%s", removed, source)
		}
		defs.Add(2, "%%\nx()", []byte(removable))
		if source := defs.Source(); !strings.Contains(source, "type point") {
			t.Errorf("the next main.go does not count after %s:\n%s", removed, source)
		}
	}
}

func TestDefinitionsEmpty(t *testing.T) {
	var defs Definitions
	if source := defs.Source(); source != "" {
		t.Errorf("source %q", source)
	}
	defs.Add(1, "func f() {}", nil)
	defs.Add(2, "%%bash\nls", nil)
	if source := defs.Source(); source != "" {
		t.Errorf("source without main.go: %q", source)
	}
	for _, mainGo := range []string{"", "package main\n", "\x00", "package main\nfunc main() {}\n"} {
		for line := -1; line < 5; line++ {
			defs.Locate([]byte(mainGo), line, 3, "x")
			defs.Locate([]byte(mainGo), line, 3, "")
		}
	}
}

// TestLocateFormatted uses a main.go as gofmt and goimports leave it.
func TestLocateFormatted(t *testing.T) {
	const cell = "%env A=1\nfunc f(a,b int) int { return a+\n   b }\n%%\nx := `one\n%two\nthree`\n" +
		"if (x!=\"\") { panic(f(1,\n2,)) }"
	const mainGo = `package main

import "flag"

func f(a, b int) int {
	return a +
		b
}

func main() {
	flag.Parse()
	x := ` + "`one` + \"\\n\" +\n`%two\nthree`" + `
	if x != "" {
		panic(f(1,
			2))
	}
}
`
	var defs Definitions
	for line, want := range map[int]int{3: 0, 5: 2, 6: 2, 7: 3, 10: 4, 11: 4, 12: 5, 13: 6, 14: 7, 15: 8, 16: 8, 17: 9} {
		count, got, ok := defs.Locate([]byte(mainGo), line, 2, cell)
		if ok != (want > 0) || ok && (got != want || count != 2) {
			text := strings.Split(mainGo, "\n")[line-1]
			t.Errorf("line %d %q: line %d of cell %d, %v; want %d", line, text, got, count, ok, want)
		}
	}
}

// TestLocateOwnMagics uses a cell that does not parse and whose own commands are empty lines for GoNB.
func TestLocateOwnMagics(t *testing.T) {
	const alone = "package main\n\n\nfunc main() {\n\tflag.Parse()\n\nx := 3\nx := := 4\n\n}\n"
	for text, lines := range map[string]map[int]int{
		"%mode full\n%%\n\nx := 3\nx := := 4": {7: 4, 8: 5, 10: 5, 99: 5},
		"%%time\n\nx := 3\nx := := 4":         {4: 1, 7: 3, 8: 4},
	} {
		var defs Definitions
		for line, want := range lines {
			if count, got, ok := defs.Locate([]byte(alone), line, 5, text); !ok || count != 5 || got != want {
				t.Errorf("%q, line %d: line %d of cell %d, %v; want %d", text, line, got, count, ok, want)
			}
		}
	}
}
