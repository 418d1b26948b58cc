package lecture11

import (
	"maps"

	. "github.com/gomlx/gomlx/core/graph"
)

// AdversarialLoss is a pair of GAN criteria on the discriminator's output a, before any sigmoid. They are means over a
// batch, each to be minimised by its own player.
type AdversarialLoss struct {
	// Discriminator is the loss on outputs for real and for generated objects, [batch] each: a scalar.
	Discriminator func(real, fake *Node) *Node
	// Generator is the loss on outputs for generated objects, [batch]: a scalar.
	Generator func(fake *Node) *Node
	// Smooth returns the term that is added to Discriminator's loss if the target for real objects is 1 − s. It is nil
	// for losses that do not use probabilities.
	Smooth func(real *Node, s float64) *Node
}

// AdversarialLosses returns the losses that a GANConfig can name, with D = σ(a). The first formula is D's loss, the
// second G's:
//
//	minimax         −E ln D(x) − E ln(1 − D(G(z)));         E ln(1 − D(G(z)))    Goodfellow et al. 2014
//	non-saturating  the same;                               −E ln D(G(z))         the same, section 3
//	least-squares   ½E(a(x) − 1)² + ½E(a(G(z)) + 1)²;       ½E a(G(z))²           Mao et al. 2017, a = −1, b = 1, c = 0
//	wasserstein     E a(G(z)) − E a(x);                     −E a(G(z))            Arjovsky et al. 2017
//	hinge           E max(0, 1 − a(x)) + E max(0, 1 + a(G(z)));  −E a(G(z))       Lim & Ye 2017
//
// The gradient of the generator's loss with respect to a is −σ(a) for minimax, which vanishes where the discriminator
// is certain (a → −∞). For non-saturating it is −(1 − σ(a)), which does not vanish. Their ratio is e^(−a).
//
// Slides "GAN: criterion", "GAN: training", "LSGAN", "Wasserstein GAN".
func AdversarialLosses() map[string]AdversarialLoss { return maps.Clone(adversarialLosses) }

// adversarialLosses holds the result of [AdversarialLosses].
var adversarialLosses = map[string]AdversarialLoss{
	"minimax":        {crossEntropyLoss, func(fake *Node) *Node { return Neg(ReduceAllMean(Softplus(fake))) }, smoothed},
	"non-saturating": {crossEntropyLoss, func(fake *Node) *Node { return ReduceAllMean(Softplus(Neg(fake))) }, smoothed},
	"least-squares": {func(real, fake *Node) *Node {
		return MulScalar(Add(ReduceAllMean(Square(AddScalar(real, -1))), ReduceAllMean(Square(OnePlus(fake)))), 0.5)
	}, func(fake *Node) *Node { return MulScalar(ReduceAllMean(Square(fake)), 0.5) }, nil},
	"wasserstein": {func(real, fake *Node) *Node { return Sub(ReduceAllMean(fake), ReduceAllMean(real)) }, criticLoss, nil},
	"hinge": {func(real, fake *Node) *Node {
		return Add(ReduceAllMean(MaxScalar(OneMinus(real), 0)), ReduceAllMean(MaxScalar(OnePlus(fake), 0)))
	}, criticLoss, nil},
}

// crossEntropyLoss returns −E ln σ(real) − E ln(1 − σ(fake)).
func crossEntropyLoss(real, fake *Node) *Node {
	return Add(ReduceAllMean(Softplus(Neg(real))), ReduceAllMean(Softplus(fake)))
}

// smoothed returns the term by which −E ln σ(a) grows if the target is 1 − s: −E[(1 − s)·ln σ(a) + s·ln(1 − σ(a))] =
// −E ln σ(a) + s·E a. Only the targets of real objects are smoothed: with a target above 0 for generated objects, D*
// would have maxima at generated objects (Salimans et al. 2016).
func smoothed(real *Node, s float64) *Node { return MulScalar(ReduceAllMean(real), s) }

// criticLoss returns −E a(G(z)).
func criticLoss(fake *Node) *Node { return Neg(ReduceAllMean(fake)) }
