package frontends

import (
	"bufio"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"deeplearning.example/kernelext/nbformat"
)

//go:embed browser
var browserFiles embed.FS

var (
	shots     = flag.String("shots", "", "folder for the screenshots; empty: in the user's cache folder")
	scenarios = flag.String("scenarios", "", "names of the browser's scenarios to run, by commas; empty: all")
)

// lab is a running JupyterLab.
type lab struct{ url, token, dir string }

// scenario is one line of browser/main.mjs.
type scenario struct{ Name, Error, Note string }

// TestBrowser does in JupyterLab, in headless Chromium, what a student does, and looks at what is then on the page.
func TestBrowser(t *testing.T) {
	Need(t)
	chromium, node := browserPrograms(t)
	i := Install(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*Patience)
	defer cancel()
	scripts, err := installBrowser(ctx)
	if err != nil {
		t.Fatal(err)
	}
	nb := Notebook(t, TagAsks)
	l := startLab(ctx, t, i)
	saved := filepath.Join(l.dir, "frontends.ipynb")
	if err := nbformat.Write(saved, nb); err != nil {
		t.Fatal(err)
	}
	watch := watchKernels(t, i.Bin)
	args := []string{filepath.Join(scripts, "main.mjs"), l.url, l.token, l.dir, shotsFolder(t), chromium}
	if *scenarios != "" {
		args = append(args, strings.Split(*scenarios, ",")...)
	}
	runScenarios(t, exec.CommandContext(ctx, node, args...), func(t *testing.T, s scenario) {
		switch s.Name {
		case "outputs":
			compareSaved(t, saved, i.Nbclient(ctx, t, nb))
		case "flood":
			watch.check(t)
		}
	})
}

// browserPrograms finds the programs that the test needs and does not get itself.
func browserPrograms(t *testing.T) (chromium, node string) {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	node, err := exec.LookPath("node")
	if _, npm := exec.LookPath("npm"); chromium == "" || err != nil || npm != nil {
		t.Skip("the test in a browser needs chromium (or google-chrome), node and npm: install them and try again")
	}
	return chromium, node
}

// installBrowser copies the scripts to the cache folder and gets what they import, once for each of their versions.
func installBrowser(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	lock, err := browserFiles.ReadFile("browser/package-lock.json")
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(lock)
	root := filepath.Join(cache, "lecture11-frontends", fmt.Sprintf("browser-%x", hash[:6]))
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	entries, err := browserFiles.ReadDir("browser")
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		data, err := browserFiles.ReadFile("browser/" + entry.Name())
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(root, entry.Name()), data, 0o644); err != nil {
			return "", err
		}
	}
	if _, err := os.Stat(filepath.Join(root, "node_modules", "playwright-core", "package.json")); err == nil {
		return root, nil
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("frontends: npm ci: %w\n%s", err, out)
	}
	return root, nil
}

func shotsFolder(t *testing.T) string {
	t.Helper()
	dir := *shots
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(cache, "lecture11-frontends", "shots")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Log("screenshots are in", dir)
	return dir
}

// labSettings make pages the same each time: no news, all cells in the page.
var labSettings = map[string]string{
	"apputils-extension/notification.jupyterlab-settings": `{"fetchNews": "false", "checkForUpdates": false}`,
	"notebook-extension/tracker.jupyterlab-settings":      `{"windowingMode": "none"}`,
}

// startLab starts JupyterLab on an empty folder and ends it with the test.
func startLab(ctx context.Context, t *testing.T, i *Installation) *lab {
	t.Helper()
	l := &lab{token: uuid.NewString(), dir: t.TempDir()}
	settings := t.TempDir()
	for name, text := range labSettings {
		path := filepath.Join(settings, "@jupyterlab", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	l.url = "http://127.0.0.1:" + port
	cmd := i.Command(ctx, l.dir, "jupyter", "lab", "--no-browser", "--allow-root", "--ip", "127.0.0.1", "--port", port,
		"--ServerApp.port_retries=0", "--IdentityProvider.token="+l.token)
	cmd.Env = append(cmd.Env, "JUPYTERLAB_SETTINGS_DIR="+settings)
	log := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it ends its kernels
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Cancel()
		cmd.Wait()
		if t.Failed() {
			t.Log(log)
		}
	})
	l.wait(ctx, t)
	return l
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// wait waits until the server answers.
func (l *lab) wait(ctx context.Context, t *testing.T) {
	t.Helper()
	for {
		response, err := http.Get(l.url + "/api")
		if err == nil {
			response.Body.Close()
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("JupyterLab does not start: ", err)
		}
	}
}

// runScenarios passes on the verdicts of the scenarios; more looks at what the page cannot show.
func runScenarios(t *testing.T, cmd *exec.Cmd, more func(t *testing.T, s scenario)) {
	t.Helper()
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = waitDelay
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var s scenario
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Errorf("the browser says %q: %v", lines.Text(), err)
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			if s.Note != "" {
				t.Log(s.Note)
			}
			if s.Error != "" {
				t.Fatal(s.Error)
			}
			more(t, s)
		})
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// compareSaved compares the file that JupyterLab has saved with what nbclient left.
func compareSaved(t *testing.T, saved string, executed *nbformat.Notebook) {
	t.Helper()
	nb, err := nbformat.Read(saved)
	if err != nil {
		t.Fatal(err)
	}
	want, got := Outputs(t, executed), Outputs(t, nb)
	if len(got) != len(want) {
		t.Fatalf("%d code cells, want %d", len(got), len(want))
	}
	for cell := range want {
		if got[cell] != want[cell] {
			t.Errorf("cell %d:\n%.2000s\nwith nbclient:\n%.2000s", cell, got[cell], want[cell])
		}
	}
}
