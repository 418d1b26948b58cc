package lecture11

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"
)

// somInits holds the initial weights that a configuration can name. sample holds objects, [·, n] row by row, in an
// order drawn with the seed.
var somInits = map[string]func(cfg SOMConfig, sample []float64) []float64{
	"uniform": func(cfg SOMConfig, _ []float64) []float64 { return uniformWeights(cfg) },
	"samples": sampleWeights,
	"pca":     pcaWeights,
}

// initialSample is the largest number of objects from which initial weights are computed, if the map does not have more
// nodes.
const initialSample = 1000

// sampleSize returns the number of objects, of l, from which the initial weights are computed.
func (c SOMConfig) sampleSize(l int) int {
	if c.Init == "uniform" {
		return 0
	}
	return min(l, max(initialSample, c.Nodes()))
}

// initialise sets the initial weights, from the objects if SOMConfig.Init requires it. They are float64 if the objects
// have more digits than float32.
func (m *SOM) initialise(sample []float64, wide bool) {
	m.weights = m.cfg.weightsOf(somInits[m.cfg.Init](m.cfg, sample), wide)
}

// weightsOf returns weights [m · n] as a tensor [m, n].
func (c SOMConfig) weightsOf(flat []float64, wide bool) *tensors.Tensor {
	return floatTensor(flat, wide, c.Nodes(), c.Features)
}

// floatTensor returns numbers as a tensor, float64 if wide, else float32.
func floatTensor(flat []float64, wide bool, dims ...int) *tensors.Tensor {
	if wide {
		return tensors.FromFlatDataAndDimensions(flat, dims...)
	}
	narrow := make([]float32, len(flat))
	for i, v := range flat {
		narrow[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(narrow, dims...)
}

// uniformWeights draws the slide's initial weights, each component from (−1/√n, 1/√n): [m · n].
func uniformWeights(cfg SOMConfig) []float64 {
	rng := rand.New(rand.NewPCG(uint64(cfg.Seed), 0))
	limit := 1 / math.Sqrt(float64(cfg.Features))
	w := make([]float64, cfg.Nodes()*cfg.Features)
	for i := range w {
		w[i] = limit * (2*rng.Float64() - 1)
	}
	return w
}

// sampleWeights returns one object for each node, in the order of the sample; if there are fewer objects than nodes,
// they are repeated: [m · n].
func sampleWeights(cfg SOMConfig, sample []float64) []float64 {
	w := make([]float64, cfg.Nodes()*cfg.Features)
	for i := range w {
		w[i] = sample[i%len(sample)]
	}
	return w
}

// pcaWeights places the grid in the plane of the first two principal axes of the objects, with the longer side along
// the first:
//
//	w_xy = mean + c_x·√λ_1·u_1 + c_y·√λ_2·u_2,   c from −1 to 1 over the sheet.
//
// The axes do not depend on the seed if the sample is all objects. Result: [m · n].
func pcaWeights(cfg SOMConfig, sample []float64) []float64 {
	mean, axes := principalAxes(sample, cfg.Features, 2)
	first, second := axes[0], axes[1]
	if cfg.Height > cfg.Width {
		first, second = second, first
	}
	w := make([]float64, cfg.Nodes()*cfg.Features)
	for node := range cfg.Nodes() {
		column, row := cfg.Cell(node)
		a, b := along(column, cfg.Width), along(row, cfg.Height)
		for j := range cfg.Features {
			w[node*cfg.Features+j] = mean[j] + a*first[j] + b*second[j]
		}
	}
	return w
}

// along returns position i of count equal steps from −1 to 1.
func along(i, count int) float64 {
	if count == 1 {
		return 0
	}
	return 2*float64(i)/float64(count-1) - 1
}

// axisRounds is the number of multiplications by the covariance in principalAxes. axisGuards is the number of
// additional axes, with which the wanted ones converge sooner.
const (
	axisRounds = 40
	axisGuards = 2
)

// principalAxes returns the mean of objects [l, n] and their first principal axes, each with the length √λ of its
// standard deviation, by orthogonal iteration: V := orthonormal(XᵀXV). An axis without variance is 0.
func principalAxes(flat []float64, n, count int) (mean []float64, axes [][]float64) {
	x, mean := centredRows(flat, n)
	rng := rand.New(rand.NewPCG(1, 1))
	axes = make([][]float64, count+axisGuards)
	for i := range axes {
		axes[i] = make([]float64, n)
		for j := range axes[i] {
			axes[i][j] = rng.NormFloat64()
		}
	}
	var variances []float64
	for range axisRounds {
		for i := range axes {
			axes[i] = covarianceTimes(x, axes[i])
		}
		variances = orthonormalise(axes)
	}
	for i := range axes[:count] {
		turn := math.Copysign(math.Sqrt(variances[i]), largest(axes[i]))
		for j := range axes[i] {
			axes[i][j] *= turn
		}
	}
	return mean, axes[:count]
}

// centredRows returns the objects minus their mean.
func centredRows(flat []float64, n int) (x [][]float64, mean []float64) {
	l := len(flat) / n
	mean = make([]float64, n)
	for i, v := range flat {
		mean[i%n] += v / float64(l)
	}
	x = make([][]float64, l)
	for i := range x {
		x[i] = make([]float64, n)
		for j := range n {
			x[i][j] = flat[i*n+j] - mean[j]
		}
	}
	return x, mean
}

// covarianceTimes returns XᵀXv/l.
func covarianceTimes(x [][]float64, v []float64) []float64 {
	out := make([]float64, len(v))
	for _, object := range x {
		along := dot(object, v) / float64(len(x))
		for j, value := range object {
			out[j] += along * value
		}
	}
	return out
}

// orthonormalise makes vectors orthonormal one after another (Gram–Schmidt, twice because of rounding) and returns
// their original lengths. A vector that is a linear combination of earlier ones becomes 0.
func orthonormalise(vectors [][]float64) (lengths []float64) {
	for i, v := range vectors {
		before := math.Sqrt(dot(v, v))
		for range 2 {
			for _, u := range vectors[:i] {
				along := dot(u, v)
				for j := range v {
					v[j] -= along * u[j]
				}
			}
		}
		length := math.Sqrt(dot(v, v))
		factor := 0.0
		if length > 1e-12*before {
			factor = 1 / length
		}
		for j := range v {
			v[j] *= factor
		}
		lengths = append(lengths, length*factor*length)
	}
	return lengths
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// largest returns the component with the largest absolute value. Its sign fixes that of an axis.
func largest(v []float64) float64 {
	best := 0.0
	for _, x := range v {
		if math.Abs(x) > math.Abs(best) {
			best = x
		}
	}
	return best
}
