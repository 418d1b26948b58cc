package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
)

// GaussianMixture is a density whose optimal denoiser is known:
//
//	p(x) = Σ_k π_k N(x; μ_k, s²I).
//
// It is the oracle of slide "Denoising auto encoder". Everything is computed in float64. Sums of exponentials are
// computed in logarithms, so that results are finite far from all centres. Methods panic if a point does not have as
// many components as the centres.
type GaussianMixture struct {
	centers    [][]float64 // μ_k
	logWeights []float64   // ln π_k
	std        float64     // s
}

// NewGaussianMixture returns a mixture of K centres of n components each, with weights π_k ≥ 0 of any positive sum
// (nil: equal weights) and the standard deviation s ≥ 0 of each component. With s = 0 all its mass is on the centres;
// it then has no density, but its Smoothed has one.
func NewGaussianMixture(centers [][]float64, weights []float64, std float64) (*GaussianMixture, error) {
	switch {
	case len(centers) == 0 || len(centers[0]) == 0:
		return nil, fmt.Errorf("lecture11: NewGaussianMixture: centers = %v, want at least one, of at least one component",
			centers)
	case weights != nil && len(weights) != len(centers):
		return nil, fmt.Errorf("lecture11: NewGaussianMixture: %d weights for %d centers, want as many of both, or nil",
			len(weights), len(centers))
	case !(std >= 0) || math.IsInf(std, 0):
		return nil, fmt.Errorf("lecture11: NewGaussianMixture: std = %g, want a number of at least 0", std)
	}
	m := &GaussianMixture{std: std}
	for k, center := range centers {
		if len(center) != len(centers[0]) {
			return nil, fmt.Errorf("lecture11: NewGaussianMixture: centers[%d] has %d components, want %d",
				k, len(center), len(centers[0]))
		}
		for j, v := range center {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("lecture11: NewGaussianMixture: centers[%d][%d] = %g, want finite numbers", k, j, v)
			}
		}
		m.centers = append(m.centers, append([]float64(nil), center...))
	}
	var err error
	m.logWeights, err = logShares(weights, len(centers))
	return m, err
}

// logShares returns ln(π_k / Σ π); nil weights are equal.
func logShares(weights []float64, k int) ([]float64, error) {
	shares := make([]float64, k)
	sum := floats.Sum(weights)
	for i := range shares {
		if weights == nil {
			shares[i] = -math.Log(float64(k))
			continue
		}
		if !(weights[i] >= 0) || !(sum > 0) || math.IsInf(sum, 0) {
			return nil, fmt.Errorf("lecture11: NewGaussianMixture: weights[%d] = %g of sum %g, want finite numbers "+
				"of at least 0 and a positive sum", i, weights[i], sum)
		}
		shares[i] = math.Log(weights[i] / sum)
	}
	return shares, nil
}

// RingMixture returns the density of data.Ring: k equal Gaussians of standard deviation std whose centres are on a
// circle of the given radius, the first at angle 0.
func RingMixture(k int, radius, std float64) (*GaussianMixture, error) {
	if k < 1 || !(radius >= 0) || math.IsInf(radius, 0) {
		return nil, fmt.Errorf("lecture11: RingMixture(k = %d, radius = %g), want at least one Gaussian, radius ≥ 0", k, radius)
	}
	centers := make([][]float64, k)
	for i := range centers {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(k))
		centers[i] = []float64{radius * cos, radius * sin}
	}
	return NewGaussianMixture(centers, nil, std)
}

// GridMixture returns side × side equal Gaussians of standard deviation std, whose centres form a square grid about 0
// with the given spacing.
func GridMixture(side int, spacing, std float64) (*GaussianMixture, error) {
	if side < 1 || !(spacing > 0) || math.IsInf(spacing, 0) {
		return nil, fmt.Errorf("lecture11: GridMixture(side = %d, spacing = %g), want at least one Gaussian, spacing > 0", side, spacing)
	}
	at := func(i int) float64 { return spacing * (float64(i) - float64(side-1)/2) }
	var centers [][]float64
	for i := range side * side {
		centers = append(centers, []float64{at(i % side), at(i / side)})
	}
	return NewGaussianMixture(centers, nil, std)
}

// Smoothed returns the density of x̃ = x + σε: p_σ = p * N(0, σ²I), the same mixture with s² + σ² in place of s².
// sigma: σ ≥ 0.
func (m *GaussianMixture) Smoothed(sigma float64) (*GaussianMixture, error) {
	if !(sigma >= 0) || math.IsInf(sigma, 0) {
		return nil, fmt.Errorf("lecture11: Smoothed: sigma = %g, want σ ≥ 0", sigma)
	}
	wide := *m
	wide.std = math.Hypot(m.std, sigma)
	return &wide, nil
}

