package run

import (
	"testing"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/nbformat"
)

func TestLastWords(t *testing.T) {
	for _, c := range []struct {
		name, stderr string
		want         diagnosis
	}{
		{"nothing said", "", diagnosis{message: "exit status 1"}},
		{"a message", "no data\nexit status 1\n", diagnosis{message: "exit status 1: no data"}},
		{"a failed check with its place", "✗ QE 7.10\n\t [[ Cell [26] Line 14 ]] main.go:145\nexit status 1\n",
			diagnosis{message: "exit status 1: ✗ QE 7.10", count: 26, line: 14}},
		{"a message that names a place", "see [[ Cell [2] Line 1 ]]\n", diagnosis{message: "exit status 1: see [[ Cell [2] Line 1 ]]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lastWords("exit status 1", c.stderr); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestDiagnose reads the replies of both kernels: the course's kernel reports the reason and the place, GoNB only how a
// program ended.
func TestDiagnose(t *testing.T) {
	const frame = "Cell[3]: Line 2\nreturn x\n       ^\n\x1b[31mundefined: x\x1b[0m"
	stderr := nbformat.Output{Type: nbformat.Stream, Name: "stderr", Text: "no data\nexit status 1\n"}
	stdout := nbformat.Output{Type: nbformat.Stream, Name: "stdout", Text: "--- FAIL: TestX (0.00s)\n"}
	stack := func(first string) []nbformat.Output {
		return []nbformat.Output{{Type: nbformat.Stream, Name: "stderr", Text: "panic: boom\n\ngoroutine 1 [running]:\nmain.at(...)\n\t" +
			first + "/tmp/a b/gonb_1f/main.go:9\nmain.main()\n\t \x1b[7m[[ Cell [2] Line 2 ]]\x1b[0m /tmp/a b/gonb_1f/main.go:15 +0x53\n" +
			"exit status 2\n"}}
	}
	for _, c := range []struct {
		name, ename, evalue string
		traceback           []string
		outputs             []nbformat.Output
		want                diagnosis
	}{
		{"GoNB's compile error", "ERROR", "main.go:7:2: undefined: x", []string{frame}, nil,
			diagnosis{message: "undefined: x", count: 3, line: 2}},
		{"our compile error", "CompileError", "undefined: x", []string{frame}, nil,
			diagnosis{message: "CompileError: undefined: x", count: 3, line: 2}},
		{"GoNB's exit", "ERROR", "exit status 1", nil, []nbformat.Output{stderr},
			diagnosis{message: "exit status 1: no data"}},
		{"our exit", "ExitError", "exit status 1: no data", nil, []nbformat.Output{stderr},
			diagnosis{message: "ExitError: exit status 1: no data"}},
		{"GoNB's panic", "ERROR", "exit status 2", nil, stack(" \x1b[7m[[ Cell [1] Line 4 ]]\x1b[0m "),
			diagnosis{message: "panic: boom", count: 1, line: 4}},
		{"GoNB's panic, its place written in two pieces", "ERROR", "exit status 2", nil, stack(""),
			diagnosis{message: "panic: boom", file: "/tmp/a b/gonb_1f/main.go", fileLine: 9}},
		{"a failed test", "ExitError", "exit status 1", nil, []nbformat.Output{stdout}, diagnosis{message: "failed: TestX"}},
		{"a limit", "LimitExceeded", "the cell took 2 GB", []string{"LimitExceeded: the cell took 2 GB"}, nil,
			diagnosis{message: "LimitExceeded: the cell took 2 GB"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			reply := &jupyter.ExecuteReply{Status: "error", Ename: c.ename, Evalue: c.evalue, Traceback: c.traceback}
			if got := diagnose(reply, c.outputs); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
