package lecture11

import (
	"cmp"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Channels of the two convolutions of the encoder; the decoder mirrors them.
const (
	convChannels1 = 16
	convChannels2 = 32
)

// imageShape describes how the n = height·width·channels components of an object form an image. Rows are in order from
// the top, pixels of a row from the left, and the channels of a pixel are adjacent. In a configuration it may have
// zeros; see of.
type imageShape struct{ height, width, channels int }

// of replaces the zeros of a configuration. The default is one channel. If neither height nor width is known, the image
// is square; else the other one follows from the number of features.
func (s imageShape) of(features int) imageShape {
	s.channels = cmp.Or(s.channels, 1)
	pixels := features / max(1, s.channels)
	switch {
	case s.height == 0 && s.width == 0:
		s.height = int(math.Round(math.Sqrt(float64(pixels))))
		s.width = s.height
	case s.height == 0:
		s.height = pixels / max(1, s.width)
	case s.width == 0:
		s.width = pixels / max(1, s.height)
	}
	return s
}

// features returns the number of components of the image, or 0 if height or width is 0.
func (s imageShape) features() int { return s.height * s.width * cmp.Or(s.channels, 1) }

// check returns an error unless objects with this number of features are such images. config is the name of a
// configuration.
func (s imageShape) check(config string, features int) error {
	image := s.of(features)
	if min(image.height, image.width, image.channels) > 0 && image.features() == features {
		return nil
	}
	return fmt.Errorf("lecture11: %s.Features = %d with Height = %d, Width = %d, Channels = %d, want Features = Height·Width·Channels; "+
		"zeros stand for a square image of one channel", config, features, s.height, s.width, s.channels)
}

// half returns the shape after a convolution of stride 2 with the same channels: half as high and wide, rounded up.
func (s imageShape) half() imageShape {
	return imageShape{(s.height + 1) / 2, (s.width + 1) / 2, s.channels}
}

// halves returns the shape of the image and of count images after it, each half as large as the one before.
func (s imageShape) halves(count int) []imageShape {
	shapes := []imageShape{s}
	for range count {
		shapes = append(shapes, shapes[len(shapes)-1].half())
	}
	return shapes
}

// convEncoder halves the image twice by 3×3 convolutions with stride 2, then maps it to the outputs. Components of x
// beyond the image (a label) are added before the last layer.
func convEncoder(s netSpec, outputs int) NetFn {
	return func(scope *model.Scope, x *Node) *Node {
		batch, image := x.Shape().Dim(0), s.image.of(s.features)
		act, all := activations[s.activation], x
		x = Reshape(Slice(x, AxisRange(), AxisRange(0, s.features)), batch, image.height, image.width, image.channels)
		x = act(convolution(scope.In("conv_0"), x, convChannels1, 2)) // [batch, h/2, w/2, 16]
		x = act(convolution(scope.In("conv_1"), x, convChannels2, 2)) // [batch, h/4, w/4, 32]
		small := image.halves(2)[2]
		x.AssertDims(batch, small.height, small.width, convChannels2)
		x = Reshape(x, batch, -1)
		if all.Shape().Dim(1) > s.features {
			x = Concatenate([]*Node{x, Slice(all, AxisRange(), AxisRange(s.features))}, -1)
		}
		return affine(scope.In("output"), x, outputs)
	}
}

// convDecoder maps the code to a small image and doubles it twice by resize-convolutions. Where the size of the image
// is odd, the last row or column of the doubled image is dropped.
func convDecoder(s netSpec) NetFn {
	return func(scope *model.Scope, z *Node) *Node {
		batch, images := z.Shape().Dim(0), s.image.of(s.features).halves(2)
		act := activations[s.activation]
		x := act(affine(scope.In("input"), z, images[2].height*images[2].width*convChannels2))
		x = Reshape(x, batch, images[2].height, images[2].width, convChannels2)
		x = act(images[1].cropped(resizeConvolution(scope.In("conv_0"), x, convChannels1))) // [batch, h/2, w/2, 16]
		x = images[0].cropped(resizeConvolution(scope.In("conv_1"), x, images[0].channels)) // [batch, h, w, channels]
		return Reshape(x, batch, s.features)
	}
}

// cropped crops images of any channels to this height and width.
func (s imageShape) cropped(x *Node) *Node { return crop(x, s.height, s.width) }
