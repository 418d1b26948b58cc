package lecture11

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
)

// SizeAdvice describes the quality of a map of one size.
type SizeAdvice struct {
	Grid    Grid
	Quality MapQuality
}

// AdviseSize trains one map per size together, with equal settings except for the grid, and measures each on the
// objects x [l, n]. With more nodes the quantisation error falls, while more nodes stay unused and the topographic
// error tends to rise. The best size depends on the purpose of the map; [UsualNodes] is a first guess. cfg and fit are
// those of one map; the grid of cfg determines whether it is hexagonal or a torus. id identifies x.
func AdviseSize(ctx context.Context, backend compute.Backend, x *tensors.Tensor, id string, cfg SOMConfig, sizes []Grid,
	fit SOMFit) ([]SizeAdvice, error) {
	if err := checkBackend("AdviseSize", backend); err != nil {
		return nil, err
	}
	if len(sizes) == 0 {
		return nil, fmt.Errorf("lecture11: AdviseSize of 0 sizes, want at least one")
	}
	maps := make([]*SOM, len(sizes))
	for i, size := range sizes {
		cfg.Width, cfg.Height = size.Width, size.Height
		m, err := NewSOM(backend, cfg)
		if err != nil {
			return nil, fmt.Errorf("lecture11: AdviseSize, size %d: %w", i, err)
		}
		maps[i] = m
	}
	training, err := TrainTogether(maps, x, id, nil, []SOMFit{fit})
	if err != nil {
		return nil, fmt.Errorf("lecture11: AdviseSize: %w", err)
	}
	var point *CollapsedError // the advice names these maps
	if err := training.Run(ctx, nil); err != nil && !errors.As(err, &point) {
		return nil, fmt.Errorf("lecture11: AdviseSize: %w", err)
	}
	advice := make([]SizeAdvice, len(sizes))
	for i, m := range maps {
		advice[i].Grid = m.cfg.Grid
		if advice[i].Quality, err = m.Quality(x); err != nil {
			return nil, fmt.Errorf("lecture11: AdviseSize, %s: %w", m.cfg.Grid, err)
		}
	}
	return advice, nil
}

// UsualNodes returns the usual first guess for the number of nodes for l objects, 5·√l. Vesanto & Alhoniemi 2000,
// "Clustering of the self-organizing map".
func UsualNodes(l int) int { return int(math.Round(5 * math.Sqrt(float64(l)))) }
