package lecture11

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// RunPlan describes how the training of one run differs from a plain one. The zero value is a plain training on all
// objects.
type RunPlan struct {
	Objects []int `json:"objects"` // indices of the objects that this run trains on; nil: all

	// Frozen is the number of leading layers of f that keep their weights, to the last bit.
	Frozen int `json:"frozen"`
	// HeadFirst is the share of the training, 0 to 1, in which only the heads are trained; then all layers are (LP-FT,
	// Kumar et al. 2022).
	HeadFirst float64 `json:"head_first"`
	// KeepNear is μ ≥ 0 of the penalty μ/2·‖α − α₀‖², with α₀ the weights of f at the start (L2-SP, Li et al. 2018).
	KeepNear float64 `json:"keep_near"`
	// HeadRate is a factor ≥ 0 of Adam's step for the heads; nil stands for 1. A head alone on frozen layers needs 10.
	HeadRate *float64 `json:"head_rate"`
	// HeadDecay is μ ≥ 0 of the penalty μ/2·‖β‖² on the heads' weights, not their biases.
	HeadDecay float64 `json:"head_decay"`
}

// check returns an error that names the first invalid field of the plan of a run.
func (p RunPlan) check(m *MultiTask, l, run int) error {
	switch {
	case p.Frozen < 0 || p.Frozen > len(m.cfg.Hidden):
		return fmt.Errorf("lecture11: RunPlan %d has Frozen = %d, want 0 to %d, the number of shared layers", run, p.Frozen, len(m.cfg.Hidden))
	case !(p.HeadFirst >= 0 && p.HeadFirst <= 1):
		return fmt.Errorf("lecture11: RunPlan %d has HeadFirst = %g, want a share of the training in [0, 1]", run, p.HeadFirst)
	case !(p.KeepNear >= 0) || math.IsInf(p.KeepNear, 0):
		return fmt.Errorf("lecture11: RunPlan %d has KeepNear = %g, want μ ≥ 0", run, p.KeepNear)
	case p.HeadRate != nil && (!(*p.HeadRate >= 0) || math.IsInf(*p.HeadRate, 0)):
		return fmt.Errorf("lecture11: RunPlan %d has HeadRate = %g, want a factor ≥ 0", run, *p.HeadRate)
	case !(p.HeadDecay >= 0) || math.IsInf(p.HeadDecay, 0):
		return fmt.Errorf("lecture11: RunPlan %d has HeadDecay = %g, want μ ≥ 0", run, p.HeadDecay)
	}
	if p.Objects == nil {
		return nil
	}
	return rowsInRange(p.Objects, l, run)
}

// Training prepares the training of all runs on d. plans holds no plan, so that each run trains on all objects; one
// plan for all runs; or one plan per run.
//
// A step takes Batch objects for each run. An epoch is a pass over the objects of the run that has most; runs with
// fewer repeat theirs. The loss is a mean over runs; with 2 to 20 tasks the loss of each is also reported, under its
// name.
func (m *MultiTask) Training(d TaskData, cfg FitConfig, plans ...RunPlan) (*Training, error) {
	if err := m.checkData(d); err != nil {
		return nil, err
	}
	plans, err := m.plansFor(d, plans)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults(defaultBatch) // a run with fewer objects repeats them
	if cfg.Batch < 1 {
		return nil, cfg.check(1)
	}
	plansID, err := planKey(plans)
	if err != nil {
		return nil, err
	}
	order := m.objectTable(d.X.Shape().Dimensions[0], cfg, plans)
	return m.training(trainingSpec{
		kind: "multi-task", name: fmt.Sprintf("tasks-%d", len(m.cfg.Tasks)), model: m.cfg, seed: m.cfg.Seed, fit: cfg, id: d.ID,
		settings: map[string]any{"plans": plansID},
		objects:  []namedTensor{{"order", order}},
		whole:    []namedTensor{{"objects", d.X}, {"labels", d.Y}, {"weights", weightColumn(d)}},
		build: func(scope *model.Scope, now *stepNumbers, batch []*Node) []Loss {
			return m.step(scope, plans, now, batch[0], batch[1:])
		},
		evaluate: m.heldOut,
	})
}

