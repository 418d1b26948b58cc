package jupyter_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/jupyter/jupytertest"
)

func TestExecute(t *testing.T) {
	k := startFake(t, map[string]string{"GREETING": "hello"}, jupyter.Options{})
	if k.Info.LanguageInfo.Name != "fake" {
		t.Errorf("info %+v", k.Info)
	}
	reply, out, err := execute(t, k, "env GREETING\nprint a\\nb\nresult - 7")
	if err != nil {
		t.Fatal(err)
	}
	if reply.Status != "ok" || reply.ExecutionCount != 1 || !strings.HasPrefix(out, "hello\na\nbexecute_result:") {
		t.Errorf("%+v %q", reply, out)
	}
	reply, _, err = execute(t, k, "error NameError no such thing")
	if err != nil {
		t.Fatal(err)
	}
	if reply.Status != "error" || reply.Ename != "NameError" || reply.Evalue != "no such thing" {
		t.Errorf("%+v", reply)
	}
	_, out, err = execute(t, k, "env JPY_PARENT_PID")
	if err != nil || out != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("JPY_PARENT_PID %q %v", out, err)
	}
}

func TestOtherRequests(t *testing.T) {
	k := startFake(t, nil, jupyter.Options{Client: jupyter.ClientOptions{Settle: time.Second}})
	ctx := testContext(t)
	if err := k.Ping(ctx); err != nil {
		t.Error(err)
	}
	if info, err := k.KernelInfo(ctx); err != nil || info.Implementation != "fake" {
		t.Errorf("%+v %v", info, err)
	}
	complete, err := k.Complete(ctx, jupyter.CompleteRequest{Code: "pr", CursorPos: 2})
	if err != nil || len(complete.Matches) != 1 {
		t.Errorf("%+v %v", complete, err)
	}
	if inspect, err := k.Inspect(ctx, jupyter.InspectRequest{Code: "x"}); err != nil || inspect.Found {
		t.Errorf("%+v %v", inspect, err)
	}
}

// TestHalfEnds: a kernel that omits the reply, or the idle state, does not block its client.
func TestHalfEnds(t *testing.T) {
	k := startFake(t, nil, jupyter.Options{Client: jupyter.ClientOptions{Settle: 200 * time.Millisecond}})
	noReply, noIdle := new(jupyter.NoReplyError), new(jupyter.NoIdleError)
	if _, _, err := execute(t, k, "noreply"); !errors.As(err, &noReply) {
		t.Errorf("noreply: %v", err)
	}
	if _, _, err := execute(t, k, "noidle"); !errors.As(err, &noIdle) {
		t.Errorf("noidle: %v", err)
	}
	if _, out, err := execute(t, k, "print next"); err != nil || out != "next" {
		t.Errorf("next cell: %q %v", out, err)
	}
}

func TestInput(t *testing.T) {
	k := startFake(t, nil, jupyter.Options{})
	_, out, err := execute(t, k, "input name?")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, `"prompt":"name?"`) || !strings.HasSuffix(out, "ok got <> parent input_request\n") {
		t.Errorf("%q", out)
	}
	k = startFake(t, nil, jupyter.Options{Client: jupyter.ClientOptions{
		Input: func(prompt string, _ bool) string { return "answer to " + prompt },
	}})
	if _, out, err = execute(t, k, "input name?"); err != nil || !strings.Contains(out, "<answer to name?>") {
		t.Errorf("%q %v", out, err)
	}
}

func TestDeath(t *testing.T) {
	for code, want := range map[string]string{
		"print last words\ndie 7": "exit status 7",
		"segv":                    "signal: killed",
	} {
		k := startFake(t, nil, jupyter.Options{})
		_, out, err := execute(t, k, code)
		exit := new(jupyter.ExitError)
		if !errors.As(err, &exit) || exit.State != want {
			t.Errorf("%s: %v", code, err)
			continue
		}
		if strings.HasPrefix(code, "print") {
			if !strings.Contains(exit.Log, "dying, as asked") || out != "last words" {
				t.Errorf("log %q, output %q", exit.Log, out)
			}
		}
		if _, _, err := execute(t, k, "print x"); !errors.As(err, &exit) {
			t.Errorf("a request after the death: %v", err)
		}
	}
}

