package lecture11

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
)

type convolutionCase struct {
	channels int
	side     int // of the windows on x
	stride   int
	ours     func(scope *model.Scope, x *Node, channels int) *Node
	peer     func(scope *model.Scope, x *Node, channels int) *Node
}

// convolutionCases are layers and the same layers built from GoMLX's convolution, which calls XLA's.
var convolutionCases = map[string]convolutionCase{
	"stride 1, patches":          {5, 3, 1, stride(1), xlaConvolution(1)},
	"stride 1, products shifted": {2, 3, 1, stride(1), xlaConvolution(1)},
	"stride 2":                   {5, 3, 2, stride(2), xlaConvolution(2)},
	"resize, patches":            {3, 2, 1, resizeConvolution, func(s *model.Scope, x *Node, c int) *Node { return xlaConvolution(1)(s, repeatPixels(x), c) }},
	"resize, products shifted":   {1, 2, 1, resizeConvolution, func(s *model.Scope, x *Node, c int) *Node { return xlaConvolution(1)(s, repeatPixels(x), c) }},
	"resize to an odd size": {3, 2, 1, func(s *model.Scope, x *Node, c int) *Node {
		return crop(resizeConvolution(s, x, c), 2*x.Shape().Dim(1)-1, 2*x.Shape().Dim(2)-1)
	}, func(s *model.Scope, x *Node, c int) *Node {
		return Slice(xlaConvolution(1)(s, repeatPixels(x), c), AxisRange(), AxisRange(0, -1), AxisRange(0, -1))
	}},
}

func stride(s int) func(scope *model.Scope, x *Node, channels int) *Node {
	return func(scope *model.Scope, x *Node, channels int) *Node { return convolution(scope, x, channels, s) }
}

func xlaConvolution(stride int) func(scope *model.Scope, x *Node, channels int) *Node {
	return func(scope *model.Scope, x *Node, channels int) *Node {
		kernel, bias := convolutionWeights(scope, x, channels)
		kernel = Reshape(kernel, 3, 3, x.Shape().Dim(-1), channels)
		return Add(Convolve(x, kernel).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Strides(stride).Done(), bias)
	}
}

// repeatPixels doubles height and width by repeating each pixel. x: [batch, h, w, c] → [batch, 2h, 2w, c].
func repeatPixels(x *Node) *Node {
	d := x.Shape().Dimensions
	x = Reshape(x, d[0], d[1], 1, d[2], 1, d[3])
	x = BroadcastToDims(x, d[0], d[1], 2, d[2], 2, d[3])
	return Reshape(x, d[0], 2*d[1], 2*d[2], d[3])
}

// eachConvolution runs a test for all cases on batches of images [batch, h, w, c] of each size.
func eachConvolution(t *testing.T, sizes [][]int, test func(t *testing.T, c convolutionCase, size []int)) {
	for name, c := range convolutionCases {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s of %v", name, size), func(t *testing.T) { test(t, c, size) })
		}
	}
}

// TestConvolution compares outputs and gradients with respect to pixels, kernel and bias with XLA's convolution.
func TestConvolution(t *testing.T) {
	long(t)
	eachConvolution(t, [][]int{{2, 8, 12, 4}, {2, 5, 3, 3}, {3, 1, 1, 3}}, func(t *testing.T, c convolutionCase, size []int) {
		store := model.NewStore()
		store.SetParam("initializer_seed", int64(3))
		graph := func(scope *model.Scope, x *Node) []*Node {
			var out []*Node
			s := scope.In("layer")
			for _, layer := range []func(*model.Scope, *Node, int) *Node{c.ours, c.peer} {
				y := layer(s, x, c.channels)
				wrt := []*Node{x}
				for v := range s.IterVariables() {
					wrt = append(wrt, v.NodeValue(x.Graph()))
				}
				out = append(out, y)
				out = append(out, Gradient(ReduceAllSum(Sin(y)), wrt...)...)
			}
			return out
		}
		exec, err := model.NewExec(testx.Backend(t), store, graph)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(waves(size...))
		if err != nil {
			t.Fatal(err)
		}
		half := len(out) / 2
		for i, part := range []string{"output", "gradient in pixels", "gradient in weights", "gradient in weights"} {
			got, want := tensors.MustCopyFlatData[float32](out[i]), tensors.MustCopyFlatData[float32](out[half+i])
			if len(got) != len(want) {
				t.Fatalf("%s: %d numbers, want %d", part, len(got), len(want))
			}
			for j := range got {
				near(t, fmt.Sprintf("%s[%d]", part, j), float64(got[j]), float64(want[j]), 1e-4)
			}
		}
	})
}

