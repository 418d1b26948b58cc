package gopls

import (
	"strings"
	"testing"
)

func TestHeadImportsWhatIsNotOtherwiseUsed(t *testing.T) {
	main := "package main\nimport (\n\tm \"math\"\n\t. \"sort\"\n\t\"strings\"\n)\nvar rand int\nfunc bytes() {}\n"
	p := newProgram([]byte(main), []string{"math/rand/v2", "bytes", "os", "fmt"})
	const all = `import m "math"; import . "sort"; import %strings "strings"; ` +
		`import _ "math/rand/v2"; import _ "bytes"; import %os "os"; import %fmt "fmt"`
	for code, taken := range map[string][]string{
		"x := 1":                           nil,
		"import \"os\"\nvar x = 1":         {"os"},
		"import os \"example.com/os\"":     {"os"},
		"func strings() {}":                {"strings"},
		"type fmt int; var os, c = 1, 2":   {"fmt", "os"},
		"const fmt = 1\nfunc (T) os() {}":  {"fmt"},
		"import . \"fmt\"":                 nil, // both may be: one is not used
		"func f() {\n\tfmt := 1\n\tfmt++ ": nil, // a local name hides the import by itself
	} {
		want := "package main; " + all
		for _, name := range taken {
			want = strings.Replace(want, "%"+name+" ", "_ ", 1)
		}
		for _, name := range []string{"strings", "os", "fmt"} {
			want = strings.Replace(want, "%"+name+" ", " ", 1)
		}
		head, _, _ := strings.Cut(p.compose(code).text, "\n")
		if head != want {
			t.Errorf("%q: head\n%s, want\n%s", code, head, want)
		}
	}
}

func TestDefinitions(t *testing.T) {
	known := []string{"fmt"}
	const nothing = "package main; import _ \"fmt\"\n"
	for main, want := range map[string]string{
		"":                                       nothing,
		"package other\nvar x int":               nothing,
		"no Go at all":                           nothing,
		"package main\nvar x int":                "package main; import _ \"fmt\"\nvar x int",
		"// A head.\npackage main // y\nfunc f(": "// A head.\npackage main; import _ \"fmt\" // y\nfunc f(",
		"package main\nvar s = \"\xff\"":         "package main; import _ \"fmt\"\nvar s = \"?\"",
	} {
		if got := newProgram([]byte(main), known).source; got != want {
			t.Errorf("%q: %q, want %q", main, got, want)
		}
	}
}

func TestGuessName(t *testing.T) {
	for path, want := range map[string]string{
		"fmt": "fmt", "math/rand/v2": "rand", "example.com/v3": "example.com", "a/b/version": "version", "a/v": "v",
	} {
		if got := guessName(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestPositionsCountUTF16(t *testing.T) {
	const code = "!ls\ns := \"жу😀\"; x\n"
	v := plainProgram().compose(code)
	const added = len("func _() { ")
	for before, want := range map[string]position{
		"!ls\n":                  {2, added},
		"!ls\ns := \"жу":         {2, added + 8},
		"!ls\ns := \"жу😀":        {2, added + 10}, // a surrogate pair
		"!ls\ns := \"жу😀\"; x":   {2, added + 14},
		"!ls\ns := \"жу😀\"; x\n": {3, 0},
	} {
		at, ok := v.position(len(before))
		if !ok || at != want {
			t.Errorf("after %q: %+v, %v, want %+v", before, at, ok, want)
		}
		if back, ok := v.offset(want); !ok || back != len(before) {
			t.Errorf("%+v is %d, %v, want %d", want, back, ok, len(before))
		}
	}
}

func TestPlacesOutsideOfTheCell(t *testing.T) {
	v := plainProgram().compose("!ls\nx := 1")
	for _, cursor := range []int{-5, 0, 2, 3} {
		if at, ok := v.position(cursor); ok {
			t.Errorf("cursor %d in a magic line is at %+v", cursor, at)
		}
	}
	if at, ok := v.position(1000); !ok || at != (position{2, len("func _() { x := 1")}) {
		t.Errorf("a cursor after the end is at %+v, %v, want the end", at, ok)
	}
	for _, at := range []position{{-1, 0}, {0, 3}, {1, 0}, {2, 0}, {2, len("func _()")}, {3, 0}, {99, 0}} {
		if offset, ok := v.offset(at); ok {
			t.Errorf("%+v, which the cell has not, is %d", at, offset)
		}
	}
	if offset, ok := v.offset(position{2, 1000}); !ok || offset != len("!ls\nx := 1") {
		t.Errorf("after the end of a line: %d, %v, want its end", offset, ok)
	}
}

func TestCodePoints(t *testing.T) {
	const code = "aж😀b"
	for points, offset := range []int{0, 1, 3, 7, 8} {
		if got := ByteOffset(code, points); got != offset {
			t.Errorf("ByteOffset(%d) = %d, want %d", points, got, offset)
		}
		if got := CodePoints(code, offset); got != points {
			t.Errorf("CodePoints(%d) = %d, want %d", offset, got, points)
		}
	}
	if first, last := ByteOffset(code, -1), ByteOffset(code, 99); first != 0 || last != len(code) {
		t.Errorf("outside of the cell: %d and %d", first, last)
	}
	if first, last := CodePoints(code, -1), CodePoints(code, 99); first != 0 || last != 4 {
		t.Errorf("outside of the cell: %d and %d", first, last)
	}
}

func TestFill(t *testing.T) {
	v := plainProgram().compose("%%\nfmt.Pr")
	item := func(text string, line, start int) completionItem {
		i := completionItem{Kind: 3, Detail: "func()"}
		i.TextEdit = new(textEdit)
		i.TextEdit.NewText, i.TextEdit.Range.Start = text, position{line, start}
		return i
	}
	items := []completionItem{
		{Detail: "no edit"}, item("Print", 2, 4), item("Print", 2, 4), item("", 2, 4), item("Other", 2, 0), item("Head", 0, 0),
		item("Printf", 2, 4),
	}
	items[6].Kind = 99
	c := Completion{Start: 9, End: 9}
	c.fill(v, items)
	if strings.Join(c.Matches, " ") != "Print Printf" || c.Start != 7 || c.End != 9 ||
		strings.Join(c.Types, " ") != "function text" || c.Details[1] != "func()" {
		t.Errorf("%+v", c)
	}
	many := make([]completionItem, 300)
	for i := range many {
		many[i] = item(strings.Repeat("x", i+1), 2, 4)
	}
	c = Completion{Start: 9, End: 9}
	if c.fill(v, many); len(c.Matches) != maxMatches {
		t.Errorf("%d matches, want %d", len(c.Matches), maxMatches)
	}
}
