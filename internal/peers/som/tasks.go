package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// taskResult is the printed result of a task of lecture11.
type taskResult struct {
	SamplesPerSecond, Seconds, QE, TE float64
	PeakBytes, IdleBytes              float64
}

// tasks are the tasks that -ours can name.
var tasks = map[string]func(task string) (taskResult, error){
	"digits":  digitsTask,
	"measure": measureTask,
	"blobs":   blobsTask,
	"many":    manyTask,
	"memory":  memoryTask,
	"stream":  streamTask,
}

func taskNames() []string { return slices.Sorted(maps.Keys(tasks)) }

// runTask runs a task of lecture11 and prints its result as JSON.
func runTask(name, task string) error {
	run, ok := tasks[name]
	if !ok {
		return fmt.Errorf("-ours %q, want one of %q", name, taskNames())
	}
	result, err := run(task)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// readDigitTask reads a task on the images and the data that each such task needs.
func readDigitTask(task string) (t digitTask, backend compute.Backend, images *data.Images, err error) {
	if err = json.Unmarshal([]byte(task), &t); err == nil {
		backend, err = device.Backend()
	}
	if err == nil {
		images, err = loadDigits()
	}
	return t, backend, images, err
}

var digitGrid = lecture11.Grid{Width: side, Height: side}

// digitsTask trains on the images. The compilation is left out of the speed, and the speed of a batch is over all
// epochs except the first. A negative seed means lecture11's own schedule and first weights.
func digitsTask(task string) (r taskResult, err error) {
	t, backend, images, err := readDigitTask(task)
	if err != nil {
		return r, err
	}
	cfg := lecture11.SOMConfig{Grid: digitGrid, Features: features, Init: "samples", Seed: max(t.Seed, -t.Seed)}
	fit := t.fit()
	fit.Seed = cfg.Seed
	if t.Seed < 0 {
		cfg.Init = "pca"
		fit = ownFit(fit)
	}
	m, err := lecture11.NewSOM(backend, cfg)
	if err != nil {
		return r, err
	}
	training, err := m.Training(images.Tensor(), images.ID, nil, fit)
	if err != nil {
		return r, err
	}
	perStep := 1
	if t.Mode == "batch" {
		perStep = images.Len()
	}
	if err := timed(training, perStep, &r); err != nil {
		return r, err
	}
	w, err := m.Weights()
	if err != nil {
		return r, err
	}
	return r, quality(backend, images.Tensor(), w, digitGrid, &r)
}

// ownFit returns lecture11's own schedule for the same number of steps.
func ownFit(fit lecture11.SOMFit) lecture11.SOMFit {
	fit.Radius = lecture11.Schedule{Name: "exponential", Start: 8, End: 1.65}
	if fit.Mode == "online" {
		fit.Radius.End = 1
		fit.LearningRate = lecture11.Schedule{Name: "exponential", Start: 0.5, End: 0.02}
	}
	return fit
}

// timed runs a training; the first call of the device, which compiles, does not count for the speed.
func timed(training *lecture11.SOMTraining, perStep int, r *taskResult) error {
	start := time.Now()
	first, warm := 0, start
	err := training.Run(context.Background(), func(step int, _ map[string]float64) error {
		if first == 0 {
			first, warm = step, time.Now()
		}
		return nil
	})
	r.Seconds = time.Since(start).Seconds()
	r.SamplesPerSecond = float64((training.Steps()-first)*perStep) / time.Since(warm).Seconds()
	return err
}

// quality measures a map.
func quality(backend compute.Backend, x, w *tensors.Tensor, grid lecture11.Grid, r *taskResult) error {
	q, err := lecture11.NewMapQuality(backend, x, w, grid)
	r.QE, r.TE = q.Quantisation, q.Topographic
	return err
}

// measureTask measures a map that the peer has written.
func measureTask(task string) (r taskResult, err error) {
	t, backend, images, err := readDigitTask(task)
	if err != nil {
		return r, err
	}
	w, err := readFloats(t.Out, side*side, features)
	if err != nil {
		return r, err
	}
	return r, quality(backend, images.Tensor(), w, digitGrid, &r)
}

// rawFloats returns pixels as raw float32 in [0, 1].
func rawFloats(pixels []uint8) []byte {
	raw := make([]byte, 0, 4*len(pixels))
	for _, p := range pixels {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(p)/255))
	}
	return raw
}
