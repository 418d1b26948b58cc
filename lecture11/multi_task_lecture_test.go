package lecture11

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"deeplearning.example/lecture11/data"
)

// excess is the mean over tasks of E(ŷ − wᵀx)² for x ~ N(0, I), which is ‖ŵ − w‖² + b̂²: the test error above the noise.
func excess(maps []AffineMap, truth [][]float64) float64 {
	sum := 0.0
	for t, w := range truth {
		sum += squaredDistance(maps[t].Matrix.RawRowView(0), w) + maps[t].Offset[0]*maps[t].Offset[0]
	}
	return sum / float64(len(truth))
}

// linearProblems are problems of as many tasks, with l objects in each task, in one table, and the plans of runs that see one
// problem each. d is the dimension of what the tasks have in common.
type linearProblems struct {
	data.LinearTasks
	list  []*data.LinearTasks
	x     [][][]float64
	y     [][]float64
	table TaskData
	plans []RunPlan
}

func newLinearProblems(t *testing.T, tasks, l, d int, seeds ...uint64) *linearProblems {
	t.Helper()
	const n = 20
	p := &linearProblems{}
	var objects, labels []float32
	for r, seed := range seeds {
		problem, err := data.NewLinearTasks(tasks, n, d, 0.5, seed)
		if err != nil {
			t.Fatal(err)
		}
		x, y := problem.Objects(l, seed)
		xs, ys := problem.Table(x, y)
		objects = append(objects, tensors.MustCopyFlatData[float32](xs)...)
		labels = append(labels, tensors.MustCopyFlatData[float32](ys)...)
		plan := RunPlan{HeadDecay: 0.5}
		for i := range x {
			plan.Objects = append(plan.Objects, r*len(x)+i)
		}
		p.list, p.x, p.y, p.plans = append(p.list, problem), append(p.x, x), append(p.y, y), append(p.plans, plan)
	}
	all := len(seeds) * tasks * l
	p.table = TaskData{X: tensors.FromFlatDataAndDimensions(objects, all, n), Y: tensors.FromFlatDataAndDimensions(labels, all, tasks)}
	return p
}

// train fits a shared plane of two dimensions and a head for each task.
func (p *linearProblems) train(t *testing.T, steps int) *MultiTask {
	t.Helper()
	tasks, objects := len(p.list[0].Weights), len(p.x[0])
	var list []Task
	for i := range tasks {
		list = append(list, Task{Name: fmt.Sprint(i)})
	}
	m := newMultiTask(t, MultiTaskConfig{Features: 20, Hidden: []int{2}, Activation: "linear", Tasks: list, Runs: len(p.list), Seed: 1})
	batch := min(objects, 250)
	return fitTasks(t, m, p.table, FitConfig{Epochs: max(1, steps*batch/objects), Batch: batch, LearningRate: 2e-2, Decay: "linear",
		Seed: 1, StepsPerCall: 500}, p.plans...)
}

// alone is the excess of the best ridge of each task, a mean over tasks, for each problem.
func (p *linearProblems) alone(t *testing.T) []float64 {
	t.Helper()
	var means []float64
	for r, problem := range p.list {
		l, sum := len(p.x[r])/len(problem.Weights), 0.0
		for task, w := range problem.Weights {
			_, distance, err := BestRidge(p.x[r][task*l:(task+1)*l], p.y[r][task*l:(task+1)*l], w)
			if err != nil {
				t.Fatal(err)
			}
			sum += distance
		}
		means = append(means, sum/float64(len(problem.Weights)))
	}
	return means
}

// TestLearningToLearn is C14.2: the test error above the noise, over 5 seeds side by side, against the best ridge of each task.
// It falls with the number of tasks and with their objects; with few of both, and where the tasks are unrelated, sharing hurts.
func TestLearningToLearn(t *testing.T) {
	together := func(tasks, l, d int) (mtl, alone Estimate) {
		p := newLinearProblems(t, tasks, l, d, 0, 1, 2, 3, 4)
		m := p.train(t, 1500)
		var values []float64
		for r, problem := range p.list {
			maps, err := m.TaskMaps(r)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, excess(maps, problem.Weights))
		}
		mtl, alone = NewEstimate(values), NewEstimate(p.alone(t))
		t.Logf("|T| = %2d, l = %2d, common dimension %2d: MTL %.3f ± %.3f, ridge %.3f ± %.3f", tasks, l, d, mtl.Mean, mtl.SE, alone.Mean, alone.SE)
		return mtl, alone
	}
	previous := math.Inf(1)
	var alone Estimate
	for _, tasks := range []int{1, 5, 20, 50} {
		var mtl Estimate
		if mtl, alone = together(tasks, 20, 2); mtl.Mean > previous {
			t.Errorf("|T| = %d: %v, no better than with fewer tasks, %.3f", tasks, mtl, previous)
		}
		previous = mtl.Mean
	}
	if previous > alone.Mean/5 {
		t.Errorf("50 tasks of 20 objects: %.3f, ridge %v, want a fifth of it at most", previous, alone)
	}
	if fewer, _ := together(50, 10, 2); fewer.Mean < previous {
		t.Errorf("50 tasks: %v with 10 objects each, better than with 20, %.3f", fewer, previous)
	}
	if mtl, alone := together(5, 5, 2); mtl.Mean < alone.Mean {
		t.Errorf("5 tasks of 5 objects: %v, want it worse than the ridge's %v", mtl, alone)
	}
	if mtl, alone := together(50, 50, 20); mtl.Mean < 5*alone.Mean {
		t.Errorf("unrelated tasks: %v, want it far worse than the ridge's %v", mtl, alone)
	}
}

// TestConflictOfTasks is C14.3: with the heads learnt on a shared layer as it was drawn, the gradients of related tasks on it have
// a mean cosine above 0, those of unrelated ones about 0 (mean over 6 seeds, 3 SE). A task of weight 100 has most of the joint
// gradient, in the mean over tasks.
func TestConflictOfTasks(t *testing.T) {
	for _, d := range []int{2, 20} {
		var means []float64
		for seed := range uint64(6) {
			p := newLinearProblems(t, 20, 200, d, seed)
			p.plans[0].Frozen = 1
			conflicts, err := p.train(t, 500).GradientConflict(p.table)
			if err != nil {
				t.Fatal(err)
			}
			var cosines []float64
			for s, row := range conflicts[0].Cosines {
				cosines = append(cosines, row[:s]...)
			}
			means = append(means, stat.Mean(cosines, nil))
			share, norms := 0.0, conflicts[0].Norms
			for _, norm := range norms {
				share += 100 * norm / (99*norm + floats.Sum(norms)) / float64(len(norms))
			}
			if share < 0.5 {
				t.Errorf("a task of weight 100 among 19 of weight 1 has %.2f of the gradients' norms in the mean, want most", share)
			}
		}
		e := NewEstimate(means)
		t.Logf("common dimension %d: mean cosine %.3f ± %.3f", d, e.Mean, e.SE)
		if related := d == 2; related && e.Mean < max(0.1, 3*e.SE) || !related && math.Abs(e.Mean) > max(0.05, 3*e.SE) {
			t.Errorf("common dimension %d: mean cosine %.3f ± %.3f, want it above 0.1 for 2, about 0 for 20", d, e.Mean, e.SE)
		}
	}
}
