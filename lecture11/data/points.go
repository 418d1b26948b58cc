package data

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
)

// Points is a set of l objects of n numeric features, with labels if the set has classes. Methods that return a
// derived set do not change the receiver.
type Points struct {
	ID       string    // the set and its changes; equal IDs mean equal values and labels
	Features []string  // n names, with the unit
	Values   []float64 // l·n, object by object
	Labels   []int     // l, or nil for a set without classes
	Classes  []string  // names of the labels 0, 1, …
	Scaling  string    // how the values were scaled, in words; "" for values as they were measured
	Source   string    // how the set was read from files, in words; "" for others
}

// Len returns the number l of objects.
func (p *Points) Len() int { return len(p.Values) / len(p.Features) }

// Dim returns the number n of features.
func (p *Points) Dim() int { return len(p.Features) }

// Tensor64 returns the values as float64, [l, n], for models that compute with 64-bit numbers.
func (p *Points) Tensor64() *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(p.Values, p.Len(), p.Dim())
}

// Tensor returns the values as float32, [l, n].
func (p *Points) Tensor() *tensors.Tensor {
	flat := make([]float32, len(p.Values))
	for i, v := range p.Values {
		flat[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(flat, p.Len(), p.Dim())
}

// Rows returns a copy of the values as l slices of n numbers, one for each object.
func (p *Points) Rows() [][]float64 {
	n := p.Dim()
	flat := append([]float64(nil), p.Values...)
	rows := make([][]float64, p.Len())
	for i := range rows {
		rows[i] = flat[i*n : (i+1)*n : (i+1)*n]
	}
	return rows
}

// Column returns feature j of all objects, for plots.
func (p *Points) Column(j int) []float64 {
	column := make([]float64, p.Len())
	for i := range column {
		column[i] = p.Values[i*p.Dim()+j]
	}
	return column
}

// Class returns the labels as int, for plots; nil for a set without classes.
func (p *Points) Class() []int {
	if p.Labels == nil {
		return nil
	}
	class := make([]int, len(p.Labels))
	for i, label := range p.Labels {
		class[i] = int(label)
	}
	return class
}

// Head returns the first count objects.
func (p *Points) Head(count int) (*Points, error) {
	if count < 1 || count > p.Len() {
		return nil, fmt.Errorf("data: first %d of %s, want 1 to %d objects", count, p.ID, p.Len())
	}
	head := *p
	head.ID = fmt.Sprintf("%s|first %d", p.ID, count)
	head.Values = p.Values[:count*p.Dim()]
	if p.Labels != nil {
		head.Labels = p.Labels[:count]
	}
	return &head, nil
}

// Standardized shifts and scales each feature to mean 0 and standard deviation 1 (of the set, divided by l, not l −
// 1). A constant feature becomes 0. Missing values stay missing and are ignored.
func (p *Points) Standardized() *Points {
	n := p.Dim()
	std := *p
	std.ID, std.Scaling = p.ID+"|standardized", "standardized"
	std.Values = make([]float64, len(p.Values))
	std.Features = make([]string, n)
	for j := range n {
		column := p.Column(j)
		mean, variance := knownMoments(column)
		std.Features[j] = withoutUnit(p.Features[j]) + " (standardized)"
		for i, v := range column {
			// The deviations of a constant feature are rounding errors and must not be scaled up.
			if sd := math.Sqrt(variance); sd > 1e-12*math.Abs(mean) {
				std.Values[i*n+j] = (v - mean) / sd
			} else if math.IsNaN(v) {
				std.Values[i*n+j] = v
			}
		}
	}
	return &std
}

// knownMoments returns the mean and the variance of the values that are not missing.
func knownMoments(values []float64) (mean, variance float64) {
	known := make([]float64, 0, len(values))
	for _, v := range values {
		if !math.IsNaN(v) {
			known = append(known, v)
		}
	}
	l := float64(len(known))
	for _, v := range known {
		mean += v / l
	}
	for _, v := range known {
		variance += (v - mean) * (v - mean) / l
	}
	return mean, variance
}
