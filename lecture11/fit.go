package lecture11

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// FitConfig describes how a model is trained. Zero fields take the default in their comment. Its JSON is part of the
// key under which a trained model is stored.
type FitConfig struct {
	Epochs       int     `json:"epochs"`        // passes over the data; default 1
	Batch        int     `json:"batch"`         // objects per step; default 128, or all if there are fewer
	LearningRate float64 `json:"learning_rate"` // Adam's step η at the start; default 1e-3
	Decay        string  `json:"decay"`         // η over the run: "constant" (default), "linear" or "cosine", both to 0
	Seed         int64   `json:"seed"`          // order of the objects and the noise of the training

	// Beta1 is Adam's β₁ ∈ [0, 1), the decay of its first moment; nil: 0.9. Games such as a GAN's often use 0 or 0.5.
	Beta1 *float64 `json:"beta1,omitempty"`

	// WeightDecay is λ ≥ 0 of AdamW: each step also subtracts η·λ·w from the weights, but not from the biases; default
	// 0.
	WeightDecay float64 `json:"weight_decay,omitempty"`

	// Evaluation measures the training on held-out objects, ends it when their loss stops falling, and keeps the best
	// weights. Default nil: the training takes all its steps, and the last weights are the result.
	Evaluation *Evaluation `json:"evaluation,omitempty"`

	// StepsPerCall is the number of steps that run on the device before losses are returned and interrupts are
	// checked. It changes the speed, not the numbers. Default 50.
	StepsPerCall int `json:"-"`
}

// defaultBatch is FitConfig.Batch if there are at least this many objects.
const defaultBatch = 128

// withDefaults returns the configuration with its zero fields filled in for a training on n objects.
func (c FitConfig) withDefaults(n int) FitConfig {
	c.Epochs = cmp.Or(c.Epochs, 1)
	c.Batch = cmp.Or(c.Batch, min(defaultBatch, n))
	c.LearningRate = cmp.Or(c.LearningRate, 1e-3)
	c.Decay = cmp.Or(c.Decay, "constant")
	c.StepsPerCall = cmp.Or(c.StepsPerCall, 50)
	c.Evaluation = c.Evaluation.withDefaults()
	return c
}

// check returns an error that names the first field that does not allow a training on n objects.
func (c FitConfig) check(n int) error {
	switch {
	case c.Epochs < 0:
		return fmt.Errorf("lecture11: FitConfig.Epochs = %d, want at least 1", c.Epochs)
	case c.Batch < 1 || c.Batch > n:
		return fmt.Errorf("lecture11: FitConfig.Batch = %d, want 1 to %d, the number of objects", c.Batch, n)
	case !(c.LearningRate > 0) || math.IsInf(c.LearningRate, 0):
		return fmt.Errorf("lecture11: FitConfig.LearningRate = %g, want a positive number", c.LearningRate)
	case !(c.beta1() >= 0 && c.beta1() < 1):
		return fmt.Errorf("lecture11: FitConfig.Beta1 = %g, want a number in [0, 1)", c.beta1())
	case !(c.WeightDecay >= 0) || math.IsInf(c.WeightDecay, 0):
		return fmt.Errorf("lecture11: FitConfig.WeightDecay = %g, want λ ≥ 0", c.WeightDecay)
	case c.StepsPerCall < 1:
		return fmt.Errorf("lecture11: FitConfig.StepsPerCall = %d, want at least 1", c.StepsPerCall)
	}
	return checkName("FitConfig.Decay", c.Decay, decays)
}

// steps returns the number of optimizer steps of a training on n objects.
func (c FitConfig) steps(n int) int { return c.Epochs * (n / c.Batch) }

// Loss is a named part of a training loss: a scalar node, a mean over the batch.
type Loss struct {
	Name  string
	Value *Node
}

// stepFn builds one optimizer step from the batch and the full tensors, and the updates of the variables. It returns
// the losses, the first of which is minimised.
type stepFn func(scope *model.Scope, now *stepNumbers, batch []*Node) []Loss

