package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/lecture11/internal/noise"
)

// Corrupt draws one x̃ ~ q(x̃|x) for each object x [l, n]. Bytes count as [0, 1]. Result: floats [l, n].
func Corrupt(backend compute.Backend, x *tensors.Tensor, c Corruption, seed int64) (*tensors.Tensor, error) {
	if err := checkBackend("Corrupt", backend); err != nil {
		return nil, err
	}
	if err := c.check("Corruption"); err != nil {
		return nil, err
	}
	if err := checkPlainObjects("Corrupt", x); err != nil {
		return nil, err
	}
	// The inputs are x and, if there is noise, a state of the random generator.
	exec, err := NewExec(backend, func(inputs []*Node) *Node {
		return c.build(pixels(inputs[0]), func() *Node { return noise.StateKey(inputs[1]) })
	})
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	out, err := mapBatches(x, inferenceBatch, func(first int, batch *tensors.Tensor) ([]*tensors.Tensor, error) {
		if c.Kind == "" {
			return exec.Call(batch)
		}
		state, err := batchState(seed, first)
		if err != nil {
			return nil, err
		}
		return exec.Call(batch, state)
	})
	if err != nil {
		return nil, fmt.Errorf("lecture11: Corrupt: %w", err)
	}
	return out[0], nil
}

// Score returns the score of the noisy data that a denoising autoencoder has learned,
//
//	(r(x̃) − x̃)/σ² ≈ ∇ ln p_σ(x̃),  r(x̃) = g(f(x̃, α), β),  p_σ = p * N(0, σ²I),
//
// for x̃ [l, n], where σ is the noise of its training: float64 [l, n], in 1/unit of x. For Gaussian noise and squared
// error the optimal r is E[x|x̃], and then the two sides are equal (Tweedie's formula, see [GaussianMixture.Denoise]).
// Errors of the network are divided by σ², so a smaller σ requires a more accurate network.
//
// Slide "Denoising auto encoder"; Vincent 2011; Alain & Bengio 2014, theorem 1 (there for σ → 0).
func (m *Autoencoder) Score(x *tensors.Tensor) (*tensors.Tensor, error) {
	c := m.cfg.Corruption
	if c.Kind != "gaussian" || c.Level == 0 || m.cfg.Loss != "mse" {
		return nil, fmt.Errorf("lecture11: Score of an autoencoder with Corruption = {%q, %g} and Loss = %q, want "+
			"\"gaussian\" with σ > 0 and \"mse\"", c.Kind, c.Level, m.cfg.Loss)
	}
	r, err := m.Reconstruct(x)
	if err != nil {
		return nil, err
	}
	values, err := Components(r)
	if err != nil {
		return nil, err
	}
	noisy, err := Components(x)
	if err != nil {
		return nil, err
	}
	for i := range values {
		values[i] = (values[i] - noisy[i]) / (c.Level * c.Level)
	}
	return tensors.FromFlatDataAndDimensions(values, x.Shape().Dimensions...), nil
}

// FieldError is the error of one vector field relative to another, the true one, at the same points.
type FieldError struct {
	Relative float64 // √(Σ‖a − b‖² / Σ‖b‖²)
	Cosine   float64 // of the angle between a and b, averaged over the points where b ≠ 0
}

// String returns both numbers: "relative error 0.035, cosine 0.9990".
func (e FieldError) String() string {
	return fmt.Sprintf("relative error %.3f, cosine %.4f", e.Relative, e.Cosine)
}

// CompareFields compares vectors a with true ones b, both [l, n], for example scores or displacements.
func CompareFields(a, b *tensors.Tensor) (FieldError, error) {
	if err := checkTensors("CompareFields", a, b); err != nil {
		return FieldError{}, err
	}
	if a.Rank() != 2 || !a.Shape().EqualDimensions(b.Shape()) || a.Size() == 0 {
		return FieldError{}, fmt.Errorf("lecture11: CompareFields of %s and %s, want one shape [l, n]", a.Shape(), b.Shape())
	}
	u, err := Components(a)
	if err != nil {
		return FieldError{}, err
	}
	v, err := Components(b)
	if err != nil {
		return FieldError{}, err
	}
	n := a.Shape().Dimensions[1]
	var squares, truth, cosines float64
	counted := 0
	for i := 0; i < len(u); i += n {
		var uu, vv, uv float64
		for j := i; j < i+n; j++ {
			uu, vv, uv = uu+u[j]*u[j], vv+v[j]*v[j], uv+u[j]*v[j]
			squares += (u[j] - v[j]) * (u[j] - v[j])
		}
		truth += vv
		if vv > 0 {
			counted++
			cosines += uv / max(math.Sqrt(uu*vv), math.SmallestNonzeroFloat64)
		}
	}
	if !finite(squares) {
		if err := checkAllFinite("CompareFields", a, b); err != nil {
			return FieldError{}, err
		}
	}
	if truth == 0 {
		return FieldError{}, fmt.Errorf("lecture11: CompareFields with true vectors that are all 0, want one that is not")
	}
	return FieldError{math.Sqrt(squares / truth), cosines / float64(counted)}, nil
}

// CodeInstability returns the change of the codes by noise, relative to the differences between the codes of objects,
//
//	E‖f(x̃) − f(x)‖² / tr Var f(x),
//
// for codes clean and noisy, [l, d], of the same objects. It is 0 if noise does not change the codes. It does not
// change when all codes are scaled, shifted or rotated.
//
// Slide "Denoising auto encoder", first line.
func CodeInstability(clean, noisy *tensors.Tensor) (float64, error) {
	if err := checkTensors("CodeInstability", clean, noisy); err != nil {
		return 0, err
	}
	if clean.Rank() != 2 || !clean.Shape().EqualDimensions(noisy.Shape()) || clean.Size() == 0 {
		return 0, fmt.Errorf("lecture11: CodeInstability of %s and %s, want one shape [l, d]", clean.Shape(), noisy.Shape())
	}
	z, err := Components(clean)
	if err != nil {
		return 0, err
	}
	moved, err := Components(noisy)
	if err != nil {
		return 0, err
	}
	l, d := clean.Shape().Dimensions[0], clean.Shape().Dimensions[1]
	var shift, spread float64
	for j := range d {
		mean := 0.0
		for i := range l {
			mean += z[i*d+j] / float64(l)
		}
		for i := j; i < len(z); i += d {
			shift += (moved[i] - z[i]) * (moved[i] - z[i])
			spread += (z[i] - mean) * (z[i] - mean)
		}
	}
	if !finite(shift + spread) {
		if err := checkAllFinite("CodeInstability", clean, noisy); err != nil {
			return 0, err
		}
	}
	if !(spread > 0) {
		return 0, fmt.Errorf("lecture11: CodeInstability: tr Var f(x) = %g over %d objects, want codes that differ", spread, l)
	}
	return shift / spread, nil
}