// TestConvolutionInGo: the Go backend, which lacks XLA's operations for shifts, computes XLA's outputs and gradients.
func TestConvolutionInGo(t *testing.T) {
	pure, err := gobackend.New("")
	if err != nil {
		t.Fatal(err)
	}
	eachConvolution(t, [][]int{{2, 8, 12, 4}, {2, 5, 3, 3}}, func(t *testing.T, c convolutionCase, size []int) {
		var flat [2][]float32
		for i, backend := range []compute.Backend{testx.Backend(t), pure} {
			out, err := ExecOnceN(backend, func(x, kernel *Node) []*Node {
				y := correlate(x, Reshape(kernel, c.side*c.side*size[3], c.channels), c.side, c.stride)
				return append([]*Node{Reshape(y, -1)}, Reshape(Gradient(ReduceAllSum(Sin(y)), x)[0], -1))
			}, waves(size...), waves(c.side, c.side, size[3], c.channels))
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range out {
				flat[i] = append(flat[i], tensors.MustCopyFlatData[float32](part)...)
			}
		}
		for j, want := range flat[0] {
			near(t, fmt.Sprintf("number %d", j), float64(flat[1][j]), float64(want), 1e-4)
		}
	})
}

// TestConvolutionSecondGradient compares the gradient with respect to the kernel of ‖∇ₓ Σ sin y‖², as in a gradient
// penalty, with finite differences.
func TestConvolutionSecondGradient(t *testing.T) {
	eachConvolution(t, [][]int{{1, 4, 4, 4}, {1, 5, 3, 3}}, func(t *testing.T, c convolutionCase, size []int) {
		penalty := func(scope *model.Scope, x *Node) *Node {
			y := c.ours(scope.In("layer"), x, c.channels)
			return ReduceAllSum(Square(Gradient(ReduceAllSum(Sin(y)), x)[0]))
		}
		store := model.NewStore()
		store.SetParam("initializer_seed", int64(3))
		exec, err := model.NewExec(testx.Backend(t), store, func(scope *model.Scope, x *Node) []*Node {
			loss := penalty(scope, x)
			return append([]*Node{loss}, Gradient(loss, scope.Shared("layer").GetVariable("weights").NodeValue(x.Graph()))...)
		})
		if err != nil {
			t.Fatal(err)
		}
		x := waves(size...)
		out, err := exec.Call(x)
		if err != nil {
			t.Fatal(err)
		}
		gradient := tensors.MustCopyFlatData[float32](out[1])
		weights := store.GetVariable("/layer/weights")
		for _, i := range []int{0, 7, len(gradient) - 1} {
			want := centralDifference(t, exec, weights, i, x)
			near(t, fmt.Sprintf("second gradient[%d]", i), float64(gradient[i]), want, 0.02+1e-3*math.Abs(want))
		}
	})
}

// centralDifference is the fourth-order difference quotient of the first output with respect to component i of a
// variable.
func centralDifference(t *testing.T, exec *model.Exec, w *model.Variable, i int, inputs ...any) float64 {
	t.Helper()
	const h = 1e-2
	at := tensors.MustCopyFlatData[float32](w.MustValue())
	f := func(shift float32) float64 {
		moved := append([]float32(nil), at...)
		moved[i] += shift
		if err := w.SetValue(tensors.FromFlatDataAndDimensions(moved, w.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(inputs...)
		if err != nil {
			t.Fatal(err)
		}
		return float64(tensors.ToScalar[float32](out[0]))
	}
	defer f(0)
	return (8*(f(h)-f(-h)) - (f(2*h) - f(-2*h))) / (12 * h)
}

// waves returns images of numbers in [−1, 1] without symmetry.
func waves(dims ...int) *tensors.Tensor {
	x := tensors.FromShape(shapes.Make(dtypes.Float32, dims...))
	tensors.MustMutableFlatData(x, func(flat []float32) {
		for i := range flat {
			flat[i] = float32(math.Sin(float64(i*i%97) + 0.3*float64(i)))
		}
	})
	return x
}
