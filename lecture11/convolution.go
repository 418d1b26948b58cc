package lecture11

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// Convolutions are matrix products of patches. In the loop of a training, XLA's own convolutions on a CPU (go-xla with
// XLA of 2026) take ten times as long, in JAX too. GoMLX also has no second gradient for them, which a gradient
// penalty needs.

// taps is the number of pixels under a 3×3 kernel.
const taps = 9

// convolution is a 3×3 convolution with a bias and a border of 0:
//
//	y[i, j, ·] = b + Σ x[s·i + u − 1, s·j + v − 1, ·]·K[u, v, ·, ·],  u, v = 0, 1, 2.
//
// x: [batch, h, w, c] → [batch, ⌈h/s⌉, ⌈w/s⌉, channels]; the stride s is 1 or 2.
func convolution(scope *model.Scope, x *Node, channels, stride int) *Node {
	return convolutionBy(scope, x, channels, stride, nil)
}

// convolutionBy is convolution with its kernel, as a matrix [9·c, channels], passed through use.
func convolutionBy(scope *model.Scope, x *Node, channels, stride int, use weightFn) *Node {
	kernel, bias := convolutionWeights(scope, x, channels)
	if use != nil {
		kernel = use(scope, kernel)
	}
	return Add(correlate(x, kernel, 3, stride), bias)
}

// resizeConvolution doubles height and width by repeating each pixel, then applies a 3×3 convolution with a bias and a
// border of 0. x: [batch, h, w, c] → [batch, 2h, 2w, channels]. Unlike a transposed convolution it leaves no
// checkerboard pattern (Odena et al. 2016).
//
// The repeated pixels are never stored. Each of the 2×2 pixels that come from one pixel (its phases) sees a window of
// 2×2 pixels of the small image through sums of the kernel's rows and columns. This takes four ninths of the products
// of a convolution of the large image. One product multiplies all windows by the kernels of all phases; each phase
// then takes its windows from the result.
func resizeConvolution(scope *model.Scope, x *Node, channels int) *Node {
	d := x.Shape().Dimensions
	kernel, bias := convolutionWeights(scope, x, channels)
	phases := Dot(Const(x.Graph(), phaseSums()), Reshape(kernel, taps, d[3]*channels)).Product() // [4·4, c·channels]
	phases = Transpose(Reshape(phases, 4, 4, d[3], channels), 1, 2)                              // [4, c, 4, channels]
	all := correlate(x, Reshape(phases, 4*d[3], 4*channels), 2, 1)                               // [batch, h+1, w+1, 4·channels]
	parts := make([]*Node, 4)
	for phase := range parts {
		parts[phase] = window(all, []int{0, phase / 2, phase % 2, phase * channels}, d[0], d[1], d[2], channels)
	}
	y := Reshape(Concatenate(parts, -1), d[0], d[1], d[2], 2, 2, channels)
	return Add(Reshape(Transpose(y, 2, 3), d[0], 2*d[1], 2*d[2], channels), bias)
}

// convolutionWeights returns a kernel, stored as [3, 3, c, channels] and returned as [9·c, channels], and a bias [1,
// 1, 1, channels].
func convolutionWeights(scope *model.Scope, x *Node, channels int) (kernel, bias *Node) {
	g, c := x.Graph(), x.Shape().Dim(-1)
	scope = scope.WithInitializer(initializer.XavierUniformFn(scope))
	kernel = scope.VariableWithShape("weights", shapes.Make(x.DType(), 3, 3, c, channels)).NodeValue(g)
	bias = scope.VariableWithShape(biasName, shapes.Make(x.DType(), channels)).NodeValue(g)
	return Reshape(kernel, taps*c, channels), ExpandLeftToRank(bias, 4)
}

// phaseSums returns, for each of the 4 pixels of a window and 4 phases, which of the 9 parts of the kernel apply to
// that pixel. Result: [4·4, 9].
func phaseSums() [][]float32 {
	// of[phase][pixel][tap] along one axis. The first pixel of a pair sees the pixel before its own by tap 0, and its
	// own by taps 1 and 2. The second sees its own by taps 0 and 1, and the pixel after it by tap 2.
	of := [2][2][3]float32{{{1, 0, 0}, {0, 1, 1}}, {{1, 1, 0}, {0, 0, 1}}}
	sums := make([][]float32, 4*4)
	for row := range sums {
		pixel, phase := row/4, row%4
		sums[row] = make([]float32, taps)
		for tap := range taps {
			sums[row][tap] = of[phase/2][pixel/2][tap/3] * of[phase%2][pixel%2][tap%3]
		}
	}
	return sums
}

// correlate slides a kernel [side²·c, outputs] over x [batch, h, w, c] with a border of one pixel 0: [batch, ⌊(h −
// side + 2)/stride⌋ + 1, …, outputs]. The intermediate result has side² numbers per channel, either of the input or of
// the output; the one with fewer channels is used.
func correlate(x, kernel *Node, side, stride int) *Node {
	if stride == 1 && kernel.Shape().Dim(1) < x.Shape().Dim(-1) {
		return shiftProducts(x, kernel, side)
	}
	return perPixel(patches(x, side, stride), kernel)
}

