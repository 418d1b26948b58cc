package lecture11

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
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
		return layers.DenseWithBias(scope.In("output"), x, outputs)
	}
}

// convDecoder maps the code to a small image and doubles it twice: each pixel is repeated, then convolved 3×3. This
// resize-convolution leaves no chequerboard, as a transposed convolution may (Odena et al. 2016).
func convDecoder(s netSpec) NetFn {
	return func(scope *model.Scope, z *Node) *Node {
		batch, side := z.Shape().Dim(0), imageSide(s.features)
		act := activations[s.activation]
		x := act(layers.DenseWithBias(scope.In("input"), z, side/4*side/4*convChannels2))
		x = Reshape(x, batch, side/4, side/4, convChannels2)
		x = act(convolution(scope.In("conv_0"), repeatPixels(x), convChannels1, 1)) // [batch, side/2, side/2, 16]
		x = convolution(scope.In("conv_1"), repeatPixels(x), 1, 1)                  // [batch, side, side, 1]
		x.AssertDims(batch, side, side, 1)
		return Reshape(x, batch, s.features)
	}
}

// convolution is a 3×3 convolution with a bias, padded so that stride 1 keeps the size. x: [batch, h, w, channels].
func convolution(scope *model.Scope, x *Node, channels, stride int) *Node {
	return layers.Convolution(scope, x).Channels(channels).KernelSize(3).PadSame().Strides(stride).Done()
}

// repeatPixels doubles height and width by repeating each pixel. x: [batch, h, w, c] → [batch, 2h, 2w, c].
func repeatPixels(x *Node) *Node {
	d := x.Shape().Dimensions
	x = Reshape(x, d[0], d[1], 1, d[2], 1, d[3])
	x = BroadcastToDims(x, d[0], d[1], 2, d[2], 2, d[3])
	return Reshape(x, d[0], 2*d[1], 2*d[2], d[3])
}
