package lecture11

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Start describes the initial weights that a run takes from a trained model. The zero value takes nothing.
type Start struct {
	Layers int  `json:"layers"` // number of leading layers of f; the seed draws the others
	Heads  bool `json:"heads"`  // the heads of tasks of the same name and width
}

// StartReport lists the layers and heads of m by what StartFrom did with them.
type StartReport struct {
	Taken      []string // taken by at least one run
	Skipped    []string // not requested, or there is no task of that name
	OtherShape []string // a head of that name with another width or on another code
}

// String returns the report in three lines.
func (r StartReport) String() string {
	return fmt.Sprintf("taken: %v\nskipped: %v\nof another shape: %v", r.Taken, r.Skipped, r.OtherShape)
}

// weightSource is a trained model whose weights can be taken.
type weightSource struct {
	cfg      MultiTaskConfig
	networks string // the ID of a custom f; "" for the layers that cfg names
	value    func(path string) (*tensors.Tensor, error)
}

// StartFrom takes weights of a trained model as the initial weights of m: f(x, α) was learnt on one set of tasks and is
// used on another (slides "Transfer learning", "Cut and fine-tune"). starts holds one Start for all runs, or one for
// each. If other has one run, all runs of m take its weights; if it has several, run r takes those of run r mod Runs of
// other. Call StartFrom before Training, whose key then holds the weights.
//
// A requested layer with another shape, or of a model with a custom f, is an error; a head with another shape is only
// reported.
func (m *MultiTask) StartFrom(other *MultiTask, starts ...Start) (StartReport, error) {
	if err := checkGiven("MultiTask.StartFrom", "the source model", other != nil, "a trained model"); err != nil {
		return StartReport{}, err
	}
	if err := m.checkSource(&other.fitted); err != nil {
		return StartReport{}, err
	}
	paths, values, err := other.trainableValues()
	if err != nil {
		return StartReport{}, fmt.Errorf("lecture11: MultiTask.StartFrom: %w", err)
	}
	return m.startFrom(weightSource{cfg: other.cfg, networks: other.networks, value: func(path string) (*tensors.Tensor, error) {
		i := slices.Index(paths, path)
		if i < 0 {
			return nil, fmt.Errorf("the other model has no %s", path)
		}
		return values[i], nil
	}}, starts)
}

// StartFromFile is StartFrom for the part "weights" of a training of another MultiTask.
func (m *MultiTask) StartFromFile(r io.Reader, starts ...Start) (StartReport, error) {
	p, err := readPart(r)
	if err == nil {
		err = p.checkModel(m.kind)
	}
	var source weightSource
	if err == nil {
		err = strictConfig(p.Config, &source.cfg)
	}
	if err != nil {
		return StartReport{}, fmt.Errorf("lecture11: MultiTask.StartFromFile: %w", err)
	}
	source.networks = p.Networks
	source.value = func(path string) (*tensors.Tensor, error) {
		value := p.values[strings.TrimPrefix(path, model.ScopeSeparator)]
		if value == nil {
			return nil, fmt.Errorf("the file has no %s", path)
		}
		return value, nil
	}
	return m.startFrom(source, starts)
}

func (m *MultiTask) startFrom(source weightSource, starts []Start) (report StartReport, err error) {
	err = m.guard.change("MultiTask.StartFrom", func() error {
		return allOrNone(m.store, func() (err error) {
			report, err = m.takeStarts(source, starts)
			return err
		})
	})
	return report, err
}

// takeStarts sets the weights that runs take, for callers that hold the right to change them.
func (m *MultiTask) takeStarts(source weightSource, starts []Start) (StartReport, error) {
	var report StartReport
	if err := errors.Join(m.checkNew(), m.checkNamedNets("StartFrom")); err != nil {
		return report, err
	}
	if len(starts) != 1 && len(starts) != m.cfg.Runs {
		return report, fmt.Errorf("lecture11: MultiTask.StartFrom: %d starts for MultiTaskConfig.Runs = %d, want one, or one for each run",
			len(starts), m.cfg.Runs)
	}
	if len(starts) == 1 {
		starts = slices.Repeat(starts, m.cfg.Runs)
	}
	if err := m.checkStarts(source, starts); err != nil {
		return report, err
	}
	for i := range m.cfg.Hidden {
		if err := m.startLayer(i, source, starts, &report); err != nil {
			return report, fmt.Errorf("lecture11: MultiTask.StartFrom: %w", err)
		}
	}
	for _, g := range m.groups {
		if err := m.startHeads(g, source, starts, &report); err != nil {
			return report, fmt.Errorf("lecture11: MultiTask.StartFrom: %w", err)
		}
	}
	return report, nil
}

