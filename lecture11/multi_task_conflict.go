package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Conflict describes how the gradients of the tasks' losses relate to each other, in one run.
type Conflict struct {
	Norms   []float64   // ‖∇_α ℒ_t‖ on the shared weights, [T]
	Cosines [][]float64 // of ∇_α ℒ_s and ∇_α ℒ_t, [T, T]: below 0, a step for one task works against the other
	Joint   float64     // ‖∇_α Σ_t λ_t ℒ_t‖, from a separate backward pass
	Heads   [][]float64 // ‖∇_{β_s} ℒ_t‖ at [t][s]: exactly 0 for s ≠ t
}

// GradientConflict returns the Conflict of each run on the objects d, taken as one batch. It costs one backward pass
// per task.
func (m *MultiTask) GradientConflict(d TaskData) ([]Conflict, error) {
	defer m.reading()()
	if err := m.checkData(d); err != nil {
		return nil, err
	}
	if len(m.cfg.Hidden) == 0 {
		return nil, fmt.Errorf("lecture11: GradientConflict of a MultiTask with Hidden = {}, want shared layers")
	}
	exec, err := program(&m.fitted, "GradientConflict", func(scope *model.Scope, x, y *Node) []*Node {
		y = BroadcastToDims(ExpandAxes(y, 0), m.cfg.Runs, y.Shape().Dim(0), y.Shape().Dim(1))
		losses := m.batchLosses(scope, m.forRuns(x), y, Ones(x.Graph(), shapes.Make(y.DType(), 1, 1, 1)))
		return m.conflictNodes(scope, losses)
	})
	if err != nil {
		return nil, err
	}
	var inputs [2]*tensors.Tensor // copies, which the device may keep
	for i, t := range []*tensors.Tensor{d.X, d.Y} {
		l := t.Shape().Dimensions[0]
		if inputs[i], err = paddedRows(t, 0, l, l); err != nil {
			return nil, err
		}
	}
	out, err := exec.Call(inputs[0], inputs[1])
	if err != nil {
		return nil, fmt.Errorf("lecture11: MultiTask.GradientConflict: %w", err)
	}
	var parts [3][]float64
	for i, t := range out {
		if parts[i], err = float64s(t); err != nil {
			return nil, err
		}
	}
	tasks := len(m.cfg.Tasks)
	conflicts := make([]Conflict, m.cfg.Runs)
	for r := range conflicts {
		square := func(flat []float64) [][]float64 { return cut(flat[r*tasks*tasks:(r+1)*tasks*tasks], tasks) }
		conflicts[r] = newConflict(square(parts[0]))
		conflicts[r].Joint, conflicts[r].Heads = math.Sqrt(parts[1][r]), square(parts[2])
	}
	return conflicts, nil
}

// conflictNodes builds the inner products of the tasks' gradients on α [R, T, T], the squared norm of the joint
// gradient [R], and the norms of the gradients on the heads [R, T, T]. losses: [R, T].
func (m *MultiTask) conflictNodes(scope *model.Scope, losses *Node) []*Node {
	var shared []*model.Variable
	for _, v := range trainable(scope, losses.Graph()) {
		if isShared(v) {
			shared = append(shared, v)
		}
	}
	g := m.sharedGradients(shared, losses)
	products := Dot(g, g).General([]int{2}, []int{0}, []int{2}, []int{0})
	weighted := ReduceSum(Mul(losses, m.taskWeights(losses.Graph())), 1) // [R]
	joint := m.sharedGradients(shared, ExpandAxes(weighted, -1))         // [R, 1, P]
	rows := make([]*Node, len(m.cfg.Tasks))
	for t := range rows {
		rows[t] = m.headNorms(scope, ReduceAllSum(Slice(losses, AxisRange(), AxisElem(t))))
	}
	return []*Node{products, ReduceSum(Square(joint), 1, 2), Stack(rows, 1)}
}

// headNorms returns ‖∇_{β_s} ℒ‖ for the weights of each head s, [R, T]; loss is a sum over runs.
func (m *MultiTask) headNorms(scope *model.Scope, loss *Node) *Node {
	var parts []*Node
	for _, g := range m.groups {
		weights := scope.Store().GetVariable("/heads/" + g.scopeName() + "/" + weightsName).NodeValue(loss.Graph())
		gradient := Reshape(Gradient(loss, weights)[0], m.cfg.Runs, -1, len(g.tasks), g.width())
		parts = append(parts, Sqrt(ReduceSum(Square(gradient), 1, 3)))
	}
	return m.inTaskOrder(parts)
}

// newConflict computes norms and cosines from the inner products of the gradients.
func newConflict(products [][]float64) Conflict {
	tasks := len(products)
	c := Conflict{Norms: make([]float64, tasks), Cosines: make([][]float64, tasks)}
	for t := range tasks {
		c.Norms[t] = math.Sqrt(products[t][t])
	}
	for s := range tasks {
		c.Cosines[s] = make([]float64, tasks)
		for t := range tasks {
			c.Cosines[s][t] = products[s][t] / (c.Norms[s] * c.Norms[t])
		}
	}
	return c
}

// MeanCosine returns the mean of the cosines over all pairs of tasks.
func (c Conflict) MeanCosine() float64 {
	sum, pairs := 0.0, 0
	for s, row := range c.Cosines {
		for _, cosine := range row[:s] {
			sum, pairs = sum+cosine, pairs+1
		}
	}
	return sum / float64(pairs)
}
