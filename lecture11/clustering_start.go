package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// starts holds, by name, the functions that choose the first m centres from objects x, l rows of n numbers.
var starts = map[string]func(rng *rand.Rand, x [][]float64, m int) [][]float64{
	"objects":   startObjects,
	"k-means++": startPlusPlus,
	"uniform":   startUniform,
}

// StartCenters chooses the first m centres for the objects x [l, n]. The result is [m, n], of the dtype of x, or
// float32 if x is bytes. how is
//
//	objects    m different objects at random
//	k-means++  objects too, each drawn with a probability proportional to its squared distance from the nearest
//	           centre drawn before it (Arthur & Vassilvitskii 2007)
//	uniform    random(−1/√n, 1/√n) in each component, as on the slide: suits objects around 0 of about that size
//
// Slide "Stochastic gradient descent", initialisation.
func StartCenters(how string, x *tensors.Tensor, m int, seed int64) (*tensors.Tensor, error) {
	if err := checkName("StartCenters: how", how, starts); err != nil {
		return nil, err
	}
	rows, err := objectRows(x)
	if err != nil {
		return nil, err
	}
	if m < 1 || m > len(rows) {
		return nil, fmt.Errorf("lecture11: StartCenters: m = %d, want 1 to %d, the number of objects", m, len(rows))
	}
	centers := starts[how](rand.New(rand.NewPCG(uint64(seed), 0)), rows, m)
	dtype := x.DType()
	if dtype == dtypes.Uint8 {
		dtype = dtypes.Float32
	}
	var flat []float64
	for _, c := range centers {
		flat = append(flat, c...)
	}
	return numbers(dtype, flat, m, len(rows[0])), nil
}

func startObjects(rng *rand.Rand, x [][]float64, m int) [][]float64 {
	centers := make([][]float64, m)
	for y, i := range rng.Perm(len(x))[:m] {
		centers[y] = x[i]
	}
	return centers
}

func startPlusPlus(rng *rand.Rand, x [][]float64, m int) [][]float64 {
	centers := [][]float64{x[rng.IntN(len(x))]}
	nearest := make([]float64, len(x)) // squared distance from the nearest centre so far
	for i := range nearest {
		nearest[i] = math.Inf(1)
	}
	for len(centers) < m {
		sum := 0.0
		for i := range x {
			nearest[i] = min(nearest[i], squaredDistance(x[i], centers[len(centers)-1]))
			sum += nearest[i]
		}
		centers = append(centers, x[drawn(rng.Float64()*sum, nearest)])
	}
	return centers
}

// drawn returns the index at which the running sum of weights passes u, or the last index if all weights are 0.
func drawn(u float64, weights []float64) int {
	for i, w := range weights {
		if u -= w; u < 0 {
			return i
		}
	}
	return len(weights) - 1
}

func startUniform(rng *rand.Rand, x [][]float64, m int) [][]float64 {
	n := len(x[0])
	centers := make([][]float64, m)
	for y := range centers {
		centers[y] = make([]float64, n)
		for j := range n {
			centers[y][j] = (2*rng.Float64() - 1) / math.Sqrt(float64(n))
		}
	}
	return centers
}

// StartInBox draws the first m centres uniformly from the box between the corners low and high, n numbers each. The
// box does not depend on the objects, so the start may be bad on purpose. Result: float32 [m, n].
func StartInBox(m int, low, high []float64, seed int64) (*tensors.Tensor, error) {
	if m < 1 || len(low) == 0 || len(low) != len(high) {
		return nil, fmt.Errorf("lecture11: StartInBox(m = %d, low = %v, high = %v), want a positive number of centres and two "+
			"corners of one length", m, low, high)
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	flat := make([]float64, 0, m*len(low))
	for range m {
		for j := range low {
			if !(low[j] <= high[j]) || math.IsInf(high[j]-low[j], 0) {
				return nil, fmt.Errorf("lecture11: StartInBox: side %d from %g to %g, want finite numbers in this order", j,
					low[j], high[j])
			}
			flat = append(flat, low[j]+(high[j]-low[j])*rng.Float64())
		}
	}
	return numbers(dtypes.Float32, flat, m, len(low)), nil
}
