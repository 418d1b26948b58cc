package lecture11

import (
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// countingBackend counts the rows of the first result of every program that runs on it.
type countingBackend struct {
	compute.Backend
	rows *int
}

type countingBuilder struct {
	compute.Builder
	rows *int
}

type countingExecutable struct {
	compute.Executable
	rows *int
}

func (b countingBackend) Builder(name string) compute.Builder {
	return countingBuilder{b.Backend.Builder(name), b.rows}
}

func (b countingBuilder) Compile() (compute.Executable, error) {
	executable, err := b.Builder.Compile()
	return countingExecutable{executable, b.rows}, err
}

func (e countingExecutable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	*e.rows += e.Outputs()[0].Dimensions[0]
	return e.Executable.Execute(inputs, donate, device)
}

// headOf returns a copy of the first rows of x.
func headOf(t testing.TB, x *tensors.Tensor, rows int) *tensors.Tensor {
	t.Helper()
	part, err := paddedRows(x, 0, rows, rows)
	if err != nil {
		t.Fatal(err)
	}
	return part
}

// randomVAE returns a VAE with the initial weights of a training, for objects of 784 grey bytes.
func randomVAE(t testing.TB, backend compute.Backend, cfg VAEConfig) *VAE {
	t.Helper()
	vae, err := NewVAE(backend, cfg)
	if err != nil {
		t.Fatal(err)
	}
	training, err := vae.Training(greyObjects(cfg.Features), "grey", FitConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.initialise(); err != nil {
		t.Fatal(err)
	}
	for _, v := range training.variables() { // off the device, for a backend that wraps another
		value, err := cloneOf(v)
		if err == nil {
			err = v.SetValue(value)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return vae
}

// greyObjects returns 520 objects of n bytes.
func greyObjects(n int) *tensors.Tensor {
	flat := make([]uint8, 520*n)
	for i, v := range normals(len(flat), 9) {
		flat[i] = uint8(128 + 40*min(3, max(-3, v)))
	}
	return tensors.FromFlatDataAndDimensions(flat, 520, n)
}

// TestRowsOnTheDevice counts the rows that a model computes for a number of objects: one for one, 20 for a few, else
// whole batches of 500.
func TestRowsOnTheDevice(t *testing.T) {
	rows := 0
	vae := randomVAE(t, countingBackend{testx.Backend(t), &rows}, VAEConfig{Features: 9, Latent: 2, Hidden: []int{4}, Seed: 1})
	x := greyObjects(9)
	for _, c := range []struct{ objects, rows int }{{1, 1}, {2, 20}, {20, 20}, {21, 500}, {400, 500}, {500, 500}, {501, 1000}} {
		rows = 0
		z, _, err := vae.Encode(headOf(t, x, c.objects))
		if err != nil {
			t.Fatal(err)
		}
		if rows != c.rows {
			t.Errorf("Encode of %d objects computed %d rows, want %d", c.objects, rows, c.rows)
		}
		rows = 0
		if _, err := vae.Decode(z); err != nil {
			t.Fatal(err)
		}
		if rows != c.rows {
			t.Errorf("Decode of %d codes computed %d rows, want %d", c.objects, rows, c.rows)
		}
	}
}

// TestBatchSizesSameNumbers: a model's result for an object, random codes included, does not depend on the number of
// objects that are passed with it.
func TestBatchSizesSameNumbers(t *testing.T) {
	vae := randomVAE(t, testx.Backend(t), VAEConfig{Features: 30, Latent: 3, Hidden: []int{8}, Seed: 1})
	x := greyObjects(30)
	bound := func(objects int) []float64 {
		b, err := vae.ImportanceBound(headOf(t, x, objects), 5, 7)
		if err != nil {
			t.Fatal(err)
		}
		return b.PerObject
	}
	noise := func(objects int) []float32 {
		noisy, err := Corrupt(vae.backend, headOf(t, x, objects), Corruption{"gaussian", 1}, 7)
		if err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float32](noisy)
	}
	many, noisy := bound(500), noise(500)
	for _, objects := range []int{1, 13, 300} {
		for i, v := range bound(objects) {
			near(t, "bound", v, many[i], 1e-4)
		}
		if got := noise(objects); !slices.Equal(got, noisy[:len(got)]) {
			t.Errorf("the noise of %d objects is not that of the first %[1]d of 500", objects)
		}
	}
	if l := len(bound(520)); l != 520 {
		t.Errorf("bounds of %d objects, want 520", l)
	}
}

func BenchmarkOneObject(b *testing.B) { benchmarkObjects(b, 1) }
func Benchmark400(b *testing.B)       { benchmarkObjects(b, 400) }

// benchmarkObjects times the encoding and the decoding of objects by a VAE 784-512-20, without compilation.
func benchmarkObjects(b *testing.B, objects int) {
	vae := randomVAE(b, testx.Backend(b), VAEConfig{Features: 784, Latent: 20, Seed: 1})
	x := headOf(b, greyObjects(784), objects)
	z, _, err := vae.Encode(x)
	if err != nil {
		b.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"encode": func() error { _, _, err := vae.Encode(x); return err },
		"decode": func() error { _, err := vae.Decode(z); return err },
	} {
		b.Run(name, func(b *testing.B) {
			if err := call(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