// heldOut evaluates Σ λ_t ℒ_t of held-out objects, as a mean over runs, for every balance of the tasks.
func (m *MultiTask) heldOut(e *Evaluation) (*heldOutSet, error) {
	x, err := e.objects()
	if err != nil {
		return nil, err
	}
	if e.Y == nil {
		return nil, errors.New("lecture11: FitConfig.Evaluation.Y = nil, want the labels of the tasks")
	}
	if err := m.checkData(TaskData{X: e.X, Y: e.Y, ID: e.ID}); err != nil {
		return nil, err
	}
	inputs := []namedTensor{x, {"labels", e.Y}}
	return &heldOutSet{inputs: inputs, losses: func(scope *model.Scope, batch []*Node) []Loss {
		eachRun := func(x *Node) *Node {
			return BroadcastToDims(ExpandAxes(x, 0), append([]int{m.cfg.Runs}, x.Shape().Dimensions...)...)
		}
		y := eachRun(batch[1])
		weight := OnesLike(Slice(y, AxisRange(), AxisRange(), AxisRange(0, 1))) // [R, batch, 1]
		losses := m.batchLosses(scope, eachRun(pixels(batch[0])), y, weight)    // [R, T]
		total := ReduceAllSum(Mul(losses, m.taskWeights(losses.Graph())))
		return m.namedLosses(total, losses)
	}}, nil
}

// planKey returns a key that identifies a list of plans, which may hold many objects.
func planKey(plans []RunPlan) (string, error) {
	text, err := json.Marshal(plans)
	if err != nil {
		return "", fmt.Errorf("lecture11: key of run plans: %w", err)
	}
	hash := sha256.New()
	hash.Write(text)
	return digestOf(hash), nil
}

// plansFor returns a plan for each run after checking them and the objects that they train on.
func (m *MultiTask) plansFor(d TaskData, plans []RunPlan) ([]RunPlan, error) {
	if len(plans) == 0 {
		plans = []RunPlan{{}}
	}
	if len(plans) != 1 && len(plans) != m.cfg.Runs {
		return nil, fmt.Errorf("lecture11: %d plans for MultiTaskConfig.Runs = %d, want none, one, or one for each run", len(plans), m.cfg.Runs)
	}
	y, err := tensors.CopyFlatData[float32](d.Y)
	if err != nil {
		return nil, err
	}
	l := d.X.Shape().Dimensions[0]
	for run, plan := range plans {
		if err := plan.check(m, l, run); err != nil {
			return nil, err
		}
		rows, where := allRows(l), ""
		if plan.Objects != nil {
			rows, where = plan.Objects, fmt.Sprintf(" of run %d", run)
		}
		if plan.Objects == nil && run > 0 {
			continue // the same as run 0
		}
		if err := m.checkTrainable(d, y, rows, where); err != nil {
			return nil, err
		}
	}
	if len(plans) == 1 {
		plans = slices.Repeat(plans, m.cfg.Runs)
	}
	return plans, nil
}

// objectTable lays out the objects of an epoch: row i has the i-th object of each run, [rows, R]. Each run shuffles its
// own objects and repeats them if others have more.
func (m *MultiTask) objectTable(l int, cfg FitConfig, plans []RunPlan) *tensors.Tensor {
	rows := cfg.Batch
	for _, plan := range plans {
		rows = max(rows, len(plan.rows(l)))
	}
	table := make([]int32, rows*len(plans))
	for run, plan := range plans {
		rng := rand.New(rand.NewPCG(uint64(cfg.Seed), uint64(run)+1<<32))
		objects := slices.Clone(plan.rows(l))
		for i := range rows {
			at := i % len(objects)
			if at == 0 {
				rng.Shuffle(len(objects), func(a, b int) { objects[a], objects[b] = objects[b], objects[a] })
			}
			table[i*len(plans)+run] = int32(objects[at])
		}
	}
	return tensors.FromFlatDataAndDimensions(table, rows, len(plans))
}

// rows returns the indices of the run's objects among l.
func (p RunPlan) rows(l int) []int {
	if p.Objects == nil {
		return allRows(l)
	}
	return p.Objects
}

// weightColumn returns the objects' weights, [l, 1], or a single 1 for all, [1, 1].
func weightColumn(d TaskData) *tensors.Tensor {
	if d.Weights == nil {
		return tensors.FromFlatDataAndDimensions([]float32{1}, 1, 1)
	}
	flat := make([]float32, len(d.Weights))
	for i, w := range d.Weights {
		flat[i] = float32(w)
	}
	return tensors.FromFlatDataAndDimensions(flat, len(flat), 1)
}

// step builds a step. objects: indices [batch, R]; data: x [l, n], y [l, T], weights [l, 1] or [1, 1].
func (m *MultiTask) step(scope *model.Scope, plans []RunPlan, now *stepNumbers, objects *Node, data []*Node) []Loss {
	at := ExpandAxes(Transpose(objects, 0, 1), -1) // [R, batch, 1]
	x, y, weight := pixels(Gather(data[0], at)), Gather(data[1], at), data[2]
	if weight.Shape().Dim(0) > 1 {
		weight = Gather(weight, at)
	} else {
		weight = ExpandAxes(weight, 0)
	}
	s := taskStep{m: m, scope: scope, now: now, losses: m.batchLosses(scope, x, y, weight)}
	s.extra, s.share = m.penalties(scope, now.progress, plans), stepShares(now.progress, plans)
	total := balances[m.cfg.Balance](s)
	return m.namedLosses(total, s.losses)
}

