package kernelext_test

import (
	"errors"
	"fmt"
	"image"
	"log"
	"math"
	"os"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/kernelext"
	"deeplearning.example/kernelext/store"
)

// setenv sets a variable and returns the function that restores it. In a notebook the kernel and the runner set them.
func setenv(name, value string) (restore func()) {
	before, had := os.LookupEnv(name)
	os.Setenv(name, value)
	return func() {
		os.Setenv(name, before)
		if !had {
			os.Unsetenv(name)
		}
	}
}

// A value is shown in the form that suits it. In a notebook that is a picture or HTML; the text, which a terminal shows, is
// saved with it.
func ExampleShow() {
	type run struct {
		Seed int
		Loss float64
	}
	if err := kernelext.Show([]run{{1, 0.25}, {2, 0.1875}}); err != nil {
		log.Fatal(err)
	}
	if err := kernelext.Show(map[string]float64{"train": 0.031, "test": 0.052}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Seed    Loss
	// ────  ──────
	//    1    0.25
	//    2  0.1875
	// key    value
	// ─────  ─────
	// test   0.052
	// train  0.031
}

func ExampleTable() {
	rows := [][]any{{"PCA", 20, 0.0182}, {"autoencoder", 20, 0.0113}}
	if err := kernelext.Table([]string{"model", "code", "error"}, rows, kernelext.Caption("on 10 000 digits")); err != nil {
		log.Fatal(err)
	}
	// Output:
	// model        code   error
	// ───────────  ────  ──────
	// PCA            20  0.0182
	// autoencoder    20  0.0113
	// on 10 000 digits
}

// The text of a figure has its axes and the course of each line.
func ExampleLines() {
	var x, loss, rate []float64
	for step := range 100 {
		x = append(x, float64(step))
		loss = append(loss, math.Exp(-float64(step)/20))
		rate = append(rate, 0.5)
	}
	axes := kernelext.Axes{Title: "Training", X: "step", Y: "loss"}
	figure, err := kernelext.Lines(axes, kernelext.Series{Name: "loss", X: x, Y: loss}, kernelext.Series{Name: "rate", X: x, Y: rate})
	if err != nil {
		log.Fatal(err)
	}
	if err := kernelext.Show(figure); err != nil {
		log.Fatal(err)
	}
	// Output:
	// plot: Training
	// x: step -1.485 … 100.5
	// y: loss -0.04256 … 1.05
	// loss █▇▆▅▅▄▄▃▃▃▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ last 0.007083
	// rate ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅ last 0.5
}

func ExampleBars() {
	figure, err := kernelext.Bars(kernelext.Axes{Title: "Accuracy", X: "labels of the task", Y: "share of test objects"}, []string{"1 label", "5 labels"},
		kernelext.Series{Name: "from scratch", Y: []float64{0.41, 0.63}, Err: []float64{0.03, 0.02}},
		kernelext.Series{Name: "fine-tuned", Y: []float64{0.72, 0.88}, Err: []float64{0.02, 0.01}})
	if err != nil {
		log.Fatal(err)
	}
	if err := kernelext.Plot(figure, kernelext.Width(640)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// plot: Accuracy
	// x: labels of the task -0.633 … 1.633
	// y: share of test objects 0 … 0.9345
	// from scratch: 1 label 0.41 ± 0.03, 5 labels 0.63 ± 0.02
	// fine-tuned: 1 label 0.72 ± 0.02, 5 labels 0.88 ± 0.01
}

func ExampleScatter() {
	x, y := []float64{0, 1, 2, 3}, []float64{1, 0, 3, 2}
	figure, err := kernelext.Scatter(kernelext.Axes{X: "z₁", Y: "z₂", Equal: true}, x, y, []int{0, 0, 1, 1}, "zero", "one")
	if err != nil {
		log.Fatal(err)
	}
	if err := kernelext.Show(figure); err != nil {
		log.Fatal(err)
	}
	// Output:
	// plot
	// x: z₁ -0.045 … 3.045
	// y: z₂ -0.15 … 3.15
	// 4 points; zero: 2, one: 2
}

// Many small pictures are one picture, with a text under each if you like.
func ExampleGrid() {
	values := make([]float32, 3*28*28) // three digits of 28×28 pixels
	digits, err := kernelext.Pixels(values, 28, 28)
	if err != nil {
		log.Fatal(err)
	}
	if err := kernelext.Grid(digits, 3, kernelext.Captions("7", "2", "1")); err != nil {
		log.Fatal(err)
	}
	// Output:
	// image 84×28: 1×3 grid
	// captions: 7, 2, 1
}

func ExampleTensor() {
	weights := tensors.FromValue([][]float32{{0.5, -0.25, 1}, {0, 2, -1}})
	if err := kernelext.Tensor("weights", weights); err != nil {
		log.Fatal(err)
	}
	// Output:
	// weights: Float32 [2 3]
	// min -1, mean 0.375, max 2, NaN 0
	// 0.5 -0.25 1 0 2 -1
}

// A reading of a Kohonen map: a number for each node, on the sheet.
func ExampleSheetMap() {
	sheet := kernelext.Sheet{Width: 3, Height: 2}
	hits := kernelext.Plane{Title: "hits", Values: []float64{4, 0, 1, 2, 5, 3}}
	if err := kernelext.SheetMap(sheet, hits); err != nil {
		log.Fatal(err)
	}
	// Output:
	// map 3×2
	// hits: 6 values: min 0, mean 2.5, max 5, NaN 0
}

// A curve is drawn while its values are computed; the last state remains.
func ExampleNewCurve() {
	curve := kernelext.NewCurve("Gradient descent", "f").YLabel("f(x)")
	for step, x := 0, 1.0; step < 50; step++ {
		x -= 0.1 * 2 * x
		curve.Add(step, x*x)
	}
	if err := curve.Done(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// curve: Gradient descent, step 0 … 49
	// f █▅▃▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ first 0.64, last 2.037e-10
}

// A parameter has a value for each mode, and `lecture run -p epochs=3` sets it.
func ExampleParam() {
	defer setenv("LECTURE_MODE", "quick")()
	fmt.Println(kernelext.Param("epochs", 2, 30))
	defer setenv("LECTURE_MODE", "full")()
	fmt.Println(kernelext.Param("epochs", 2, 30))
	defer setenv("LECTURE_PARAMS", `{"epochs": 3}`)()
	fmt.Println(kernelext.Param("epochs", 2, 30))
	// Output:
	// 2
	// 30
	// 3
}

// A check prints its result, and ends the cell with an error when it fails.
func ExampleAssertNear() {
	sum := 0.0
	for k := range 10_000 {
		sum += math.Pow(-1, float64(k)) / float64(k+1)
	}
	kernelext.AssertNear("alternating harmonic series", sum, math.Ln2, 1e-3)
	kernelext.Assert(sum < 0.7, "the sum %.4f is below 0.7", sum)
	// Output:
	// ✓ alternating harmonic series: got 0.693097, want 0.693147 ± 0.001
	// ✓ the sum 0.6931 is below 0.7
}

// A later cell is another program. It fetches what this one keeps.
func ExampleKeep() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	defer setenv("LECTURE_STORE", dir)() // a notebook's store is the folder .lecture11 beside it
	if err := kernelext.Keep("codes", [][]float64{{0.1, 0.2}, {0.3, 0.4}}); err != nil {
		log.Fatal(err)
	}

	codes, err := kernelext.Fetch[[][]float64]("codes")
	fmt.Println(codes, err)
	_, err = kernelext.Fetch[[][]float64]("labels")
	fmt.Println(errors.Is(err, store.ErrNotFound)) // the error lists the names that there are
	// Output:
	// [[0.1 0.2] [0.3 0.4]] <nil>
	// true
}

// A picture, a figure, a tensor, a table or an error: the call is the same.
func ExampleShow_image() {
	if err := kernelext.Show(image.NewGray(image.Rect(0, 0, 28, 28)), kernelext.Caption("nothing")); err != nil {
		log.Fatal(err)
	}
	// Output:
	// image 28×28
	// nothing
}
