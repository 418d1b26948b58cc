package lecture11

import (
	"slices"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"

	"deeplearning.example/lecture11/internal/noise"
)

// GANNets are the networks of a GAN. With classes, both networks get the label appended to their input, as components
// of 0 and 1.
type GANNets struct {
	ID            string // part of the key under which a trained GAN is stored: use another ID for other networks
	Generator     NetFn  // noise [batch, d (+ classes)] → objects [batch, n], before GANConfig.Output
	Discriminator NetFn  // objects [batch, n (+ classes)] → D's output before any sigmoid, [batch, 1]

	// joint means that D's output for an object depends on that object alone, so that one call may have real and
	// generated ones. A custom network may depend on its whole batch, as batch normalisation does.
	joint bool
}

// ganBuilders holds the functions that build the networks named in GANConfig.Nets.
var ganBuilders = map[string]func(c GANConfig) GANNets{"dense": denseGAN, "conv": convGAN}

func denseGAN(c GANConfig) GANNets {
	return GANNets{
		ID:            "dense",
		joint:         true,
		Generator:     Dense(c.Generator, c.Features, c.Activation),
		Discriminator: denseBy(c.Discriminator, 1, c.Activation, c.discriminatorWeights()),
	}
}

// convGAN builds a small DCGAN (Radford et al. 2016). G maps noise to a small image of many channels and doubles its
// height and width by 3×3 resize-convolutions, which leave no checkerboard pattern. D halves them, rounded up, by 3×3
// convolutions with stride 2. It ends in a dense layer, without which it sees too little of the image to train G.
// Batch normalisation would make an object depend on the rest of its batch, so G normalises pixels instead (Karras et
// al. 2018), and D has no normalisation.
func convGAN(c GANConfig) GANNets {
	return GANNets{ID: "conv", Generator: c.convGenerator, Discriminator: c.convDiscriminator, joint: !c.Spread}
}

// ganNorms holds the normalisations of a convolutional G by name.
var ganNorms = map[string]func(x *Node) *Node{"pixel": pixelNorm, "none": activations["linear"]}

// pixelNorm returns x/√(mean of x² over the channels), at each pixel of x [batch, h, w, c].
func pixelNorm(x *Node) *Node {
	return Div(x, Sqrt(AddScalar(ReduceAndKeep(Square(x), ReduceMean, -1), 1e-8)))
}

// convGenerator maps z [batch, d (+ classes)] to [batch, n]. If the size of an image is odd, the last row or column of
// the doubled image is dropped.
func (c GANConfig) convGenerator(scope *model.Scope, z *Node) *Node {
	batch, channels := z.Shape().Dim(0), c.Generator
	act := func(x *Node) *Node { return activations[c.Activation](ganNorms[c.Norm](x)) }
	images := c.image().of(c.Features).halves(len(channels))
	slices.Reverse(images) // from the smallest to G's
	x := affine(scope.In("input"), z, images[0].height*images[0].width*channels[0])
	x = act(Reshape(x, batch, images[0].height, images[0].width, channels[0]))
	for i, size := range channels[1:] {
		x = act(images[i+1].cropped(resizeConvolution(scope.In("conv_%d", i), x, size)))
	}
	last := images[len(channels)]
	return Reshape(last.cropped(resizeConvolution(scope.In("output"), x, last.channels)), batch, c.Features)
}

// convDiscriminator maps x [batch, n (+ classes)] to [batch, 1]. Its features h of the image are multiplied by the
// label y, as ⟨h, V·y⟩ (Miyato & Koyama 2018). A label that is only added could not disagree with an image.
func (c GANConfig) convDiscriminator(scope *model.Scope, x *Node) *Node {
	batch, act, use, image := x.Shape().Dim(0), activations[c.Activation], c.discriminatorWeights(), c.image().of(c.Features)
	h := Reshape(columns(x, 0, c.Features), batch, image.height, image.width, image.channels)
	for i, size := range c.Discriminator {
		h = act(convolutionBy(scope.In("conv_%d", i), h, size, 2, use))
	}
	h = act(affineBy(scope.In("hidden"), Reshape(h, batch, -1), c.Hidden, use))
	a := affineBy(scope.In("output"), h, 1, use)
	if c.Classes > 0 {
		y := columns(x, c.Features, c.Classes)
		a = Add(a, ReduceAndKeep(Mul(h, affineBy(scope.In("label"), y, c.Hidden, use)), ReduceSum, -1))
	}
	if c.Spread {
		a = Add(a, affine(scope.In("spread"), batchSpread(scope, h), 1))
	}
	return a
}

