package kernel_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"deeplearning.example/kernelext/jupyter"
)

// TestCells: the features of GoNB that work still work.
func TestCells(t *testing.T) {
	k := start(t)
	k.hello()
	k.good("func double(x int) int { return 2 * x }\ntype point struct{ x, y int }")
	if got := k.good("%%\nfmt.Println(double(21), point{1, 2})"); got != "42 {1 2}\n" {
		t.Errorf("printed %q", got)
	}
	if got := k.good("%% one two\nfmt.Println(flag.Args())"); got != "[one two]\n" {
		t.Errorf("arguments: %q", got)
	}
	if got := k.good("!echo from the shell; pwd"); got != "from the shell\n"+k.dir+"\n" {
		t.Errorf("shell: %q", got)
	}
	if got := k.good("%%bash\nfor i in 1 2; do\n  echo $i\ndone"); got != "1\n2\n" {
		t.Errorf("bash: %q", got)
	}
	if got := k.good("%test\nfunc TestX(t *testing.T) { fmt.Println(double(4)) }"); !strings.Contains(got, "8\n--- PASS: TestX") {
		t.Errorf("test: %q", got)
	}
	k.good("%env ANSWER=42")
	if got := k.good("%%\nfmt.Println(os.Getenv(\"ANSWER\"))"); got != "42\n" {
		t.Errorf("environment: %q", got)
	}
	k.good("%%writefile written.txt\nsome text")
	if text, err := os.ReadFile(filepath.Join(k.dir, "written.txt")); err != nil || string(text) != "some text\n" {
		t.Errorf("%q %v", text, err)
	}
}

// TestErrors: each kind of failure is one error with cell and line.
func TestErrors(t *testing.T) {
	k := start(t)
	k.good("func at(i int) int {\n\treturn []int{1}[i]\n}") // In[1]
	k.bad("%%\nfmt.Println(1)\n\nnoSuchFunction()", "CompileError", "Cell[2]: Line 4\nnoSuchFunction()\n^", "undefined: noSuchFunction")
	k.bad("%%\nfmt.Println(at(3))", "Panic", "Cell[1]: Line 2", "return []int{1}[i]", "Cell[3]: Line 2", "index out of range [3]")
	k.bad("func (", "CompileError", "Cell[4]: Line 1")
	k.bad("%%\nos.Exit(3)", "ExitError", "exit status 3")
	k.bad("%%\nlog.Fatal(\"no data\")", "ExitError", "no data")
	k.bad("!exit 3", "ShellError", "exit code 3", "Cell[7]: Line 1")
	k.bad("!true\n!false\n!true", "ShellError", "exit code 1", "Cell[8]: Line 2", "!false")
	k.bad("%%bash\nfalse", "ShellError", "the script ended with exit code 1")
	k.bad("%lectur\n%%\nfmt.Println(1)", "MagicError", "%lectur is not a command", "perhaps %lecture")
	k.bad("%test\nfunc TestX(t *testing.T) { t.Error(\"want 3\") }", "ExitError")
	k.bad("%%\nvar x int = 1.5", "CompileError", "Cell[12]: Line 2")
	k.bad("%%\nx := 1", "CompileError", "declared and not used: x")
	k.bad("%%\nfmt.Printn(1)", "CompileError", "undefined: fmt (neither declared, nor a package with Printn)")
	k.hello()
}

// TestStackInStderr: a stack trace names cell and line, also if a program only prints it.
func TestStackInStderr(t *testing.T) {
	k := start(t)
	o := k.run("%%\n\ndebug.PrintStack()")
	if got := o.stream("stderr"); !strings.Contains(got, "[[ Cell [1] Line 3 ]]") {
		t.Errorf("stderr: %s", got)
	}
}

// TestStopOnError: cells queued after a failing one are aborted, unless it asked otherwise.
func TestStopOnError(t *testing.T) {
	k := start(t)
	failing := k.send("%%\nos.Exit(1)")
	second, third := k.send("%%\nfmt.Println(2)"), k.send("!echo 3")
	statuses := []string{failing.wait().Status, second.wait().Status, third.wait().Status}
	if strings.Join(statuses, " ") != "error aborted aborted" {
		t.Errorf("%v", statuses)
	}
	if got := second.outcome.stream("stdout"); got != "" {
		t.Errorf("an aborted cell printed %q", got)
	}
	goOn := func(r *jupyter.ExecuteRequest) { r.StopOnError = false }
	failing, second = k.send("!exit 1", goOn), k.send("%%\nfmt.Println(2)")
	if a, b := failing.wait().Status, second.wait().Status; a != "error" || b != "ok" {
		t.Errorf("%s %s", a, b)
	}
}

