package jupyter_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/jupyter/jupytertest"
)

func TestMain(m *testing.M) {
	jupytertest.RunIfKernel()
	os.Exit(m.Run())
}

// testContext ends long after any test should have ended.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// startFake starts the fake kernel and checks at the end that nothing of it is left.
func startFake(t *testing.T, env map[string]string, opts jupyter.Options) *jupyter.Kernel {
	t.Helper()
	opts.Process.Dir = t.TempDir()
	k, err := jupyter.Start(testContext(t), jupytertest.Spec(env), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if _, err := os.Stat(k.Process.ConnectionFile); !os.IsNotExist(err) {
			t.Errorf("connection file is left: %v", err)
		}
		mustBeDead(t, k.Process.Pid())
	})
	return k
}

func mustBeDead(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, 0); err == nil && !isZombie(pid) {
		t.Errorf("process %d is alive", pid)
	}
}

// isZombie reports whether a process has ended, or is dead and not yet waited for by its new parent.
func isZombie(pid int) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return true
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	return fields[0] == "Z"
}

// execute runs code and collects its output: text of streams, and "type:text" of displays.
func execute(t *testing.T, k *jupyter.Kernel, code string) (*jupyter.ExecuteReply, string, error) {
	t.Helper()
	var out strings.Builder
	reply, err := k.Execute(testContext(t), jupyter.ExecuteRequest{Code: code, StoreHistory: true},
		func(m *jupyter.Message) {
			switch m.Header.MsgType {
			case "stream":
				var s jupyter.Stream
				if err := m.Decode(&s); err != nil {
					t.Error(err)
				}
				out.WriteString(s.Text)
			case "display_data", "update_display_data", "execute_result", "error", "input_request":
				out.WriteString(m.Header.MsgType + ":" + string(m.Content) + "\n")
			}
		})
	return reply, out.String(), err
}
