package lecture11

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

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

// curvePoint trains MTL on T tasks with l objects each, runs seeds side by side, and gives the excess of each run, and that of
// the best ridges.
func curvePoint(t *testing.T, tasks, l, d, runs int) (mtl, alone []float64) {
	t.Helper()
	const n = 20
	var objects, labels []float32
	plans := slices.Repeat([]RunPlan{{HeadDecay: 0.5}}, runs)
	problems := make([]*data.LinearTasks, runs)
	for r := range runs {
		p, err := data.NewLinearTasks(tasks, n, d, 0.5, uint64(r))
		if err != nil {
			t.Fatal(err)
		}
		x, y := p.Objects(l, uint64(r))
		xs, ys := p.Table(x, y)
		objects, labels = append(objects, tensors.MustCopyFlatData[float32](xs)...), append(labels, tensors.MustCopyFlatData[float32](ys)...)
		for i := range x {
			plans[r].Objects = append(plans[r].Objects, r*len(x)+i)
		}
		problems[r] = p
		sum := 0.0
		for task, w := range p.Weights {
			_, distance, err := BestRidge(x[task*l:(task+1)*l], y[task*l:(task+1)*l], w)
			if err != nil {
				t.Fatal(err)
			}
			sum += distance / float64(tasks)
		}
		alone = append(alone, sum)
	}
	all := runs * tasks * l
	table := TaskData{X: tensors.FromFlatDataAndDimensions(objects, all, n), Y: tensors.FromFlatDataAndDimensions(labels, all, tasks)}
	var list []Task
	for i := range tasks {
		list = append(list, Task{Name: fmt.Sprint(i)})
	}
	m := newMultiTask(t, MultiTaskConfig{Features: n, Hidden: []int{2}, Activation: "linear", Tasks: list, Runs: runs, Seed: 1})
	batch := min(tasks*l, 250)
	steps := 1500
	fitTasks(t, m, table, FitConfig{Epochs: steps * batch / (tasks * l), Batch: batch, LearningRate: 2e-2, Decay: "linear", Seed: 1, StepsPerCall: 500}, plans...)
	for r := range runs {
		maps, err := m.TaskMaps(r)
		if err != nil {
			t.Fatal(err)
		}
		mtl = append(mtl, excess(maps, problems[r].Weights))
	}
	return mtl, alone
}

func TestZZ(t *testing.T) {
	for _, c := range [][3]int{{1, 20, 2}, {5, 20, 2}, {20, 20, 2}, {50, 20, 2}, {50, 10, 2}, {5, 5, 2}, {50, 50, 20}, {50, 5, 2}} {
		mtl, alone := curvePoint(t, c[0], c[1], c[2], 5)
		t.Logf("T=%d l=%d d=%d: MTL %.3f ± %.3f, STL %.3f", c[0], c[1], c[2], NewEstimate(mtl).Mean, NewEstimate(mtl).SE, NewEstimate(alone).Mean)
	}
	_ = math.Pi
	_ = slices.Max[[]int]
}
