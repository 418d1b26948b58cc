package lecture11

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// timesFactor multiplies the objects of somObjects by a factor, in float64.
func timesFactor(x *tensors.Tensor, factor float64) *tensors.Tensor {
	flat := tensors.MustCopyFlatData[float32](x)
	for i, v := range flat {
		flat[i] = float32(float64(v) * factor)
	}
	return tensors.FromFlatDataAndDimensions(flat, x.Shape().Dimensions...)
}

// TestSOMScaleFree: objects in another scale train the same map in that scale, to the bit if the factor is a power of
// two, and all measures scale as well. In an earlier version 1e-20 had a "perfect" map, and 1e19 diverged.
func TestSOMScaleFree(t *testing.T) {
	long(t)
	x := somObjects(60, 3, 2, 0.1)
	factors := map[string]float64{"2^-66": 0x1p-66, "2^63": 0x1p63, "1e-20": 1e-20, "1e19": 1e19}
	fits := []SOMFit{{Epochs: 8}, {Mode: "online", Steps: 200}, {Epochs: 4, Winner: "heskes"}}
	for _, init := range []string{"pca", "samples"} {
		for i, fit := range fits {
			if testing.Short() && (i > 0 || init != "pca") {
				continue
			}
			cfg := SOMConfig{Grid: Grid{Width: 4, Height: 3}, Features: 3, Init: init}
			want, lossWant, qualityWant := scaleRun(t, cfg, x, fit)
			for name, factor := range factors {
				exact := math.Exp2(math.Round(math.Log2(factor))) == factor
				got, loss, quality := scaleRun(t, cfg, timesFactor(x, factor), fit)
				for j, v := range got {
					if d := float64(v)/factor - float64(want[j]); exact && d != 0 || math.Abs(d) > 1e-5 {
						t.Fatalf("%s, %s, %s: weight %d = %g, want %g times %g", name, init, fit.Mode, j, v, want[j], factor)
					}
				}
				power := factor
				for _, part := range []string{"QE", "energy"} {
					near(t, name+": "+part, loss[part]/power, lossWant[part], 1e-4*lossWant[part])
					power *= factor
				}
				near(t, name+": QE", quality.Quantisation/factor, qualityWant.Quantisation, 1e-5)
				near(t, name+": QE of one node", quality.OneNode/factor, qualityWant.OneNode, 1e-5)
				near(t, name+": TE", quality.Topographic, qualityWant.Topographic, 1e-12)
				near(t, name+": spread", quality.Spread, qualityWant.Spread, 1e-5)
			}
		}
	}
}

