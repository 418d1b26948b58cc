package lecture11

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// meanOf returns the mean of at least one value.
func meanOf(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// squaredDistance returns ‖a − b‖².
func squaredDistance(a, b []float64) float64 {
	sum := 0.0
	for j := range a {
		sum += (a[j] - b[j]) * (a[j] - b[j])
	}
	return sum
}

// addDiagonal adds value to the diagonal of m.
func addDiagonal(m *mat.SymDense, value float64) {
	for i := range m.SymmetricDim() {
		m.SetSym(i, i, m.At(i, i)+value)
	}
}

// allRows returns the indices of l objects.
func allRows(l int) []int {
	rows := make([]int, l)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// normals draws n numbers from N(0, 1).
func normals(n int, seed int64) []float32 {
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	z := make([]float32, n)
	for i := range z {
		z[i] = float32(rng.NormFloat64())
	}
	return z
}
