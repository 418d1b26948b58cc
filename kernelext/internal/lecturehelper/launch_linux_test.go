package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"deeplearning.example/kernelext/internal/agent"
)

const cell = `
echo "$0 $#: $1"
echo "A=$A B=$B HOME=$HOME"
read line; echo "$line" >&2
ulimit -f
grep SigIgn /proc/self/status >&2
cat /proc/self/oom_score_adj >&2
exit 9`

func TestLaunch(t *testing.T) {
	t.Setenv("A", "old")
	t.Setenv("HOME", "/h")
	k := play(t, agent.Reply{Env: []string{"A=new=1", "B=2"}, FileSize: 1 << 20})
	launcher := install(t, "gonb_1234")
	program(t, launcher+".cell", cell)
	if got := execute(t, launcher, "guard", "x"); got != (result{code: 9}) {
		t.Errorf("by itself the launcher gives %+v, want exit code 9 alone", got)
	}
	stdout, stderr := k.texts()
	if want := launcher + ".cell 2: guard\nA=new=1 B=2 HOME=/h\n"; !strings.HasPrefix(stdout, want) {
		t.Errorf("stdout %q, want %q", stdout, want)
	}
	if limit := strings.Fields(stdout)[len(strings.Fields(stdout))-1]; limit != "2048" && limit != "1024" {
		t.Errorf("limit of a file: %s blocks, want 1 MB", limit) // sh counts in 512 bytes, bash as sh in 1024
	}
	if want := "input\n" + ignored(t) + "800\n"; stderr != want {
		t.Errorf("stderr %q, want %q", stderr, want)
	}
	r := k.requests(1)[0]
	if r.Op != agent.OpLaunch || strings.Join(r.Args, " ") != launcher+" guard x" || r.PID == 0 || r.Dir == "" {
		t.Errorf("request %+v", r)
	}
}

// If no user can be asked, a cell and a shell line find their input at its end.
func TestNoInput(t *testing.T) {
	k := play(t, agent.Reply{NoInput: true})
	launcher := install(t, "gonb_1")
	program(t, launcher+".cell", "read line; echo $?")
	execute(t, launcher)
	if stdout, _ := k.texts(); stdout != "1\n" {
		t.Errorf("a cell: %q, want read to end with 1", stdout)
	}
	execute(t, helper, "shell", "read line; echo $?")
	if stdout, _ := k.texts(); stdout != "1\n" {
		t.Errorf("a shell line: %q, want read to end with 1", stdout)
	}
}

func TestLaunchRefused(t *testing.T) {
	play(t, agent.Reply{Refuse: "interrupted"})
	launcher := install(t, "gonb_1")
	program(t, launcher+".cell", cell)
	if got := execute(t, launcher); got != (result{code: 130}) {
		t.Errorf("%+v, want exit code 130 and no word", got)
	}
}

func TestLaunchAlone(t *testing.T) {
	for name, socket := range map[string]string{"no variable": "", "no socket": filepath.Join(t.TempDir(), "none")} {
		t.Setenv(agent.SocketVariable, socket)
		launcher := install(t, "gonb_1")
		got := execute(t, launcher)
		want := launcher + ".cell is missing"
		if got.code != 127 || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, want) {
			t.Errorf("%s, without the cell's program: %+v", name, got)
		}
		if err := os.WriteFile(launcher+".cell", []byte("no program"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := execute(t, launcher); got.code != 126 || !strings.Contains(got.stderr, "permission denied") {
			t.Errorf("%s, with a file that is none: %+v", name, got)
		}
		os.Remove(launcher + ".cell")
		program(t, launcher+".cell", "echo out; echo err >&2; kill -TERM $$")
		if got := execute(t, launcher); got != (result{"out\n", "err\n", -15}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
