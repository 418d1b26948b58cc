// Package trial computes a small program, to see whether a backend works.
package trial

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Double compiles a program that doubles a number some times, and runs it on x on the first device: 2^times · x.
func Double(backend compute.Backend, x float32, times int) (float32, error) {
	shape := shapes.Make(dtypes.Float32)
	program, err := compile(backend, shape, times)
	if err != nil {
		return 0, err
	}
	defer program.Finalize()
	input, err := backend.BufferFromFlatData(0, []float32{x}, shape)
	if err != nil {
		return 0, err
	}
	outputs, err := program.Execute([]compute.Buffer{input}, nil, 0)
	if err != nil {
		return 0, err
	}
	result := []float32{0}
	err = outputs[0].ToFlatData(result)
	return result[0], err
}

func compile(backend compute.Backend, shape shapes.Shape, times int) (compute.Executable, error) {
	builder := backend.Builder("double")
	main := builder.Main()
	x, err := main.Parameter("x", shape, nil)
	for range times {
		if err == nil {
			x, err = main.Add(x, x)
		}
	}
	if err == nil {
		err = main.Return([]compute.Value{x}, nil)
	}
	if err != nil {
		return nil, err
	}
	return builder.Compile()
}
