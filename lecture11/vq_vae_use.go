package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Encode returns the codes of objects x [l, n] as indices in the code book, 0 … m−1: int32 [l, L].
func (m *VQVAE) Encode(x *tensors.Tensor) (*tensors.Tensor, error) {
	if err := m.checkObjects(x, m.cfg.Features, false); err != nil {
		return nil, err
	}
	return first(m.apply("Encode", x, func(scope *model.Scope, x *Node) []*Node {
		places, _ := m.places(scope, x)
		return []*Node{places}
	}))
}

// places builds the places a(z_e) of objects x [batch, n] in the code book, int32 [batch, L], and returns the book, [m,
// d].
func (m *VQVAE) places(scope *model.Scope, x *Node) (places, book *Node) {
	z := m.encode(scope, x)
	book = m.vectors(scope.In(bookScope), z.DType()).NodeValue(z.Graph())
	return Reshape(Assign(SquaredDistances(z, book)), x.Shape().Dim(0), m.cfg.Positions), book
}

// vectorsAt builds the vectors of a code book [m, d] at places int32 [batch, L]: [batch, L, d].
func vectorsAt(book, places *Node) *Node { return Gather(book, ExpandAxes(places, -1)) }

// objectsAt builds x̂ for places int32 [batch, L] in the code book of a trained model: [batch, n].
func (m *VQVAE) objectsAt(scope *model.Scope, places *Node) *Node {
	book := scope.In(bookScope).GetVariable(vectorsName).NodeValue(places.Graph())
	z := Reshape(vectorsAt(book, places), places.Shape().Dim(0), -1) // [batch, L·d]
	return reconstructionLosses[m.cfg.Loss].mean(m.decode(scope, z))
}

// Decode returns the objects x̂ = g(e_{a_1} … e_{a_L}) of codes int32 [l, L], which are those of Encode: [l, n]. With
// the Bernoulli loss they are probabilities.
func (m *VQVAE) Decode(codes *tensors.Tensor) (*tensors.Tensor, error) {
	if err := m.checkCodes(codes); err != nil {
		return nil, err
	}
	defer m.reading()()
	if _, err := m.trainedVectors(); err != nil {
		return nil, err
	}
	exec, err := program(&m.fitted, "Decode", func(scope *model.Scope, codes *Node) []*Node {
		return []*Node{m.objectsAt(scope, codes)}
	})
	if err != nil {
		return nil, err
	}
	return first(mapRows(exec, codes, inferenceBatch, nil))
}

// checkCodes returns an error unless codes are int32 [l, L] with indices of code vectors.
func (m *VQVAE) checkCodes(codes *tensors.Tensor) error {
	if err := checkTensors("VQVAE.Decode", codes); err != nil {
		return err
	}
	if s := codes.Shape(); s.Rank() != 2 || s.Dimensions[1] != m.cfg.Positions || s.DType != dtypes.Int32 {
		return fmt.Errorf("lecture11: codes of shape %s, want int32 [l, %d]: VQVAEConfig.Positions = %d",
			s, m.cfg.Positions, m.cfg.Positions)
	}
	flat, err := tensors.CopyFlatData[int32](codes)
	if err != nil {
		return err
	}
	for i, code := range flat {
		if code < 0 || int(code) >= m.cfg.Grid.Nodes() {
			return fmt.Errorf("lecture11: code %d of object %d, want 0 to %d", code, i/m.cfg.Positions, m.cfg.Grid.Nodes()-1)
		}
	}
	return nil
}

// Reconstruct returns x̂ for objects x [l, n], computed from their codes: [l, n].
func (m *VQVAE) Reconstruct(x *tensors.Tensor) (*tensors.Tensor, error) {
	return m.rebuild("Reconstruct", x, false, func(_, out *Node) *Node { return reconstructionLosses[m.cfg.Loss].mean(out) })
}

// Loss returns the mean of ℒ(x̂, x) over objects x [l, n]. Each is a sum over components, in nats with the Bernoulli
// loss.
func (m *VQVAE) Loss(x *tensors.Tensor) (Estimate, error) {
	out, err := m.rebuild("Loss", x, m.cfg.Loss == "bernoulli", reconstructionLosses[m.cfg.Loss].loss)
	if err != nil {
		return Estimate{}, err
	}
	values, err := float64s(out)
	return NewEstimate(values), err
}

// rebuild returns fn of objects x and the decoder's output for their codes.
func (m *VQVAE) rebuild(name string, x *tensors.Tensor, probabilities bool, fn func(x, out *Node) *Node) (*tensors.Tensor, error) {
	if err := m.checkObjects(x, m.cfg.Features, probabilities); err != nil {
		return nil, err
	}
	return first(m.apply(name, x, func(scope *model.Scope, x *Node) []*Node {
		z := m.quantized(scope, m.encode(scope, x))
		return []*Node{fn(x, m.decode(scope, Reshape(z, x.Shape().Dim(0), -1)))}
	}))
}

// Codebook returns a copy of the code vectors, [m, d], in the order of the nodes of the grid. A [SOM] with the same
// grid and d features can read them as a map after [SOM.SetWeights], for example for its U-matrix and topographic
// error.
func (m *VQVAE) Codebook() (*tensors.Tensor, error) {
	defer m.reading()()
	vectors, err := m.trainedVectors()
	if err != nil {
		return nil, err
	}
	return cloneOf(vectors)
}

// trainedVectors returns the variable of the code vectors of a model that has weights.
func (m *VQVAE) trainedVectors() (*model.Variable, error) {
	if err := m.checkTrained(); err != nil {
		return nil, err
	}
	v := variableAt(m.store, vectorsPath)
	if v == nil {
		return nil, fmt.Errorf("lecture11: the %s has no code book: train or restore it first", m.kind)
	}
	return v, nil
}

// CodeUsage describes how often objects use the codes of a book.
type CodeUsage struct {
	Counts     []int   // of the codes, [m]
	Dead       float64 // share of the code vectors that no object uses
	Perplexity float64 // exp(−Σ_i p_i ln p_i), p_i the share of code i: from 1, one code for all, to m, all codes equally often
}

// Usage encodes objects x [l, n] and counts their l·L codes.
func (m *VQVAE) Usage(x *tensors.Tensor) (CodeUsage, error) {
	codes, err := m.Encode(x)
	if err != nil {
		return CodeUsage{}, err
	}
	flat, err := tensors.CopyFlatData[int32](codes)
	if err != nil {
		return CodeUsage{}, err
	}
	counts := make([]int, m.cfg.Grid.Nodes())
	for _, code := range flat {
		counts[code]++
	}
	return newCodeUsage(counts, len(flat)), nil
}

// newCodeUsage computes the usage from counts that sum to total > 0.
func newCodeUsage(counts []int, total int) CodeUsage {
	u := CodeUsage{Counts: counts}
	entropy, dead := 0.0, 0
	for _, count := range counts {
		if count == 0 {
			dead++
		}
		p := float64(count) / float64(total)
		entropy -= weighted(p, math.Log(p))
	}
	u.Dead, u.Perplexity = float64(dead)/float64(len(counts)), math.Exp(entropy)
	return u
}
