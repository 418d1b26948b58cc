package lecture11

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// SOMTraining is the training of a Kohonen map, or of several together.
//
// Objects and weights are on the device, and one compiled program holds many steps. The numbers depend on the seeds and
// the device, not on the division of the steps into runs.
type SOMTraining struct {
	name    string
	key     map[string]any
	backend compute.Backend
	maps    []*SOM
	fits    []SOMFit
	initial []*tensors.Tensor // the initial weights of each map; nil: to be drawn
	data    *somData
	hashed  hashedInputs // the contents of data
	stream  SOMChunks    // objects that are not held; nil where data holds them
	program *somProgram

	mu          sync.Mutex   // of the state that follows; see som_guard.go
	taken       atomic.Int64 // step, for other goroutines
	step, steps int
	restored    restoredParts // since the last Run
	stable      int           // number of epochs since an object last changed its node
	stopped     int           // the step at which the clustering was stable for long enough; 0: not yet
	columns     []int32       // the components that training uses, see som_columns.go; nil before the first step
	winners     []int32       // [l · k], object by object, the node that won it last, −1 for none
	changes     int           // online, with StopWhenStable: objects of this epoch so far that changed their node

	exec     *Exec
	inputs   []string                   // of exec
	constant map[string]*tensors.Tensor // inputs that do not change
	frame    somFrame                   // of the objects and the weights on the device
	w        *tensors.Tensor            // [k, m, n], on the device, in the frame
	synced   []float32                  // w at the last copy to the maps, whose unchanged weights keep their digits; nil in a plain frame
	exact    *tensors.Tensor            // w of a saved training; nil if the maps' weights are exact
	assigned *tensors.Tensor            // batch: the winners on the device, [l, k]
	orders   []*somOrder
	streamed *somStreamed // the programs of a stream
}

// partProgress is the second part of a saved map: the state needed to continue the training.
const partProgress = "progress"

// Training prepares the training of the map on the objects x, [l, n]: float32, with NaN where a component is missing,
// or bytes 0…255 scaled to [0, 1]. id identifies x in the key of the result, such as the ID of a data set. w holds
// weights ω of the objects, [l], or is nil for 1: a batch training counts an object ω times, an online one moves nodes
// as far as ω visits do.
//
// The map starts from SOMConfig.Init, or from weights that it was given or has learnt before.
//
// Losses are "QE", the mean distance of an object to its winner in the unit of x, before the step; "radius", σ; and
// "moved", the share of objects whose winner differs from that of their last visit. With Heskes's winner there is also
// "energy", Σ_i ω_i·min_c Σ_b K(r(b, c))·‖x_i − w_b‖² / Σ_i ω_i.
func (m *SOM) Training(x *tensors.Tensor, id string, w *tensors.Tensor, fit SOMFit) (*SOMTraining, error) {
	return TrainTogether([]*SOM{m}, x, id, w, []SOMFit{fit})
}

// TrainTogether prepares the training of several maps on the same objects in one program. The maps may differ in size,
// seed, initial weights and schedules. They must have the same components, neighbourhood, mode, winner and number of
// steps. One element of fits applies to all maps. The result for each map is that of a separate training, up to
// rounding. Losses are means over the maps.
func TrainTogether(maps []*SOM, x *tensors.Tensor, id string, w *tensors.Tensor, fits []SOMFit) (*SOMTraining, error) {
	fits, err := checkTogether(maps, fits)
	if err != nil {
		return nil, err
	}
	data, err := newSOMData(x, w, maps[0].cfg)
	if err != nil {
		return nil, err
	}
	return newSOMTraining(maps, fits, data, id)
}

// checkTogether fills in the defaults of fits, one for each map, and checks that the maps can be trained together.
func checkTogether(maps []*SOM, fits []SOMFit) ([]SOMFit, error) {
	if len(maps) == 0 {
		return nil, fmt.Errorf("lecture11: TrainTogether of 0 maps, want at least 1")
	}
	if len(fits) != 1 && len(fits) != len(maps) {
		return nil, fmt.Errorf("lecture11: TrainTogether of %d maps with %d SOMFits, want 1 or one for each", len(maps), len(fits))
	}
	all := make([]SOMFit, len(maps))
	for i, m := range maps {
		if err := checkGiven("TrainTogether", fmt.Sprintf("map %d", i), m != nil, "a map"); err != nil {
			return nil, err
		}
		if j := slices.Index(maps[:i], m); j >= 0 {
			return nil, fmt.Errorf("lecture11: TrainTogether: map %d is map %d, want a map once", i, j)
		}
		all[i] = fits[i%len(fits)].withDefaults(m.cfg)
		if err := all[i].check(); err != nil {
			return nil, err
		}
		if err := sameProgram(maps[0], m, all[0], all[i]); err != nil {
			return nil, fmt.Errorf("lecture11: TrainTogether: map %d: %w", i, err)
		}
	}
	if len(maps) > 1 && all[0].StopWhenStable > 0 {
		return nil, fmt.Errorf("lecture11: TrainTogether: SOMFit.StopWhenStable = %d, want 0 for several maps",
			all[0].StopWhenStable)
	}
	return all, nil
}

