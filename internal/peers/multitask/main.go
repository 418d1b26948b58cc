// The multitask command trains multi-task models of lecture11 beside JAX's, and many small trainings at once beside the
// same ones one after the other, and prints the ratios of their speeds:
//
//	go run ./internal/peers/multitask
//	go run ./internal/peers/multitask -models runs -rounds 3
//
// Without -python it creates a virtual environment with pinned versions in the user's cache folder.
package main

import (
	_ "embed"
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/peers/rounds"
	"deeplearning.example/lecture11"
)

//go:embed multitask_jax.py
var script string

const (
	objects, features = 60_000, 784
	stepsPerCall      = 50
)

// sizes are the number of runs side by side and the batch of each run of a model.
var sizes = map[string][2]int{"tasks": {1, 128}, "runs": {20, 50}}

func main() {
	rounds.Program{
		Models: []string{"tasks", "runs", "together"}, Steps: 500, PerCall: stepsPerCall, Script: script, Training: newTraining,
		What: func(name string) string {
			return fmt.Sprintf("%d × 784-256-128 with three heads, batch %d", sizes[name][0], sizes[name][1])
		},
		Others: map[string]func(count int) error{"together": compareTogether},
	}.Main()
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

// randomObjects returns pixels 0 and 255, with MNIST's share of ink, and labels of three tasks.
func randomObjects() (lecture11.TaskData, error) {
	rng := rand.New(rand.NewPCG(0, 1))
	columns := make([][]float64, 3)
	for range objects {
		digit := rng.IntN(10)
		loop := map[bool]float64{true: 1}[digit == 0 || digit == 6 || digit >= 8]
		columns[0], columns[1], columns[2] = append(columns[0], float64(digit)), append(columns[1], float64(digit%2)), append(columns[2], loop)
	}
	y, err := lecture11.TaskLabels(columns...)
	return lecture11.TaskData{X: tensors.FromFlatDataAndDimensions(rounds.RandomPixels(objects*features), objects, features), Y: y, ID: "random"}, err
}
