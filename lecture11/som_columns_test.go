package lecture11

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// framed returns l objects of n components, as bytes or as numbers. The components of the frame are constant.
func framed(l, n int, bytes bool) (x *tensors.Tensor, frame []int) {
	flat, pixels := make([]float32, l*n), make([]uint8, l*n)
	for i := range flat {
		j := i % n
		if pixels[i] = uint8(40 * (j % 3)); j%4 != 0 {
			pixels[i] = uint8(math.Float64bits(math.Sin(float64(i*i))) >> 20)
		}
		flat[i] = float32(pixels[i]) / 255
	}
	for j := 0; j < n; j += 4 {
		frame = append(frame, j)
	}
	if bytes {
		return tensors.FromFlatDataAndDimensions(pixels, l, n), frame
	}
	return tensors.FromFlatDataAndDimensions(flat, l, n), frame
}

// TestSOMConstantComponents: a training that leaves constant components out trains the same map as one that does not,
// and the weights of these components keep the constant. If their initial weights differ from the constant, they are
// not left out.
func TestSOMConstantComponents(t *testing.T) {
	const l, n = 300, 160
	for _, c := range []struct {
		mode, init string
		bytes      bool
		used       int
	}{
		{"batch", "samples", false, 128}, {"batch", "samples", true, 128}, {"online", "samples", false, 128},
		{"batch", "uniform", false, n}, {"online", "uniform", true, n},
	} {
		t.Run(fmt.Sprintf("%s-%s-%t", c.mode, c.init, c.bytes), func(t *testing.T) {
			x, frame := framed(l, n, c.bytes)
			var results [][]float32
			for _, all := range []bool{false, true} {
				m, err := NewSOM(testx.Backend(t), SOMConfig{Grid: Grid{Width: 5, Height: 4}, Features: n, Init: c.init, Seed: 1})
				if err != nil {
					t.Fatal(err)
				}
				training, err := m.Training(x, "frame", nil, SOMFit{Mode: c.mode, Epochs: 3, Seed: 2})
				if err != nil {
					t.Fatal(err)
				}
				if all {
					training.columns = seq(n)
				}
				if err := training.Run(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				if want := c.used; !all && len(training.columns) != want {
					t.Errorf("training uses %d components, want %d", len(training.columns), want)
				}
				results = append(results, tensors.MustCopyFlatData[float32](sheetOf(t, m)))
			}
			if d := largestDifference(results[0], results[1]); d > 2e-6 {
				t.Errorf("weights differ by up to %g from those with all components", d)
			}
			if c.init == "samples" {
				checkFrame(t, results[0], n, frame)
			}
		})
	}
}

func largestDifference(a, b []float32) (most float64) {
	for i := range a {
		most = max(most, math.Abs(float64(a[i]-b[i])))
	}
	return most
}

// checkFrame checks that the weights of the frame are its constants up to rounding.
func checkFrame(t *testing.T, w []float32, n int, frame []int) {
	t.Helper()
	for i := 0; i < len(w); i += n {
		for _, j := range frame {
			if want := float32(40*(j%3)) / 255; math.Abs(float64(w[i+j]-want)) > 1e-6 {
				t.Fatalf("weight %d of node %d = %g, want %g", j, i/n, w[i+j], want)
			}
		}
	}
}

// TestSOMConstantComponentsResumed: initial weights from elsewhere reach the constant after some epochs. A training
// restored there continues with its original components, and computes the same bits.
func TestSOMConstantComponentsResumed(t *testing.T) {
	const l, n = 4200, 512 // more than one call of the device takes
	x, _ := framed(l, n, false)
	prepare := func() (*SOM, *SOMTraining) {
		m, err := NewSOM(testx.Backend(t), SOMConfig{Grid: Grid{Width: 4, Height: 4}, Features: n, Init: "uniform", Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		training, err := m.Training(x, "frame", nil, SOMFit{Epochs: 6})
		if err != nil {
			t.Fatal(err)
		}
		return m, training
	}
	whole, training := prepare()
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	_, first := prepare()
	stop := errors.New("stop")
	err := first.Run(context.Background(), func(step int, _ map[string]float64) error {
		if step == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if first.Step() != 3 {
		t.Fatalf("stopped after %d epochs, want 3", first.Step())
	}
	m, second := prepare()
	for _, part := range first.Parts() {
		var file bytes.Buffer
		if err := first.Save(part, &file); err != nil {
			t.Fatal(err)
		}
		if err := second.Restore(part, &file); err != nil {
			t.Fatal(err)
		}
	}
	if err := second.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(second.columns, training.columns) || len(second.columns) != n {
		t.Errorf("continues with %d components, started with %d", len(second.columns), len(training.columns))
	}
	got, want := tensors.MustCopyFlatData[float32](sheetOf(t, m)), tensors.MustCopyFlatData[float32](sheetOf(t, whole))
	if !slices.Equal(got, want) {
		t.Errorf("weights differ by up to %g", largestDifference(got, want))
	}
}
