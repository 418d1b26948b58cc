package lecture11

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
)

// SizeAdvice is how good a map of one size became.
type SizeAdvice struct {
	Grid    Grid
	Quality MapQuality
}

// AdviseSize trains a map of each size together, alike but for the grid, and measures each on the objects x [l, n]: the
// quantisation error falls with the number of nodes, while more nodes stay unused and the topographic error tends to
// rise. Which trade is right depends on what the map is read for; [UsualNodes] is a place to start. cfg and fit are those
// of one map; the grid of cfg says whether it is hexagonal or a torus. id identifies x.
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
	var point *CollapsedError // the advice says which
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

// UsualNodes is the number of nodes that is usually tried first for l objects, 5·√l. Vesanto & Alhoniemi 2000, "Clustering
// of the self-organizing map".
func UsualNodes(l int) int { return int(math.Round(5 * math.Sqrt(float64(l)))) }
