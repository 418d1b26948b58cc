package kernel_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestMemoryLimit: a runaway allocation ends the cell and nothing else.
func TestMemoryLimit(t *testing.T) {
	k := start(t)
	k.good("%limit memory 300MB")
	const runaway = "%%\nvar all [][]byte\nfor {\n\tb := make([]byte, 1<<20)\n\tfor i := range b {\n\t\tb[i] = 1\n\t}\n\tall = append(all, b)\n}"
	o := k.bad(runaway, "LimitExceeded", "of memory, its limit is 300 MB", "%limit memory")
	t.Logf("ended after %v: %s", o.took, o.Evalue)
	k.bad("!head -c 4G /dev/zero | sort", "LimitExceeded", "its limit is 300 MB")
	k.good("%limit memory off")
	k.good("%%\nb := make([]byte, 400<<20)\nfor i := range b {\n\tb[i] = 1\n}\nfmt.Println(len(b))")
}

// TestTimeLimit: a cell cannot run longer than its limit.
func TestTimeLimit(t *testing.T) {
	k := start(t)
	k.good("%limit time 1s")
	k.bad("%%\ntime.Sleep(time.Hour)", "LimitExceeded", "ran for 1s")
	k.hello()
}

// TestFileLimit: a file that grows without end ends the cell.
func TestFileLimit(t *testing.T) {
	k := start(t)
	k.good("%limit file 1MB")
	const fill = "%%\nf, _ := os.Create(\"large\")\nb := make([]byte, 1<<16)\nfor {\n\tif _, err := f.Write(b); err != nil {\n\t\tlog.Fatal(err)\n\t}\n}"
	o := k.run(fill)
	if o.Status != "error" || !strings.Contains(o.Evalue, "1 MB") && !strings.Contains(o.Evalue, "file too large") {
		t.Errorf("%s %s: %s", o.Status, o.Ename, o.Evalue)
	}
	if info, err := os.Stat(filepath.Join(k.dir, "large")); err != nil || info.Size() > 1<<20 {
		t.Errorf("%v %v", info, err)
	}
	k.bad("!head -c 5M /dev/zero > large2", "ShellError")
}

// TestOutputLimit: the middle of a long output is left out, with its size and the way to see all.
func TestOutputLimit(t *testing.T) {
	k := start(t)
	k.good("%limit output 100KB")
	o := k.run("%%\nfor i := range 50000 {\n\tfmt.Println(\"line\", i)\n}")
	if o.Status != "ok" {
		t.Fatalf("%s", o.Evalue)
	}
	text, notes := o.stream("stdout"), o.stream("stderr")
	if !strings.HasPrefix(text, "line 0\nline 1\n") || !strings.HasSuffix(text, "line 49999\n") || len(text) > 300<<10 {
		t.Errorf("%d bytes, from %.30q to %q", len(text), text, text[len(text)-30:])
	}
	if !strings.Contains(notes, "left out of") || !strings.Contains(notes, "(50000 lines)") || !strings.Contains(notes, "%output save") {
		t.Errorf("notes: %q", notes)
	}
	k.good("%output save all.txt")
	all, err := os.ReadFile(filepath.Join(k.dir, "all.txt"))
	if err != nil || strings.Count(string(all), "\n") != 50000 || !strings.HasSuffix(string(all), "line 49999\n") {
		t.Errorf("saved %d bytes, %v", len(all), err)
	}
	if got := k.good("%limit output off\n%%\nfor i := range 50000 {\n\tfmt.Println(\"line\", i)\n}"); strings.Count(got, "\nline ") != 50000 {
		t.Errorf("without limit %d bytes", len(got))
	}
}

