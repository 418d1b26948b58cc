package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// LinearProbe classifies by an affine map of features z, fitted by least squares to the columns of the unit matrix,
// with a ridge:
//
//	Σ_i ‖W z_i + b − e_(y_i)‖² + λ‖W‖² → min over W, b;  the class is the largest component of W z + b.
//
// It measures what a linear map can read from the features, without another network. λ comes from a fixed grid and
// minimises the mean squared error of an object that is left out, which has a closed form. So λ is tuned in the same
// way for every feature set, and no objects are held out for it.
//
// Slides "Transfer learning" and "Self-supervised (pretext) tasks".
type LinearProbe struct {
	AffineMap         // from features to scores of the classes. Matrix: [classes, d]
	Ridge     float64 // λ, in units of the mean squared length of a centred z
	LeaveOut  float64 // the mean of ‖W z + b − e_y‖² over objects, each left out of its fit
}

// probeRidges returns the grid of λ: 10⁻⁴ to 10², two per decade.
func probeRidges() []float64 {
	ridges := make([]float64, 13)
	for i := range ridges {
		ridges[i] = math.Pow(10, float64(i)/2-4)
	}
	return ridges
}

// NewLinearProbe fits a probe on features z [l, d] of objects with labels 0 … classes−1. It takes O(l²(l + d)) time
// and is meant for few objects.
func NewLinearProbe(z *tensors.Tensor, labels []int, classes int) (*LinearProbe, error) {
	if err := checkAllFinite("NewLinearProbe", z); err != nil {
		return nil, err
	}
	if z.Rank() != 2 || z.Size() == 0 || z.Shape().Dimensions[0] != len(labels) {
		return nil, fmt.Errorf("lecture11: LinearProbe of features %s with %d labels, want [l, d] and l labels", z.Shape(), len(labels))
	}
	targets, err := oneHots(labels, classes)
	if err != nil {
		return nil, err
	}
	flat, err := Components(z)
	if err != nil {
		return nil, err
	}
	x := mat.NewDense(len(labels), z.Shape().Dimensions[1], flat)
	meanX, meanY := center(x), center(targets)
	d, err := newDual(x, targets)
	if err != nil {
		return nil, err
	}
	probe := &LinearProbe{LeaveOut: math.Inf(1)}
	for _, ridge := range probeRidges() {
		if e := d.leaveOut(ridge); e < probe.LeaveOut {
			probe.LeaveOut, probe.Ridge = e, ridge
		}
	}
	probe.Matrix = d.weights(probe.Ridge)
	probe.Offset = meanY
	var shift mat.VecDense
	shift.MulVec(probe.Matrix, mat.NewVecDense(len(meanX), meanX))
	floats.Sub(probe.Offset, shift.RawVector().Data)
	return probe, nil
}

// oneHots returns e_y for each label, [l, classes].
func oneHots(labels []int, classes int) (*mat.Dense, error) {
	if classes < 2 {
		return nil, fmt.Errorf("lecture11: LinearProbe with classes = %d, want at least 2", classes)
	}
	targets := mat.NewDense(len(labels), classes, nil)
	for i, label := range labels {
		if label < 0 || label >= classes {
			return nil, fmt.Errorf("lecture11: LinearProbe: label %d of object %d, want 0 to %d", label, i, classes-1)
		}
		targets.Set(i, label, 1)
	}
	return targets, nil
}

// center subtracts the mean of each column and returns the means.
func center(x *mat.Dense) []float64 {
	l, d := x.Dims()
	means := make([]float64, d)
	for i := range l {
		floats.AddScaled(means, 1/float64(l), x.RawRowView(i))
	}
	for i := range l {
		floats.Sub(x.RawRowView(i), means)
	}
	return means
}

// dual is a ridge regression of centred targets y [l, classes] on centred x [l, d] in terms of the products K = x·xᵀ =
// U·diag(s)·Uᵀ: its fit is U·diag(s/(s + λ))·Uᵀ·y.
type dual struct {
	x, y  *mat.Dense
	u     mat.Dense
	s     []float64
	uy    mat.Dense // Uᵀ·y
	scale float64   // tr K/l, the mean squared length of a row of x: the unit of λ
}