// patches returns the side×side pixels from each stride-th position on. x: [batch, h, w, c] → [batch, …, …, side²·c].
func patches(x *Node, side, stride int) *Node {
	d, padded := x.Shape().Dimensions, padImage(x, stride)
	h, w := (d[1]-side+2)/stride+1, (d[2]-side+2)/stride+1
	cells := Reshape(padded, d[0], padded.Shape().Dim(1)/stride, stride, padded.Shape().Dim(2)/stride, stride, d[3])
	parts := make([]*Node, side*side)
	for tap := range parts {
		u, v := tap/side, tap%side
		part := window(cells, []int{0, u / stride, u % stride, v / stride, v % stride, 0}, d[0], h, 1, w, 1, d[3])
		parts[tap] = Reshape(part, d[0], h, w, d[3])
	}
	return Concatenate(parts, -1)
}

// shiftProducts multiplies each pixel by all side² parts of the kernel and adds the products at the positions they
// belong to. The result is that of patches for stride 1.
func shiftProducts(x, kernel *Node, side int) *Node {
	d, outputs := x.Shape().Dimensions, kernel.Shape().Dim(1)
	byPixel := Reshape(Transpose(Reshape(kernel, side*side, d[3], outputs), 0, 1), d[3], side*side*outputs)
	products := perPixel(padImage(x, 1), byPixel) // [batch, h+2, w+2, side²·outputs]
	part := func(tap int) *Node {
		return window(products, []int{0, tap / side, tap % side, tap * outputs}, d[0], d[1]-side+3, d[2]-side+3, outputs)
	}
	sum := part(0)
	for tap := 1; tap < side*side; tap++ {
		sum = Add(sum, part(tap))
	}
	return sum
}

// perPixel multiplies the channels of each pixel by weights [c, outputs]. x: [batch, h, w, c] → [batch, h, w,
// outputs]. The gradient of GoMLX's product for rank 4 (v0.28.2) takes up to twenty times as long as this one.
func perPixel(x, weights *Node) *Node {
	d := x.Shape().Dimensions
	y := Dot(Reshape(x, -1, d[3]), weights).Product()
	return Reshape(y, d[0], d[1], d[2], weights.Shape().Dim(1))
}

// padImage puts a border of one pixel 0 around the images. It adds another row or column of 0 at the end if that makes
// the height or the width a multiple of stride. x: [batch, h, w, c] → [batch, ≥ h+2, ≥ w+2, c].
func padImage(x *Node, stride int) *Node {
	g, d := x.Graph(), x.Shape().Dimensions
	height, width := roundUp(d[1]+2, stride), roundUp(d[2]+2, stride)
	if !hasDynamicSlice(g) {
		rows := func(count int) *Node { return Zeros(g, shapes.Make(x.DType(), d[0], count, d[2], d[3])) }
		x = Concatenate([]*Node{rows(1), x, rows(height - d[1] - 1)}, 1)
		columns := func(count int) *Node { return Zeros(g, shapes.Make(x.DType(), d[0], height, count, d[3])) }
		return Concatenate([]*Node{columns(1), x, columns(width - d[2] - 1)}, 2)
	}
	zeros := Zeros(g, shapes.Make(x.DType(), d[0], height, width, d[3]))
	return DynamicUpdateSlice(zeros, x, constants(g, []int{0, 1, 1, 0}))
}

// roundUp returns the smallest multiple of step that is at least n.
func roundUp(n, step int) int { return (n + step - 1) / step * step }

// crop keeps the first rows and columns of images. x: [batch, ≥ h, ≥ w, c] → [batch, h, w, c].
func crop(x *Node, h, w int) *Node {
	d := x.Shape().Dimensions
	if d[1] == h && d[2] == w {
		return x
	}
	return window(x, []int{0, 0, 0, 0}, d[0], h, w, d[3])
}

// window is a slice with a second gradient. The gradient of GoMLX's Slice (v0.28.2) is a Pad, which has no gradient.
// XLA compiles these two operations to slices and pads. A backend that lacks them gets a Slice, with a first gradient
// only.
func window(x *Node, starts []int, sizes ...int) *Node {
	if hasDynamicSlice(x.Graph()) {
		return DynamicSlice(x, constants(x.Graph(), starts), sizes)
	}
	axes := make([]SliceAxisSpec, len(starts))
	for i, start := range starts {
		axes[i] = AxisRange(start, start+sizes[i])
	}
	return Slice(x, axes...)
}

// hasDynamicSlice reports whether the backend of a graph has DynamicSlice: XLA's has it; GoMLX's Go backend and that
// of ONNX lack it.
func hasDynamicSlice(g *Graph) bool {
	return g.Backend().Capabilities().Operations[compute.OpTypeDynamicSlice]
}

func constants(g *Graph, values []int) []*Node {
	nodes := make([]*Node, len(values))
	for i, v := range values {
		nodes[i] = Scalar(g, dtypes.Int32, v)
	}
	return nodes
}
