package lecture11

import (
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// KernelDistance estimates the squared maximum mean discrepancy of two sets of features, with the polynomial kernel of
// the kernel inception distance (KID):
//
//	MMD² = E k(x, x′) + E k(y, y′) − 2E k(x, y),   k(x, y) = (xᵀy/d + 1)³.
//
// Both sets are shuffled, each with the same fixed seed, and split into the given number of blocks. The means over
// pairs within a set leave out the pairs of an object with itself, so that the estimate of a block is unbiased: for
// two samples of one distribution it is 0 on average and may be negative. Objects must be drawn independently; sets
// with equal numbers of objects of each class have a value slightly below 0. The result is the mean over the blocks,
// which are independent, with its standard error. Unlike a [FrechetDistance], it does not fall with the number of
// objects; only its standard error does. It compares means, covariances and third moments.
//
// a: [l, d], b: [m, d], with at least 2·blocks objects each; l mod blocks and m mod blocks of them are not used. With
// one block the mean is the estimate from all pairs and has no standard error (NaN). The computation takes (l² + m² +
// l·m)·d/blocks products.
//
// Slide "How to judge a generator"; Bińkowski et al. 2018, section 4; Gretton et al. 2012, eq. 3.
func KernelDistance(a, b *tensors.Tensor, blocks int) (Estimate, error) {
	x, err := newFeatureBlocks(a, blocks)
	if err != nil {
		return Estimate{}, err
	}
	y, err := newFeatureBlocks(b, blocks)
	if err != nil {
		return Estimate{}, err
	}
	return kernelDistance(x, y)
}

// featureBlocks holds blocks of features, [l/blocks, d] each, with the means of the kernel over the pairs within each
// block.
type featureBlocks struct {
	features []*mat.Dense
	own      []float64
}

// newFeatureBlocks shuffles features [l, d] and splits them into blocks.
func newFeatureBlocks(features *tensors.Tensor, blocks int) (featureBlocks, error) {
	if err := checkTensors("KernelDistance", features); err != nil {
		return featureBlocks{}, err
	}
	if features.Rank() != 2 || features.Size() == 0 || blocks < 1 || features.Shape().Dimensions[0] < 2*blocks {
		return featureBlocks{}, fmt.Errorf("lecture11: KernelDistance of features %s in %d blocks, want [l, d] with at least one block "+
			"and 2 objects in each", features.Shape(), blocks)
	}
	rows, err := objectRows(features)
	if err != nil {
		return featureBlocks{}, err
	}
	order := rand.New(rand.NewPCG(0, 0)).Perm(len(rows))
	size := len(rows) / blocks
	f := featureBlocks{make([]*mat.Dense, blocks), make([]float64, blocks)}
	for i := range blocks {
		f.features[i] = mat.NewDense(size, len(rows[0]), nil)
		for k, row := range order[i*size : (i+1)*size] {
			f.features[i].SetRow(k, rows[row])
		}
		f.own[i] = meanKernel(f.features[i], f.features[i], true)
	}
	return f, nil
}

// kernelDistance is KernelDistance of blocks, the same number of both.
func kernelDistance(x, y featureBlocks) (Estimate, error) {
	if _, d := x.features[0].Dims(); d != y.features[0].RawMatrix().Cols {
		return Estimate{}, fmt.Errorf("lecture11: KernelDistance of features of %d and %d components, want as many of both", d, y.features[0].RawMatrix().Cols)
	}
	values := make([]float64, len(x.own))
	for i := range values {
		values[i] = x.own[i] + y.own[i] - 2*meanKernel(x.features[i], y.features[i], false)
	}
	return NewEstimate(values), nil
}

// meanKernel returns the mean of k(x, y) over the pairs of rows of a [l, d] and b [m, d]. own means that both are the
// same set, and leaves out the pairs (i, i).
func meanKernel(a, b *mat.Dense, own bool) float64 {
	l, d := a.Dims()
	m, _ := b.Dims()
	var products mat.Dense
	products.Mul(a, b.T())
	sums := make([]float64, l)
	parallel(l, func(i int) {
		for j, product := range products.RawRowView(i) {
			if own && i == j {
				continue
			}
			v := product/float64(d) + 1
			sums[i] += v * v * v
		}
	})
	total := 0.0
	for _, s := range sums {
		total += s
	}
	if own {
		return total / (float64(l) * float64(l-1))
	}
	return total / (float64(l) * float64(m))
}
