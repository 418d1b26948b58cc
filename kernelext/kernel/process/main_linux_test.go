package process_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"deeplearning.example/kernelext/kernel/process"
)

const (
	// roleVariable makes this test program another program: "kernel" or "hog".
	roleVariable = "PROCESS_TEST_ROLE"
	// limit ends a test that hangs. It is far longer than any step takes, and shorter than the life of the processes
	// that must be killed.
	limit = time.Minute
)

var helper string

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "kernel":
		playKernel()
	case "hog":
		playHog()
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "process-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	helper = filepath.Join(dir, "lecture-helper")
	build := exec.Command("go", "build", "-o", helper, "deeplearning.example/kernelext/internal/lecturehelper")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %v\n%s", build, err, out)
		return 1
	}
	return m.Run()
}

// played is a simulated kernel, with its report about itself.
type played struct {
	Kernel, Keeper, Outer, Inner, Command int
	Private                               string

	cmd    *exec.Cmd
	parent string        // of the private folder; the token is in its name
	token  string        // on the command lines of all processes
	ended  <-chan string // the kernel's report of GoNB's end
}

func (k *played) kill() {
	k.cmd.Process.Kill()
	k.cmd.Wait()
}

// playKernel starts the command given as its arguments. It prints the process ids when the command prints "ready", and
// how the command ended. It stays until it is killed. Like a kernel that was started with nohup it ignores some
// signals.
func playKernel() {
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
	log := newLog()
	private, err := process.MakePrivate(os.Args[1], os.Args[2], privatePrefix)
	exitOn(err)
	exitOn(fill(private.Path()))
	g, err := process.Start(process.Config{
		Helper: os.Args[1], Private: private.Path(), Command: os.Args[3:], ID: "played", Stderr: log,
	})
	exitOn(err)
	exitOn(log.awaitReady(g))
	inner := parent(g.PID())
	json.NewEncoder(os.Stdout).Encode(played{
		Kernel: os.Getpid(), Keeper: private.Keeper(), Private: private.Path(),
		Outer: parent(inner), Inner: inner, Command: g.PID(),
	})
	<-g.Done()
	fmt.Println(g.Err())
	time.Sleep(time.Hour) // select would be a deadlock once all is over
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// playHog takes 64 MB and reports it.
func playHog() {
	memory := bytes.Repeat([]byte{1}, 64<<20)
	fmt.Println("ready")
	time.Sleep(time.Hour)
	fmt.Println(memory[0])
}

// log keeps the output of a command.
type log struct {
	mu    sync.Mutex
	text  strings.Builder
	ready chan struct{}
}

func newLog() *log { return &log{ready: make(chan struct{})} }

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := strings.Contains(l.text.String(), "ready")
	l.text.Write(p)
	if !was && strings.Contains(l.text.String(), "ready") {
		close(l.ready)
	}
	return len(p), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *log) awaitReady(g *process.Guarded) error {
	select {
	case <-l.ready:
		return nil
	case <-g.Done():
		return fmt.Errorf("the command has ended: %v: %s", g.Err(), l)
	case <-time.After(limit):
		return fmt.Errorf("the command is not ready: %s", l)
	}
}

// field reads a line of /proc/<pid>/status.
func field(pid int, name string) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func parent(pid int) int {
	n, _ := strconv.Atoi(field(pid, "PPid"))
	return n
}

func alive(pid int) bool {
	state := field(pid, "State")
	return state != "" && state[0] != 'Z' && state[0] != 'X'
}

// withToken lists the living processes whose command line has token.
func withToken(token string) []int {
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if data, _ := os.ReadFile(file); bytes.Contains(data, []byte(token)) && pid != os.Getpid() && alive(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Since(begin) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// token returns an argument of sleep that no other process uses.
func token(t *testing.T) string {
	t.Helper()
	text := fmt.Sprintf("1000.%d%d", os.Getpid(), time.Now().UnixNano())
	t.Cleanup(func() {
		for _, pid := range withToken(text) {
			t.Errorf("process %d is left: %q", pid, field(pid, "Name"))
			syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return text
}

// privatePrefix starts the names of the kernels' folders.
const privatePrefix = "lecture-kernel-"

// private creates a folder as fill does, without a keeper.
func private(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", privatePrefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := fill(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// fill puts something into the tmp of a private folder, also into a folder that cannot be written.
func fill(dir string) error {
	locked := filepath.Join(dir, "tmp", "gonb_x", "locked")
	if err := os.MkdirAll(locked, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(locked, "file"), nil, 0o400); err != nil {
		return err
	}
	return os.Chmod(locked, 0o500)
}

// start runs a shell script below a guard; $1 is tok.
func start(t *testing.T, script, tok string, change func(*process.Config)) (*process.Guarded, *log) {
	t.Helper()
	out := newLog()
	cfg := process.Config{Helper: helper, Command: []string{"/bin/sh", "-c", script, "gonb", tok}, Stderr: out}
	if change != nil {
		change(&cfg)
	}
	g, err := process.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.End(0); err != nil {
			t.Error(err)
		}
	})
	if strings.Contains(script, "ready") {
		if err := out.awaitReady(g); err != nil {
			t.Fatal(err)
		}
	}
	return g, out
}

func done(t *testing.T, g *process.Guarded) {
	t.Helper()
	select {
	case <-g.Done():
	case <-time.After(limit):
		t.Fatal("not done")
	}
}