// spreadName is the name of the mean spread of batches.
const spreadName = "mean_spread"

// batchSpread returns the spread of the features h [batch, k] that a net computes for a batch: the mean over the k
// units of their standard deviations in the batch, [1, 1]. It exposes a generator that always generates the same
// object (Salimans et al. 2016, "minibatch discrimination", in the form of Karras et al. 2018). Outside a training it
// is the mean of its values in the training, so that D's output for an object does not depend on the rest of its
// batch.
func batchSpread(scope *model.Scope, h *Node) *Node {
	g := h.Graph()
	stored := scope.WithInitializer(initializer.Zero).VariableWithShape(spreadName, shapes.Make(h.DType(), 1, 1)).SetTrainable(false)
	mean := stored.NodeValue(g)
	if !scope.IsTraining(g) {
		return mean
	}
	away := Sub(h, ReduceAndKeep(h, ReduceMean, 0))
	s := ReduceAndKeep(Sqrt(AddScalar(ReduceAndKeep(Square(away), ReduceMean, 0), 1e-8)), ReduceMean, -1)
	now := StopGradient(s)
	moved := Add(MulScalar(mean, 0.99), MulScalar(now, 0.01))
	stored.SetNodeValue(Where(Equal(mean, ZerosLike(mean)), now, moved))
	return s
}

// columns returns count columns of x [batch, n] starting at from, by an operation with a second gradient.
func columns(x *Node, from, count int) *Node {
	if from == 0 && count == x.Shape().Dim(1) {
		return x
	}
	return window(x, []int{0, from}, x.Shape().Dim(0), count)
}

// discriminatorWeights returns the function that D's layers apply to their weights.
func (c GANConfig) discriminatorWeights() weightFn {
	if c.Spectral {
		return spectral
	}
	return nil
}

// singularName is the name of the vector from which the power iteration continues.
const singularName = "singular"

// spectral returns W/σ(W), where σ is the largest singular value of W [in, out]. It is estimated by one step of power
// iteration from the vector u [out] of the last call in a training:
//
//	v := W·u/‖W·u‖,  u := Wᵀ·v/‖Wᵀ·v‖,  σ = vᵀ·W·u,
//
// where u and v are constants in the gradient (Miyato et al. 2018). A layer is then approximately 1-Lipschitz,
// depending on the convergence of u.
func spectral(scope *model.Scope, weights *Node) *Node {
	g := weights.Graph()
	stored := scope.WithInitializer(initializer.RandomNormalFn(scope, 1)).
		VariableWithShape(singularName, shapes.Make(weights.DType(), weights.Shape().Dim(1))).SetTrainable(false)
	w := StopGradient(weights)
	v := unit(Dot(w, stored.NodeValue(g)).Product())
	u := unit(Dot(v, w).Product())
	if scope.IsTraining(g) {
		stored.SetNodeValue(u)
	}
	return Div(weights, Dot(v, Dot(weights, u).Product()).Product())
}

// unit returns x/‖x‖.
func unit(x *Node) *Node { return Div(x, AddScalar(Sqrt(ReduceAllSum(Square(x))), 1e-12)) }

// ganNets calls the two nets of a GAN, several times on the same weights.
type ganNets struct {
	m       *GAN
	scope   *model.Scope
	visited map[string]bool
}

// net returns the scope of a net. GoMLX requires the first visit to a scope to differ from later ones.
func (nets *ganNets) net(name string) *model.Scope {
	if nets.visited[name] {
		return nets.scope.Shared("%s", name)
	}
	if nets.visited == nil {
		nets.visited = map[string]bool{}
	}
	nets.visited[name] = true
	return nets.scope.In("%s", name)
}

// generate draws noise for count objects in the graph of like and returns the result of generateFrom. The noise is
// drawn as one long row, because XLA draws short rows of a few components without vector instructions.
func (nets *ganNets) generate(like, y *Node, count int) *Node {
	d := nets.m.cfg.Latent
	z := noise.ScopeNormal(nets.scope, like.Graph(), shapes.Make(like.DType(), count*d))
	return nets.generateFrom(Reshape(z, count, d), y)
}

