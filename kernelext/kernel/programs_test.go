package kernel_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"deeplearning.example/kernelext/jupyter"
)

// otherPrograms starts the kernel from a folder in which some programs are replaced, or missing if the path is empty.
func otherPrograms(t testing.TB, spec *jupyter.Spec, other map[string]string) {
	t.Helper()
	from, to := filepath.Dir(spec.Argv[0]), t.TempDir()
	for _, name := range []string{"lecture", "lecture-helper", "goimports", "gonb", "gopls"} {
		source, replaced := other[name]
		if !replaced {
			source = filepath.Join(from, name)
		}
		if source == "" {
			continue
		}
		text, err := os.ReadFile(source)
		if err != nil && name == "gopls" {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	spec.Argv[0] = filepath.Join(to, "lecture")
}

// detectRaces starts a supervisor with Go's race detector if the tests themselves have it. A race ends up in the
// kernel's log.
func detectRaces(t testing.TB, spec *jupyter.Spec) {
	t.Helper()
	if !raceEnabled {
		return
	}
	program, err := raceProgram()
	if err != nil {
		t.Fatal(err)
	}
	otherPrograms(t, spec, map[string]string{"lecture": program})
}

var raceProgram = sync.OnceValues(func() (string, error) {
	program := filepath.Join(os.TempDir(), "lecture-race")
	cmd := exec.Command("go", "build", "-race", "-o", program, "deeplearning.example/kernelext/cmd/lecture")
	cmd.Stderr = os.Stderr
	return program, cmd.Run()
})
