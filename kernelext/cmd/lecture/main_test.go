package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"deeplearning.example/kernelext/internal/plugin"
	"deeplearning.example/kernelext/setup"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lecture": main})
}

// TestScripts runs the command line as users do, each script with its own home folder.
func TestScripts(t *testing.T) {
	module, err := setup.ModuleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Minute)
	defer cancel()
	if err := setup.EnsurePlugin(ctx, setup.Options{Module: module, Out: os.Stderr}); err != nil {
		t.Fatal(err)
	}
	downloadModules(t, module, filepath.Join(module, "internal", "tools", "gopls"))
	state, err := plugin.LoadState()
	if err != nil {
		t.Fatal(err)
	}
	proved := state.Proved(plugin.CPU)
	if len(proved) == 0 {
		t.Fatal("no proved plugin: these tests need one")
	}
	vars := []string{
		"MODULE=" + module,
		"PLUGIN=" + proved[0].Path,
		"PLUGINS=" + filepath.Dir(proved[0].Path),
		"GOCACHE=" + goEnv(t, "GOCACHE"),
		"GOMODCACHE=" + goEnv(t, "GOMODCACHE"),
		"SERVER=" + wheelServer(t),
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Condition:     condition,
		Setup:         func(env *testscript.Env) error { return prepare(env, vars) },
	})
}

// downloadModules gets what the scripts build, since they run without network.
func downloadModules(t *testing.T, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		cmd := exec.CommandContext(t.Context(), "go", "mod", "download")
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go mod download in %s: %v: %s", folder, err, out)
		}
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// condition [mounts] holds where the test can mount a file system, even as an ordinary user.
func condition(name string) (bool, error) {
	if name != "mounts" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	return exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt").Run() == nil, nil
}

// prepare makes the home folder of a script, folders for a PATH with Go only and an empty one, and a wheel with a plugin of zeros. No
// network is reachable except the machine itself.
func prepare(env *testscript.Env, vars []string) error {
	env.Vars = append(env.Vars, vars...)
	home := filepath.Join(env.WorkDir, "home")
	bare, nothing := filepath.Join(env.WorkDir, "bare"), filepath.Join(env.WorkDir, "nothing")
	const nowhere = "http://127.0.0.1:9"
	for _, setting := range [][2]string{
		{"HOME", home}, {"BARE", bare}, {"NOTHING", nothing}, {"WHEEL", filepath.Join(env.WorkDir, "zeros.whl")},
		{"XDG_DATA_HOME", ""}, {"XDG_CACHE_HOME", ""}, {"JUPYTER_DATA_DIR", ""}, {"JUPYTER_PATH", ""},
		{"GOMLX_BACKEND", ""}, {"CC", ""}, {"GOFLAGS", ""}, {"GOPROXY", "off"}, {"LECTURE_PLUGIN", ""},
		{"HTTPS_PROXY", nowhere}, {"HTTP_PROXY", nowhere}, {"NO_PROXY", "127.0.0.1"}, {"PIP_NO_INDEX", ""},
		{"PIP_PROXY", nowhere}, {"PIP_CONFIG_FILE", os.DevNull}, {"PIP_FIND_LINKS", ""}, {"TMPDIR", env.Getenv("WORK")},
	} {
		env.Setenv(setting[0], setting[1])
	}
	for _, dir := range []string{home, bare, nothing} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for _, link := range [][2]string{{"go", bare}, {"lecture", bare}, {"lecture", nothing}} {
		path, err := exec.LookPath(link[0])
		if err != nil {
			return err
		}
		if err := os.Symlink(path, filepath.Join(link[1], link[0])); err != nil {
			return err
		}
	}
	return zeroWheel(env.Getenv("WHEEL"))
}

// zeroWheel writes a wheel whose plugin is 20 MB of zeros: enough to fill a small disk, and no plugin at all.
func zeroWheel(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(file)
	member, err := archive.Create("zeros/pjrt_c_api_cpu_plugin.so")
	if err != nil {
		return err
	}
	if _, err := member.Write(make([]byte, 20<<20)); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return file.Close()
}

// pinned is the name and the size of the wheel that set-up wants.
const (
	pinnedFile = "lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl"
	pinnedSize = 62711338
)

// wheelServer plays the package index: /wrong/ serves other bytes of the right length, /cut/ ends after 5 MB and is
// busy from then on, and /report/X is what pip would report for the wheel under /X/.
func wheelServer(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/wrong/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(pinnedSize))
		_, _ = w.Write(make([]byte, pinnedSize))
	})
	mux.HandleFunc("/cut/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(pinnedSize))
		_, _ = w.Write(make([]byte, 5_000_000))
	})
	mux.HandleFunc("/report/", func(w http.ResponseWriter, r *http.Request) {
		kind := strings.TrimPrefix(r.URL.Path, "/report/")
		info := map[string]any{"url": server.URL + "/" + kind + "/" + pinnedFile}
		_ = json.NewEncoder(w).Encode(map[string]any{"install": []any{map[string]any{"download_info": info}}})
	})
	return server.URL
}