func newDual(x, y *mat.Dense) (*dual, error) {
	l, _ := x.Dims()
	d := &dual{x: x, y: y}
	k := mat.NewSymDense(l, nil)
	k.SymOuterK(1, x)
	d.scale = mat.Trace(k) / float64(l)
	if !(d.scale > 0) || math.IsInf(d.scale, 0) {
		return nil, fmt.Errorf("lecture11: LinearProbe: features with variance %g, want finite features that differ", d.scale)
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(k, true) {
		return nil, fmt.Errorf("lecture11: LinearProbe: the products of the features of %d objects have no eigenvalues", l)
	}
	d.s = eigen.Values(nil)
	eigen.VectorsTo(&d.u)
	d.uy.Mul(d.u.T(), y)
	return d, nil
}

// leaveOut returns the mean squared error of objects left out. For a linear smoother H with the residuals e_i it is
// the mean of (e_i/(1 − H_ii))²; here H fits the mean and the centred features: H = 1/l + U·diag(s/(s + λ))·Uᵀ.
func (d *dual) leaveOut(ridge float64) float64 {
	l, classes := d.y.Dims()
	share := make([]float64, l)
	for j, s := range d.s {
		share[j] = max(s, 0) / (max(s, 0) + ridge*d.scale)
	}
	var scaled, fit mat.Dense
	scaled.Apply(func(i, _ int, v float64) float64 { return share[i] * v }, &d.uy)
	fit.Mul(&d.u, &scaled)
	sum := 0.0
	for i := range l {
		leverage := 1 / float64(l)
		for j, v := range d.u.RawRowView(i) {
			leverage += share[j] * v * v
		}
		for c := range classes {
			e := (d.y.At(i, c) - fit.At(i, c)) / (1 - leverage)
			sum += e * e / float64(l)
		}
	}
	return sum
}

// weights returns W = yᵀ·(K + λ)⁻¹·x, [classes, d].
func (d *dual) weights(ridge float64) *mat.Dense {
	var scaled, alpha, w mat.Dense
	scaled.Apply(func(i, _ int, v float64) float64 { return v / (max(d.s[i], 0) + ridge*d.scale) }, &d.uy)
	alpha.Mul(&d.u, &scaled) // [l, classes]
	w.Mul(alpha.T(), d.x)
	return &w
}

// Classify returns the classes of the features z [l, d].
func (p *LinearProbe) Classify(z *tensors.Tensor) ([]int, error) {
	if err := checkAllFinite("LinearProbe", z); err != nil {
		return nil, err
	}
	classes, d := p.Matrix.Dims()
	if s := z.Shape(); s.Rank() != 2 || s.Dimensions[1] != d {
		return nil, fmt.Errorf("lecture11: LinearProbe: features of shape %s, want [l, %d]", s, d)
	}
	flat, err := Components(z)
	if err != nil {
		return nil, err
	}
	l := len(flat) / d
	var scores mat.Dense
	scores.Mul(mat.NewDense(l, d, flat), p.Matrix.T())
	taken := make([]int, l)
	for i := range taken {
		row := scores.RawRowView(i)
		floats.Add(row, p.Offset[:classes])
		taken[i] = floats.MaxIdx(row)
	}
	return taken, nil
}

// Accuracy returns the share of the objects with features z [l, d] that the probe classifies correctly, with its
// standard error.
func (p *LinearProbe) Accuracy(z *tensors.Tensor, labels []int) (Estimate, error) {
	taken, err := p.Classify(z)
	if err != nil {
		return Estimate{}, err
	}
	return accuracyOf(taken, labels)
}

// accuracyOf returns the share of objects that were classified as their label.
func accuracyOf(taken, labels []int) (Estimate, error) {
	if len(taken) != len(labels) || len(labels) == 0 {
		return Estimate{}, fmt.Errorf("lecture11: accuracy of %d objects with %d labels, want as many of both, at least 1",
			len(taken), len(labels))
	}
	right := make([]float64, len(labels))
	for i, label := range labels {
		if taken[i] == label {
			right[i] = 1
		}
	}
	return NewEstimate(right), nil
}
