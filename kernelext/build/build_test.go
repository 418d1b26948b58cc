package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEqualToGo: the program of the tools equals that of the go command, byte by byte, except for its build id, and for the
// names of folder and module, which the test leaves as they are.
func TestEqualToGo(t *testing.T) {
	x := newBench(t)
	x.names = programNames{x.dir, filepath.Base(x.dir)}
	for _, test := range []struct {
		name, text string
		flags      []string
	}{
		{"nothing", program(nil, `println(1)`), nil},
		{"standard library", program([]string{"fmt", "net/http"}, `fmt.Println(http.StatusOK)`), nil},
		{"workspace", program([]string{"fmt", "example.com/lib"}, `fmt.Println(lib.Name())`), nil},
		{"flags", program([]string{"fmt"}, `fmt.Println(1)`),
			[]string{"-gcflags=-N -l", "-tags=a,b", "-ldflags=-w -X 'main.v=a b'"}},
		{"build information", program([]string{"fmt", "runtime/debug", "example.com/lib/more"},
			`info, _ := debug.ReadBuildInfo(); fmt.Println(info, more.Two)`), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if r := x.build(t, test.text, test.flags...); r.Code != 0 || !r.Fast || r.Output != "" {
				t.Fatalf("%+v; log %q", r, x.log)
			}
			if code, output := x.goBuild(t, test.flags...); code != 0 {
				t.Fatal(output)
			}
			ours, theirs := readProgram(t, x.out()), readProgram(t, x.out()+".bygo")
			if !bytes.Equal(ours, theirs) {
				t.Errorf("programs differ, %d and %d bytes", len(ours), len(theirs))
			}
			if runProgram(t, x.out()) != runProgram(t, x.out()+".bygo") {
				t.Error("the programs print different texts")
			}
		})
	}
}

var buildID = regexp.MustCompile(`[\w-]{20}/[\w-]{20}/[\w-]{20}/[\w-]{20}`)

// readProgram reads a program without its build id and the GNU note derived from it.
func readProgram(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if i := bytes.Index(raw, []byte("\x04\x00\x00\x00\x14\x00\x00\x00\x03\x00\x00\x00GNU\x00")); i >= 0 {
		clear(raw[i+16 : i+36])
	}
	return buildID.ReplaceAll(raw, []byte("id"))
}

// TestDiagnostics: errors in a cell have the go command's text.
func TestDiagnostics(t *testing.T) {
	x := newBench(t)
	many := strings.Repeat("\tundefined()\n", 12)
	for _, test := range []struct {
		name, text string
		slow       bool // only the go command can say it
	}{
		{"syntax", "package main\n\nfunc main() {\n\tx := := 1\n}\n", false},
		{"syntax in the imports", "package main\n\nimport fmt\"\n", true},
		{"no package clause", "func main() {}\n", true},
		{"types", program([]string{"fmt"}, "\tvar x int = \"a\"\n\tfmt.Println(x)"), false},
		{"unused", program([]string{"fmt", "os"}, "\tx := 1"), false},
		{"too many", program(nil, many), false},
		{"two lines", program([]string{"io"}, "\tvar _ io.Reader = 1"), false},
		{"no main", "package main\n\nfunc Main() {}\n", true},
		{"missing package", program([]string{"no/such/package"}, ""), true},
		{"missing module", program([]string{"example.org/none"}, ""), true},
		{"internal package", program([]string{"internal/abi"}, "\t_ = abi.FuncPCABI0"), true},
		{"relative import", program([]string{"./lib"}, ""), true},
		{"main package", program([]string{"cmd/go"}, ""), true},
		{"of another package", "package other\n", true},
		{"in another file", "package main\n\n//line /tmp/some/cell.go:7\nfunc main() { x := 1 }\n", true},
		{"redeclared", "package main\n\nfunc f() {}\nfunc f() {}\nfunc main() {}\n", false},
		{"import cycle of names", program([]string{"fmt", "example.com/lib"}, "\tvar fmt = 1\n\tlib.name()"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := x.build(t, test.text)
			code, output := x.goBuild(t)
			output = strings.ReplaceAll(output, x.out()+".bygo", x.out())
			if got.Code != code || got.Output != output {
				t.Errorf("got %d\n%s\nwant %d\n%s", got.Code, got.Output, code, output)
			}
			if got.Fast == test.slow {
				t.Errorf("Fast = %t; log %q", got.Fast, x.log)
			}
			if _, err := os.Stat(x.out()); code != 0 && err == nil {
				t.Error("a failed build leaves a program")
			}
		})
	}
}