func scaleRun(t *testing.T, cfg SOMConfig, x *tensors.Tensor, fit SOMFit) (w []float32, losses map[string]float64, q MapQuality) {
	t.Helper()
	m := newMap(t, cfg)
	training, err := m.Training(x, "x", nil, fit)
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(context.Background(), func(_ int, l map[string]float64) error {
		losses = l
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if q, err = m.Quality(x); err != nil {
		t.Fatal(err)
	}
	return mapWeights(t, m), losses, q
}

// TestSOMScaleFreeReading: functions that read a map agree with loops in float64 at the scales 1e-20 and 1e19.
func TestSOMScaleFreeReading(t *testing.T) {
	long(t)
	for _, factor := range []float64{1e-20, 1, 1e19} {
		for _, n := range []int{3, 40} {
			if testing.Short() && (n > 3 || factor == 1) {
				continue
			}
			x := timesFactor(somObjects(50, n, 3, 0), factor)
			grid := Grid{Width: 4, Height: 3}
			m := newMap(t, SOMConfig{Grid: grid, Features: n, Init: "samples"})
			trainSOM(t, m, x, nil, SOMFit{Epochs: 5})
			w, err := m.Weights()
			if err != nil {
				t.Fatal(err)
			}
			checkReading(t, m, x, w, factor)
			u, err := UMatrix(w, grid)
			if err != nil {
				t.Fatal(err)
			}
			rows := matrixOf(w)
			want := (euclidean(rows[0], rows[1]) + euclidean(rows[0], rows[4])) / 2
			near(t, "U", u[0]/want, 1, 1e-9)
		}
	}
}

// checkReading compares winners, distances, Quantize and QE with loops.
func checkReading(t *testing.T, m *SOM, x, w *tensors.Tensor, factor float64) {
	t.Helper()
	nodes, dist, err := m.Winners(x, 2)
	if err != nil {
		t.Fatal(err)
	}
	quantised, err := m.Quantize(x)
	if err != nil {
		t.Fatal(err)
	}
	objects, rows, q, sum := matrixOf(x), matrixOf(w), matrixOf(quantised), 0.0
	for i, object := range objects {
		best, second := math.Inf(1), math.Inf(1)
		for _, row := range rows {
			if d := euclidean(object, row); d < best {
				best, second = d, best
			} else {
				second = min(second, d)
			}
		}
		sum += best
		near(t, "distance", float64(dist[2*i])/factor, best/factor, 1e-4)
		near(t, "second distance", float64(dist[2*i+1])/factor, second/factor, 1e-4)
		near(t, "distance to the winner", euclidean(object, rows[nodes[2*i]])/factor, best/factor, 1e-4)
		if !slices.Equal(q[i], rows[nodes[2*i]]) {
			t.Fatalf("Quantize of object %d is not its winner's weights", i)
		}
	}
	quality, err := m.Quality(x)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "QE", quality.Quantisation/factor, sum/float64(len(objects))/factor, 1e-4)
}

// TestSOMLocation: float64 and integers far from 0, where float32 has no digits left, train the same map as the same
// objects near 0, translated.
func TestSOMLocation(t *testing.T) {
	const l, n = 60, 3
	rng := rand.New(rand.NewPCG(5, 5))
	base := make([]int64, l*n)
	for i := range base {
		base[i] = rng.Int64N(4001) - 2000
	}
	near0, far64, integers, small := make([]float64, l*n), make([]float64, l*n), make([]int64, l*n), make([]int32, l*n)
	const far = 1 << 40
	for i, v := range base {
		near0[i], far64[i], integers[i], small[i] = float64(v), float64(far+v), far+v, int32(v+1<<30)
	}
	for _, fit := range []SOMFit{{Epochs: 6}, {Mode: "online", Steps: 150}} {
		if testing.Short() && fit.Mode == "online" {
			continue
		}
		cfg := SOMConfig{Grid: Grid{Width: 4, Height: 3}, Features: n}
		want, wantQuality := wideRun(t, cfg, tensors.FromFlatDataAndDimensions(near0, l, n), fit, 0)
		for name, c := range map[string]struct {
			x      *tensors.Tensor
			offset float64
		}{
			"float64": {tensors.FromFlatDataAndDimensions(far64, l, n), far},
			"int64":   {tensors.FromFlatDataAndDimensions(integers, l, n), far},
			"int32":   {tensors.FromFlatDataAndDimensions(small, l, n), 1 << 30},
		} {
			got, quality := wideRun(t, cfg, c.x, fit, c.offset)
			for i, v := range got {
				if math.Abs(v-want[i]) > 1e-2 {
					t.Fatalf("%s, %s: weight %d = %g, want %g", name, fit.Mode, i, v, want[i])
				}
			}
			near(t, name+": QE", quality.Quantisation, wantQuality.Quantisation, 1e-2)
			near(t, name+": TE", quality.Topographic, wantQuality.Topographic, 1e-12)
		}
	}
}

// wideRun trains a map and returns its weights minus an offset.
func wideRun(t *testing.T, cfg SOMConfig, x *tensors.Tensor, fit SOMFit, offset float64) ([]float64, MapQuality) {
	t.Helper()
	m := newMap(t, cfg)
	training, err := m.Training(x, "x", nil, fit)
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	q, err := m.Quality(x)
	if err != nil {
		t.Fatal(err)
	}
	w, err := m.Weights()
	if err != nil {
		t.Fatal(err)
	}
	flat := tensors.MustCopyFlatData[float64](w)
	for i := range flat {
		flat[i] -= offset
	}
	return flat, q
}

// TestSOMScaleResume: a training in its own frame that is interrupted and restored ends with the same bits.
func TestSOMScaleResume(t *testing.T) {
	long(t)
	for _, fit := range []SOMFit{{Epochs: 130}, {Mode: "online", Steps: 9000}} {
		for _, factor := range []float64{1, 1e-20} {
			if testing.Short() && (fit.Mode == "online" || factor == 1) {
				continue
			}
			cfg := SOMConfig{Grid: Grid{Width: 4, Height: 4}, Features: 3}
			x := func() *tensors.Tensor { return timesFactor(somObjects(70, 3, 50, 0), factor) }
			want := trainSOM(t, newMap(t, cfg), x(), nil, fit)
			got, cuts := trainInPieces(t, cfg, x, fit)
			if !slices.Equal(got, want) || cuts == 0 {
				t.Errorf("%s, factor %g: different weights after %d interruptions", fit.Mode, factor, cuts)
			}
		}
	}
}

// TestSOMScaleStream: a stream of float64 chunks far from 0 trains the same map as the whole set.
func TestSOMScaleStream(t *testing.T) {
	const l, n = 900, 3
	flat := make([]float64, l*n)
	rng := rand.New(rand.NewPCG(8, 8))
	for i := range flat {
		flat[i] = 1e9 + rng.NormFloat64()
	}
	chunks := func() iter.Seq2[*tensors.Tensor, error] {
		return func(yield func(*tensors.Tensor, error) bool) {
			for first := 0; first < l; first += 300 {
				if !yield(tensors.FromFlatDataAndDimensions(slices.Clone(flat[first*n:(first+300)*n]), 300, n), nil) {
					return
				}
			}
		}
	}
	cfg := SOMConfig{Grid: Grid{Width: 4, Height: 3}, Features: n, Init: "uniform"}
	w := make([]float64, 12*n)
	for i := range w {
		w[i] = 1e9 + rng.NormFloat64()
	}
	var maps [2][]float64
	for i := range maps {
		m := newMap(t, cfg)
		if err := m.SetWeights(tensors.FromFlatDataAndDimensions(slices.Clone(w), 12, n)); err != nil {
			t.Fatal(err)
		}
		training, err := m.Training(tensors.FromFlatDataAndDimensions(flat, l, n), "x", nil, SOMFit{Epochs: 5})
		if i == 1 {
			training, err = m.StreamTraining(chunks, "x", SOMFit{Epochs: 5})
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := training.Run(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		got, err := m.Weights()
		if err != nil {
			t.Fatal(err)
		}
		maps[i] = tensors.MustCopyFlatData[float64](got)
	}
	for i, v := range maps[1] {
		near(t, "weight of the stream", v-1e9, maps[0][i]-1e9, 1e-4)
	}
}

// TestSOMUnknownObject: an object without known components, or with an infinity, is an error when a map is read, as in
// training.
func TestSOMUnknownObject(t *testing.T) {
	m := newMap(t, SOMConfig{Grid: Grid{Width: 2, Height: 2}, Features: 2, Init: "uniform"})
	nan, inf := math.NaN(), math.Inf(1)
	for want, row := range map[string][]float64{"row 1 is NaN in every": {nan, nan}, "component 1 of row 1 = +Inf": {0, inf}} {
		for _, x := range []*tensors.Tensor{
			tensors.FromFlatDataAndDimensions([]float32{1, 2, float32(row[0]), float32(row[1])}, 2, 2),
			tensors.FromFlatDataAndDimensions([]float64{1, 2, row[0], row[1]}, 2, 2),
		} {
			_, _, err := m.Winners(x, 1)
			_, qErr := m.Quality(x)
			_, dErr := m.Distortion(x, 1)
			for _, err := range []error{err, qErr, dErr} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
		}
	}
	for _, call := range []func() error{
		func() error { _, _, err := m.Winners(nil, 1); return err },
		func() error { _, err := m.Quality(nil); return err },
		func() error { _, err := m.Quantize(nil); return err },
		func() error { return m.SetWeights(nil) },
		func() error { _, err := m.Training(nil, "x", nil, SOMFit{}); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "nil") {
			t.Errorf("error of a nil tensor: %v", err)
		}
	}
}

// spreadSets returns the data sets on which the slide's initial weights lead to one point for some seeds: Iris, N(20,
// 1)⁴, N(100, 1)⁴ and grey bytes from 128 to 168.
func spreadSets(t testing.TB) map[string]*tensors.Tensor {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 0))
	iris, err := data.Iris()
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string]*tensors.Tensor{"iris": iris.Tensor()}
	for _, mean := range []float64{20, 100} {
		flat := make([]float32, 150*4)
		for i := range flat {
			flat[i] = float32(mean + rng.NormFloat64())
		}
		sets[fmt.Sprintf("N(%g, 1)", mean)] = tensors.FromFlatDataAndDimensions(flat, 150, 4)
	}
	grey := make([]uint8, 150*4)
	for i := range grey {
		grey[i] = uint8(128 + rng.IntN(41))
	}
	sets["bytes"] = tensors.FromFlatDataAndDimensions(grey, 150, 4)
	return sets
}

