package lecture11

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Evaluation is a set of held-out objects on which a training is measured while it runs. The result is the weights
// with the lowest loss on them, and the training ends early when that loss stops falling.
//
// The loss is evaluated before the first step, every few epochs and after the last step, with the same random numbers
// each time. Besides the losses of the training, onStep of [Training.Run] gets those of the last evaluation, as
// "evaluation loss" and so on: means over the objects. The best weights are part of a saved training, so a resumed
// training ends like an uninterrupted one. A training that ends early reports Step() == Steps(); see [Training.Best].
//
// A [VAE], an [Autoencoder], a [Classifier], a [MultiTask] and a [VQVAE] can be evaluated. A [PrototypeNet] and a [Meta]
// are trained on episodes, and a lower loss of a [GAN] does not mean better objects. Their trainings return an error.
type Evaluation struct {
	X      *tensors.Tensor `json:"-"`    // objects of the same form as those of the training
	Labels []int           `json:"-"`    // one for each object, if the model learns from labels
	Y      *tensors.Tensor `json:"-"`    // for a [MultiTask], in place of Labels; see [TaskLabels]
	ID     string          `json:"data"` // names the objects, for people

	Every    int `json:"every"`    // epochs from one evaluation to the next; default 1
	Patience int `json:"patience"` // the training ends after this number of evaluations in a row without a lower loss; 0: never
}

// withDefaults returns the evaluation with its zero fields filled in.
func (e *Evaluation) withDefaults() *Evaluation {
	if e == nil {
		return nil
	}
	filled := *e
	filled.Every = cmp.Or(e.Every, 1)
	return &filled
}

// check returns an error that names the first invalid field.
func (e *Evaluation) check() error {
	switch {
	case e == nil:
		return nil
	case e.Every < 1:
		return fmt.Errorf("lecture11: FitConfig.Evaluation.Every = %d, want at least 1 epoch", e.Every)
	case e.Patience < 0:
		return fmt.Errorf("lecture11: FitConfig.Evaluation.Patience = %d, want a number of evaluations, or 0 for no early stop", e.Patience)
	}
	return nil
}

// objects returns X with its name in the key.
func (e *Evaluation) objects() (namedTensor, error) {
	if e.X == nil {
		return namedTensor{}, errors.New("lecture11: FitConfig.Evaluation.X = nil, want held-out objects")
	}
	return namedTensor{"objects", e.X}, nil
}

// heldOutSet describes how a training is evaluated.
type heldOutSet struct {
	inputs []namedTensor // each [l, …]
	// losses builds the losses of a batch, without a step: means, the first of which should fall.
	losses func(scope *model.Scope, batch []*Node) []Loss

	every, patience int
	exec            *model.Exec
	names           []string
}