// checkStarts returns an error that names the first requested layer that the other model lacks or has with another
// shape.
func (m *MultiTask) checkStarts(source weightSource, starts []Start) error {
	other := source.cfg
	for run, s := range starts {
		if s.Layers < 0 || s.Layers > len(m.cfg.Hidden) {
			return fmt.Errorf("lecture11: MultiTask.StartFrom: Start %d has Layers = %d, want 0 to %d, the number of shared layers",
				run, s.Layers, len(m.cfg.Hidden))
		}
		if s.Layers > 0 && source.networks != "" {
			return fmt.Errorf("lecture11: MultiTask.StartFrom: Start %d asks for %d layers, the other model has the custom networks %q instead of layers",
				run, s.Layers, source.networks)
		}
		for i := range s.Layers {
			if i >= len(other.Hidden) {
				return fmt.Errorf("lecture11: MultiTask.StartFrom: Start %d asks for %d layers, the other model has %d", run, s.Layers, len(other.Hidden))
			}
			from, to := layerShape(other, i), layerShape(m.cfg, i)
			if from != to || other.Activation != m.cfg.Activation {
				return fmt.Errorf("lecture11: MultiTask.StartFrom: %s of the other model maps %d to %d numbers by %s, want %d to %d by %s as here",
					sharedScope(i), from[0], from[1], other.Activation, to[0], to[1], m.cfg.Activation)
			}
		}
	}
	return nil
}

// layerShape returns the numbers of inputs and outputs of layer i of f.
func layerShape(c MultiTaskConfig, i int) [2]int {
	if i == 0 {
		return [2]int{c.Features, c.Hidden[0]}
	}
	return [2]int{c.Hidden[i-1], c.Hidden[i]}
}

// codeSize returns the number of components of z.
func (c MultiTaskConfig) codeSize() int {
	if len(c.Hidden) == 0 {
		return c.Features
	}
	return c.Hidden[len(c.Hidden)-1]
}

// startLayer sets the variables of a layer of f for the runs that take it, and draws those of the other runs.
func (m *MultiTask) startLayer(i int, source weightSource, starts []Start, report *StartReport) error {
	name := sharedScope(i)
	if !slices.ContainsFunc(starts, func(s Start) bool { return s.Layers > i }) {
		report.Skipped = append(report.Skipped, name)
		return nil
	}
	shape := layerShape(m.cfg, i)
	layer := newHostLayer(shape[0], shape[1], shape[1], m.cfg.Runs, m.cfg.Seed, i)
	weights, biases, err := source.layer("/" + name)
	if err != nil {
		return err
	}
	for run, s := range starts {
		if s.Layers > i {
			copy(layer.weightsOf(run), part(weights, run, source.cfg.Runs))
			copy(layer.biasesOf(run), part(biases, run, source.cfg.Runs))
		}
	}
	report.Taken = append(report.Taken, name)
	return m.create("/"+name, layer)
}

// layer returns the weights and biases of all runs at a scope.
func (s weightSource) layer(scope string) (weights, biases []float32, err error) {
	var flat [2][]float32
	for i, name := range []string{weightsName, biasName} {
		value, err := s.value(scope + "/" + name)
		if err != nil {
			return nil, nil, err
		}
		if flat[i], err = tensors.CopyFlatData[float32](value); err != nil {
			return nil, nil, err
		}
	}
	return flat[0], flat[1], nil
}

// part returns the weights that a run takes from flat, which holds those of runs runs: the weights of run mod runs.
func part(flat []float32, run, runs int) []float32 {
	size := len(flat) / runs
	from := run % runs
	return flat[from*size : (from+1)*size]
}

