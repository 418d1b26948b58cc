package kernelext_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/setup"
)

// xlaImports are what a cell of a lecture notebook links.
const xlaImports = `import (
	"deeplearning.example/kernelext"
	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
	"github.com/janpfeifer/must"
)
%%
`

// BenchmarkCell is the wall time of a cell, from execute_request to idle, in the kernel as set-up installs it. Each
// cell differs from those before, so that it is built, linked and run; the first one, which builds packages, is not
// counted. Run it with -benchtime=20x: the medians are what counts.
func BenchmarkCell(b *testing.B) {
	spec := lectureSpec(b)
	for _, bench := range []struct{ name, code string }{
		{"standard-library", "%%\nfmt.Println(COUNT)"},
		{"assert", cell(`kernelext.Assert(true, "%d", COUNT)`)},
		{"plot", cell(`values := kernelext.Series{Y: []float64{1, COUNT}}
			p, err := kernelext.Lines(kernelext.Axes{X: "x", Y: "y"}, values)
			if err != nil { panic(err) }
			if err := kernelext.Plot(p); err != nil { panic(err) }`)},
		{"xla-linked", xlaImports + `if len(os.Args) > 99 {
				_ = must.M1(lecture11.NewVAE(must.M1(device.Backend()), lecture11.VAEConfig{}))
			}
			kernelext.Assert(true, "%d", COUNT)`},
		{"xla-started", xlaImports + `backend := must.M1(device.Backend())
			if len(os.Args) > 99 { _ = must.M1(lecture11.NewVAE(backend, lecture11.VAEConfig{})) }
			kernelext.Assert(true, "%d on %s", COUNT, backend.Name())`},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkCell(b, spec, bench.code) })
	}
}

// benchmarkCell runs code with COUNT replaced by a number that no cell had before.
func benchmarkCell(b *testing.B, spec *jupyter.Spec, code string) {
	kernel := startSpec(b, spec)
	count := int(time.Now().Unix()) // the build cache remembers the cells of earlier runs
	next := func() string {
		count++
		return strings.ReplaceAll(code, "COUNT", strconv.Itoa(count))
	}
	mustSucceed(b, kernel, next())
	var times []float64
	for b.Loop() {
		start := time.Now()
		mustSucceed(b, kernel, next())
		times = append(times, milliseconds(time.Since(start)))
	}
	reportTimes(b, times, "")
}

// BenchmarkBackendStart is how long a process takes to start the backend of a cell, without and with its own start.
func BenchmarkBackendStart(b *testing.B) {
	lectureSpec(b) // gets the plugin
	program := filepath.Join(b.TempDir(), "backendstart")
	goOutput(b, "build", "-o", program, "./testdata/backendstart")
	var whole, backend []float64
	for b.Loop() {
		start := time.Now()
		out, err := exec.Command(program).Output()
		if err != nil {
			b.Fatal(err)
		}
		whole = append(whole, milliseconds(time.Since(start)))
		ms, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			b.Fatal(err)
		}
		backend = append(backend, ms)
	}
	reportTimes(b, backend, "")
	reportTimes(b, whole, "process-")
}

// lectureSpec is the kernelspec of set-up, which is run first: it does nothing where nothing is missing.
func lectureSpec(b *testing.B) *jupyter.Spec {
	b.Helper()
	module, err := setup.ModuleRoot(".")
	if err != nil {
		b.Fatal(err)
	}
	opts := setup.Options{Module: module, Out: os.Stderr, Quiet: true, Plugin: os.Getenv(setup.EnvPlugin)}
	if err := setup.Run(b.Context(), opts, setup.Steps()); err != nil {
		b.Fatal(err)
	}
	spec, err := jupyter.FindSpec(setup.KernelName, os.Getenv)
	if err != nil {
		b.Fatal(err)
	}
	return spec
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// reportTimes reports median and minimum in milliseconds; for the median of an even number the lower of the middle two.
func reportTimes(b *testing.B, times []float64, prefix string) {
	slices.Sort(times)
	b.ReportMetric(times[(len(times)-1)/2], prefix+"median-ms")
	b.ReportMetric(times[0], prefix+"min-ms")
}
