package lecture11

import (
	"math"
	"testing"
)

// TestEstimate checks the mean, the standard error, the tabulated quantile of Student's t, and a paired difference.
func TestEstimate(t *testing.T) {
	e := NewEstimate([]float64{1, 2, 3, 4, 5})
	near(t, "mean", e.Mean, 3, 0)
	near(t, "SE", e.SE, math.Sqrt(2.5/5), 1e-12)
	near(t, "interval, t(4) = 2.776", e.Interval95(), 2.776*e.SE, 1e-3)
	if single := NewEstimate([]float64{1}).Interval95(); !math.IsInf(single, 1) {
		t.Errorf("interval of a single value %g, want +Inf", single)
	}
	d, err := e.Minus(NewEstimate([]float64{0, 1, 2, 3, 4}))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "difference", d.Mean, 1, 0)
	near(t, "SE of a constant difference", d.SE, 0, 0)
	_, err = e.Minus(NewEstimate([]float64{1}))
	wantError(t, err, "5 and 1 values")
}
