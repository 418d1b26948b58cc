package testx

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "deeplearning.example/"

// TestArrows fails on an import, direct or not, that docs/design.md forbids.
func TestArrows(t *testing.T) {
	for _, c := range []struct {
		packages string   // what go list takes
		never    []string // path prefixes
	}{
		{"lecture11/...", []string{module + "kernelext", module + "notebooks", "github.com/janpfeifer/gonb",
			"github.com/gomlx/go-xla", "github.com/gomlx/gomlx/ui", "github.com/gomlx/gomlx/backends"}},
		{"kernelext", []string{module + "lecture11", module + "kernelext/run", module + "kernelext/jupyter",
			module + "kernelext/setup", "github.com/go-zeromq", "github.com/gomlx/go-xla"}},
		{"kernelext/...", []string{module + "lecture11"}},
		{"kernelext/nbformat", []string{"github.com/"}},
		{"kernelext/store", []string{"github.com/"}},
	} {
		out, err := exec.Command("go", "list", "-deps", module+c.packages).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", c.packages, err)
		}
		for dependency := range strings.Lines(string(out)) {
			for _, prefix := range c.never {
				if strings.HasPrefix(dependency, prefix) {
					t.Errorf("%s reaches %s, which docs/design.md forbids", c.packages, strings.TrimSpace(dependency))
				}
			}
		}
	}
}
