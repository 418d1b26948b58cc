package lecture11

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// checkBackend returns an error that names the function if backend is nil.
func checkBackend(function string, backend compute.Backend) error {
	if backend == nil {
		return fmt.Errorf("lecture11: %s: backend = nil, want one to compute on, such as compute.New returns", function)
	}
	return nil
}

// checkGiven returns an error that starts with who unless an argument is given.
func checkGiven(who, argument string, given bool, want string) error {
	if !given {
		return fmt.Errorf("lecture11: %s: %s is nil, want %s", who, argument, want)
	}
	return nil
}

// checkTensors returns an error that starts with who if one of the tensors is nil or finalized.
func checkTensors(who string, all ...*tensors.Tensor) error {
	for i, t := range all {
		if t != nil && t.Shape().Ok() {
			continue
		}
		of := ""
		if len(all) > 1 {
			of = fmt.Sprintf(" %d of %d", i+1, len(all))
		}
		return fmt.Errorf("lecture11: %s: tensor%s is %s, want one with values", who, of, shapeOf(t))
	}
	return nil
}

// checkAllFinite calls checkTensors and returns an error, which starts with who, if a number of the tensors is not
// finite.
func checkAllFinite(who string, all ...*tensors.Tensor) error {
	if err := checkTensors(who, all...); err != nil {
		return err
	}
	for _, t := range all {
		place, value, err := notFinite(t)
		if err != nil {
			return err
		}
		if place >= 0 {
			n := max(1, t.Shape().Dimensions[t.Rank()-1])
			return fmt.Errorf("lecture11: %s: component %d of row %d is %g, want a finite number", who, place%n, place/n, value)
		}
	}
	return nil
}

// notFinite returns the first number of a tensor that is not finite and its place, or -1 if there is none.
func notFinite(t *tensors.Tensor) (place int, value float64, err error) {
	place = -1
	switch t.DType() {
	case dtypes.Float32:
		err = tensors.ConstFlatData(t, func(flat []float32) { place, value = firstNotFinite(flat) })
	case dtypes.Float64:
		err = tensors.ConstFlatData(t, func(flat []float64) { place, value = firstNotFinite(flat) })
	}
	return place, value, err
}

// finite reports whether v is neither NaN nor an infinity.
func finite[T float32 | float64](v T) bool { return v-v == 0 }

// firstNotFinite returns the first value that is not finite and its place, or -1 if there is none.
func firstNotFinite[T float32 | float64](flat []T) (place int, value float64) {
	for i, v := range flat {
		if !finite(v) {
			return i, float64(v)
		}
	}
	return -1, 0
}

// float64s returns a copy of the values of a float32 or float64 tensor.
func float64s(t *tensors.Tensor) ([]float64, error) {
	if t.DType() == dtypes.Float64 {
		return tensors.CopyFlatData[float64](t)
	}
	flat, err := tensors.CopyFlatData[float32](t)
	if err != nil {
		return nil, err
	}
	values := make([]float64, len(flat))
	for i, v := range flat {
		values[i] = float64(v)
	}
	return values, nil
}

// int32s returns a copy of the count values of a tensor.
func int32s(t *tensors.Tensor, count int) ([]int32, error) {
	if t == nil || t.Size() != count {
		return nil, fmt.Errorf("the file has %s, want %d numbers", shapeOf(t), count)
	}
	return tensors.CopyFlatData[int32](t)
}

// shapeOf returns the shape of a tensor that may be nil or finalized, for error messages.
func shapeOf(t *tensors.Tensor) string {
	switch {
	case t == nil:
		return "nil"
	case !t.Shape().Ok():
		return "finalized"
	}
	return t.Shape().String()
}

