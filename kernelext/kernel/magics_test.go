package kernel_test

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"deeplearning.example/internal/testx"
	"deeplearning.example/kernelext/cell"
)

// TestLectureMagic: the kernel's own commands are listed, each with its description, and the present settings.
func TestLectureMagic(t *testing.T) {
	k := start(t)
	got := k.good("%lecture")
	for _, c := range cell.Commands {
		if c.Own && (!strings.Contains(got, c.Usage) || !strings.Contains(got, c.Help)) {
			t.Errorf("%s is not in the list", c.Usage)
		}
	}
	if !strings.Contains(got, "Now: mode quick, device the best there is, memory ") {
		t.Errorf("%s", got)
	}
}

// TestModeAndDevice: the settings of the magics are in the environment of the same cell and of later ones.
func TestModeAndDevice(t *testing.T) {
	k := start(t, "LECTURE_MODE=full")
	const show = "%%\nfmt.Println(os.Getenv(\"LECTURE_MODE\"), os.Getenv(\"LECTURE_DEVICE\"))"
	if got := k.good(show); got != "full \n" {
		t.Errorf("at the start %q", got)
	}
	if got := k.good("%mode quick\n%device cuda:1\n" + show); !strings.HasSuffix(got, "\nquick cuda:1\n") {
		t.Errorf("in the same cell %q", got)
	}
	k.good("%env LECTURE_DEVICE=go")
	if got := k.good("!echo $LECTURE_MODE $LECTURE_DEVICE"); got != "quick go\n" {
		t.Errorf("in the shell %q", got)
	}
	if got := k.good("%mode\n%device"); got != "mode: quick\ndevice: go\n" {
		t.Errorf("asked: %q", got)
	}
}

// TestModels: the models of the store are listed from a cell.
func TestModels(t *testing.T) {
	k := start(t, "LECTURE_STORE="+filepath.Join(t.TempDir(), "store"))
	k.good(walkCell)
	k.good(trainCell("listed", 0))
	if got := k.good("%models"); !strings.Contains(got, "listed") {
		t.Errorf("%q", got)
	}
	if got := k.good("%models list --help"); !strings.Contains(got, "lecture models list") {
		t.Errorf("%q", got)
	}
	k.bad("%models remove nothing-like-it", "ShellError", "Line 1")
}

var amount = regexp.MustCompile(`(?m)^(.+?) +([0-9.]+) (m?s)`)

