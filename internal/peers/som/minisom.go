package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"deeplearning.example/internal/peers/venv"
	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

//go:embed som_minisom.py
var script string

// The comparison: objects, components and grid.
const (
	digits, features = 10_000, 784
	side             = 20
)

// digitTask is a training of both. σ falls linearly from Sigma to End; η is constant 1 in a batch, and falls from Eta to a
// third of it online, MiniSom's default.
type digitTask struct {
	Mode       string
	Objects    int
	Steps      int // epochs, or objects online
	Seed       int64
	Sigma, End float64
	Eta        float64
	Data, Out  string
}

// besideMiniSom compares speeds round by round, and then the maps of trainings of one length.
func besideMiniSom(python, dir string, rounds int, quality bool) error {
	if python == "" {
		var err error
		if python, err = venv.Python(packages...); err != nil {
			return err
		}
	}
	file, err := writeDigits(dir)
	if err != nil {
		return err
	}
	base := map[string]digitTask{
		"batch":  {Mode: "batch", Steps: 10, Sigma: 10, End: 1, Eta: 1},
		"online": {Mode: "online", Steps: 20_000, Sigma: 10, End: 1, Eta: 0.5},
	}
	for _, mode := range []string{"batch", "online"} {
		task := base[mode]
		task.Data, task.Out, task.Objects, task.Seed = file, filepath.Join(dir, "weights"), digits, 1
		if err := speeds(python, task, rounds); err != nil {
			return err
		}
		if quality {
			if err := sameLength(python, task); err != nil {
				return err
			}
		}
	}
	return nil
}

// speeds times short trainings of both in turns.
func speeds(python string, task digitTask, rounds int) error {
	var peer, own, ratios []float64
	for round := range rounds {
		short := task
		short.Steps = 500
		if short.Mode == "batch" {
			short.Steps, short.Objects = 1, 2000
		}
		seconds, err := miniSom(python, short)
		if err != nil {
			return err
		}
		theirs := float64(short.Steps) / seconds
		if short.Mode == "batch" {
			theirs *= float64(short.Objects)
		}
		var result taskResult
		if err := oursAlone("digits", task, &result); err != nil {
			return err
		}
		peer, own, ratios = append(peer, theirs), append(own, result.SamplesPerSecond), append(ratios, result.SamplesPerSecond/theirs)
		fmt.Fprintf(os.Stderr, "%s: round %d of %d\n", task.Mode, round+1, rounds)
	}
	fmt.Printf("%d×%d map, %d MNIST images, %s: samples/s, lecture11 %s, MiniSom %s, ratio %s\n", side, side, digits, task.Mode,
		spread(own), spread(peer), spread(ratios))
	return nil
}

// sameLength trains both with the same length, and lecture11's again to its own end radius, and prints the errors.
func sameLength(python string, task digitTask) error {
	seconds, err := miniSom(python, task)
	if err != nil {
		return err
	}
	var theirs, same, own taskResult
	if err := oursAlone("measure", task, &theirs); err != nil {
		return err
	}
	if err := oursAlone("digits", task, &same); err != nil {
		return err
	}
	task.Seed = -1
	if err := oursAlone("digits", task, &own); err != nil {
		return err
	}
	fmt.Printf("%s, %d steps: MiniSom QE %.4f, TE %.4f in %.1f s; lecture11 with the same schedule QE %.4f, TE %.4f in %.2f s; "+
		"with its own QE %.4f, TE %.4f in %.2f s\n", task.Mode, task.Steps, theirs.QE, theirs.TE, seconds, same.QE, same.TE,
		same.Seconds, own.QE, own.TE, own.Seconds)
	return nil
}

// miniSom runs the peer and returns the seconds of its training.
func miniSom(python string, t digitTask) (float64, error) {
	args := []string{"-c", script, t.Mode, t.Data}
	for _, v := range []int{t.Objects, features, side, side, t.Steps, 1} {
		args = append(args, strconv.Itoa(v))
	}
	args = append(args, fmt.Sprint(t.Sigma), fmt.Sprint(t.End), fmt.Sprint(t.Eta), t.Out)
	cmd := exec.Command(python, args...)
	cmd.Stderr = os.Stderr
	cmd.Env = withoutOpenBLASChoice(os.Environ())
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("MiniSom: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// withoutOpenBLASChoice lets NumPy's OpenBLAS choose its kernels itself.
func withoutOpenBLASChoice(env []string) []string {
	var kept []string
	for _, v := range env {
		if !strings.HasPrefix(v, "OPENBLAS_CORETYPE=") && !strings.HasPrefix(v, "OPENBLAS_L2_SIZE=") {
			kept = append(kept, v)
		}
	}
	return kept
}

// oursAlone runs a task of lecture11 in a separate process.
func oursAlone(name string, task any, result any) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := json.Marshal(task)
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-ours", name, "-task", string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return json.Unmarshal(out, result)
}

// writeDigits writes the images as raw float32 in [0, 1].
func writeDigits(dir string) (path string, err error) {
	images, err := loadDigits()
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "digits.f32")
	return path, os.WriteFile(path, rawFloats(images.Pixels), 0o600)
}

func loadDigits() (*data.Images, error) {
	train, _, err := data.MNIST(context.Background())
	if err != nil {
		return nil, err
	}
	return train.Head(digits)
}

// fit returns the task's configuration for lecture11.
func (t digitTask) fit() lecture11.SOMFit {
	f := lecture11.SOMFit{
		Mode: t.Mode, Order: "shuffled", Seed: 1,
		Radius:       lecture11.Schedule{Name: "linear", Start: t.Sigma, End: t.End},
		LearningRate: lecture11.Schedule{Name: "constant", Start: t.Eta},
	}
	if f.Steps = t.Steps; t.Mode == "batch" {
		f.Steps, f.Epochs = 0, t.Steps
	} else {
		f.LearningRate = lecture11.Schedule{Name: "inverse", Start: t.Eta, End: t.Eta / 3}
	}
	return f
}
