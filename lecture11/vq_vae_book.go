package lecture11

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// The code book is under /book: the code vectors, with which the model computes, and the counts N, which only their
// updates need.
const (
	bookScope   = "book"
	vectorsName = "vectors"
	countsName  = "counts"
	vectorsPath = "/" + bookScope + "/" + vectorsName
)

// StraightThrough returns z_q in the forward pass, with the gradient of z_e in the backward pass:
//
//	z_e + sg[z_q − z_e].
//
// The choice of a code has no gradient. This gradient is that of a code that moves together with its argument. encoded,
// quantized and the result have the same shape.
//
// Van den Oord et al. 2017, section 3.2.
func StraightThrough(encoded, quantized *Node) *Node {
	return Add(encoded, StopGradient(Sub(quantized, encoded)))
}

// BookStep builds one update of a code book with a batch of codes z_1 … z_k, whose winners are a(z_j):
//
//	n_i = Σ_j K(r(a(z_j), i)),   N_i := γN_i + (1 − γ)n_i,
//	e_i := e_i + (1 − γ)(Σ_j K(r(a(z_j), i))·z_j − n_i e_i)/N_i.
//
// This is e_i = m_i/N_i for the moving averages m_i of the weighted sums of codes. It is written as Kohonen's step
// towards the mean of the codes, whose rate is (1 − γ)n_i/N_i, so that a code vector without codes stays exactly in
// place. With K = [r = 0], for which pull is nil, it is k-means by moving averages.
//
// book e: [m, d]; counts N: [m]; z: [k, d]; fires [a(z_j) = i]: [k, m]; pull K(r(a, i)): [m, m], from winner a to vector i.
//
// Slides "Kohonen network" and "Kohonen map training"; van den Oord et al. 2017, appendix A.1; Irie et al. 2023, eq. 7–10.
func BookStep(book, counts, z, fires, pull *Node, memory float64) (newBook, newCounts *Node) {
	m, d := book.Shape().Dim(0), book.Shape().Dim(1)
	z.AssertDims(-1, d)
	fires.AssertDims(z.Shape().Dim(0), m)
	n, sums := ReduceSum(fires, 0), Einsum("ki,kd->id", fires, z) // [m], [m, d]
	if pull != nil {
		pull = ConvertDType(pull, z.DType())
		n, sums = Einsum("ai,a->i", pull, n), Einsum("ai,ad->id", pull, sums)
	}
	newCounts = Add(MulScalar(counts, memory), MulScalar(n, 1-memory))
	step := Sub(sums, Mul(ExpandAxes(n, 1), book))
	rate := MulScalar(Reciprocal(MaxScalar(newCounts, leastCount)), 1-memory) // [m]
	return Add(book, Mul(step, ExpandAxes(rate, 1))), newCounts
}

// leastCount keeps the counts of dead codes, which fall by the factor γ in each step, from becoming a divisor of 0.
const leastCount = 1e-30

// wonCodes holds the codes z_e of a batch, [k, d], and their winners as numbers 0 and 1, [k, m].
type wonCodes struct{ z, fires *Node }

// losses builds the parts of a batch's loss, starting with their weighted sum, and returns its codes, k = batch·L. x:
// [batch, n].
func (m *VQVAE) losses(scope *model.Scope, x *Node) ([]Loss, wonCodes) {
	z := m.encode(scope, x) // [batch·L, d]
	fires, quantized := quantize(z, m.vectors(scope.In(bookScope), z.DType()).NodeValue(z.Graph()))
	out := m.decode(scope, Reshape(StraightThrough(z, quantized), x.Shape().Dim(0), -1))
	reconstruction := ReduceAllMean(reconstructionLosses[m.cfg.Loss].loss(x, out))
	commitment := MulScalar(ReduceAllMean(SquaredError(quantized, z)), float64(m.cfg.Positions))
	loss := Add(reconstruction, MulScalar(commitment, *m.cfg.Commitment))
	return []Loss{{"loss", loss}, {"reconstruction", reconstruction}, {"commitment", commitment}}, wonCodes{z, fires}
}

// moveBook updates the code book with the codes that losses returned. pull: nil or [m, m]; see [BookStep].
func (m *VQVAE) moveBook(scope *model.Scope, codes wonCodes, pull *Node) {
	book, g, dtype := scope.Shared(bookScope), codes.z.Graph(), codes.z.DType()
	vectors, counts := m.vectors(book, dtype), m.counts(book, dtype)
	newVectors, newCounts := BookStep(vectors.NodeValue(g), counts.NodeValue(g), StopGradient(codes.z), codes.fires, pull, m.cfg.Memory)
	vectors.SetNodeValue(newVectors)
	counts.SetNodeValue(newCounts)
}

// quantized builds the vectors of codes z [k, d]: [k, d].
func (m *VQVAE) quantized(scope *model.Scope, z *Node) *Node {
	_, vectors := quantize(z, m.vectors(scope.In(bookScope), z.DType()).NodeValue(z.Graph()))
	return vectors
}

// quantize builds the winners of codes z [k, d] as numbers 0 and 1, [k, m], and their vectors, [k, d]. No gradient
// passes through it.
func quantize(z, vectors *Node) (fires, quantized *Node) {
	_, fires = KohonenLayers(StopGradient(z), vectors)
	return fires, Einsum("ki,id->kd", fires, vectors)
}

// vectors returns the variable of the code vectors e, [m, d]. scope is that of the book.
func (m *VQVAE) vectors(scope *model.Scope, dtype dtypes.DType) *model.Variable {
	scope = scope.WithInitializer(initializer.RandomNormalFn(scope, m.cfg.CodeStd))
	return scope.VariableWithShape(vectorsName, shapes.Make(dtype, m.cfg.Grid.Nodes(), m.cfg.Latent)).SetTrainable(false)
}

// counts returns the variable of N, [m], initially 1. scope is that of the book.
func (m *VQVAE) counts(scope *model.Scope, dtype dtypes.DType) *model.Variable {
	scope = scope.WithInitializer(initializer.One)
	return scope.VariableWithShape(countsName, shapes.Make(dtype, m.cfg.Grid.Nodes())).SetTrainable(false)
}

// pull builds K(r(a, i)) of a step, [m, m], from its radius; nil for k-means, which has no radius.
func (m *VQVAE) pull(radius []*Node) *Node {
	if len(radius) == 0 {
		return nil
	}
	return m.cfg.gridKernel(ConvertDType(radius[0], dtypes.Float32))
}

// gridKernel builds K(r(a, b)) of all pairs of nodes, [m, m], at the radius sigma, a scalar; see [SOMConfig.Kernel].
func (c VQVAEConfig) gridKernel(sigma *Node) *Node {
	g, m, h := sigma.Graph(), c.Grid.Nodes(), neighbourhoods[c.Neighbourhood]
	grid := c.Grid
	grid.Hex = grid.Hex && !h.cells
	px, py := make([]float32, m), make([]float32, m)
	for node := range m {
		x, y := grid.Position(node)
		px[node], py[node] = float32(x), float32(y)
	}
	dx, dy := pairOffsets(Const(g, px)), pairOffsets(Const(g, py))
	if grid.Torus {
		width, height := grid.size()
		dx, dy = Min(dx, Sub(like(dx, width), dx)), Min(dy, Sub(like(dy, height), dy))
	}
	return h.build(dx, dy, BroadcastToDims(Reshape(sigma), m, m))
}

// pairOffsets builds |p_a − p_b|, [m, m], from places p [m].
func pairOffsets(p *Node) *Node { return Abs(Sub(ExpandAxes(p, 1), ExpandAxes(p, 0))) }
