package device_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
	"deeplearning.example/kernelext/device"
	"deeplearning.example/kernelext/internal/agent"
)

// kernel is a supervised kernel that receives timings.
type kernel chan agent.Request

func (k kernel) Handle(_ context.Context, r agent.Request) (agent.Reply, []*os.File, bool) {
	k <- r
	return agent.Reply{}, nil, false
}

// listen sets up a supervised kernel for this process.
func listen(t *testing.T) kernel {
	t.Helper()
	dir, err := os.MkdirTemp("", "device") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	server, err := agent.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	k := make(kernel, 100)
	served := make(chan error, 1)
	go func() { served <- server.Serve(k) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
	t.Setenv(agent.SocketVariable, path)
	return k
}

// expect waits for the timing of a phase.
func (k kernel) expect(t *testing.T, phase string) {
	t.Helper()
	for {
		select {
		case r := <-k:
			if r.Name == "xla cache" {
				continue // told before the compilation that it has saved, if another process has compiled the program
			}
			if r.Op != agent.OpTiming || r.Name != phase || !(r.Seconds > 0) {
				t.Errorf("told %+v, want the seconds of %q", r, phase)
			}
			return
		case <-time.After(time.Minute):
			t.Fatalf("nothing told, want the seconds of %q", phase)
		}
	}
}

// double is an Exec for 2x.
func double(t testing.TB, backend compute.Backend) *graph.Exec {
	t.Helper()
	exec, err := graph.NewExec(backend, func(x *graph.Node) *graph.Node { return graph.MulScalar(x, 2) })
	if err != nil {
		t.Fatal(err)
	}
	return exec
}

// TestTimings: the kernel receives the times of the plugin and of each compilation, not of runs. The backend's tensors
// behave as without it.
func TestTimings(t *testing.T) {
	testx.Backend(t) // gets the plugin
	unsetBackend(t)
	k := listen(t)
	backend, err := device.Open("cpu", os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	k.expect(t, "plugin load")
	exec := double(t, backend)
	x := tensors.FromValue([]float32{1, 2, 3})
	for range 3 {
		if x, err = exec.Call1(x); err != nil {
			t.Fatal(err)
		}
		if owner, err := x.Backend(); err != nil || owner != backend {
			t.Fatalf("the result is of backend %v, %v", owner, err)
		}
	}
	if got := x.Value().([]float32); got[0] != 8 || got[2] != 24 {
		t.Errorf("2·2·2·x = %v", got)
	}
	k.expect(t, "xla compile")
	if _, err := exec.Call1(tensors.FromValue([]float32{1})); err != nil { // another shape
		t.Fatal(err)
	}
	k.expect(t, "xla compile")
	clone, err := x.OnDeviceClone(backend, 0)
	if err != nil {
		t.Fatal(err)
	}
	if y, err := exec.Call1(clone); err != nil || y.Value().([]float32)[0] != 16 {
		t.Errorf("%v, %v", y, err)
	}
	pure, err := device.Open("go", os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer pure.Finalize()
	if _, err := double(t, pure).Call1(tensors.FromValue([]float32{1})); err != nil {
		t.Fatal(err)
	}
	t.Setenv(compute.ConfigEnvVar, "xla:/nowhere/plugin.so")
	if backend, err := device.Open("", os.Stderr); err == nil {
		t.Errorf("a plugin that is not there gives %v", backend)
	}
	if len(k) > 0 {
		t.Errorf("told %+v too", <-k)
	}
}

// TestTimedDescribe: the wrapped backend describes itself as the plain one does.
func TestTimedDescribe(t *testing.T) {
	x, timed := both(t)
	if got, want := device.Describe(timed), device.Describe(x); got != want || timed.Name() != x.Name() {
		t.Errorf("%s (%s), want %s (%s)", got, timed.Name(), want, x.Name())
	}
}

// both is an XLA backend without and with timings.
func both(t testing.TB) (plain, timed compute.Backend) {
	t.Helper()
	x, isXLA := testx.Backend(t).(*xla.Backend)
	if !isXLA {
		t.Skip("the tests do not compute on XLA")
	}
	return x, device.NewTimed(x, 0, func(agent.Request) {})
}

// BenchmarkTimed measures the cost of timing for a call with 40 inputs and outputs, as in a training step of the
// lecture.
func BenchmarkTimed(b *testing.B) {
	plain, timed := both(b)
	for name, backend := range map[string]compute.Backend{"plain": plain, "timed": timed} {
		exec, err := graph.NewExec(backend, func(xs []*graph.Node) []*graph.Node {
			for i, x := range xs {
				xs[i] = graph.AddScalar(x, 1)
			}
			return xs
		})
		if err != nil {
			b.Fatal(err)
		}
		inputs := make([]any, 40)
		for i := range inputs {
			inputs[i] = tensors.FromValue([]float32{float32(i)})
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				outputs, err := exec.Call(inputs...)
				if err != nil {
					b.Fatal(err)
				}
				for _, output := range outputs {
					if err := output.FinalizeAll(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
