package lecture11

import (
	"fmt"
	"io"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// partProgress is the second part of a saved map: what is needed to go on training.
const partProgress = "progress"

// Parts names the parts of a saved training: the first is enough to use the maps, both are needed to go on training.
func (t *SOMTraining) Parts() []string { return []string{partWeights, partProgress} }

// Save writes one part of the state: "weights", or "progress", the last winners and how long they have been stable.
func (t *SOMTraining) Save(part string, w io.Writer) error {
	names, values, err := t.state(part)
	if err != nil {
		return err
	}
	header := weightsHeader{Format: weightsFormat, Part: part, Key: t.key, Step: t.step}
	for i, value := range values {
		header.Variables = append(header.Variables, variableHeader{
			Path: names[i], DType: value.DType().String(), Dims: value.Shape().Dimensions, Trainable: part == partWeights})
	}
	return writeWeights(w, header, values)
}

// state gives the tensors of a part and their names.
func (t *SOMTraining) state(part string) (names []string, values []*tensors.Tensor, err error) {
	switch part {
	case partWeights:
		return t.weightsState()
	case partProgress:
		return t.progressState()
	}
	return nil, nil, fmt.Errorf("lecture11: Save(%q), want one of %q", part, t.Parts())
}

func (t *SOMTraining) weightsState() (names []string, values []*tensors.Tensor, err error) {
	if t.w == nil && t.step == 0 {
		return nil, nil, fmt.Errorf("lecture11: %s is not trained yet", t.name)
	}
	for i, m := range t.maps {
		w, err := m.Weights()
		if err != nil {
			return nil, nil, err
		}
		names, values = append(names, fmt.Sprintf("map/%d", i)), append(values, w)
	}
	stopped := tensors.FromFlatDataAndDimensions([]int32{int32(t.stopped)}, 1)
	return append(names, "stopped"), append(values, stopped), nil
}

func (t *SOMTraining) progressState() (names []string, values []*tensors.Tensor, err error) {
	winners := t.winners
	if t.fits[0].Mode == "batch" && t.assigned != nil {
		if winners, err = tensors.CopyFlatData[int32](t.assigned); err != nil {
			return nil, nil, err
		}
	}
	names = []string{"stable"}
	values = []*tensors.Tensor{tensors.FromFlatDataAndDimensions([]int32{int32(t.stable), int32(t.changes)}, 2)}
	if t.columns != nil {
		columns := tensors.FromFlatDataAndDimensions(slices.Clone(t.columns), len(t.columns))
		names, values = append(names, "columns"), append(values, columns)
	}
	if len(winners) > 0 {
		names = append(names, "winners")
		values = append(values, tensors.FromFlatDataAndDimensions(slices.Clone(winners), len(winners)))
	}
	return names, values, nil
}

// Restore reads a part that Save wrote. Weights of another kind, architecture or data are refused: the error names the
// first field of the key that differs.
func (t *SOMTraining) Restore(part string, r io.Reader) error {
	values := map[string]*tensors.Tensor{}
	header, err := readPart(r, part, t.name, t.key, func(h variableHeader, value *tensors.Tensor) error {
		values[h.Path] = value
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.take(part, values); err != nil {
		return fmt.Errorf("lecture11: restoring %s: %w", t.name, err)
	}
	t.step, t.w = header.Step, nil
	return nil
}

// take takes restored values over.
func (t *SOMTraining) take(part string, values map[string]*tensors.Tensor) error {
	if part == partProgress {
		return t.takeProgress(values)
	}
	for i, m := range t.maps {
		w := values[fmt.Sprintf("map/%d", i)]
		if w == nil {
			return fmt.Errorf("the file has no weights of map %d", i)
		}
		if err := m.SetWeights(w); err != nil {
			return err
		}
		t.initial[i] = m.weights
	}
	stopped, err := int32s(values["stopped"], 1)
	if err != nil {
		return err
	}
	t.stopped = int(stopped[0])
	return nil
}

func (t *SOMTraining) takeProgress(values map[string]*tensors.Tensor) error {
	stable, err := int32s(values["stable"], 2)
	if err != nil {
		return err
	}
	t.stable, t.changes = int(stable[0]), int(stable[1])
	if err := t.takeSavedColumns(values["columns"]); err != nil {
		return err
	}
	if t.stream == nil {
		t.winners, err = int32s(values["winners"], t.data.l*t.program.k)
	}
	return err
}