func TestInterrupt(t *testing.T) {
	for _, mode := range []string{jupyter.InterruptSignal, jupyter.InterruptMessage} {
		spec := jupytertest.Spec(nil)
		spec.InterruptMode = mode
		ctx := testContext(t)
		k, err := jupyter.Start(ctx, spec, jupyter.Options{})
		if err != nil {
			t.Fatal(err)
		}
		running := make(chan struct{}, 10)
		r, err := k.SendExecute(jupyter.ExecuteRequest{Code: "print x\nwait"}, func(m *jupyter.Message) {
			if m.Header.MsgType == "stream" {
				running <- struct{}{}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		<-running
		if err := k.Interrupt(ctx); err != nil {
			t.Error(mode, err)
		}
		var reply jupyter.ExecuteReply
		if m, err := r.Wait(ctx); err != nil || m.Decode(&reply) != nil || reply.Ename != "Interrupt" {
			t.Errorf("%s: %+v %v", mode, reply, err)
		}
		r.Forget()
		if err := k.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	}
}

// TestHang: a cell that ignores interrupts is left at the end of the context and the kernel still ends. Ping
// distinguishes a busy kernel from a stopped one.
func TestHang(t *testing.T) {
	for code, alive := range map[string]bool{"hang": true, "stop": false} {
		k := startFake(t, nil, jupyter.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := k.Execute(ctx, jupyter.ExecuteRequest{Code: code}, nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", code, err)
		}
		if alive {
			if err := k.Ping(testContext(t)); err != nil {
				t.Errorf("%s: ping: %v", code, err)
			}
			continue
		}
		eventually(t, "an unanswered ping", func() bool { // it stops some time after it has read the cell
			ping, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer stop()
			return k.Ping(ping) != nil
		})
	}
}

// TestNothingIsLeft: a kernel that ignores shutdown and SIGTERM is killed, and with it a process that has left its
// group and lost its parent.
func TestNothingIsLeft(t *testing.T) {
	stubborn := map[string]string{"JUPYTERTEST_SHUTDOWN": "ignore", "JUPYTERTEST_TERM": "ignore"}
	k := startFake(t, stubborn, jupyter.Options{})
	_, out, err := execute(t, k, "orphan\nenv TMPDIR")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(out)
	pid, err := strconv.Atoi(lines[0])
	if err != nil {
		t.Fatal(err)
	}
	if isZombie(pid) {
		t.Fatalf("the orphan %d does not live", pid)
	}
	leftover := filepath.Join(lines[1], "gonb_123")
	if err := os.Mkdir(leftover, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := k.Shutdown(testContext(t)); err != nil {
		t.Error(err)
	}
	mustBeDead(t, pid)
	if _, err := os.Stat(lines[1]); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", lines[1], err)
	}
}

// TestOrphanOfDeadKernel: the kernel has ended before the search for its descendants.
func TestOrphanOfDeadKernel(t *testing.T) {
	k := startFake(t, nil, jupyter.Options{})
	_, out, err := execute(t, k, "orphan\nsegv")
	exit := new(jupyter.ExitError)
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Kill(); err != nil {
		t.Error(err)
	}
	mustBeDead(t, pid)
}

func TestStartFails(t *testing.T) {
	exit, signature := new(jupyter.ExitError), new(jupyter.SignatureError)
	tests := []struct {
		name string
		spec *jupyter.Spec
		want func(error) bool
		time time.Duration // until the context ends; 0: never
	}{
		{"dies at once", jupytertest.Spec(map[string]string{"JUPYTERTEST_START": "die"}), func(err error) bool {
			return errors.As(err, &exit) && exit.State == "exit status 3" && strings.Contains(err.Error(), "as asked")
		}, 0},
		{"other key", jupytertest.Spec(map[string]string{"JUPYTERTEST_START": "wrongkey"}), func(err error) bool {
			return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &signature)
		}, 2 * time.Second},
		{"never listens", jupytertest.Spec(map[string]string{"JUPYTERTEST_START": "mute"}), func(err error) bool {
			return errors.Is(err, context.DeadlineExceeded)
		}, 2 * time.Second},
		{"no program", &jupyter.Spec{Name: "x", Argv: []string{"no-such-program"}}, func(err error) bool {
			return strings.Contains(err.Error(), `"no-such-program": executable file not found`)
		}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scratch := t.TempDir()
			t.Setenv("TMPDIR", scratch)
			ctx := testContext(t)
			if test.time > 0 {
				short, cancel := context.WithTimeout(ctx, test.time)
				defer cancel()
				ctx = short
			}
			k, err := jupyter.Start(ctx, test.spec, jupyter.Options{})
			if err == nil {
				k.Kill()
				t.Fatal("no error")
			}
			if !test.want(err) {
				t.Error(err)
			}
			if left, _ := os.ReadDir(scratch); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestForgedMessage(t *testing.T) {
	k := startFake(t, nil, jupyter.Options{})
	_, out, err := execute(t, k, "forge\nwait")
	signature := new(jupyter.SignatureError)
	if !errors.As(err, &signature) || strings.Contains(out, "forged") {
		t.Errorf("%q %v", out, err)
	}
	k = startFake(t, nil, jupyter.Options{})
	frame := new(jupyter.FrameError)
	if _, _, err := execute(t, k, "junk\nwait"); !errors.As(err, &frame) {
		t.Errorf("junk: %v", err)
	}
}

// TestLargeMessage: a message above the limit is dropped and counted, and the next one is read.
func TestLargeMessage(t *testing.T) {
	k := startFake(t, nil, jupyter.Options{Client: jupyter.ClientOptions{MaxMessage: 1 << 20}})
	var types []string
	r, err := k.SendExecute(jupyter.ExecuteRequest{Code: "big 3000000\nbig 500000\nprint x"}, func(m *jupyter.Message) {
		types = append(types, m.Header.MsgType)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(testContext(t)); err != nil {
		t.Fatal(err)
	}
	lost := r.Lost()
	r.Forget()
	if got := strings.Join(types, " "); got != "status display_data stream status" || lost < 3e6 || lost > 3.1e6 {
		t.Errorf("messages %s, lost %d bytes", got, lost)
	}
}

// TestFlood: every byte arrives, in order.
func TestFlood(t *testing.T) {
	k := startFake(t, nil, jupyter.Options{})
	const size = 32 << 20
	total := 0
	_, err := k.Execute(testContext(t), jupyter.ExecuteRequest{Code: "flood " + strconv.Itoa(size)},
		func(m *jupyter.Message) {
			var s jupyter.Stream
			if m.Header.MsgType != "stream" || m.Decode(&s) != nil {
				return
			}
			if first, _ := strconv.Atoi(s.Text[:63]); first*64 != total {
				t.Errorf("line %d at byte %d", first, total)
			}
			total += len(s.Text)
		})
	if err != nil || total != size {
		t.Errorf("%d bytes, want %d; %v", total, size, err)
	}
}

func TestClose(t *testing.T) {
	k := startFake(t, nil, jupyter.Options{})
	r, err := k.SendExecute(jupyter.ExecuteRequest{Code: "hang"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Wait(testContext(t)); !errors.Is(err, jupyter.ErrClosed) {
		t.Error(err)
	}
}
