package jupyter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/jupyter/jupytertest"
)

// startRaw starts the fake kernel and connects to it as a supervisor does.
func startRaw(t *testing.T) (*jupyter.Process, *jupyter.Raw) {
	t.Helper()
	process, err := jupyter.StartProcess(jupytertest.Spec(nil), jupyter.ProcessOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { process.End(0) })
	raw, err := jupyter.DialRaw(testContext(t), process.Connection, process.Done(), "supervisor")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return process, raw
}

// executeRaw sends code and returns the types of the answers, until the idle state or the end.
func executeRaw(t *testing.T, process *jupyter.Process, raw *jupyter.Raw, code string) (types []string) {
	t.Helper()
	signer := mustSigner(t, process.Connection.Key)
	m, err := jupyter.NewMessage("execute_request", "session", jupyter.ExecuteRequest{Code: code})
	if err != nil {
		t.Fatal(err)
	}
	frames, err := m.Encode(signer)
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Send(jupyter.Shell, frames); err != nil {
		t.Fatal(err)
	}
	for in := range raw.Receive() {
		got, err := jupyter.Decode(signer, in.Frames)
		if err != nil {
			t.Fatal(err)
		}
		if in.Channel == jupyter.IOPub {
			types = append(types, got.Header.MsgType+string(got.Content))
		}
		if string(got.Content) == `{"execution_state":"idle"}` {
			break
		}
	}
	return types
}

func TestRaw(t *testing.T) {
	process, raw := startRaw(t)
	var types []string
	for len(types) != 3 { // until the subscription has taken effect
		types = executeRaw(t, process, raw, "print x")
	}
	if want := `stream{"name":"stdout","text":"x"}`; types[1] != want {
		t.Errorf("%s, want %s", types, want)
	}
	if err := raw.Ping(testContext(t)); err != nil {
		t.Error(err)
	}
	if raw.Send(jupyter.IOPub, nil) == nil {
		t.Error("Send on iopub did not fail")
	}
	executeRaw(t, process, raw, "print last\ndie 3")
	lost := new(jupyter.LostError)
	if !errors.As(raw.Err(), &lost) {
		t.Errorf("%v, want a LostError", raw.Err())
	}
}

func TestRawClose(t *testing.T) {
	_, raw := startRaw(t)
	if err := raw.Close(); err != nil {
		t.Error(err)
	}
	if _, open := <-raw.Receive(); open || raw.Err() != nil {
		t.Errorf("after Close: open %v, %v", open, raw.Err())
	}
}

func TestDialRawEnds(t *testing.T) {
	dead := make(chan struct{})
	time.AfterFunc(50*time.Millisecond, func() { close(dead) })
	if _, err := jupyter.DialRaw(testContext(t), newInfo(t), dead, ""); err == nil {
		t.Error("the kernel's end is not reported as an error")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := jupyter.DialRaw(ctx, newInfo(t), nil, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
