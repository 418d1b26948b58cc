package rounds

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/compute"

	"deeplearning.example/internal/peers/venv"
	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
)

// packages are the packages of the peers' scripts, with versions.
var packages = []string{"jax==0.10.2", "optax==0.2.8"}

// Program is a command that times trainings of lecture11 beside JAX's, one model after the other. It calls itself with
// -ours for lecture11's part of a round, so that each measurement is a separate process.
type Program struct {
	Models  []string // models to compare, unless -models says otherwise
	Steps   int      // steps of a run, unless -steps says otherwise
	PerCall int      // steps of lecture11 in a call of the device
	Script  string   // JAX's script: prints milliseconds a step for the arguments model, form and steps

	What     func(model string) string // describes the model in words
	Training func(backend compute.Backend, model string) (*lecture11.Training, error)

	Forms  map[string][]Form                // JAX's forms for one model, beside a call a step and one scan; nil: none
	Check  func(python, model string) error // replaces the timing if -check is given; nil: no such flag
	Others map[string]func(count int) error // comparisons without JAX by their names in -models; nil: none
}

// Form is a way to run JAX's step.
type Form struct {
	What string // in words
	Name string // the script's argument
}

// forms are the forms of each script.
var forms = []Form{{"a call a step", "step"}, {"50 in one scan", "scan"}}

// Main reads the flags and runs the comparisons. It ends the process on an error.
func (p Program) Main() {
	python := flag.String("python", "", "Python with "+strings.Join(packages, " and ")+"; empty: make one")
	models := flag.String("models", strings.Join(p.Models, ","), "what is compared")
	count := flag.Int("rounds", 7, "rounds of ours and each form of JAX's")
	steps := flag.Int("steps", p.Steps, "steps a run")
	ours := flag.Bool("ours", false, "time our own training of one model only and print milliseconds a step")
	check := new(bool)
	if p.Check != nil {
		check = flag.Bool("check", false, "compare what is computed, not how fast")
	}
	flag.Parse()
	var err error
	if *ours {
		err = p.timeOurs(*models, *steps)
	} else {
		err = p.compareAll(*python, strings.Split(*models, ","), *count, *steps, *check)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// compareAll compares the models one by one, and creates a Python environment when the first model needs it.
func (p Program) compareAll(python string, models []string, count, steps int, check bool) error {
	for _, model := range models {
		if other := p.Others[model]; other != nil {
			if err := other(count); err != nil {
				return err
			}
			continue
		}
		var err error
		if python == "" {
			if python, err = venv.Python(packages...); err != nil {
				return err
			}
		}
		if check {
			err = p.Check(python, model)
		} else {
			err = p.compare(python, model, count, steps)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", model, err)
		}
	}
	return nil
}

// compare runs the rounds of a model and prints medians and ratios.
func (p Program) compare(python, model string, count, steps int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	n := strconv.Itoa(steps)
	runs := []run{{"lecture11", []string{self, "-ours", "-models", model, "-steps", n}}}
	for _, f := range slices.Concat(forms, p.Forms[model]) {
		runs = append(runs, run{"JAX, " + f.What, []string{python, "-c", p.Script, model, f.Name, n}})
	}
	return compareRuns(model+": "+p.What(model)+", Adam", count, runs)
}

// timeOurs trains and prints milliseconds a step.
func (p Program) timeOurs(model string, steps int) error {
	backend, err := device.Backend()
	if err != nil {
		return err
	}
	training, err := p.Training(backend, model)
	if err != nil {
		return err
	}
	return printStep(training, steps, p.PerCall)
}

// RandomPixels returns pixels 0 and 255, with MNIST's share of ink.
func RandomPixels(count int) []uint8 {
	rng := rand.New(rand.NewPCG(0, 0))
	pixels := make([]uint8, count)
	for i := range pixels {
		if rng.Float32() < 0.13 {
			pixels[i] = 255
		}
	}
	return pixels
}
