package lecture11

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a mean over objects or seeds, with its standard error. The error includes the spread between objects and
// the spread of the codes drawn for them.
type Estimate struct {
	Mean, SE  float64
	PerObject []float64
}

// NewEstimate returns the mean of the values and its standard error s/√l, NaN for a single value.
func NewEstimate(values []float64) Estimate {
	mean, std := stat.MeanStdDev(values, nil)
	return Estimate{Mean: mean, SE: stat.StdErr(std, float64(len(values))), PerObject: values}
}

// Interval95 returns half the length of the 95 % interval of the mean: Student's t with l−1 degrees of freedom times
// SE. It is +Inf for a single value.
func (e Estimate) Interval95() float64 {
	if len(e.PerObject) < 2 {
		return math.Inf(1)
	}
	return distuv.StudentsT{Sigma: 1, Nu: float64(len(e.PerObject) - 1)}.Quantile(0.975) * e.SE
}

// Minus returns the estimate of the difference of two estimates for the same objects or seeds, value by value.
func (e Estimate) Minus(other Estimate) (Estimate, error) {
	if len(e.PerObject) != len(other.PerObject) {
		return Estimate{}, fmt.Errorf("lecture11: difference of estimates of %d and %d values, want the same number", len(e.PerObject), len(other.PerObject))
	}
	differences := slices.Clone(e.PerObject)
	for i, v := range other.PerObject {
		differences[i] -= v
	}
	return NewEstimate(differences), nil
}

// String returns the mean ± its standard error, which is "n/a" for a single value.
func (e Estimate) String() string {
	if math.IsNaN(e.SE) && !math.IsNaN(e.Mean) {
		return fmt.Sprintf("%.2f ± n/a", e.Mean)
	}
	return fmt.Sprintf("%.2f ± %.2f", e.Mean, e.SE)
}
