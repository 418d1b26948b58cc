package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
)

// blobObjects returns l objects around 10 centres drawn from [−10, 10]ⁿ, each component with the given standard
// deviation, as scikit-learn's make_blobs does. TorchSOM's benchmark uses such objects.
func blobObjects(l, n, centres int, std float64) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(1, 2))
	middle := make([]float64, centres*n)
	for i := range middle {
		middle[i] = 20*rng.Float64() - 10
	}
	x := tensors.FromShape(shapes.Make(dtypes.Float32, l, n))
	tensors.MustMutableFlatData(x, func(flat []float32) { // in place: memory is measured
		for i := range flat {
			flat[i] = float32(middle[i/n%centres*n+i%n] + std*rng.NormFloat64())
		}
	})
	return x
}

// blobs times 100 epochs of a 25×15 map on 16 000 objects of 300 components, as TorchSOM's published benchmark does.
func blobs(rounds int) error {
	var seconds []float64
	var r taskResult
	for range min(rounds, 3) {
		if err := oursAlone("blobs", nil, &r); err != nil {
			return err
		}
		seconds = append(seconds, r.Seconds)
	}
	fmt.Printf("25×15 map, 16 000 × 300 blobs, 100 epochs: %s s with compilation; QE %.3f, TE %.3f (TorchSOM's paper, 8 cores: "+
		"30.4 s, QE 5.14, TE 0.18; MiniSom: 1 939 s, QE 5.15, TE 0.75)\n", spread(seconds), r.QE, r.TE)
	return nil
}

// blobStd is the standard deviation with which a perfect map has the quantisation errors of TorchSOM's tables.
const blobStd = 0.3

func blobsTask(string) (r taskResult, err error) {
	backend, err := device.Backend()
	if err != nil {
		return r, err
	}
	grid := lecture11.Grid{Width: 25, Height: 15}
	m, err := lecture11.NewSOM(backend, lecture11.SOMConfig{Grid: grid, Features: 300, Init: "pca"})
	if err != nil {
		return r, err
	}
	x := blobObjects(16_000, 300, 10, blobStd)
	training, err := m.Training(x, "blobs", nil, lecture11.SOMFit{Epochs: 100,
		Radius: lecture11.Schedule{Name: "exponential", Start: 8, End: 0.5}})
	if err != nil {
		return r, err
	}
	if err := timed(training, 16_000, &r); err != nil {
		return r, err
	}
	w, err := m.Weights()
	if err != nil {
		return r, err
	}
	return r, quality(backend, x, w, grid, &r)
}

// manyRun is a number of maps of 10×10 on 150 objects of 4 components.
type manyRun struct {
	Mode     string
	Together bool
	Warm     bool // one after the other with the time of compiling left out
}

// many compares 100 maps in one call with 100 calls.
func many(rounds int) error {
	for _, mode := range []string{"batch", "online"} {
		times := map[manyRun][]float64{}
		runs := []manyRun{{mode, true, false}, {mode, false, false}, {mode, true, true}, {mode, false, true}}
		for range rounds {
			for _, run := range runs {
				var r taskResult
				if err := oursAlone("many", run, &r); err != nil {
					return err
				}
				times[run] = append(times[run], r.Seconds)
			}
		}
		ratios := func(a, b manyRun) []float64 {
			var all []float64
			for i := range times[a] {
				all = append(all, times[b][i]/times[a][i])
			}
			return all
		}
		fmt.Printf("100 maps of 10×10 on 150×4, %s, 100 epochs: in one call %s s, one after the other %s s, ratio %s; without "+
			"compiling %s s and %s s, ratio %s\n", mode, spread(times[runs[0]]), spread(times[runs[1]]), spread(ratios(runs[0], runs[1])),
			spread(times[runs[2]]), spread(times[runs[3]]), spread(ratios(runs[2], runs[3])))
	}
	return nil
}

func manyTask(task string) (r taskResult, err error) {
	var run manyRun
	if err := json.Unmarshal([]byte(task), &run); err != nil {
		return r, err
	}
	backend, err := device.Backend()
	if err != nil {
		return r, err
	}
	var maps []*lecture11.SOM
	for i := range 100 {
		m, err := lecture11.NewSOM(backend, lecture11.SOMConfig{
			Grid: lecture11.Grid{Width: 10, Height: 10}, Features: 4, Init: "samples", Seed: int64(i)})
		if err != nil {
			return r, err
		}
		maps = append(maps, m)
	}
	sets := [][]*lecture11.SOM{maps}
	if !run.Together {
		sets = nil
		for _, m := range maps {
			sets = append(sets, []*lecture11.SOM{m})
		}
	}
	for _, set := range sets {
		// Warm: the first call, which compiles, counts like any other call.
		epochs := 100
		if run.Warm {
			epochs = 200
		}
		training, err := lecture11.TrainTogether(set, blobObjects(150, 4, 3, 1), "iris-like", nil,
			[]lecture11.SOMFit{{Mode: run.Mode, Epochs: epochs}})
		if err != nil {
			return r, err
		}
		seconds, err := runTimed(training, run.Warm)
		if err != nil {
			return r, err
		}
		r.Seconds += seconds
	}
	return r, nil
}

