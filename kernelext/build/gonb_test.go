package build

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"deeplearning.example/kernelext/jupyter"
)

// TestWarm: the first cell of a real GoNB finds the set that Warm has left, and a cell that links XLA is built by the
// tools and runs.
func TestWarm(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles all that cells of the lecture import")
	}
	x := newProjectBench(t)
	project, _ := filepath.Abs("../..")
	kernel := startGoNB(t, x.env, "", "", "-go_work="+project)
	x.dir = strings.TrimSpace(execute(t, kernel, `!echo "$GONB_TMP_DIR"`))
	x.Builder = x.builder(t, x.opts.Cache)
	listings := x.listings()
	for _, text := range []string{
		program(xlaImports, xlaBody+"1)"),
		program([]string{"strings", "gonum.org/v1/gonum/mat"},
			"\tprint(strings.ToUpper(\"a\"), mat.Sum(mat.NewDense(1, 1, nil)))"),
		program([]string{"github.com/pkg/errors"}, "\tprint(errors.New(\"of a module that is only required\").Error())"),
	} {
		file := filepath.Join(x.dir, "main.go")
		write(t, file, text)
		if out, code := x.Imports(t.Context(), file, x.dir, x.env); code != 0 {
			t.Fatal(out)
		}
		if r := x.Get(t.Context(), x.dir, nil, x.env); !r.Fast {
			t.Fatalf("%+v; log %q", r, x.log)
		}
		x.mustRun(t, text)
		if code, output := x.goBuild(t); code != 0 {
			t.Errorf("the go command refuses it: %s", output)
		}
	}
	if x.listings() != listings {
		t.Errorf("packages are listed again: %q", x.log)
	}
}

// TestWasm: with the shadow of the Go installation GoNB's %wasm works.
func TestWasm(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the standard library for WebAssembly")
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	shadow, err := ShadowGoroot(strings.TrimSpace(string(goroot)), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ShadowGoroot(strings.TrimSpace(string(goroot)), filepath.Dir(shadow)); err != nil || again != shadow {
		t.Errorf("a second call: %s, %v", again, err)
	}
	bin, root := t.TempDir(), t.TempDir()
	write(t, filepath.Join(bin, "go"),
		"#!/bin/sh\n[ \"$*\" = 'env GOROOT' ] && exec echo '"+shadow+"'\nexec '"+goTool(t)+"' \"$@\"\n")
	if err := os.Chmod(filepath.Join(bin, "go"), 0o700); err != nil {
		t.Fatal(err)
	}
	server := exec.Command("sleep", "1000") // stands for Jupyter's server: GoNB serves files from where that runs
	server.Dir = root
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { server.Process.Kill(); server.Wait() }()
	kernel := startGoNB(t, cellEnv(), bin, "JPY_PARENT_PID="+strconv.Itoa(server.Process.Pid))
	for range 2 {
		if out := execute(t, kernel, "%wasm\n%%\nprintln(1)"); !strings.Contains(out, "gonb_cell.wasm") {
			t.Errorf("the cell shows %q", out)
		}
	}
	programs, _ := filepath.Glob(filepath.Join(root, "jupyter_files", "*", "gonb_cell.wasm"))
	scripts, _ := filepath.Glob(filepath.Join(root, "jupyter_files", "*", "wasm_exec.js"))
	if len(programs) != 1 || len(scripts) != 1 {
		t.Fatalf("programs %q, scripts %q", programs, scripts)
	}
	if raw, _ := os.ReadFile(programs[0]); !bytes.HasPrefix(raw, []byte("\x00asm")) {
		t.Errorf("no WebAssembly but %.4q", raw)
	}
}

// TestShadowGoroot: the shadow has the whole installation, and an installation with the script needs no shadow.
func TestShadowGoroot(t *testing.T) {
	goroot := t.TempDir()
	if _, err := ShadowGoroot(goroot, t.TempDir()); err == nil {
		t.Error("an installation without the script is taken")
	}
	write(t, filepath.Join(goroot, "lib", "wasm", "wasm_exec.js"), "script")
	write(t, filepath.Join(goroot, "VERSION"), "go1")
	write(t, filepath.Join(goroot, "misc", "other", "file"), "other")
	shadow, err := ShadowGoroot(goroot, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"misc/wasm/wasm_exec.js": "script", "VERSION": "go1", "misc/other/file": "other",
	} {
		if got, err := os.ReadFile(filepath.Join(shadow, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	write(t, filepath.Join(goroot, "misc", "wasm", "wasm_exec.js"), "old place")
	if got, err := ShadowGoroot(goroot, t.TempDir()); err != nil || got != goroot {
		t.Errorf("%s, %v", got, err)
	}
}

// startGoNB starts the real kernel with more flags. bin is a folder for the start of PATH, variable a pair that the
// jupyter package itself would set otherwise; both may be empty.
func startGoNB(t *testing.T, env []string, bin, variable string, flags ...string) *jupyter.Kernel {
	t.Helper()
	out, err := exec.Command("go", "tool", "-n", "gonb").Output()
	if err != nil {
		t.Fatal(err)
	}
	spec := &jupyter.Spec{
		Argv: append([]string{"/usr/bin/env", cmp.Or(variable, "A="), strings.TrimSpace(string(out)), "--kernel",
			"{connection_file}", "-raw_error=true", "-logtostderr=true"}, flags...),
		InterruptMode: jupyter.InterruptSignal,
		Env:           map[string]string{"TMPDIR": t.TempDir()},
	}
	for _, name := range []string{"GOFLAGS", "GOPROXY", "PATH"} {
		spec.Env[name] = getenv(env, name)
	}
	spec.Env["PATH"] = strings.TrimPrefix(bin+":", ":") + filepath.Dir(goimportsTool(t)) + ":" + spec.Env["PATH"]
	var opts jupyter.Options
	opts.Process.Dir = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	kernel, err := jupyter.Start(ctx, spec, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kernel.Shutdown(context.Background()) })
	return kernel
}

// execute runs a cell and returns its text and, as JSON, its displays.
func execute(t *testing.T, kernel *jupyter.Kernel, code string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out strings.Builder
	_, err := kernel.Execute(ctx, jupyter.ExecuteRequest{Code: code}, func(m *jupyter.Message) {
		switch m.Header.MsgType {
		case "stream":
			var s jupyter.Stream
			if err := m.Decode(&s); err != nil {
				t.Error(err)
			}
			out.WriteString(s.Text)
		case "display_data", "error":
			out.Write(m.Content)
		}
	})
	if err != nil {
		t.Fatalf("%v; output %s", err, out.String())
	}
	return out.String()
}
