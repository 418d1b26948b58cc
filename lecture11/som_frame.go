package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// somFrame is the origin and the unit in which a device computes with objects and weights: u = (x − centre)/unit, as
// float32. With an origin close to the objects, ‖w‖² − 2w·x keeps the significant digits. The unit is a power of two,
// so that dividing by it causes no rounding, and squares of numbers in it neither overflow nor underflow.
type somFrame struct {
	centre []float64 // [n]; nil: the origin of x
	unit   float64
}

// plainFrame returns the frame that leaves objects unchanged.
func plainFrame() somFrame { return somFrame{unit: 1} }

// plain reports whether the frame changes nothing.
func (f somFrame) plain() bool { return f.centre == nil && f.unit == 1 }

// The sizes of numbers that need no unit, as exponents of 2: sums of a million of their squares are far from the limits
// of float32 and from farAway. For numbers of other sizes the unit brings the largest just below 2^frameHigh.
const (
	frameLow  = -30
	frameHigh = 30
	frameEnd  = 126 // 1/unit and unit are float32 numbers
)

// unitFor returns the unit for objects whose largest component has the size objects, and for weights that may be
// larger.
func unitFor(objects, weights float64) float64 {
	largest := max(objects, weights)
	small := objects > 0 && objects < math.Ldexp(1, frameLow)
	if largest == 0 || !small && largest <= math.Ldexp(1, frameHigh) {
		return 1
	}
	_, exponent := math.Frexp(largest)
	return math.Ldexp(1, max(exponent-frameHigh, -frameEnd))
}

// at returns component j of the centre.
func (f somFrame) at(j int) float64 {
	if f.centre == nil {
		return 0
	}
	return f.centre[j]
}

// rows converts some columns of x [l, n] to the frame, as float32 [l, columns]. NaN remains NaN.
func (f somFrame) rows(x *tensors.Tensor, columns []int32) (out *tensors.Tensor, err error) {
	l, n := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
	flat := make([]float32, l*len(columns))
	err = withNumbers(x, func(at func(i int) float64) {
		for i := range l {
			for place, j := range columns {
				flat[i*len(columns)+place] = float32((at(i*n+int(j)) - f.at(int(j))) / f.unit)
			}
		}
	})
	return tensors.FromFlatDataAndDimensions(flat, l, len(columns)), err
}

// both converts objects x [l, n] and weights [m, n] to the frame. It returns tensors that need no change as they are.
func (f somFrame) both(x, weights *tensors.Tensor) (_, _ *tensors.Tensor, err error) {
	columns := seq(x.Shape().Dimensions[1])
	if !f.plain() || wide(x.DType()) {
		if x, err = f.rows(x, columns); err != nil {
			return nil, nil, err
		}
	}
	if !f.plain() || wide(weights.DType()) {
		weights, err = f.rows(weights, columns)
	}
	return x, weights, err
}

// out converts component j of a number in the frame back to the unit of x.
func (f somFrame) out(u float32, j int) float64 { return float64(u)*f.unit + f.at(j) }

// wide reports whether a type holds numbers that float32 cannot.
func wide(dtype dtypes.DType) bool {
	return dtype == dtypes.Float64 || dtype == dtypes.Int32 || dtype == dtypes.Int64
}

// pairFrame returns the frame in which objects x [l, n] are compared with weights [m, n]: around the mean of the
// weights, in a unit that suits both. It is plain if x and weights can be used as they are. missing reports whether a
// component of x is NaN.
func pairFrame(x, weights *tensors.Tensor) (f somFrame, missing bool, err error) {
	f = plainFrame()
	if err := checkKnown("weights of a map", weights, &missing); err != nil {
		return f, false, err
	} else if missing {
		return f, false, fmt.Errorf("lecture11: weights of a map with NaN, want finite numbers")
	}
	if err := checkKnown("objects", x, &missing); err != nil {
		return f, false, err
	}
	centre, _, err := meanObject(weights)
	if err != nil {
		return f, false, err
	}
	reach := 0.0
	for _, t := range []*tensors.Tensor{x, weights} {
		err := withNumbers(t, func(at func(i int) float64) {
			for i := range t.Size() {
				reach = max(reach, zeroIfNaN(math.Abs(at(i)-centre[i%len(centre)])))
			}
		})
		if err != nil {
			return f, false, err
		}
	}
	f.unit = unitFor(reach, 0)
	if wide(x.DType()) || wide(weights.DType()) || f.unit != 1 {
		f.centre = centre
	}
	return f, missing, nil
}

func zeroIfNaN(v float64) float64 {
	if v != v {
		return 0
	}
	return v
}

// checkKnown returns an error if a component of x [l, n] is infinite, or if all components of a row are NaN. It sets
// missing if a component is NaN.
func checkKnown(what string, x *tensors.Tensor, missing *bool) (err error) {
	if x.DType() != dtypes.Float32 && x.DType() != dtypes.Float64 {
		return nil
	}
	n := x.Shape().Dimensions[1]
	readErr := withNumbers(x, func(at func(i int) float64) {
		known := 0
		for i := range x.Size() {
			if v := at(i); math.IsInf(v, 0) {
				err = fmt.Errorf("lecture11: %s: component %d of row %d = %g, want a finite number, or NaN where it is missing",
					what, i%n, i/n, v)
				return
			} else if v == v {
				known++
			}
			if (i+1)%n > 0 {
				continue
			}
			if known == 0 {
				err = fmt.Errorf("lecture11: %s: row %d is NaN in every component, want at least one that is known", what, i/n)
				return
			}
			*missing = *missing || known < n
			known = 0
		}
	})
	if readErr != nil {
		return readErr
	}
	return err
}

// meanObject returns the mean of the objects x [l, n], and their variance summed over components. Missing components
// are ignored.
func meanObject(x *tensors.Tensor) (mean []float64, variance float64, err error) {
	n := x.Shape().Dimensions[1]
	count, mean, squares := make([]float64, n), make([]float64, n), make([]float64, n)
	err = withNumbers(x, func(at func(i int) float64) {
		for i := range x.Size() {
			if v := at(i); v == v {
				count[i%n]++
				mean[i%n] += v
			}
		}
		for j := range mean {
			mean[j] /= max(1, count[j])
		}
		for i := range x.Size() {
			if d := at(i) - mean[i%n]; d == d {
				squares[i%n] += d * d
			}
		}
	})
	for j := range squares {
		variance += squares[j] / max(1, count[j])
	}
	return mean, variance, err
}
