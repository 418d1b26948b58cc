package lecture11

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// Save writes the model to w as a safetensors file: its weights and, in the metadata, its kind, its configuration and
// the training that they come from. Functions such as [LoadVAE] rebuild the model from the file alone.
func (f *fitted) Save(w io.Writer) error {
	p, err := f.partFile()
	if err != nil {
		return err
	}
	return writePart(w, p)
}

// partFile returns a copy of the parts of the model that a file keeps.
func (f *fitted) partFile() (p partFile, err error) {
	defer f.reading()()
	if err := f.checkTrained(); err != nil {
		return p, err
	}
	p = partFile{Info: Info{Part: partWeights, Key: f.trained.key, Step: f.trained.step}}
	err = f.describe(&p.Info)
	var variables weightSet
	if err == nil {
		variables, err = f.variableSet()
	}
	if err == nil {
		p.values, p.order, err = variables.values(partWeights)
	}
	if err != nil {
		return p, fmt.Errorf("lecture11: %s.Save: %w", f.kind, err)
	}
	return p, nil
}

// SaveFile saves the model to the file at path. It writes a temporary file beside path, syncs and renames it, so that
// path always holds either the old or the new version, complete.
func (f *fitted) SaveFile(path string) error { return saveFile(path, f.Save) }

// saveFile writes the output of save to the file at path, all or nothing.
func saveFile(path string, save func(w io.Writer) error) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("lecture11: SaveFile: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	err = save(temp)
	if err == nil {
		err = temp.Chmod(0o644)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	if err = os.Rename(temp.Name(), path); err != nil {
		return fmt.Errorf("lecture11: SaveFile: %w", err)
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// syncFolder makes a rename survive a power cut, where the system can.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // some systems cannot sync folders; the file itself is complete
		_ = d.Close()
	}
}

// describe fills in the description of the model in a file.
func (f *fitted) describe(info *Info) error {
	config, err := json.Marshal(f.config)
	if err != nil {
		return fmt.Errorf("lecture11: configuration of a %s: %w", f.kind, err)
	}
	info.Kind, info.Config, info.Networks = f.kind, config, f.networks
	return nil
}

// Load reads weights from a file of Save, or of the training of a model with the same configuration. On an error the
// model is unchanged. A model with custom networks, such as one of [NewGANOf], must be built with the same functions
// before its Load reads the file.
func (f *fitted) Load(r io.Reader) error {
	p, err := readPart(r)
	if err == nil {
		err = f.load(p)
	}
	if err != nil {
		return fmt.Errorf("lecture11: %s.Load: %w", f.kind, err)
	}
	return nil
}

// load replaces the weights of the model by those of a file.
func (f *fitted) load(p partFile) error {
	return f.guard.change(f.kind+".Load", func() error { return f.take(p) })
}

// take is load for callers that hold the right to change the weights.
func (f *fitted) take(p partFile) error {
	var here Info
	if err := f.describe(&here); err != nil {
		return err
	}
	if err := p.checkModel(f.kind); err != nil {
		return err
	}
	if p.Networks != here.Networks {
		return fmt.Errorf("the file holds a %s with the networks %q, want %q", p.Kind, p.Networks, here.Networks)
	}
	if err := sameConfig(p.Config, here.Config); err != nil {
		return err
	}
	variables, err := f.variableSet()
	if err != nil {
		return err
	}
	for _, v := range variables.networks {
		if err := checkShape(fileName(v), p.values[fileName(v)], v.Shape().Dimensions); err != nil {
			return err
		}
	}
	if err := f.replace(p.values, p.order); err != nil {
		return err
	}
	f.trained = provenance{p.Key, p.Step}
	return nil
}

// checkModel returns an error unless the file holds the weights of a model of the given kind.
func (p partFile) checkModel(kind string) error {
	switch {
	case p.Kind != kind:
		return fmt.Errorf("the file holds a model of kind %q, want %q", p.Kind, kind)
	case p.Part != partWeights:
		return fmt.Errorf("the file holds %q of a %s, want %q", p.Part, kind, partWeights)
	}
	return nil
}

// sameConfig returns an error that names the first field in which the configuration of a file differs from that of the
// model.
func sameConfig(file, model any) error {
	got, want, err := asJSON(file, model)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return firstDifference("", got, want)
}

// replace sets the weights of the model, all or none, and drops the remains of trainings of the former weights.
func (f *fitted) replace(values map[string]*tensors.Tensor, order []savedVariable) error {
	variables, err := f.variableSet()
	if err != nil {
		return err
	}
	if err := variables.set(partWeights, values, order); err != nil {
		return err
	}
	for _, v := range slices.Collect(f.store.IterVariables()) {
		if variables.part(v) != partWeights {
			if err := f.store.DeleteVariable(v.Path()); err != nil {
				return err
			}
		}
	}
	f.changes, f.trained = f.changes+1, provenance{}
	return nil
}

// strictConfig decodes a configuration. Unknown fields are an error.
func strictConfig(text json.RawMessage, config any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(config); err != nil {
		return fmt.Errorf("configuration %s: %w: the file may come from a newer version", text, err)
	}
	return nil
}
