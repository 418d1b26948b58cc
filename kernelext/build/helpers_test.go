package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// bench is a Builder with GoNB's folder and a workspace module beside it.
type bench struct {
	*Builder
	dir string // GoNB's temporary module
	lib string // module example.com/lib
	env []string

	mu  sync.Mutex
	log []string
}

const cellFlags = "GOFLAGS=-buildvcs=false '-ldflags=-s -w'"

// cellEnv returns the environment of a kernel without network.
func cellEnv(more ...string) []string {
	return append(append(os.Environ(), cellFlags, "GOPROXY=off", "GOWORK=", "GO111MODULE="), more...)
}

func newBench(t testing.TB) *bench {
	t.Helper()
	root := t.TempDir()
	x := &bench{dir: filepath.Join(root, "gonb_1234abcd"), lib: filepath.Join(root, "lib"), env: cellEnv()}
	write(t, filepath.Join(x.lib, "go.mod"), "module example.com/lib\n\ngo 1.25\n")
	write(t, filepath.Join(x.lib, "lib.go"), "package lib\n\nfunc Name() string { return \"one\" }\n")
	write(t, filepath.Join(x.lib, "more", "more.go"), "package more\n\nconst Two = 2\n")
	write(t, filepath.Join(x.dir, "go.mod"), "module gonb_1234abcd\n\ngo 1.25\n")
	write(t, filepath.Join(x.dir, "go.work"), "go 1.25\n\nuse (\n\t.\n\t"+x.lib+"\n)\n")
	x.settle(t)
	x.Builder = x.builder(t, filepath.Join(root, "cache"))
	return x
}

// builder returns a Builder of another kernel with the same cache.
func (x *bench) builder(t testing.TB, cache string) *Builder {
	t.Helper()
	return New(Options{Go: goTool(t), Goimports: goimportsTool(t), Scratch: t.TempDir(), Cache: cache,
		Programs: filepath.Join(filepath.Dir(cache), "programs"), Log: x.note})
}

func (x *bench) note(line string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.log = append(x.log, line)
}

// listings returns the number of times that packages were listed.
func (x *bench) listings() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	count := 0
	for _, line := range x.log {
		if strings.Contains(line, "listing packages") {
			count++
		}
	}
	return count
}

// settle sets the times of all sources back, because a set cannot use files that were written just now.
func (x *bench) settle(t testing.TB) {
	t.Helper()
	for _, dir := range []string{x.lib, filepath.Join(x.lib, "more")} {
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, file := range files {
			past := time.Now().Add(-time.Minute)
			if info, err := os.Stat(file); err == nil && time.Since(info.ModTime()) < time.Second {
				if err := os.Chtimes(file, past, past); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// build builds a cell's program.
func (x *bench) build(t testing.TB, text string, args ...string) Result {
	t.Helper()
	write(t, filepath.Join(x.dir, "main.go"), text)
	r, err := x.Build(context.Background(), x.job(args...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (x *bench) job(args ...string) Job {
	return Job{Dir: x.dir, Args: append([]string{"build"}, args...), Out: x.out(), Env: x.env}
}

func (x *bench) out() string { return filepath.Join(x.dir, "gonb_1234abcd") }

// mustRun builds a cell by the tools and returns the output of its program.
func (x *bench) mustRun(t testing.TB, text string) string {
	t.Helper()
	x.note("--")
	r := x.build(t, text)
	if r.Code != 0 || !r.Fast {
		t.Fatalf("%+v; log %q", r, x.log)
	}
	return runProgram(t, x.out())
}

func runProgram(t testing.TB, path string) string {
	t.Helper()
	out, err := exec.Command(path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// goBuild returns the go command's own result in the folder.
func (x *bench) goBuild(t testing.TB, args ...string) (code int, output string) {
	t.Helper()
	args = append([]string{"build", "-o", x.out() + ".bygo"}, args...)
	code, output, err := run(context.Background(), command{Path: goTool(t), Args: args, Dir: x.dir, Env: x.env})
	if err != nil {
		t.Fatal(err)
	}
	return code, output
}

func program(imports []string, body string) string {
	var text strings.Builder
	text.WriteString("package main\n\n")
	for _, path := range imports {
		fmt.Fprintf(&text, "import %q\n", path)
	}
	return text.String() + "\nfunc main() {\n" + body + "\n}\n"
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func goTool(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var toolPath = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "tool", "-n", "goimports").Output()
	return strings.TrimSpace(string(out)), err
})

func goimportsTool(t testing.TB) string {
	t.Helper()
	path, err := toolPath()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
