package lecture11

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// A component that is the same in all objects and in all first weights, such as a pixel at the border of each image, adds 0
// to each distance, and no step moves its weights. Training leaves such components out: the numbers are the same, and the
// products are shorter.

// fewConstant is the share of constant components up to which the objects are used as they are: leaving components out takes
// a copy of the objects.
const fewConstant = 0.05

// largestCopy is up to how many bytes the objects are copied for it.
const largestCopy = 64 << 20

// columnsAtOnce divides the number of the components used: products of rows that start at odd places are slower.
const columnsAtOnce = 16

// chooseColumns sets t.columns. initial are the first weights of each map, [m, n].
func (t *SOMTraining) chooseColumns(initial [][]float64) error {
	n := t.data.n
	t.columns = seq(n)
	if t.data.x == nil || t.data.x.ByteSize() > largestCopy || float64(len(t.data.constant)) <= fewConstant*float64(n) {
		return nil
	}
	values, err := t.data.rows([]int{0})
	if err != nil {
		return err
	}
	moves := func(j int) bool {
		for _, w := range initial {
			for i := j; i < len(w); i += n {
				if w[i] != values[j] {
					return true
				}
			}
		}
		return false
	}
	var idle []int32
	for _, j := range t.data.constant {
		if !moves(j) {
			idle = append(idle, int32(j))
		}
	}
	used := n - len(idle)
	fill := (columnsAtOnce - used%columnsAtOnce) % columnsAtOnce // idle ones that are used all the same
	idle = idle[min(len(idle), fill):]
	left := slices.DeleteFunc(seq(n), func(j int32) bool { _, found := slices.BinarySearch(idle, j); return found })
	if len(left) > 0 && float64(len(idle)) > fewConstant*float64(n) {
		t.columns = left
	}
	return nil
}

// seq gives 0 … n − 1.
func seq(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = int32(i)
	}
	return s
}

// takeColumns copies some columns of rows of n numbers.
func takeColumns[T any](flat []T, n int, columns []int32) []T {
	out := make([]T, 0, len(flat)/n*len(columns))
	for from := 0; from < len(flat); from += n {
		for _, j := range columns {
			out = append(out, flat[from+int(j)])
		}
	}
	return out
}

// putColumns writes what takeColumns has taken, or what became of it, back into flat.
func putColumns[T any](flat []T, n int, columns []int32, values []T) {
	for i, v := range values {
		flat[i/len(columns)*n+int(columns[i%len(columns)])] = v
	}
}

// columnsOf copies columns of x [l, n], float32 or bytes.
func columnsOf(x *tensors.Tensor, columns []int32) (out *tensors.Tensor, err error) {
	l, n := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
	if x.DType() == dtypes.Uint8 {
		err = tensors.ConstFlatData(x, func(flat []uint8) {
			out = tensors.FromFlatDataAndDimensions(takeColumns(flat, n, columns), l, len(columns))
		})
		return out, err
	}
	err = tensors.ConstFlatData(x, func(flat []float32) {
		out = tensors.FromFlatDataAndDimensions(takeColumns(flat, n, columns), l, len(columns))
	})
	return out, err
}

// takeSavedColumns takes over which components a training uses; nil where it has not yet chosen. They are saved, because
// weights that did move at first can come to lie where they no longer do.
func (t *SOMTraining) takeSavedColumns(saved *tensors.Tensor) error {
	if saved == nil {
		t.columns = nil
		return nil
	}
	columns, err := tensors.CopyFlatData[int32](saved)
	if err != nil {
		return err
	}
	for i, j := range columns {
		if int(j) >= t.data.n || j < 0 || i > 0 && j <= columns[i-1] {
			return fmt.Errorf("the file has the column %d of %d", j, t.data.n)
		}
	}
	t.columns = columns
	return nil
}
