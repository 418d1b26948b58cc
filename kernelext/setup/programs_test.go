package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSourceFolder checks that the programs' packages of this module are all in the folder of programState.
func TestSourceFolder(t *testing.T) {
	s := openInstallation(t, newHome(t))
	for _, p := range programs() {
		out, err := s.goCommand(t.Context(), s.Module, "list", "-deps", p.Package)
		if err != nil {
			t.Fatal(err)
		}
		for dependency := range strings.Lines(out) {
			dependency = strings.TrimSpace(dependency)
			if within(dependency, modulePath) && !within(dependency, modulePath+"/"+sourceFolder) {
				t.Errorf("%s is made of %s, want packages of %s alone", p.Name, dependency, sourceFolder)
			}
		}
	}
}

// TestSourceHash detects each change of a source, and ignores other files.
func TestSourceHash(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	last := ""
	for _, c := range []struct {
		name, text string
		changes    bool
	}{
		{"a/a.go", "package a", true},
		{"a/a.go", "package b", true}, // of the same size
		{"a/a.go", "package b", false},
		{"a/page.html", "<html>", true},
		{"a/a_test.go", "package a", false},
		{"a/testdata/x.go", "package x", false},
		{"a/.a.go.swp", "edited", false},
		{"b/b.go", "package b", true},
	} {
		write(c.name, c.text)
		hash, err := sourceHash(root)
		if err != nil {
			t.Fatal(err)
		}
		if (hash != last) != c.changes {
			t.Errorf("%s: a change is seen: %v, want %v", c.name, hash != last, c.changes)
		}
		last = hash
	}
	if _, err := sourceHash(filepath.Join(root, "nowhere")); err == nil {
		t.Error("a folder that is not there has a hash")
	}
}

// TestProgramOfOtherSources: a program built from other sources is reported by the doctor and rebuilt by set-up.
func TestProgramOfOtherSources(t *testing.T) {
	opts := newHome(t)
	var out strings.Builder
	opts.Out = &out
	s := openInstallation(t, opts)
	helper := programs()[1]
	if err := s.build(t.Context(), helper.Name, helper.Package, "."); err != nil {
		t.Fatal(err)
	}
	if c := s.checkProgram(t.Context(), helper); c.Status != StatusWarning || !strings.Contains(c.Detail, "from other sources") {
		t.Errorf("check = %+v", c)
	}
	version, err := goVersion(t.Context(), s.Module)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"tools: building lecture-helper\n", "tools: lecture-helper\n"} {
		out.Reset()
		if err := s.buildProgram(t.Context(), helper, version); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("set-up says %q, want %q", &out, want)
		}
	}
	if c := s.checkProgram(t.Context(), helper); c.Status != StatusOK {
		t.Errorf("check = %+v", c)
	}
}