// TestLeftToGo: a cell that the tools alone would build wrongly is built by the go command.
func TestLeftToGo(t *testing.T) {
	x := newBench(t)
	hello := program([]string{"fmt"}, `fmt.Print("hello")`)
	write(t, filepath.Join(x.dir, "text.txt"), "hello")
	for _, test := range []struct {
		name, text string
		args       []string
		env        string
	}{
		{"embed", "package main\n\nimport _ \"embed\"\n\n//go:embed text.txt\nvar s string\n\n" +
			"func main() { print(s) }\n", nil, ""},
		{"cgo", "package main\n\n// int one(void) { return 1; }\nimport \"C\"\n\n" +
			"func main() { if C.one() == 1 { print(\"hello\") } }\n", nil, ""},
		{"constraint", "//go:build linux || darwin\n\n" + hello, nil, ""},
		{"godebug", "//go:debug panicnil=1\n" + hello, nil, ""},
		{"trimpath", hello, []string{"-trimpath"}, ""},
		{"flag with a value apart", hello, []string{"-tags", "x"}, ""},
		{"GOFLAGS", hello, nil, "GOFLAGS=-buildvcs=false -trimpath"},
		{"GOWORK", hello, nil, "GOWORK=" + filepath.Join(x.dir, "go.work")},
	} {
		t.Run(test.name, func(t *testing.T) {
			x.env = cellEnv()
			if test.env != "" {
				x.env = append(x.env, test.env)
			}
			r := x.build(t, test.text, test.args...)
			if r.Code != 0 || r.Fast {
				t.Fatalf("%+v", r)
			}
			if got := runProgram(t, x.out()); got != "hello" {
				t.Errorf("prints %q", got)
			}
		})
	}
}

// TestOtherFiles: sources beside main.go belong to the program.
func TestOtherFiles(t *testing.T) {
	x := newBench(t)
	write(t, filepath.Join(x.dir, "other.go"), "package main\n\nconst word = \"other\"\n")
	if r := x.build(t, program([]string{"fmt"}, "fmt.Print(word)")); r.Code != 0 || r.Fast {
		t.Fatalf("%+v", r)
	}
	if got := runProgram(t, x.out()); got != "other" {
		t.Errorf("prints %q", got)
	}
}

// TestTestsAndWasm are built by the go command.
func TestTestsAndWasm(t *testing.T) {
	x := newBench(t)
	write(t, filepath.Join(x.dir, "main_test.go"),
		"package main\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) { t.Log(1) }\n")
	job := x.job()
	job.Args = []string{"test", "-c"}
	if r, err := x.Build(t.Context(), job); err != nil || r.Code != 0 || r.Fast || r.Load == 0 {
		t.Fatalf("%+v %v", r, err)
	}
	out, err := exec.Command(x.out(), "-test.v").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("PASS: TestA")) {
		t.Errorf("%v: %s", err, out)
	}
	if err := os.Remove(filepath.Join(x.dir, "main_test.go")); err != nil {
		t.Fatal(err)
	}
	x.env = append(x.env, "GOOS=js", "GOARCH=wasm")
	if r := x.build(t, program(nil, "println(1)")); r.Code != 0 || r.Fast {
		t.Fatalf("%+v", r)
	}
	if raw, _ := os.ReadFile(x.out()); !bytes.HasPrefix(raw, []byte("\x00asm")) {
		t.Errorf("no WebAssembly but %.4q", raw)
	}
}

// TestAgain: an equal cell uses the program that was linked before; the number of stored programs is bounded.
func TestAgain(t *testing.T) {
	x := newBench(t)
	cell := func(i int) string { return program([]string{"fmt"}, fmt.Sprintf("fmt.Print(%d)", i)) }
	for i := range 3 {
		x.mustRun(t, cell(i))
	}
	r := x.build(t, cell(2))
	if !r.Cached || r.Link != 0 {
		t.Errorf("%+v, want the program of the last cell", r)
	}
	if got := runProgram(t, x.out()); got != "2" {
		t.Errorf("prints %s", got)
	}
	x.mustRun(t, program([]string{"fmt", "container/ring"}, "fmt.Print(ring.New(1).Len())")) // lists the packages again
	if r := x.build(t, cell(2)); !r.Cached {
		t.Errorf("%+v after another listing of the packages, want the program of the last cell", r)
	}
	x.env = append(x.env, "GOFLAGS=-buildvcs=false")
	if r := x.build(t, cell(2)); r.Cached {
		t.Error("a program of other flags is taken")
	}
}

