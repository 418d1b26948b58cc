// The som command runs lecture11's Kohonen maps beside MiniSom's on this machine and prints the ratios of their speeds:
//
//	go run ./internal/peers/som
//
// Both train a 20×20 map on the same 10 000 MNIST images, online and by batches, with the same schedules. The processes
// take turns, so that a machine whose speed drifts treats both alike, and each ratio is that of a pair. Quantisation
// and topographic errors of both are measured by the same code. The part
// "defaults" compares the maps that both make by their defaults, also by that code. The remaining figures have no peer here: a large
// sample, many maps in one call, and memory. Without -python it creates a virtual environment with pinned versions in
// the user's cache folder.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
)

// packages are the peer's versions.
var packages = []string{"minisom==2.3.6", "numpy==2.3.4"}

func main() {
	python := flag.String("python", "", "Python with "+strings.Join(packages, " and ")+"; empty: make one")
	rounds := flag.Int("rounds", 5, "rounds of ours and MiniSom, for the speeds")
	quality := flag.Bool("quality", true, "train both for as long, and compare the maps (MiniSom takes minutes)")
	ours := flag.String("ours", "", "run one task of ours only: "+strings.Join(taskNames(), ", "))
	task := flag.String("task", "", "JSON of the task, for -ours")
	only := flag.String("only", "", "run one part only: minisom, defaults, blobs, many, memory")
	flag.Parse()
	var err error
	if *ours != "" {
		err = runTask(*ours, *task)
	} else {
		err = compare(*python, *rounds, *quality, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// compare runs all parts.
func compare(python string, rounds int, quality bool, only string) error {
	dir, err := os.MkdirTemp("", "som-peer-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	parts := []struct {
		name string
		run  func() error
	}{
		{"minisom", func() error { return besideMiniSom(python, dir, rounds, quality) }},
		{"defaults", func() error { return defaults(python, dir) }},
		{"blobs", func() error { return blobs(rounds) }},
		{"many", func() error { return many(rounds) }},
		{"memory", memory},
	}
	for _, p := range parts {
		if only != "" && only != p.name {
			continue
		}
		if err := p.run(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// spread is the median with the smallest and the largest value.
func spread(values []float64) string {
	return fmt.Sprintf("%.4g (%.4g to %.4g)", median(values), slices.Min(values), slices.Max(values))
}

// readFloats reads a file of raw float32 into a tensor.
func readFloats(path string, dims ...int) (*tensors.Tensor, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	size := 1
	for _, d := range dims {
		size *= d
	}
	if len(text) != 4*size {
		return nil, fmt.Errorf("%s has %d bytes, want %d", path, len(text), 4*size)
	}
	t := tensors.FromFlatDataAndDimensions(make([]float32, size), dims...)
	return t, t.MutableBytes(func(data []byte) { copy(data, text) })
}
