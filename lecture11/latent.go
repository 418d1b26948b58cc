package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"
)

// LatentPlane gives the codes of a side × side sheet over a two-dimensional latent space: z = s·Φ⁻¹(u) at the
// middles u of side equal parts of [0, 1], so that each code stands for an equal share of the prior N(0, s²I). Rows go
// from large z₂ at the top to small, columns from small z₁ to large. Result: [side², 2].
func LatentPlane(side int, priorStd float64) (*tensors.Tensor, error) {
	if side < 1 || !(priorStd > 0) {
		return nil, fmt.Errorf("lecture11: LatentPlane(side = %d, priorStd = %g), want both positive", side, priorStd)
	}
	at := func(i int) float32 { return float32(priorStd * normalQuantile((float64(i)+0.5)/float64(side))) }
	codes := make([]float32, 0, 2*side*side)
	for row := range side {
		for column := range side {
			codes = append(codes, at(column), at(side-1-row))
		}
	}
	return tensors.FromFlatDataAndDimensions(codes, side*side, 2), nil
}

// normalQuantile is Φ⁻¹(u), the quantile function of N(0, 1).
func normalQuantile(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }

// InterpolateCodes gives steps codes on the straight line from row from to row to of z [l, d], ends included: [steps, d].
func InterpolateCodes(z *tensors.Tensor, from, to, steps int) (*tensors.Tensor, error) {
	shape := z.Shape()
	if shape.Rank() != 2 || from < 0 || to < 0 || max(from, to) >= shape.Dimensions[0] || steps < 2 {
		return nil, fmt.Errorf("lecture11: InterpolateCodes(codes %s, rows %d to %d, %d steps), want rows of [l, d] and at least "+
			"2 steps", shape, from, to, steps)
	}
	flat, err := tensors.CopyFlatData[float32](z)
	if err != nil {
		return nil, err
	}
	d := shape.Dimensions[1]
	a, b := flat[from*d:(from+1)*d], flat[to*d:(to+1)*d]
	codes := make([]float32, 0, steps*d)
	for i := range steps {
		t := float32(i) / float32(steps-1)
		for j := range d {
			codes = append(codes, (1-t)*a[j]+t*b[j])
		}
	}
	return tensors.FromFlatDataAndDimensions(codes, steps, d), nil
}

// activeVariance is the variance of a component's mean over objects above which the component carries information
// (Burda, Grosse & Salakhutdinov 2016, appendix C).
const activeVariance = 0.01

// CodeStatistics describe the aggregated posterior q(z) = (1/l) Σ_i q(z|x_i), component by component, [d] each.
type CodeStatistics struct {
	Mean         []float64 // mean over objects of μ_j(x)
	MeanVariance []float64 // variance over objects of μ_j(x)
	Variance     []float64 // of q(z): MeanVariance plus the mean of σ_j²(x)
}

// NewCodeStatistics gathers the statistics of the encoder's outputs for l objects, [l, d] each.
func NewCodeStatistics(mean, logVar *tensors.Tensor) (CodeStatistics, error) {
	var s CodeStatistics
	if !mean.Shape().Equal(logVar.Shape()) || mean.Rank() != 2 {
		return s, fmt.Errorf("lecture11: CodeStatistics of means %s and variances %s, want both [l, d]",
			mean.Shape(), logVar.Shape())
	}
	mu, err := Columns(mean)
	if err != nil {
		return s, err
	}
	lv, err := Columns(logVar)
	if err != nil {
		return s, err
	}
	for j := range mu {
		m, between := stat.PopMeanVariance(mu[j], nil)
		within := 0.0
		for _, v := range lv[j] {
			within += math.Exp(v) / float64(len(mu[j]))
		}
		s.Mean = append(s.Mean, m)
		s.MeanVariance = append(s.MeanVariance, between)
		s.Variance = append(s.Variance, between+within)
	}
	return s, nil
}

// Active is the number of components of the code that carry information: Var_x μ_j(x) > 0.01.
func (s CodeStatistics) Active() int {
	count := 0
	for _, v := range s.MeanVariance {
		if v > activeVariance {
			count++
		}
	}
	return count
}

// NeighbourAgreement is the share of codes z [l, d] whose nearest other code (Euclidean) belongs to an object with the
// same label. Labels drawn at random agree in 1/C of the cases for C equally frequent ones.
func NeighbourAgreement(z *tensors.Tensor, labels []uint8) (float64, error) {
	columns, err := Columns(z)
	if err != nil {
		return 0, err
	}
	if len(labels) != len(columns[0]) || len(labels) < 2 {
		return 0, fmt.Errorf("lecture11: NeighbourAgreement of codes %s and %d labels, want as many, at least 2",
			z.Shape(), len(labels))
	}
	same := 0
	for i := range labels {
		nearest, best := 0, math.Inf(1)
		for j := range labels {
			squares := 0.0
			for _, column := range columns {
				squares += (column[i] - column[j]) * (column[i] - column[j])
			}
			if j != i && squares < best {
				nearest, best = j, squares
			}
		}
		if labels[nearest] == labels[i] {
			same++
		}
	}
	return float64(same) / float64(len(labels)), nil
}

// Greyness is the share of pixels from 0.25 to 0.75 half-way along a path between two objects: in the decoded object, and
// in the average of the two ends, which fades one into the other.
type Greyness struct{ Decoded, Faded float64 }

// MidGrey compares the middle of a decoded path x [steps, n] with the average of its ends.
func MidGrey(x *tensors.Tensor) (Greyness, error) {
	var g Greyness
	if x.Rank() != 2 || x.Shape().Dimensions[0] < 3 {
		return g, fmt.Errorf("lecture11: MidGrey of %s, want at least 3 steps of [steps, n]", x.Shape())
	}
	flat, err := float64s(x)
	if err != nil {
		return g, err
	}
	steps, n := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
	grey := func(v float64) float64 {
		if v < 0.25 || v > 0.75 {
			return 0
		}
		return 1 / float64(n)
	}
	for j := range n {
		g.Decoded += grey(flat[steps/2*n+j])
		g.Faded += grey((flat[j] + flat[(steps-1)*n+j]) / 2)
	}
	return g, nil
}
