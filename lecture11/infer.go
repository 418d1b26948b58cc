package lecture11

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// inferenceBatch is the largest number of objects that a trained model is applied to in one call.
const inferenceBatch = 500

// fewObjects holds the batch sizes for small sets of objects. A size is compiled on its first use, which takes as long
// as many padded batches; hence there are only two.
var fewObjects = []int{1, 20}

// batchSize returns the number of rows of a batch of l objects: the first of fewObjects that holds them all, else
// largest. The last batch of a large set has the largest size too, so that its rows do not depend on the number of
// objects, even in their last bits.
func batchSize(l, largest int) int {
	for _, size := range fewObjects {
		if l <= size && size < largest {
			return size
		}
	}
	return largest
}

// mapRows applies exec to the objects x [l, …] in batches of at most size and joins the results, each [l, …]. If seed
// is not nil, the second input of exec is a state of the random generator, drawn from the seed and the position of the
// batch.
func mapRows(exec *model.Exec, x *tensors.Tensor, size int, seed *int64) ([]*tensors.Tensor, error) {
	return mapBatches(x, size, func(first int, batch *tensors.Tensor) ([]*tensors.Tensor, error) {
		if seed == nil {
			return exec.Call(batch)
		}
		state, err := batchState(*seed, first)
		if err != nil {
			return nil, err
		}
		return exec.Call(batch, state)
	})
}

// mapBatches splits the objects x [l, …] into batches of batchSize(l, largest) rows, pads the last one with zeros, and
// passes each to call together with the index of its first row. It joins the results, each [l, …].
func mapBatches(x *tensors.Tensor, largest int,
	call func(first int, batch *tensors.Tensor) ([]*tensors.Tensor, error)) ([]*tensors.Tensor, error) {
	shape := x.Shape()
	l := shape.Dimensions[0]
	if l == 0 {
		return nil, fmt.Errorf("lecture11: no objects: shape %s", shape)
	}
	size := batchSize(l, largest)
	var joined []*tensors.Tensor
	for first := 0; first < l; first += size {
		rows := min(size, l-first)
		batch, err := paddedRows(x, first, rows, size)
		if err != nil {
			return nil, err
		}
		out, err := call(first, batch)
		if err != nil {
			return nil, err
		}
		if err := batch.FinalizeAll(); err != nil {
			return nil, err
		}
		if joined == nil {
			joined = makeJoined(out, l)
		}
		for i := range out {
			if err := copyRows(joined[i], out[i], first, rows); err != nil {
				return nil, err
			}
		}
	}
	return joined, nil
}

// makeJoined allocates tensors of l rows whose other dimensions are those of the batches in out.
func makeJoined(out []*tensors.Tensor, l int) []*tensors.Tensor {
	joined := make([]*tensors.Tensor, len(out))
	for i, t := range out {
		dims := append([]int{l}, t.Shape().Dimensions[1:]...)
		joined[i] = tensors.FromShape(shapes.Make(t.DType(), dims...))
	}
	return joined
}

// copyRows copies the leading rows of batch to joined, starting at its row first, and frees batch.
func copyRows(joined, batch *tensors.Tensor, first, rows int) error {
	rowBytes := int(batch.ByteSize()) / batch.Shape().Dimensions[0]
	var copyErr error
	err := joined.MutableBytes(func(to []byte) {
		copyErr = batch.ConstBytes(func(from []byte) { copy(to[first*rowBytes:], from[:rows*rowBytes]) })
	})
	if err == nil {
		err = copyErr
	}
	if err == nil {
		err = batch.FinalizeAll()
	}
	return err
}

// Columns returns the columns of a float32 tensor [l, d] as d slices of l numbers, for plots and statistics.
func Columns(t *tensors.Tensor) ([][]float64, error) {
	if err := checkTensors("Columns", t); err != nil {
		return nil, err
	}
	if t.Rank() != 2 {
		return nil, fmt.Errorf("lecture11: Columns of %s, want [l, d]", t.Shape())
	}
	flat, err := float64s(t)
	if err != nil {
		return nil, err
	}
	l, d := t.Shape().Dimensions[0], t.Shape().Dimensions[1]
	columns := make([][]float64, d)
	for j := range columns {
		columns[j] = make([]float64, l)
		for i := range l {
			columns[j][i] = flat[i*d+j]
		}
	}
	return columns, nil
}

// MeanSquaredError returns the mean over all components of (x − y)² for two sets of objects of equal shape [l, n].
// Bytes are scaled to [0, 1].
func MeanSquaredError(x, y *tensors.Tensor) (float64, error) {
	if err := checkTensors("MeanSquaredError", x, y); err != nil {
		return 0, err
	}
	if x.Size() != y.Size() || x.Size() == 0 {
		return 0, fmt.Errorf("lecture11: MeanSquaredError of %s and %s, want equal shapes", x.Shape(), y.Shape())
	}
	a, err := Components(x)
	if err != nil {
		return 0, err
	}
	b, err := Components(y)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	if !finite(sum) {
		if err := checkAllFinite("MeanSquaredError", x, y); err != nil {
			return 0, err
		}
	}
	return sum / float64(len(a)), nil
}

// Components returns the values of the objects [l, n], row by row. Bytes are scaled to [0, 1].
func Components(x *tensors.Tensor) ([]float64, error) {
	if err := checkTensors("Components", x); err != nil {
		return nil, err
	}
	values := make([]float64, x.Size())
	err := withNumbers(x, func(at func(i int) float64) {
		for i := range values {
			values[i] = at(i)
		}
	})
	return values, err
}
