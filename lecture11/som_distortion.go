package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
)

// Quality measures the map on objects x [l, n] as [NewMapQuality] does, by the map's own distance.
func (m *SOM) Quality(x *tensors.Tensor) (MapQuality, error) {
	w, err := m.current()
	if err != nil {
		return MapQuality{}, err
	}
	return mapQuality(m.backend, x, w, m.cfg.Grid, m.cfg.metric())
}

// Quantize returns the weights of the winner of each object of x [l, n]: [l, n], of the type of [SOM.Weights]. It is
// MiniSom's quantization.
func (m *SOM) Quantize(x *tensors.Tensor) (*tensors.Tensor, error) {
	w, err := m.current()
	if err != nil {
		return nil, err
	}
	near, err := m.nearestTo(w, x, 1)
	if err != nil {
		return nil, err
	}
	l, n := near.Len(), m.cfg.Features
	flat, err := float64s(w)
	if err != nil {
		return nil, err
	}
	out := make([]float64, 0, l*n)
	for _, node := range near.Nodes {
		out = append(out, flat[int(node)*n:(int(node)+1)*n]...)
	}
	return floatTensor(out, wide(w.DType()), l, n), nil
}

// Distortion returns the squared distances between the objects of x [l, n] and the nodes around their winners, weighted
// by the kernel and summed,
//
//	Σ_i Σ_c K(r(a(x_i), c); σ)·‖x_i − w_c‖²,
//
// in the squared unit of x, with σ = radius ≥ 0 in grid distances, over the known components. It balances the
// quantisation error against the order of the nodes. With the cosine, x_i is the direction x_i/‖x_i‖.
//
// MiniSom's distortion_measure is documented as this sum; its version 2.3.6 leaves out the square.
func (m *SOM) Distortion(x *tensors.Tensor, radius float64) (float64, error) {
	if !(radius >= 0) || math.IsInf(radius, 0) {
		return 0, fmt.Errorf("lecture11: Distortion: radius = %g, want a number of at least 0", radius)
	}
	weights, err := m.current()
	if err != nil {
		return 0, err
	}
	near, err := m.nearestTo(weights, x, 1)
	if err != nil {
		return 0, err
	}
	if x, err = m.cfg.metric().prepare(x); err != nil {
		return 0, err
	}
	w, err := float64s(weights)
	if err != nil {
		return 0, err
	}
	moments, err := newWonMoments(x, near.Nodes, m.cfg.Nodes())
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for a := range m.cfg.Nodes() {
		for c := range m.cfg.Nodes() {
			if k := m.cfg.Kernel(a, c, radius); k > 0 && moments.hits[a] > 0 {
				sum += k * moments.squaresTo(a, w[c*m.cfg.Features:(c+1)*m.cfg.Features])
			}
		}
	}
	return sum, nil
}

// wonMoments holds the moments of the objects that each node wins, from which their squared distances to any point
// follow: counts, means and Σ (x − mean)², each [m · n].
type wonMoments struct {
	hits                     []int
	counts, means, deviation []float64
	n                        int
}

func newWonMoments(x *tensors.Tensor, winners []int32, m int) (*wonMoments, error) {
	n := x.Shape().Dimensions[1]
	w := &wonMoments{hits: make([]int, m), counts: make([]float64, m*n), means: make([]float64, m*n), deviation: make([]float64, m*n), n: n}
	for _, node := range winners {
		w.hits[node]++
	}
	err := withNumbers(x, func(at func(i int) float64) {
		for i := range x.Size() {
			place := int(winners[i/n])*n + i%n
			if v := at(i); v == v { // Welford 1962
				w.counts[place]++
				before := v - w.means[place]
				w.means[place] += before / w.counts[place]
				w.deviation[place] += before * (v - w.means[place])
			}
		}
	})
	return w, err
}

// squaresTo returns Σ ‖x − v‖² over the objects of a node.
func (w *wonMoments) squaresTo(node int, v []float64) float64 {
	sum := 0.0
	for j := range v {
		place := node*w.n + j
		apart := w.means[place] - v[j]
		sum += w.deviation[place] + w.counts[place]*apart*apart
	}
	return sum
}
