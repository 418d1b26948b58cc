// The multitask command trains multi-task models of lecture11 beside JAX's, and many small trainings at once beside the same ones
// one after the other, and prints the ratios of their speeds:
//
//	go run ./internal/peers/multitask
//	go run ./internal/peers/multitask -models runs -rounds 3
//
// Without -python it makes a virtual environment with pinned versions in the user's cache folder.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/peers/rounds"
	"deeplearning.example/internal/peers/venv"
	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
)

//go:embed multitask_jax.py
var script string

// packages are the peer's versions.
var packages = []string{"jax==0.10.2", "optax==0.2.8"}

const (
	objects, features = 60_000, 784
	stepsPerCall      = 50
)

// sizes are the runs side by side and the batch of each of a model.
var sizes = map[string][2]int{"tasks": {1, 128}, "runs": {20, 50}}

func main() {
	python := flag.String("python", "", "Python with "+strings.Join(packages, " and ")+"; empty: make one")
	models := flag.String("models", "tasks,runs,together", "which comparisons")
	count := flag.Int("rounds", 7, "rounds")
	steps := flag.Int("steps", 500, "steps a run")
	ours := flag.Bool("ours", false, "time our own training of one model only and print milliseconds a step")
	flag.Parse()
	var err error
	if *ours {
		err = timeOurs(*models, *steps)
	} else {
		err = compareAll(*python, strings.Split(*models, ","), *count, *steps)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func compareAll(python string, models []string, count, steps int) error {
	for _, name := range models {
		if name == "together" {
			if err := compareTogether(count); err != nil {
				return err
			}
			continue
		}
		if python == "" {
			var err error
			if python, err = venv.Python(packages...); err != nil {
				return err
			}
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		n := strconv.Itoa(steps)
		what := fmt.Sprintf("%s: %d × 784-256-128 with three heads, batch %d, Adam", name, sizes[name][0], sizes[name][1])
		err = rounds.Compare(what, count, []rounds.Run{
			{Name: "lecture11", Command: []string{self, "-ours", "-models", name, "-steps", n}},
			{Name: "JAX, a call a step", Command: []string{python, "-c", script, name, "step", n}},
			{Name: "JAX, 50 in one scan", Command: []string{python, "-c", script, name, "scan", n}},
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// newTraining prepares the training of a model on random binary objects.
func newTraining(backend compute.Backend, model string) (*lecture11.Training, error) {
	size, ok := sizes[model]
	if !ok {
		return nil, fmt.Errorf("-models %q, want tasks, runs or together", model)
	}
	tasks := []lecture11.Task{{Name: "digit", Classes: 10}, {Name: "odd", Classes: 2}, {Name: "loop", Classes: 2}}
	m, err := lecture11.NewMultiTask(backend, lecture11.MultiTaskConfig{Features: features, Tasks: tasks, Runs: size[0], Seed: 1})
	if err != nil {
		return nil, err
	}
	d, err := randomObjects()
	if err != nil {
		return nil, err
	}
	return m.Training(d, lecture11.FitConfig{Batch: size[1], Epochs: 100, StepsPerCall: stepsPerCall})
}

// timeOurs trains and prints milliseconds a step.
func timeOurs(model string, steps int) error {
	backend, err := device.Backend()
	if err != nil {
		return err
	}
	training, err := newTraining(backend, model)
	if err != nil {
		return err
	}
	return rounds.PrintStep(training, steps, stepsPerCall)
}

// randomObjects are pixels 0 and 255, with MNIST's share of ink, and labels of three tasks.
func randomObjects() (lecture11.TaskData, error) {
	rng := rand.New(rand.NewPCG(0, 0))
	pixels := make([]uint8, objects*features)
	for i := range pixels {
		if rng.Float32() < 0.13 {
			pixels[i] = 255
		}
	}
	columns := make([][]float64, 3)
	for range objects {
		digit := rng.IntN(10)
		loop := map[bool]float64{true: 1}[digit == 0 || digit == 6 || digit >= 8]
		columns[0], columns[1], columns[2] = append(columns[0], float64(digit)), append(columns[1], float64(digit%2)), append(columns[2], loop)
	}
	y, err := lecture11.TaskLabels(columns...)
	return lecture11.TaskData{X: tensors.FromFlatDataAndDimensions(pixels, objects, features), Y: y, ID: "random"}, err
}
