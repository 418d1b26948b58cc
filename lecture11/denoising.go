package lecture11

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/lecture11/internal/noise"
)

// Corruption is the noise q(x̃|x) that a denoising autoencoder learns to remove. The zero value leaves x unchanged.
type Corruption struct {
	Kind  string  `json:"kind"`  // "" (none), "gaussian", "masking" or "salt-and-pepper"
	Level float64 `json:"level"` // σ ≥ 0 in units of x for Gaussian noise; else the probability p₀ ∈ [0, 1] of a component
}

// corruptions maps the kinds to graph functions of x and a key of random numbers. The first two are the noises of slide
// "Denoising auto encoder".
var corruptions = map[string]func(x, key *Node, level float64) *Node{
	"gaussian": func(x, key *Node, sigma float64) *Node { return GaussianNoise(x, noise.Normal(key, x.Shape()), sigma) },
	"masking":  func(x, key *Node, p0 float64) *Node { return MaskingNoise(x, noise.Uniform(key, x.Shape()), p0) },
	"salt-and-pepper": func(x, key *Node, p0 float64) *Node {
		return SaltAndPepper(x, noise.Uniform(key, x.Shape()), p0)
	},
}

// check returns an error that names field if the corruption is not valid.
func (c Corruption) check(field string) error {
	if c == (Corruption{}) {
		return nil
	}
	if err := checkName(field+".Kind", c.Kind, corruptions); err != nil {
		return err
	}
	switch {
	case c.Kind == "gaussian" && !(c.Level >= 0 && c.Level <= maxNoise):
		return fmt.Errorf("lecture11: %s.Level = %g, want σ from 0 to %g for gaussian", field, c.Level, maxNoise)
	case c.Kind != "gaussian" && !(c.Level >= 0 && c.Level <= 1):
		return fmt.Errorf("lecture11: %s.Level = %g, want a probability p₀ in [0, 1] for %s", field, c.Level, c.Kind)
	}
	return nil
}

// maxNoise bounds σ, so that its square fits in a float32.
const maxNoise = 1e18

// build draws x̃ ~ q(x̃|x). key returns the key of the random numbers; it is called only if there is noise. x and
// result: [batch, n].
func (c Corruption) build(x *Node, key func() *Node) *Node {
	if c.Kind == "" {
		return x
	}
	return corruptions[c.Kind](x, key(), c.Level)
}

// fresh draws x̃ ~ q(x̃|x) with the random numbers of the scope, which are new in each step.
func (c Corruption) fresh(scope *model.Scope, x *Node) *Node {
	return c.build(x, func() *Node { return noise.ScopeKey(scope, x.Graph()) })
}

// GaussianNoise returns x̃ = x + σ·ε, so that x̃ ~ N(x, σ²I) for ε ~ N(0, I). x, eps and the result: [batch, n]; sigma
// is σ, in units of x.
//
// Slide "Denoising auto encoder", first noise; Vincent et al. 2008.
func GaussianNoise(x, eps *Node, sigma float64) *Node { return Add(x, MulScalar(eps, sigma)) }

// MaskingNoise sets each component of x to 0 with probability p₀ and leaves the others exactly as they are. Unlike
// dropout, it does not scale by 1/(1 − p₀). u ~ U[0, 1): a component is kept where u ≥ p₀. x, u and the result:
// [batch, n].
//
// Slide "Denoising auto encoder", second noise; Vincent et al. 2008, section 2.3.
func MaskingNoise(x, u *Node, p0 float64) *Node {
	return Where(LessThan(u, ConstAs(u, p0)), ZerosLike(x), x)
}

// SaltAndPepper sets each component of x to 0 or to 1 with probability p₀/2 each. u ~ U[0, 1): 0 where u < p₀/2, 1
// where p₀/2 ≤ u < p₀. x, u and the result: [batch, n].
//
// Vincent et al. 2010, "Stacked denoising autoencoders".
func SaltAndPepper(x, u *Node, p0 float64) *Node {
	salted := Where(LessThan(u, ConstAs(u, p0)), OnesLike(x), x)
	return Where(LessThan(u, ConstAs(u, p0/2)), ZerosLike(x), salted)
}
