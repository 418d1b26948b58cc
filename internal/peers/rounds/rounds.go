// Package rounds times a program beside its peers. The processes take turns, so that a machine whose speed drifts
// treats all alike, and ratios are computed round by round.
package rounds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"deeplearning.example/lecture11"
)

// run is a command that prints milliseconds a step.
type run struct {
	name    string
	command []string
}

// compareRuns starts the runs in turn, count times. For each it prints the median time of a step, and the median over
// rounds of its ratio to that of the first run, which is lecture11's.
func compareRuns(what string, count int, runs []run) error {
	times := make([][]float64, len(runs))
	for round := range count {
		for i, run := range runs {
			ms, err := milliseconds(run.command)
			if err != nil {
				return fmt.Errorf("%s: %w", run.name, err)
			}
			times[i] = append(times[i], ms)
		}
		fmt.Fprintf(os.Stderr, "%s: round %d of %d\n", what, round+1, count)
	}
	fmt.Printf("%s; medians of %d rounds\n", what, count)
	for i, run := range runs {
		ratios := make([]float64, count)
		for r, ms := range times[i] {
			ratios[r] = ms / times[0][r]
		}
		fmt.Printf("%-24s %7.2f ms a step (%.2f to %.2f), %s is %.2f × as fast (%.2f to %.2f)\n", run.name, Median(times[i]),
			slices.Min(times[i]), slices.Max(times[i]), runs[0].name, Median(ratios), slices.Min(ratios), slices.Max(ratios))
	}
	return nil
}

// Median returns the middle value; of an even number of values the upper one of the two.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// milliseconds starts a command that prints milliseconds a step, and returns them.
func milliseconds(command []string) (float64, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// printStep trains and prints the milliseconds of a step, a mean over steps after compilation and some steps to warm
// up. The training has more steps than that, perCall of them in a call.
func printStep(training *lecture11.Training, steps, perCall int) error {
	warm, counted := steps/10/perCall*perCall+perCall, steps/perCall*perCall
	done := errors.New("done")
	var start time.Time
	err := training.Run(context.Background(), func(step int, _ map[string]float64) error {
		switch step {
		case warm:
			start = time.Now()
		case warm + counted:
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		return fmt.Errorf("training ended before %d steps: %w", warm+counted, err)
	}
	fmt.Println(time.Since(start).Seconds() * 1e3 / float64(counted))
	return nil
}