// Training is a model under training: the shared loop of all gradient-trained models of the lecture.
//
// The data is stored on the device once, and each step gathers its batch there. For each epoch the seed draws a new
// order of the objects; the last n mod Batch of them are not used in that epoch. Losses are returned as means over the
// steps of a call. The numbers depend on the seeds and the device, but not on the division of the steps into calls or
// runs.
type Training struct {
	name     string
	key      map[string]any
	cfg      FitConfig
	backend  compute.Backend
	store    *model.Store
	model    *fitted // the model that is trained; nil for a loss in tests
	guard    *guard  // of store
	initSeed int64
	data     []*tensors.Tensor // each [n, …]; a step sees the rows of its batch
	whole    []*tensors.Tensor // passed to each step as a whole, after its batch
	build    stepFn
	numbers  func(step int) []float64 // of the model, in each step; nil if it has none
	held     *heldOutSet              // how it is evaluated; nil if it is not
	inputs   hashedInputs

	n        int           // objects
	step     int           // steps taken
	taken    *atomic.Int64 // step, for other goroutines
	oneByOne bool          // each step is a call of the device, instead of StepsPerCall steps

	past     snapshots
	restored restoredParts // since the last Run
	changes  int           // changes of the model's weights by others until this training last had them

	exec      *model.Exec
	lossNames []string
	order     []int32 // objects of epoch orderOf
	orderOf   int
}

// newTraining checks the configuration and returns a training that has not started. Fields of spec: name and key
// identify the result, build makes a step on the variables of store, and initSeed draws their first values.
func newTraining(spec Training) (*Training, error) {
	t := &spec
	t.n = t.data[0].Shape().Dimensions[0]
	t.cfg = t.cfg.withDefaults(t.n)
	if err := t.cfg.check(t.n); err != nil {
		return nil, err
	}
	t.orderOf, t.taken, t.guard = -1, &atomic.Int64{}, &guard{}
	if t.model != nil {
		t.guard = t.model.guard
	}
	// GoMLX's pure-Go backend cannot run a loop whose body is as large as a training step (v0.1.2 of package compute:
	// "input 0 for node … not computed yet"). On XLA the loop is faster on a CPU too; see docs/benchmarks.md.
	t.oneByOne = t.backend != nil && t.backend.Name() == pureGo
	return t, nil
}

// start prepares the first step: it creates and initialises the variables, copies the data to the device and compiles
// the loop. It runs as late as possible, because a stored model is restored without it.
func (t *Training) start() error {
	if t.exec != nil {
		return nil
	}
	if err := t.inputs.unchanged(); err != nil {
		return err
	}
	if err := t.createVariables(); err != nil {
		return fmt.Errorf("lecture11: cannot build %s: %w", t.name, err)
	}
	for i, x := range slices.Concat(t.data, t.whole) {
		if err := x.ToDevice(t.backend, 0); err != nil {
			return fmt.Errorf("lecture11: data %d (%s) does not fit on the device: %w", i, x.Shape(), err)
		}
	}
	build := t.loop
	if t.oneByOne {
		build = t.single
	}
	exec, err := model.NewExec(t.backend, t.store, build)
	if err != nil {
		return err
	}
	if t.step > 0 { // before the first step some variables are still to be created
		if err := t.remember(); err != nil {
			return err
		}
	}
	if err := t.prepareEvaluation(); err != nil {
		return err
	}
	t.exec = exec.WithName("Training:" + t.name)
	return nil
}

// pureGo is the name of GoMLX's backend in Go. Its package is not imported, so that cells do not link it just for the
// name.
const pureGo = "Go Backend"

// errTraced stops the building of a graph that is built only to create its variables.
var errTraced = errors.New("traced")

// initialise sets the weights of the model to the first weights of the training.
func (t *Training) initialise() error { return t.guard.change("Initialise", t.createVariables) }

// createVariables creates the variables that a step needs and the store lacks, and draws their values. On an error the
// store has the same variables as before. The caller must hold the weights for writing.
func (t *Training) createVariables() error { return allOrNone(t.store, t.drawVariables) }

