package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestImports: the file, the output and the exit code are those of goimports.
func TestImports(t *testing.T) {
	x := newBench(t)
	x.mustRun(t, program([]string{"example.com/lib", "example.com/lib/more"}, "print(lib.Name(), more.Two)"))
	write(t, filepath.Join(x.lib, "go-odd", "odd.go"), "package strange\n\nconst One = 1\n")
	for _, test := range []struct {
		name, text string
		slow       bool // goimports itself has to look
	}{
		{"nothing to do", program([]string{"fmt"}, "\tfmt.Println()"), false},
		{"formatting", "package main\nimport (\"os\";\"fmt\")\nfunc main(){fmt.Println( os.Args )}\n", false},
		{"unused", program([]string{"fmt", "os", "example.com/lib"}, "\tfmt.Println()"), false},
		{"all unused", program([]string{"fmt", "os"}, ""), false},
		{"unused in a block", "package main\n\nimport (\n\t\"fmt\"\n\t\"os\" // why\n\n\t\"example.com/lib\"\n)\n\n" +
			"func main() { fmt.Println() }\n", false},
		{"missing", program(nil, "\tfmt.Println(strings.ToUpper(os.Args[0]), math.Pi)"), false},
		{"missing and unused", program([]string{"os", "example.com/lib"}, "\tfmt.Println()"), false},
		{"missing and used", program([]string{"example.com/lib"}, "\tfmt.Println(lib.Name())"), false},
		{"rand of math", program(nil, "\tprintln(rand.IntN(3))"), false},
		{"old rand", program(nil, "\trand.Seed(3)"), false},
		{"rand of crypto", program(nil, "\tprintln(rand.Reader, rand.Text())"), false},
		{"version", program([]string{"math/rand/v2"}, "\tprintln(rand.N(3))"), false},
		{"named", "package main\n\nimport (\n\tf \"fmt\"\n\to \"os\"\n)\n\nfunc main() { f.Println() }\n", false},
		{"dot and blank", "package main\n\nimport (\n\t. \"fmt\"\n\t_ \"os\"\n)\n\nfunc main() { Println() }\n", false},
		{"shadowed", program(nil, "\tvar fmt struct{ Println func() }\n\tfmt.Println()"), false},
		{"comments", "// Cell.\npackage main\n\n// About fmt.\nimport \"fmt\"\n\n" +
			"// main does.\nfunc main() {\n\t// a\n\tos.Exit(0) // b\n}\n", false},
		{"nested name", program(nil, "\tprintln(filepath.Base(\"a\"), json.Valid(nil), http.StatusOK)"), false},
		{"syntax", "package main\n\nfunc main() {\n\tx := := 1\n}\n", false},
		{"many syntax errors", "package main\n\nfunc main() {\n" + strings.Repeat("\tx := := 1\n", 15) + "}\n", false},
		{"no package", "func main() {}\n", true},
		{"missing of the workspace", program(nil, "\tprintln(more.Two)"), true},
		{"of nowhere", program(nil, "\tnowhere.Do()"), true},
		{"missing symbol", program(nil, "\tfmt.NoSuch()"), true},
		{"odd name", program([]string{"example.com/lib/go-odd"}, "\tfmt.Println(strange.One)"), true},
		{"embed", "package main\n\n//go:embed a.txt\nvar s string\n\nfunc main() {}\n", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(x.dir, "main.go")
			write(t, file, test.text)
			wantOut, wantCode := x.goimports(t.Context(), file, x.dir, x.env)
			want, _ := os.ReadFile(file)
			write(t, file, test.text)
			x.note("--")
			out, code := x.Imports(t.Context(), file, x.dir, x.env)
			got, _ := os.ReadFile(file)
			if string(got) != string(want) || out != wantOut || code != wantCode {
				t.Errorf("got %d %s\n%s\nwant %d %s\n%s", code, out, got, wantCode, wantOut, want)
			}
			if slow := strings.Contains(x.log[len(x.log)-1], "by goimports"); slow != test.slow {
				t.Errorf("goimports is run: %t, want %t; %q", slow, test.slow, x.log[len(x.log)-1])
			}
		})
	}
}

// TestAmbiguous: if goimports may choose any of several packages, the choice here is always the same.
func TestAmbiguous(t *testing.T) {
	x := newBench(t)
	for range 5 {
		file := filepath.Join(x.dir, "main.go")
		write(t, file, program(nil, "\ttemplate.New(\"a\")"))
		if out, code := x.Imports(t.Context(), file, x.dir, x.env); code != 0 {
			t.Fatal(out)
		}
		if text, _ := os.ReadFile(file); !strings.Contains(string(text), `"html/template"`) {
			t.Fatalf("%s", text)
		}
	}
}

