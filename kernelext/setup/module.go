package setup

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// modulePath is the path of this module.
const modulePath = "deeplearning.example"

// ModuleRoot returns the folder of this module: the nearest parent of dir whose go.mod names it, else the folder that
// this program was compiled in, if it still exists.
func ModuleRoot(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for d := abs; ; d = filepath.Dir(d) {
		if isModule(d) {
			return d, nil
		}
		if d == filepath.Dir(d) {
			break
		}
	}
	if _, source, _, ok := runtime.Caller(0); ok {
		root := filepath.Dir(filepath.Dir(filepath.Dir(source)))
		if isModule(root) {
			return root, nil
		}
	}
	return "", fmt.Errorf("%s is not in the lecture's module (no go.mod of %s here or above): run this in its clone",
		abs, modulePath)
}

// isModule reports whether the go.mod of a folder is this module's.
func isModule(dir string) bool {
	raw, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(raw)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "module" {
			return fields[1] == modulePath
		}
	}
	return false
}
