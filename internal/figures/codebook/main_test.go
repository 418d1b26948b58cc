package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/lecture11"
)

// tiny returns a set of a few objects in the plane.
func tiny() set {
	x := tensors.FromValue([][]float32{{0, 0}, {1, 0}, {0, 1}, {1, 1}, {3, 0}, {3, 1}, {0, 4}, {4, 4}})
	return set{name: "tiny", train: x, test: x, fit: lecture11.FitConfig{Epochs: 2, Batch: 4},
		model: lecture11.VQVAEConfig{Grid: lecture11.Grid{Width: 2, Height: 2}, Features: 2, Latent: 2, Hidden: []int{3}},
		radii: [][2]float64{{1, 0.2}, {0.5, 0.1}}}
}

// TestRows: there is a row for k-means and for each radius, with the means over five seeds and their standard errors.
// The difference of two rows is taken seed by seed.
func TestRows(t *testing.T) {
	backend, err := gobackend.New("")
	if err != nil {
		t.Fatal(err)
	}
	o, s := options{seeds: 5, first: 3}, tiny()
	var out bytes.Buffer
	if err := o.compare(t.Context(), &out, backend, s, 0.5); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(rows) != 3 || !strings.HasPrefix(rows[1], "  std 0.5, map, radius 1 → 0.2: ") || !strings.HasPrefix(rows[2], "  std 0.5, map, radius 0.5 → 0.1: ") {
		t.Fatalf("rows\n%s\nwant k-means and two radii", out.String())
	}
	kmeans, moved := losses(t, backend, s, "kmeans", 0), losses(t, backend, s, "kohonen", 1)
	var gain []float64
	for i := range kmeans {
		gain = append(gain, kmeans[i]-moved[i])
	}
	wantNumbers(t, rows[0], "loss", kmeans)
	wantNumbers(t, rows[1], ", loss", moved)
	wantNumbers(t, rows[1], "larger by", gain)
}

// losses trains the models of a row one by one and returns their losses.
func losses(t *testing.T, backend compute.Backend, s set, update string, start float64) []float64 {
	t.Helper()
	var values []float64
	for seed := 3; seed < 8; seed++ {
		cfg := s.model
		cfg.CodeStd, cfg.Update, cfg.Seed = 0.5, update, int64(seed)
		if update == "kohonen" {
			cfg.Radius = lecture11.Schedule{Name: "exponential", Start: start, End: 0.2}
		}
		var of results
		if err := of.add(t.Context(), backend, s, cfg); err != nil {
			t.Fatal(err)
		}
		values = append(values, of.loss...)
	}
	return values
}

// wantNumbers compares the mean and the standard error after a word of a row with those of values, by their formulas.
func wantNumbers(t *testing.T, row, word string, values []float64) {
	t.Helper()
	mean, squares := 0.0, 0.0
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	l := float64(len(values))
	found := regexp.MustCompile(regexp.QuoteMeta(word) + ` (\S+) ± ([^\s;]+)`).FindStringSubmatch(row)
	if found == nil {
		t.Fatalf("row %q, want %q with mean ± standard error", row, word)
	}
	for i, want := range []float64{mean, math.Sqrt(squares / (l - 1) / l)} {
		got, err := strconv.ParseFloat(found[i+1], 64)
		if err != nil || !(math.Abs(got-want) <= 0.06*math.Abs(want)) {
			t.Errorf("row %q: number %d after %q is %g (%v), want %g", row, i, word, got, err, want)
		}
	}
}

// TestOptions: wrong flags are errors.
func TestOptions(t *testing.T) {
	for want, o := range map[string]options{
		"-seeds 1, want at least 2":                   {seeds: 1},
		`-only "faces", want one of ["plane" "digits`: {seeds: 5, only: "faces"},
	} {
		if err := o.run(context.Background()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", fmt.Sprint(o), err, want)
		}
	}
}
