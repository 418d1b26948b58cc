package main

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/peers/venv"
	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

//go:embed som_defaults.py
var defaultsScript string

// The comparison of defaults: the grid, the passes over the objects and the seeds.
var defaultsGrid = lecture11.Grid{Width: 6, Height: 5}

const (
	defaultsEpochs   = 20
	defaultsSeeds    = 20
	defaultsFeatures = 4
)

// defaultsSet is a data set of the comparison.
type defaultsSet struct {
	name string
	x    *tensors.Tensor
}

// defaultsSets are Iris, and 150 objects of N(20, 1)⁴, of N(100, 1)⁴ and of grey bytes from 128 to 168.
func defaultsSets() ([]defaultsSet, error) {
	iris, err := data.Iris()
	if err != nil {
		return nil, err
	}
	sets := []defaultsSet{{"Iris", iris.Tensor()}}
	rng := rand.New(rand.NewPCG(1, 1))
	drawn := func(name string, draw func() float64) {
		flat := make([]float32, 150*defaultsFeatures)
		for i := range flat {
			flat[i] = float32(draw())
		}
		sets = append(sets, defaultsSet{name, tensors.FromFlatDataAndDimensions(flat, 150, defaultsFeatures)})
	}
	drawn("N(20, 1)⁴", func() float64 { return 20 + rng.NormFloat64() })
	drawn("N(100, 1)⁴", func() float64 { return 100 + rng.NormFloat64() })
	drawn("bytes 128–168", func() float64 { return float64(128 + rng.IntN(41)) })
	return sets, nil
}

// defaults compares the maps that both make without being told anything but the grid and the number of passes.
func defaults(python, dir string) error {
	if python == "" {
		var err error
		if python, err = venv.Python(packages...); err != nil {
			return err
		}
	}
	backend, err := device.Backend()
	if err != nil {
		return err
	}
	sets, err := defaultsSets()
	if err != nil {
		return err
	}
	for _, set := range sets {
		online, batch, err := theirDefaults(python, dir, set)
		if err != nil {
			return err
		}
		for _, row := range []struct {
			name string
			maps []*tensors.Tensor
		}{{"MiniSom, train", online}, {"MiniSom, train_batch_offline", batch}} {
			if err := printDefaults(backend, set, row.name, row.maps); err != nil {
				return err
			}
		}
		for _, mode := range []string{"online", "batch"} {
			for _, init := range []string{"", "samples", "uniform"} {
				maps, err := ourDefaults(backend, set, mode, init)
				if err != nil {
					return err
				}
				name := fmt.Sprintf("lecture11, %s, Init %q", mode, init)
				if err := printDefaults(backend, set, name, maps); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// theirDefaults runs the peer.
func theirDefaults(python, dir string, set defaultsSet) (online, batch []*tensors.Tensor, err error) {
	flat, err := lecture11.Components(set.x)
	if err != nil {
		return nil, nil, err
	}
	var raw []byte
	for _, v := range flat {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(v)))
	}
	in, out := filepath.Join(dir, "objects.f32"), filepath.Join(dir, "maps.f32")
	if err := os.WriteFile(in, raw, 0o600); err != nil {
		return nil, nil, err
	}
	args := []string{"-c", defaultsScript, in}
	for _, v := range []int{defaultsFeatures, defaultsGrid.Width, defaultsGrid.Height, defaultsEpochs, defaultsSeeds} {
		args = append(args, strconv.Itoa(v))
	}
	cmd := exec.Command(python, append(args, out)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, nil, fmt.Errorf("MiniSom: %w", err)
	}
	all, err := readFloats(out, defaultsSeeds, 2, defaultsGrid.Nodes()*defaultsFeatures)
	if err != nil {
		return nil, nil, err
	}
	weights := tensors.MustCopyFlatData[float32](all)
	for i, w := range slices.Collect(slices.Chunk(weights, defaultsGrid.Nodes()*defaultsFeatures)) {
		m := tensors.FromFlatDataAndDimensions(w, defaultsGrid.Nodes(), defaultsFeatures)
		if i%2 == 0 {
			online = append(online, m)
		} else {
			batch = append(batch, m)
		}
	}
	return online, batch, nil
}

// ourDefaults trains a map for each seed.
func ourDefaults(backend compute.Backend, set defaultsSet, mode, init string) (weights []*tensors.Tensor, err error) {
	var maps []*lecture11.SOM
	var fits []lecture11.SOMFit
	for seed := range int64(defaultsSeeds) {
		cfg := lecture11.SOMConfig{Grid: defaultsGrid, Features: defaultsFeatures, Init: init, Seed: seed}
		m, err := lecture11.NewSOM(backend, cfg)
		if err != nil {
			return nil, err
		}
		maps = append(maps, m)
		fits = append(fits, lecture11.SOMFit{Mode: mode, Epochs: defaultsEpochs, Seed: seed})
	}
	training, err := lecture11.TrainTogether(maps, set.x, set.name, nil, fits)
	if err != nil {
		return nil, err
	}
	var point *lecture11.CollapsedError // counted below
	if err := training.Run(context.Background(), nil); err != nil && !errors.As(err, &point) {
		return nil, err
	}
	for _, m := range maps {
		w, err := m.Weights()
		if err != nil {
			return nil, err
		}
		weights = append(weights, w)
	}
	return weights, nil
}

// printDefaults measures maps, all by the same code, and prints a row of the table.
func printDefaults(backend compute.Backend, set defaultsSet, name string, maps []*tensors.Tensor) error {
	qe, te, collapsed := 0.0, 0.0, 0
	for _, w := range maps {
		q, err := lecture11.NewMapQuality(backend, set.x, w, defaultsGrid)
		if err != nil {
			return err
		}
		qe += q.Quantisation / float64(len(maps))
		te += q.Topographic / float64(len(maps))
		if q.Collapsed {
			collapsed++
		}
	}
	fmt.Printf("%s, %s: QE %.4f, TE %.3f, %d of %d collapsed\n", set.name, name, qe, te, collapsed, len(maps))
	return nil
}
