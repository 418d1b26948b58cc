package lecture11

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// TaskData holds objects with their labels in several tasks. Each task has its own objects X_t: those whose label is
// known.
type TaskData struct {
	X  *tensors.Tensor // [l, n]: floats, or bytes 0…255 scaled to [0, 1]
	Y  *tensors.Tensor // [l, T] float32: the class 0 … Classes−1, or the number; NaN where it is not known. See TaskLabels
	ID string          // identifies X in keys, such as the ID of a data set

	// Weights are factors of the objects' losses in all tasks, such as importance weights; nil means 1 for each.
	Weights []float64
}

// TaskLabels joins one column of labels per task, all of the same length, into labels [l, T]. NaN stands for an unknown
// label.
func TaskLabels(columns ...[]float64) (*tensors.Tensor, error) {
	if len(columns) == 0 || len(columns[0]) == 0 {
		return nil, fmt.Errorf("lecture11: TaskLabels of %d columns, want at least one with at least one label", len(columns))
	}
	l, tasks := len(columns[0]), len(columns)
	flat := make([]float32, l*tasks)
	for t, column := range columns {
		if len(column) != l {
			return nil, fmt.Errorf("lecture11: TaskLabels: column %d has %d labels, want %d as in the first", t, len(column), l)
		}
		for i, v := range column {
			flat[i*tasks+t] = float32(v)
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, l, tasks), nil
}

// ClassColumn converts class labels to a column for TaskLabels.
func ClassColumn(labels []int) []float64 {
	column := make([]float64, len(labels))
	for i, label := range labels {
		column[i] = float64(label)
	}
	return column
}

// checkData returns an error that names the invalid task or object unless d fits the model: its sizes, and labels in
// range.
func (m *MultiTask) checkData(d TaskData) error {
	if err := m.checkObjects(d.X, m.cfg.Features, false); err != nil {
		return err
	}
	l := d.X.Shape().Dimensions[0]
	if d.Y == nil || d.Y.Rank() != 2 || d.Y.Shape().Dimensions[0] != l || d.Y.Shape().Dimensions[1] != len(m.cfg.Tasks) {
		return fmt.Errorf("lecture11: labels %s for objects %s and %d tasks, want [%d, %d]", shapeOf(d.Y), d.X.Shape(),
			len(m.cfg.Tasks), l, len(m.cfg.Tasks))
	}
	y, err := tensors.CopyFlatData[float32](d.Y)
	if err != nil {
		return fmt.Errorf("lecture11: labels %s, want float32: %w", d.Y.Shape(), err)
	}
	for i, label := range y {
		if task := m.cfg.Tasks[i%len(m.cfg.Tasks)]; !task.allows(label) {
			return fmt.Errorf("lecture11: label %g of object %d in task %q, want %s", label, i/len(m.cfg.Tasks), task.Name, task.labelRange())
		}
	}
	return checkWeights(d.Weights, l)
}

// allows reports whether the task may have the label. NaN is not a label.
func (t Task) allows(label float32) bool {
	if label != label {
		return true
	}
	if t.Classes == 0 {
		return !math.IsInf(float64(label), 0)
	}
	return label >= 0 && label < float32(t.Classes) && label == float32(int(label))
}

// labelRange describes the labels that the task may have.
func (t Task) labelRange() string {
	if t.Classes == 0 {
		return "a finite number, or NaN for none"
	}
	return fmt.Sprintf("a class 0 to %d, or NaN for none: the head has %d outputs", t.Classes-1, t.Classes)
}

// checkWeights returns an error unless weights is empty or holds l numbers of at least 0.
func checkWeights(weights []float64, l int) error {
	if weights == nil {
		return nil
	}
	if len(weights) != l {
		return fmt.Errorf("lecture11: %d weights for %d objects, want one for each", len(weights), l)
	}
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("lecture11: weight %g of object %d, want a number of at least 0", w, i)
		}
	}
	return nil
}

// checkTrainable returns an error that names the first task that cannot be learnt from the objects at rows. A task
// needs labels, of more than one class, not all with weight 0. where describes the owner of the rows.
func (m *MultiTask) checkTrainable(d TaskData, y []float32, rows []int, where string) error {
	tasks := len(m.cfg.Tasks)
	for t, task := range m.cfg.Tasks {
		labels, weight := map[float32]int{}, 0.0
		for _, i := range rows {
			if label := y[i*tasks+t]; label == label {
				labels[label]++
				if d.Weights == nil {
					weight++
				} else {
					weight += d.Weights[i]
				}
			}
		}
		switch {
		case len(labels) == 0:
			return fmt.Errorf("lecture11: task %q has no label among the %d objects%s, want some", task.Name, len(rows), where)
		case task.Classes > 0 && len(labels) == 1:
			return fmt.Errorf("lecture11: task %q has one class only among the %d objects%s, want at least two", task.Name, len(rows), where)
		case weight == 0:
			return fmt.Errorf("lecture11: all labelled objects of task %q%s have weight 0, want some weight", task.Name, where)
		}
	}
	return nil
}

// rowsInRange returns an error unless rows is a list of indices of l objects, at least one.
func rowsInRange(rows []int, l, run int) error {
	if len(rows) == 0 {
		return fmt.Errorf("lecture11: RunPlan %d has no Objects, want some, or nil for all", run)
	}
	if worst := slices.Max(rows); worst >= l {
		return fmt.Errorf("lecture11: RunPlan %d has object %d, want 0 to %d", run, worst, l-1)
	}
	if worst := slices.Min(rows); worst < 0 {
		return fmt.Errorf("lecture11: RunPlan %d has object %d, want 0 to %d", run, worst, l-1)
	}
	return nil
}
