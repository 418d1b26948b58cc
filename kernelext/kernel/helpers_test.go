package kernel_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"deeplearning.example/internal/testx"
	"deeplearning.example/kernelext/jupyter"
)

// cellLimit is far more than a cell of these tests needs; the first that imports kernelext compiles all of it.
const cellLimit = 3 * time.Minute

// kernel is a running supervised kernel as a front end sees it.
type kernel struct {
	*jupyter.Kernel
	t    testing.TB
	temp string // its TMPDIR, which is removed at the end
	dir  string // its working folder

	reader func(prompt string) string // the user; nil answers with an empty line
}

// start starts the real kernel as the kernelspec does; env is NAME=value.
func start(t testing.TB, env ...string) *kernel {
	t.Helper()
	spec := testx.Kernel(t, "gopls")
	detectRaces(t, spec)
	return startSpec(t, spec, env...)
}

func startSpec(t testing.TB, spec *jupyter.Spec, env ...string) *kernel {
	t.Helper()
	k := &kernel{t: t, dir: t.TempDir()}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		spec.Env[name] = value
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var err error
	k.Kernel, err = jupyter.Start(ctx, spec, jupyter.Options{
		Process: jupyter.ProcessOptions{Dir: k.dir},
		Client:  jupyter.ClientOptions{Input: k.read},
	})
	if err != nil {
		t.Fatal(err)
	}
	k.temp, _ = jupyter.LookupEnv(k.Process.Environ(), "TMPDIR")
	t.Cleanup(k.end)
	return k
}

// read is the user's answer to a question.
func (k *kernel) read(prompt string, _ bool) string {
	if k.reader == nil {
		return ""
	}
	return k.reader(prompt)
}

// end shuts the kernel down and checks that nothing is left of it.
func (k *kernel) end() {
	select {
	case <-k.Process.Done(): // a test has killed it
	default:
		if err := k.ShutdownMessage(context.Background(), false); err != nil {
			k.t.Errorf("shutdown: %v", err)
		}
	}
	k.nothingLeft()
	if err := k.Shutdown(context.Background()); err != nil {
		k.t.Errorf("Shutdown: %v", err)
	}
	if strings.Contains(k.Process.Log(), "DATA RACE") {
		k.t.Error("the race detector has found something")
	}
	if k.t.Failed() {
		k.t.Logf("the kernel's log:\n%s", k.Process.Log())
	}
}

// leftLimit ends a test that waits in vain for the end of processes and files. It is longer than their end takes.
const leftLimit = time.Minute

// nothingLeft waits until no process and no temporary file of the kernel is left.
func (k *kernel) nothingLeft() {
	k.t.Helper()
	left := func() string { return fmt.Sprint(k.processes(), k.leftFiles()) }
	for end := time.Now().Add(leftLimit); left() != "[] []"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			k.t.Errorf("%v after the kernel's end there is %s", leftLimit, left())
			return
		}
	}
}

// leftFiles returns the kernel's temporary files, without the connection file, which is Jupyter's.
func (k *kernel) leftFiles() []string {
	left, err := filepath.Glob(filepath.Join(k.temp, "*"))
	if err != nil {
		k.t.Error(err)
	}
	return slices.DeleteFunc(left, func(path string) bool { return path == k.Process.ConnectionFile })
}

// message is one output of a cell.
type message struct {
	kind, text string
	content    map[string]any
}

// outcome is a cell that has ended.
type outcome struct {
	*jupyter.ExecuteReply
	mu       sync.Mutex
	messages []message
	took     time.Duration
}

func (o *outcome) add(m *jupyter.Message) {
	content := map[string]any{}
	_ = m.Decode(&content) // a message that is not an object has no text either
	text, _ := content["text"].(string)
	kind := m.Header.MsgType
	if name, ok := content["name"].(string); ok && kind == "stream" {
		kind = name
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.messages = append(o.messages, message{kind, text, content})
}

// stream joins the texts on stdout or stderr.
func (o *outcome) stream(name string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var text strings.Builder
	for _, m := range o.messages {
		if m.kind == name {
			text.WriteString(m.text)
		}
	}
	return text.String()
}

// kinds returns the kinds of the messages, runs of one kind as one.
func (o *outcome) kinds() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var kinds []string
	for _, m := range o.messages {
		kinds = append(kinds, m.kind)
	}
	return slices.Compact(kinds)
}

