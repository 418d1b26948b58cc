package main_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"deeplearning.example/kernelext/internal/agent"
)

func TestShell(t *testing.T) {
	for line, want := range map[string]result{
		"echo out; echo err >&2":               {"out\n", "err\n", 0},
		"read x; echo \"got $x\"; exit 3":      {"got input\n", "", 3},
		"kill -TERM $$":                        {"", "", 143},
		"echo $A; grep SigIgn /proc/$$/status": {"new\n" + ignored(t), "", 0},
		"printf '\\xff\\xfe'; [[ a == a ]]":    {"\xff\xfe", "", 0},
	} {
		k := play(t, agent.Reply{Env: []string{"A=new"}})
		if got := execute(t, helper, "shell", line); got != (result{code: want.code}) {
			t.Errorf("%q: by itself the helper gives %+v, want the exit code %d alone", line, got, want.code)
		}
		stdout, stderr := k.texts()
		if got := (result{stdout, stderr, want.code}); got != want {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
		r := k.requests(2)
		if r[0].Op != agent.OpShell || len(r[0].Args) != 1 || r[0].Args[0] != line {
			t.Errorf("%q: request %+v", line, r[0])
		}
		if r[1].Op != agent.OpExit || r[1].Code != want.code || r[1].PID != r[0].PID {
			t.Errorf("%q: request %+v", line, r[1])
		}
	}
}

func TestScript(t *testing.T) {
	for _, test := range []struct {
		argv   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{"cat", "-"}, 0, "input\n", ""},
		{[]string{"/bin/sh", "-c", "exit 5", "guard"}, 5, "", ""},
		{[]string{"no-such-program"}, 127, "", "lecture-helper: no-such-program: "},
		{[]string{"/nowhere/x"}, 127, "", "lecture-helper: /nowhere/x: "},
		{[]string{"/dev/null"}, 126, "", "permission denied"},
	} {
		k := play(t, agent.Reply{})
		if got := execute(t, append([]string{helper, "script"}, test.argv...)...); got != (result{code: test.code}) {
			t.Errorf("%q: by itself the helper gives %+v", test.argv, got)
		}
		stdout, stderr := k.texts()
		if stdout != test.stdout || !strings.Contains(stderr, test.stderr) || test.stderr == "" && stderr != "" {
			t.Errorf("%q: %q, %q", test.argv, stdout, stderr)
		}
		if r := k.requests(2); r[0].Op != agent.OpScript || r[1].Code != test.code {
			t.Errorf("%q: %+v", test.argv, r)
		}
	}
}

func TestChildAlone(t *testing.T) {
	alone(t)
	if got := execute(t, helper, "shell", "echo out; exit 3"); got != (result{"out\n", "", 3}) {
		t.Errorf("shell: %+v", got)
	}
	if got := execute(t, helper, "script", "cat"); got != (result{"input\n", "", 0}) {
		t.Errorf("script: %+v", got)
	}
}

func TestChildRefused(t *testing.T) {
	k := play(t, agent.Reply{Refuse: "interrupted"})
	if got := execute(t, helper, "shell", "echo out"); got != (result{code: 130}) {
		t.Errorf("%+v, want exit code 130 and no word", got)
	}
	k.requests(1)
}

// The helper itself ignores an interrupt, and its child does not.
func TestChildIsInterrupted(t *testing.T) {
	k := play(t, agent.Reply{})
	cmd := exec.Command(helper, "shell", `trap 'echo trapped; exit 7' INT; echo ready; while :; do sleep 0.01; done`)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	k.requests(1)
	k.readers[0].SetReadDeadline(time.Now().Add(limit))
	if n, err := k.readers[0].Read(make([]byte, len("ready\n"))); err != nil {
		t.Fatal(n, err)
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd.Process.Signal(s)
	}
	child := childOf(t, cmd.Process.Pid)
	syscall.Kill(child, syscall.SIGINT)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 7 {
		t.Errorf("exit code %d, want the child's 7", code)
	}
	if stdout, _ := k.texts(); stdout != "trapped\n" {
		t.Errorf("stdout %q", stdout)
	}
	if r := k.requests(2); r[1].Code != 7 {
		t.Errorf("%+v", r[1])
	}
}

func childOf(t *testing.T, pid int) int {
	t.Helper()
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", strconv.Itoa(pid)).Output()
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return child
}

// An interrupt while the kernel decides keeps the child from running to its end.
func TestInterruptBeforeStart(t *testing.T) {
	k := play(t, agent.Reply{})
	k.onAsk = func(r agent.Request) {
		syscall.Kill(r.PID, syscall.SIGINT)
		time.Sleep(50 * time.Millisecond) // the helper's runtime hands the signal on
	}
	if got := execute(t, helper, "shell", "sleep 60"); got != (result{code: 130}) {
		t.Errorf("%+v, want exit code 130", got)
	}
	if r := k.requests(2); r[1].Code != 130 {
		t.Errorf("%+v", r[1])
	}
}

// Processes that a line leaves in the background keep the pipes, and only those.
func TestBackgroundKeepsPipes(t *testing.T) {
	k := play(t, agent.Reply{})
	if got := execute(t, helper, "shell", "(sleep 0.3; echo late) & echo now"); got != (result{}) {
		t.Errorf("%+v", got)
	}
	if stdout, _ := k.texts(); stdout != "now\nlate\n" {
		t.Errorf("stdout %q", stdout)
	}
}

func TestUsage(t *testing.T) {
	alone(t)
	for _, args := range [][]string{{}, {"help"}, {"shell"}, {"shell", "a", "b"}, {"guard", "outer", "x"}, {"keep"}, {"x", "y"}} {
		got := execute(t, append([]string{helper}, args...)...)
		if got.code != 2 || !strings.Contains(got.stderr, "usage:") {
			t.Errorf("%q: %+v, want exit code 2 and how it is used", args, got)
		}
	}
}

// ignored returns the line that lists the signals which this process ignores, as under nohup: its children ignore the
// same, and no more.
func ignored(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "SigIgn:") {
			return line
		}
	}
	t.Fatal("no SigIgn in /proc/self/status")
	return ""
}
