package lecture11

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
)

// Save writes the map to w as a safetensors file: its weights and, in the metadata, its configuration and the training
// that they come from. [LoadSOM] rebuilds the map from the file alone.
func (m *SOM) Save(w io.Writer) error {
	p, err := m.partFile()
	if err != nil {
		return err
	}
	if p.Config, err = json.Marshal([]SOMConfig{m.cfg}); err != nil {
		return fmt.Errorf("lecture11: SOM.Save: %w", err)
	}
	return writePart(w, p)
}

// partFile returns what a file keeps of the map, without its configuration.
func (m *SOM) partFile() (p partFile, err error) {
	m.guard.lock()
	defer m.guard.unlock()
	weights, err := m.latest() // which nobody changes
	if err != nil {
		return p, err
	}
	return partFile{
		Info:   Info{Kind: somKind, Part: partWeights, Key: m.trained.key, Step: m.trained.step},
		values: map[string]*tensors.Tensor{mapName(0): weights},
	}, nil
}

// SaveFile saves the map to the file at path. It writes a temporary file beside path, syncs and renames it, so that
// path always holds either the old or the new version, complete.
func (m *SOM) SaveFile(path string) error { return saveFile(path, m.Save) }

// LoadSOM returns the map in a file that [SOM.SaveFile] wrote, or in the part "weights" of the training of one map. It
// computes on backend and needs no data: the configuration is in the file. A damaged file, or one of another kind, is
// refused.
func LoadSOM(backend compute.Backend, r io.Reader) (*SOM, error) {
	if err := checkBackend("LoadSOM", backend); err != nil {
		return nil, err
	}
	maps, err := loadSOMs(backend, r)
	if err == nil && len(maps) != 1 {
		err = fmt.Errorf("the file holds %d maps, want one: LoadSOMs loads them all", len(maps))
	}
	if err != nil {
		return nil, fmt.Errorf("lecture11: LoadSOM: %w", err)
	}
	return maps[0], nil
}

// LoadSOMs returns the maps in the part "weights" of the training of several maps; see [TrainTogether] and [LoadSOM].
func LoadSOMs(backend compute.Backend, r io.Reader) ([]*SOM, error) {
	if err := checkBackend("LoadSOMs", backend); err != nil {
		return nil, err
	}
	maps, err := loadSOMs(backend, r)
	if err != nil {
		return nil, fmt.Errorf("lecture11: LoadSOMs: %w", err)
	}
	return maps, nil
}

func loadSOMs(backend compute.Backend, r io.Reader) ([]*SOM, error) {
	p, err := readPart(r)
	if err == nil {
		err = p.checkModel(somKind)
	}
	var configs []SOMConfig
	if err == nil {
		err = strictConfig(p.Config, &configs)
	}
	if err == nil && len(configs) == 0 {
		err = errors.New("the file holds no map, want at least one")
	}
	if err != nil {
		return nil, err
	}
	maps := make([]*SOM, len(configs))
	for i, config := range configs {
		if maps[i], err = NewSOM(backend, config); err != nil {
			return nil, err
		}
		if err := maps[i].take(p, i); err != nil {
			return nil, err
		}
	}
	return maps, nil
}

// Load reads weights from a file of Save, or of the training of one map with the same configuration. On an error the
// map is unchanged.
func (m *SOM) Load(r io.Reader) error {
	p, err := readPart(r)
	if err == nil {
		err = p.checkModel(somKind)
	}
	if err == nil {
		err = m.checkConfig(p.Config)
	}
	if err == nil {
		err = m.guard.change("SOM.Load", func() error { return m.take(p, 0) })
	}
	if err != nil {
		return fmt.Errorf("lecture11: SOM.Load: %w", err)
	}
	return nil
}

// checkConfig returns an error unless a file holds one map with the configuration of m.
func (m *SOM) checkConfig(config json.RawMessage) error {
	var there []any
	if err := json.Unmarshal(config, &there); err != nil || len(there) != 1 {
		return fmt.Errorf("the file holds %d maps (%v), want one", len(there), err)
	}
	return sameConfig(there[0], m.cfg)
}

// take takes over the weights of map i of a file.
func (m *SOM) take(p partFile, i int) error {
	value := p.values[mapName(i)]
	if value == nil {
		return fmt.Errorf("the file has no weights of map %d", i)
	}
	weights, err := m.copyWeights(value)
	if err != nil {
		return err
	}
	m.use(weights)
	m.trained = provenance{p.Key, p.Step}
	return nil
}
