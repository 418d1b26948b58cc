package testx

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestUserModule: the go.mod and the two programs of README.md's section "Use it from your program" work as printed, in a module
// outside of the repository, and the go.mod asks only for modules whose packages the programs import.
func TestUserModule(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two programs")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	blocks := readmeBlocks(t, filepath.Join(root, "README.md"), "## Use it from your program")
	if len(blocks) != 3 {
		t.Fatalf("README.md has %d blocks of code in that section, want a go.mod and two programs", len(blocks))
	}
	m := userModule{t, t.TempDir()}
	m.write("go.mod", strings.Replace(blocks[0], "../lecture11", root, 1))
	m.write("train/main.go", blocks[1])
	m.write("load/main.go", blocks[2])
	m.run("go", "mod", "tidy")
	m.run("go", "run", "./train")
	got := strings.ReplaceAll(m.run("go", "run", "./load"), "-0.0", "0.0")
	if got != "[[0.0 1.0 0.0]]\n" {
		t.Errorf("the second program prints %q, want the object that it reconstructs", got)
	}
	m.checkRequirements()
}

// readmeBlocks returns the blocks of code of a section with subsections left out.
func readmeBlocks(t *testing.T, path, heading string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", path, heading)
	}
	section, _, _ = strings.Cut(section, "\n##")
	var blocks []string
	for _, match := range regexp.MustCompile("(?s)```(?:go)?\n(.*?)```\n").FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, match[1])
	}
	return blocks
}

// userModule is a module of a user, outside of the repository.
type userModule struct {
	t   *testing.T
	dir string
}

// write makes a file of the module.
func (m userModule) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// run runs a command in the module and returns what it prints.
func (m userModule) run(name string, args ...string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 10*time.Minute) // ends a test that hangs
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		m.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

// checkRequirements compares the modules that the go.mod requires with those of the packages that the programs import.
func (m userModule) checkRequirements() {
	m.t.Helper()
	lines := func(text string) []string {
		all := strings.Fields(text)
		slices.Sort(all)
		return slices.Compact(all)
	}
	imported := lines(m.run("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./..."))
	for _, module := range lines(m.run("go", "list", "-m", "-f", "{{if not .Main}}{{.Path}}{{end}}", "all")) {
		required := strings.Contains(m.read("go.mod"), "\t"+module+" ")
		if required && !slices.Contains(imported, module) {
			m.t.Errorf("go.mod requires %s, of which the programs import nothing", module)
		}
	}
}

// read returns the text of a file of the module.
func (m userModule) read(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}
