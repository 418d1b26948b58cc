package hook

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestProcessorLines: two processors that differ in one feature are different, and the clock rate does not count.
func TestProcessorLines(t *testing.T) {
	const text = "processor\t: 0\nmodel name\t: A\ncpu MHz\t\t: 2000\nflags\t\t: sse avx2\n\nprocessor\t: 1\nmodel name\t: B\n"
	if got, want := processorLines(text), "model name:A\nflags:sse avx2\n"; got != want {
		t.Errorf("processorLines = %q, want %q", got, want)
	}
	if processorLines(strings.Replace(text, "avx2", "avx512f", 1)) == processorLines(text) {
		t.Error("another feature makes no difference")
	}
	if processorLines(strings.Replace(text, "2000", "2001", 1)) != processorLines(text) {
		t.Error("another clock rate makes a difference")
	}
}

func TestMachineNamesTheProcessor(t *testing.T) {
	if processor() == "" {
		t.Error("this machine's processor has no name")
	}
}

// TestHeader: the copy of PJRT's header is that of the go-xla of go.mod, with which the table of functions is passed on.
func TestHeader(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/gomlx/go-xla").Output()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "pjrt", "pjrt_c_api.h"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("pjrt_c_api.h")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("pjrt_c_api.h differs from go-xla's: copy it from there")
	}
}
