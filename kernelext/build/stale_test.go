package build

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestStale: a cell sees each change of its imports, and is built by the tools again if possible.
func TestStale(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, x *bench)
		want   string
	}{
		{"nothing", func(*testing.T, *bench) {}, "one"},
		{"a file is edited", func(t *testing.T, x *bench) {
			write(t, filepath.Join(x.lib, "lib.go"), "package lib\n\nfunc Name() string { return \"two\" }\n")
		}, "two"},
		{"a file is new", func(t *testing.T, x *bench) {
			write(t, filepath.Join(x.lib, "new.go"),
				"package lib\n\nimport \"os\"\n\nfunc init() { os.Stdout.WriteString(\"new \") }\n")
		}, "new one"},
		{"a file is removed", func(t *testing.T, x *bench) { remove(t, filepath.Join(x.lib, "extra.go")) }, "one"},
		{"another package", func(t *testing.T, x *bench) {
			write(t, filepath.Join(x.lib, "more", "more.go"), "package more\n\nconst Two = 3\n")
		}, "one"},
		{"an embedded file", func(t *testing.T, x *bench) { write(t, filepath.Join(x.lib, "text", "a.txt"), "A") }, "one"},
		{"go.mod", func(t *testing.T, x *bench) {
			write(t, filepath.Join(x.lib, "go.mod"), "module example.com/lib\n\ngo 1.26\n\ngodebug default=go1.26\n")
			write(t, filepath.Join(x.dir, "go.work"), "go 1.26\n\nuse (\n\t.\n\t"+x.lib+"\n)\n")
		}, "one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := newBench(t)
			write(t, filepath.Join(x.lib, "extra.go"), "package lib\n\nfunc init() { print() }\n")
			write(t, filepath.Join(x.lib, "text", "text.go"),
				"package text\n\nimport \"embed\"\n\n//go:embed *.txt\nvar Files embed.FS\n")
			write(t, filepath.Join(x.lib, "text", "b.txt"), "B")
			time.Sleep(2 * settleTime)
			cell := program([]string{"fmt", "example.com/lib", "example.com/lib/text"},
				`fmt.Print(lib.Name()); f, _ := text.Files.ReadDir("."); if len(f) > 1 { fmt.Print("") }`)
			x.mustRun(t, cell)
			listings := x.listings()
			test.change(t, x)
			time.Sleep(2 * settleTime)
			if got := x.mustRun(t, cell); got != test.want {
				t.Errorf("prints %q, want %q", got, test.want)
			}
			asked := x.listings() > listings
			if want := test.name != "nothing" && test.name != "another package"; asked != want {
				t.Errorf("the go command is asked again: %t, want %t", asked, want)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// TestJustChanged: a file that was written just now is compiled correctly, by the tools or the go command.
func TestJustChanged(t *testing.T) {
	x := newBench(t)
	for _, word := range strings.Fields("a b c d e f g h") {
		write(t, filepath.Join(x.lib, "lib.go"), "package lib\n\nfunc Name() string { return \""+word+"\" }\n")
		x.build(t, program([]string{"example.com/lib"}, "print(lib.Name())"))
		if got := runProgram(t, x.out()); got != word {
			t.Fatalf("prints %q, want %q", got, word)
		}
	}
}

// TestBroken: a workspace package that does not compile fails the cells that import it, and no others.
func TestBroken(t *testing.T) {
	x := newBench(t)
	cell := program([]string{"example.com/lib"}, "print(lib.Name())")
	x.mustRun(t, program([]string{"example.com/lib", "example.com/lib/more"}, "print(lib.Name(), more.Two)"))
	write(t, filepath.Join(x.lib, "more", "more.go"), "package more\n\nconst Two = undefined\n")
	time.Sleep(2 * settleTime)
	if got := x.mustRun(t, cell); got != "one" {
		t.Errorf("prints %q", got)
	}
	broken := program([]string{"example.com/lib/more"}, "print(more.Two)")
	r := x.build(t, broken)
	if code, output := x.goBuild(t); r.Code != code || r.Output != output || code == 0 {
		t.Errorf("got %+v, want %d %s", r, code, output)
	}
	write(t, filepath.Join(x.lib, "more", "more.go"), "package more\n\nconst Two = 22\n")
	time.Sleep(2 * settleTime)
	if got := x.mustRun(t, broken); got != "22" {
		t.Errorf("prints %q, want the corrected constant", got)
	}
}

// TestSubsets: two sets of imports in turn, and parts of a known set, run the go command at most once each.
func TestSubsets(t *testing.T) {
	x := newBench(t)
	first := program([]string{"example.com/lib", "strings"}, `print(strings.ToUpper(lib.Name()))`)
	second := program([]string{"example.com/lib/more", "encoding/json"}, `b, _ := json.Marshal(more.Two); print(string(b))`)
	for range 3 {
		if got := x.mustRun(t, first) + x.mustRun(t, second); got != "ONE2" {
			t.Errorf("prints %q", got)
		}
	}
	if n := x.listings(); n != 2 {
		t.Errorf("%d listings for two sets, want 2", n)
	}
	for _, cell := range []string{
		program([]string{"strings"}, `print(strings.ToUpper("a"))`),
		program(nil, "print()"),
		program([]string{"reflect", "example.com/lib"}, "print(reflect.TypeOf(lib.Name()).Size())"), // one by encoding/json
	} {
		x.mustRun(t, cell)
	}
	if n := x.listings(); n != 2 {
		t.Errorf("%d listings after parts of the sets, want 2", n)
	}
}

// TestOnDisk: another kernel, with a module of another name, finds the set of the first one.
func TestOnDisk(t *testing.T) {
	x := newBench(t)
	cell := program([]string{"example.com/lib", "runtime/debug"}, `i, _ := debug.ReadBuildInfo(); print(i.Path, lib.Name())`)
	x.mustRun(t, cell)
	x.dir = filepath.Join(t.TempDir(), "gonb_other")
	write(t, filepath.Join(x.dir, "go.mod"), "module gonb_other\n\ngo 1.25\n")
	write(t, filepath.Join(x.dir, "go.work"), "go 1.25\n\nuse (\n\t.\n\t"+x.lib+"\n)\n")
	cache := x.opts.Cache
	x.Builder = x.builder(t, cache)
	if got := x.mustRun(t, cell); got != cellModule+"one" {
		t.Errorf("prints %q", got)
	}
	if n := x.listings(); n != 1 {
		t.Errorf("%d listings, want only that of the first kernel", n)
	}
	files, _ := filepath.Glob(filepath.Join(cache, "*"))
	if len(files) != 1 {
		t.Fatalf("files %q, want one set", files)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []string{"", "{", "null", `{"plan":{}}`, string(whole[:len(whole)/2]),
		regexp.MustCompile(`"(compile|link|marks)":\[[^]]*\]`).ReplaceAllString(string(whole), `"$1":[]`),
		regexp.MustCompile(`"fmt":\{[^}]*\}`).ReplaceAllString(string(whole), `"fmt":null`),
	} {
		write(t, files[0], damage)
		x.Builder = x.builder(t, cache)
		if got := x.mustRun(t, cell); got != cellModule+"one" {
			t.Errorf("with the set %q: prints %q", damage, got)
		}
	}
}

// TestTrimmed: a compiled package that is missing from the build cache is compiled again.
func TestTrimmed(t *testing.T) {
	x := newBench(t)
	cell := program([]string{"example.com/lib"}, "print(lib.Name())")
	x.mustRun(t, cell)
	for _, at := range x.sites {
		remove(t, at.set.Packages["example.com/lib"].Export)
	}
	cell += "// another text\n"
	if got := x.mustRun(t, cell); got != "one" {
		t.Errorf("prints %q", got)
	}
	if n := x.listings(); n != 2 {
		t.Errorf("%d listings, want a second one", n)
	}
}

// TestOld: the go command is run again after a day, before it removes the files of the set.
func TestOld(t *testing.T) {
	set := packageSet{Listed: time.Now().Add(-maxAge - time.Second)}
	if set.fresh(time.Now()) == nil {
		t.Error("a set of yesterday is fresh")
	}
	set.Listed = time.Now().Add(time.Hour)
	if set.fresh(time.Now()) == nil {
		t.Error("a set of the future is fresh")
	}
}
