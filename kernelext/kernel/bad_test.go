package kernel_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"deeplearning.example/internal/testx"
)

// TestBadRequests: invalid requests are answered as the protocol says, or not at all, and do no harm.
func TestBadRequests(t *testing.T) {
	k := start(t)
	for msgType, content := range map[string]any{
		"execute_request":     map[string]any{"code": 7},
		"is_complete_request": map[string]any{"code": []int{1}},
		"history_request":     map[string]any{"n": "many"},
		"complete_request":    map[string]any{"code": "x", "cursor_pos": "end"},
		"inspect_request":     map[string]any{"code": nil, "cursor_pos": -3, "detail_level": "much"},
	} {
		reply := k.ask(msgType, content)
		if reply["status"] != "error" || reply["ename"] != "BadRequest" {
			t.Errorf("%s: %v", msgType, reply)
		}
	}
	request, err := k.Send("no_such_request", map[string]any{"x": 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer request.Forget()
	if _, err := request.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "has not answered") {
		t.Errorf("an unknown request: %v", err)
	}
	if reply := k.ask("execute_request", map[string]any{"code": "%%\nfmt.Println(1)"}); reply["status"] != "ok" {
		t.Errorf("without the other fields: %v", reply)
	}
	for _, cursor := range []int{-1, 0, 3, 1000} {
		reply := k.ask("complete_request", map[string]any{"code": "%%\n", "cursor_pos": cursor})
		if reply["status"] != "ok" {
			t.Errorf("cursor at %d: %v", cursor, reply)
		}
	}
	k.hello()
}

// ask sends a request and returns the content of its reply.
func (k *kernel) ask(msgType string, content any) map[string]any {
	k.t.Helper()
	request, err := k.Send(msgType, content, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	defer request.Forget()
	m, err := request.Wait(k.t.Context())
	if err != nil {
		k.t.Fatalf("%s: %v", msgType, err)
	}
	reply := map[string]any{}
	if err := m.Decode(&reply); err != nil {
		k.t.Fatal(err)
	}
	return reply
}

// TestStrangeCells: cells that are empty, only commands, or not text.
func TestStrangeCells(t *testing.T) {
	k := start(t)
	for _, code := range []string{"", "\n\n", "   ", "! ", "// only a comment", "%%", "%%\n", "%%time", "\r\n", "//gonb:%%\nfmt.Println()"} {
		if o := k.run(code); o.Status != "ok" {
			t.Errorf("%q: %s %s: %s", code, o.Status, o.Ename, o.Evalue)
		}
	}
	for _, code := range []string{"%", "!", "%%script", "%%nonesuch", "x", "\x00", "%executor", "%%\n`", "func main() {", "%%bash\nnosuchprogram"} {
		if o := k.run(code); o.Status != "error" {
			t.Errorf("%q: %s", code, o.Status)
		}
	}
	k.hello()
}

// TestNoGoNB: without GoNB, or with something else in its place, each cell says so, and the kernel still answers.
func TestNoGoNB(t *testing.T) {
	for name, want := range map[string]string{"": "GoNB is missing", "goimports": "want github.com/janpfeifer/gonb"} {
		spec := testx.Kernel(t, "gopls")
		if name != "" {
			name = filepath.Join(filepath.Dir(spec.Argv[0]), name)
		}
		otherPrograms(t, spec, map[string]string{"gonb": name})
		k := startSpec(t, spec)
		for range 2 {
			k.bad("%%\nfmt.Println(1)", "KernelError", want, "lecture setup")
		}
		if got := k.good("%mode full"); got != "mode: full, from this cell on\n" {
			t.Errorf("%q", got)
		}
		if reply := k.ask("kernel_info_request", struct{}{}); reply["implementation"] != "lecture11" {
			t.Errorf("%v", reply)
		}
	}
}

// TestGoNBComesLater: GoNB is installed while the kernel runs, and the next cell works.
func TestGoNBComesLater(t *testing.T) {
	spec := testx.Kernel(t, "gopls")
	gonb := filepath.Join(filepath.Dir(spec.Argv[0]), "gonb")
	otherPrograms(t, spec, map[string]string{"gonb": ""})
	k := startSpec(t, spec)
	k.bad("%%\nfmt.Println(1)", "KernelError", "GoNB is missing")
	if err := os.Symlink(gonb, filepath.Join(filepath.Dir(spec.Argv[0]), "gonb")); err != nil {
		t.Fatal(err)
	}
	k.hello()
}

// TestParentDies: a kernel whose front end has died ends by itself.
func TestParentDies(t *testing.T) {
	k := start(t)
	s := k.send("%%\nfmt.Println(\"begun\")\ntime.Sleep(time.Hour)")
	s.shows("begun")
	if err := k.Process.Signal(15); err != nil { // as from a front end that ends its children
		t.Fatal(err)
	}
	k.nothingLeft()
}
