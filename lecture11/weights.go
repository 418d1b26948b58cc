package lecture11

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// The parts of a saved training: the weights are enough to use the model, both are needed to go on training.
const (
	partWeights   = "weights"
	partOptimizer = "optimizer"
)

// weightsFormat is the version of the layout below. A file is: the length of the header (uint32, little endian), the
// header as JSON, then the raw values of each variable in the header's order.
const weightsFormat = 1

// maxHeader bounds the header of a file, so that a damaged length cannot ask for all memory.
const maxHeader = 16 << 20

type weightsHeader struct {
	Format    int              `json:"format"`
	Part      string           `json:"part"`
	Key       map[string]any   `json:"key"`
	Step      int              `json:"step"`
	Variables []variableHeader `json:"variables"`
}

type variableHeader struct {
	Path      string `json:"path"`
	DType     string `json:"dtype"`
	Dims      []int  `json:"dims"`
	Trainable bool   `json:"trainable"`
}

// Parts names the parts of a saved training: the first is enough to use the model, all are needed to go on training.
func (t *Training) Parts() []string { return []string{partWeights, partOptimizer} }

// partOf says which part a variable is of: "weights" is what the model computes with, trained by gradients or made of such, and
// "optimizer" all that the training alone needs.
func partOf(v *model.Variable) string {
	if v.Trainable || v.Name() == singularName || v.Name() == spreadName || strings.HasPrefix(v.Path(), "/"+averageScope+"/") {
		return partWeights
	}
	return partOptimizer
}

// Save writes one part of the state: "weights", what the model computes with, or "optimizer", all the rest.
func (t *Training) Save(part string, w io.Writer) error {
	if !slices.Contains(t.Parts(), part) {
		return fmt.Errorf("lecture11: Save(%q), want one of %q", part, t.Parts())
	}
	header := weightsHeader{Format: weightsFormat, Part: part, Key: t.key, Step: t.step}
	var values []*tensors.Tensor
	for _, v := range t.variables() {
		if partOf(v) != part {
			continue
		}
		value, err := v.Value()
		if err != nil {
			return fmt.Errorf("lecture11: %s is not trained yet: %w", t.name, err)
		}
		header.Variables = append(header.Variables, variableHeader{
			Path: v.Path(), DType: v.DType().String(), Dims: v.Shape().Dimensions, Trainable: v.Trainable})
		values = append(values, value)
	}
	return writeWeights(w, header, values)
}

// writeWeights writes the header and the values.
func writeWeights(w io.Writer, header weightsHeader, values []*tensors.Tensor) error {
	text, err := json.Marshal(header)
	if err != nil {
		return fmt.Errorf("lecture11: header of the weights: %w", err)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if err := binary.Write(out, binary.LittleEndian, uint32(len(text))); err != nil {
		return err
	}
	if _, err := out.Write(text); err != nil {
		return err
	}
	for _, value := range values {
		var writeErr error
		if err := value.ConstBytes(func(data []byte) { _, writeErr = out.Write(data) }); err != nil {
			return err
		}
		if writeErr != nil {
			return writeErr
		}
	}
	return out.Flush()
}

// Restore reads a part that Save wrote. Weights of another kind, architecture or data are refused: the error names the
// first field of the key that differs.
func (t *Training) Restore(part string, r io.Reader) error {
	header, err := readPart(r, part, t.name, t.key, t.setVariable)
	if err != nil {
		return err
	}
	t.step = header.Step
	return nil
}

// readPart reads a part of the state of the training name, whose key is key, and hands each variable to take.
func readPart(r io.Reader, part, name string, key map[string]any,
	take func(h variableHeader, value *tensors.Tensor) error) (header weightsHeader, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if header, err = readHeader(in); err != nil {
		return header, err
	}
	if header.Part != part {
		return header, fmt.Errorf("lecture11: restoring %s: the file holds %q, want %q", name, header.Part, part)
	}
	if err := sameKey(header.Key, key); err != nil {
		return header, fmt.Errorf("lecture11: restoring %s: %w", name, err)
	}
	for _, v := range header.Variables {
		value, err := readTensor(in, v)
		if err == nil {
			err = take(v, value)
		}
		if err != nil {
			return header, fmt.Errorf("lecture11: restoring %s: variable %s: %w", name, v.Path, err)
		}
	}
	return header, nil
}

func readHeader(r io.Reader) (header weightsHeader, err error) {
	var size uint32
	if err := binary.Read(r, binary.LittleEndian, &size); err != nil {
		return header, fmt.Errorf("lecture11: weights cut off in the header: %w", err)
	}
	if size > maxHeader {
		return header, fmt.Errorf("lecture11: weights with a header of %d bytes, want at most %d: not a file of weights",
			size, maxHeader)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return header, fmt.Errorf("lecture11: weights cut off in the header: %w", err)
	}
	if err := json.Unmarshal(text, &header); err != nil {
		return header, fmt.Errorf("lecture11: header of the weights: %w", err)
	}
	if header.Format != weightsFormat {
		return header, fmt.Errorf("lecture11: weights of format %d, want %d", header.Format, weightsFormat)
	}
	return header, nil
}

// readTensor reads the raw values of one variable.
func readTensor(r io.Reader, h variableHeader) (*tensors.Tensor, error) {
	dtype, err := dtypes.DTypeString(h.DType)
	if err != nil {
		return nil, err
	}
	value := tensors.FromShape(shapes.Make(dtype, h.Dims...))
	var readErr error
	if err := value.MutableBytes(func(data []byte) { _, readErr = io.ReadFull(r, data) }); err != nil {
		return nil, err
	}
	if readErr != nil {
		return nil, fmt.Errorf("cut off: %w", readErr)
	}
	return value, nil
}

// setVariable sets a variable, and creates it if the store lacks it.
func (t *Training) setVariable(h variableHeader, value *tensors.Tensor) error {
	if v := t.store.GetVariable(h.Path); v != nil {
		return v.SetValue(value)
	}
	v, err := t.store.CreateVariable(h.Path, value)
	if err != nil {
		return err
	}
	v.SetTrainable(h.Trainable)
	return nil
}

// sameKey compares two keys as JSON and names the first field that differs.
func sameKey(got, want map[string]any) error {
	g, w, err := asJSON(got, want)
	if err != nil {
		return err
	}
	return firstDifference("", g, w)
}

// asJSON gives both values as they are after a way through JSON, so that 1 and 1.0 are the same.
func asJSON(a, b any) (x, y any, err error) {
	for _, p := range []struct {
		from any
		to   *any
	}{{a, &x}, {b, &y}} {
		text, err := json.Marshal(p.from)
		if err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(text, p.to); err != nil {
			return nil, nil, err
		}
	}
	return x, y, nil
}

// firstDifference walks two JSON values and returns an error with the path of the first difference.
func firstDifference(path string, got, want any) error {
	g, okG := got.(map[string]any)
	w, okW := want.(map[string]any)
	if !okG || !okW {
		if reflect.DeepEqual(got, want) {
			return nil
		}
		return fmt.Errorf("the file has %s = %v, want %v", path, got, want)
	}
	names := make([]string, 0, len(w))
	for name := range w {
		names = append(names, name)
	}
	for name := range g {
		if _, ok := w[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		sub := name
		if path != "" {
			sub = path + "." + name
		}
		if err := firstDifference(sub, g[name], w[name]); err != nil {
			return err
		}
	}
	return nil
}