// first returns the only result of a program.
func first(out []*tensors.Tensor, err error) (*tensors.Tensor, error) {
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// asFloats returns objects as float32, with bytes scaled to [0, 1].
func asFloats(x *tensors.Tensor) (*tensors.Tensor, error) {
	values, err := Components(x)
	if err != nil {
		return nil, err
	}
	return numbers(dtypes.Float32, values, x.Shape().Dimensions...), nil
}

// takeRows returns a copy of rows of x [l, …].
func takeRows(x *tensors.Tensor, rows []int) (*tensors.Tensor, error) {
	shape := x.Shape().Clone()
	width := int(x.ByteSize()) / shape.Dimensions[0]
	shape.Dimensions[0] = len(rows)
	taken := tensors.FromShape(shape)
	var copyErr error
	err := taken.MutableBytes(func(to []byte) {
		copyErr = x.ConstBytes(func(from []byte) {
			for i, row := range rows {
				copy(to[i*width:(i+1)*width], from[row*width:])
			}
		})
	})
	if err == nil {
		err = copyErr
	}
	return taken, err
}

// labelTensor returns labels as int32 [l].
func labelTensor(labels []int) *tensors.Tensor {
	flat := make([]int32, len(labels))
	for i, label := range labels {
		flat[i] = int32(label)
	}
	return tensors.FromFlatDataAndDimensions(flat, len(flat))
}

// paddedRows copies rows rows of x, starting at first, into a tensor of size rows; the rest is 0.
func paddedRows(x *tensors.Tensor, first, rows, size int) (*tensors.Tensor, error) {
	shape := x.Shape().Clone()
	rowBytes := int(x.ByteSize()) / shape.Dimensions[0]
	shape.Dimensions[0] = size
	batch := tensors.FromShape(shape)
	var copyErr error
	err := batch.MutableBytes(func(to []byte) {
		copyErr = x.ConstBytes(func(from []byte) { copy(to, from[first*rowBytes:(first+rows)*rowBytes]) })
	})
	if err == nil {
		err = copyErr
	}
	return batch, err
}

// batchState returns a state of the random generator for the batch whose first object has the index first.
func batchState(seed int64, first int) (*tensors.Tensor, error) {
	return graph.RNGStateFromSeed(seed + int64(first)<<20)
}

// checkNumbers returns an error unless t has a type that objects may have.
func checkNumbers(t *tensors.Tensor) error {
	switch t.DType() {
	case dtypes.Float32, dtypes.Float64, dtypes.Int32, dtypes.Int64, dtypes.Uint8:
		return nil
	}
	return fmt.Errorf("lecture11: objects of type %s, want float32, float64, int32, int64, or bytes read as [0, 1]", t.DType())
}

// withNumbers calls use with a function that reads the numbers of t in their order. Bytes are scaled to [0, 1].
func withNumbers(t *tensors.Tensor, use func(at func(i int) float64)) error {
	switch t.DType() {
	case dtypes.Float32:
		return numbersOfType[float32](t, use)
	case dtypes.Float64:
		return numbersOfType[float64](t, use)
	case dtypes.Int32:
		return numbersOfType[int32](t, use)
	case dtypes.Int64:
		return numbersOfType[int64](t, use)
	case dtypes.Uint8:
		return tensors.ConstFlatData(t, func(flat []uint8) {
			use(func(i int) float64 { return float64(flat[i]) / 255 })
		})
	}
	return checkNumbers(t)
}

func numbersOfType[T float32 | float64 | int32 | int64](t *tensors.Tensor, use func(at func(i int) float64)) error {
	return tensors.ConstFlatData(t, func(flat []T) {
		use(func(i int) float64 { return float64(flat[i]) })
	})
}

// checkPlainObjects returns an error unless x is [l, n] with at least one object and one component, and finite.
func checkPlainObjects(function string, x *tensors.Tensor) error {
	if err := checkTensors(function, x); err != nil {
		return err
	}
	if x.Rank() != 2 || x.Size() == 0 {
		return fmt.Errorf("lecture11: %s: objects of shape %s, want [l, n] and at least one", function, x.Shape())
	}
	return checkObjects(function, x, x.Shape().Dimensions[1], false)
}