// drawVariables is createVariables, but may leave some variables on an error. To find them it builds one step without
// compiling it.
func (t *Training) drawVariables() error {
	if t.step == 0 {
		if err := t.store.SetRNGStateFromSeed(t.initSeed); err != nil {
			return err
		}
	}
	if err := t.traceStep(nil); err != nil {
		return err
	}
	if err := t.store.InitializeVariables(t.backend, nil); err != nil {
		return err
	}
	if t.step > 0 {
		return nil
	}
	return t.store.SetRNGStateFromSeed(t.cfg.Seed)
}

// traceStep builds a step to create its variables and to read the names of its losses. look, which may be nil, is
// called with its graph.
func (t *Training) traceStep(look func(g *Graph)) error {
	trace, err := model.NewExec(t.backend, t.store, func(scope *model.Scope, batch []*Node) []*Node {
		t.readLosses(scope, batch)
		if look != nil {
			look(batch[0].Graph())
		}
		panic(errTraced)
	})
	if err != nil {
		return err
	}
	defer trace.Finalize()
	var batch []shapes.Shape
	for _, x := range t.data {
		shape := x.Shape().Clone()
		shape.Dimensions[0] = t.cfg.Batch
		batch = append(batch, shape)
	}
	for _, x := range t.whole {
		batch = append(batch, x.Shape())
	}
	if _, err := trace.Compile(batch...); !errors.Is(err, errTraced) {
		return err
	}
	return nil
}

// readLosses builds a step and reads the names of its losses.
func (t *Training) readLosses(scope *model.Scope, batch []*Node) {
	t.lossNames = nil
	g := batch[0].Graph()
	first := ConstTensor(g, t.numbersOf(0, 1))
	for _, l := range t.build(scope, t.cfg.stepNumbers(first, Const(g, int32(0))), batch) {
		l.Value.AssertScalar()
		t.lossNames = append(t.lossNames, l.Name)
	}
}

// Name returns a short name for people and file names: "vae-20".
func (t *Training) Name() string { return t.name }

// Key returns all that identifies the trained model: kind, architecture, hyperparameters, data, seeds and version of
// the code.
func (t *Training) Key() map[string]any { return t.key }

// Step returns the number of optimizer steps taken.
func (t *Training) Step() int { return int(t.taken.Load()) }

// Steps returns the number of optimizer steps of the whole training.
func (t *Training) Steps() int { return t.cfg.steps(t.n) }

// Describe describes the progress after the given step in words: "5 epochs", or "stopped early after 5 epochs".
func (t *Training) Describe(step int) string {
	if s, err := t.evaluationNow(); err == nil && s.stopped > 0 && step >= t.Steps() {
		return "stopped early after " + t.epochsOf(s.stopped)
	}
	return t.epochsOf(step)
}

func (t *Training) epochsOf(step int) string {
	epochs := float64(step) / float64(t.stepsPerEpoch())
	if epochs == 1 {
		return "1 epoch"
	}
	return fmt.Sprintf("%.3g epochs", epochs)
}

func (t *Training) stepsPerEpoch() int { return t.n / t.cfg.Batch }

// Run trains from Step to Steps. After each call of the device it calls onStep (which may be nil) with the number of
// steps taken and the losses, as means over the steps since the last call. An error of onStep ends the training. When
// ctx ends, Run returns ctx.Err() at a step boundary. The state is then complete, and a second Run continues from
// there with the same numbers.
//
// If a loss is not finite, Run returns a [DivergedError] and does not call onStep. The training is then reset to the
// last weights with finite losses.
func (t *Training) Run(ctx context.Context, onStep func(step int, losses map[string]float64) error) error {
	return t.run(ctx, func() {}, onStep)
}

// run is Run. It calls begun once no other training of the model can run.
func (t *Training) run(ctx context.Context, begun func(), onStep func(step int, losses map[string]float64) error) error {
	if err := t.guard.begin("the training " + t.name); err != nil {
		return err
	}
	defer t.guard.end()
	begun()
	if t.step < t.Steps() {
		if err := t.checkState(); err != nil {
			return err
		}
	}
	for t.step < t.Steps() {
		if err := ctx.Err(); err != nil {
			return err
		}
		losses, err := t.advance(ctx)
		if err != nil {
			return err
		}
		if onStep != nil {
			if err := onStep(t.step, losses); err != nil {
				return err
			}
		}
	}
	return nil
}

