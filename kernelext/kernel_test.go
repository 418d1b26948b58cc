package kernelext_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"deeplearning.example/kernelext/jupyter"
)

// cellLimit is far more than any cell of these tests needs; the first one builds all of kernelext.
const cellLimit = 5 * time.Minute

// output is one message that a cell caused, in the order of arrival.
type output struct {
	kind, text, id string // of the message; text/plain or the stream's text; display id
	display        *jupyter.Display
}

// result is a finished cell.
type result struct {
	reply   *jupyter.ExecuteReply
	outputs []output
}

// stream joins what the cell wrote to stdout or stderr.
func (r result) stream(name string) string {
	var text strings.Builder
	for _, o := range r.outputs {
		if o.kind == name {
			text.WriteString(o.text)
		}
	}
	return text.String()
}

// final is the displays as a notebook keeps them: updates in the place of what they update.
func (r result) final() []output {
	var shown []output
	at := map[string]int{}
	for _, o := range r.outputs {
		index, known := at[o.id]
		switch {
		case o.kind == "display_data":
			at[o.id] = len(shown)
			shown = append(shown, o)
		case o.kind == "update_display_data" && known:
			shown[index] = o
		}
	}
	return shown
}

// startKernel starts the real GoNB with this module, as the lecture's kernelspec does.
func startKernel(t testing.TB, env ...string) *jupyter.Kernel {
	t.Helper()
	module := goOutput(t, "list", "-m", "-f", "{{.Dir}}")
	goimports := filepath.Dir(goOutput(t, "tool", "-n", "goimports"))
	spec := &jupyter.Spec{
		Name: "test", Language: "go", InterruptMode: jupyter.InterruptSignal,
		Argv: []string{goOutput(t, "tool", "-n", "gonb"), "--kernel", "{connection_file}", "-raw_error=true",
			"-logtostderr=true", "-go_work=" + module},
		Env: map[string]string{
			"GOFLAGS": "-buildvcs=false '-ldflags=-s -w'", "GOPROXY": "off", "PATH": goimports + ":${PATH}",
			"TMPDIR": t.TempDir(),
		},
	}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		spec.Env[name] = value
	}
	return startSpec(t, spec)
}

// answer is a reader who takes a moment: GoNB sends its question before it is ready for the answer.
func answer(prompt string, _ bool) string {
	time.Sleep(100 * time.Millisecond)
	return "heard " + prompt
}

// startSpec starts a kernel in a temporary folder and ends it with the test.
func startSpec(t testing.TB, spec *jupyter.Spec) *jupyter.Kernel {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	kernel, err := jupyter.Start(ctx, spec, jupyter.Options{
		Process: jupyter.ProcessOptions{Dir: t.TempDir()},
		Client:  jupyter.ClientOptions{Input: answer},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kernel.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return kernel
}

func goOutput(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}

// cell returns the text of a cell that imports kernelext; goimports adds packages of the standard library.
func cell(body string) string {
	return "import \"deeplearning.example/kernelext\"\n%%\n" + body
}

// runCell runs a cell to its end. each, if not nil, is called with every output as it arrives.
func runCell(t testing.TB, kernel *jupyter.Kernel, code string, each func(o output)) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), cellLimit)
	defer cancel()
	var r result
	reply, err := kernel.Execute(ctx, jupyter.ExecuteRequest{Code: code, StoreHistory: true, AllowStdin: true},
		func(m *jupyter.Message) {
			o, ok := readOutput(t, m)
			if !ok {
				return
			}
			r.outputs = append(r.outputs, o)
			if each != nil {
				each(o)
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	r.reply = reply
	return r
}

func readOutput(t testing.TB, m *jupyter.Message) (output, bool) {
	switch m.Header.MsgType {
	case "stream":
		var s jupyter.Stream
		if err := m.Decode(&s); err != nil {
			t.Error(err)
		}
		return output{kind: s.Name, text: s.Text}, true
	case "display_data", "update_display_data":
		var d jupyter.Display
		if err := m.Decode(&d); err != nil {
			t.Error(err)
		}
		text, _ := d.Data["text/plain"].(string)
		return output{kind: m.Header.MsgType, text: text, id: d.Transient.DisplayID, display: &d}, true
	default:
		return output{}, false
	}
}

// mustSucceed runs a cell that has to end well.
func mustSucceed(t testing.TB, kernel *jupyter.Kernel, code string) result {
	t.Helper()
	r := runCell(t, kernel, code, nil)
	if r.reply.Status != "ok" {
		t.Fatalf("cell failed: %s %v\n%s", r.reply.Evalue, r.reply.Traceback, r.stream("stderr"))
	}
	return r
}
