package lecture11

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Channels of the two convolutions of the encoder; the decoder mirrors them.
const (
	convChannels1 = 16
	convChannels2 = 32
)

// imageSide is the side of a square image of n pixels, or 1 (no multiple of 4) if n is not a square.
func imageSide(n int) int {
	side := int(math.Round(math.Sqrt(float64(n))))
	if side*side != n {
		return 1
	}
	return side
}

// convEncoder halves the image twice by convolutions 3×3 with stride 2, then maps it to the outputs. What x has beyond the
// image (a label) joins before the last layer.
func convEncoder(s netSpec, outputs int) NetFn {
	return func(scope *model.Scope, x *Node) *Node {
		batch, side := x.Shape().Dim(0), imageSide(s.features)
		act, all := activations[s.activation], x
		x = Reshape(Slice(x, AxisRange(), AxisRange(0, s.features)), batch, side, side, 1)
		x = act(convolution(scope.In("conv_0"), x, convChannels1, 2)) // [batch, side/2, side/2, 16]
		x = act(convolution(scope.In("conv_1"), x, convChannels2, 2)) // [batch, side/4, side/4, 32]
		x.AssertDims(batch, side/4, side/4, convChannels2)
		x = Reshape(x, batch, -1)
		if all.Shape().Dim(1) > s.features {
			x = Concatenate([]*Node{x, Slice(all, AxisRange(), AxisRange(s.features))}, -1)
		}
		return affine(scope.In("output"), x, outputs)
	}
}

// convDecoder maps the code to a small image and doubles it twice by resize-convolutions.
func convDecoder(s netSpec) NetFn {
	return func(scope *model.Scope, z *Node) *Node {
		batch, side := z.Shape().Dim(0), imageSide(s.features)
		act := activations[s.activation]
		x := act(affine(scope.In("input"), z, side/4*side/4*convChannels2))
		x = Reshape(x, batch, side/4, side/4, convChannels2)
		x = act(resizeConvolution(scope.In("conv_0"), x, convChannels1)) // [batch, side/2, side/2, 16]
		x = resizeConvolution(scope.In("conv_1"), x, 1)                  // [batch, side, side, 1]
		x.AssertDims(batch, side, side, 1)
		return Reshape(x, batch, s.features)
	}
}
