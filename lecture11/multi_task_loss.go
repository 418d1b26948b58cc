package lecture11

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// taskLosses returns the tasks' losses of a batch in each run: means over the objects that have a label of the task. A
// task without labels in the batch has a loss and a gradient of exactly 0. outputs: of the heads; y: [R, batch, T], NaN
// where a label is missing; weight: [R, batch, 1], of the objects. Result: [R, T].
func (m *MultiTask) taskLosses(outputs []*Node, y, weight *Node) *Node {
	perObject, known := m.objectLosses(outputs, y)
	known = ConvertDType(known, perObject.DType())
	sums := ReduceSum(Mul(perObject, Mul(known, weight)), 1)
	return Div(sums, MaxScalar(ReduceSum(known, 1), 1))
}

// objectLosses returns the losses of each object in each task, 0 where the label is missing, and whether the label is
// known: [R, batch, T] both. Classification: −ln of the probability of the label, in nats. Numbers: (g − y)².
func (m *MultiTask) objectLosses(outputs []*Node, y *Node) (losses, known *Node) {
	known = Equal(y, y)
	y = Where(known, y, ZerosLike(y))
	var parts []*Node
	for i, g := range m.groups {
		parts = append(parts, g.losses(outputs[i], pickTasks(y, g.tasks)))
	}
	losses = m.inTaskOrder(parts)
	return Where(known, losses, ZerosLike(losses)), known
}

// losses computes the losses of one group: outputs [R, batch, tasks, width], y [R, batch, tasks] → [R, batch, tasks].
func (g taskGroup) losses(outputs, y *Node) *Node {
	if g.classes == 0 {
		return Square(Sub(Squeeze(outputs, -1), y))
	}
	hit := OneHot(ConvertDType(y, dtypes.Int32), g.classes, outputs.DType())
	return Neg(ReduceSum(Mul(hit, LogSoftmax(outputs)), -1))
}

// pickTasks takes the columns of tasks from y [R, batch, T].
func pickTasks(y *Node, tasks []int) *Node {
	if inOrder(tasks, y.Shape().Dim(-1)) {
		return y
	}
	return Transpose(Gather(Transpose(y, 0, 2), column(y.Graph(), tasks)), 0, 2)
}

// inTaskOrder joins the results of the groups for their tasks, [R, batch, tasks] each, in the order of Tasks: [R,
// batch, T].
func (m *MultiTask) inTaskOrder(parts []*Node) *Node {
	if len(parts) == 1 {
		return parts[0]
	}
	joined := Concatenate(parts, -1)
	place := make([]int, len(m.cfg.Tasks))
	next := 0
	for _, g := range m.groups {
		for _, task := range g.tasks {
			place[task] = next
			next++
		}
	}
	return pickTasks(joined, place)
}

// inOrder reports whether places is 0 … n−1.
func inOrder(places []int, n int) bool {
	for i, p := range places {
		if i != p {
			return false
		}
	}
	return len(places) == n
}

// column returns indices as a column for Gather: [len, 1].
func column(g *Graph, places []int) *Node {
	flat := make([][]int32, len(places))
	for i, p := range places {
		flat[i] = []int32{int32(p)}
	}
	return Const(g, flat)
}

// taskWeights returns λ_t, [1, T].
func (m *MultiTask) taskWeights(g *Graph) *Node {
	weights := make([]float32, len(m.cfg.Tasks))
	for i, t := range m.cfg.Tasks {
		weights[i] = float32(*t.Weight)
	}
	return Const(g, [][]float32{weights})
}

// batchLosses builds the tasks' losses [R, T] of a batch: x [R, batch, n], y [R, batch, T], weight [R, batch, 1].
func (m *MultiTask) batchLosses(scope *model.Scope, x, y, weight *Node) *Node {
	activations := m.represent(scope, x)
	return m.taskLosses(m.heads(scope, activations[len(activations)-1]), y, weight)
}