// sameProgram returns an error that names the first property in which two maps differ although they must share it to be
// trained together.
func sameProgram(a, b *SOM, fitA, fitB SOMFit) error {
	for _, f := range []struct {
		field     string
		got, want any
	}{
		{"SOMConfig.Features", b.cfg.Features, a.cfg.Features},
		{"SOMConfig.Neighbourhood", b.cfg.Neighbourhood, a.cfg.Neighbourhood},
		{"SOMConfig.Distance", b.cfg.Distance, a.cfg.Distance},
		{"SOMConfig.DistanceFunc != nil", b.cfg.DistanceFunc != nil, a.cfg.DistanceFunc != nil},
		{"SOMFit.Mode", fitB.Mode, fitA.Mode},
		{"SOMFit.Winner", fitB.Winner, fitA.Winner},
		{"SOMFit.Epochs", fitB.Epochs, fitA.Epochs},
		{"SOMFit.Steps", fitB.Steps, fitA.Steps},
		{"SOMFit.StopWhenStable", fitB.StopWhenStable, fitA.StopWhenStable},
	} {
		if f.got != f.want {
			return fmt.Errorf("%s = %v, want %v as in map 0", f.field, f.got, f.want)
		}
	}
	return nil
}

// newSOMTraining creates a training.
func newSOMTraining(maps []*SOM, fits []SOMFit, data *somData, id string) (*SOMTraining, error) {
	t := &SOMTraining{backend: maps[0].backend, maps: maps, fits: fits, data: data, steps: fits[0].steps(data.l), frame: plainFrame()}
	for _, m := range maps {
		start, err := m.startWeights()
		if err != nil {
			return nil, err
		}
		t.initial = append(t.initial, start)
	}
	t.program = t.newProgram()
	if t.program.heskes && !t.program.kernelFits() {
		return nil, fmt.Errorf("lecture11: SOMFit.Winner = \"heskes\" for %d maps of %d nodes, want at most %d pairs of nodes",
			t.program.k, t.program.m, wholeKernel)
	}
	if err := t.checkDistances(); err != nil {
		return nil, err
	}
	for _, fit := range fits {
		t.orders = append(t.orders, &somOrder{kind: fit.Order, seed: fit.Seed, l: data.l, epoch: -1})
	}
	if t.program.heskes && !t.program.metric.squared() {
		return nil, fmt.Errorf("lecture11: SOMFit.Winner = \"heskes\" with SOMConfig.Distance = %q, want \"euclidean\"", t.program.metric.name)
	}
	return t, t.identify(id)
}

// startWeights returns the weights that the map was given or has learnt, or nil.
func (m *SOM) startWeights() (*tensors.Tensor, error) {
	m.guard.lock()
	defer m.guard.unlock()
	if !m.given {
		return nil, nil
	}
	w, err := m.latest()
	if err != nil {
		return nil, err
	}
	return w.LocalClone()
}

// newProgram gathers the properties on which the compiled program depends.
func (t *SOMTraining) newProgram() *somProgram {
	p := &somProgram{
		k: len(t.maps), l: t.data.l, hood: neighbourhoods[t.maps[0].cfg.Neighbourhood],
		metric: t.maps[0].cfg.metric(), missing: t.data.missing, weighted: t.data.weights != nil,
		heskes: t.fits[0].Winner == "heskes",
		// GoMLX's pure-Go backend can neither run such loops nor take slices at a computed place; see newTraining. The
		// operations of a custom distance may not be allowed in a loop.
		single: t.backend != nil && t.backend.Name() == pureGo || t.maps[0].cfg.DistanceFunc != nil,
	}
	for _, m := range t.maps {
		p.m = max(p.m, m.cfg.Nodes())
	}
	p.width = p.hood.columns(t.maps[0].cfg.Grid)
	p.use(t.data.n)
	return p
}

// Name returns a short name for people and files: "som-20x20".
func (t *SOMTraining) Name() string { return t.name }

// Key returns everything that identifies the trained map: configuration, data, weights of the objects, initial weights,
// seeds, version of the code.
func (t *SOMTraining) Key() map[string]any { return t.key }

// Step returns the number of steps taken: epochs in batch mode, objects online. It is Steps if the training ended
// because the clustering was stable.
func (t *SOMTraining) Step() int { return int(t.taken.Load()) }

// Steps returns the number of steps of the whole training.
func (t *SOMTraining) Steps() int { return t.steps }

// Describe returns a description of the given number of steps, such as "5 epochs".
func (t *SOMTraining) Describe(step int) string {
	if stopped := t.Stopped(); stopped > 0 && step >= t.steps {
		return "stable after " + t.epochsOf(stopped)
	}
	return t.epochsOf(step)
}

func (t *SOMTraining) epochsOf(step int) string {
	epochs := float64(step)
	if t.fits[0].Mode == "online" {
		epochs /= float64(t.data.l)
	}
	if epochs == 1 {
		return "1 epoch"
	}
	return fmt.Sprintf("%.3g epochs", epochs)
}

// Stopped returns the step at which the clustering had been stable for SOMFit.StopWhenStable epochs, or 0.
func (t *SOMTraining) Stopped() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopped
}

// Parts returns the names of the parts of a saved training. The first is enough to use the maps; both are needed to
// continue the training.
func (t *SOMTraining) Parts() []string { return []string{partWeights, partProgress} }
