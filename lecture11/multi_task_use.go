package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"
)

// runBatch returns the number of objects in one call, which is smaller for many runs.
func (m *MultiTask) runBatch() int { return max(20, min(inferenceBatch, 10_000/m.cfg.Runs)) }

// forRuns copies the objects x [batch, n] to each run: [R, batch, n].
func (m *MultiTask) forRuns(x *Node) *Node {
	x = pixels(x)
	return BroadcastToDims(ExpandAxes(x, 0), m.cfg.Runs, x.Shape().Dim(0), x.Shape().Dim(1))
}

// Predict applies the head of a task in one run to the objects x [l, n]: probabilities of the classes [l, classes], or
// numbers [l, 1].
func (m *MultiTask) Predict(x *tensors.Tensor, run int, task string) (*tensors.Tensor, error) {
	defer m.reading()()
	if err := m.checkRun(run); err != nil {
		return nil, err
	}
	group, place, err := m.find(task)
	if err != nil {
		return nil, err
	}
	if err := m.checkObjects(x, m.cfg.Features, false); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("Predict run %d task %s", run, task)
	exec, err := program(&m.fitted, name, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{m.predict(scope, x, run, group, place)}
	})
	if err != nil {
		return nil, err
	}
	return first(mapRows(exec, x, m.runBatch(), nil))
}

// predict builds the output of a head of a group in one run. x: [batch, n]; result: [batch, width].
func (m *MultiTask) predict(scope *model.Scope, x *Node, run, group, place int) *Node {
	z := m.represent(scope, m.forRuns(x))
	out := m.heads(scope, z[len(z)-1])[group]                     // [R, batch, tasks, width]
	out = Slice(out, AxisElem(run), AxisRange(), AxisElem(place)) // [1, batch, 1, width]
	out = Reshape(out, x.Shape().Dim(0), m.groups[group].width())
	if m.groups[group].classes > 0 {
		out = Softmax(out)
	}
	return out
}

// Codes returns the activations of one run after the given number of layers of f, 1 … len(Hidden), for the objects x
// [l, n]: [l, size]. The last layer's are z = f(x, α).
func (m *MultiTask) Codes(x *tensors.Tensor, run, layers int) (*tensors.Tensor, error) {
	defer m.reading()()
	if err := m.checkRun(run); err != nil {
		return nil, err
	}
	if layers < 1 || layers > len(m.cfg.Hidden) {
		return nil, fmt.Errorf("lecture11: MultiTask.Codes after layer %d, want 1 to %d", layers, len(m.cfg.Hidden))
	}
	if err := m.checkObjects(x, m.cfg.Features, false); err != nil {
		return nil, err
	}
	exec, err := program(&m.fitted, fmt.Sprintf("Codes run %d layer %d", run, layers), func(scope *model.Scope, x *Node) []*Node {
		z := Slice(m.represent(scope, m.forRuns(x))[layers], AxisElem(run))
		return []*Node{Reshape(z, x.Shape().Dim(0), -1)}
	})
	if err != nil {
		return nil, err
	}
	return first(mapRows(exec, x, m.runBatch(), nil))
}

func (m *MultiTask) checkRun(run int) error {
	if run < 0 || run >= m.cfg.Runs {
		return fmt.Errorf("lecture11: run %d of a MultiTask with Runs = %d, want 0 to %d", run, m.cfg.Runs, m.cfg.Runs-1)
	}
	return nil
}

// find returns the group of a task and its place there.
func (m *MultiTask) find(task string) (group, place int, err error) {
	var names []string
	for g, tasks := range m.groups {
		for p, t := range tasks.tasks {
			if m.cfg.Tasks[t].Name == task {
				return g, p, nil
			}
			names = append(names, m.cfg.Tasks[t].Name)
		}
	}
	return 0, 0, fmt.Errorf("lecture11: no task %q, want one of %q", task, names)
}