// TestLimitMagic: errors in a limit are reported.
func TestLimitMagic(t *testing.T) {
	k := start(t, "LECTURE_LIMIT_TIME=2h", "LECTURE_LIMIT_OUTPUT=much")
	if got := k.good("%limit"); !strings.Contains(got, "time    2h\n") || !strings.Contains(got, "output  1 MB\n") {
		t.Errorf("%q", got)
	}
	for code, want := range map[string]string{
		"%limit memory":          "want a name",
		"%limit memory 8 GB":     "want a name",
		"%limit memory lots":     "want a size such as",
		"%limit memory 1KB":      "at least 16 MB",
		"%limit time 10":         "want a duration such as",
		"%limit speed 10":        "want one of memory, time, output, file",
		"%mode fast":             "want quick or full",
		"%device tpu":            "want cpu, cuda, cuda:0 or go",
		"%timing now":            "takes no arguments",
		"%output keep x":         "want `save FILE`",
		"%output save /no/dir/x": "no such file or directory",
	} {
		k.bad(code, "MagicError", want, "Line 1")
	}
}

// TestText: runes stay whole, order is kept, and both streams are exact.
func TestText(t *testing.T) {
	k := start(t)
	got := k.good("%%\nfmt.Print(strings.Repeat(\"привет 😀 \", 20000))")
	if got != strings.Repeat("привет 😀 ", 20000) || !utf8.ValidString(got) {
		t.Errorf("%d bytes, valid %v", len(got), utf8.ValidString(got))
	}
	if got := k.good("%%\nos.Stdout.Write([]byte{'a', 0xff, 'b', 0xd0})"); got != "a\ufffdb\ufffd" {
		t.Errorf("%q", got)
	}
	o := k.run("%%\nfor i := range 200 {\n\tfmt.Println(\"out\", i)\n\ttime.Sleep(200*time.Microsecond)\n\tfmt.Fprintln(os.Stderr, \"err\", i)\n\ttime.Sleep(200*time.Microsecond)\n}")
	want := ""
	for i := range 200 {
		want += fmt.Sprintf("out %d\n", i)
	}
	if o.stream("stdout") != want {
		t.Errorf("stdout %q", o.stream("stdout"))
	}
}

// TestOrder: text and displays of kernelext keep the order in which the cell made them, all of them.
func TestOrder(t *testing.T) {
	k := start(t)
	o := k.run("import \"deeplearning.example/kernelext\"\n%%\nfor i := range 300 {\n\tfmt.Println(\"text\", i)\n" +
		"\tkernelext.Markdown(fmt.Sprint(\"display \", i))\n}")
	if o.Status != "ok" {
		t.Fatalf("%s\n%s", o.Evalue, strings.Join(o.Traceback, "\n"))
	}
	i, shown := 0, false
	for _, m := range o.messages {
		switch m.kind {
		case "stdout":
			if shown || m.text != fmt.Sprintf("text %d\n", i) {
				t.Fatalf("after %d displays the text %q", i, m.text)
			}
			shown = true
		case "display_data":
			if !shown {
				t.Fatalf("display %d comes before its text", i)
			}
			i, shown = i+1, false
		}
	}
	if i != 300 {
		t.Errorf("%d displays, want 300", i)
	}
}

// TestDisplaysBeforeTheEnd: all displays of plain gonbui arrive before the cell's end, also if the program ends without
// waiting for them.
func TestDisplaysBeforeTheEnd(t *testing.T) {
	k := start(t)
	k.good("import \"github.com/janpfeifer/gonb/gonbui\"")
	for range 5 {
		o := k.run("%%\nfor i := range 300 {\n\tgonbui.DisplayHTML(fmt.Sprint(i))\n}")
		shown := 0
		for _, m := range o.messages {
			if m.kind == "display_data" {
				shown++
			}
		}
		if shown != 300 {
			t.Errorf("%d displays, want 300", shown)
		}
	}
}

// TestCapture: %capture copies the text to a file.
func TestCapture(t *testing.T) {
	k := start(t)
	k.good("%capture text.txt\n%%\nfmt.Println(\"one\")")
	k.good("%capture -a text.txt\n!echo two")
	if text, err := os.ReadFile(filepath.Join(k.dir, "text.txt")); err != nil || string(text) != "one\ntwo\n" {
		t.Errorf("%q %v", text, err)
	}
	k.bad("%capture", "MagicError", "want `[-a] FILE`")
}
