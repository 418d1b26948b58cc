package lecture11

import (
	"errors"
	"fmt"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Encode returns q_α(z|x) of each object x [l, n (+ classes)]: its mean μ and the logarithm of its variance ln σ²,
// [l, d] each. The objects of a conditional model include their labels; see [WithLabels].
func (m *VAE) Encode(x *tensors.Tensor) (mean, logVar *tensors.Tensor, err error) {
	if err := m.checkObjects("VAE.Encode", x); err != nil {
		return nil, nil, err
	}
	out, err := m.apply("Encode", x, func(scope *model.Scope, x *Node) []*Node {
		q := m.encode(scope, x)
		return []*Node{q.mean, q.logVar}
	})
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1], nil
}

// Decode returns the mean E[x|z] of p_β(x|z) for codes z [l, d]: [l, n]; for the Bernoulli likelihood, the probability
// that a pixel is 1. A conditional model takes codes with labels appended, [l, d + classes]; the label columns may hold
// any finite numbers, such as a mixture of two labels.
func (m *VAE) Decode(z *tensors.Tensor) (x *tensors.Tensor, err error) {
	if err := checkAllFinite("VAE.Decode", z); err != nil {
		return nil, err
	}
	if s := z.Shape(); s.Rank() != 2 || s.Dimensions[1] != m.cfg.Latent+m.cfg.Classes || !s.DType.IsFloat() {
		return nil, fmt.Errorf("lecture11: codes of shape %s, want floats [l, %d]: VAEConfig.Latent = %d, Classes = %d",
			s, m.cfg.Latent+m.cfg.Classes, m.cfg.Latent, m.cfg.Classes)
	}
	return first(m.apply("Decode", z, func(scope *model.Scope, z *Node) []*Node {
		return []*Node{likelihoods[m.cfg.Likelihood].mean(m.decode(scope, z))}
	}))
}

// Reconstruct encodes objects x [l, n (+ classes)] and decodes the means of their codes, with the labels of the objects
// if the model is conditional: [l, n]. Both networks are one program.
func (m *VAE) Reconstruct(x *tensors.Tensor) (*tensors.Tensor, error) {
	if err := m.checkObjects("VAE.Reconstruct", x); err != nil {
		return nil, err
	}
	return first(m.apply("Reconstruct", x, func(scope *model.Scope, x *Node) []*Node {
		z := m.encode(scope, x).mean
		if m.cfg.Classes > 0 {
			z = Concatenate([]*Node{z, Slice(x, AxisRange(), AxisRange(m.cfg.Features))}, -1)
		}
		return []*Node{likelihoods[m.cfg.Likelihood].mean(m.decode(scope, z))}
	}))
}

// decodeLike decodes codes z [l·k, d], k for each object of x, with the objects' labels if the model is conditional.
func (m *VAE) decodeLike(x, z *tensors.Tensor) (*tensors.Tensor, error) {
	if m.cfg.Classes == 0 {
		return m.Decode(z)
	}
	values, err := Components(x)
	if err != nil {
		return nil, err
	}
	l, n := x.Shape().Dimensions[0], m.cfg.Features
	k := z.Shape().Dimensions[0] / l
	labels := make([]int, 0, l*k)
	for i := range l {
		oneHot := values[i*(n+m.cfg.Classes)+n:][:m.cfg.Classes]
		label := max(0, slices.Index(oneHot, 1))
		labels = append(labels, slices.Repeat([]int{label}, k)...)
	}
	return m.decodeWith(z, labels)
}

func (m *VAE) decodeWith(z *tensors.Tensor, labels []int) (*tensors.Tensor, error) {
	joined, err := WithLabels(z, labels, m.cfg.Classes)
	if err != nil {
		return nil, err
	}
	return m.Decode(joined)
}

// Generate decodes count codes drawn from the prior, z ~ N(0, s²I): new objects x ~ p_β(x|z), as means, [count, n].
func (m *VAE) Generate(count int, seed int64) (*tensors.Tensor, error) {
	if m.cfg.Classes > 0 {
		return nil, fmt.Errorf("lecture11: VAE.Generate with VAEConfig.Classes = %d, want GenerateOf, which takes labels", m.cfg.Classes)
	}
	z, err := m.priorCodes("Generate", count, seed)
	if err != nil {
		return nil, err
	}
	return m.Decode(z)
}

// GenerateOf decodes a code drawn from the prior for each label, with that label: new objects x ~ p_β(x|z, y) of a
// conditional model, as means, [len(labels), n].
func (m *VAE) GenerateOf(labels []int, seed int64) (*tensors.Tensor, error) {
	if m.cfg.Classes == 0 {
		return nil, errors.New("lecture11: VAE.GenerateOf with VAEConfig.Classes = 0, want a conditional model")
	}
	z, err := m.priorCodes("GenerateOf", len(labels), seed)
	if err != nil {
		return nil, err
	}
	return m.decodeWith(z, labels)
}

// priorCodes draws count codes from the prior: [count, d].
func (m *VAE) priorCodes(method string, count int, seed int64) (*tensors.Tensor, error) {
	if count < 1 {
		return nil, fmt.Errorf("lecture11: VAE.%s: count = %d, want at least 1", method, count)
	}
	z := normals(count*m.cfg.Latent, seed)
	for i := range z {
		z[i] *= float32(m.cfg.PriorStd)
	}
	return tensors.FromFlatDataAndDimensions(z, count, m.cfg.Latent), nil
}

// Similar generates count objects similar to each x [l, n], as on the slide: z = μ_α(x) + σ_α(x)·ε, ε ~ N(0, I), then
// E[x|z]. Result: [l·count, n], with the objects similar to one x together.
func (m *VAE) Similar(x *tensors.Tensor, count int, seed int64) (*tensors.Tensor, error) {
	if count < 1 {
		return nil, fmt.Errorf("lecture11: VAE.Similar: count = %d, want at least 1", count)
	}
	held, release := m.hold()
	defer release()
	m = &VAE{cfg: m.cfg, nets: m.nets, fitted: held}
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
	return m.decodeLike(x, tensors.FromFlatDataAndDimensions(z, l*count, d))
}
