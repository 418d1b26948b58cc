package gopls

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// limit ends a test that hangs. It is far longer than any step takes.
const limit = 2 * time.Minute

// shared is the session for the tests of the real gopls, one after another.
var shared struct {
	once sync.Once
	s    *Session
	took time.Duration // to load
	err  error
}

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gopls-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	folder = dir
	code := m.Run()
	if shared.s != nil {
		if err := shared.s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if left := processesIn(dir); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "processes %v are left after Close\n", left)
			return 1
		}
	}
	return code
}

// folder holds the folders of all sessions of the real gopls.
var folder string

// buildGopls returns the path of gopls as set-up pins it. It is built at its first use, into the user's cache.
var buildGopls = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(cache, "lecture11-frontends", "bin")
	path := filepath.Join(bin, "gopls")
	dir := filepath.Join("..", "..", "internal", "tools", "gopls")
	pin, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || isPinned(path, string(pin)) {
		return path, err
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	temp := path + "-" + strconv.Itoa(os.Getpid()) // another test may be running the old one
	defer os.Remove(temp)
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", temp, "golang.org/x/tools/gopls")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return path, os.Rename(temp, path)
})

// isPinned reports whether path is the gopls that a module file requires, built by this Go.
func isPinned(path, modFile string) bool {
	info, err := buildinfo.ReadFile(path)
	if err != nil || info.GoVersion != runtime.Version() {
		return false
	}
	for _, module := range append(info.Deps, &info.Main) {
		if module.Path == "golang.org/x/tools/gopls" {
			return strings.Contains(modFile, module.Path+" "+module.Version)
		}
	}
	return false
}

// pinned returns the path of the real gopls; tests that need it are skipped under -short.
func pinned(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("takes the real gopls, which loads for some seconds")
	}
	path, err := buildGopls()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// cellImports are the imports that a kernel of this module loads beforehand.
var cellImports = []string{
	"deeplearning.example/lecture11", "deeplearning.example/lecture11/data", "deeplearning.example/kernelext",
	"github.com/gomlx/gomlx/core/graph", "github.com/gomlx/gomlx/core/tensors", "github.com/gomlx/gomlx/ml/model",
	"github.com/gomlx/gomlx/ml/train", "github.com/janpfeifer/must",
}

// earlier holds the definitions of the previous cells.
const earlier = `package main

import (
	"fmt"
	. "github.com/gomlx/gomlx/core/graph"

	"deeplearning.example/lecture11"
)

// Point is a place in the plane.
type Point struct{ X, Y float64 }

// Norm is the length of p.
func (p Point) Norm() float64 { return p.X }

var origin Point

// Helper helps.
func Helper(a int, б string) (int, error) { fmt.Println(lecture11.NewVAE); return 0, nil }

func squareOf(x *Node) *Node { return Square(x) }

func main() {}
`

// module returns the folder of this module.
func module(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// session returns the shared session with the real gopls, loaded, and with the earlier cells.
func session(t testing.TB) *Session {
	t.Helper()
	path := pinned(t)
	shared.once.Do(func() {
		shared.s = New(Options{Program: path, Dir: filepath.Join(folder, "shared"), Module: module(t), Imports: cellImports})
		began := time.Now()
		shared.err = awaitReady(shared.s)
		shared.took = time.Since(began)
		shared.s.SetDefinitions([]byte(earlier))
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.s
}

// awaitReady starts gopls and waits until it has loaded.
func awaitReady(s *Session) error {
	v, err := s.running()
	if err != nil {
		return err
	}
	select {
	case <-v.ready:
		return nil
	case <-v.gone:
		return errGone
	case <-time.After(loadLimit):
		return errors.New("gopls is not ready")
	}
}

// small returns a session with a separate gopls that knows the standard library only.
func small(t *testing.T, change func(*Options)) (*Session, *lines) {
	t.Helper()
	logged := new(lines)
	o := Options{Program: pinned(t), Dir: filepath.Join(folder, t.Name()), Log: logged.add}
	if change != nil {
		change(&o)
	}
	s := New(o)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, logged
}

// lines keeps what was logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

// within returns a context that ends after d.
func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// cut removes the cursor, "|", from a cell.
func cut(t testing.TB, marked string) (code string, cursor int) {
	t.Helper()
	before, after, found := strings.Cut(marked, "|")
	if !found {
		t.Fatalf("cell %q has no cursor", marked)
	}
	return before + after, len(before)
}

// processesIn lists the living processes whose working folder is dir or below. That of gopls is its session's.
func processesIn(dir string) []int {
	var pids []int
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		cwd, err := os.Readlink(link)
		if err != nil || cwd != dir && !strings.HasPrefix(cwd, dir+"/") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if status, _ := os.ReadFile(filepath.Join(filepath.Dir(link), "stat")); err == nil && !bytes.Contains(status, []byte(") Z ")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// resident sums the resident memory of the processes in a folder, in bytes.
func resident(dir string) (sum int64) {
	for _, pid := range processesIn(dir) {
		statm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if fields := strings.Fields(string(statm)); len(fields) > 1 {
			pages, _ := strconv.ParseInt(fields[1], 10, 64) // digits, always
			sum += pages * int64(os.Getpagesize())
		}
	}
	return sum
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
