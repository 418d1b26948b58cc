package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// somData are the objects of a training and what is known of them before it starts.
type somData struct {
	x          *tensors.Tensor // [l, n], float32 or bytes
	l, n       int
	centre     []float32 // [n], from where products are computed: the means of components far from 0, else 0
	centred    bool      // the centre is not 0
	means      []float32 // [n], of the components present
	weights    []float32 // [l] or nil
	total      float64   // of the weights
	missing    bool      // a component is NaN
	counts     []float64 // [n], how often each component is known
	deviations []float64 // [n], Σ (x − mean)² over the known
	constant   []int     // the components that are known and the same in all objects
	kept       []float32 // some objects of a stream, of which x is not held
	streamHash string    // of the contents of a stream
	onDevice   map[string]*tensors.Tensor
}

// newSOMData checks objects x [l, n] and their weights w, [l] or nil. The error says which number is wrong.
func newSOMData(x *tensors.Tensor, w *tensors.Tensor, features int) (*somData, error) {
	switch {
	case x == nil || x.Rank() != 2:
		return nil, fmt.Errorf("lecture11: objects of shape %s, want [l, %d]", shapeOf(x), features)
	case x.Shape().Dimensions[0] == 0:
		return nil, fmt.Errorf("lecture11: the data have 0 objects, want at least 1")
	case x.Shape().Dimensions[1] != features:
		return nil, fmt.Errorf("lecture11: SOMConfig.Features = %d, the data have %d", features, x.Shape().Dimensions[1])
	case x.DType() != dtypes.Float32 && x.DType() != dtypes.Uint8:
		return nil, fmt.Errorf("lecture11: objects of type %s, want float32, or bytes read as [0, 1]", x.DType())
	}
	d := &somData{x: x, l: x.Shape().Dimensions[0], n: features}
	if err := d.takeWeights(w); err != nil {
		return nil, err
	}
	return d, d.survey()
}

// hashes identifies the contents of the objects and of their weights.
func (d *somData) hashes() (map[string]string, error) {
	objects := d.streamHash
	if d.x != nil {
		var err error
		if objects, err = contentsHash(d.x); err != nil {
			return nil, err
		}
	}
	inputs := map[string]string{"objects": objects}
	if d.weights != nil {
		weights, err := contentsHash(tensors.FromFlatDataAndDimensions(d.weights, d.l))
		if err != nil {
			return nil, err
		}
		inputs["weights"] = weights
	}
	return inputs, nil
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

// survey finds the means and the squares, and what cannot be trained on.
func (d *somData) survey() (err error) {
	read := d.surveyFloats
	if d.x.DType() == dtypes.Uint8 {
		read = d.surveyBytes
	}
	return read()
}

func (d *somData) surveyFloats() (err error) {
	readErr := tensors.ConstFlatData(d.x, func(flat []float32) {
		if err = d.checkFloats(flat); err == nil {
			d.measure(func(i int) float64 { return float64(flat[i]) })
		}
	})
	if readErr != nil {
		return readErr
	}
	return err
}

func (d *somData) surveyBytes() error {
	return tensors.ConstFlatData(d.x, func(flat []uint8) {
		d.measure(func(i int) float64 { return float64(flat[i]) / 255 })
	})
}

// checkFloats refuses infinities and objects of which nothing is known.
func (d *somData) checkFloats(flat []float32) error {
	for i := range d.l {
		known := 0
		for j, v := range flat[i*d.n : (i+1)*d.n] {
			if math.IsInf(float64(v), 0) {
				return fmt.Errorf("lecture11: component %d of object %d = %g, want a finite number, or NaN where it is missing",
					j, i, v)
			}
			if v == v {
				known++
			}
		}
		if known == 0 {
			return fmt.Errorf("lecture11: object %d is NaN in every component, want at least one that is known", i)
		}
		d.missing = d.missing || known < d.n
	}
	return nil
}

// measure finds the means of the components, the constant ones and the centre.
func (d *somData) measure(at func(i int) float64) {
	sums, counts := make([]float64, d.n), make([]float64, d.n)
	varied := make([]bool, d.n)
	for i := range d.l * d.n {
		v := at(i)
		varied[i%d.n] = varied[i%d.n] || v != at(i%d.n)
		if v == v {
			sums[i%d.n] += v
			counts[i%d.n]++
		}
	}
	for j, varies := range varied {
		if !varies {
			d.constant = append(d.constant, j)
		}
	}
	d.means, d.counts, d.deviations = make([]float32, d.n), counts, make([]float64, d.n)
	offset := 0.0
	for j := range sums {
		mean := sums[j] / max(counts[j], 1)
		d.means[j] = float32(mean)
		offset += mean * mean
	}
	spread := 0.0
	for i := range d.l * d.n {
		if v := at(i) - float64(d.means[i%d.n]); v == v {
			d.deviations[i%d.n] += v * v
			spread += v * v / float64(d.l)
		}
	}
	d.setCentre(offset, spread)
}

// setCentre chooses from where products are computed. ‖w‖² − 2w·x loses digits where both lie far from 0; moving the
// origin costs a pass over the weights, so that it is done only where it helps. offset is ‖mean‖², spread the mean of
// ‖x − mean‖².
func (d *somData) setCentre(offset, spread float64) {
	d.centre, d.centred = d.means, offset > 4*spread
	if !d.centred {
		d.centre = make([]float32, d.n)
	}
}

// rows copies objects, their missing components replaced by the means.
func (d *somData) rows(indices []int) ([]float32, error) {
	out := make([]float32, 0, len(indices)*d.n)
	take := func(at func(i int) float32) {
		for _, i := range indices {
			for j := range d.n {
				v := at(i*d.n + j)
				if v != v {
					v = d.means[j]
				}
				out = append(out, v)
			}
		}
	}
	if d.x.DType() == dtypes.Uint8 {
		return out, tensors.ConstFlatData(d.x, func(flat []uint8) {
			take(func(i int) float32 { return float32(flat[i]) / 255 })
		})
	}
	err := tensors.ConstFlatData(d.x, func(flat []float32) { take(func(i int) float32 { return flat[i] }) })
	return out, err
}

// sample gives count objects in an order drawn from the seed.
func (d *somData) sample(count int, seed int64) ([]float32, error) {
	if count == 0 {
		return nil, nil
	}
	if d.x == nil {
		return d.kept[:min(len(d.kept), count*d.n)], nil
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	return d.rows(rng.Perm(d.l)[:count])
}

// toDevice brings the columns of the objects to the device, once, and returns what the programs take: the objects "x" [l,
// columns], the "centre" [columns], the "weights" [l] (where there are none, one of 1).
func (d *somData) toDevice(backend compute.Backend, columns []int32) (_ map[string]*tensors.Tensor, err error) {
	if d.onDevice != nil {
		return d.onDevice, nil
	}
	weights := d.weights
	if weights == nil {
		weights = []float32{1}
	}
	all := map[string]*tensors.Tensor{
		"centre":  tensors.FromFlatDataAndDimensions(takeColumns(d.centre, d.n, columns), len(columns)),
		"weights": tensors.FromFlatDataAndDimensions(weights, len(weights)),
	}
	switch {
	case d.x == nil:
	case len(columns) == d.n:
		all["x"] = d.x
	default:
		if all["x"], err = columnsOf(d.x, columns); err != nil {
			return nil, err
		}
	}
	for name, t := range all {
		if err := t.ToDevice(backend, 0); err != nil {
			return nil, fmt.Errorf("lecture11: %s of the objects (%s) does not fit on the device: %w", name, t.Shape(), err)
		}
	}
	d.onDevice = all
	return all, nil
}