// TaskResult describes how well one run solves a task.
type TaskResult struct {
	Loss     float64 // mean cross-entropy in nats, or mean squared error
	Accuracy float64 // share of objects whose most probable class is the label; NaN for numbers
	Objects  int     // number of objects with a label
}

// Evaluate measures each run on each task of d: [R][T]. With plans, one for each run, a run is measured only on its
// Objects. A task without known labels has NaN and 0 objects.
func (m *MultiTask) Evaluate(d TaskData, plans ...RunPlan) ([][]TaskResult, error) {
	defer m.reading()()
	if err := m.checkData(d); err != nil {
		return nil, err
	}
	measured, err := m.measured(d, plans)
	if err != nil {
		return nil, err
	}
	exec, err := program(&m.fitted, "Evaluate", func(scope *model.Scope, x, y *Node) []*Node {
		z := m.represent(scope, m.forRuns(x))
		outputs := m.heads(scope, z[len(z)-1])
		y = BroadcastToDims(ExpandAxes(y, 0), m.cfg.Runs, y.Shape().Dim(0), y.Shape().Dim(1))
		losses, _ := m.objectLosses(outputs, y)
		return []*Node{Transpose(losses, 0, 1), Transpose(m.hits(outputs, y), 0, 1)} // [batch, R, T] each
	})
	if err != nil {
		return nil, err
	}
	out, err := mapBatches(d.X, m.runBatch(), func(first int, batch *tensors.Tensor) ([]*tensors.Tensor, error) {
		size := batch.Shape().Dimensions[0]
		y, err := paddedRows(d.Y, first, min(size, d.Y.Shape().Dimensions[0]-first), size)
		if err != nil {
			return nil, err
		}
		return exec.Call(batch, y)
	})
	if err != nil {
		return nil, fmt.Errorf("lecture11: MultiTask.Evaluate: %w", err)
	}
	return m.results(out, d.Y, measured)
}

// measured returns a function that reports whether an object counts for a run.
func (m *MultiTask) measured(d TaskData, plans []RunPlan) (func(object, run int) bool, error) {
	if len(plans) == 0 {
		return func(int, int) bool { return true }, nil
	}
	if len(plans) != m.cfg.Runs {
		return nil, fmt.Errorf("lecture11: MultiTask.Evaluate: %d plans for MultiTaskConfig.Runs = %d, want none or one for each run", len(plans), m.cfg.Runs)
	}
	l := d.X.Shape().Dimensions[0]
	asked := make([]bool, l*m.cfg.Runs)
	for run, plan := range plans {
		if plan.Objects != nil {
			if err := rowsInRange(plan.Objects, l, run); err != nil {
				return nil, err
			}
		}
		for _, object := range plan.rows(l) {
			asked[object*m.cfg.Runs+run] = true
		}
	}
	return func(object, run int) bool { return asked[object*m.cfg.Runs+run] }, nil
}

// hits returns 1 where the most probable class is the label, else 0: [R, batch, T].
func (m *MultiTask) hits(outputs []*Node, y *Node) *Node {
	var parts []*Node
	for i, g := range m.groups {
		if g.classes == 0 {
			parts = append(parts, ZerosLike(Squeeze(outputs[i], -1)))
			continue
		}
		best := ArgMax(outputs[i], -1, dtypes.Int32)
		label := ConvertDType(pickTasks(y, g.tasks), dtypes.Int32)
		parts = append(parts, ConvertDType(Equal(best, label), outputs[i].DType()))
	}
	return m.inTaskOrder(parts)
}

