package lecture11

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// SOMConfig describes a Kohonen map. Zero fields take the default in their comment. As JSON it is part of the key under
// which a trained map is stored.
type SOMConfig struct {
	Grid                 // the sheet of neurons: Width, Height, Hex, Torus
	Features      int    `json:"features"`      // components n of an object x and of each weight vector w
	Neighbourhood string `json:"neighbourhood"` // K(r): "gaussian" (default), "cut gaussian", "bubble", "triangle", …; see [SOMConfig.Kernel]
	Init          string `json:"init"`          // first weights: "uniform" (default, the slide's ±1/√n), "samples" or "pca"
	Seed          int64  `json:"seed"`          // of the first weights
}

// withDefaults fills the zero fields.
func (c SOMConfig) withDefaults() SOMConfig {
	c.Neighbourhood = cmp.Or(c.Neighbourhood, "gaussian")
	c.Init = cmp.Or(c.Init, "uniform")
	return c
}

// check returns an error that names the first field that makes no map.
func (c SOMConfig) check() error {
	if err := c.Grid.check(); err != nil {
		return err
	}
	if c.Features < 1 {
		return fmt.Errorf("lecture11: SOMConfig.Features = %d, want the positive number of components of x", c.Features)
	}
	if err := checkName("SOMConfig.Neighbourhood", c.Neighbourhood, neighbourhoods); err != nil {
		return err
	}
	return checkName("SOMConfig.Init", c.Init, somInits)
}

// SOM is a Kohonen map (self-organizing map): m neurons on a grid, neuron (x, y) with a weight vector w_xy of n
// components. Two metrics act: ρ in the space of objects picks the winner, r on the grid weighs the update.
//
// Slides "Kohonen map" and "Kohonen map training"; Kohonen 1982.
type SOM struct {
	cfg     SOMConfig
	backend compute.Backend
	weights *tensors.Tensor // [m, n]; nil until they are drawn
	given   bool            // the weights came from SetWeights or from a training
	trained provenance      // of the weights
	sync    func() error    // takes over the weights of a training under way; nil when they are here
}

// NewSOM returns an untrained map that computes on backend. The error names the field of cfg that is wrong.
func NewSOM(backend compute.Backend, cfg SOMConfig) (*SOM, error) {
	if err := checkBackend("NewSOM", backend); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &SOM{cfg: cfg, backend: backend}, nil
}

// Config is the configuration with the defaults filled in.
func (m *SOM) Config() SOMConfig { return m.cfg }

// Weights is a copy of the weight vectors, [m, n], node by node. A map whose first weights come from the objects has
// none before its training.
func (m *SOM) Weights() (*tensors.Tensor, error) {
	if err := m.ensureWeights(); err != nil {
		return nil, err
	}
	flat, err := tensors.CopyFlatData[float32](m.weights)
	if err != nil {
		return nil, err
	}
	return tensors.FromFlatDataAndDimensions(flat, m.cfg.Nodes(), m.cfg.Features), nil
}

// SetWeights gives the map the weight vectors w, [m, n]: to start a training from them, or to read a map made elsewhere.
func (m *SOM) SetWeights(w *tensors.Tensor) error {
	weights, err := m.copyWeights(w)
	if err != nil {
		return err
	}
	m.use(weights)
	return nil
}

// use takes weights over that copyWeights has made.
func (m *SOM) use(weights *tensors.Tensor) {
	m.weights, m.given, m.sync, m.trained = weights, true, nil, provenance{}
}

// copyWeights copies weight vectors that fit the map and are all finite.
func (m *SOM) copyWeights(w *tensors.Tensor) (*tensors.Tensor, error) {
	if err := checkTensors("SOM.SetWeights", w); err != nil {
		return nil, err
	}
	want := []int{m.cfg.Nodes(), m.cfg.Features}
	if shape := w.Shape(); shape.DType != dtypes.Float32 || !slices.Equal(shape.Dimensions, want) {
		return nil, fmt.Errorf("lecture11: SetWeights of %s, want Float32 %v: the nodes of a grid %s and SOMConfig.Features = %d",
			shape, want, m.cfg.Grid, m.cfg.Features)
	}
	flat, err := tensors.CopyFlatData[float32](w)
	if err != nil {
		return nil, err
	}
	for i, v := range flat {
		if !finite(v) {
			return nil, fmt.Errorf("lecture11: SetWeights: component %d of node %d is %g, want finite numbers",
				i%m.cfg.Features, i/m.cfg.Features, v)
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, want...), nil
}

// ensureWeights draws the first weights where they need no objects.
func (m *SOM) ensureWeights() error {
	if m.sync != nil {
		if err := m.sync(); err != nil {
			return err
		}
	}
	if m.weights != nil {
		return nil
	}
	if m.cfg.Init != "uniform" {
		return fmt.Errorf("lecture11: the map has no weights yet: SOMConfig.Init = %q takes them from the objects of a "+
			"training", m.cfg.Init)
	}
	m.initialise(nil)
	return nil
}

// Winners finds the k nodes nearest to each object of x, [l, n]: nodes [l · k], nearest first, and their distances ρ,
// Euclidean over the components that are not NaN. See [FindNearest].
func (m *SOM) Winners(x *tensors.Tensor, k int) (nodes []int32, dist []float32, err error) {
	if err := m.ensureWeights(); err != nil {
		return nil, nil, err
	}
	near, err := FindNearest(m.backend, x, m.weights, k)
	if err != nil {
		return nil, nil, err
	}
	dist = make([]float32, len(near.Distances))
	for i, d := range near.Distances {
		dist[i] = float32(d)
	}
	return near.Nodes, dist, nil
}
