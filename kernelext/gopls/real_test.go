package gopls

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCompleteReal asks the real gopls. want lists matches that must be there, the first of them as the first of all;
// without any there must be none.
func TestCompleteReal(t *testing.T) {
	s := session(t)
	for name, test := range map[string]struct {
		cell string
		want string
	}{
		"of a package":          {"%%\nstrings.|", "Builder Clone Join ToUpper"},
		"prefix":                {"%%\nx := strings.Jo|\n", "Join"},
		"outside of functions":  {"fmt.Pri|", "Print Printf Println"},
		"of lecture11":          {"import \"deeplearning.example/lecture11\"\n%%\nlecture11.NewVA|", "NewVAE"},
		"import left out":       {"%%\nlecture11.NewVA|", "NewVAE"},
		"of graph":              {"import \"github.com/gomlx/gomlx/core/graph\"\nfunc f(x *graph.Node) {\n\tgraph.ReduceAllS|", "ReduceAllSum"},
		"dot import":            {"func g(x *Node) *Node {\n\treturn ReduceAllS|\n}", "ReduceAllSum"},
		"its own dot import":    {"import . \"github.com/gomlx/gomlx/ml/model\"\n%%\nNewSto|", "NewStore"},
		"new import":            {"import \"archive/zip\"\n%%\nzip.OpenR|", "OpenReader"},
		"earlier function":      {"%%\nHelp|", "Helper"},
		"earlier variable":      {"%%\norigin.|", "X Y Norm"},
		"earlier type":          {"func (p Point) Twice() Point { return p.No|", "Norm"},
		"own type":              {"type Point struct { Alpha, Beta int }\n%%\nvar p Point\np.|", "Alpha Beta Norm"},
		"own function":          {"func Helper() Point { return origin }\n%%\nHelper().|", "X Y Norm"},
		"generic":               {"func First[T any](xs []T) T { return xs[0] }\n%%\nFirst([]Point{}).|", "X Y Norm"},
		"local":                 {"%%\ncounter := 3\nfmt.Println(coun|)", "counter"},
		"after Cyrillic, emoji": {"%%\nфраза := \"привет\"; fmt.Println(\"привет 😀\", strings.ToU|)", "ToUpper"},
		"Cyrillic":              {"%%\nфраза := 1\n_ = фр|", "фраза"},
		"in brackets":           {"%%\nfmt.Println(origin.|", "X Y Norm"},
		"unclosed":              {"func f() {\n\tif x := origin.|\n", "X Y Norm"},
		"unclosed before main":  {"func f() {\n\tif true {\n%%\norigin.|", "X Y Norm"},
		"unclosed before func":  {"func f() {\n\tfmt.Println(\nfunc g() {\norigin.|", "X Y Norm"},
		"raw string":            {"%%\ns := `a\n!b\n`\norigin.|\n_ = s", "X Y Norm"},
		"CRLF":                  {"%%\r\norigin.|\r\n", "X Y Norm"},
		"magics around":         {"!ls\n%%\norigin.|\n!ls", "X Y Norm"},
		"magic":                 {"!ls |\n%%\n", ""},
		"string":                {"%%\ns := \"origin.|\"", ""},
		"unknown":               {"%%\nnosuchthing.|", ""},
	} {
		code, cursor := cut(t, test.cell)
		c, err := s.Complete(within(t, limit), code, cursor)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := strings.Fields(test.want)
		if len(want) == 0 && len(c.Matches) == 0 {
			continue
		}
		if len(want) == 0 || len(c.Matches) == 0 || c.Matches[0] != want[0] {
			t.Errorf("%s: %d matches %.8q, want %q", name, len(c.Matches), c.Matches, want)
			continue
		}
		for _, match := range want {
			if !slices.Contains(c.Matches, match) {
				t.Errorf("%s: %.20q lacks %s", name, c.Matches, match)
			}
		}
		before := code[:cursor]
		if start := strings.LastIndexAny(before, " .(\t\n") + 1; c.Start != start || c.End != cursor {
			t.Errorf("%s: replaces [%d, %d), want [%d, %d)", name, c.Start, c.End, start, cursor)
		}
		if len(c.Types) != len(c.Matches) || len(c.Details) != len(c.Matches) {
			t.Errorf("%s: %d matches, %d types, %d details", name, len(c.Matches), len(c.Types), len(c.Details))
		}
	}
}

func TestMatchesAreExplained(t *testing.T) {
	s := session(t)
	code, cursor := cut(t, "%%\norigin.|")
	c, err := s.Complete(within(t, limit), code, cursor)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.Index(c.Matches, "Norm")
	if i < 0 || c.Types[i] != "method" || c.Details[i] != "func() float64" || c.Types[0] != "field" || c.Details[0] != "float64" {
		t.Errorf("%+v", c)
	}
}

