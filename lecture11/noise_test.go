package lecture11

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"deeplearning.example/internal/testx"
)

// TestNormalNoise: moments, the distribution function, no correlation within pairs, an odd count.
func TestNormalNoise(t *testing.T) {
	const n = 200_001
	state, err := RNGStateFromSeed(5)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ExecOnce(testx.Backend(t), func(state *Node) *Node {
		return stateNoise(state, shapes.Make(dtypes.Float32, 3, n/3))
	}, state)
	if err != nil {
		t.Fatal(err)
	}
	values, err := float64s(out)
	if err != nil {
		t.Fatal(err)
	}
	mean, variance := stat.MeanVariance(values, nil)
	near(t, "mean (4 SE)", mean, 0, 4/math.Sqrt(n))
	near(t, "variance (4 SE)", variance, 1, 4*math.Sqrt(2.0/n))
	near(t, "correlation within pairs (4 SE)", stat.Correlation(values[:n/2], values[n/2+1:], nil), 0, 4/math.Sqrt(n/2))
	near(t, "correlation of squares (4 SE)", stat.Correlation(squares(values[:n/2]), squares(values[n/2+1:]), nil), 0, 4/math.Sqrt(n/2))
	slices.Sort(values)
	worst := 0.0
	for i, v := range values {
		worst = max(worst, math.Abs(distuv.UnitNormal.CDF(v)-(float64(i)+0.5)/n))
	}
	if limit := 1.95 / math.Sqrt(n); worst > limit { // Kolmogorov & Smirnov, 0.1 %
		t.Errorf("distribution function differs by %.5f, want at most %.5f", worst, limit)
	}
}

func squares(values []float64) []float64 {
	squared := make([]float64, len(values))
	for i, v := range values {
		squared[i] = v * v
	}
	return squared
}

// TestNormalNoiseIsFinite: the uniform numbers that GoMLX can give at their ends, 0 and the last below 1, make finite noise.
func TestNormalNoiseIsFinite(t *testing.T) {
	last := math.Nextafter32(1, 0)
	ends := tensors.FromFlatDataAndDimensions([]float32{0, 0, last, last, 0, last, 0, last}, 2, 4)
	out, err := ExecOnce(testx.Backend(t), func(u *Node) *Node {
		return normalNoise(shapes.Make(dtypes.Float32, 8), func(shapes.Shape) *Node { return u })
	}, ends)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range tensors.MustCopyFlatData[float32](out) {
		if math.IsNaN(float64(v)) || math.Abs(float64(v)) > 7 {
			t.Errorf("number %d is %g, want one of at most 7", i, v)
		}
	}
}