// advance takes the steps of one call, during which the model cannot be used. It returns their losses, or an error if
// they diverge.
func (t *Training) advance(ctx context.Context) (map[string]float64, error) {
	t.guard.lock()
	defer t.guard.unlock()
	if err := t.checkData(); err != nil {
		return nil, err
	}
	if err := t.start(); err != nil {
		return nil, t.failed(err)
	}
	if err := t.remember(); err != nil {
		return nil, err
	}
	losses, err := t.call(ctx, min(t.cfg.StepsPerCall, t.untilEvaluation()))
	if err != nil {
		return nil, t.failed(fmt.Errorf("lecture11: %s, step %d: %w", t.name, t.step, err))
	}
	if part, value, found := t.notFinite(losses); found {
		return nil, t.diverged(ctx, part, value)
	}
	t.past.proven()
	if t.step == t.Steps() {
		if err := t.checkWeights(ctx); err != nil {
			return losses, err
		}
	}
	if err := t.afterSteps(losses); err != nil {
		return losses, t.failed(err)
	}
	return losses, nil
}

// checkData returns an error if some of the data, held-out objects included, were finalized after Training was called.
func (t *Training) checkData() error {
	if err := checkTensors("the data of "+t.name, slices.Concat(t.data, t.whole)...); err != nil || t.held == nil {
		return err
	}
	for _, input := range t.held.inputs {
		if err := checkTensors(fmt.Sprintf("the %s in FitConfig.Evaluation of %s", input.name, t.name), input.value); err != nil {
			return err
		}
	}
	return nil
}

// call runs n steps on the device and returns the means of the losses. If steps run one by one and ctx ends, it runs
// fewer.
func (t *Training) call(ctx context.Context, n int) (map[string]float64, error) {
	sums := make([]float64, len(t.lossNames))
	done := 0
	for done < n && (done == 0 || ctx.Err() == nil) {
		steps := n
		if t.oneByOne {
			steps = 1
		}
		if err := t.execute(steps, sums); err != nil {
			return nil, err
		}
		done += steps
	}
	losses := make(map[string]float64, len(sums))
	for i, name := range t.lossNames {
		losses[name] = sums[i] / float64(done)
	}
	return losses, nil
}

// execute runs n steps in one call of the device and adds their losses to sums.
func (t *Training) execute(n int, sums []float64) error {
	args := []any{int32(n), t.indices(n), t.numbersOf(t.step, t.rowsPerCall())}
	for _, x := range slices.Concat(t.data, t.whole) {
		args = append(args, x)
	}
	out, err := t.exec.Call(args...)
	if err != nil {
		return err
	}
	t.reached(t.step + n)
	values, err := float64s(out[0])
	if err != nil {
		return err
	}
	for i, v := range values {
		sums[i] += v
	}
	return out[0].FinalizeAll()
}

// single builds one step. The inputs and the result are those of loop for a single step.
func (t *Training) single(scope *model.Scope, inputs []*Node) []*Node {
	zero := Const(inputs[0].Graph(), int32(0))
	return []*Node{t.oneStep(scope, zero, inputs[1:])}
}

