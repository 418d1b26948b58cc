package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// somData holds the objects of a training and the statistics that are computed before it starts.
type somData struct {
	x          *tensors.Tensor // [l, n], as somMetric.prepare returns it; nil for a stream
	l, n       int
	wide       bool      // whether x has more digits than float32
	centre     []float64 // [n], the origin for products: the means, or nil where they are near 0
	moves      bool      // whether the distance allows another origin and unit; see somMetric.moves
	reach      float64   // the largest distance of a component from the centre
	means      []float64 // [n], of the components present
	lows       []float64 // [n], the least of the known
	highs      []float64 // [n], the largest of the known
	variance   float64   // of the objects, summed over the components
	weights    []float32 // [l] or nil
	total      float64   // of the weights
	missing    bool      // whether a component is NaN
	counts     []float64 // [n], how often each component is known
	deviations []float64 // [n], Σ (x − mean)² over the known
	constant   []int     // the components that are known and the same in all objects
	kept       []float64 // some objects of a stream, whose x is not held
	streamHash string    // of the contents of a stream
	onDevice   map[string]*tensors.Tensor
}

// newSOMData checks objects x [l, n] and their weights w, [l] or nil. The error names the invalid number.
func newSOMData(x *tensors.Tensor, w *tensors.Tensor, cfg SOMConfig) (*somData, error) {
	switch features := cfg.Features; {
	case x == nil || x.Rank() != 2:
		return nil, fmt.Errorf("lecture11: objects of shape %s, want [l, %d]", shapeOf(x), features)
	case x.Shape().Dimensions[0] == 0:
		return nil, fmt.Errorf("lecture11: the data have 0 objects, want at least 1")
	case x.Shape().Dimensions[1] != features:
		return nil, fmt.Errorf("lecture11: SOMConfig.Features = %d, the data have %d", features, x.Shape().Dimensions[1])
	}
	if err := checkNumbers(x); err != nil {
		return nil, err
	}
	d := &somData{l: x.Shape().Dimensions[0], n: cfg.Features}
	if err := d.takeWeights(w); err != nil {
		return nil, err
	}
	if err := checkKnown("objects", x, &d.missing); err != nil {
		return nil, err
	}
	x, err := cfg.metric().prepare(x)
	if err != nil {
		return nil, err
	}
	d.x, d.wide = x, wide(x.DType())
	if err := withNumbers(x, d.measure); err != nil {
		return nil, err
	}
	d.setCenter(cfg.metric())
	return d, nil
}

// hashed returns the objects and their weights with hashes of their contents. A stream has only a hash.
func (d *somData) hashed() (hashedInputs, error) {
	var named []namedTensor
	if d.x != nil {
		named = append(named, namedTensor{"objects", d.x})
	}
	if d.weights != nil {
		named = append(named, namedTensor{"weights", tensors.FromFlatDataAndDimensions(d.weights, d.l)})
	}
	inputs, err := hashInputs(named)
	if d.x == nil {
		inputs.hashes["objects"] = d.streamHash
	}
	return inputs, err
}

// takeWeights checks the weights of the objects.
func (d *somData) takeWeights(w *tensors.Tensor) (err error) {
	d.total = float64(d.l)
	if w == nil {
		return nil
	}
	if w.DType() != dtypes.Float32 || w.Rank() != 1 || w.Size() != d.l {
		return fmt.Errorf("lecture11: weights of the objects: %s, want Float32 [%d]: one for each object", shapeOf(w), d.l)
	}
	if d.weights, err = tensors.CopyFlatData[float32](w); err != nil {
		return err
	}
	d.total = 0
	for i, v := range d.weights {
		if !(v >= 0) || !finite(v) {
			return fmt.Errorf("lecture11: weight of object %d = %g, want a number of at least 0", i, v)
		}
		d.total += float64(v)
	}
	if d.total == 0 {
		return fmt.Errorf("lecture11: the weights of all objects are 0, want a positive one")
	}
	return nil
}

