package lecture11

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
)

// CodeSparsity describes how many components of codes are in use, and how large they are.
type CodeSparsity struct {
	Zeros float64 // share of components of all codes that are exactly 0, as after a ReLU
	L1    float64 // Σ_j |z_j|, averaged over objects
	Mean  float64 // the mean of all components
}

// NewCodeSparsity returns the sparsity of the codes z [l, d].
func NewCodeSparsity(z *tensors.Tensor) (CodeSparsity, error) {
	if err := checkTensors("NewCodeSparsity", z); err != nil {
		return CodeSparsity{}, err
	}
	var s CodeSparsity
	if z.Rank() != 2 || z.Size() == 0 {
		return s, fmt.Errorf("lecture11: CodeSparsity of %s, want codes [l, d]", z.Shape())
	}
	flat, err := float64s(z)
	if err != nil {
		return s, err
	}
	count, l := float64(len(flat)), float64(z.Shape().Dimensions[0])
	for _, v := range flat {
		if v == 0 {
			s.Zeros += 1 / count
		}
		s.L1 += math.Abs(v) / l
		s.Mean += v / count
	}
	if s.L1-s.L1 != 0 {
		if err := checkAllFinite("NewCodeSparsity", z); err != nil {
			return CodeSparsity{}, err
		}
	}
	return s, nil
}

// Accuracy returns the share of objects whose label is the likeliest class by the probabilities p [l, classes].
func Accuracy(p *tensors.Tensor, labels []int) (float64, error) {
	if err := checkAllFinite("Accuracy", p); err != nil {
		return 0, err
	}
	columns, err := Columns(p)
	if err != nil {
		return 0, err
	}
	if len(labels) != len(columns[0]) || len(labels) == 0 {
		return 0, fmt.Errorf("lecture11: Accuracy of probabilities %s with %d labels, want as many labels as rows, at least 1",
			p.Shape(), len(labels))
	}
	right := 0
	for i, label := range labels {
		best := 0
		for c := range columns {
			if columns[c][i] > columns[best][i] {
				best = c
			}
		}
		if best == label {
			right++
		}
	}
	return float64(right) / float64(len(labels)), nil
}

// LabelledCodes holds l codes z [l, d] of objects and their labels.
type LabelledCodes struct {
	Codes  *tensors.Tensor
	Labels []int
}

// NeighbourAccuracy returns the share of the codes in test whose label is the most frequent one among the k nearest
// codes (Euclidean) in known. Ties are decided by the nearest of the tied. It measures a representation without
// training anything on it.
func NeighbourAccuracy(known, test LabelledCodes, k int) (float64, error) {
	from, err := known.rows()
	if err != nil {
		return 0, err
	}
	to, err := test.rows()
	if err != nil {
		return 0, err
	}
	switch {
	case k < 1 || k > len(from):
		return 0, fmt.Errorf("lecture11: NeighbourAccuracy: k = %d, want 1 to %d, the number of known codes", k, len(from))
	case len(from[0]) != len(to[0]):
		return 0, fmt.Errorf("lecture11: NeighbourAccuracy of codes %s and %s, want as many components of both",
			known.Codes.Shape(), test.Codes.Shape())
	}
	right := make([]bool, len(to))
	parallel(len(to), func(i int) {
		right[i] = vote(nearestRows(from, to[i], k), known.Labels) == test.Labels[i]
	})
	return shareOf(right), nil
}

// rows returns the codes as slices.
func (c LabelledCodes) rows() ([][]float64, error) {
	if err := checkAllFinite("LabelledCodes", c.Codes); err != nil {
		return nil, err
	}
	if c.Codes.Rank() != 2 || c.Codes.Size() == 0 {
		return nil, errors.New("lecture11: LabelledCodes without codes, want Codes [l, d]")
	}
	l := c.Codes.Shape().Dimensions[0]
	if len(c.Labels) != l {
		return nil, fmt.Errorf("lecture11: LabelledCodes with codes %s and %d labels, want as many labels as codes",
			c.Codes.Shape(), len(c.Labels))
	}
	flat, err := float64s(c.Codes)
	if err != nil {
		return nil, err
	}
	return cut(flat, l), nil
}

// vote returns the most frequent label of the neighbours; ties are decided by the nearest of the tied.
func vote(nearest []int, labels []int) int {
	counts := map[int]int{}
	best := labels[nearest[0]]
	for _, i := range nearest {
		counts[labels[i]]++
	}
	for _, i := range nearest {
		if counts[labels[i]] > counts[best] {
			best = labels[i]
		}
	}
	return best
}