// heldOut returns how a training is evaluated, or nil if it is not.
func (s trainingSpec) heldOut(kind string) (*heldOutSet, error) {
	e := s.fit.Evaluation
	if e == nil {
		return nil, nil
	}
	if s.evaluate == nil {
		return nil, fmt.Errorf("lecture11: %s.Training with FitConfig.Evaluation, want nil: %s", kind, s.unevaluated)
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	held, err := s.evaluate(e)
	if err != nil {
		return nil, fmt.Errorf("%w (in FitConfig.Evaluation)", err)
	}
	held.every, held.patience = e.Every, e.Patience
	return held, nil
}

// named returns the inputs with their names in the key.
func (h *heldOutSet) named() []namedTensor {
	if h == nil {
		return nil
	}
	named := slices.Clone(h.inputs)
	for i := range named {
		named[i].name = "evaluation " + named[i].name
	}
	return named
}

// evaluationPrefix is in front of the names of the losses on held-out objects.
const evaluationPrefix = "evaluation "

// evaluationScope is the scope of the evaluations' state, beside the weights. No step sees its variables.
const evaluationScope = "/evaluation"

// bestPath returns the path of the best value of a variable.
func bestPath(v *model.Variable) string { return path.Join(evaluationScope, "best", v.Path()) }

// evaluationStatePath is the path of the numbers of an evaluationState.
var evaluationStatePath = path.Join(evaluationScope, "state")

// ofEvaluation reports whether a variable belongs to the evaluations.
func ofEvaluation(v *model.Variable) bool { return strings.HasPrefix(v.Path(), evaluationScope+"/") }

// evaluationState holds the results of the evaluations of a training so far.
type evaluationState struct {
	best     float64   // the lowest loss; +Inf before the first evaluation
	bestStep int       // the step of the lowest loss
	waited   int       // evaluations since then
	stopped  int       // the step at which the training ended early, or 0
	last     []float64 // losses of the last evaluation; empty before the first
}

func (s evaluationState) flat() []float64 {
	return append([]float64{s.best, float64(s.bestStep), float64(s.waited), float64(s.stopped)}, s.last...)
}

// evaluationNow is evaluationState for callers outside the training.
func (t *Training) evaluationNow() (evaluationState, error) {
	t.guard.weights.RLock()
	defer t.guard.weights.RUnlock()
	return t.evaluationState()
}

// evaluationState reads the state from its variable.
func (t *Training) evaluationState() (evaluationState, error) {
	v := variableAt(t.store, evaluationStatePath)
	if v == nil {
		return evaluationState{best: math.Inf(1)}, nil
	}
	flat, err := numbersOf(v)
	if err != nil {
		return evaluationState{}, fmt.Errorf("lecture11: %s: state of the evaluations: %w", t.name, err)
	}
	return evaluationState{flat[0], int(flat[1]), int(flat[2]), int(flat[3]), flat[4:]}, nil
}

// setEvaluationState writes the state to its variable.
func (t *Training) setEvaluationState(s evaluationState) error {
	flat := s.flat()
	return t.setFixed(evaluationStatePath, tensors.FromFlatDataAndDimensions(flat, len(flat)))
}

// setFixed sets a variable that is not trained, and creates it if it is missing.
func (t *Training) setFixed(path string, value *tensors.Tensor) error {
	if v := variableAt(t.store, path); v != nil {
		return v.SetValue(value)
	}
	v, err := t.store.CreateVariable(path, value)
	if err != nil {
		return err
	}
	v.SetTrainable(false)
	return nil
}

// prepareEvaluation prepares the evaluations and runs the one before the first step.
func (t *Training) prepareEvaluation() error {
	if t.held == nil {
		return nil
	}
	exec, err := model.NewExec(t.backend, t.store, t.heldOutLosses)
	if err != nil {
		return err
	}
	t.held.exec = exec.WithName("Evaluation:" + t.name)
	last, err := t.evaluate()
	if err != nil || t.step > 0 {
		return err
	}
	if err := t.keepBest(); err != nil {
		return err
	}
	return t.setEvaluationState(evaluationState{best: last[0], last: last})
}

// heldOutLosses builds the losses of a batch, [parts]. inputs: a state of the random generator and the batch. The
// random numbers of the training do not change.
func (t *Training) heldOutLosses(scope *model.Scope, inputs []*Node) *Node {
	rng := scope.Store().GetVariable("/" + model.RNGStateVariableName)
	before := rng.NodeValue(inputs[0].Graph())
	rng.SetNodeValue(inputs[0])
	losses := t.held.losses(scope, inputs[1:])
	rng.SetNodeValue(before)
	t.held.names = nil
	values := make([]*Node, len(losses))
	for i, l := range losses {
		t.held.names = append(t.held.names, l.Name)
		values[i] = ConvertDType(l.Value, losses[0].Value.DType())
	}
	return Stack(values, 0)
}

// evaluationBatch is the number of held-out objects in one call of the model.
const evaluationBatch = 500

// evaluate returns the losses of the held-out objects: means over batches, weighted by their numbers of objects.
func (t *Training) evaluate() ([]float64, error) {
	var means []float64
	l := t.held.inputs[0].value.Shape().Dimensions[0]
	for first := 0; first < l; first += evaluationBatch {
		rows := min(evaluationBatch, l-first)
		values, err := t.evaluateRows(first, rows)
		if err != nil {
			return nil, fmt.Errorf("lecture11: %s: evaluation after step %d: %w", t.name, t.step, err)
		}
		if means == nil {
			means = make([]float64, len(values))
		}
		for i, v := range values {
			means[i] += v * float64(rows) / float64(l)
		}
	}
	return means, nil
}

// evaluateRows returns the losses of a batch of held-out objects.
func (t *Training) evaluateRows(first, rows int) ([]float64, error) {
	state, err := batchState(t.cfg.Seed, first)
	if err != nil {
		return nil, err
	}
	args := []any{state}
	for _, x := range t.held.inputs {
		part, err := paddedRows(x.value, first, rows, rows)
		if err != nil {
			return nil, err
		}
		args = append(args, part)
	}
	out, err := t.held.exec.Call(args...)
	for _, part := range args[1:] {
		err = errors.Join(err, part.(*tensors.Tensor).FinalizeAll())
	}
	if err != nil {
		return nil, err
	}
	return float64s(out[0])
}

// evaluationSteps returns the number of steps from one evaluation to the next.
func (t *Training) evaluationSteps() int { return t.held.every * t.stepsPerEpoch() }

// untilEvaluation returns the number of steps to the next evaluation.
func (t *Training) untilEvaluation() int {
	rest := t.Steps() - t.step
	if t.held == nil {
		return rest
	}
	every := t.evaluationSteps()
	return min(rest, every-t.step%every)
}

// afterSteps evaluates the training if an evaluation is due, ends it if it should stop, and adds the last evaluation
// to losses.
func (t *Training) afterSteps(losses map[string]float64) error {
	if t.held == nil {
		return nil
	}
	s, err := t.evaluationState()
	if err == nil && (t.step == t.Steps() || t.step%t.evaluationSteps() == 0) {
		s, err = t.judge(s)
	}
	if err != nil {
		return err
	}
	for i, v := range s.last {
		losses[evaluationPrefix+t.held.names[i]] = v
	}
	return nil
}

// judge evaluates the training and keeps the weights if they are the best so far. At the end of the training it
// restores the best weights.
func (t *Training) judge(s evaluationState) (evaluationState, error) {
	var err error
	if s.last, err = t.evaluate(); err != nil {
		return s, err
	}
	s.waited++
	if loss := s.last[0]; loss < s.best {
		s.best, s.bestStep, s.waited = loss, t.step, 0
		if err := t.keepBest(); err != nil {
			return s, err
		}
	}
	if t.step < t.Steps() && t.held.patience > 0 && s.waited >= t.held.patience {
		s.stopped = t.step
	}
	if err := t.setEvaluationState(s); err != nil || s.stopped == 0 && t.step < t.Steps() {
		return s, err
	}
	if err := t.takeBest(); err != nil {
		return s, err
	}
	t.reached(t.Steps())
	return s, nil
}

// keepBest stores the weights as those of the best evaluation; takeBest restores them.
func (t *Training) keepBest() error {
	return t.eachWeight(func(v *model.Variable) error {
		clone, err := cloneOf(v)
		if err != nil {
			return err
		}
		return t.setFixed(bestPath(v), clone)
	})
}

func (t *Training) takeBest() error {
	return t.eachWeight(func(v *model.Variable) error {
		clone, err := cloneOf(variableAt(t.store, bestPath(v)))
		if err != nil {
			return err
		}
		return v.SetValue(clone)
	})
}

// eachWeight calls fn for the weights and all else that the networks store: all variables except those of the
// optimizer, of the evaluations and of the random generator.
func (t *Training) eachWeight(fn func(v *model.Variable) error) error {
	for _, v := range t.variables() {
		if !feedsTraining(v) || strings.HasPrefix(v.Path(), adamScope+"/") {
			continue
		}
		if err := fn(v); err != nil {
			return fmt.Errorf("lecture11: %s: best weights: %s: %w", t.name, v.Path(), err)
		}
	}
	return nil
}

// Best returns the lowest loss on the held-out objects of FitConfig.Evaluation so far, the step of its weights, and
// the step at which the training ended early, or 0. Without evaluations the loss is +Inf. The numbers are saved in the
// part "optimizer" of a training.
func (t *Training) Best() (loss float64, step, stopped int, err error) {
	s, err := t.evaluationNow()
	return s.best, s.bestStep, s.stopped, err
}
