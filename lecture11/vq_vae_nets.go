package lecture11

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// encode builds the codes z_e = f(x, α) before quantisation, with the codes of one object together, [batch·L, d]. x:
// [batch, n].
func (m *VQVAE) encode(scope *model.Scope, x *Node) *Node {
	scope = scope.In("encoder")
	if m.cfg.Encoder == "conv" {
		return m.convCells(scope, x)
	}
	out := denseEncoder(m.cfg.spec(), m.cfg.Positions*m.cfg.Latent)(scope, x)
	return Reshape(out, x.Shape().Dim(0)*m.cfg.Positions, m.cfg.Latent)
}

// convCells halves the image twice by 3×3 convolutions with stride 2, then maps each of its pixels separately to a
// code: [batch·L, d]. So a code describes one part of the image.
func (m *VQVAE) convCells(scope *model.Scope, x *Node) *Node {
	image, act := m.cfg.images()[0], activations[m.cfg.Activation]
	x = Reshape(x, x.Shape().Dim(0), image.height, image.width, image.channels)
	x = act(convolution(scope.In("conv_0"), x, convChannels1, 2)) // [batch, h/2, w/2, 16]
	x = act(convolution(scope.In("conv_1"), x, convChannels2, 2)) // [batch, h/4, w/4, 32]
	return affine(scope.In("output"), Reshape(x, -1, convChannels2), m.cfg.Latent)
}

// decode builds the decoder's output for code vectors [batch, L·d]: x̂ or, for Bernoulli, its logits, [batch, n].
func (m *VQVAE) decode(scope *model.Scope, z *Node) *Node {
	scope = scope.In("decoder")
	if m.cfg.Decoder == "conv" {
		return m.convImage(scope, z)
	}
	return denseDecoder(m.cfg.spec())(scope, z)
}

// convImage arranges the codes as a small image of d channels, and doubles it twice by resize-convolutions.
func (m *VQVAE) convImage(scope *model.Scope, z *Node) *Node {
	batch, images, act := z.Shape().Dim(0), m.cfg.images(), activations[m.cfg.Activation]
	x := Reshape(z, batch, images[2].height, images[2].width, m.cfg.Latent)
	x = act(convolution(scope.In("input"), x, convChannels2, 1))                        // [batch, h/4, w/4, 32]
	x = act(images[1].cropped(resizeConvolution(scope.In("conv_0"), x, convChannels1))) // [batch, h/2, w/2, 16]
	x = images[0].cropped(resizeConvolution(scope.In("conv_1"), x, images[0].channels)) // [batch, h, w, channels]
	return Reshape(x, batch, m.cfg.Features)
}
