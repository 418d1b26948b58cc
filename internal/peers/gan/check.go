package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
)

// told are this module's losses under the names in the output of JAX's step, in its order.
type told struct {
	D       float64 `json:"loss of D"`
	G       float64 `json:"loss of G"`
	LengthD float64 `json:"gradient of D"`
	LengthG float64 `json:"gradient of G"`
}

// check trains a model from the same weights as JAX. It first uses a rate that moves nothing, to compare losses and
// gradients. It then uses the rate of the comparison, to compare the distances that Adam and the mean of weights have
// moved.
func check(python, name string) error {
	folder, err := os.MkdirTemp("", "gan")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	var begun string
	for _, run := range []struct {
		rate  float64
		steps int
	}{{1e-12, 50}, {1e-3, 10}} { // with more steps the state of a game depends on its noise
		rate := strconv.FormatFloat(run.rate, 'g', -1, 64)
		prefix := filepath.Join(folder, rate)
		moved, state := prefix+".weights", prefix+".optimizer"
		losses, err := trainFor(name, run.rate, run.steps, map[string]string{"weights": moved, "optimizer": state})
		if err != nil {
			return err
		}
		if begun == "" {
			begun = moved
		}
		text, err := json.Marshal(losses)
		if err != nil {
			return err
		}
		cmd := exec.Command(python, "-c", script, name, "check", strconv.Itoa(run.steps), rate, begun, moved, state, string(text))
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return err
		}
	}
	return nil
}

// trainFor trains a model for the given number of steps from its first weights, saves the parts of its state to files
// and returns the mean losses.
func trainFor(name string, rate float64, steps int, files map[string]string) (told, error) {
	backend, err := device.Backend()
	if err != nil {
		return told{}, err
	}
	training, err := newTraining(backend, name, rate, steps)
	if err != nil {
		return told{}, err
	}
	var means told
	done := errors.New("done")
	err = training.Run(context.Background(), func(_ int, losses map[string]float64) error {
		means = told{losses["discriminator"], losses["generator"], losses["∇D"], losses["∇G"]}
		return done
	})
	if !errors.Is(err, done) {
		return told{}, err
	}
	for part, file := range files {
		if err := save(training, part, file); err != nil {
			return told{}, err
		}
	}
	return means, nil
}

// save writes a part of a training's state to a file.
func save(training *lecture11.Training, part, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(training.Save(part, f), f.Close())
}
