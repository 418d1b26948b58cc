package data

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"
)

// LinearTasks are regressions whose truth is known: task t gives y = w_tᵀx + s·ε with x ~ N(0, I_n), ε ~ N(0, 1) and
// w_t = U a_t, where the columns of U [n, d] are orthonormal and common to all tasks and a_t ~ N(0, 2/d·I_d). So E‖w_t‖² = 2
// for each d: with a small d the tasks are related, with d = n they are not.
type LinearTasks struct {
	Weights [][]float64 // w_t, [T, n]
	Noise   float64     // s
}

// NewLinearTasks draws the weights of so many tasks.
func NewLinearTasks(tasks, n, d int, noise float64, seed uint64) (*LinearTasks, error) {
	if tasks < 1 || d < 1 || d > n || !(noise >= 0) || math.IsInf(noise, 0) {
		return nil, fmt.Errorf("data: NewLinearTasks(tasks = %d, n = %d, d = %d, noise = %g), want at least one task, 1 ≤ d ≤ n and noise ≥ 0",
			tasks, n, d, noise)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	basis := randomRotation(n, rng) // its first d columns are U
	p := &LinearTasks{Weights: make([][]float64, tasks), Noise: noise}
	for t := range p.Weights {
		w := make([]float64, n)
		for j := range d {
			a := rng.NormFloat64() * math.Sqrt(2/float64(d))
			for i := range w {
				w[i] += basis.At(i, j) * a
			}
		}
		p.Weights[t] = w
	}
	return p, nil
}

// Objects draws l objects for each task: x [T·l, n] as rows and y, those of task t from t·l on.
func (p *LinearTasks) Objects(l int, seed uint64) (x [][]float64, y []float64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	for _, w := range p.Weights {
		for range l {
			row, sum := make([]float64, len(w)), 0.0
			for i := range row {
				row[i] = rng.NormFloat64()
				sum += w[i] * row[i]
			}
			x, y = append(x, row), append(y, sum+p.Noise*rng.NormFloat64())
		}
	}
	return x, y
}

// Table lays objects out for a model of several tasks: x as floats [T·l, n], and labels [T·l, T], NaN but for the own task of
// each object.
func (p *LinearTasks) Table(x [][]float64, y []float64) (objects, labels *tensors.Tensor) {
	n, tasks := len(p.Weights[0]), len(p.Weights)
	l := len(x) / tasks
	flat, known := make([]float32, 0, len(x)*n), make([]float32, len(x)*tasks)
	for i, row := range x {
		for _, v := range row {
			flat = append(flat, float32(v))
		}
		for t := range tasks {
			known[i*tasks+t] = float32(math.NaN())
		}
		known[i*tasks+i/l] = float32(y[i])
	}
	return tensors.FromFlatDataAndDimensions(flat, len(x), n), tensors.FromFlatDataAndDimensions(known, len(x), tasks)
}
