package process_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"deeplearning.example/kernelext/kernel/process"
)

func TestCommandEnds(t *testing.T) {
	for script, want := range map[string]process.ExitError{
		"exit 0":                             {State: "exit status 0"},
		"exit 3":                             {State: "exit status 3", Code: 3},
		"kill -9 $$":                         {State: "signal: killed", Code: 137},
		`env -i setsid sleep "$1" & exit 4`:  {State: "exit status 4", Code: 4},
		`(setsid sleep "$1" &) ; kill -3 $$`: {State: "signal: quit", Code: 131},
	} {
		tok, dir := token(t), private(t)
		g, _ := start(t, "ulimit -c 0; "+script, tok, func(c *process.Config) { c.Private = dir })
		done(t, g)
		if err, ok := g.Err().(*process.ExitError); !ok || *err != want {
			t.Errorf("%q: Err() = %#v, want %#v", script, g.Err(), want)
		}
		if left := withToken(tok); len(left) > 0 {
			t.Errorf("%q: processes %v are left", script, left)
		}
		if entries, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(entries) > 0 {
			t.Errorf("%q: tmp of the private folder: %v, %v, want it empty", script, entries, err)
		}
		if g.Cell() != nil || g.Signal(syscall.SIGINT) != 0 || g.Usage() != (process.Usage{}) {
			t.Errorf("%q: a dead command has a cell", script)
		}
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	sh := []string{"/bin/sh", "-c", "exit"}
	for want, cfg := range map[string]process.Config{
		"Config.Command is empty":                 {Helper: helper},
		"Config.Command[0] = \"sh\"":              {Helper: helper, Command: []string{"sh"}},
		"Config.Helper = \"\"":                    {Command: sh},
		"Config.Private = \"/\"":                  {Helper: helper, Command: sh, Private: "/"},
		"/nowhere/helper: no such file":           {Helper: "/nowhere/helper", Command: sh},
		"start /nowhere/gonb: no such file":       {Helper: helper, Command: []string{"/nowhere/gonb"}},
		"start /dev/null: permission denied":      {Helper: helper, Command: []string{"/dev/null"}},
		"Config.Dir: stat /nowhere: no such file": {Helper: helper, Command: sh, Dir: "/nowhere"},
		"the guard of /bin/sh ended at its start": {Helper: "/bin/true", Command: sh},
	} {
		before := descriptors(t)
		g, err := process.Start(cfg)
		if err == nil || g != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start(%+v) = %v, %v, want %q", cfg, g, err, want)
		}
		stdin, stdout, g, err := process.StartChild(cfg)
		if err == nil || g != nil || stdin != nil || stdout != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("StartChild(%+v) = %v, %v, want %q", cfg, g, err, want)
		}
		if after := descriptors(t); after > before {
			t.Errorf("%q: %d descriptors, %d before", want, after, before)
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestSignalReachesAllOfTheCell(t *testing.T) {
	dir := t.TempDir()
	script := `
trap 'echo gonb >>"$DIR/gonb"' TERM
hear='trap "echo $1 >>\"$DIR/heard\"; exit" TERM; echo >>"$DIR/waits"; while :; do sleep 0.01; done'
for i in 1 2 3; do sh -c "$hear" cell $i & done
for i in 4 5; do setsid sh -c "$hear" cell $i & done
while [ "$(cat "$DIR/waits" | wc -l)" -lt 5 ]; do sleep 0.01; done
echo ready
while :; do sleep 0.01; done`
	g, _ := start(t, script, token(t), func(c *process.Config) { c.Env = append(os.Environ(), "DIR="+dir) })
	if n := g.Signal(syscall.SIGTERM); n < 5 {
		t.Errorf("Signal says %d, want at least 5", n)
	}
	heard := func() []string {
		text, _ := os.ReadFile(filepath.Join(dir, "heard"))
		lines := strings.Fields(string(text))
		slices.Sort(lines)
		return lines
	}
	eventually(t, "all have heard", func() bool { return len(heard()) >= 5 })
	if got := heard(); !slices.Equal(got, []string{"1", "2", "3", "4", "5"}) {
		t.Errorf("heard by %v", got)
	}
	if exists(filepath.Join(dir, "gonb")) {
		t.Error("GoNB got the signal")
	}
	eventually(t, "only GoNB's own", func() bool { return len(g.Cell()) <= 1 }) // a sleep of its loop
}

// Descendants inherit the signal handling of neither the guard nor the kernel.
func TestSignalsAreNotIgnoredBelow(t *testing.T) {
	k := startKernelWith(t, "/bin/sh", "-c", `echo ready; exec sleep "$1"`, "sh")
	eventually(t, "sleep runs", func() bool { return field(k.Command, "Name") == "sleep" })
	if ignored := field(k.Command, "SigIgn"); strings.Trim(ignored, "0") != "" {
		t.Errorf("the command ignores signals %s", ignored)
	}
	if blocked := field(k.Command, "SigBlk"); strings.Trim(blocked, "0") != "" {
		t.Errorf("the command blocks signals %s", blocked)
	}
	k.kill()
	eventually(t, "all dead", func() bool { return len(withToken(k.token)) == 0 })
}

func TestMarks(t *testing.T) {
	t.Setenv("LECTURE_KERNEL_ID", "of the runner")
	for id, want := range map[string]string{"": "of the runner", "mine": "mine"} {
		g, _ := start(t, "echo ready; sleep $1", token(t), func(c *process.Config) { c.ID = id })
		environ := func(pid int) string {
			data, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
			if err != nil {
				t.Fatal(err)
			}
			return "\x00" + string(data)
		}
		if env := environ(g.PID()); strings.Count(env, "\x00LECTURE_KERNEL_ID=") != 1 ||
			!strings.Contains(env, "\x00LECTURE_KERNEL_ID="+want+"\x00") {
			t.Errorf("environment of the command: %q", env)
		}
		inner := parent(g.PID())
		for _, pid := range []int{inner, parent(inner)} {
			if env := environ(pid); strings.Contains(env, "\x00LECTURE_") {
				t.Errorf("guard %d is marked: %q", pid, env)
			}
		}
	}
}

func TestStderr(t *testing.T) {
	g, out := start(t, `echo out; echo err >&2; read x || echo "no input"; exec ls -1 /dev/fd`, token(t), nil)
	done(t, g)
	for _, want := range []string{"out\n", "err\n", "no input\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q lacks %q", out, want)
		}
	}
	fds := strings.Fields(out.String()[strings.Index(out.String(), "no input")+len("no input"):])
	for _, fd := range []string{"4", "5", "6"} { // 3 is ls's own, 3 to 5 are the guard's
		if slices.Contains(fds, fd) {
			t.Errorf("the command has descriptors %v, want 0 to 2", fds)
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestStderrThatFailsDoesNotBlock(t *testing.T) {
	for _, w := range []io.Writer{nil, failing{}} {
		g, _ := start(t, "yes | head -c 1000000; exit 6", token(t), func(c *process.Config) { c.Stderr = w })
		done(t, g)
		if g.Err().Error() != "exit status 6" {
			t.Error(g.Err())
		}
	}
}

func TestStartChild(t *testing.T) {
	out := newLog()
	before := descriptors(t)
	stdin, stdout, g, err := process.StartChild(process.Config{
		Helper: helper, Stderr: out,
		Command: []string{"/bin/sh", "-c", `echo ready >&2; cat; setsid sleep "$1" & exit 7`, "sh", token(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	for _, text := range []string{"a\n", strings.Repeat("b", 1<<20) + "\n"} {
		go io.WriteString(stdin, text)
		if line, err := lines.ReadString('\n'); err != nil || line != text {
			t.Fatalf("%.20q, %v", line, err)
		}
	}
	stdin.Close()
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v at the end", rest, err)
	}
	done(t, g)
	if g.Err().Error() != "exit status 7" || out.String() != "ready\n" {
		t.Errorf("%v, stderr %q", g.Err(), out)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func TestNoDescriptorLeaks(t *testing.T) {
	tok := token(t)
	once := func() {
		g, err := process.Start(process.Config{Helper: helper, Command: []string{"/bin/sleep", tok}})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.End(0); err != nil {
			t.Fatal(err)
		}
	}
	once()
	before := descriptors(t)
	for range 10 {
		once()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func TestUsage(t *testing.T) {
	g, _ := start(t, `"$HOG" & wait`, token(t), func(c *process.Config) {
		c.Env = append(os.Environ(), "HOG="+os.Args[0], roleVariable+"=hog")
	})
	eventually(t, "64 MB in use", func() bool { return g.Usage().RSS > 64<<20 })
	if u := g.Usage(); u.RSS > 200<<20 || u.Processes != 1 {
		t.Errorf("usage %+v of one process with 64 MB", u)
	}
	if cell := g.Cell(); len(cell) != 1 || field(cell[0], "Name") == "sh" {
		t.Errorf("cell %v", cell)
	}
}

func BenchmarkUsage(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			out := newLog()
			script := fmt.Sprintf("for i in $(seq %d); do sleep 1000 & done; echo ready; wait", n)
			g, err := process.Start(process.Config{
				Helper: helper, Command: []string{"/bin/sh", "-c", script}, Stderr: out,
			})
			if err != nil {
				b.Fatal(err)
			}
			defer g.End(0)
			if err := out.awaitReady(g); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if u := g.Usage(); u.Processes != n {
					b.Fatalf("%+v", u)
				}
			}
		})
	}
}
