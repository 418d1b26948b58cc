package run_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/jupyter/jupytertest"
)

func TestMain(m *testing.M) {
	jupytertest.RunIfKernel()
	os.Exit(m.Run())
}

// testContext ends long after any test should have ended.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func goOutput(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// gonbPaths builds GoNB and goimports once, and finds the root of the module.
var gonbPaths = sync.OnceValues(func() (paths [3]string, err error) {
	for i, args := range [][]string{
		{"tool", "-n", "gonb"}, {"tool", "-n", "goimports"}, {"list", "-m", "-f", "{{.Dir}}"},
	} {
		if paths[i], err = goOutput(args...); err != nil {
			return paths, err
		}
	}
	return paths, nil
})

// gonbSpec installs a kernelspec of GoNB in a temporary JUPYTER_PATH and finds it there, as the program would.
func gonbSpec(t *testing.T) *jupyter.Spec {
	t.Helper()
	paths, err := gonbPaths()
	if err != nil {
		t.Fatal(err)
	}
	gonb, goimports, module := paths[0], paths[1], paths[2]
	data, err := json.Marshal(map[string]any{
		"argv":         []string{gonb, "--kernel", "{connection_file}", "-raw_error", "-logtostderr", "-go_work=" + module},
		"display_name": "Go (test)", "language": "go", "interrupt_mode": "signal",
		"env": map[string]string{
			"PATH":    filepath.Dir(goimports) + ":${PATH}",
			"GOFLAGS": "-buildvcs=false '-ldflags=-s -w'", "GOPROXY": "off",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	dir := filepath.Join(root, "kernels", "lecture-test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel.json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JUPYTER_PATH", root)
	spec, err := jupyter.FindSpec("Lecture-Test", os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}
