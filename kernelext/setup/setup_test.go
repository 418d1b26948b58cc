package setup

import (
	"archive/zip"
	"bytes"
	"context"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"deeplearning.example/kernelext/internal/plugin"
	"deeplearning.example/kernelext/jupyter"
)

// newHome creates a home folder for the test, with the caches of Go where they were.
func newHome(t *testing.T) Options {
	t.Helper()
	module, err := ModuleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	s := &Installation{Options: Options{Module: module}}
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		dir, err := s.goCommand(t.Context(), module, "env", name)
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, strings.TrimSpace(dir))
	}
	t.Setenv("HOME", t.TempDir())
	for _, name := range []string{"XDG_DATA_HOME", "JUPYTER_DATA_DIR", plugin.EnvSearch} {
		t.Setenv(name, "")
	}
	return Options{Module: module}
}

func openInstallation(t *testing.T, opts Options) *Installation {
	t.Helper()
	s, unlock, err := open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unlock)
	return s
}

// TestParallelRuns starts four set-ups at once: one does the work, the others find it done.
func TestParallelRuns(t *testing.T) {
	opts := newHome(t)
	opts.Only = []string{"kernelspec"}
	var outs [4]bytes.Buffer
	var errs [4]error
	var group sync.WaitGroup
	for i := range outs {
		mine := opts
		mine.Out = &outs[i]
		group.Go(func() { errs[i] = Run(context.Background(), mine, Steps()) })
	}
	group.Wait()
	trials := 0
	for i := range outs {
		if errs[i] != nil {
			t.Error(errs[i])
		}
		trials += strings.Count(outs[i].String(), "trying Go's own linker")
	}
	if trials != 1 {
		t.Errorf("the linker was tried %d times, want once", trials)
	}
}

// TestKernelspec reads the kernelspec as a Jupyter front end does.
func TestKernelspec(t *testing.T) {
	opts := newHome(t)
	opts.Only = []string{"kernelspec"}
	t.Setenv("XDG_DATA_HOME", filepath.Join(os.Getenv("HOME"), "data"))
	if err := Run(t.Context(), opts, Steps()); err != nil {
		t.Fatal(err)
	}
	spec, err := jupyter.FindSpec(KernelName, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	folders, err := ResolveFolders("")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(folders.Bin, "lecture"), "kernel", "--connection-file", "{connection_file}",
		"--module", opts.Module}
	if !slices.Equal(spec.Argv, want) {
		t.Errorf("argv = %q, want %q", spec.Argv, want)
	}
	if spec.InterruptMode != jupyter.InterruptMessage || spec.Language != "go" {
		t.Errorf("interrupt_mode %q, language %q", spec.InterruptMode, spec.Language)
	}
	if !strings.HasPrefix(spec.Env["PATH"], folders.Bin+":") || !strings.HasSuffix(spec.Env["PATH"], ":${PATH}") {
		t.Errorf("PATH = %s", spec.Env["PATH"])
	}
	if spec.Env["GOPROXY"] != "off" || !strings.Contains(spec.Env["GOFLAGS"], "-s -w") {
		t.Errorf("env = %v", spec.Env)
	}
	if spec.Env["XDG_DATA_HOME"] != os.Getenv("XDG_DATA_HOME") {
		t.Errorf("a cell would look for the plugin in another folder: %v", spec.Env)
	}
	checkLogos(t, folders.kernelFolder())
}

func checkLogos(t *testing.T, dir string) {
	t.Helper()
	for name, side := range map[string]int{"logo-32x32.png": 32, "logo-64x64.png": 64} {
		file, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(file)
		_ = file.Close()
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds().Dx() != side || img.Bounds().Dy() != side {
			t.Errorf("%s is %v", name, img.Bounds())
		}
		if _, _, _, alpha := img.At(0, 0).RGBA(); alpha != 0 {
			t.Errorf("%s: the corner is not transparent", name)
		}
	}
	svg, err := os.ReadFile(filepath.Join(dir, "logo-svg.svg"))
	if err != nil || !bytes.HasPrefix(svg, []byte("<svg xmlns=")) {
		t.Errorf("svg: %.20q, %v", svg, err)
	}
}

