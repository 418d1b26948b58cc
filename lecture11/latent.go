package lecture11

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"
)

// LatentPlane returns the codes of a side × side grid over a two-dimensional latent space: z = s·Φ⁻¹(u) at the
// midpoints u of side equal parts of [0, 1], so that each code represents an equal share of the prior N(0, s²I). Rows
// go from large z₂ at the top to small z₂, columns from small z₁ to large z₁. Result: [side², 2].
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

// CodeGrid returns the codes of a grid over a rectangle of a two-dimensional latent space, the midpoints of columns ×
// rows equal tiles. Rows go from large z₂ at the top to small z₂, columns from small z₁ to large z₁. Result:
// [rows·columns, 2].
func CodeGrid(columns, rows int, min1, max1, min2, max2 float64) (*tensors.Tensor, error) {
	if columns < 1 || rows < 1 || !(min1 < max1) || !(min2 < max2) || math.IsInf(max1-min1, 0) || math.IsInf(max2-min2, 0) {
		return nil, fmt.Errorf("lecture11: CodeGrid of %d×%d tiles from (%g, %g) to (%g, %g), want at least one tile and finite "+
			"ranges from a smaller to a larger number", columns, rows, min1, min2, max1, max2)
	}
	codes := make([]float32, 0, 2*rows*columns)
	for row := range rows {
		for column := range columns {
			u, v := (float64(column)+0.5)/float64(columns), (float64(row)+0.5)/float64(rows)
			codes = append(codes, float32(min1+u*(max1-min1)), float32(max2-v*(max2-min2)))
		}
	}
	return tensors.FromFlatDataAndDimensions(codes, rows*columns, 2), nil
}

// RandomCodes draws count codes of d components from N(0, I): [count, d].
func RandomCodes(count, d int, seed int64) (*tensors.Tensor, error) {
	if count < 1 || d < 1 {
		return nil, fmt.Errorf("lecture11: RandomCodes(count = %d, d = %d), want both positive", count, d)
	}
	return tensors.FromFlatDataAndDimensions(normals(count*d, seed), count, d), nil
}

// RepeatCodes repeats each code of z [l, d] count times in a row: [l·count, d].
func RepeatCodes(z *tensors.Tensor, count int) (*tensors.Tensor, error) {
	if err := checkTensors("RepeatCodes", z); err != nil {
		return nil, err
	}
	if z.Rank() != 2 || count < 1 {
		return nil, fmt.Errorf("lecture11: RepeatCodes(%s, count = %d), want codes [l, d] and a positive count", z.Shape(), count)
	}
	flat, err := tensors.CopyFlatData[float32](z)
	if err != nil {
		return nil, err
	}
	l, d := z.Shape().Dimensions[0], z.Shape().Dimensions[1]
	repeated := make([]float32, 0, l*count*d)
	for i := range l {
		repeated = append(repeated, slices.Repeat(flat[i*d:(i+1)*d], count)...)
	}
	return tensors.FromFlatDataAndDimensions(repeated, l*count, d), nil
}

// CodeLengths returns the Euclidean length of each code of z [l, d]. The lengths of codes of N(0, I) are close to √d.
func CodeLengths(z *tensors.Tensor) ([]float64, error) {
	if err := checkAllFinite("CodeLengths", z); err != nil {
		return nil, err
	}
	columns, err := Columns(z)
	if err != nil {
		return nil, err
	}
	lengths := make([]float64, z.Shape().Dimensions[0])
	for i := range lengths {
		for _, column := range columns {
			lengths[i] = math.Hypot(lengths[i], column[i])
		}
	}
	return lengths, nil
}

// normalQuantile returns Φ⁻¹(u), the quantile function of N(0, 1).
func normalQuantile(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }

// InterpolateCodes returns steps codes on the straight line from row from to row to of z [l, d], ends included: [steps,
// d].
func InterpolateCodes(z *tensors.Tensor, from, to, steps int) (*tensors.Tensor, error) {
	return codePath("InterpolateCodes", z, from, to, steps, func(_, _ []float32, t float64) (float64, float64) { return 1 - t, t })
}

