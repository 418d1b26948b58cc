package testx

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// The step of the central differences and the largest difference allowed, in float64.
const (
	gradientStep      = 1e-5
	gradientTolerance = 1e-6
)

// CheckGradient compares the gradient of a scalar loss with central differences, component by component of each input.
// The inputs are float64 slices or nested slices; differences are measured against max(1, |gradient|).
func CheckGradient(t *testing.T, loss func(inputs []*graph.Node) *graph.Node, inputs ...any) {
	t.Helper()
	backend := Backend(t)
	points := make([]*tensors.Tensor, len(inputs))
	for i, in := range inputs {
		points[i] = tensors.MustFromAnyValue(in)
	}
	value := graph.MustNewExec(backend, func(in []*graph.Node) []*graph.Node { return []*graph.Node{loss(in)} })
	defer value.Finalize()
	gradients := graph.MustNewExec(backend, func(in []*graph.Node) []*graph.Node { return graph.Gradient(loss(in), in...) })
	defer gradients.Finalize()
	for i, gradient := range gradients.MustCall(args(points)...) {
		got := tensors.MustCopyFlatData[float64](gradient)
		for j := range got {
			want := (at(value, points, i, j, gradientStep) - at(value, points, i, j, -gradientStep)) / (2 * gradientStep)
			if d := math.Abs(got[j]-want) / max(1, math.Abs(want)); !(d <= gradientTolerance) {
				t.Errorf("gradient of input %d, component %d = %.9g, central difference %.9g, relative difference %.1e, want %.0e",
					i, j, got[j], want, d, gradientTolerance)
			}
		}
	}
}

// at returns the loss with component j of input i moved by h.
func at(value *graph.Exec, points []*tensors.Tensor, i, j int, h float64) float64 {
	moved := append([]*tensors.Tensor(nil), points...)
	flat := append([]float64(nil), tensors.MustCopyFlatData[float64](points[i])...)
	flat[j] += h
	moved[i] = tensors.FromFlatDataAndDimensions(flat, points[i].Shape().Dimensions...)
	return tensors.ToScalar[float64](value.MustCall(args(moved)...)[0])
}

func args(points []*tensors.Tensor) []any {
	out := make([]any, len(points))
	for i, p := range points {
		out[i] = p
	}
	return out
}
