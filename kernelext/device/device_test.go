package device_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"deeplearning.example/internal/testx"
	"deeplearning.example/kernelext/device"
)

// unsetBackend lets the test choose by LECTURE_DEVICE even if GOMLX_BACKEND is set.
func unsetBackend(t *testing.T) {
	t.Helper()
	t.Setenv(compute.ConfigEnvVar, "")
	if err := os.Unsetenv(compute.ConfigEnvVar); err != nil {
		t.Fatal(err)
	}
}

// TestOpen opens the devices that each machine has.
func TestOpen(t *testing.T) {
	testx.Backend(t) // gets the plugin
	unsetBackend(t)
	for want, text := range map[string]string{"go": "pure-Go", "cpu": "XLA on the CPU", "": "XLA on"} {
		var warn bytes.Buffer
		backend, err := device.Open(want, &warn)
		if err != nil {
			t.Fatal(err)
		}
		if got := device.Describe(backend); !strings.Contains(got, text) {
			t.Errorf("Open(%q) = %s, want %s", want, got, text)
		}
		if warn.Len() > 0 {
			t.Errorf("Open(%q) warns %q", want, &warn)
		}
		if count := int(backend.NumDevices()); want == "cpu" && count != 1 {
			t.Errorf("Open(%q) has %d devices, want the CPU as one", want, count)
		}
		backend.Finalize()
	}
}

// TestOpenUnknown expects a list of the available devices.
func TestOpenUnknown(t *testing.T) {
	unsetBackend(t)
	for _, want := range []string{"gpu", "cuda:x", "cuda:-1", "cpu:0", "go:1"} {
		_, err := device.Open(want, os.Stderr)
		if err == nil || !strings.Contains(err.Error(), "want cuda, cuda:N, cpu or go (here: ") {
			t.Errorf("Open(%q): err = %v", want, err)
		}
	}
}

// TestOpenWithoutPlugin computes in pure Go and says so in one line; it fails if another device was asked for.
func TestOpenWithoutPlugin(t *testing.T) {
	unsetBackend(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	var warn bytes.Buffer
	backend, err := device.Open("", &warn)
	if err != nil {
		t.Fatal(err)
	}
	if got := device.Describe(backend); !strings.Contains(got, "pure-Go") {
		t.Errorf("backend = %s", got)
	}
	if got := warn.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "about 14 times slower") {
		t.Errorf("warning = %q, want one line", got)
	}
	for _, want := range []string{"cpu", "cuda", "cuda:0"} {
		if _, err := device.Open(want, &warn); err == nil || !strings.Contains(err.Error(), "lecture setup") {
			t.Errorf("Open(%q): err = %v, want what gets a plugin", want, err)
		}
	}
}

// TestOpenUnproved checks that a plugin in go-xla's folder without a proof is not loaded: this one would kill the test.
func TestOpenUnproved(t *testing.T) {
	unsetBackend(t)
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", dir)
	if err := os.WriteFile(filepath.Join(dir, "pjrt_c_api_cpu_v0.115.0_plugin.so"), []byte("half"), 0o755); err != nil {
		t.Fatal(err)
	}
	var warn bytes.Buffer
	if _, err := device.Open("", &warn); err != nil || !strings.Contains(warn.String(), "no proved plugin") {
		t.Errorf("warning = %q, err = %v", &warn, err)
	}
}

// TestBackendVariable checks that GOMLX_BACKEND takes precedence, and that GoMLX's panic on a wrong one becomes an
// error.
func TestBackendVariable(t *testing.T) {
	t.Setenv(compute.ConfigEnvVar, "go")
	backend, err := device.Open("cuda:7", os.Stderr)
	if err != nil || !strings.Contains(device.Describe(backend), "pure-Go") {
		t.Errorf("backend = %v, err = %v", backend, err)
	}
	t.Setenv(compute.ConfigEnvVar, "tpu")
	if _, err := device.Open("", os.Stderr); err == nil || !strings.Contains(err.Error(), `GOMLX_BACKEND="tpu"`) {
		t.Errorf("err = %v", err)
	}
}

// BenchmarkStart measures a cell's time for its backend, once the plugin is in the page cache.
func BenchmarkStart(b *testing.B) {
	testx.Backend(b)
	b.Setenv(compute.ConfigEnvVar, "")
	_ = os.Unsetenv(compute.ConfigEnvVar)
	for b.Loop() {
		backend, err := device.Open("cpu", os.Stderr)
		if err != nil {
			b.Fatal(err)
		}
		backend.Finalize()
	}
}
