package lecture11

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// identify sets the name and the key.
func (t *SOMTraining) identify(id string) error {
	t.name = fmt.Sprintf("som-%dx%d", t.maps[0].cfg.Width, t.maps[0].cfg.Height)
	if len(t.maps) > 1 {
		t.name = fmt.Sprintf("soms-%d", len(t.maps))
	}
	configs, starts, functions := []SOMConfig{}, []string{}, []string{}
	for i, m := range t.maps {
		start, err := contentsHash(t.initial[i])
		if err != nil {
			return err
		}
		function, err := t.fits[i].schedulesHash(t.steps)
		if err != nil {
			return err
		}
		configs, starts, functions = append(configs, m.cfg), append(starts, start), append(functions, function)
	}
	var err error
	if t.hashed, err = t.data.hashed(); err != nil {
		return err
	}
	t.key = map[string]any{
		"kind": "som", "model": configs, "fit": t.fits, "data": id, "inputs": t.hashed.hashes, "start": starts,
		"functions": functions, "code": codeVersion("som"),
	}
	distance, err := t.distanceHash()
	if err != nil {
		return fmt.Errorf("lecture11: cannot build %s: %w", t.name, err)
	}
	if distance != "" {
		t.key["distance"] = distance
	}
	return nil
}

// distanceHash identifies a custom distance by the graph that it builds for the objects of one step and all weights; it
// is "" for a named distance.
func (t *SOMTraining) distanceHash() (string, error) {
	p, rows := t.program, 1
	if p.metric.own == nil {
		return "", nil
	}
	if t.fits[0].Mode == "batch" && t.data.x != nil {
		rows = blockOfPairs(p.l, p.k*p.m*p.n)
	}
	return t.hashOf(p.metric, rows, p.k*p.m)
}

// hashOf hashes the graph of the distances between some objects and some weights.
func (t *SOMTraining) hashOf(metric somMetric, objects, weights int) (string, error) {
	n := t.program.n
	return newGraphHash(t.backend).of(func(inputs []*Node) *Node { return metric.pairs(inputs[0], inputs[1], nil) },
		shapes.Make(dtypes.Float32, objects, n), shapes.Make(dtypes.Float32, weights, n))
}

// checkDistances returns an error if a map has another custom distance than map 0 under the same ID: one program computes
// the distances of all maps.
func (t *SOMTraining) checkDistances() error {
	want := ""
	for i, m := range t.maps {
		if m.cfg.DistanceFunc == nil || len(t.maps) == 1 {
			continue
		}
		got, err := t.hashOf(m.cfg.metric(), 1, t.program.m)
		if err != nil {
			return fmt.Errorf("lecture11: TrainTogether: map %d: SOMConfig.DistanceFunc: %w", i, err)
		}
		if i == 0 {
			want = got
		}
		if got != want {
			return fmt.Errorf("lecture11: TrainTogether: map %d: SOMConfig.DistanceFunc %q computes something else than that of map 0, "+
				"want the same function", i, m.cfg.Distance)
		}
	}
	return nil
}
