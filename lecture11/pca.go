package lecture11

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// PCA is the principal component analysis of l objects of n components, in closed form: the eigenvectors u_j and eigenvalues
// λ_1 ≥ … ≥ λ_n of their covariance
//
//	C = (1/l) Σ_i (x_i − x̄)(x_i − x̄)ᵀ = U Λ Uᵀ.
//
// Among all affine encoders and decoders with a code of d components, z = Uᵀ(x − x̄) and x̂ = U z + x̄ with the first d
// eigenvectors have the least squared error, Σ_{j>d} λ_j on average over the objects (Eckart & Young 1936). This makes
// it the oracle of a linear [Autoencoder], which has the same loss and the same column span at its optimum, but not the
// same U (Baldi & Hornik 1989). All computations are in float64.
//
// Slide "Linear autoencoder and PCA".
type PCA struct {
	Mean       []float64  // x̄, [n]
	Variances  []float64  // λ_1 ≥ … ≥ λ_n ≥ 0, in the unit of x squared
	Components *mat.Dense // U, [n, n]: column j is u_j, of length 1 and orthogonal to the others
}

// covarianceBatch is the number of objects whose products are summed in one call of the device.
const covarianceBatch = 4000

// NewPCA analyses the objects x [l, n]: floats, or bytes 0…255 scaled to [0, 1]. backend computes the sums of products.
func NewPCA(backend compute.Backend, x *tensors.Tensor) (*PCA, error) {
	if err := checkBackend("NewPCA", backend); err != nil {
		return nil, err
	}
	if err := checkPlainObjects("PCA", x); err != nil {
		return nil, err
	}
	mean, covariance, err := meanAndCovariance(backend, x)
	if err != nil {
		return nil, fmt.Errorf("lecture11: PCA: %w", err)
	}
	return newPCA(mean, covariance)
}

// newPCA computes the eigenvalues and eigenvectors of a covariance and reverses their order, which is ascending at
// first. The sign of each component is chosen so that its largest entry is positive.
func newPCA(mean []float64, covariance *mat.SymDense) (*PCA, error) {
	n := len(mean)
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance, true) {
		return nil, fmt.Errorf("lecture11: PCA: the eigenvalues of a covariance [%d, %d] do not converge", n, n)
	}
	p := &PCA{Mean: mean, Variances: eigen.Values(nil), Components: mat.NewDense(n, n, nil)}
	slices.Reverse(p.Variances)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	for j := range n {
		p.Variances[j] = max(p.Variances[j], 0) // an eigenvalue 0 may come out as −1e−17
		u := mat.Col(nil, n-1-j, &vectors)
		low, high := slices.Min(u), slices.Max(u)
		for i, v := range u {
			p.Components.Set(i, j, math.Copysign(1, high+low)*v)
		}
	}
	return p, nil
}

// meanAndCovariance returns x̄ [n] and C [n, n] of the objects x [l, n].
func meanAndCovariance(backend compute.Backend, x *tensors.Tensor) ([]float64, *mat.SymDense, error) {
	l, n := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
	sum, err := sumOver(backend, x, func(x *Node) *Node { return ReduceSum(x, 0) })
	if err != nil {
		return nil, nil, err
	}
	for j := range sum {
		sum[j] /= float64(l)
	}
	mean := slices.Clone(sum)
	products, err := sumOver(backend, x, func(x *Node) *Node {
		x = Sub(x, ExpandAxes(Const(x.Graph(), mean), 0))
		return Einsum("ia,ib->ab", x, x)
	})
	if err != nil {
		return nil, nil, err
	}
	covariance := mat.NewSymDense(n, nil)
	for a := range n {
		for b := a; b < n; b++ {
			covariance.SetSym(a, b, products[a*n+b]/float64(l))
		}
	}
	return mean, covariance, nil
}

