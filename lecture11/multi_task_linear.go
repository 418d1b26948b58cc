package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/lecture11/internal/random"
)

// linearTasks holds regressions whose truth is known: task t is y = w_tᵀx + s·ε with x ~ N(0, I_n), ε ~ N(0, 1) and w_t
// = U a_t. The columns of U [n, d] are orthonormal and common to all tasks, and a_t ~ N(0, 2/d·I_d). So E‖w_t‖² = 2 for
// each d. With a small d the tasks are related, with d = n they are not.
type linearTasks struct {
	weights [][]float64 // w_t, [T, n]
	noise   float64     // s
}

// newLinearTasks draws the weights of the given number of tasks.
func newLinearTasks(tasks, n, d int, noise float64, seed uint64) (*linearTasks, error) {
	if tasks < 1 || d < 1 || d > n || !(noise >= 0) || math.IsInf(noise, 0) {
		return nil, fmt.Errorf("lecture11: NewLinearStudy(tasks = %d, n = %d, d = %d, noise = %g), want at least one task, 1 ≤ d ≤ n and noise ≥ 0",
			tasks, n, d, noise)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	basis := random.Rotation(n, rng) // its first d columns are U
	p := &linearTasks{weights: make([][]float64, tasks), noise: noise}
	for t := range p.weights {
		w := make([]float64, n)
		for j := range d {
			a := rng.NormFloat64() * math.Sqrt(2/float64(d))
			for i := range w {
				w[i] += basis.At(i, j) * a
			}
		}
		p.weights[t] = w
	}
	return p, nil
}

// draw draws l objects for each task: x [T·l, n] as rows, and y. Those of task t start at t·l.
func (p *linearTasks) draw(l int, seed uint64) (x [][]float64, y []float64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	for _, w := range p.weights {
		for range l {
			row, sum := make([]float64, len(w)), 0.0
			for i := range row {
				row[i] = rng.NormFloat64()
				sum += w[i] * row[i]
			}
			x, y = append(x, row), append(y, sum+p.noise*rng.NormFloat64())
		}
	}
	return x, y
}

// table lays out objects for a model of several tasks: x as floats [T·l, n], and labels [T·l, T], which are NaN except
// for the object's own task.
func (p *linearTasks) table(x [][]float64, y []float64) (objects, labels *tensors.Tensor) {
	n, tasks := len(p.weights[0]), len(p.weights)
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
