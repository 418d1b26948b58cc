package noise

import (
	"fmt"
	"math"
	"math/rand/v2"
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

// near reports an error unless got is within tolerance of want.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.8g, want %.8g ± %.1g", what, got, want, tolerance)
	}
}

// wide returns a copy of float32 values.
func wide(t *tensors.Tensor) ([]float64, error) {
	flat, err := tensors.CopyFlatData[float32](t)
	values := make([]float64, len(flat))
	for i, v := range flat {
		values[i] = float64(v)
	}
	return values, err
}

// TestNormalNoise checks the moments, the distribution function, the lack of correlation within pairs, and an odd
// count.
func TestNormalNoise(t *testing.T) {
	const n = 200_001
	state, err := RNGStateFromSeed(5)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ExecOnce(testx.Backend(t), func(state *Node) *Node {
		return StateNormal(state, shapes.Make(dtypes.Float32, 3, n/3))
	}, state)
	if err != nil {
		t.Fatal(err)
	}
	values, err := wide(out)
	if err != nil {
		t.Fatal(err)
	}
	mean, variance := stat.MeanVariance(values, nil)
	near(t, "mean (4 SE)", mean, 0, 4/math.Sqrt(n))
	near(t, "variance (4 SE)", variance, 1, 4*math.Sqrt(2.0/n))
	near(t, "correlation within pairs (4 SE)", stat.Correlation(values[:n/2], values[n/2+1:], nil), 0, 4/math.Sqrt(n/2))
	near(t, "correlation of squares (4 SE)", stat.Correlation(squares(values[:n/2]), squares(values[n/2+1:]), nil), 0, 4/math.Sqrt(n/2))
	slices.Sort(values)
	belowKolmogorov(t, values, distuv.UnitNormal.CDF)
}

// belowKolmogorov reports an error unless the sorted values pass the Kolmogorov-Smirnov test of the distribution
// function at 0.1 %.
func belowKolmogorov(t *testing.T, values []float64, cdf func(float64) float64) {
	t.Helper()
	worst, n := 0.0, float64(len(values))
	for i, v := range values {
		worst = max(worst, math.Abs(cdf(v)-(float64(i)+0.5)/n))
	}
	if limit := 1.95 / math.Sqrt(n); worst > limit {
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

// TestBoxMuller: for words over their whole range, ends included, the numbers are finite and agree with the formula in
// float64.
func TestBoxMuller(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	a, b := []uint32{0, 0, math.MaxUint32, math.MaxUint32, 1, 2}, []uint32{0, 1 << 31, math.MaxUint32, 1<<31 - 1, 7, 1 << 30}
	for range 1000 {
		a, b = append(a, rng.Uint32()), append(b, rng.Uint32())
	}
	out, err := ExecOnce(testx.Backend(t), boxMuller, [][]uint32{a}, [][]uint32{b})
	if err != nil {
		t.Fatal(err)
	}
	got := tensors.MustCopyFlatData[float32](out)
	for i := range a {
		u, angle := (float64(a[i]>>1)+0.5)/(1<<31), math.Pi/2*float64(int32(b[i]))/(1<<31)
		radius := math.Sqrt(-2*math.Log(u)) * (1 - 2*float64(a[i]&1))
		sin, cos := math.Sincos(angle)
		near(t, fmt.Sprintf("√(−2 ln u)·cos of words %d, %d", a[i], b[i]), float64(got[i]), radius*cos, 4e-4)
		near(t, fmt.Sprintf("√(−2 ln u)·sin of words %d, %d", a[i], b[i]), float64(got[len(a)+i]), radius*sin, 4e-4)
	}
}

// TestThreefry compares with the known answers in Random123's file kat_vectors for threefry2x32 with 20 rounds.
func TestThreefry(t *testing.T) {
	for _, c := range []struct{ key, counter, want [2]uint32 }{
		{[2]uint32{0, 0}, [2]uint32{0, 0}, [2]uint32{0x6b200159, 0x99ba4efe}},
		{[2]uint32{0xffffffff, 0xffffffff}, [2]uint32{0xffffffff, 0xffffffff}, [2]uint32{0x1cb996fc, 0xbb002be7}},
		{[2]uint32{0x13198a2e, 0x03707344}, [2]uint32{0x243f6a88, 0x85a308d3}, [2]uint32{0xc4923a9c, 0x483df7a0}},
	} {
		exec, err := NewExec(testx.Backend(t), func(key, x0, x1 *Node) []*Node {
			a, b := threefry(key, x0, x1)
			return []*Node{a, b}
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(c.key[:], c.counter[:1], c.counter[1:])
		if err != nil {
			t.Fatal(err)
		}
		for i, word := range out {
			if got := tensors.MustCopyFlatData[uint32](word)[0]; got != c.want[i] {
				t.Errorf("key %x, counter %x, word %d: %x, want %x", c.key, c.counter, i, got, c.want[i])
			}
		}
	}
}

// TestUniformNoise checks the moments, the range and the distribution function.
func TestUniformNoise(t *testing.T) {
	const n = 100_000
	out, err := ExecOnce(testx.Backend(t), func(key *Node) *Node {
		return Uniform(key, shapes.Make(dtypes.Float32, n/10, 10))
	}, []uint32{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	values, err := wide(out)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(values)
	if values[0] < 0 || values[n-1] >= 1 {
		t.Errorf("numbers from %g to %g, want [0, 1)", values[0], values[n-1])
	}
	belowKolmogorov(t, values, func(u float64) float64 { return u })
}
