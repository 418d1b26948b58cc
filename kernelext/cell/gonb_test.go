package cell

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// made holds GoNB's results for a cell; see testdata/gen.
type made struct {
	Text, Panic, Alone, Error, Main string
	Used                            []int
	Where                           [][2]int
}

func sessionsOf(t testing.TB) [][]made {
	t.Helper()
	data, err := os.ReadFile("testdata/gonb.json")
	if err != nil {
		t.Fatal(err)
	}
	var all [][]made
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// taken returns the lines that GoNB treats as commands, as this package reads the cell: the commands, and the traps
// that look like them.
func taken(c *Cell) []int {
	var lines []int
	for i, k := range c.kinds {
		command := k == magicLine || k == joinedLine
		if command || isCommand(c.lines[i]) && (k == textLine || k == noteLine || k == signLine) {
			lines = append(lines, i+1)
		}
	}
	return lines
}

func TestCommandsAreGoNBs(t *testing.T) {
	for _, session := range sessionsOf(t) {
		for _, m := range session {
			if c := Parse(m.Text); !c.Foreign && !slices.Equal(taken(c), m.Used) {
				t.Errorf("%q: lines %v are commands, for GoNB %v", m.Text, taken(c), m.Used)
			}
		}
	}
}

// TestGoNBReadsWhatIsRewritten reads GoNB's results for the second session after Rewrite. GoNB finds the same commands
// and no others, and panics only for a command that it does not know.
func TestGoNBReadsWhatIsRewritten(t *testing.T) {
	all := sessionsOf(t)
	for i, m := range all[2] {
		before := Parse(all[1][i].Text)
		if written := before.Rewrite(nil); written != m.Text {
			t.Errorf("%q is %q, stored is %q: run `go run ./testdata/gen`", before.Text, written, m.Text)
		}
		c := Parse(m.Text)
		if len(c.edits()) > 0 || !c.Foreign && !slices.Equal(taken(c), m.Used) {
			t.Errorf("%q: lines %v are commands, for GoNB %v", m.Text, taken(c), m.Used)
		}
		unknown := slices.ContainsFunc(c.Magics, func(m Magic) bool { return !Known(m.Name) })
		if m.Panic != "" && !unknown {
			t.Errorf("%q: GoNB panics: %s", m.Text, m.Panic)
		}
		if valid := parse(before.source()).err == nil; valid && !c.Foreign && m.Error != "" {
			t.Errorf("%q: GoNB says %s", m.Text, m.Error)
		}
	}
}

// TestLocateInGoNBs looks for each line of each main.go in the cells. GoNB's own places are wrong after a comment above
// a function and after a declaration of several names, so they are used only where they have the line's text.
func TestLocateInGoNBs(t *testing.T) {
	var defs Definitions
	session := sessionsOf(t)[0]
	places := 0
	for i, m := range session {
		if m.Error != "" {
			continue
		}
		for j, text := range strings.Split(m.Main, "\n") {
			if text = strings.TrimSpace(text); !ours(text) {
				continue
			}
			cell, line, ok := defs.Locate([]byte(m.Main), j+1, i+1, m.Text)
			if !ok || !similar(lineAt(session, cell, line), text) {
				t.Errorf("cell %d, main.go:%d %q: cell %d line %d, %v", i+1, j+1, text, cell, line, ok)
			}
			if w := m.Where[j]; w[0] > 0 && lineAt(session, w[0], w[1]) == text {
				places++
				if w != [2]int{cell, line} {
					t.Errorf("cell %d, main.go:%d %q: cell %d line %d, GoNB says %v", i+1, j+1, text, cell, line, w)
				}
			}
		}
		defs.Add(i+1, m.Text, []byte(m.Main))
	}
	if places < 150 {
		t.Errorf("%d lines compared with GoNB, want 150", places)
	}
}

// ours reports whether a line of main.go comes from a cell, and is not the end of something.
func ours(text string) bool {
	added := []string{
		"", ")", "}", "import (", "var (", "const (", "package main", "job()",
		"flag.Parse()", "func main() {", "func main() { flag.Parse() }",
	}
	return !slices.Contains(added, text) && !strings.HasPrefix(text, "//") && !strings.Contains(text, "init()")
}

// similar allows for lines that GoNB made of a part of a cell's line.
func similar(found, text string) bool {
	first := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" (.,", r) })[0]
	return found == text || strings.Contains(found, first)
}

func lineAt(session []made, cell, line int) string {
	return strings.TrimSpace(strings.Split(session[cell-1].Text, "\n")[line-1])
}

// TestLocateAlone uses cells that do not parse: GoNB then leaves the file of the cell alone.
func TestLocateAlone(t *testing.T) {
	for _, session := range sessionsOf(t) {
		for _, m := range session {
			if m.Error != "" && len(Parse(m.Text).edits()) == 0 {
				testAlone(t, m)
			}
		}
	}
}

func testAlone(t *testing.T, m made) {
	t.Helper()
	var defs Definitions
	cell := strings.Split(m.Text, "\n")
	for i, text := range strings.Split(strings.TrimRight(m.Alone, "\n"), "\n") {
		count, line, ok := defs.Locate([]byte(m.Alone), i+1, 7, m.Text)
		if !ok || count != 7 || line < 1 || line > len(cell) {
			t.Errorf("%q, line %d: cell %d line %d, %v", m.Text, i+1, count, line, ok)
			continue
		}
		if text = strings.TrimSpace(text); text != "" && slices.Contains(cell, text) && cell[line-1] != text {
			t.Errorf("%q, line %d %q: cell line %d %q", m.Text, i+1, text, line, cell[line-1])
		}
	}
}