// namedLosses returns the mean over runs of total, a sum over runs, and, for a few tasks, that of each task. of: [R,
// T].
func (m *MultiTask) namedLosses(total, of *Node) []Loss {
	losses := []Loss{{totalLoss, MulScalar(total, 1/float64(m.cfg.Runs))}}
	if n := len(m.cfg.Tasks); n > 1 && n <= maxNamedLosses {
		for t, task := range m.cfg.Tasks {
			losses = append(losses, Loss{task.Name, ReduceAllMean(Slice(of, AxisRange(), AxisElem(t)))})
		}
	}
	return losses
}

// maxNamedLosses limits the number of tasks whose losses are reported one by one.
const maxNamedLosses = 20

// stepShares returns a function for the factors of a variable's step in each run. A variable of f has 0 while the plan
// keeps it, else 1; a variable of the heads has HeadRate. stepShares returns nil if no plan needs factors.
func stepShares(progress *Node, plans []RunPlan) func(v *model.Variable) *Node {
	if !slices.ContainsFunc(plans, func(p RunPlan) bool { return p.Frozen > 0 || p.HeadFirst > 0 || p.HeadRate != nil }) {
		return nil
	}
	return func(v *model.Variable) *Node {
		if isShared(v) {
			return perRun(sharedShares(progress, plans, v), v.Shape().Rank())
		}
		if !strings.HasPrefix(v.Scope(), "/heads") {
			return nil
		}
		rates := make([]float32, len(plans))
		for r, plan := range plans {
			rates[r] = float32(*valueOr(plan.HeadRate, 1))
		}
		return perRun(Const(progress.Graph(), rates), v.Shape().Rank())
	}
}

// sharedShares returns the factors of a variable of f: [R].
func sharedShares(progress *Node, plans []RunPlan, v *model.Variable) *Node {
	var layer int
	if _, err := fmt.Sscanf(v.Scope(), "/shared_%d", &layer); err != nil {
		panic(fmt.Sprintf("lecture11: %s is not a shared layer", v.Scope())) // isShared has checked it
	}
	free, from := make([]float32, len(plans)), make([]float32, len(plans))
	for r, plan := range plans {
		from[r] = float32(plan.HeadFirst)
		if layer >= plan.Frozen {
			free[r] = 1
		}
	}
	moving := GreaterOrEqual(progress, Const(progress.Graph(), from))
	return Mul(Const(progress.Graph(), free), ConvertDType(moving, dtypes.Float32))
}

// perRun reshapes a vector [R] to [R, 1, …] of the given rank.
func perRun(vector *Node, rank int) *Node {
	for vector.Rank() < rank {
		vector = ExpandAxes(vector, -1)
	}
	return vector
}

// penalties returns Σ over runs of μ/2·‖α − α₀‖² and μ/2·‖β‖²: a scalar.
func (m *MultiTask) penalties(scope *model.Scope, progress *Node, plans []RunPlan) *Node {
	g := progress.Graph()
	sum := Const(g, float32(0))
	near, decay := make([]float32, len(plans)), make([]float32, len(plans))
	for r, plan := range plans {
		near[r], decay[r] = float32(plan.KeepNear), float32(plan.HeadDecay)
	}
	for _, v := range trainable(scope, g) {
		value := v.NodeValue(g)
		switch {
		case isShared(v) && slices.Max(near) > 0:
			sum = Add(sum, halfSquares(Sub(value, origin(scope, v, progress)), near))
		case !isShared(v) && v.Name() == weightsName && slices.Max(decay) > 0:
			sum = Add(sum, halfSquares(value, decay))
		}
	}
	return sum
}

// halfSquares returns Σ_r μ_r/2·‖x_r‖². x: [R, …].
func halfSquares(x *Node, mu []float32) *Node {
	return MulScalar(ReduceAllSum(Mul(Square(x), perRun(Const(x.Graph(), mu), x.Rank()))), 0.5)
}

// origin returns the value that a variable had at the start of the training.
func origin(scope *model.Scope, v *model.Variable, progress *Node) *Node {
	g := progress.Graph()
	kept := scope.Store().Scope("/origin"+v.Scope()).WithInitializer(initializer.Zero).
		VariableWithShape(v.Name(), v.Shape()).SetTrainable(false)
	atStart := Equal(progress, ScalarZero(g, progress.DType()))
	value := Where(atStart, StopGradient(v.NodeValue(g)), kept.NodeValue(g))
	kept.SetNodeValue(value)
	return value
}