// SphericalCodes returns steps codes on the great circle from row from to row to of z [l, d], ends included: [steps,
// d],
//
//	sin((1 − t)ω)/sin ω · z₀ + sin(tω)/sin ω · z₁,  ω the angle between z₀ and z₁.
//
// Codes of N(0, I) lie near a sphere of radius √d. A straight line between two of them passes through the inside of the
// sphere, where the decoder was not trained. Parallel codes (ω = 0) are joined by the straight line. Opposite codes are
// an error, because many great circles join them. Shoemake 1985; White 2016.
func SphericalCodes(z *tensors.Tensor, from, to, steps int) (*tensors.Tensor, error) {
	opposite := false
	path, err := codePath("SphericalCodes", z, from, to, steps, func(a, b []float32, t float64) (float64, float64) {
		omega := angle(a, b)
		if opposite = math.Pi-omega < 1e-6; opposite || omega < 1e-6 {
			return 1 - t, t
		}
		return math.Sin((1-t)*omega) / math.Sin(omega), math.Sin(t*omega) / math.Sin(omega)
	})
	if opposite {
		return nil, fmt.Errorf("lecture11: SphericalCodes from row %d to row %d: the codes are opposite, want codes that one great circle joins", from, to)
	}
	return path, err
}

// angle returns the angle between two vectors, in [0, π], or 0 where one of them is 0.
func angle(a, b []float32) float64 {
	var ab, aa, bb float64
	for j := range a {
		x, y := float64(a[j]), float64(b[j])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return math.Acos(max(-1, min(1, ab/math.Sqrt(aa*bb))))
}

// codePath returns steps codes u·z₀ + v·z₁ from row from to row to, with (u, v) = weights(z₀, z₁, t) for t from 0 to 1.
func codePath(function string, z *tensors.Tensor, from, to, steps int,
	weights func(a, b []float32, t float64) (u, v float64)) (*tensors.Tensor, error) {
	if err := checkAllFinite(function, z); err != nil {
		return nil, err
	}
	shape := z.Shape()
	if shape.Rank() != 2 || from < 0 || to < 0 || max(from, to) >= shape.Dimensions[0] || steps < 2 {
		return nil, fmt.Errorf("lecture11: %s(codes %s, rows %d to %d, %d steps), want rows of [l, d] and at least 2 steps",
			function, shape, from, to, steps)
	}
	flat, err := tensors.CopyFlatData[float32](z)
	if err != nil {
		return nil, err
	}
	d := shape.Dimensions[1]
	a, b := flat[from*d:(from+1)*d], flat[to*d:(to+1)*d]
	codes := make([]float32, 0, steps*d)
	for i := range steps {
		u, v := weights(a, b, float64(i)/float64(steps-1))
		for j := range d {
			codes = append(codes, float32(u)*a[j]+float32(v)*b[j])
		}
	}
	return tensors.FromFlatDataAndDimensions(codes, steps, d), nil
}

// TruncateCodes returns ψ·z: codes of N(0, I) that are closer to the mean. With ψ < 1 a generator makes more typical
// objects and fewer kinds of them. z [l, d]; ψ ≥ 0. (StyleGAN truncates the codes that its mapping network makes, about
// their mean.)
//
// Slide "StyleGAN"; Karras et al. 2019, appendix B.
func TruncateCodes(z *tensors.Tensor, psi float64) (*tensors.Tensor, error) {
	if err := checkAllFinite("TruncateCodes", z); err != nil {
		return nil, err
	}
	if z.Rank() != 2 || !(psi >= 0) || math.IsInf(psi, 0) {
		return nil, fmt.Errorf("lecture11: TruncateCodes(%s, ψ = %g), want codes [l, d] and ψ ≥ 0", z.Shape(), psi)
	}
	flat, err := tensors.CopyFlatData[float32](z)
	if err != nil {
		return nil, err
	}
	for i := range flat {
		flat[i] *= float32(psi)
	}
	return tensors.FromFlatDataAndDimensions(flat, z.Shape().Dimensions...), nil
}

// CodeArithmetic moves codes along the difference between two groups of objects, as in "a thin 7 − thin digits + thick
// digits":
//
//	z_i + amount·(mean of the codes in with − mean of the codes in without)
//
// for each code of z [l, d]: [l, d]. with, without: [k, d]. Radford et al. 2016, section 6.3.2.
func CodeArithmetic(z, with, without *tensors.Tensor, amount float64) (*tensors.Tensor, error) {
	if err := checkAllFinite("CodeArithmetic", z, with, without); err != nil {
		return nil, err
	}
	direction, err := meanDifference(with, without)
	if err != nil {
		return nil, err
	}
	if z.Rank() != 2 || z.Shape().Dimensions[1] != len(direction) {
		return nil, fmt.Errorf("lecture11: CodeArithmetic of codes %s and groups of %d components, want equal numbers", z.Shape(), len(direction))
	}
	flat, err := tensors.CopyFlatData[float32](z)
	if err != nil {
		return nil, err
	}
	for i := range flat {
		flat[i] += float32(amount * direction[i%len(direction)])
	}
	return tensors.FromFlatDataAndDimensions(flat, z.Shape().Dimensions...), nil
}

// meanDifference returns the difference of the means of two groups of codes, [d].
func meanDifference(with, without *tensors.Tensor) ([]float64, error) {
	a, err := Columns(with)
	if err != nil {
		return nil, err
	}
	b, err := Columns(without)
	if err != nil {
		return nil, err
	}
	if len(a) != len(b) || len(a[0]) == 0 || len(b[0]) == 0 {
		return nil, fmt.Errorf("lecture11: CodeArithmetic with groups %s and %s, want codes [k, d] with the same d", with.Shape(), without.Shape())
	}
	difference := make([]float64, len(a))
	for j := range a {
		difference[j] = stat.Mean(a[j], nil) - stat.Mean(b[j], nil)
	}
	return difference, nil
}

// activeVariance is the variance of a component's mean over objects above which the component carries information
// (Burda, Grosse & Salakhutdinov 2016, appendix C).
const activeVariance = 0.01

// CodeStatistics describes the aggregated posterior q(z) = (1/l) Σ_i q(z|x_i), component by component, [d] each.
type CodeStatistics struct {
	Mean         []float64 // mean over objects of μ_j(x)
	MeanVariance []float64 // variance over objects of μ_j(x)
	Variance     []float64 // of q(z): MeanVariance plus the mean of σ_j²(x)
}

// NewCodeStatistics computes the statistics of the encoder's outputs for l objects, [l, d] each.
func NewCodeStatistics(mean, logVar *tensors.Tensor) (CodeStatistics, error) {
	if err := checkAllFinite("NewCodeStatistics", mean, logVar); err != nil {
		return CodeStatistics{}, err
	}
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

// Active returns the number of components of the code that carry information: Var_x μ_j(x) > 0.01.
func (s CodeStatistics) Active() int {
	count := 0
	for _, v := range s.MeanVariance {
		if v > activeVariance {
			count++
		}
	}
	return count
}

// NeighbourAgreement returns the share of codes z [l, d] whose nearest other code (Euclidean) belongs to an object with
// the same label. For C equally frequent labels drawn at random, it is 1/C on average.
func NeighbourAgreement(z *tensors.Tensor, labels []int) (float64, error) {
	if err := checkAllFinite("NeighbourAgreement", z); err != nil {
		return 0, err
	}
	columns, err := Columns(z)
	if err != nil {
		return 0, err
	}
	if len(labels) != len(columns[0]) || len(labels) < 2 {
		return 0, fmt.Errorf("lecture11: NeighbourAgreement of codes %s and %d labels, want one label for each of at least 2 codes",
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

// Greyness is the share of pixels from 0.25 to 0.75 halfway along a path between two objects: in the decoded object,
// and in the average of the two ends, which fades one into the other.
type Greyness struct{ Decoded, Faded float64 }

// MidGrey compares the middle of a decoded path x [steps, n] with the average of its ends.
func MidGrey(x *tensors.Tensor) (Greyness, error) {
	if err := checkAllFinite("MidGrey", x); err != nil {
		return Greyness{}, err
	}
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
