package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
)

// LinearGaussian is a VAE whose distributions are known exactly. Its decoder is affine:
//
//	z ~ N(0, I_d),  x|z ~ N(W z + b, τ² I_n),
//
// so that p(x) = N(b, W Wᵀ + τ² I) and p(z|x) = N(M⁻¹Wᵀ(x − b), τ² M⁻¹) with M = WᵀW + τ² I. It is the oracle for the
// bounds on slide "Variational Auto Encoder". Tipping & Bishop 1999 (probabilistic PCA).
type LinearGaussian struct {
	W     *mat.Dense // [n, d]
	B     []float64  // [n]
	Noise float64    // τ
}

// NewLinearGaussian draws W and b from N(0, 1) with the seed. x has n components, z has d, and the noise is τ > 0.
func NewLinearGaussian(n, d int, noise float64, seed uint64) (*LinearGaussian, error) {
	if n < 1 || d < 1 || !(noise > 0) {
		return nil, fmt.Errorf("lecture11: NewLinearGaussian(n = %d, d = %d, noise = %g), want all positive", n, d, noise)
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	m := &LinearGaussian{W: mat.NewDense(n, d, nil), B: make([]float64, n), Noise: noise}
	for i := range n {
		m.B[i] = rng.NormFloat64()
		for j := range d {
			m.W.Set(i, j, rng.NormFloat64())
		}
	}
	return m, nil
}

// Sample draws l objects x from the model.
func (m *LinearGaussian) Sample(l int, seed uint64) [][]float64 {
	marginal := m.Marginal(seed)
	x := make([][]float64, l)
	for i := range x {
		x[i] = marginal.Rand(nil)
	}
	return x
}

// Objects draws like Sample and returns a tensor, [l, n].
func (m *LinearGaussian) Objects(l int, seed uint64) *tensors.Tensor {
	flat := make([]float32, 0, l*len(m.B))
	for _, x := range m.Sample(l, seed) {
		for _, v := range x {
			flat = append(flat, float32(v))
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, l, len(m.B))
}

// LogLikelihood returns the exact ln p(x) of the objects x [l, n].
func (m *LinearGaussian) LogLikelihood(x *tensors.Tensor) (Estimate, error) {
	if err := checkObjects("LinearGaussian", x, len(m.B), false); err != nil {
		return Estimate{}, err
	}
	rows, err := objectRows(x)
	if err != nil {
		return Estimate{}, err
	}
	marginal, values := m.Marginal(0), make([]float64, len(rows))
	for i, row := range rows {
		values[i] = marginal.LogProb(row)
	}
	return NewEstimate(values), nil
}

// LinearGaussian returns the distribution that a VAE with an affine decoder and a Gaussian likelihood has learnt. Its
// p(x) is known.
func (m *VAE) LinearGaussian() (*LinearGaussian, error) {
	if err := m.checkNamedNets("LinearGaussian"); err != nil {
		return nil, err
	}
	c := m.cfg
	if len(c.Hidden) > 0 || c.Decoder != "dense" || c.Likelihood != "gaussian" || c.Classes > 0 {
		return nil, fmt.Errorf("lecture11: LinearGaussian of a VAE with Hidden = %v, Decoder %q, Likelihood %q, Classes = %d, want "+
			"{}, \"dense\", \"gaussian\", 0", c.Hidden, c.Decoder, c.Likelihood, c.Classes)
	}
	decoder, err := affineMap(m.Decode, c.Latent, c.Features)
	if err != nil {
		return nil, err
	}
	decoder.Matrix.Scale(c.PriorStd, decoder.Matrix) // codes of N(0, s²I) are s times those of N(0, I)
	return &LinearGaussian{W: decoder.Matrix, B: decoder.Offset, Noise: c.NoiseStd}, nil
}

// Marginal returns p(x). Its LogProb, in nats, is the true value that no bound exceeds.
func (m *LinearGaussian) Marginal(seed uint64) *distmv.Normal {
	n, _ := m.W.Dims()
	cov := mat.NewSymDense(n, nil)
	cov.SymOuterK(1, m.W)
	addDiagonal(cov, m.Noise*m.Noise)
	return normal(m.B, cov, seed)
}

// Posterior returns p(z|x), for which the evidence lower bound is tight.
func (m *LinearGaussian) Posterior(x []float64, seed uint64) *distmv.Normal {
	_, d := m.W.Dims()
	precision := mat.NewSymDense(d, nil) // M = WᵀW + τ² I
	precision.SymOuterK(1, m.W.T())
	addDiagonal(precision, m.Noise*m.Noise)
	var inverse mat.Dense
	if err := inverse.Inverse(precision); err != nil {
		panic(fmt.Sprintf("lecture11: WᵀW + τ²I cannot be inverted: %v", err)) // positive definite for τ > 0
	}
	cov := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			cov.SetSym(i, j, m.Noise*m.Noise*inverse.At(i, j))
		}
	}
	var centred, mean mat.VecDense
	centred.SubVec(mat.NewVecDense(len(x), x), mat.NewVecDense(len(m.B), m.B))
	mean.MulVec(m.W.T(), &centred)
	mean.MulVec(&inverse, &mean)
	return normal(mean.RawVector().Data, cov, seed)
}

// LogWeights draws k codes from q and returns ln w = ln p(x|z) + ln p(z) − ln q(z) of each, in nats. For the posterior
// all of them equal ln p(x).
func (m *LinearGaussian) LogWeights(x []float64, q *distmv.Normal, k int) []float64 {
	weights := make([]float64, k)
	for i := range weights {
		z := q.Rand(nil)
		weights[i] = m.logJoint(x, z) - q.LogProb(z)
	}
	return weights
}

// logJoint returns ln p(x|z) + ln p(z).
func (m *LinearGaussian) logJoint(x, z []float64) float64 {
	var mean mat.VecDense
	mean.MulVec(m.W, mat.NewVecDense(len(z), z))
	var squares, prior float64
	for i, v := range x {
		residual := v - m.B[i] - mean.AtVec(i)
		squares += residual * residual
	}
	for _, v := range z {
		prior += v * v
	}
	tau2 := m.Noise * m.Noise
	return -0.5 * (squares/tau2 + float64(len(x))*math.Log(2*math.Pi*tau2) +
		prior + float64(len(z))*math.Log(2*math.Pi))
}

// normal returns N(mean, cov) with its own random source. The covariances above are positive definite by construction.
func normal(mean []float64, cov mat.Symmetric, seed uint64) *distmv.Normal {
	dist, ok := distmv.NewNormal(mean, cov, rand.NewPCG(seed, 0))
	if !ok {
		panic("lecture11: covariance is not positive definite")
	}
	return dist
}

// Proposal returns a Gaussian close to p(z|x) but different from it: the first component of its mean is shifted, and
// its covariance is multiplied by widen. With it the bound has a gap.
func (m *LinearGaussian) Proposal(x []float64, shift, widen float64, seed uint64) *distmv.Normal {
	exact := m.Posterior(x, seed)
	var cov mat.SymDense
	exact.CovarianceMatrix(&cov)
	cov.ScaleSym(widen, &cov)
	mean := exact.Mean(nil)
	mean[0] += shift
	return normal(mean, &cov, seed)
}
