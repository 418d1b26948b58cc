package cell

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// seeds are the cells of testdata, whose treatment by GoNB is known, and some difficult ones.
func seeds(f *testing.F) {
	for _, m := range append(sessionsOf(f)[0], sessionsOf(f)[1]...) {
		f.Add(m.Text)
	}
	for _, text := range []string{
		"%%time\nx()", "%%time\n%%bash\nls", "%env A=1\r\n%%\r\n", "var s = `a\n%b`[1] + `\n!c`",
		"//line a:1\nvar x = `\n%`",
		"%%\nf(`\n%\n%%\n`, '`', \"`\", `\npackage`)", "x(`\xff\n%\x00`)", "type t struct { a int `\n%` }",
		"\ufeff%%\n!",
		"var s = `\r\n%x\r\n`", "/*\r\n%x*/ var s = `\npackage`", "func f() {\n!b\nok := a &&\n!b || !c\n}",
	} {
		f.Add(text)
	}
}

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		c := Parse(text)
		traps := c.Traps(nil)
		written := c.Rewrite(nil)
		again := Parse(written)
		want := strings.Count(text, "\n")
		if c.Foreign && c.Timed {
			want-- // without %%time
		}
		if got := strings.Count(written, "\n"); got != want {
			t.Fatalf("%d lines, want %d: %q", got+1, want+1, written)
		}
		changes := func(trap Trap) bool { return trap.Repaired && trap.Kind != TrapDotImport }
		if len(c.Magics) == 0 && !slices.ContainsFunc(traps, changes) && written != text {
			t.Fatalf("changed without reason: %q", written)
		}
		if twice := again.Rewrite(nil); !c.Timed && twice != written {
			t.Fatalf("not the same again: %q, %q", written, twice)
		}
		if !c.Foreign && !c.Timed {
			checkCommands(t, again)
			checkStrings(t, c)
		}
	})
}

// checkCommands compares the commands of a rewritten cell with those that GoNB, which knows lines only, will find.
func checkCommands(t *testing.T, c *Cell) {
	t.Helper()
	if slices.ContainsFunc(c.strings(), func(s rawString) bool { return !s.sound }) {
		return
	}
	var ours, gonbs []int
	for i := 0; i < len(c.lines); i++ {
		if c.kinds[i] == magicLine {
			ours = append(ours, i)
		}
		if isCommand(c.lines[i]) {
			gonbs = append(gonbs, i)
			for i+1 < len(c.lines) && strings.HasSuffix(uncomment(c.lines[i]), `\`) {
				i++
			}
		}
	}
	if !slices.Equal(ours, gonbs) {
		t.Fatalf("commands in lines %v, for GoNB %v: %q", ours, gonbs, c.Text)
	}
}

// checkStrings compares the values of all strings before and after the repair.
func checkStrings(t *testing.T, c *Cell) {
	t.Helper()
	before := parse(c.source())
	if before.err != nil {
		return
	}
	after := parse(c.repaired().source())
	if after.err != nil {
		t.Fatalf("the repaired cell does not parse: %v\n%s", after.err, after.text)
	}
	if a, b := values(before), values(after); a != b {
		t.Fatalf("strings %q became %q", a, b)
	}
}

// values returns the values of all string literals, one after the other: a sum is its parts.
func values(f *file) string {
	var b strings.Builder
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			value, _ := strconv.Unquote(lit.Value)
			b.WriteString(value)
		}
		return true
	})
	return b.String()
}

func FuzzComplete(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		status, indent := Complete(text)
		if !slices.Contains([]string{"complete", "incomplete", "invalid"}, status) {
			t.Fatalf("status %q", status)
		}
		if strings.Trim(indent, "\t") != "" || indent != "" && status != "incomplete" {
			t.Fatalf("%s with indent %q", status, indent)
		}
		if more, _ := Complete(text + "\n"); status == "complete" && more != "complete" {
			t.Fatalf("an empty line makes it %s", more)
		}
	})
}

func FuzzLocate(f *testing.F) {
	for _, m := range sessionsOf(f)[0] {
		f.Add(m.Main, m.Text, 10)
		f.Add(m.Alone, m.Text, 5)
	}
	f.Fuzz(func(t *testing.T, mainGo, text string, line int) {
		var defs Definitions
		for count := range 2 {
			at, cellLine, ok := defs.Locate([]byte(mainGo), line, count, text)
			if ok && (at > count || cellLine < 1 || cellLine > 1+strings.Count(text, "\n")) {
				t.Fatalf("cell %d, line %d", at, cellLine)
			}
			defs.Add(count, text, []byte(mainGo))
			defs.Source()
		}
	})
}