// TestSOMDefaultsKeepTheirSpread: no map with the defaults collapses on data at any location, online or in batches.
func TestSOMDefaultsKeepTheirSpread(t *testing.T) {
	seeds := int64(20)
	if testing.Short() {
		seeds = 2
	}
	for name, x := range spreadSets(t) {
		for _, mode := range []string{"batch", "online"} {
			if testing.Short() && (mode == "online" || name == "iris") {
				continue
			}
			var maps []*SOM
			var fits []SOMFit
			for seed := range seeds {
				maps = append(maps, newMap(t, SOMConfig{Grid: Grid{Width: 6, Height: 5}, Features: 4, Seed: seed}))
				fits = append(fits, SOMFit{Mode: mode, Seed: seed})
			}
			training, err := TrainTogether(maps, x, name, nil, fits)
			if err != nil {
				t.Fatal(err)
			}
			if err := training.Run(context.Background(), nil); err != nil {
				t.Fatalf("%s, %s: %v", name, mode, err)
			}
			_, variance, err := meanObject(x)
			if err != nil {
				t.Fatal(err)
			}
			for seed, m := range maps {
				if _, spread, err := meanObject(m.weights); err != nil || spread < 0.2*variance {
					t.Errorf("%s, %s, seed %d: spread %.3g of the objects' (%v)", name, mode, seed, spread/variance, err)
				}
			}
			if q, err := maps[0].Quality(x); err != nil || q.Collapsed || q.Quantisation > 0.7*q.OneNode {
				t.Errorf("%s, %s: %+v (%v)", name, mode, q, err)
			}
		}
	}
}