// LogDensity returns ln p(x), in nats.
func (m *GaussianMixture) LogDensity(x []float64) float64 {
	joint := m.logJoint(x)
	return floats.LogSumExp(joint) - float64(len(x))*(math.Log(m.std)+0.5*math.Log(2*math.Pi))
}

// logJoint returns ln π_k − ‖x − μ_k‖²/2s² for each k: ln p(x, k) without the constant that all share.
func (m *GaussianMixture) logJoint(x []float64) []float64 {
	joint := make([]float64, len(m.centers))
	for k, center := range m.centers {
		r := floats.Distance(x, center, 2) / m.std
		joint[k] = m.logWeights[k] - 0.5*r*r
	}
	return joint
}

// Responsibilities returns p(k|x), the probability that x comes from Gaussian k: K numbers with the sum 1.
func (m *GaussianMixture) Responsibilities(x []float64) []float64 {
	p := m.logJoint(x)
	total := floats.LogSumExp(p)
	for k := range p {
		p[k] = math.Exp(p[k] - total)
	}
	return p
}

// Score returns ∇ ln p(x) = Σ_k p(k|x) (μ_k − x)/s²: n numbers, in 1/unit of x. It points to where the density is
// higher.
func (m *GaussianMixture) Score(x []float64) []float64 {
	score := make([]float64, len(x))
	for k, p := range m.Responsibilities(x) {
		for j, v := range x {
			score[j] += p * (m.centers[k][j] - v) / (m.std * m.std)
		}
	}
	return score
}

// Denoise returns the best guess of x given x̃ = x + σε, the optimum of a denoising autoencoder with Gaussian noise
// and squared error. If x comes from Gaussian k, the guess is a weighted mean of x̃ and μ_k:
//
//	r*(x̃) = E[x|x̃] = Σ_k p_σ(k|x̃) (s²x̃ + σ²μ_k)/(s² + σ²) = x̃ + σ² ∇ ln p_σ(x̃),  p_σ = p * N(0, σ²I).
//
// The last form is Tweedie's formula, which holds for every p; Denoise computes the one before it. sigma: σ > 0.
//
// Slide "Denoising auto encoder"; Robbins 1956; Efron 2011; Vincent 2011.
func (m *GaussianMixture) Denoise(noisy []float64, sigma float64) []float64 {
	wide := *m
	wide.std = math.Hypot(m.std, sigma)
	keep := (m.std / wide.std) * (m.std / wide.std) // s²/(s² + σ²)
	x := make([]float64, len(noisy))
	for k, p := range wide.Responsibilities(noisy) {
		for j, v := range noisy {
			x[j] += p * (keep*v + (1-keep)*m.centers[k][j])
		}
	}
	return x
}

// Sample draws l objects: [l, n].
func (m *GaussianMixture) Sample(l int, seed uint64) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(seed, 0))
	n := len(m.centers[0])
	values := make([]float64, 0, l*n)
	for range l {
		center := m.centers[m.pick(rng.Float64())]
		for _, v := range center {
			values = append(values, v+m.std*rng.NormFloat64())
		}
	}
	return tensors.FromFlatDataAndDimensions(values, l, n)
}

// pick returns the Gaussian at which the sum of the weights passes u ∈ [0, 1).
func (m *GaussianMixture) pick(u float64) int {
	last := 0
	for k, w := range m.logWeights {
		if p := math.Exp(w); p > 0 {
			last = k
			if u -= p; u < 0 {
				break
			}
		}
	}
	return last
}

// EachObject applies fn to each object x [l, n], in float64, and returns [l, m], where m is the number of values that
// fn returns. Bytes count as [0, 1]. It applies functions of one point, such as GaussianMixture.Score, to a model's
// tensors.
func EachObject(x *tensors.Tensor, fn func(x []float64) []float64) (*tensors.Tensor, error) {
	if err := checkGiven("EachObject", "fn", fn != nil, "a function of an object"); err != nil {
		return nil, err
	}
	if err := checkPlainObjects("EachObject", x); err != nil {
		return nil, err
	}
	values, err := Components(x)
	if err != nil {
		return nil, err
	}
	l, n := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
	var out []float64
	for i := range l {
		y := fn(values[i*n : (i+1)*n])
		if out = append(out, y...); len(y) == 0 || len(out) != (i+1)*len(y) {
			return nil, fmt.Errorf("lecture11: EachObject: %d values of object %d, want as many of each object and at least one",
				len(y), i)
		}
	}
	return tensors.FromFlatDataAndDimensions(out, l, len(out)/l), nil
}
