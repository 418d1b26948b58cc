package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/lecture11/internal/noise"
)

// ELBO is an estimate of the evidence lower bound and of its two braces on the slide: Bound = Reconstruction − KL.
type ELBO struct {
	Bound          Estimate // ≤ ln p_β(x), in expectation
	Reconstruction Estimate // E ln p_β(x|z)
	KL             Estimate // KL(q_α(z|x) ‖ p(z)), closed form
}

// String returns the bound and its parts.
func (e ELBO) String() string {
	return fmt.Sprintf("ELBO %v nats = reconstruction %v − KL %v, over %d objects",
		e.Bound, e.Reconstruction, e.KL, len(e.Bound.PerObject))
}

// ELBO estimates the evidence lower bound of the objects x [l, n] from one code each, with the KL term in closed form:
//
//	ELBO(x) = ln p_β(x|z) − KL(q_α(z|x) ‖ p(z)),  z = μ + σε.
//
// It is the bound of the slide for every β with which the model was trained.
func (m *VAE) ELBO(x *tensors.Tensor, seed int64) (ELBO, error) {
	columns, err := m.perObject("VAE.ELBO", x, 0, seed, func(scope *model.Scope, x, rngState *Node) []*Node {
		logLikelihood, kl := m.terms(scope, pixels(x), rngState)
		return []*Node{logLikelihood, kl}
	})
	if err != nil {
		return ELBO{}, fmt.Errorf("lecture11: VAE.ELBO: %w", err)
	}
	bound := make([]float64, len(columns[0]))
	for i := range bound {
		bound[i] = columns[0][i] - columns[1][i]
	}
	return ELBO{NewEstimate(bound), NewEstimate(columns[0]), NewEstimate(columns[1])}, nil
}

// terms builds the two terms of the bound for each object from one code each: ln p(x|z) at z = μ + σ·ε, and KL(q(z|x) ‖
// p(z)). x: [batch, n (+ classes)]; results: [batch], in nats.
func (m *VAE) terms(scope *model.Scope, x, rngState *Node) (logLikelihood, kl *Node) {
	q := m.encode(scope, x)
	eps := noise.StateNormal(rngState, q.draws(1))
	logLikelihood = Reshape(m.logLikelihoods(scope, x, q.sample(eps)), x.Shape().Dim(0))
	return logLikelihood, KLDivergence(q.mean, q.logVar, m.cfg.PriorStd)
}

// ImportanceBound estimates the bound from k weighted codes per object (see the function ImportanceBound) for the
// objects x [l, n]. With many codes it approaches ln p_β(x) from below.
func (m *VAE) ImportanceBound(x *tensors.Tensor, k int, seed int64) (Estimate, error) {
	if k < 1 {
		return Estimate{}, fmt.Errorf("lecture11: VAE.ImportanceBound: k = %d, want at least 1", k)
	}
	columns, err := m.perObject("VAE.ImportanceBound", x, k, seed, func(scope *model.Scope, x, rngState *Node) []*Node {
		return []*Node{ImportanceBound(m.logWeights(scope, pixels(x), k, rngState))}
	})
	if err != nil {
		return Estimate{}, fmt.Errorf("lecture11: VAE.ImportanceBound: %w", err)
	}
	return NewEstimate(columns[0]), nil
}

// logWeights builds ln w = ln p(x|z) + ln p(z) − ln q(z|x) for k codes of each object, [k, batch].
func (m *VAE) logWeights(scope *model.Scope, x *Node, k int, rngState *Node) *Node {
	q := m.encode(scope, x)
	eps := noise.StateNormal(rngState, q.draws(k))
	z := q.sample(eps)
	return Transpose(Sub(Add(m.logLikelihoods(scope, x, z), m.logPrior(z)), q.logDensity(eps)), 0, 1)
}

// maxCodes limits the number of codes on the device at once in perObject.
const maxCodes = 25_000

// perObject applies fn, which returns columns [batch] for objects and a random state, to the objects x. fn is compiled
// once for each k, the number of codes per object (0: one, in closed form). who is the caller, for errors.
func (m *VAE) perObject(who string, x *tensors.Tensor, k int, seed int64,
	fn func(scope *model.Scope, x, rngState *Node) []*Node) ([][]float64, error) {
	if err := m.checkObjects(who, x); err != nil {
		return nil, err
	}
	defer m.reading()()
	exec, err := program(&m.fitted, fmt.Sprintf("bound of %d", k), fn)
	if err != nil {
		return nil, err
	}
	out, err := mapRows(exec, x, min(inferenceBatch, max(1, maxCodes/max(1, k))), &seed)
	if err != nil {
		return nil, err
	}
	columns := make([][]float64, len(out))
	for i, t := range out {
		if columns[i], err = float64s(t); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// MonteCarloKL estimates KL(N(μ, diag σ²) ‖ N(0, s²I)), in nats, as the mean of ln q(z) − ln p(z) over draws z ~ N(μ,
// diag σ²). It is the oracle of the closed form. mean, logVar: [d], logVar = ln σ².
func MonteCarloKL(mean, logVar []float64, priorStd float64, draws int, seed uint64) (Estimate, error) {
	if len(mean) != len(logVar) || draws < 2 || !(priorStd > 0) {
		return Estimate{}, fmt.Errorf("lecture11: MonteCarloKL of %d means and %d variances, s = %g, %d draws, want equal "+
			"numbers, s > 0 and at least 2 draws", len(mean), len(logVar), priorStd, draws)
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	values := make([]float64, draws)
	for i := range values {
		for j := range mean {
			eps := rng.NormFloat64()
			z := mean[j] + math.Exp(0.5*logVar[j])*eps
			values[i] += 0.5*(z*z/(priorStd*priorStd)-eps*eps-logVar[j]) + math.Log(priorStd)
		}
	}
	return NewEstimate(values), nil
}
