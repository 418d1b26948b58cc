package lecture11

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// A component that is the same in all objects and in all initial weights, such as a pixel at the border of each image,
// adds 0 to each distance, and its weights never change. Training leaves such components out, which shortens the
// products and changes no number.

// fewConstant is the share of constant components up to which the objects are used as they are, because leaving
// components out requires a copy of the objects.
const fewConstant = 0.05

// largestCopy is the limit for the size of this copy, in bytes.
const largestCopy = 64 << 20

// columnsAtOnce divides the number of components used, because products of rows at unaligned addresses are slower.
const columnsAtOnce = 16

// chooseColumns sets t.columns. initial holds the initial weights of each map, [m, n].
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
	fill := (columnsAtOnce - used%columnsAtOnce) % columnsAtOnce // idle components that are used nevertheless
	idle = idle[min(len(idle), fill):]
	left := slices.DeleteFunc(seq(n), func(j int32) bool { _, found := slices.BinarySearch(idle, j); return found })
	if len(left) > 0 && float64(len(idle)) > fewConstant*float64(n) {
		t.columns = left
	}
	return nil
}

// seq returns 0 … n − 1.
func seq(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = int32(i)
	}
	return s
}

// takeColumns returns a copy of some columns of rows of n numbers.
func takeColumns[T any](flat []T, n int, columns []int32) []T {
	out := make([]T, 0, len(flat)/n*len(columns))
	for from := 0; from < len(flat); from += n {
		for _, j := range columns {
			out = append(out, flat[from+int(j)])
		}
	}
	return out
}

// putColumns writes values into the columns of flat from which takeColumns copies.
func putColumns[T any](flat []T, n int, columns []int32, values []T) {
	for i, v := range values {
		flat[i/len(columns)*n+int(columns[i%len(columns)])] = v
	}
}

// columnsOf returns a copy of columns of x [l, n], float32 or bytes.
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

// takeSavedColumns restores the components that a training uses; saved is nil if it has not chosen them yet. They are
// saved because components whose weights change at first can become constant later.
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
