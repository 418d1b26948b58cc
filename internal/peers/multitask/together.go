package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gomlx/compute"

	"deeplearning.example/internal/peers/rounds"
	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
)

// togetherCases are many small trainings: seeds of 20 linear tasks, and the methods and seeds of a transfer with few
// labels.
var togetherCases = []struct {
	name  string
	runs  int
	train func(backend compute.Backend, runs, first int) (compile, train time.Duration, err error)
}{
	{"50 seeds of 20 linear tasks, 600 steps", 50, trainLinear},
	{"20 nets 784-128-64 with 50 labels, 200 steps", 20, trainFewLabels},
}

// compareTogether trains all runs of a case in one program, and then one after the other, each in a separate program.
func compareTogether(count int) error {
	backend, err := device.Backend()
	if err != nil {
		return err
	}
	for _, c := range togetherCases {
		var all, steps []float64
		for range count {
			compile, train, err := c.train(backend, c.runs, 0)
			if err != nil {
				return err
			}
			var oneCompile, oneTrain time.Duration
			const sample = 5 // number of the runs that are timed one by one
			for run := range sample {
				a, b, err := c.train(backend, 1, run)
				if err != nil {
					return err
				}
				oneCompile, oneTrain = oneCompile+a, oneTrain+b
			}
			each := float64(c.runs) / sample
			all = append(all, each*(oneCompile+oneTrain).Seconds()/(compile+train).Seconds())
			steps = append(steps, each*oneTrain.Seconds()/train.Seconds())
		}
		fmt.Printf("%s, all at once: %.1f × as fast as one after the other with compilation (%.1f to %.1f), %.1f × without (%.1f to %.1f); medians of %d rounds\n",
			c.name, rounds.Median(all), slices.Min(all), slices.Max(all), rounds.Median(steps), slices.Min(steps), slices.Max(steps), count)
	}
	return nil
}

// trainLinear trains the given number of seeds side by side.
func trainLinear(backend compute.Backend, runs, _ int) (compile, train time.Duration, err error) {
	study, err := lecture11.NewLinearStudy(lecture11.LinearStudyConfig{Tasks: 20, Objects: 20, N: 20, Common: 2, Noise: 0.5, Seeds: runs})
	if err != nil {
		return 0, 0, err
	}
	m, err := lecture11.NewMultiTask(backend, study.Model(2))
	if err != nil {
		return 0, 0, err
	}
	return timed(m.Training(study.Data(), lecture11.FitConfig{Batch: 100, Epochs: 150}, study.Plans(lecture11.RunPlan{})...))
}

// trainFewLabels trains the given number of nets on 50 objects each.
func trainFewLabels(backend compute.Backend, runs, first int) (compile, train time.Duration, err error) {
	d, err := randomObjects()
	if err != nil {
		return 0, 0, err
	}
	tasks := []lecture11.Task{{Name: "digit", Classes: 10}, {Name: "odd", Classes: 2}, {Name: "loop", Classes: 2}}
	m, err := lecture11.NewMultiTask(backend, lecture11.MultiTaskConfig{Features: features, Hidden: []int{128, 64}, Tasks: tasks, Runs: runs, Seed: 1})
	if err != nil {
		return 0, 0, err
	}
	plans := make([]lecture11.RunPlan, runs)
	for r := range plans {
		for i := range 50 {
			plans[r].Objects = append(plans[r].Objects, (first+r)*50+i)
		}
	}
	return timed(m.Training(d, lecture11.FitConfig{Batch: 50, Epochs: 200}, plans...))
}

// timed runs a training and returns the time of its first call, which compiles, and that of the others, which have as
// many steps as the first.
func timed(training *lecture11.Training, err error) (compile, train time.Duration, _ error) {
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	var first time.Duration
	calls := 0
	err = training.Run(context.Background(), func(int, map[string]float64) error {
		if calls == 0 {
			first = time.Since(start)
		}
		calls++
		return nil
	})
	rest := time.Since(start) - first
	call := rest / time.Duration(calls-1)
	return max(0, first-call), rest + call, err
}
