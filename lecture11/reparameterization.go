package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// GradientDraws holds one-draw estimates of ∂/∂μ E z², z ~ N(μ, σ²), whose true value is 2μ. They show the purpose of
// the reparametrisation trick (slide "Variational Auto Encoder", continued).
type GradientDraws struct {
	Reparameterized []float64 // through z = μ + σε
	Score           []float64 // z²·∂ ln q(z)/∂μ = z²(z − μ)/σ²: without the trick
	Detached        []float64 // through z with its dependence on μ cut: the classic mistake
}

// NewGradientDraws computes draws estimates of each kind from the same noise ε.
func NewGradientDraws(backend compute.Backend, mean, std float64, draws int, seed uint64) (GradientDraws, error) {
	if err := checkBackend("NewGradientDraws", backend); err != nil {
		return GradientDraws{}, err
	}
	var d GradientDraws
	if draws < 2 || !(std > 0) {
		return d, fmt.Errorf("lecture11: NewGradientDraws(std = %g, draws = %d), want std > 0 and at least 2 draws", std, draws)
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	eps := make([]float64, draws)
	for i := range eps {
		eps[i] = rng.NormFloat64()
	}
	out, err := ExecOnceN(backend, func(eps *Node) []*Node { return gradientDraws(eps, mean, std) }, eps)
	if err != nil {
		return d, fmt.Errorf("lecture11: NewGradientDraws: %w", err)
	}
	for i, column := range []*[]float64{&d.Reparameterized, &d.Score, &d.Detached} {
		if *column, err = tensors.CopyFlatData[float64](out[i]); err != nil {
			return d, err
		}
	}
	return d, nil
}

// gradientDraws builds the three estimates from eps [draws].
func gradientDraws(eps *Node, mean, std float64) []*Node {
	mu := AddScalar(ZerosLike(eps), mean) // one μ for each draw, so that each has a separate gradient
	z := Reparameterize(mu, AddScalar(ZerosLike(eps), 2*math.Log(std)), eps)
	gradient := func(z *Node) *Node {
		loss := Add(ReduceAllSum(Square(z)), MulScalar(ReduceAllSum(mu), 0)) // + 0·μ: a gradient even where z has none
		return Gradient(loss, mu)[0]
	}
	score := MulScalar(Mul(Square(z), Sub(z, mu)), 1/(std*std))
	return []*Node{gradient(z), score, gradient(StopGradient(z))}
}
