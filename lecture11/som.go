package lecture11

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
)

// SOMConfig describes a Kohonen map. Zero fields take the default in their comment. As JSON it is part of the key under
// which a trained map is stored.
type SOMConfig struct {
	Grid                 // the sheet of neurons: Width, Height, Hex, Torus
	Features      int    `json:"features"`      // components n of an object x and of each weight vector w
	Neighbourhood string `json:"neighbourhood"` // K(r): "gaussian" (default), "cut gaussian", "bubble", "triangle", …; see [SOMConfig.Kernel]
	Init          string `json:"init"`          // initial weights: "pca" (default), "samples" (of the objects) or "uniform" (the slide's ±1/√n)
	Seed          int64  `json:"seed"`          // of the initial weights

	// Distance is ρ, by which an object x picks its winner:
	//
	//	euclidean  (default) √Σ_j (x_j − w_j)²
	//	manhattan  Σ_j |x_j − w_j|
	//	chebyshev  max_j |x_j − w_j|
	//	cosine     1 − x·w/(‖x‖·‖w‖)
	//
	// or the ID of DistanceFunc. With the cosine the map learns the directions x/‖x‖ instead of the objects.
	//
	// Nodes move towards objects in the same way with each distance. So in a batch with η = 1 a node moves to the w
	// that minimises Σ_i K·‖x_i − w‖² for the winners of that epoch; with the cosine this w also minimises Σ_i K·ρ(x_i,
	// w). With manhattan, chebyshev and a DistanceFunc the training lowers no sum of ρ, as in Kohonen's own rule for
	// other distances and in MiniSom.
	Distance string `json:"distance"`

	// DistanceFunc is a custom distance. Distance is then its ID. The key of a training contains the ID and a
	// hash of the graph that the function builds.
	DistanceFunc MapDistance `json:"-"`
}

// withDefaults fills the zero fields.
func (c SOMConfig) withDefaults() SOMConfig {
	c.Neighbourhood = cmp.Or(c.Neighbourhood, "gaussian")
	c.Init = cmp.Or(c.Init, "pca")
	if c.DistanceFunc == nil {
		c.Distance = cmp.Or(c.Distance, euclideanMetric.name)
	}
	return c
}

// check returns an error that names the first invalid field.
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
	if err := c.checkDistance(); err != nil {
		return err
	}
	return checkName("SOMConfig.Init", c.Init, somInits)
}

// SOM is a Kohonen map (self-organizing map): m neurons on a grid, where neuron (x, y) has a weight vector w_xy of n
// components. There are two metrics: ρ in the space of objects picks the winner, and r on the grid weights the update.
//
// Slides "Kohonen map" and "Kohonen map training"; Kohonen 1982.
type SOM struct {
	cfg     SOMConfig
	backend compute.Backend

	guard   *guard          // of the fields below
	weights *tensors.Tensor // [m, n]; nil until they are drawn; replaced, never changed
	given   bool            // whether the weights came from SetWeights or from a training
	trained provenance      // of the weights
	sync    func() error    // takes over the weights of a running training; nil if weights is up to date
}

// NewSOM returns an untrained map that computes on backend. The error names the invalid field of cfg.
func NewSOM(backend compute.Backend, cfg SOMConfig) (*SOM, error) {
	if err := checkBackend("NewSOM", backend); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &SOM{cfg: cfg, backend: backend, guard: &guard{}}, nil
}

// Config returns the configuration with the defaults filled in.
func (m *SOM) Config() SOMConfig { return m.cfg }

// Weights returns a copy of the weight vectors, [m, n], node by node: float32, or float64 if the map was trained on
// objects with more digits than float32 has. A map whose initial weights come from the objects has none before its
// training.
func (m *SOM) Weights() (*tensors.Tensor, error) {
	w, err := m.current()
	if err != nil {
		return nil, err
	}
	return w.LocalClone()
}

// SetWeights sets the weight vectors to w, [m, n] float32 or float64: the start of a training, or a map that was
// trained elsewhere.
func (m *SOM) SetWeights(w *tensors.Tensor) error {
	weights, err := m.copyWeights(w)
	if err != nil {
		return err
	}
	return m.guard.change("SOM.SetWeights", func() error {
		m.use(weights)
		return nil
	})
}

// use takes over weights that copyWeights returned. Its caller holds the guard.
func (m *SOM) use(weights *tensors.Tensor) {
	m.weights, m.given, m.sync, m.trained, m.guard.last = weights, true, nil, provenance{}, nil
}

// copyWeights copies weight vectors after checking that they fit the map and are finite.
func (m *SOM) copyWeights(w *tensors.Tensor) (*tensors.Tensor, error) {
	if err := checkTensors("SOM.SetWeights", w); err != nil {
		return nil, err
	}
	want := []int{m.cfg.Nodes(), m.cfg.Features}
	if w == nil || !isFloat(w) || !slices.Equal(w.Shape().Dimensions, want) {
		return nil, fmt.Errorf("lecture11: SetWeights of %s, want Float32 %v: the nodes of a grid %s and SOMConfig.Features = %d",
			shapeOf(w), want, m.cfg.Grid, m.cfg.Features)
	}
	flat, err := float64s(w)
	if err != nil {
		return nil, err
	}
	for i, v := range flat {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("lecture11: SetWeights: component %d of node %d is %g, want finite numbers",
				i%m.cfg.Features, i/m.cfg.Features, v)
		}
	}
	return m.cfg.weightsOf(flat, wide(w.DType())), nil
}

// Nearest finds the k nodes nearest to each object of x, [l, n], by the map's distance. See [FindNearest].
func (m *SOM) Nearest(x *tensors.Tensor, k int) (*Nearest, error) {
	w, err := m.current()
	if err != nil {
		return nil, err
	}
	return m.nearestTo(w, x, k)
}

// nearestTo is Nearest for weights that current returned.
func (m *SOM) nearestTo(w, x *tensors.Tensor, k int) (*Nearest, error) {
	return findNearest(m.backend, x, w, k, m.cfg.metric())
}

// Winners returns Nearest as two lists: nodes [l · k], the nearest first, and their distances ρ.
func (m *SOM) Winners(x *tensors.Tensor, k int) (nodes []int32, dist []float32, err error) {
	near, err := m.Nearest(x, k)
	if err != nil {
		return nil, nil, err
	}
	dist = make([]float32, len(near.Distances))
	for i, d := range near.Distances {
		dist[i] = float32(d)
	}
	return near.Nodes, dist, nil
}