// TestAgainInAnotherKernel: a new kernel, whose GoNB has another folder and another module, uses the program of an equal cell,
// and its stack traces do not name the old folder. A damaged program is linked again.
func TestAgainInAnotherKernel(t *testing.T) {
	x := newBench(t)
	text := program([]string{"os", "runtime/debug"}, "os.Stdout.Write(debug.Stack())")
	if got := x.mustRun(t, text); !strings.Contains(got, CellFolder+"/main.go:") || strings.Contains(got, "gonb_1234abcd") {
		t.Errorf("a stack trace is %s", got)
	}
	y := x.restarted(t)
	if r := y.build(t, text); !r.Cached {
		t.Errorf("%+v, want the program of the other kernel", r)
	}
	for _, damage := range []func(path string) error{
		func(path string) error { return os.Truncate(path, 1000) },
		func(path string) error {
			content, err := os.ReadFile(path)
			content[len(content)/2] ^= 1
			return errors.Join(err, os.WriteFile(path, content, 0o700))
		},
	} {
		kept, _ := filepath.Glob(filepath.Join(x.programs.dir, "*"))
		if len(kept) != 1 {
			t.Fatalf("%d programs are stored, want 1", len(kept))
		}
		if err := damage(kept[0]); err != nil {
			t.Fatal(err)
		}
		if r := y.build(t, text); r.Cached || r.Code != 0 {
			t.Errorf("%+v, want a new program instead of the damaged one", r)
		}
		runProgram(t, y.out())
		if r := y.build(t, text); !r.Cached {
			t.Errorf("%+v, want the new program", r)
		}
	}
}

// restarted returns the bench of a later kernel with the same cache and the same workspace.
func (x *bench) restarted(t *testing.T) *bench {
	t.Helper()
	y := &bench{dir: filepath.Join(t.TempDir(), "gonb_5678"), lib: x.lib, env: x.env}
	write(t, filepath.Join(y.dir, "go.mod"), "module gonb_5678\n\ngo 1.25\n")
	write(t, filepath.Join(y.dir, "go.work"), "go 1.25\n\nuse (\n\t.\n\t"+y.lib+"\n)\n")
	y.Builder = y.builder(t, x.opts.Cache)
	return y
}

// TestUnusablePrograms: without the folder that all kernels share, a kernel uses the program of an equal cell that it has built, and one line
// says why no other does.
func TestUnusablePrograms(t *testing.T) {
	x := newBench(t)
	file := filepath.Join(t.TempDir(), "programs")
	write(t, file, "a file in the place of the folder")
	opts := x.opts
	opts.Programs, opts.Scratch = file, t.TempDir()
	x.Builder = New(opts)
	text := program([]string{"fmt"}, "fmt.Print(1)")
	x.mustRun(t, text)
	if r := x.build(t, text); !r.Cached {
		t.Errorf("%+v, want the program of the last cell", r)
	}
	lines := slices.DeleteFunc(slices.Clone(x.log), func(line string) bool { return !strings.Contains(line, "not stored for other kernels") })
	if len(lines) != 1 {
		t.Errorf("the log says %q, want one line about %s", x.log, file)
	}
}

// TestKeptBytes: programs are stored up to a sum of their sizes.
func TestKeptBytes(t *testing.T) {
	p, err := openPrograms(filepath.Join(t.TempDir(), "programs"), keeping{10, 3 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		path := filepath.Join(t.TempDir(), "program")
		write(t, path, "")
		if err := os.Truncate(path, 1<<20); err != nil {
			t.Fatal(err)
		}
		if err := p.keep(fmt.Sprint(i), path); err != nil {
			t.Fatal(err)
		}
	}
	if kept, _ := filepath.Glob(filepath.Join(p.dir, "*")); len(kept) > 3 {
		t.Errorf("%d programs of a third of the room are kept", len(kept))
	}
}

// TestNothingLeft: a builder leaves no intermediate files.
func TestNothingLeft(t *testing.T) {
	x := newBench(t)
	x.mustRun(t, program([]string{"fmt"}, "fmt.Print(1)"))
	x.build(t, program(nil, "undefined()"))
	x.build(t, program([]string{"no/such"}, ""))
	entries, err := os.ReadDir(x.opts.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("%s is left", entry.Name())
	}
}

// TestBadInput: an invalid job is an error or the go command's answer, never a crash.
func TestBadInput(t *testing.T) {
	x := newBench(t)
	if _, err := New(Options{Go: "go", Scratch: t.TempDir()}).Build(t.Context(), x.job()); err == nil {
		t.Error("a relative go is taken")
	}
	job := x.job()
	job.Args = nil
	if _, err := x.Build(t.Context(), job); err == nil {
		t.Error("no arguments are accepted")
	}
	job = x.job()
	job.Dir = filepath.Join(x.dir, "absent")
	if _, err := x.Build(t.Context(), job); err == nil {
		t.Error("an absent folder is accepted")
	}
	write(t, filepath.Join(x.dir, "go.mod"), "modul x\n")
	if r := x.build(t, program(nil, "")); r.Code == 0 || !strings.Contains(r.Output, "go.mod") {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Build(ctx, x.job()); err != context.Canceled {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
