package lecture11

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/lecture11/internal/safetensors"
)

// Info describes the contents of a file of weights and their origin. See [ReadInfo].
type Info struct {
	Kind     string          // of the model: "VAE", "SOM", …
	Part     string          // "weights", or the state that only a training needs
	Config   json.RawMessage // the model's configuration; of maps, a list
	Networks string          // the ID of custom networks; "" for those that Config names
	Library  string          // the versions of this module and of GoMLX that wrote the file
	Key      map[string]any  // the key of the training that made the weights; nil if there was none
	Step     int             // the steps of that training
	Weights  []WeightInfo    // by name
}

// WeightInfo is the name, type and shape of the tensor of a variable.
type WeightInfo struct {
	Name  string
	Shape shapes.Shape
}

// partFile is the contents of a file: a part of the state of a training, or the weights of a model.
type partFile struct {
	Info
	values map[string]*tensors.Tensor
	order  []savedVariable // of the variables of a store, in the order of their creation; nil for maps
}

// savedVariable describes a variable in a file, except for its value.
type savedVariable struct {
	Name  string `json:"name"`
	Fixed bool   `json:"fixed,omitempty"` // whether gradients do not train it
}

// fileFormat marks in the metadata a file of this package, with the version of the metadata.
const fileFormat = "lecture11/1"

// Names in the metadata.
const (
	metaFormat    = "format"
	metaKind      = "kind"
	metaPart      = "part"
	metaConfig    = "config"
	metaNetworks  = "networks"
	metaLibrary   = "library"
	metaKey       = "key"
	metaStep      = "step"
	metaVariables = "variables"
)

// ReadInfo reads the description of a file of weights, without the weights. It reads only the header. So it is fast,
// but does not notice a damaged file; the functions that load a model do.
func ReadInfo(r io.Reader) (Info, error) {
	if err := checkGiven("ReadInfo", "r", r != nil, "a reader of a file"); err != nil {
		return Info{}, err
	}
	f, err := safetensors.ReadHeader(r)
	if err != nil {
		return Info{}, fmt.Errorf("lecture11: ReadInfo: %w", err)
	}
	info, _, err := infoOf(f)
	if err != nil {
		return Info{}, fmt.Errorf("lecture11: ReadInfo: %w", err)
	}
	return info, nil
}

// ReadWeights reads the tensors of any safetensors file by name, whether this package or another program wrote it.
func ReadWeights(r io.Reader) (map[string]*tensors.Tensor, error) {
	if err := checkGiven("ReadWeights", "r", r != nil, "a reader of a file"); err != nil {
		return nil, err
	}
	f, err := safetensors.Read(r)
	if err == nil && !f.Checked && (f.Metadata[metaFormat] == fileFormat || f.Metadata[metaLibrary] != "") {
		err = fmt.Errorf("%w: its checksum is lost", safetensors.ErrDamaged)
	}
	var values map[string]*tensors.Tensor
	if err == nil {
		values, err = tensorsIn(f)
	}
	if err != nil {
		return nil, fmt.Errorf("lecture11: ReadWeights: %w", err)
	}
	return values, nil
}

// writePart writes a file.
func writePart(w io.Writer, p partFile) error {
	if w == nil {
		return errors.New("lecture11: the writer is nil, want one of a file")
	}
	key, err := sortedJSON(p.Key)
	if err != nil {
		return fmt.Errorf("lecture11: key of the weights: %w", err)
	}
	order, err := json.Marshal(p.order)
	if err != nil {
		return err
	}
	metadata := map[string]string{
		metaFormat: fileFormat, metaKind: p.Kind, metaPart: p.Part, metaConfig: string(p.Config), metaNetworks: p.Networks,
		metaLibrary: libraryVersion(), metaKey: string(key), metaStep: strconv.Itoa(p.Step), metaVariables: string(order),
	}
	var list []safetensors.Tensor
	for name, value := range p.values {
		t, err := fileTensor(name, value)
		if err != nil {
			return fmt.Errorf("lecture11: weights %s: %w", name, err)
		}
		list = append(list, t)
	}
	return safetensors.Write(w, metadata, list)
}

// sortedJSON returns JSON with the members of each object in the order of their names, so that a key read from a file
// is written in the same form.
func sortedJSON(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	return json.Marshal(plain)
}