// TestUninstallKeepsForeign removes what set-up installed, and keeps foreign and changed files.
func TestUninstallKeepsForeign(t *testing.T) {
	opts := newHome(t)
	var out bytes.Buffer
	opts.Out = &out
	s, unlock, err := open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	ours, changed := filepath.Join(s.Bin, "gonb"), filepath.Join(s.Plugins, "changed.so")
	for _, path := range []string{ours, changed} {
		if err := s.writeFile(path, []byte("ours"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	foreign := filepath.Join(s.Plugins, "foreign.so")
	for _, path := range []string{foreign, changed} {
		if err := os.WriteFile(path, []byte("theirs"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	unlock()
	if err := Uninstall(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Data); !os.IsNotExist(err) {
		t.Errorf("the data folder is left: %v", err)
	}
	for _, path := range []string{foreign, changed} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(out.String(), "kept "+changed+": it was changed after the set-up") {
		t.Errorf("out = %q", &out)
	}
}

// TestUnpackWheel refuses a plugin with another hash before it gets its name.
func TestUnpackWheel(t *testing.T) {
	s := openInstallation(t, newHome(t))
	path := filepath.Join(t.TempDir(), "plugin.whl")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(file)
	member, err := archive.Create("p/pjrt_c_api_cpu_plugin.so")
	if err != nil {
		t.Fatal(err)
	}
	_, err = member.Write([]byte("some bytes"))
	if err != nil || archive.Close() != nil || file.Close() != nil {
		t.Fatal(err)
	}
	pinned := wheel{Member: "p/pjrt_c_api_cpu_plugin.so", MemberSHA256: strings.Repeat("0", 64), API: "0.1"}
	_, err = s.unpackWheel(t.Context(), path, pinned)
	if err == nil || !strings.Contains(err.Error(), "want 000000") {
		t.Errorf("err = %v, want one about the hash", err)
	}
	if left := filesBelow(s.Plugins); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestState forgets a proof when its file changes. A proof of an earlier version, which did not test the cache of compiled
// programs, is not complete.
func TestState(t *testing.T) {
	s := openInstallation(t, newHome(t))
	path := filepath.Join(t.TempDir(), "pjrt_c_api_cpu_v1_plugin.so")
	if err := os.WriteFile(path, []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	record, err := s.identify(path)
	if err != nil {
		t.Fatal(err)
	}
	record.OK = true
	if err := s.remember(record); err != nil {
		t.Fatal(err)
	}
	if proved() {
		t.Error("a proof without a test of the cache counts")
	}
	record.Cache, record.Options = plugin.Works, plugin.Works
	if err := s.remember(record); err != nil {
		t.Fatal(err)
	}
	if !proved() {
		t.Fatal("a remembered proof is not found")
	}
	if err := os.WriteFile(path, []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if proved() {
		t.Error("the proof of a changed file still counts")
	}
	statePath := filepath.Join(s.Data, "plugins.json")
	if err := os.WriteFile(statePath, []byte("{half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if state, err := plugin.LoadState(); err != nil || len(state.Plugins) > 0 {
		t.Errorf("a damaged state file: %v, %v; want an empty state", state, err)
	}
}

// TestUnknownStep expects the names of the known steps.
func TestUnknownStep(t *testing.T) {
	opts := newHome(t)
	opts.Only = []string{"tool"}
	err := Run(t.Context(), opts, Steps())
	if err == nil || !strings.Contains(err.Error(), `unknown step "tool", want one of toolchain, modules, plugin`) {
		t.Errorf("err = %v", err)
	}
}

// TestDoctor on an empty home names the missing parts and their fixes, and changes nothing.
func TestDoctor(t *testing.T) {
	opts := newHome(t)
	checks, ok, err := Doctor(t.Context(), opts)
	if err != nil || ok {
		t.Fatalf("ok = %v, err = %v; want something missing", ok, err)
	}
	status := map[string]string{}
	for _, c := range checks {
		status[c.Name] = c.Status
		if c.Status != StatusOK && c.Fix == "" {
			t.Errorf("%s is %s and has no fix", c.Name, c.Status)
		}
	}
	want := map[string]string{"Go": StatusOK, "C compiler": StatusOK, "gonb": StatusMissing, "gopls": StatusWarning,
		"lecture": StatusMissing, "lecture-helper": StatusMissing, "kernelspec": StatusMissing, "XLA plugin": StatusWarning}
	for name, s := range want {
		if status[name] != s {
			t.Errorf("%s is %q, want %q", name, status[name], s)
		}
	}
	// The go command itself may leave a .config.
	if _, err := os.Stat(filepath.Join(os.Getenv("HOME"), ".local")); !os.IsNotExist(err) {
		t.Errorf("the doctor wrote something: %v", err)
	}
}