// TestKnownNames: names of packages come from the set of another kernel; a name that does not follow from its path is
// written.
func TestKnownNames(t *testing.T) {
	x := newBench(t)
	write(t, filepath.Join(x.lib, "go-odd", "odd.go"), "package strange\n\nconst One = 1\n")
	time.Sleep(2 * settleTime)
	x.mustRun(t, "package main\n\nimport strange \"example.com/lib/go-odd\"\n\nfunc main() { print(strange.One) }\n")
	x.Builder = x.builder(t, x.opts.Cache)
	file := filepath.Join(x.dir, "main.go")
	write(t, file, program([]string{"example.com/lib/go-odd", "io"}, "\tfmt.Println(strange.One)"))
	x.note("--")
	if out, code := x.Imports(t.Context(), file, x.dir, x.env); code != 0 {
		t.Fatal(out)
	}
	text, _ := os.ReadFile(file)
	if !strings.Contains(string(text), `strange "example.com/lib/go-odd"`) || strings.Contains(string(text), `"io"`) {
		t.Errorf("%s", text)
	}
	if x.log[len(x.log)-1] != "--" {
		t.Errorf("goimports is run: %q", x.log)
	}
}

// TestImportsManyTimes: a thousand cells leave nothing behind.
func TestImportsManyTimes(t *testing.T) {
	x := newBench(t)
	file := filepath.Join(x.dir, "main.go")
	call := func(i int) {
		write(t, file, program([]string{"os"}, fmt.Sprintf("\tfmt.Println(%d, strings.ToUpper(\"a\"))", i)))
		if out, code := x.Imports(context.Background(), file, x.dir, x.env); code != 0 {
			t.Fatal(out)
		}
		if r := x.Get(context.Background(), x.dir, nil, x.env); !r.Fast {
			t.Fatalf("%+v", r)
		}
	}
	measure := func() (heap uint64, goroutines, files int) {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		entries, _ := os.ReadDir("/proc/self/fd")
		return stats.HeapAlloc, runtime.NumGoroutine(), len(entries)
	}
	for i := range 50 {
		call(i)
	}
	heap, goroutines, files := measure()
	for i := range 1000 {
		call(i)
	}
	heapAfter, goroutinesAfter, filesAfter := measure()
	if heapAfter > heap+1<<20 || goroutinesAfter > goroutines || filesAfter > files {
		t.Errorf("heap %d → %d bytes, goroutines %d → %d, descriptors %d → %d",
			heap, heapAfter, goroutines, goroutinesAfter, files, filesAfter)
	}
}

// TestGet: no command runs if all imports are found; otherwise the go command's answer is returned.
func TestGet(t *testing.T) {
	x := newBench(t)
	file := filepath.Join(x.dir, "main.go")
	for _, test := range []struct {
		name, text string
		args       []string
		fast       bool
	}{
		{"standard library", program([]string{"fmt"}, "fmt.Println()"), nil, true},
		{"workspace", program([]string{"example.com/lib"}, "lib.Name()"), nil, true},
		{"missing", program([]string{"example.org/none"}, "none.X()"), nil, false},
		{"another call", program([]string{"fmt"}, "fmt.Println()"), []string{"-u"}, false},
		{"syntax", "package main\n\nimport fmt\"\n", nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			write(t, file, test.text)
			got := x.Get(t.Context(), x.dir, test.args, x.env)
			code, output, err := run(t.Context(), command{Path: goTool(t), Args: append([]string{"get"}, test.args...), Dir: x.dir, Env: x.env})
			if err != nil {
				t.Fatal(err)
			}
			if got.Code != code || (!test.fast && got.Output != output) || got.Fast != test.fast {
				t.Errorf("got %+v, want %d %s", got, code, output)
			}
		})
	}
	write(t, filepath.Join(x.dir, "main_test.go"),
		"package main\n\nimport (\n\t\"testing\"\n\n\t\"example.com/lib\"\n)\n\nfunc TestA(*testing.T) { lib.Name() }\n")
	if r := x.Get(t.Context(), x.dir, []string{"-t"}, x.env); !r.Fast || r.Code != 0 {
		t.Errorf("%+v", r)
	}
}

// TestLookPath: the folder of replaced commands is skipped, and so is one without the program.
func TestLookPath(t *testing.T) {
	stand, real := t.TempDir(), t.TempDir()
	helper := filepath.Join(t.TempDir(), "helper")
	for _, path := range []string{helper, filepath.Join(real, "goimports"), filepath.Join(real, "go")} {
		write(t, path, "#!/bin/sh\n")
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go", "goimports"} {
		if err := os.Symlink(helper, filepath.Join(stand, name)); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"PATH=" + strings.Join([]string{stand, t.TempDir(), real}, ":")}
	if got, err := lookPath("goimports", env); err != nil || got != filepath.Join(real, "goimports") {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := lookPath("goimports", []string{"PATH=" + stand}); err == nil {
		t.Errorf("the stand-in %s is taken", got)
	}
}