// readPart reads a whole file that writePart wrote, and checks it before the caller sees any of it.
func readPart(r io.Reader) (partFile, error) {
	if r == nil {
		return partFile{}, errors.New("the reader is nil, want one of a file")
	}
	f, err := safetensors.Read(r)
	if err != nil {
		return partFile{}, err
	}
	if !f.Checked {
		return partFile{}, errors.New("the file has no checksum, want a file of this package; for one of another program use ReadWeights and SetWeights")
	}
	p := partFile{}
	if p.Info, p.order, err = infoOf(f); err != nil {
		return partFile{}, err
	}
	if p.values, err = tensorsIn(f); err != nil {
		return partFile{}, err
	}
	for _, v := range p.order {
		if p.values[v.Name] == nil {
			return partFile{}, fmt.Errorf("variable %s is missing", v.Name)
		}
	}
	return p, nil
}

// infoOf decodes the metadata.
func infoOf(f *safetensors.File) (info Info, order []savedVariable, err error) {
	m := f.Metadata
	if m[metaFormat] != fileFormat {
		return info, nil, fmt.Errorf("the file has the format %q, want %q: it is not a file of this version of lecture11", m[metaFormat], fileFormat)
	}
	info = Info{Kind: m[metaKind], Part: m[metaPart], Config: json.RawMessage(m[metaConfig]), Networks: m[metaNetworks], Library: m[metaLibrary]}
	step, stepErr := strconv.Atoi(m[metaStep])
	info.Step = step
	err = errors.Join(stepErr, json.Unmarshal([]byte(m[metaKey]), &info.Key), json.Unmarshal([]byte(m[metaVariables]), &order))
	if err != nil {
		return info, nil, fmt.Errorf("metadata: %w", err)
	}
	for _, t := range f.Tensors {
		shape, err := shapeOfTensor(t)
		if err != nil {
			return info, nil, err
		}
		info.Weights = append(info.Weights, WeightInfo{t.Name, shape})
	}
	slices.SortFunc(info.Weights, func(a, b WeightInfo) int { return cmp.Compare(a.Name, b.Name) })
	return info, order, nil
}

// fileDTypes holds the names of GoMLX's types in safetensors files.
var fileDTypes = map[dtypes.DType]string{
	dtypes.Bool: "BOOL", dtypes.Uint8: "U8", dtypes.Int8: "I8", dtypes.Uint16: "U16", dtypes.Int16: "I16",
	dtypes.Float16: "F16", dtypes.BFloat16: "BF16", dtypes.Uint32: "U32", dtypes.Int32: "I32", dtypes.Float32: "F32",
	dtypes.Uint64: "U64", dtypes.Int64: "I64", dtypes.Float64: "F64",
}

// shapeOfTensor returns GoMLX's shape of a tensor in a file.
func shapeOfTensor(t safetensors.Tensor) (shapes.Shape, error) {
	for dtype, name := range fileDTypes {
		if name == t.DType {
			return shapes.Make(dtype, t.Shape...), nil
		}
	}
	return shapes.Shape{}, fmt.Errorf("weights %s of type %s, want a type of GoMLX", t.Name, t.DType)
}

// fileTensor copies a tensor to the form of a file.
func fileTensor(name string, value *tensors.Tensor) (safetensors.Tensor, error) {
	dtype, ok := fileDTypes[value.DType()]
	if !ok {
		return safetensors.Tensor{}, fmt.Errorf("type %s cannot be saved", value.DType())
	}
	t := safetensors.Tensor{Name: name, DType: dtype, Shape: value.Shape().Dimensions}
	err := value.ConstBytes(func(data []byte) { t.Data = bytes.Clone(data) })
	return t, err
}

// tensorsIn returns copies of the tensors of a file, by name.
func tensorsIn(f *safetensors.File) (map[string]*tensors.Tensor, error) {
	values := make(map[string]*tensors.Tensor, len(f.Tensors))
	for _, t := range f.Tensors {
		shape, err := shapeOfTensor(t)
		if err != nil {
			return nil, err
		}
		value := tensors.FromShape(shape)
		if err := value.MutableBytes(func(data []byte) { copy(data, t.Data) }); err != nil {
			return nil, fmt.Errorf("weights %s: %w", t.Name, err)
		}
		values[t.Name] = value
	}
	return values, nil
}

// libraryVersion returns the versions of this module and of GoMLX that the program was linked with.
func libraryVersion() string {
	module := strings.TrimSuffix(reflect.TypeFor[Info]().PkgPath(), "/lecture11")
	versions := map[string]string{module: "(unknown)", "github.com/gomlx/gomlx": "(unknown)"}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(build.Deps, &build.Main) {
			if _, ok := versions[m.Path]; ok {
				versions[m.Path] = cmp.Or(m.Version, "(devel)")
			}
		}
	}
	return fmt.Sprintf("%s %s, github.com/gomlx/gomlx %s", module, versions[module], versions["github.com/gomlx/gomlx"])
}