// TestAbortsOnlyWhatWasQueued: a cell that is sent when the failed one has answered runs; one that was sent with it does
// not, however soon the first fails.
func TestAbortsOnlyWhatWasQueued(t *testing.T) {
	k := start(t)
	for i := range 20 {
		failing, queued := k.send("%mode wrong"), k.send("%mode quick")
		if a, b := failing.wait().Status, queued.wait().Status; a != "error" || b != "aborted" {
			t.Fatalf("round %d: %s, then %s", i, a, b)
		}
		k.bad("%mode wrong", "MagicError")
		if got := k.good("%mode quick"); got == "" {
			t.Fatalf("round %d: nothing printed", i)
		}
	}
}

// TestSilent: a silent execution has no number and no outputs.
func TestSilent(t *testing.T) {
	k := start(t)
	silent := func(r *jupyter.ExecuteRequest) { r.Silent, r.StoreHistory = true, false }
	if o := k.run("%%\nos.Exit(1)", silent); o.Status != "error" || strings.Contains(strings.Join(o.kinds(), " "), "error") {
		t.Errorf("%s %v", o.Status, o.kinds())
	}
	if o := k.run("%%\nfmt.Println(1)"); o.ExecutionCount != 1 {
		t.Errorf("In[%d], want 1", o.ExecutionCount)
	}
}

// TestTraps: GoNB's silent changes of a cell's text are repaired or reported.
func TestTraps(t *testing.T) {
	k := start(t)
	if got := k.good("%%\nfmt.Print(`100\n%d items\n!important\n`)"); got != "100\n%d items\n!important\n" {
		t.Errorf("raw string: %q", got)
	}
	if got := k.good("%%\npackageName := 3\nfmt.Println(packageName)"); got != "3\n" {
		t.Errorf("package: %q", got)
	}
	k.good("import . \"strings\"\n%%\nfmt.Println(ToUpper(\"x\"))")
	k.hello()
	o := k.run("var loaded = os.Getenv(\"HOME\")")
	if got := o.stream("stderr"); o.Status != "ok" || !strings.Contains(got, "line 1:") || !strings.Contains(got, "loaded") {
		t.Errorf("%s, warned: %q", o.Status, got)
	}
}

// TestInput: a program that reads its input gets it from the user; without a user, its input is at its end.
func TestInput(t *testing.T) {
	k := start(t)
	k.reader = func(string) string { return "gopher" }
	o := k.run("%%\nvar name string\nfmt.Scanln(&name)\nfmt.Println(\"<\" + name + \">\")",
		func(r *jupyter.ExecuteRequest) { r.AllowStdin = true })
	if got := o.stream("stdout"); got != "<gopher>\n" {
		t.Errorf("printed %q", got)
	}
	alone := map[string]string{
		"%%\n_, err := os.Stdin.Read(make([]byte, 1))\nfmt.Println(err)":        "EOF\n",
		"%with_inputs\n%%\n_, err := fmt.Scanln(new(string))\nfmt.Println(err)": "EOF\n",
		"import \"github.com/janpfeifer/gonb/gonbui\"\n%%\ngonbui.RequestInput(\"name\", false)\n" +
			"fmt.Println(os.Stdin.Read(make([]byte, 1)))": "0 EOF\n",
		"!read line; echo $?":   "1\n",
		"%%bash\necho a script": "a script\n",
	}
	for code, want := range alone {
		if got := k.good(code); got != want {
			t.Errorf("%q printed %q, want %q", code, got, want)
		}
	}
}

// TestRestoresDefinitions: GoNB dies, and the definitions are restored.
func TestRestoresDefinitions(t *testing.T) {
	k := start(t)
	k.good("import \"math\"\n\ntype shape interface{ Area() float64 }\ntype disc struct{ r float64 }\n\n" +
		"func (d disc) Area() float64 { return math.Pi * d.r * d.r }\n\nconst unit = 2\n\nvar scale = 1.0")
	k.good("%env KEPT=yes")
	s := k.send("%%\nfmt.Println(\"begun\")\ntime.Sleep(time.Hour)")
	s.shows("begun")
	k.killGoNB()
	k.failed(s.wait(), "KernelError", "GoNB died (signal: killed)")
	got := k.good("%%\nvar s shape = disc{unit}\nfmt.Printf(\"%.2f %s\\n\", s.Area()*scale, os.Getenv(\"KEPT\"))")
	if got != "12.57 yes\n" {
		t.Errorf("printed %q", got)
	}
	k.bad("%%\nvar x int = 1.5", "CompileError", "Cell[5]: Line 2")
}