// TestSOMCollapsedSaysSo: a map that ends at one point is an error that keeps the state. A second Run, and one of the
// restored training, returns it again.
func TestSOMCollapsedSaysSo(t *testing.T) {
	x := somObjects(40, 2, 3, 0)
	wideFit := SOMFit{Epochs: 3, Radius: Schedule{Start: 1e6}}
	prepare := func() *SOMTraining {
		maps := []*SOM{newMap(t, SOMConfig{Grid: Grid{Width: 3, Height: 3}, Features: 2}), newMap(t, SOMConfig{Grid: Grid{Width: 3, Height: 3}, Features: 2})}
		training, err := TrainTogether(maps, x, "x", nil, []SOMFit{{Epochs: 3}, wideFit})
		if err != nil {
			t.Fatal(err)
		}
		return training
	}
	check := func(err error) {
		t.Helper()
		var point *CollapsedError
		if !errors.As(err, &point) || point.Map != 1 || !point.StateKept() || !(point.Spread < collapsed) {
			t.Fatalf("error = %v, want a CollapsedError of map 1", err)
		}
	}
	training := prepare()
	check(training.Run(context.Background(), nil))
	check(training.Run(context.Background(), nil))
	restored := prepare()
	for _, part := range training.Parts() {
		var out bytes.Buffer
		if err := training.Save(part, &out); err != nil {
			t.Fatal(err)
		}
		if err := restored.Restore(part, &out); err != nil {
			t.Fatal(err)
		}
	}
	check(restored.Run(context.Background(), nil))
	if training.Step() != training.Steps() {
		t.Errorf("step %d of %d", training.Step(), training.Steps())
	}
	advice, err := AdviseSize(context.Background(), testx.Backend(t), x, "x", SOMConfig{Features: 2}, []Grid{{Width: 2, Height: 2}}, wideFit)
	if err != nil || !advice[0].Quality.Collapsed {
		t.Errorf("AdviseSize of a collapsed map: %v, %+v", err, advice)
	}
}
