package lecture11

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// A DistanceFn returns the distances ρ between objects and centres: x [l, n], w [m, n] → [l, m].
type DistanceFn func(x, w *Node) *Node

// distances holds the distances by name.
var distances = map[string]DistanceFn{
	"euclidean":         EuclideanDistances,
	"squared euclidean": SquaredDistances,
	"cosine":            CosineDistances,
	"manhattan":         ManhattanDistances,
}

// DistanceByName returns "euclidean", "squared euclidean", "cosine" or "manhattan".
func DistanceByName(name string) (DistanceFn, error) {
	if err := checkName("distance", name, distances); err != nil {
		return nil, err
	}
	return distances[name], nil
}

// SquaredDistances returns ρ²(x_i, w_y) = ‖x_i − w_y‖² of all objects and centres: x [l, n], w [m, n] → [l, m].
//
// They are computed by one matrix product, ‖x‖² − 2xᵀw + ‖w‖², without l·m·n differences in memory. The mean of the
// centres is subtracted from both first. This changes no distance and keeps small ones exact far from the origin.
// Values that rounding makes negative become 0.
func SquaredDistances(x, w *Node) *Node {
	l, m, _ := objectsAndCenters(x, w)
	middle := StopGradient(ReduceAndKeep(w, ReduceMean, 0)) // [1, n]
	x, w = Sub(x, middle), Sub(w, middle)
	x2 := ReduceAndKeep(Square(x), ReduceSum, -1) // [l, 1]
	w2 := Reshape(ReduceSum(Square(w), -1), 1, m) // [1, m]
	cross := Einsum("in,yn->iy", x, w)            // [l, m]
	d := Sub(Add(x2, w2), MulScalar(cross, 2))    // [l, m]
	d.AssertDims(l, m)
	return Max(d, ZerosLike(d))
}

// EuclideanDistances returns ρ(x_i, w_y) = ‖x_i − w_y‖: x [l, n], w [m, n] → [l, m]. The gradient is 0 where ρ is 0.
func EuclideanDistances(x, w *Node) *Node {
	d := SquaredDistances(x, w)
	zero := Equal(d, ZerosLike(d))
	return Where(zero, ZerosLike(d), Sqrt(Where(zero, OnesLike(d), d)))
}

// CosineDistances returns ρ(x_i, w_y) = 1 − x_iᵀw_y/(‖x_i‖·‖w_y‖), from 0 (same direction) to 2: x [l, n], w [m, n] →
// [l, m]. They are 1 where one of the two vectors is 0 and has no direction. It is not a metric: lengths do not
// matter.
func CosineDistances(x, w *Node) *Node {
	objectsAndCenters(x, w)
	return OneMinus(Einsum("in,yn->iy", directions(x), directions(w)))
}

// directions divides each row of x [l, n] by its length; a row of zeros is unchanged.
func directions(x *Node) *Node {
	length2 := ReduceAndKeep(Square(x), ReduceSum, -1) // [l, 1]
	return Div(x, Sqrt(Where(Equal(length2, ZerosLike(length2)), OnesLike(length2), length2)))
}

// ManhattanDistances returns ρ(x_i, w_y) = Σ_j |x_ij − w_yj|: x [l, n], w [m, n] → [l, m]. They cannot be computed by
// a matrix product; XLA sums the l·m·n differences without storing them.
func ManhattanDistances(x, w *Node) *Node {
	objectsAndCenters(x, w)
	return ReduceSum(Abs(Sub(ExpandAxes(x, 1), ExpandAxes(w, 0))), -1)
}

// objectsAndCenters asserts x [l, n] and w [m, n] and returns the three sizes.
func objectsAndCenters(x, w *Node) (l, m, n int) {
	l, m, n = x.Shape().Dim(0), w.Shape().Dim(0), x.Shape().Dim(-1)
	x.AssertDims(l, n)
	w.AssertDims(m, n)
	return l, m, n
}

// Assign returns the nearest centre of each object, the winner-takes-all rule,
//
//	a(x) = argmin_{y∈Y} ρ(x, w_y),
//
// as int32 [l]. distances [l, m] may be squared. Of equally near centres the first wins.
//
// Slide "Formulation of the clustering problem".
func Assign(distances *Node) *Node { return ArgMin(distances, -1) }

// Winners builds the layer of argmin as the neurons' outputs: [a(x_i) = y] as numbers 0 and 1, [l, m] → [l, m].
func Winners(distances *Node) *Node {
	return StopGradient(OneHot(Assign(distances), distances.Shape().Dim(-1), distances.DType()))
}

// CriterionSum returns the criterion of clustering as on the slide, a sum over objects,
//
//	Q(w; X^l) = Σ_{i=1}^{l} ρ²(x_i, w_{a(x_i)}),
//
// in squared units of x, a scalar. squared: ρ² [l, m]. Its gradient is that of the winners' terms alone; for
// [SquaredDistances] that is ∂Q/∂w_y = −2 Σ_i (x_i − w_y)[a(x_i) = y], Kohonen's step up to the factor.
//
// Slide "Formulation of the clustering problem", which calls it "average": the average is [CriterionMean].
func CriterionSum(squared *Node) *Node { return ReduceAllSum(Mul(squared, Winners(squared))) }

// CriterionMean returns Q̄ = Q/l, the mean over objects of ρ²(x_i, w_{a(x_i)}), a scalar. squared: ρ² [l, m].
func CriterionMean(squared *Node) *Node {
	return DivScalar(CriterionSum(squared), float64(squared.Shape().Dim(0)))
}

// KohonenLayers builds the two layers of Kohonen's network: a layer of ρ²(x, w_y) and a layer of argmin, where only
// the neuron of a(x) fires. x [l, n], w [m, n] → [l, m] both.
//
// Slide "Kohonen network — two-layer neural network"; Kohonen 1982.
func KohonenLayers(x, w *Node) (squared, fires *Node) {
	squared = SquaredDistances(x, w)
	return squared, Winners(squared)
}

// LinearScores shows that the first layer may be linear: w_yᵀx − ½‖w_y‖² is largest for the nearest centre,
// since ‖x − w_y‖² = ‖x‖² − 2(w_yᵀx − ½‖w_y‖²) and ‖x‖² is the same for all y. x [l, n], w [m, n] → [l, m].
func LinearScores(x, w *Node) *Node {
	_, m, _ := objectsAndCenters(x, w)
	bias := Reshape(MulScalar(ReduceSum(Square(w), -1), -0.5), 1, m)
	return Add(Einsum("in,yn->iy", x, w), bias)
}
