package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"deeplearning.example/kernelext/internal/agent"
)

// realTools creates a folder with a go and a goimports that print their arguments, and puts it into PATH after the
// helper.
func realTools(t *testing.T, name string) (standIn, folder string) {
	t.Helper()
	standIn, folder = install(t, name), t.TempDir()
	for _, name := range []string{"go", "goimports"} {
		program(t, filepath.Join(folder, name), `echo "real ${0##*/} $*"; exit 4`)
	}
	t.Setenv("PATH", filepath.Dir(standIn)+":"+folder+":"+os.Getenv("PATH"))
	t.Setenv("LECTURE_GO", filepath.Join(folder, "go"))
	return standIn, folder
}

func TestToolsThatTheKernelAnswers(t *testing.T) {
	for _, argv := range [][]string{
		{"go", "build", "-o", "x"}, {"go", "get"}, {"go", "test", "-v", "-c"},
		{"goimports", "-w", "main.go"},
	} {
		standIn, _ := realTools(t, argv[0])
		k := play(t, agent.Reply{Code: 2, Output: "main.go:1: wrong\n"})
		t.Setenv("GOFLAGS", "-v")
		if got := execute(t, append([]string{standIn}, argv[1:]...)...); got != (result{"", "main.go:1: wrong\n", 2}) {
			t.Errorf("%v: %+v", argv, got)
		}
		r, dir := k.requests(1)[0], must(os.Getwd())
		if r.Op != argv[0] || !slices.Equal(r.Args, argv[1:]) || r.Dir != dir || !slices.Contains(r.Env, "GOFLAGS=-v") {
			t.Errorf("%v: request %q %q in %q", argv, r.Op, r.Args, r.Dir)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestToolsThatAreReal(t *testing.T) {
	for _, test := range []struct {
		argv  []string
		asked int
	}{
		{[]string{"go"}, 0}, {[]string{"go", "version"}, 0}, {[]string{"go", "env", "build"}, 0},
		{[]string{"go", "test", "./..."}, 0}, {[]string{"go", "vet", "-c"}, 0}, {[]string{"go", "-C", "x", "build"}, 0},
		{[]string{"go", "build", "./..."}, 1}, {[]string{"go", "test", "-c"}, 1}, {[]string{"goimports", "-l", "."}, 1},
	} {
		standIn, folder := realTools(t, test.argv[0])
		want := result{"real " + strings.Join(test.argv, " ") + "\n", "", 4}
		if len(test.argv) == 1 {
			want.stdout = "real go \n"
		}
		argv := append([]string{standIn}, test.argv[1:]...)
		k := play(t, agent.Reply{Code: agent.DoItYourself})
		if got := execute(t, argv...); got != want {
			t.Errorf("%v: %+v, want %+v", test.argv, got, want)
		}
		k.requests(test.asked)
		alone(t)
		if got := execute(t, argv...); got != want {
			t.Errorf("%v without a kernel: %+v", test.argv, got)
		}
		os.Unsetenv("LECTURE_GO") // t.Setenv in realTools restores it
		if got := execute(t, argv...); got != want {
			t.Errorf("%v without a kernel and LECTURE_GO: %+v", test.argv, got)
		}
		os.RemoveAll(folder)
		t.Setenv("PATH", filepath.Dir(standIn))
		if got := execute(t, argv...); got.code != 127 || !strings.Contains(got.stderr, test.argv[0]+" is not in PATH") {
			t.Errorf("%v with the helper alone: %+v", test.argv, got)
		}
	}
}

func TestToolsRefused(t *testing.T) {
	play(t, agent.Reply{Refuse: "interrupted"})
	for _, argv := range [][]string{{"go", "build"}, {"goimports", "-w", "x"}} {
		standIn, _ := realTools(t, argv[0])
		if got := execute(t, append([]string{standIn}, argv[1:]...)...); got != (result{code: 130}) {
			t.Errorf("%v: %+v, want exit code 130 and no word", argv, got)
		}
	}
}
