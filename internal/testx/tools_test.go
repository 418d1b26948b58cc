package testx

import (
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"deeplearning.example/kernelext/device"
)

// TestBackend runs a sum on the shared backend.
func TestBackend(t *testing.T) {
	backend := Backend(t)
	t.Log(device.Describe(backend))
	exec, err := graph.NewExec(backend, func(x *graph.Node) *graph.Node { return graph.ReduceAllSum(x) })
	if err != nil {
		t.Fatal(err)
	}
	sum, err := exec.Call([]float32{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	if got := sum[0].Value().(float32); got != 6 {
		t.Errorf("sum = %v, want 6", got)
	}
	if again := Backend(t); again != backend {
		t.Error("a second call made a second backend")
	}
}
