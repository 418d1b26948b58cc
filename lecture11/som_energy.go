package lecture11

import (
	"fmt"
	"math"
)

// Energy is the only criterion of a map for which a rule is known that descends it. Both are computed by small loops in
// float64, for data and maps of lecture size. With Heskes's winner a batch step never raises
//
//	E(w) = Σ_i min_c Σ_c' K(r(c, c'))·‖x_i − w_c'‖²,
//
// summed over objects; with Kohonen's nearest winner it can rise (C7.5). Heskes 1999, "Energy functions for
// self-organizing maps".
type Energy struct {
	x [][]float64 // [l][n]
	k [][]float64 // [m][m], K(r(c, c'))
}

// NewEnergy prepares the energy of maps on a grid for objects x [l][n], with the kernel K(r) = exp(−r²/2σ²) of radius
// σ = sigma in grid distances.
func NewEnergy(x [][]float64, grid Grid, sigma float64) (*Energy, error) {
	if err := grid.check(); err != nil {
		return nil, err
	}
	if len(x) == 0 || len(x[0]) == 0 || !(sigma > 0) {
		return nil, fmt.Errorf("lecture11: NewEnergy of %d objects, sigma = %g, want objects and a positive radius", len(x), sigma)
	}
	e := &Energy{x: x, k: make([][]float64, grid.Nodes())}
	for c := range e.k {
		e.k[c] = make([]float64, grid.Nodes())
		for d := range e.k[c] {
			e.k[c][d] = math.Exp(-grid.squaredDistance(c, d) / (2 * sigma * sigma))
		}
	}
	return e, nil
}

// Of returns E(w) for weights w [m][n].
func (e *Energy) Of(w [][]float64) float64 {
	sum := 0.0
	for _, x := range e.x {
		squares, best := squaresTo(x, w), math.Inf(1)
		for c := range w {
			best = min(best, e.cost(c, squares))
		}
		sum += best
	}
	return sum
}

// cost returns Σ_c' K(r(c, c'))·‖x − w_c'‖².
func (e *Energy) cost(c int, squares []float64) float64 {
	sum := 0.0
	for d, s := range squares {
		sum += e.k[c][d] * s
	}
	return sum
}

func squaresTo(x []float64, w [][]float64) []float64 {
	squares := make([]float64, len(w))
	for c := range w {
		d := euclidean(x, w[c])
		squares[c] = d * d
	}
	return squares
}

// Step returns the weights after one epoch of the batch map: each node moves to the mean of all objects, weighted by
// the kernel around their winners. The winner of an object is the nearest node, or with heskes the node c of the
// smallest Σ_c' K(r(c, c'))·‖x − w_c'‖². w is not changed.
func (e *Energy) Step(w [][]float64, heskes bool) [][]float64 {
	sums, weight := make([][]float64, len(w)), make([]float64, len(w))
	for c := range sums {
		sums[c] = make([]float64, len(w[c]))
	}
	for _, x := range e.x {
		winner := e.winner(squaresTo(x, w), heskes)
		for c := range w {
			weight[c] += e.k[winner][c]
			for j, v := range x {
				sums[c][j] += e.k[winner][c] * v
			}
		}
	}
	for c := range sums {
		for j := range sums[c] {
			sums[c][j] /= weight[c]
		}
	}
	return sums
}

func (e *Energy) winner(squares []float64, heskes bool) int {
	winner, best := 0, math.Inf(1)
	for c, cost := range squares {
		if heskes {
			cost = e.cost(c, squares)
		}
		if cost < best {
			winner, best = c, cost
		}
	}
	return winner
}

// Descent makes steps from w and returns the energy before the first and after each, steps+1 numbers.
func (e *Energy) Descent(w [][]float64, steps int, heskes bool) []float64 {
	energies := []float64{e.Of(w)}
	for range steps {
		w = e.Step(w, heskes)
		energies = append(energies, e.Of(w))
	}
	return energies
}

// Rises returns the number of steps that raised an energy by more than a rounding error, relative 10⁻⁹, and the largest
// rise relative to the energy before it.
func Rises(energies []float64) (count int, largest float64) {
	for i := 1; i < len(energies); i++ {
		rise := energies[i]/energies[i-1] - 1
		largest = max(largest, rise)
		if rise > 1e-9 {
			count++
		}
	}
	return count, largest
}
