package kernel

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// unusedImport is the compiler's message about an import; goimports removes unused imports, except dot imports.
var unusedImport = regexp.MustCompile(`main(_test)?\.go:(\d+):\d+: "([^"]+)" imported and not used`)

// dropDotImports removes the dot imports that the compiler found unused, because they would make every later cell fail.
// It reports whether there were any.
func dropDotImports(dir, output string) bool {
	dropped := false
	for _, match := range unusedImport.FindAllStringSubmatch(output, -1) {
		file := filepath.Join(dir, "main"+match[1]+".go")
		line, _ := strconv.Atoi(match[2])
		dropped = dropDotImport(file, line, match[3]) || dropped
	}
	return dropped
}

// dropDotImport empties the line of an import if it is a dot import.
func dropDotImport(file string, line int, path string) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	spec := `. "` + path + `"`
	if line < 1 || line > len(lines) || !strings.Contains(lines[line-1], spec) {
		return false
	}
	lines[line-1] = strings.TrimSuffix(lines[line-1], spec)
	if strings.TrimSpace(lines[line-1]) == "import" {
		lines[line-1] = ""
	}
	return os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600) == nil
}
