package lecture11

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/gomlx/gomlx/core/tensors"
)

// objectRows copies the objects x [l, n] into rows, with bytes as [0, 1]. It returns an error unless x is a set of
// objects.
func objectRows(x *tensors.Tensor) ([][]float64, error) {
	if err := checkTensors("objects", x); err != nil {
		return nil, err
	}
	if x.Rank() != 2 || x.Size() == 0 {
		return nil, fmt.Errorf("lecture11: objects x = %s, want [l, n] with at least one object", x.Shape())
	}
	if err := checkAllFinite("objects x", x); err != nil {
		return nil, err
	}
	flat, err := Components(x)
	if err != nil {
		return nil, err
	}
	return cut(flat, x.Shape().Dimensions[0]), nil
}

// cut splits flat into m rows.
func cut(flat []float64, m int) [][]float64 {
	n := len(flat) / m
	rows := make([][]float64, m)
	for y := range rows {
		rows[y] = flat[y*n : (y+1)*n : (y+1)*n]
	}
	return rows
}

// nearestRows returns the indices of the k rows nearest to x, nearest first.
func nearestRows(rows [][]float64, x []float64, k int) []int {
	nearest, distances := make([]int, 0, k+1), make([]float64, 0, k+1)
	for i, row := range rows {
		squares := squaredDistance(row, x)
		if len(nearest) == k && squares >= distances[k-1] {
			continue
		}
		at := len(nearest)
		for at > 0 && squares < distances[at-1] {
			at--
		}
		nearest = slices.Insert(nearest, at, i)
		distances = slices.Insert(distances, at, squares)
		if len(nearest) > k {
			nearest, distances = nearest[:k], distances[:k]
		}
	}
	return nearest
}

// parallel calls fn(0) … fn(n−1) on all processors.
func parallel(n int, fn func(i int)) {
	var wg sync.WaitGroup
	workers := min(n, runtime.GOMAXPROCS(0))
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				fn(i)
			}
		})
	}
	wg.Wait()
}