// sent is a cell in progress.
type sent struct {
	k       *kernel
	request *jupyter.Request
	outcome *outcome
	begun   time.Time
}

// send sends a cell and does not wait.
func (k *kernel) send(code string, options ...func(*jupyter.ExecuteRequest)) *sent {
	k.t.Helper()
	content := jupyter.ExecuteRequest{Code: code, StoreHistory: true, StopOnError: true}
	for _, option := range options {
		option(&content)
	}
	s := &sent{k: k, outcome: &outcome{}, begun: time.Now()}
	var err error
	if s.request, err = k.SendExecute(content, s.outcome.add); err != nil {
		k.t.Fatal(err)
	}
	return s
}

// wait waits for the cell's end.
func (s *sent) wait() *outcome {
	s.k.t.Helper()
	ctx, cancel := context.WithTimeout(s.k.t.Context(), cellLimit)
	defer cancel()
	m, err := s.request.Wait(ctx)
	if err != nil {
		s.k.t.Fatalf("%v\n%s", err, s.k.Process.Log())
	}
	s.request.Forget()
	s.outcome.took = time.Since(s.begun)
	s.outcome.ExecuteReply = &jupyter.ExecuteReply{}
	if err := m.Decode(s.outcome.ExecuteReply); err != nil {
		s.k.t.Fatal(err)
	}
	return s.outcome
}

// shows waits until the cell has printed text.
func (s *sent) shows(text string) {
	s.k.t.Helper()
	until(s.k.t, cellLimit, "the cell to print "+text, func() bool {
		if kinds := s.outcome.kinds(); len(kinds) > 1 && kinds[len(kinds)-2] == "error" {
			s.k.t.Fatalf("the cell failed and did not print %q: %+v", text, s.outcome.messages)
		}
		return strings.Contains(s.outcome.stream("stdout")+s.outcome.stream("stderr"), text)
	})
}

// run runs a cell to its end.
func (k *kernel) run(code string, options ...func(*jupyter.ExecuteRequest)) *outcome {
	k.t.Helper()
	return k.send(code, options...).wait()
}

// good runs a cell that has to succeed, and returns the text that it printed.
func (k *kernel) good(code string) string {
	k.t.Helper()
	o := k.run(code)
	if o.Status != "ok" {
		k.t.Fatalf("cell failed: %s: %s\n%s\nstderr: %s", o.Ename, o.Evalue, strings.Join(o.Traceback, "\n"), o.stream("stderr"))
	}
	return o.stream("stdout")
}

// bad runs a cell that has to fail with an error of that name whose traceback and value hold the texts.
func (k *kernel) bad(code, name string, texts ...string) *outcome {
	k.t.Helper()
	o := k.run(code)
	k.failed(o, name, texts...)
	return o
}

// failed checks how a cell has failed.
func (k *kernel) failed(o *outcome, name string, texts ...string) {
	k.t.Helper()
	if o.Status != "error" || o.Ename != name {
		k.t.Fatalf("status %s, %s: %s, want %s; stdout: %s", o.Status, o.Ename, o.Evalue, name, o.stream("stdout"))
	}
	all := o.Evalue + "\n" + strings.Join(o.Traceback, "\n")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			k.t.Errorf("no %q in %q", text, all)
		}
	}
	if kinds := o.kinds(); kinds[len(kinds)-1] != "status" || strings.Count(strings.Join(kinds, " "), "error") != 1 {
		k.t.Errorf("messages %v, want one error", kinds)
	}
}

func (k *kernel) interrupt() {
	k.t.Helper()
	if err := k.Interrupt(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
}

// hello checks that the kernel works.
func (k *kernel) hello() {
	k.t.Helper()
	if got := k.good("%%\nfmt.Println(\"hello\")"); got != "hello\n" {
		k.t.Errorf("printed %q", got)
	}
}

// until waits for a condition.
func until(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain for %s", limit, what)
		}
	}
}

func goEnv(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
