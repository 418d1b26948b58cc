package lecture11

import (
	"math"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// taskStep is one step of the training of a MultiTask.
type taskStep struct {
	m      *MultiTask
	scope  *model.Scope
	now    *stepNumbers
	losses *Node                         // ℒ_t of each run, [R, T]
	extra  *Node                         // the sum of the runs' penalties on their weights, a scalar
	share  func(v *model.Variable) *Node // see adamApply
}

// balances holds the rules that build one training step from the tasks' losses. They return the minimised value, a sum
// over runs.
var balances = map[string]func(s taskStep) *Node{
	"equal": taskStep.equal, "uncertainty": taskStep.uncertainty, "gradnorm": taskStep.gradNorm, "pcgrad": taskStep.pcGrad,
}

// equal minimises Σ_t λ_t ℒ_t.
func (s taskStep) equal() *Node {
	return s.minimise(Mul(s.losses, s.m.taskWeights(s.losses.Graph())))
}

// minimise takes a step of Adam on the sum of weighted losses [R, T] and the penalties.
func (s taskStep) minimise(weighted *Node) *Node {
	total := Add(ReduceAllSum(weighted), s.extra)
	variables := trainable(s.scope, total.Graph())
	s.now.adamApply(s.scope, variables, s.scope.BuildTrainableVariablesGradientsGraph(total), s.share)
	return total
}

// uncertainty learns a variance σ_t² for each task and minimises, with s_t = ln σ_t²,
//
//	Σ_t λ_t (c_t e^(−s_t) ℒ_t + s_t/2),  c_t = ½ for numbers, 1 for classes.
//
// Kendall, Gal & Cipolla 2018, eq. 7 and 10.
func (s taskStep) uncertainty() *Node {
	g := s.losses.Graph()
	logVariance := logVariances(s.scope, s.losses.Shape()).NodeValue(g)
	factors := make([]float32, len(s.m.cfg.Tasks))
	for i, t := range s.m.cfg.Tasks {
		factors[i] = 1
		if t.Classes == 0 {
			factors[i] = 0.5
		}
	}
	scaled := Mul(Mul(Exp(Neg(logVariance)), s.losses), Const(g, [][]float32{factors}))
	return s.minimise(Mul(Add(scaled, MulScalar(logVariance, 0.5)), s.m.taskWeights(g)))
}

// logVariances returns the s_t of each run and task, [R, T].
func logVariances(scope *model.Scope, shape shapes.Shape) *model.Variable {
	return scope.Store().Scope("/balance").WithInitializer(initializer.Zero).VariableWithShape("log_variance", shape)
}

// balanceVariable returns a variable of the balance for each run and task, [R, T], which Adam does not change.
func (s taskStep) balanceVariable(name string, init model.VariableInitializer) *model.Variable {
	scope := s.scope.Store().Scope("/balance").WithInitializer(init)
	return scope.VariableWithShape(name, s.losses.Shape()).SetTrainable(false)
}

// Constants of GradNorm: the strength α of the pull towards equal rates, and the step of its weights; both as in the
// paper.
const (
	gradNormStrength = 1.5
	gradNormRate     = 0.025
)

// gradNorm minimises Σ_t w_t ℒ_t, and moves the weights w_t, which sum to |T|, against the gradient of
//
//	Σ_t |G_t − Ḡ·r_t^α|,  G_t = ‖∇_W w_t ℒ_t‖,
//
// where W is the last shared layer and r_t is ℒ_t/ℒ_t(0) divided by its mean over tasks. A task that learns more slowly
// than the others gets a larger gradient. Chen et al. 2018, algorithm 1.
func (s taskStep) gradNorm() *Node {
	g := s.losses.Graph()
	tasks := float64(len(s.m.cfg.Tasks))
	atStart := Equal(s.now.progress, ScalarZero(g, s.now.progress.DType()))
	first := s.balanceVariable("first_losses", initializer.One)
	start := Where(atStart, StopGradient(s.losses), first.NodeValue(g))
	first.SetNodeValue(start)
	stored := s.balanceVariable("weights", initializer.One)
	weights := Where(atStart, BroadcastToShape(normalised(s.m.taskWeights(g), tasks), s.losses.Shape()), stored.NodeValue(g))

	norms := s.lastLayerNorms()
	pace := StopGradient(Div(s.losses, MaxScalar(start, 1e-12)))
	pace = Div(pace, ReduceAndKeep(pace, ReduceMean, -1))
	weighted := Mul(weights, norms)
	target := Mul(ReduceAndKeep(weighted, ReduceMean, -1), Pow(pace, ConstAs(pace, gradNormStrength)))
	moved := Sub(weights, MulScalar(Mul(Sign(Sub(weighted, target)), norms), gradNormRate))
	stored.SetNodeValue(normalised(MaxScalar(moved, 1e-3), tasks))
	return s.minimise(Mul(weights, s.losses))
}

// normalised scales weights [·, T] so that each row sums to sum.
func normalised(weights *Node, sum float64) *Node {
	return MulScalar(Div(weights, ReduceAndKeep(weights, ReduceSum, -1)), sum)
}

// lastLayerNorms returns ‖∇_W ℒ_t‖ for the weights W of the last shared layer: [R, T].
func (s taskStep) lastLayerNorms() *Node {
	g := s.losses.Graph()
	last := s.scope.Shared("shared_%d", len(s.m.cfg.Hidden)-1).GetVariable(weightsName).NodeValue(g)
	norms := make([]*Node, len(s.m.cfg.Tasks))
	for t := range norms {
		gradient := Gradient(ReduceAllSum(Slice(s.losses, AxisRange(), AxisElem(t))), last)[0]
		norms[t] = Sqrt(ReduceSum(Square(gradient), 1, 2))
	}
	return StopGradient(Stack(norms, 1))
}

// pcGrad removes from the gradient of each task on α the components against other tasks, one after another, starting at
// a random task:
//
//	g_t := g_t − min(0, g_tᵀg_j)/‖g_j‖² · g_j  for all j ≠ t,
//
// and steps along the sum; each head steps along its own gradient. Yu et al. 2020, algorithm 1.
func (s taskStep) pcGrad() *Node {
	total := Add(ReduceAllSum(Mul(s.losses, s.m.taskWeights(s.losses.Graph()))), s.extra)
	variables := trainable(s.scope, total.Graph())
	gradients := s.scope.BuildTrainableVariablesGradientsGraph(total)
	var shared []*model.Variable
	var place []int
	for i, v := range variables {
		if isShared(v) {
			shared, place = append(shared, v), append(place, i)
		}
	}
	perTask := s.m.sharedGradients(shared, Mul(s.losses, s.m.taskWeights(s.losses.Graph()))) // [R, T, P]
	change := Sub(ReduceSum(s.project(perTask), 1), ReduceSum(perTask, 1))                   // [R, P]
	for i, part := range splitLike(change, shared) {
		gradients[place[i]] = Add(gradients[place[i]], part)
	}
	s.now.adamApply(s.scope, variables, gradients, s.share)
	return total
}

// project removes conflicts from the gradients [R, T, P], each against the original gradients of all others.
func (s taskStep) project(gradients *Node) *Node {
	g, tasks := gradients.Graph(), gradients.Shape().Dim(1)
	if tasks == 1 {
		return gradients
	}
	byTask := Transpose(gradients, 0, 1) // [T, R, P]
	own := Iota(g, shapes.Make(dtypes.Int32, tasks, 1), 0)
	first := s.scope.RandomIntN(g, int32(tasks-1), shapes.Make(dtypes.Int32))
	clean := byTask
	for k := range tasks - 1 {
		step := OnePlus(Mod(AddScalar(first, k), ConstAs(first, tasks-1))) // 1 … T−1
		other := Gather(byTask, Mod(Add(own, step), ConstAs(own, tasks)))
		inner := ReduceAndKeep(Mul(clean, other), ReduceSum, -1)
		size := AddScalar(ReduceAndKeep(Square(other), ReduceSum, -1), math.SmallestNonzeroFloat32*1e10)
		clean = Sub(clean, Mul(Div(MinScalar(inner, 0), size), other))
	}
	return Transpose(clean, 0, 1)
}

// isShared reports whether a variable is part of α.
func isShared(v *model.Variable) bool { return strings.HasPrefix(v.Scope(), "/shared_") }

// sharedGradients returns the gradient of each task's loss, of losses [R, T], on α, laid out as one vector: [R, T, P].
func (m *MultiTask) sharedGradients(shared []*model.Variable, losses *Node) *Node {
	g := losses.Graph()
	nodes := make([]*Node, len(shared))
	for i, v := range shared {
		nodes[i] = v.NodeValue(g)
	}
	perTask := make([]*Node, losses.Shape().Dim(1))
	for t := range perTask {
		var flat []*Node
		for _, gradient := range Gradient(ReduceAllSum(Slice(losses, AxisRange(), AxisElem(t))), nodes...) {
			flat = append(flat, Reshape(gradient, gradient.Shape().Dim(0), -1))
		}
		perTask[t] = Concatenate(flat, -1)
	}
	return Stack(perTask, 1)
}

// splitLike splits vectors [R, P] into nodes of the variables' shapes.
func splitLike(flat *Node, variables []*model.Variable) []*Node {
	parts := make([]*Node, len(variables))
	at := 0
	for i, v := range variables {
		size := v.Shape().Size() / v.Shape().Dim(0)
		parts[i] = Reshape(Slice(flat, AxisRange(), AxisRange(at, at+size)), v.Shape().Dimensions...)
		at += size
	}
	return parts
}