// generateFrom returns G(z), or G(z, y) with y appended: [count, n (+ classes)].
func (nets *ganNets) generateFrom(z, y *Node) *Node {
	c, count := nets.m.cfg, z.Shape().Dim(0)
	if y != nil {
		z = Concatenate([]*Node{z, y}, -1)
	}
	x := nets.m.nets.Generator(nets.net("generator"), z)
	wantDims("generator of a GAN", x, count, c.Features)
	x = ganOutputs[c.Output](x)
	if y != nil {
		x = Concatenate([]*Node{x, y}, -1)
	}
	return x
}

// discriminate returns D's output before any sigmoid: [batch]. x: [batch, n (+ classes)].
func (nets *ganNets) discriminate(x *Node) *Node {
	a := nets.m.nets.Discriminator(nets.net("discriminator"), x)
	wantDims("discriminator of a GAN", a, x.Shape().Dim(0), 1)
	return Squeeze(a, -1)
}

// compare returns D's outputs for real and for generated objects, [batch] each. If the result is the same, it uses one
// call, because larger products are faster and gradients need no sum.
func (nets *ganNets) compare(real, fake *Node) (a, b *Node) {
	if !nets.m.nets.joint {
		return nets.discriminate(real), nets.discriminate(fake)
	}
	batch := real.Shape().Dim(0)
	both := nets.discriminate(Concatenate([]*Node{real, fake}, 0)) // [2·batch]
	return window(both, []int{0}, batch), window(both, []int{batch}, batch)
}

// netLoss is a net's name and the loss that it minimises.
type netLoss struct {
	name string
	loss *Node
}

// step updates nets by Adam, each on its own loss, and returns the norms of their gradients. All gradients are taken
// before any weight changes, and a net's loss updates that net alone. A net that is frozen or has no weights does not
// change.
func (nets *ganNets) step(now *stepNumbers, losses ...netLoss) (lengths []*Node) {
	type move struct {
		scope     *model.Scope
		variables []*model.Variable
		gradients []*Node
	}
	var moves []move
	for _, l := range losses {
		scope := nets.scope.Shared("%s", l.name)
		variables := trainable(scope, now.rate.Graph())
		nodes := make([]*Node, len(variables))
		for i, v := range variables {
			nodes[i] = v.NodeValue(now.rate)
		}
		if len(nodes) == 0 {
			lengths = append(lengths, ZerosLike(l.loss))
			continue
		}
		gradients := Gradient(l.loss, nodes...)
		lengths = append(lengths, jointLength(gradients))
		if l.name != nets.m.cfg.Frozen {
			moves = append(moves, move{scope, variables, gradients})
		}
	}
	for _, mv := range moves {
		discriminator := mv.scope.Scope() == "/discriminator"
		own := now
		if discriminator {
			own = now.slower(now.own[0])
		}
		own.adamApply(mv.scope, mv.variables, mv.gradients, nil)
		if c := nets.m.cfg.Clip; c > 0 && discriminator {
			for _, v := range mv.variables {
				v.SetNodeValue(ClipScalar(v.NodeValue(now.rate), -c, c))
			}
		}
	}
	return lengths
}

// jointLength returns the Euclidean norm of nodes taken as one vector.
func jointLength(nodes []*Node) *Node {
	sum := ReduceAllSum(Square(nodes[0]))
	for _, node := range nodes[1:] {
		sum = Add(sum, ReduceAllSum(Square(node)))
	}
	return Sqrt(sum)
}

// averageScope is the scope of the mean of G's weights, as "/average/generator/…".
const averageScope = "average"

// average updates the mean of G's weights, w̄ := γw̄ + (1 − γ)w, which is set to w after the first round.
func (nets *ganNets) average(progress *Node) {
	decay := nets.m.cfg.Average
	if decay == 0 {
		return
	}
	start := Equal(progress, ZerosLike(progress))
	for _, v := range trainable(nets.scope.Shared("generator"), progress.Graph()) {
		now := v.NodeValue(progress)
		mean := nets.scope.Store().Scope("/"+averageScope+v.Scope()).WithInitializer(initializer.Zero).
			VariableWithShape(v.Name(), v.Shape()).SetTrainable(false)
		moved := Add(MulScalar(mean.NodeValue(progress), decay), MulScalar(now, 1-decay))
		mean.SetNodeValue(Where(start, now, moved))
	}
}