// measure computes the means of the components, their range and spread, and the constant components.
func (d *somData) measure(at func(i int) float64) {
	d.means, d.counts, d.deviations = make([]float64, d.n), make([]float64, d.n), make([]float64, d.n)
	d.lows, d.highs = slices.Repeat([]float64{math.Inf(1)}, d.n), slices.Repeat([]float64{math.Inf(-1)}, d.n)
	varied := make([]bool, d.n)
	for i := range d.l * d.n {
		v, j := at(i), i%d.n
		varied[j] = varied[j] || v != at(j)
		if v == v {
			d.means[j] += v
			d.counts[j]++
			d.lows[j], d.highs[j] = min(d.lows[j], v), max(d.highs[j], v)
		}
	}
	for j, varies := range varied {
		d.means[j] /= max(d.counts[j], 1)
		if !varies {
			d.constant = append(d.constant, j)
			d.means[j] = at(j) // without the rounding of a sum
		}
	}
	for i := range d.l * d.n {
		if v := at(i) - d.means[i%d.n]; v == v {
			d.deviations[i%d.n] += v * v
		}
	}
}

// setCenter chooses the origin for products and computes the variance. ‖w‖² − 2w·x loses digits if w and x are far from
// 0. Another origin requires a copy of the objects, so that it is used only where it helps.
func (d *somData) setCenter(metric somMetric) {
	offset, spread := 0.0, 0.0
	for j, mean := range d.means {
		offset += mean * mean
		spread += d.deviations[j] / float64(d.l)
		d.variance += d.deviations[j] / max(d.counts[j], 1)
	}
	d.moves = metric.moves()
	if d.moves && (d.wide || offset > 4*spread) {
		d.centre = d.means
	}
	for j := range d.means {
		if d.counts[j] > 0 {
			c := somFrame{centre: d.centre}.at(j)
			d.reach = max(d.reach, d.highs[j]-c, c-d.lows[j])
		}
	}
}

// rows returns copies of objects, with missing components replaced by the means, as exactly as weights can be.
func (d *somData) rows(indices []int) ([]float64, error) {
	out := make([]float64, 0, len(indices)*d.n)
	err := withNumbers(d.x, func(at func(i int) float64) {
		for _, i := range indices {
			for j := range d.n {
				v := at(i*d.n + j)
				if v != v {
					v = d.means[j]
				}
				if !d.wide {
					v = float64(float32(v))
				}
				out = append(out, v)
			}
		}
	})
	return out, err
}

// sample returns count objects in an order drawn with the seed.
func (d *somData) sample(count int, seed int64) ([]float64, error) {
	if count == 0 {
		return nil, nil
	}
	if d.x == nil {
		return d.kept[:min(len(d.kept), count*d.n)], nil
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	return d.rows(rng.Perm(d.l)[:count])
}

// toDevice copies the columns of the objects to the device, once, and returns the inputs of the programs: the objects
// "x" [l, columns] in the frame, and the "weights" [l] (a single 1 if there are none).
func (d *somData) toDevice(backend compute.Backend, frame somFrame, columns []int32) (map[string]*tensors.Tensor, error) {
	if d.onDevice != nil {
		return d.onDevice, nil
	}
	weights := d.weights
	if weights == nil {
		weights = []float32{1}
	}
	all := map[string]*tensors.Tensor{"weights": tensors.FromFlatDataAndDimensions(weights, len(weights))}
	if d.x != nil {
		x, err := d.framed(d.x, frame, columns)
		if err != nil {
			return nil, err
		}
		all["x"] = x
	}
	for name, t := range all {
		if err := t.ToDevice(backend, 0); err != nil {
			return nil, fmt.Errorf("lecture11: %s of the objects (%s) does not fit on the device: %w", name, t.Shape(), err)
		}
	}
	d.onDevice = all
	return all, nil
}

// framed returns columns of objects x [l, n] in the frame, or x itself if nothing changes.
func (d *somData) framed(x *tensors.Tensor, frame somFrame, columns []int32) (*tensors.Tensor, error) {
	switch {
	case !frame.plain() || wide(x.DType()):
		return frame.rows(x, columns)
	case len(columns) == d.n:
		return x, nil
	}
	return columnsOf(x, columns)
}