// results averages losses and hits, [l, R, T] each, over the measured objects whose label is known.
func (m *MultiTask) results(out []*tensors.Tensor, labels *tensors.Tensor, measured func(object, run int) bool) ([][]TaskResult, error) {
	var flat [3][]float32
	for i, t := range append(out, labels) {
		var err error
		if flat[i], err = tensors.CopyFlatData[float32](t); err != nil {
			return nil, err
		}
	}
	runs, tasks := m.cfg.Runs, len(m.cfg.Tasks)
	results := make([][]TaskResult, runs)
	for r := range results {
		results[r] = make([]TaskResult, tasks)
	}
	for i, label := range flat[2] {
		if label != label {
			continue
		}
		object, t := i/tasks, i%tasks
		for r := range runs {
			if !measured(object, r) {
				continue
			}
			at := (object*runs+r)*tasks + t
			results[r][t].Loss += float64(flat[0][at])
			results[r][t].Accuracy += float64(flat[1][at])
			results[r][t].Objects++
		}
	}
	for r := range results {
		for t := range results[r] {
			results[r][t].average(m.cfg.Tasks[t].Classes > 0)
		}
	}
	return results, nil
}

// average divides the sums by the number of objects.
func (r *TaskResult) average(classes bool) {
	r.Loss /= float64(r.Objects)
	r.Accuracy /= float64(r.Objects)
	if !classes {
		r.Accuracy = math.NaN()
	}
}

// TaskMaps returns for each task the affine map from x to its output, in a run with linear layers: y = W x + b, Matrix
// [width, n].
func (m *MultiTask) TaskMaps(run int) ([]AffineMap, error) {
	defer m.reading()()
	if err := m.checkRun(run); err != nil {
		return nil, err
	}
	if err := m.checkNamedNets("TaskMaps"); err != nil {
		return nil, err
	}
	if m.cfg.Activation != "linear" && len(m.cfg.Hidden) > 0 {
		return nil, fmt.Errorf("lecture11: TaskMaps of a MultiTask with Activation %q, want \"linear\" or Hidden = {}", m.cfg.Activation)
	}
	code := AffineMap{Matrix: identity(m.cfg.Features), Offset: make([]float64, m.cfg.Features)}
	for i := range m.cfg.Hidden {
		layer, err := m.layerMap("/"+sharedScope(i), run)
		if err != nil {
			return nil, err
		}
		code = layer.after(code)
	}
	maps := make([]AffineMap, len(m.cfg.Tasks))
	for _, g := range m.groups {
		heads, err := m.layerMap("/heads/"+g.scopeName(), run)
		if err != nil {
			return nil, err
		}
		all, width := heads.after(code), g.width()
		for place, task := range g.tasks {
			rows := all.Matrix.Slice(place*width, (place+1)*width, 0, m.cfg.Features)
			maps[task] = AffineMap{mat.DenseCopyOf(rows), all.Offset[place*width : (place+1)*width]}
		}
	}
	return maps, nil
}

// layerMap returns the affine map of a layer of a run.
func (m *MultiTask) layerMap(scope string, run int) (AffineMap, error) {
	if err := m.checkTrained(); err != nil {
		return AffineMap{}, err
	}
	var parts [2][]float64
	var inputs int
	for i, name := range []string{weightsName, biasName} {
		v := variableAt(m.store, scope+"/"+name)
		flat, err := numbersOf(v)
		if err != nil {
			return AffineMap{}, err
		}
		size := len(flat) / m.cfg.Runs
		parts[i] = flat[run*size : (run+1)*size]
		if i == 0 {
			inputs = v.Shape().Dim(1)
		}
	}
	outputs := len(parts[1])
	return AffineMap{mat.DenseCopyOf(mat.NewDense(inputs, outputs, parts[0]).T()), parts[1]}, nil
}

// after returns the map x ↦ m(first(x)).
func (m AffineMap) after(first AffineMap) AffineMap {
	var matrix mat.Dense
	matrix.Mul(m.Matrix, first.Matrix)
	var offset mat.VecDense
	offset.MulVec(m.Matrix, mat.NewVecDense(len(first.Offset), first.Offset))
	offset.AddVec(&offset, mat.NewVecDense(len(m.Offset), m.Offset))
	return AffineMap{&matrix, offset.RawVector().Data}
}

func identity(n int) *mat.Dense {
	m := mat.NewDense(n, n, nil)
	for i := range n {
		m.Set(i, i, 1)
	}
	return m
}
