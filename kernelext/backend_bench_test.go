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

	"deeplearning.example/kernelext/setup"
)

// BenchmarkBackendStart measures how long a process takes to start the backend of a cell, without and with its own start.
// Run it with -benchtime=20x and read the medians.
func BenchmarkBackendStart(b *testing.B) {
	module, err := setup.ModuleRoot(".")
	if err != nil {
		b.Fatal(err)
	}
	opts := setup.Options{Module: module, Out: os.Stderr, Plugin: os.Getenv(setup.EnvPlugin)}
	if err := setup.EnsurePlugin(b.Context(), opts); err != nil {
		b.Fatal(err)
	}
	program := filepath.Join(b.TempDir(), "backendstart")
	goOutput(b, "build", "-o", program, "./testdata/backendstart")
	var whole, backend []float64
	for b.Loop() {
		start := time.Now()
		out, err := exec.Command(program).Output()
		if err != nil {
			b.Fatal(err)
		}
		whole = append(whole, float64(time.Since(start).Microseconds())/1000)
		ms, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			b.Fatal(err)
		}
		backend = append(backend, ms)
	}
	reportTimes(b, backend, "")
	reportTimes(b, whole, "process-")
}

// reportTimes reports median and minimum in milliseconds; for the median of an even number the lower of the middle two.
func reportTimes(b *testing.B, times []float64, prefix string) {
	slices.Sort(times)
	b.ReportMetric(times[(len(times)-1)/2], prefix+"median-ms")
	b.ReportMetric(times[0], prefix+"min-ms")
}