// loop builds n steps as one loop on the device. inputs: n (int32), the objects of each step [StepsPerCall, Batch],
// the numbers of each step [StepsPerCall, numbers], the data. Result: the sums of the losses over the n steps, [parts].
//
// The body of a graph.While has no access to the function around it, so data and variables are passed in as loop
// state. The variables of the store are set to that state inside the body, and to the loop's result after it. Scalars
// come from Const here, because GoMLX caches other scalar constants per graph, not per function.
func (t *Training) loop(scope *model.Scope, inputs []*Node) []*Node {
	g := inputs[0].Graph()
	variables := slices.DeleteFunc(t.variables(), ofEvaluation)
	sums := Const(g, make([]float32, len(t.lossNames)))
	state := append([]*Node{Const(g, int32(0)), sums}, inputs...)
	fixed := len(state)
	for _, v := range variables {
		state = append(state, v.NodeValue(g))
	}
	parameters := func(g *Graph) []*Node {
		nodes := make([]*Node, len(state))
		for i, s := range state {
			nodes[i] = Parameter(g, fmt.Sprintf("state_%d", i), s.Shape())
		}
		return nodes
	}
	cond := NewClosure(g, func(g *Graph) []*Node {
		s := parameters(g)
		return []*Node{LessThan(s[0], s[2])}
	})
	body := NewClosure(g, func(g *Graph) []*Node {
		s := parameters(g)
		for i, v := range variables {
			v.SetNodeValue(s[fixed+i])
		}
		s[1] = Add(s[1], t.oneStep(scope, s[0], s[3:fixed]))
		s[0] = Add(s[0], Const(g, int32(1)))
		for i, v := range variables {
			s[fixed+i] = v.NodeValue(g)
		}
		return s
	})
	result := While(cond, body, state...)
	for i, v := range variables {
		v.SetNodeValue(result[fixed+i])
	}
	return []*Node{result[1]}
}

// oneStep builds step i of a call and returns its losses, [parts]. inputs: the objects and the numbers of each step, as
// in loop, and the data: the objects, of which it gathers the batch, and the tensors that steps see as a whole.
func (t *Training) oneStep(scope *model.Scope, i *Node, inputs []*Node) *Node {
	order, numbers, data := inputs[0], inputs[1], inputs[2:]
	row := Gather(order, Reshape(i, 1, 1)) // [1, Batch]
	row = Reshape(row, t.cfg.Batch, 1)
	batch := slices.Clone(data)
	for j := range t.data {
		batch[j] = Gather(data[j], row)
	}
	losses := t.build(scope, t.cfg.stepNumbers(numbers, i), batch)
	values := make([]*Node, len(losses))
	for j, l := range losses {
		values[j] = ConvertDType(l.Value, dtypes.Float32)
	}
	return Stack(values, 0)
}

// variables lists the variables of the store in the order of their creation.
func (t *Training) variables() []*model.Variable {
	var vs []*model.Variable
	for v := range t.store.IterVariables() {
		vs = append(vs, v)
	}
	return vs
}

// indices returns the objects of the next n steps, [StepsPerCall, Batch], where rows from n on are not used. If steps
// run one by one, it returns [1, Batch].
func (t *Training) indices(n int) *tensors.Tensor {
	b, perEpoch, height := t.cfg.Batch, t.stepsPerEpoch(), t.rowsPerCall()
	rows := make([]int32, height*b)
	for i := range n {
		epoch, pos := (t.step+i)/perEpoch, (t.step+i)%perEpoch
		copy(rows[i*b:(i+1)*b], t.epochOrder(epoch)[pos*b:])
	}
	return tensors.FromFlatDataAndDimensions(rows, height, b)
}

// rowsPerCall returns the number of steps for which a call of the device has room.
func (t *Training) rowsPerCall() int {
	if t.oneByOne {
		return 1
	}
	return t.cfg.StepsPerCall
}

// numbersOf returns the numbers of rows steps from first on; see FitConfig.stepNumbers. Rows after the last step, which
// no step reads, repeat its numbers.
func (t *Training) numbersOf(first, rows int) *tensors.Tensor {
	var flat []float64
	for i := range rows {
		step := min(first+i, t.Steps()-1)
		shared := t.cfg.numbersAt(float64(step) / float64(t.Steps()))
		flat = append(flat, shared[:]...)
		if t.numbers != nil {
			flat = append(flat, t.numbers(step)...)
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, rows, len(flat)/rows)
}

// epochOrder returns the permutation of the objects in an epoch, which depends only on the seed and the epoch.
func (t *Training) epochOrder(epoch int) []int32 {
	if t.orderOf == epoch {
		return t.order
	}
	rng := rand.New(rand.NewPCG(uint64(t.cfg.Seed), uint64(epoch)))
	t.order = make([]int32, t.n)
	for i := range t.order {
		t.order[i] = int32(i)
	}
	rng.Shuffle(t.n, func(i, j int) { t.order[i], t.order[j] = t.order[j], t.order[i] })
	t.orderOf = epoch
	return t.order
}
