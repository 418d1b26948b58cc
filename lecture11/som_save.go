package lecture11

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// somKind is the kind of a map in files.
const somKind = "SOM"

// mapName returns the name of the weights of map i among the maps trained together.
func mapName(i int) string { return fmt.Sprintf("map/%d", i) }

// stoppedName is the name of the step at which the clustering was stable, or 0.
const stoppedName = "stopped"

// unitName and exactName name the unit of the device's frame and the weights in it, which are saved if those of the
// maps are rounded.
const unitName, exactName = "unit", "exact"

// Save writes one part of the state as a safetensors file. "weights" holds the maps. "progress" holds the last winners,
// the number of epochs in which they have been stable, and the device's own weights if it computes with another origin
// or in another unit. The maps can be loaded from "weights" alone; see [LoadSOM].
func (t *SOMTraining) Save(part string, w io.Writer) error {
	p, err := t.partFile(part)
	if err != nil {
		return fmt.Errorf("lecture11: saving %s: %w", t.name, err)
	}
	return writePart(w, p)
}

// partFile copies a part of the state.
func (t *SOMTraining) partFile(part string) (p partFile, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p = partFile{Info: Info{Kind: somKind, Part: part, Key: t.key, Step: t.step}}
	configs := make([]SOMConfig, len(t.maps))
	for i, m := range t.maps {
		configs[i] = m.cfg
	}
	if p.Config, err = json.Marshal(configs); err == nil {
		p.values, err = t.state(part)
	}
	return p, err
}

// state returns the tensors of a part by name.
func (t *SOMTraining) state(part string) (map[string]*tensors.Tensor, error) {
	switch part {
	case partWeights:
		return t.weightsState()
	case partProgress:
		return t.progressState()
	}
	return nil, fmt.Errorf("part %q, want one of %q", part, t.Parts())
}

func (t *SOMTraining) weightsState() (map[string]*tensors.Tensor, error) {
	if t.w == nil && t.step == 0 {
		return nil, fmt.Errorf("%s is not trained yet", t.name)
	}
	values := map[string]*tensors.Tensor{stoppedName: int32Tensor(int32(t.stopped))}
	for i, m := range t.maps {
		w, err := t.weightsOf(m)
		if err != nil {
			return nil, err
		}
		values[mapName(i)] = w
	}
	return values, nil
}

func (t *SOMTraining) progressState() (values map[string]*tensors.Tensor, err error) {
	winners := t.winners
	if t.fits[0].Mode == "batch" && t.assigned != nil {
		if winners, err = tensors.CopyFlatData[int32](t.assigned); err != nil {
			return nil, err
		}
	}
	values = map[string]*tensors.Tensor{"stable": int32Tensor(int32(t.stable), int32(t.changes))}
	if t.columns != nil {
		values["columns"] = int32Tensor(t.columns...)
	}
	if len(winners) > 0 {
		values["winners"] = int32Tensor(winners...)
	}
	if t.frame.plain() {
		return values, nil
	}
	exact := t.exact
	if t.w != nil {
		exact = t.w
	}
	if exact != nil {
		if values[exactName], err = exact.LocalClone(); err != nil {
			return nil, err
		}
	}
	values[unitName] = tensors.FromFlatDataAndDimensions([]float64{t.frame.unit}, 1)
	return values, nil
}

// int32Tensor returns a tensor [len(values)] of the values.
func int32Tensor(values ...int32) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(slices.Clone(values), len(values))
}

// Restore reads a part that Save wrote, all of it, or on an error nothing. A damaged file is refused, as are weights of
// another kind, architecture or data: the error names the first field of the key that differs.
func (t *SOMTraining) Restore(part string, r io.Reader) error {
	p, err := readPart(r)
	if err == nil {
		err = p.check(part, t.key)
	}
	if err == nil {
		err = t.change("Restore", func() error { return t.takePart(part, p) })
	}
	if err != nil {
		return fmt.Errorf("lecture11: restoring %s: %w", t.name, err)
	}
	return nil
}

// takePart takes over a part of the state. Its caller has claimed and locked the maps.
func (t *SOMTraining) takePart(part string, p partFile) error {
	if err := t.syncAll(); err != nil {
		return err
	}
	if err := t.take(part, p.values); err != nil {
		return err
	}
	t.step, t.w = p.Step, nil
	t.taken.Store(int64(t.step))
	t.restored.add(part, p.Step)
	if part == partWeights {
		t.madeMaps()
	}
	return nil
}

// take takes over restored values after checking all of them.
func (t *SOMTraining) take(part string, values map[string]*tensors.Tensor) error {
	if part == partProgress {
		return t.takeProgress(values)
	}
	stopped, err := int32s(values[stoppedName], 1)
	if err != nil {
		return err
	}
	weights := make([]*tensors.Tensor, len(t.maps))
	for i, m := range t.maps {
		if values[mapName(i)] == nil {
			return fmt.Errorf("the file has no weights of map %d", i)
		}
		if weights[i], err = m.copyWeights(values[mapName(i)]); err != nil {
			return err
		}
	}
	for i, m := range t.maps {
		m.use(weights[i])
		t.initial[i] = m.weights
	}
	t.stopped = int(stopped[0])
	return nil
}

func (t *SOMTraining) takeProgress(values map[string]*tensors.Tensor) error {
	stable, err := int32s(values["stable"], 2)
	if err != nil {
		return err
	}
	winners := t.winners
	if t.stream == nil {
		if winners, err = int32s(values["winners"], t.data.l*t.program.k); err != nil {
			return err
		}
	}
	if err := t.takeSavedColumns(values["columns"]); err != nil {
		return err
	}
	t.stable, t.changes, t.winners = int(stable[0]), int(stable[1]), winners
	if unit := values[unitName]; unit != nil && unit.Size() == 1 && unit.DType() == dtypes.Float64 && values[exactName] != nil {
		t.frame = somFrame{centre: t.data.centre, unit: tensors.MustCopyFlatData[float64](unit)[0]}
		t.exact = values[exactName]
	}
	return nil
}