// runTimed returns the time of a training. If warm, it returns half of the time of a training of twice the length after
// its first call of the device, scaled to the steps.
func runTimed(training *lecture11.SOMTraining, warm bool) (float64, error) {
	start, first := time.Now(), 0
	err := training.Run(context.Background(), func(step int, _ map[string]float64) error {
		if warm && first == 0 && step == training.Step() {
			start, first = time.Now(), step
		}
		return nil
	})
	seconds := time.Since(start).Seconds()
	if warm {
		seconds *= float64(training.Steps()) / 2 / float64(training.Steps()-first)
	}
	return seconds, err
}

// memory measures peaks: of a training beside the size of data and map, and of a million objects in a stream.
func memory() error {
	for _, c := range []struct{ name, text string }{
		{"memory", "400 000 × 100 floats (160 MB), 20×20 map, held"},
		{"stream", "1 000 000 × 100 floats (400 MB), 20×20 map, streamed in chunks of 20 000"},
	} {
		var r taskResult
		if err := oursAlone(c.name, nil, &r); err != nil {
			return err
		}
		fmt.Printf("%s, 3 epochs: peak of the process %.0f MB, of which %.0f MB beyond a training on 100 objects; %.2f s\n", c.text,
			r.PeakBytes/1e6, (r.PeakBytes-r.IdleBytes)/1e6, r.Seconds)
	}
	return nil
}

// memoryTask trains on objects in memory.
func memoryTask(string) (r taskResult, err error) {
	return trainLarge(func(m *lecture11.SOM) (*lecture11.SOMTraining, error) {
		return m.Training(blobObjects(400_000, 100, 20, 1), "held", nil, lecture11.SOMFit{Epochs: 3})
	})
}

// streamTask trains on a million objects of which 20 000 are in memory at a time.
func streamTask(string) (r taskResult, err error) {
	const rows, chunks = 20_000, 50
	return trainLarge(func(m *lecture11.SOM) (*lecture11.SOMTraining, error) {
		return m.StreamTraining(func() iter.Seq2[*tensors.Tensor, error] {
			return func(yield func(*tensors.Tensor, error) bool) {
				for i := range chunks {
					chunk := randomObjects(rows, 100, uint64(i))
					if !yield(chunk, nil) {
						return
					}
				}
			}
		}, "stream", lecture11.SOMFit{Epochs: 3})
	})
}

// randomObjects returns chunk i of a stream.
func randomObjects(l, n int, i uint64) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(3, i))
	flat := make([]float32, l*n)
	for j := range flat {
		flat[j] = rng.Float32()
	}
	return tensors.FromFlatDataAndDimensions(flat, l, n)
}

func trainLarge(prepare func(m *lecture11.SOM) (*lecture11.SOMTraining, error)) (r taskResult, err error) {
	backend, err := device.Backend()
	if err != nil {
		return r, err
	}
	newMap := func() (*lecture11.SOM, error) {
		return lecture11.NewSOM(backend, lecture11.SOMConfig{
			Grid: lecture11.Grid{Width: 20, Height: 20}, Features: 100, Init: "pca"})
	}
	m, err := newMap()
	if err != nil {
		return r, err
	}
	small, err := m.Training(blobObjects(100, 100, 20, 1), "small", nil, lecture11.SOMFit{Epochs: 3})
	if err != nil {
		return r, err
	}
	if err := small.Run(context.Background(), nil); err != nil {
		return r, err
	}
	if r.IdleBytes, err = peakMemory(); err != nil {
		return r, err
	}
	if m, err = newMap(); err != nil {
		return r, err
	}
	training, err := prepare(m)
	if err != nil {
		return r, err
	}
	start := time.Now()
	err = training.Run(context.Background(), func(_ int, losses map[string]float64) error {
		r.QE = losses["QE"]
		return nil
	})
	if err != nil {
		return r, err
	}
	r.Seconds = time.Since(start).Seconds()
	r.PeakBytes, err = peakMemory()
	return r, err
}

// peakMemory returns VmHWM, the largest resident size that this process has had.
func peakMemory() (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024, err
		}
	}
	return 0, errors.New("no VmHWM in /proc/self/status")
}
