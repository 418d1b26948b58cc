package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"deeplearning.example/internal/testx"
)

// TestSpectral: after enough calls σ is gonum's largest singular value of the matrix, and its gradient that of finite
// differences. Outside a training u does not change.
func TestSpectral(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	w := mat.NewDense(7, 5, nil)
	for i := range 35 {
		w.Set(i/5, i%5, rng.NormFloat64())
	}
	var svd mat.SVD
	svd.Factorize(w, mat.SVDNone)
	store := model.NewStore()
	normalise := func(training bool) *tensors.Tensor {
		exec, err := model.NewExec(testx.Backend(t), store, func(scope *model.Scope, w *Node) *Node {
			scope.Store().SetTraining(w.Graph(), training)
			return spectral(scope.In("layer"), w)
		})
		if err != nil {
			t.Fatal(err)
		}
		var out []*tensors.Tensor
		for range 200 {
			if out, err = exec.Call(tensors.FromFlatDataAndDimensions(slices.Clone(w.RawMatrix().Data), 7, 5)); err != nil {
				t.Fatal(err)
			}
			if !training {
				break
			}
		}
		return out[0]
	}
	sigma := func(x *tensors.Tensor) float64 { return w.At(0, 0) / tensors.MustCopyFlatData[float64](x)[0] }
	near(t, "σ after 200 calls", sigma(normalise(true)), svd.Values(nil)[0], 1e-9)
	before := tensors.MustCopyFlatData[float64](store.GetVariable("/layer/singular").MustValue())
	near(t, "σ in use", sigma(normalise(false)), svd.Values(nil)[0], 1e-9)
	if !slices.Equal(before, tensors.MustCopyFlatData[float64](store.GetVariable("/layer/singular").MustValue())) {
		t.Error("u changed outside a training")
	}
	// W/σ as a function of W: at u and v, σ's derivative is u·vᵀ, so the gradient of the sum of squares of W/σ is that
	// of finite differences.
	exec, err := model.NewExec(testx.Backend(t), store, func(scope *model.Scope, w *Node) []*Node {
		loss := ReduceAllSum(Sin(spectral(scope.In("layer"), w)))
		return []*Node{loss, Gradient(loss, w)[0]}
	})
	if err != nil {
		t.Fatal(err)
	}
	call := func(data []float64) []*tensors.Tensor {
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(data, 7, 5))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	gradient := tensors.MustCopyFlatData[float64](call(slices.Clone(w.RawMatrix().Data))[1])
	for _, i := range []int{0, 17, 34} {
		at := func(h float64) float64 {
			moved := slices.Clone(w.RawMatrix().Data)
			moved[i] += h
			return tensors.ToScalar[float64](call(moved)[0])
		}
		near(t, fmt.Sprintf("gradient[%d]", i), gradient[i], (at(1e-5)-at(-1e-5))/2e-5, 1e-6)
	}
}

// TestPixelNorm: the channels of each pixel have the mean square 1, in the same direction as before; zeros do not
// change.
func TestPixelNorm(t *testing.T) {
	x := waves(2, 3, 3, 5)
	if err := x.MutableBytes(func(data []byte) { clear(data[:5*4]) }); err != nil {
		t.Fatal(err)
	}
	y, err := ExecOnce(testx.Backend(t), pixelNorm, x)
	if err != nil {
		t.Fatal(err)
	}
	from, to := tensors.MustCopyFlatData[float32](x), tensors.MustCopyFlatData[float32](y)
	for pixel := range len(from) / 5 {
		square := 0.0
		for _, v := range from[5*pixel : 5*pixel+5] {
			square += float64(v) * float64(v) / 5
		}
		for c := 5 * pixel; c < 5*pixel+5; c++ {
			want := 0.0
			if square > 0 {
				want = float64(from[c]) / math.Sqrt(square)
			}
			near(t, fmt.Sprintf("pixel %d, channel %d", pixel, c%5), float64(to[c]), want, 1e-5)
		}
	}
}

// TestBatchSpread: in a training the spread is the mean of the units' standard deviations in the batch, with a
// gradient. Outside a training it is the mean of its values in the training, for any batch.
func TestBatchSpread(t *testing.T) {
	store := model.NewStore()
	spread := func(training bool, rows [][]float32) (s float64, slope []float64) {
		exec, err := model.NewExec(testx.Backend(t), store, func(scope *model.Scope, h *Node) []*Node {
			scope.Store().SetTraining(h.Graph(), training)
			s := batchSpread(scope.In("layer"), h)
			return []*Node{s, Gradient(ReduceAllSum(s), h)[0]}
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(tensors.FromValue(rows))
		if err != nil {
			t.Fatal(err)
		}
		return values(t)(out[0], nil)[0], values(t)(out[1], nil)
	}
	s, slope := spread(true, [][]float32{{0, 1}, {4, 1}, {2, 7}, {2, 7}})
	near(t, "spread", s, (math.Sqrt2+3)/2, 1e-6)
	for i, want := range []float64{-math.Sqrt2 / 8, -0.125, math.Sqrt2 / 8, -0.125, 0, 0.125, 0, 0.125} { // (h − mean)/(rows · std · units)
		near(t, fmt.Sprintf("slope %d", i), slope[i], want, 1e-6)
	}
	again, _ := spread(true, [][]float32{{5, 5}, {5, 5}})
	near(t, "spread of one repeated object", again, 0, 1e-3)
	used, slope := spread(false, [][]float32{{-3, 8}})
	near(t, "mean spread", used, 0.99*s+0.01*again, 1e-6)
	near(t, "slope outside a training", floats.Norm(slope, 1), 0, 0)
}