// hostLayer is a stacked layer in the memory of the host.
type hostLayer struct {
	inputs, outputs, runs int
	weights, biases       []float32
}

// newHostLayer draws the weights of a layer as newStackedLayer does, from the seed and the position of the layer.
func newHostLayer(inputs, outputs, fanOut, runs int, seed int64, place int) hostLayer {
	rng := rand.New(rand.NewPCG(uint64(seed), uint64(place)+7<<32))
	limit := math.Sqrt(6 / float64(inputs+fanOut))
	layer := hostLayer{inputs, outputs, runs, make([]float32, runs*inputs*outputs), make([]float32, runs*outputs)}
	for i := range layer.weights {
		layer.weights[i] = float32(limit * (2*rng.Float64() - 1))
	}
	return layer
}

func (l hostLayer) weightsOf(run int) []float32 { return part(l.weights, run, l.runs) }
func (l hostLayer) biasesOf(run int) []float32  { return part(l.biases, run, l.runs) }

// create creates the variables of a layer in a scope.
func (m *MultiTask) create(scope string, l hostLayer) error {
	_, err := m.store.CreateVariable(scope+"/"+weightsName, tensors.FromFlatDataAndDimensions(l.weights, l.runs, l.inputs, l.outputs))
	if err != nil {
		return err
	}
	_, err = m.store.CreateVariable(scope+"/"+biasName, tensors.FromFlatDataAndDimensions(l.biases, l.runs, l.outputs))
	return err
}

// startHeads sets the heads of a group for the runs that take them, task by task, and draws the others.
func (m *MultiTask) startHeads(g taskGroup, source weightSource, starts []Start, report *StartReport) error {
	wanted := slices.ContainsFunc(starts, func(s Start) bool { return s.Heads })
	layer := newHostLayer(m.cfg.codeSize(), len(g.tasks)*g.width(), g.width(), m.cfg.Runs, m.cfg.Seed, 1000+g.classes)
	took := false
	for place, task := range g.tasks {
		name := fmt.Sprintf("head %q", m.cfg.Tasks[task].Name)
		from, found := source.head(m.cfg.Tasks[task])
		switch {
		case !wanted || !found:
			report.Skipped = append(report.Skipped, name)
		case from.group.classes != g.classes || source.cfg.codeSize() != m.cfg.codeSize():
			report.OtherShape = append(report.OtherShape, fmt.Sprintf("%s: %d outputs on a code of %d there, %d on %d here", name,
				from.group.width(), source.cfg.codeSize(), g.width(), m.cfg.codeSize()))
		default:
			if err := layer.takeHead(place, from, source, starts); err != nil {
				return err
			}
			report.Taken = append(report.Taken, name)
			took = true
		}
	}
	if !took {
		return nil
	}
	return m.create("/heads/"+g.scopeName(), layer)
}

// sourceHead is the position of a task in another model: its group and its place in the group.
type sourceHead struct {
	group taskGroup
	place int
}

// head finds the task of the same name.
func (s weightSource) head(task Task) (sourceHead, bool) {
	for _, g := range groupTasks(s.cfg.Tasks) {
		for place, t := range g.tasks {
			if s.cfg.Tasks[t].Name == task.Name {
				return sourceHead{g, place}, true
			}
		}
	}
	return sourceHead{}, false
}

// takeHead copies the columns of one head to the head at place, for the runs that take heads.
func (l hostLayer) takeHead(place int, from sourceHead, source weightSource, starts []Start) error {
	weights, biases, err := source.layer("/heads/" + from.group.scopeName())
	if err != nil {
		return err
	}
	width := from.group.width()
	columns := len(from.group.tasks) * width
	for run, s := range starts {
		if !s.Heads {
			continue
		}
		w, b := part(weights, run, source.cfg.Runs), part(biases, run, source.cfg.Runs)
		for i := range l.inputs {
			copy(l.weightsOf(run)[i*l.outputs+place*width:], w[i*columns+from.place*width:][:width])
		}
		copy(l.biasesOf(run)[place*width:], b[from.place*width:][:width])
	}
	return nil
}
