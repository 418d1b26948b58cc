package lecture11

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Momentary returns the same GAN, on the same weights, but generates objects with the current weights of G. A GAN with
// GANConfig.Average otherwise uses the mean of its weights.
func (m *GAN) Momentary() *GAN {
	defer m.reading()()
	now := &GAN{cfg: m.cfg, nets: m.nets}
	now.cfg.Average = 0
	now.fitted = newFitted(m.kind, m.backend, now.cfg, now.buildAll)
	now.store, now.guard, now.networks, now.trained = m.store, m.guard, m.networks, m.trained
	return now
}

// Generate returns count new objects G(z), with z ~ N(0, I) drawn by the seed: [count, n].
func (m *GAN) Generate(count int, seed int64) (*tensors.Tensor, error) {
	if m.cfg.Classes > 0 {
		return nil, fmt.Errorf("lecture11: GAN.Generate with GANConfig.Classes = %d, want GenerateOf, which takes labels", m.cfg.Classes)
	}
	if count < 1 {
		return nil, fmt.Errorf("lecture11: GAN.Generate: count = %d, want at least 1", count)
	}
	z, err := RandomCodes(count, m.cfg.Latent, seed)
	if err != nil {
		return nil, err
	}
	return m.GenerateFrom(z)
}

// GenerateOf returns a new object for each label, G(z, y): [len(labels), n].
func (m *GAN) GenerateOf(labels []int, seed int64) (*tensors.Tensor, error) {
	if m.cfg.Classes == 0 {
		return nil, fmt.Errorf("lecture11: GAN.GenerateOf with GANConfig.Classes = 0, want a conditional model")
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("lecture11: GAN.GenerateOf without labels, want at least one")
	}
	z, err := RandomCodes(len(labels), m.cfg.Latent, seed)
	if err != nil {
		return nil, err
	}
	z, err = WithLabels(z, labels, m.cfg.Classes)
	if err != nil {
		return nil, err
	}
	return m.GenerateFrom(z)
}

// GenerateFrom returns the objects of noise z [l, d], or of noise with labels appended [l, d + classes]: [l, n]. The
// label columns may hold any finite numbers, such as a mixture of two labels.
func (m *GAN) GenerateFrom(z *tensors.Tensor) (*tensors.Tensor, error) {
	if err := m.checkObjects(z, m.cfg.Latent+m.cfg.Classes, false); err != nil {
		return nil, err
	}
	return first(m.apply("Generate", z, func(scope *model.Scope, z *Node) []*Node { return []*Node{m.objectsOf(scope, z)} }))
}

// objectsOf builds the objects G(z) of noise, without their labels. z: [batch, d (+ classes)]; result: [batch, n].
func (m *GAN) objectsOf(scope *model.Scope, z *Node) *Node {
	var y *Node
	if m.cfg.Classes > 0 {
		y = Slice(z, AxisRange(), AxisRange(m.cfg.Latent))
		z = Slice(z, AxisRange(), AxisRange(0, m.cfg.Latent))
	}
	if m.cfg.Average > 0 {
		scope = scope.In(averageScope)
	}
	x := (&ganNets{m: m, scope: scope}).generateFrom(z, y)
	return Slice(x, AxisRange(), AxisRange(0, m.cfg.Features))
}

// Discriminate returns D's output before any sigmoid for the objects x [l, n (+ classes)]: [l, 1]. The label columns of
// a conditional model are those that [WithLabels] appends.
func (m *GAN) Discriminate(x *tensors.Tensor) (*tensors.Tensor, error) {
	if err := m.checkObjects(x, m.cfg.Features+m.cfg.Classes, false); err != nil {
		return nil, err
	}
	if err := checkLabelColumns("GAN.Discriminate", x, m.cfg.Features, m.cfg.Classes); err != nil {
		return nil, err
	}
	return first(m.apply("Discriminate", x, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{ExpandAxes((&ganNets{m: m, scope: scope}).discriminate(x), -1)}
	}))
}

// DiscriminatorWeights returns all weights of D, including biases, as one list. It shows, for example, the effect of
// clipping.
func (m *GAN) DiscriminatorWeights() ([]float64, error) {
	defer m.reading()()
	if err := m.checkTrained(); err != nil {
		return nil, err
	}
	var all []float64
	for v := range m.store.Scope("/discriminator").IterVariables() {
		if !v.Trainable {
			continue
		}
		flat, err := numbersOf(v)
		if err != nil {
			return nil, fmt.Errorf("lecture11: GAN.DiscriminatorWeights: %s: %w", v.Path(), err)
		}
		all = append(all, flat...)
	}
	return all, nil
}
