package lecture11

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/peers/venv"
)

// python returns a Python interpreter with the packages. It skips the test with -short, and on a machine without
// Python.
func python(t *testing.T, packages ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Python packages, which are downloaded")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3: install it and its module venv, and try again")
	}
	program, err := venv.Python(packages...)
	if err != nil {
		t.Fatalf("%v\n(go test -short skips the tests with Python)", err)
	}
	return program
}

// TestSafetensorsOfPyPI: the reference implementation reads a model's file with all names, types, shapes and numbers,
// and the model reads the weights of a file that it wrote.
func TestSafetensorsOfPyPI(t *testing.T) {
	interpreter := python(t, "numpy==2.4.6", "safetensors==0.8.0")
	m, _ := savedKindOf("VAE").trained(t)
	vae, dir := m.(*VAE), t.TempDir()
	source, target := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
	if err := vae.SaveFile(source); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(interpreter, "testdata/safetensors_twice.py", source, target).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	weights := must(vae.Weights())
	var want strings.Builder
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		fmt.Fprintln(&want, name, "float32", strings.Trim(fmt.Sprint(weights[name].Shape().Dimensions), "[]"))
	}
	if string(out) != want.String() {
		t.Errorf("safetensors reads\n%swant\n%s", out, want.String())
	}
	doubled := must(ReadWeights(bytes.NewReader(must(os.ReadFile(target)))))
	if err := vae.SetWeights(doubled); err != nil {
		t.Fatal(err)
	}
	for name, now := range must(vae.Weights()) {
		before := tensors.MustCopyFlatData[float32](weights[name])
		for i, v := range tensors.MustCopyFlatData[float32](now) {
			if v != 2*before[i] {
				t.Errorf("%s[%d] = %g, want %g", name, i, v, 2*before[i])
			}
		}
	}
	if _, err := LoadVAE(vae.backend, bytes.NewReader(must(os.ReadFile(target)))); err == nil || !strings.Contains(err.Error(), "ReadWeights") {
		t.Errorf("LoadVAE of a file without a configuration: %v", err)
	}
}
