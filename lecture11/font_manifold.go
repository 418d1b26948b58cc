package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
)

// NearestObjects returns, for each of the objects x [l, n], the index of the nearest of the objects among [m, n] and
// the mean over components of their squared difference. Bytes count as [0, 1]. It shows whether an object that a model
// generates is a copy of a training object. Slide "2D font manifold demonstration".
func NearestObjects(backend compute.Backend, x, among *tensors.Tensor) (nearest []int, mse []float64, err error) {
	if err := checkBackend("NearestObjects", backend); err != nil {
		return nil, nil, err
	}
	objects, err := asFloats(x)
	if err != nil {
		return nil, nil, err
	}
	known, err := asFloats(among)
	if err != nil {
		return nil, nil, err
	}
	found, err := FindNearest(backend, objects, known, 1)
	if err != nil {
		return nil, nil, err
	}
	n := float64(x.Shape().Dimensions[1])
	for i, node := range found.Nodes {
		nearest = append(nearest, int(node))
		mse = append(mse, found.Distances[i]*found.Distances[i]/n)
	}
	return nearest, mse, nil
}

// SquaredErrors returns, for each row of x and y [l, n], the mean over components of the squared difference. Bytes
// count as [0, 1].
func SquaredErrors(x, y *tensors.Tensor) ([]float64, error) {
	if err := checkTensors("SquaredErrors", x, y); err != nil {
		return nil, err
	}
	if x.Rank() != 2 || y.Rank() != 2 || x.Size() != y.Size() || x.Shape().Dimensions[0] != y.Shape().Dimensions[0] {
		return nil, fmt.Errorf("lecture11: SquaredErrors of %s and %s, want [l, n] of one shape", x.Shape(), y.Shape())
	}
	a, err := Components(x)
	if err != nil {
		return nil, err
	}
	b, err := Components(y)
	if err != nil {
		return nil, err
	}
	l, n := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
	errors := make([]float64, l)
	for i := range a {
		errors[i/n] += (a[i] - b[i]) * (a[i] - b[i]) / float64(n)
	}
	if place, _ := firstNotFinite(errors); place >= 0 {
		if err := checkAllFinite("SquaredErrors", x, y); err != nil {
			return nil, err
		}
	}
	return errors, nil
}

// PairDistances returns the Euclidean distances of all pairs of codes z [l, d]: those within a group and those between
// groups. With [ROC] they measure whether a code keeps the members of a group together: ROC(same, other) is the
// probability that a pair within a group is closer than a pair of two groups.
func PairDistances(z *tensors.Tensor, groups []int) (same, other []float64, err error) {
	if err := checkAllFinite("PairDistances", z); err != nil {
		return nil, nil, err
	}
	columns, err := Columns(z)
	if err != nil {
		return nil, nil, err
	}
	if len(groups) != z.Shape().Dimensions[0] {
		return nil, nil, fmt.Errorf("lecture11: PairDistances of codes %s and %d groups, want one for each code", z.Shape(), len(groups))
	}
	for i := range groups {
		for j := range i {
			distance := 0.0
			for _, column := range columns {
				distance = math.Hypot(distance, column[i]-column[j])
			}
			if groups[i] == groups[j] {
				same = append(same, distance)
			} else {
				other = append(other, distance)
			}
		}
	}
	return same, other, nil
}

// PathSteps returns the Euclidean distances ‖x_{i+1} − x_i‖ between neighbours on a decoded path x [steps, n]: steps −
// 1 numbers. The steps of a smooth decoder have similar lengths.
func PathSteps(x *tensors.Tensor) ([]float64, error) {
	if err := checkAllFinite("PathSteps", x); err != nil {
		return nil, err
	}
	if x.Rank() != 2 || x.Shape().Dimensions[0] < 2 {
		return nil, fmt.Errorf("lecture11: PathSteps of %s, want at least 2 steps of [steps, n]", x.Shape())
	}
	values, err := Components(x)
	if err != nil {
		return nil, err
	}
	n := x.Shape().Dimensions[1]
	steps := make([]float64, x.Shape().Dimensions[0]-1)
	for i := range steps {
		for j := range n {
			steps[i] = math.Hypot(steps[i], values[(i+1)*n+j]-values[i*n+j])
		}
	}
	return steps, nil
}
