//go:build !onnx

package onnx

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"deeplearning.example/internal/peers/venv"
)

// TestExportByTag runs the tests of this package that need the build tag onnx, with the ONNX Runtime of the Python package
// for both sides: GoMLX's exporter and the program that runs the files.
func TestExportByTag(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python packages, which are downloaded")
	}
	for _, tool := range []string{"python3", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: install it and try again", tool)
		}
	}
	python, err := venv.Python("numpy==2.4.6", "onnxruntime==1.32.0")
	if err != nil {
		t.Fatalf("%v\n(go test -short leaves Python out)", err)
	}
	libraries, err := filepath.Glob(filepath.Join(filepath.Dir(python), "../lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.*[0-9]*"))
	if err != nil || len(libraries) != 1 {
		t.Fatalf("libraries of ONNX Runtime: %q, want one (%v)", libraries, err)
	}
	run := exec.CommandContext(t.Context(), "go", "test", "-tags=onnx", "-run=^TestExport", "-count=1", "-v", ".")
	run.Env = append(os.Environ(), "ONNXRUNTIME_SHARED_LIBRARY_PATH="+libraries[0], "LECTURE_TEST_PYTHON="+python, compute.ConfigEnvVar+"=go", "CGO_ENABLED=1")
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestExportedModels") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestWithoutTag: a program without the tag is told how to get it.
func TestWithoutTag(t *testing.T) {
	if _, err := Backend(); err == nil || !strings.Contains(err.Error(), "-tags onnx") {
		t.Errorf("Backend without the tag: %v", err)
	}
}