func TestInspectReal(t *testing.T) {
	s := session(t)
	for cell, want := range map[string]string{
		"%%\nstrings.To|Upper(\"a\")":             "func strings.ToUpper(s string) string\n\nToUpper returns",
		"%%\nstrings.ToUpper|(\"a\")":             "func strings.ToUpper(s string) string",
		"%%\nstrings.Join([]string{\"😀\"}, |)":    "func Join(elems []string, sep string) string\n\nJoin concatenates",
		"%%\nHelper(|":                            "func Helper(a int, б string) (int, error)\n\nHelper helps.",
		"%%\nHel|per(1, \"\")":                    "func Helper(a int, б string) (int, error)\n\nHelper helps.",
		"%%\nvar p Poi|nt":                        "type Point struct",
		"%%\nфраза := 1\n_ = фра|за":              "var фраза int",
		"%%\nlecture11.NewV|AE":                   "func lecture11.NewVAE(",
		"func f(x *Node) *Node { return Squ|are(": "func Square(x *Node) *Node",
		"%%\n|":            "",
		"!l|s":             "",
		"%%\nnosuchthing|": "",
	} {
		code, cursor := cut(t, cell)
		doc, err := s.Inspect(within(t, limit), code, cursor)
		if err != nil || doc.Found != (want != "") || !strings.HasPrefix(doc.Text, want) {
			t.Errorf("%q: %+v, %v, want %q", cell, doc, err, want)
		}
		if doc.Found && !strings.HasPrefix(doc.Markdown, "```go\n") {
			t.Errorf("%q: Markdown %q", cell, doc.Markdown)
		}
	}
}

// Definitions may change, and be broken, at any time.
func TestDefinitionsChange(t *testing.T) {
	s, _ := small(t, nil)
	for main, want := range map[string]string{
		"package main\ntype T struct{ First int }\nvar v T\n":             "First",
		"package main\ntype T struct{ Second int }\nvar v T\n":            "Second",
		"package main\nimport \"time\"\nvar v time.Month\nfunc broken( {": "String",
	} {
		s.SetDefinitions([]byte(main))
		code, cursor := cut(t, "%%\nv.|")
		if c, err := s.Complete(within(t, limit), code, cursor); err != nil || len(c.Matches) == 0 || c.Matches[0] != want {
			t.Errorf("%q: %+v, %v, want %s", main, c, err, want)
		}
	}
}

// A request with a short limit at a cold start ends before gopls has loaded, and gopls continues to load for the next.
func TestColdStartReal(t *testing.T) {
	s, _ := small(t, func(o *Options) { o.Module, o.Imports = module(t), cellImports })
	for range 5 {
		_, err := s.Complete(within(t, 10*time.Millisecond), "fmt.Pri", 7)
		if !errors.Is(err, errNotReady) {
			t.Errorf("%v, want errNotReady", err)
		}
	}
	if c, err := s.Complete(within(t, limit), "fmt.Pri", 7); err != nil || len(c.Matches) == 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestKilledGoplsIsReplaced(t *testing.T) {
	s, logged := small(t, nil)
	for range 2 {
		if err := awaitReady(s); err != nil {
			t.Fatal(err)
		}
		gone := s.server.gone
		for _, pid := range processesIn(filepath.Join(folder, t.Name())) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		<-gone
		if c, err := s.Complete(within(t, limit), "fmt.Pri", 7); err != nil || len(c.Matches) == 0 {
			t.Errorf("after its death: %+v, %v; log %s", c, err, logged)
		}
	}
	if n := len(processesIn(filepath.Join(folder, t.Name()))); n != 1 {
		t.Errorf("%d processes, want 1", n)
	}
}

// A stopped gopls blocks no caller, and Close ends it.
func TestStoppedGoplsHoldsNobody(t *testing.T) {
	s, _ := small(t, nil)
	if err := awaitReady(s); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(folder, t.Name())
	for _, pid := range processesIn(dir) {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	if _, err := s.Complete(within(t, 50*time.Millisecond), "fmt.Pri", 7); err == nil {
		t.Error("a stopped gopls answers")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left := processesIn(dir); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	dir := filepath.Join(folder, t.Name())
	startAndClose := func(wait time.Duration) {
		t.Helper()
		s, _ := small(t, nil)
		s.Warm()
		time.Sleep(wait)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left := processesIn(dir); len(left) > 0 {
			t.Errorf("after %v: processes %v are left", wait, left)
		}
	}
	startAndClose(0) // the runtime has its own descriptors from now on
	before := descriptors(t)
	for _, wait := range []time.Duration{0, 20 * time.Millisecond, 300 * time.Millisecond} { // at any stage of the start
		startAndClose(wait)
	}
	eventually(t, "descriptors are closed", func() bool { return descriptors(t) <= before })
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// memoryLimit is the largest memory of gopls with all packages of a lecture loaded, in bytes.
const memoryLimit = 600 << 20

// Hundreds of cells with different texts do not increase gopls's memory.
func TestMemoryStays(t *testing.T) {
	s := session(t)
	ask := func(n int) {
		for i := range n {
			code, cursor := cut(t, "%%\nx"+strings.Repeat("x", i%50)+" := lecture11.NewVA|")
			if _, err := s.Complete(within(t, limit), code, cursor); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask(20)
	before := resident(filepath.Join(folder, "shared"))
	ask(200)
	after := resident(filepath.Join(folder, "shared"))
	t.Logf("gopls: loaded in %v; %d MB, after 200 completions %d MB", shared.took, before>>20, after>>20)
	if after > memoryLimit || after > before*3/2+50<<20 {
		t.Errorf("%d MB, and after 200 completions %d MB", before>>20, after>>20)
	}
}