// sumOver sums fn over batches of the objects x [l, n], which fn gets as float64.
func sumOver(backend compute.Backend, x *tensors.Tensor, fn func(x *Node) *Node) ([]float64, error) {
	exec, err := NewExec(backend, func(x *Node) *Node { return fn(ConvertDType(pixels(x), dtypes.Float64)) })
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	var sum []float64
	l := x.Shape().Dimensions[0]
	for first := 0; first < l; first += covarianceBatch {
		rows := min(covarianceBatch, l-first)
		batch, err := paddedRows(x, first, rows, rows)
		if err != nil {
			return nil, err
		}
		out, err := exec.Call(batch)
		if err != nil {
			return nil, err
		}
		values, err := float64s(out[0])
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = make([]float64, len(values))
		}
		for i, v := range values {
			sum[i] += v
		}
		if err := batch.FinalizeAll(); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

// check returns an error unless 1 ≤ d ≤ n.
func (p *PCA) check(d int) error {
	if d < 1 || d > len(p.Mean) {
		return fmt.Errorf("lecture11: PCA with a code of d = %d components, want 1 to %d", d, len(p.Mean))
	}
	return nil
}

// Subspace returns the first d components, U_d: [n, d], as a view.
func (p *PCA) Subspace(d int) (*mat.Dense, error) {
	if err := p.check(d); err != nil {
		return nil, err
	}
	return p.Components.Slice(0, len(p.Mean), 0, d).(*mat.Dense), nil
}

// Loss returns the mean over the analysed objects of ‖x̂ − x‖², summed over components, for a code of d components:
// Σ_{j>d} λ_j. No affine encoder and decoder have a smaller loss.
func (p *PCA) Loss(d int) (float64, error) {
	if err := p.check(d); err != nil {
		return 0, err
	}
	sum := 0.0
	for _, v := range p.Variances[d:] {
		sum += v
	}
	return sum, nil
}

// Gap returns λ_d/λ_{d+1}, which compares the last component of a code of d components with the first one that it
// leaves out. If it is close to 1, the loss hardly depends on which of the two is kept.
func (p *PCA) Gap(d int) (float64, error) {
	if err := p.check(d); err != nil || d == len(p.Mean) {
		return math.Inf(1), err
	}
	return p.Variances[d-1] / p.Variances[d], nil
}

// Encode returns the codes z = U_dᵀ(x − x̄) of objects x [l, n]: float32 [l, d].
func (p *PCA) Encode(x *tensors.Tensor, d int) (*tensors.Tensor, error) {
	z, _, err := p.project(x, d)
	return denseTensor(z, err)
}

// Reconstruct returns x̂ = U_d U_dᵀ(x − x̄) + x̄ of objects x [l, n]: float32 [l, n].
func (p *PCA) Reconstruct(x *tensors.Tensor, d int) (*tensors.Tensor, error) {
	_, rebuilt, err := p.project(x, d)
	return denseTensor(rebuilt, err)
}

// LossOf returns the mean of ‖x̂ − x‖², summed over components, over any objects x [l, n].
func (p *PCA) LossOf(x *tensors.Tensor, d int) (Estimate, error) {
	_, rebuilt, err := p.project(x, d)
	if err != nil {
		return Estimate{}, err
	}
	values, err := Components(x)
	if err != nil {
		return Estimate{}, err
	}
	n := len(p.Mean)
	losses := make([]float64, len(values)/n)
	for i := range losses {
		for j, v := range rebuilt.RawRowView(i) {
			losses[i] += (v - values[i*n+j]) * (v - values[i*n+j])
		}
	}
	return NewEstimate(losses), nil
}

// project returns the codes [l, d] and the reconstructions [l, n] of objects x [l, n].
func (p *PCA) project(x *tensors.Tensor, d int) (z, rebuilt *mat.Dense, err error) {
	u, err := p.Subspace(d)
	if err != nil {
		return nil, nil, err
	}
	n := len(p.Mean)
	objects := fitted{kind: "PCA"}
	if err := objects.checkObjects(x, n, false); err != nil {
		return nil, nil, err
	}
	values, err := Components(x)
	if err != nil {
		return nil, nil, err
	}
	for i := range values {
		values[i] -= p.Mean[i%n]
	}
	z, rebuilt = new(mat.Dense), new(mat.Dense)
	z.Mul(mat.NewDense(len(values)/n, n, values), u)
	rebuilt.Mul(z, u.T())
	rebuilt.Apply(func(_, j int, v float64) float64 { return v + p.Mean[j] }, rebuilt)
	return z, rebuilt, nil
}

// denseTensor converts a matrix to a float32 tensor.
func denseTensor(m *mat.Dense, err error) (*tensors.Tensor, error) {
	if err != nil {
		return nil, err
	}
	rows, columns := m.Dims()
	flat := make([]float32, 0, rows*columns)
	for i := range rows {
		for _, v := range m.RawRowView(i) {
			flat = append(flat, float32(v))
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, rows, columns), nil
}