// shares reads a table of %timing, in ms.
func shares(t *testing.T, table string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, match := range amount.FindAllStringSubmatch(table, -1) {
		value, err := strconv.ParseFloat(match[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		if match[3] == "s" {
			value *= 1000
		}
		all[match[1]] = value
	}
	return all
}

// TestTiming: the parts of a cell's time add up, and slow phases have their share.
func TestTiming(t *testing.T) {
	k := start(t)
	k.bad("%timing", "MagicError", "no cell has run yet")
	k.good("%%\ntime.Sleep(300 * time.Millisecond)")
	table := k.good("%timing")
	all := shares(t, table)
	sum := 0.0
	for name, value := range all {
		if name != "total" {
			sum += value
		}
	}
	if all["run"] < 300 || all["compile"] <= 0 || all["link"] <= 0 || math.Abs(sum-all["total"]) > 1+0.01*all["total"] {
		t.Errorf("sum %.1f ms\n%s", sum, table)
	}
	k.good("%%\nfmt.Println(1)")
	k.good("%%\nfmt.Println(2)")
	k.good("%%\nfmt.Println(1)")
	if table := k.good("%timing"); !strings.Contains(table, "the program of an equal cell was used") || strings.Contains(table, "link") {
		t.Errorf("an equal cell\n%s", table)
	}
}

// TestTime: %%time prints a cell's time at its end, also for a failing cell, and replaces %% above statements.
func TestTime(t *testing.T) {
	k := start(t)
	line := regexp.MustCompile(`time: [0-9.]+ m?s \(.*run [0-9.]+ m?s\)\n$`)
	for _, code := range []string{
		"%%time\nfmt.Println(1)", "%%time\n%%\nfmt.Println(1)", "%%time\nfunc one() int { return 1 }", "%%time\n!echo 1",
		"%%time\n%%bash\necho 1",
	} {
		if got := k.good(code); !line.MatchString(got) {
			t.Errorf("%q: %q", code, got)
		}
	}
	if o := k.bad("%%time\nos.Exit(1)", "ExitError"); !line.MatchString(o.stream("stdout")) {
		t.Errorf("%q", o.stream("stdout"))
	}
}

// TestReset: removed definitions stay removed when GoNB dies.
func TestReset(t *testing.T) {
	k := start(t)
	k.good("func one() int { return 1 }\nfunc two() int { return 2 }")
	k.good("%rm one")
	k.killGoNB()
	k.bad("%%\nfmt.Println(one())", "CompileError", "undefined: one")
	if got := k.good("%%\nfmt.Println(two())"); got != "2\n" {
		t.Errorf("%q", got)
	}
}

// TestProgramOutlivesTheKernel: after a restart, the same cell needs neither the compiler nor the linker, and a panic of it is
// still located.
func TestProgramOutlivesTheKernel(t *testing.T) {
	const cell = "%%\nfmt.Println(1)\npanic(\"at line 3\")"
	programs := filepath.Join(t.TempDir(), "programs")
	for _, again := range []bool{false, true} {
		k := start(t, "LECTURE_PROGRAMS="+programs)
		k.good("func one() int { return 1 }")
		k.bad(cell, "Panic", "at line 3", "Line 3")
		if table := k.good("%timing"); strings.Contains(table, "the program of an equal cell was used") != again {
			t.Errorf("in a new kernel, want the stored program: %v\n%s", again, table)
		}
	}
}

// TestTimingOfXLA: %timing says how many compiled graphs came from the cache and how many have other options, and a cache that
// cannot be used is reported once in a kernel.
func TestTimingOfXLA(t *testing.T) {
	testx.Backend(t) // installs the plugin
	t.Setenv("LECTURE_DEVICE", "cpu")
	t.Setenv("LECTURE_XLA_CACHE", filepath.Join(t.TempDir(), "xla"))
	k := start(t)
	k.good("import (\n\"deeplearning.example/kernelext/device\"\n\"github.com/gomlx/gomlx/core/graph\"\n\"github.com/janpfeifer/must\"\n)\n" +
		"func square(x *graph.Node) *graph.Node { return graph.Mul(x, x) }")
	for i, want := range []string{"(0 of 1 graphs from the cache)", "(1 of 1 graphs from the cache, which saved "} {
		cell := fmt.Sprintf("%%%%\nfmt.Println(%d, graph.MustExecOnce(must.M1(device.Backend()), square, float32(3)))", i)
		if got := k.good(cell); !strings.Contains(got, "9") {
			t.Errorf("cell %d: %s", i, got)
		}
		if table := k.good("%timing"); !strings.Contains(table, want) {
			t.Errorf("%%timing after cell %d, want %q\n%s", i, want, table)
		}
	}
	k.good("func twice(x *graph.Node) *graph.Node { return graph.Dot(x, x).Product() }")
	k.good("%%\nfmt.Println(graph.MustExecOnce(must.M1(device.Backend()), twice, [][]float32{{1, 2}, {3, 4}}))")
	if table := k.good("%timing"); !strings.Contains(table, "(0 of 1 graphs from the cache; 1 small, without YNNPACK)") {
		t.Errorf("a small product: %s", table)
	}
	k.good("%env LECTURE_XLA_CACHE=here")
	for i, want := range []int{1, 0} {
		o := k.run(fmt.Sprintf("%%%%\nfmt.Println(%d, graph.MustExecOnce(must.M1(device.Backend()), square, float32(4)))", i))
		lines := strings.Count(o.stream("stderr"), "every process compiles its programs again")
		if !strings.Contains(o.stream("stdout"), "16") || lines != want {
			t.Errorf("an unusable cache, cell %d: %q, want %d lines about it", i, o.stream("stderr"), want)
		}
	}
}
