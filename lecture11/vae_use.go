package lecture11

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Encode gives q_α(z|x) of each object x [l, n]: its mean μ and the logarithm of its variance ln σ², [l, d] each.
func (m *VAE) Encode(x *tensors.Tensor) (mean, logVar *tensors.Tensor, err error) {
	if err := m.checkObjects(x); err != nil {
		return nil, nil, err
	}
	if m.encoder == nil {
		m.encoder, err = m.exec(func(scope *model.Scope, x *Node) []*Node {
			mean, logVar := m.encode(scope, pixels(x))
			return []*Node{mean, logVar}
		})
		if err != nil {
			return nil, nil, err
		}
	}
	out, err := mapRows(m.encoder, x, inferenceBatch, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("lecture11: VAE.Encode: %w", err)
	}
	return out[0], out[1], nil
}

// Decode gives the mean E[x|z] of p_β(x|z) for codes z [l, d]: [l, n]; for the Bernoulli likelihood, the probability
// that a pixel is 1.
func (m *VAE) Decode(z *tensors.Tensor) (x *tensors.Tensor, err error) {
	if s := z.Shape(); s.Rank() != 2 || s.Dimensions[1] != m.cfg.Latent || s.DType != dtypes.Float32 {
		return nil, fmt.Errorf("lecture11: codes of shape %s, want float32 [l, %d]: VAEConfig.Latent = %d",
			s, m.cfg.Latent, m.cfg.Latent)
	}
	if m.decoder == nil {
		m.decoder, err = m.exec(func(scope *model.Scope, z *Node) []*Node {
			return []*Node{likelihoods[m.cfg.Likelihood].mean(m.decode(scope, z))}
		})
		if err != nil {
			return nil, err
		}
	}
	out, err := mapRows(m.decoder, z, inferenceBatch, nil)
	if err != nil {
		return nil, fmt.Errorf("lecture11: VAE.Decode: %w", err)
	}
	return out[0], nil
}

// exec makes an executor of a trained model; an untrained one is an error.
func (m *VAE) exec(fn func(*model.Scope, *Node) []*Node) (*model.Exec, error) {
	if err := m.checkTrained(); err != nil {
		return nil, fmt.Errorf("lecture11: %w", err)
	}
	return model.NewExec(m.backend, m.store, fn)
}

// checkTrained returns an error if the model has no weights yet.
func (m *VAE) checkTrained() error {
	if m.store.NumVariables() == 0 {
		return errors.New("the VAE has no weights: train or restore it first")
	}
	return nil
}

// Reconstruct encodes objects x [l, n] and decodes the means of their codes: [l, n].
func (m *VAE) Reconstruct(x *tensors.Tensor) (*tensors.Tensor, error) {
	mean, _, err := m.Encode(x)
	if err != nil {
		return nil, err
	}
	return m.Decode(mean)
}

// Generate decodes count codes drawn from the prior, z ~ N(0, s²I): new objects x ~ p_β(x|z), as means, [count, n].
func (m *VAE) Generate(count int, seed int64) (*tensors.Tensor, error) {
	if count < 1 {
		return nil, fmt.Errorf("lecture11: VAE.Generate: count = %d, want at least 1", count)
	}
	z := normals(count*m.cfg.Latent, seed)
	for i := range z {
		z[i] *= float32(m.cfg.PriorStd)
	}
	return m.Decode(tensors.FromFlatDataAndDimensions(z, count, m.cfg.Latent))
}

// Similar generates count objects similar to each x [l, n], as on the slide: z = μ_α(x) + σ_α(x)·ε, ε ~ N(0, I), then
// E[x|z]. Result: [l·count, n], those of one object together.
func (m *VAE) Similar(x *tensors.Tensor, count int, seed int64) (*tensors.Tensor, error) {
	if count < 1 {
		return nil, fmt.Errorf("lecture11: VAE.Similar: count = %d, want at least 1", count)
	}
	mean, logVar, err := m.Encode(x)
	if err != nil {
		return nil, err
	}
	mu, err := tensors.CopyFlatData[float32](mean)
	if err != nil {
		return nil, err
	}
	lv, err := tensors.CopyFlatData[float32](logVar)
	if err != nil {
		return nil, err
	}
	l, d := x.Shape().Dimensions[0], m.cfg.Latent
	z := normals(l*count*d, seed)
	for i := range z {
		j := i/(count*d)*d + i%d // component of the object's code
		z[i] = mu[j] + float32(math.Exp(0.5*float64(lv[j])))*z[i]
	}
	return m.Decode(tensors.FromFlatDataAndDimensions(z, l*count, d))
}

// normals draws n numbers from N(0, 1).
func normals(n int, seed int64) []float32 {
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	z := make([]float32, n)
	for i := range z {
		z[i] = float32(rng.NormFloat64())
	}
	return z
}
