package lecture11

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
)

func newStudy(t *testing.T, c LinearStudyConfig) *LinearStudy {
	t.Helper()
	c.N, c.Noise = 20, 0.5
	s, err := NewLinearStudy(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// studied trains a shared plane of two dimensions for the given number of steps.
func studied(t *testing.T, s *LinearStudy, steps int, plan RunPlan) *MultiTask {
	t.Helper()
	plan.HeadDecay = 0.5
	batch := min(s.objects, 250)
	return fitTasks(t, newMultiTask(t, s.Model(2)), s.Data(), FitConfig{Epochs: max(1, steps*batch/s.objects), Batch: batch,
		LearningRate: 2e-2, Decay: "linear", Seed: 1, StepsPerCall: 500}, s.Plans(plan)...)
}

// TestLearningToLearn is C14.2: the test error above the noise, over 5 seeds side by side, compared with the best ridge
// of each task. It falls with the number of tasks and with the number of their objects. With few of both, and with
// unrelated tasks, sharing hurts.
func TestLearningToLearn(t *testing.T) {
	long(t)
	together := func(tasks, l, common int) (mtl, alone Estimate) {
		s := newStudy(t, LinearStudyConfig{Tasks: tasks, Objects: l, Common: common, Seeds: 5})
		mtl, err := s.Excess(studied(t, s, 1500, RunPlan{}))
		if err != nil {
			t.Fatal(err)
		}
		if alone, err = s.AloneExcess(); err != nil {
			t.Fatal(err)
		}
		t.Logf("|T| = %2d, l = %2d, common dimension %2d: MTL %.3f ± %.3f, ridge %.3f ± %.3f", tasks, l, common, mtl.Mean, mtl.SE, alone.Mean, alone.SE)
		return mtl, alone
	}
	previous := math.Inf(1)
	var alone Estimate
	for _, tasks := range []int{1, 5, 20, 50} {
		var mtl Estimate
		if mtl, alone = together(tasks, 20, 2); mtl.Mean > previous {
			t.Errorf("|T| = %d: %v, want it better than with fewer tasks, %.3f", tasks, mtl, previous)
		}
		previous = mtl.Mean
	}
	if previous > alone.Mean/5 {
		t.Errorf("50 tasks of 20 objects: %.3f, ridge %v, want at most a fifth of it", previous, alone)
	}
	if fewer, _ := together(50, 10, 2); fewer.Mean < previous {
		t.Errorf("50 tasks: %v with 10 objects each, want it worse than with 20, %.3f", fewer, previous)
	}
	if mtl, alone := together(5, 5, 2); mtl.Mean < alone.Mean {
		t.Errorf("5 tasks of 5 objects: %v, want it worse than the ridge's %v", mtl, alone)
	}
	if mtl, alone := together(50, 50, 20); mtl.Mean < 5*alone.Mean {
		t.Errorf("unrelated tasks: %v, want it far worse than the ridge's %v", mtl, alone)
	}
}

// TestConflictOfTasks is C14.3. The heads are learnt on a shared layer that keeps its random weights. The gradients of
// related tasks on this layer have a mean cosine above 0, those of unrelated ones about 0 (mean over 6 random layers, 3
// SE). A task of weight 100 contributes most of the joint gradient, as a mean over tasks.
func TestConflictOfTasks(t *testing.T) {
	for _, common := range []int{2, 20} {
		s := newStudy(t, LinearStudyConfig{Tasks: 20, Objects: 200, Common: common, Seeds: 1})
		cfg := s.Model(2)
		cfg.Runs = 6
		m := fitTasks(t, newMultiTask(t, cfg), s.Data(), FitConfig{Epochs: 32, Batch: 250, LearningRate: 2e-2, Decay: "linear", Seed: 1},
			RunPlan{Frozen: 1})
		conflicts, err := m.GradientConflict(s.Data())
		if err != nil {
			t.Fatal(err)
		}
		var means []float64
		for _, c := range conflicts {
			means = append(means, c.MeanCosine())
			share := 0.0
			for _, norm := range c.Norms {
				share += 100 * norm / (99*norm + floats.Sum(c.Norms)) / float64(len(c.Norms))
			}
			if share < 0.5 {
				t.Errorf("a task of weight 100 among 19 of weight 1 has %.2f of the gradients' norms on average, want most", share)
			}
		}
		e := NewEstimate(means)
		t.Logf("common dimension %d: mean cosine %.3f ± %.3f", common, e.Mean, e.SE)
		if related := common == 2; related && e.Mean < max(0.1, 3*e.SE) || !related && math.Abs(e.Mean) > max(0.05, 3*e.SE) {
			t.Errorf("common dimension %d: mean cosine %.3f ± %.3f, want it above 0.1 for 2, about 0 for 20", common, e.Mean, e.SE)
		}
	}
}

// TestJointGradient: the joint gradient's norm, from its own backward pass, is that of the weighted sum of the tasks'
// gradients, to 1e-5. The gradient of a task in another task's head is exactly 0.
func TestJointGradient(t *testing.T) {
	tasks, d := threeTasks(t)
	m := newMultiTask(t, MultiTaskConfig{Features: 5, Hidden: []int{7, 4}, Tasks: tasks, Runs: 2, Seed: 1})
	fitTasks(t, m, d, FitConfig{Epochs: 3, Batch: 6, Seed: 1})
	conflicts, err := m.GradientConflict(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range conflicts {
		square := 0.0
		for s := range tasks {
			for u := range tasks {
				square += (*m.cfg.Tasks[s].Weight) * (*m.cfg.Tasks[u].Weight) * c.Norms[s] * c.Norms[u] * c.Cosines[s][u]
				if (c.Heads[s][u] == 0) != (s != u) {
					t.Errorf("gradient of task %d in head %d: %g", s, u, c.Heads[s][u])
				}
			}
		}
		near(t, "norm of the joint gradient", c.Joint, math.Sqrt(square), 1e-5*c.Joint)
	}
}

// TestLinearStudyRefuses: sizes that make no study, and a model of another study, are refused.
func TestLinearStudyRefuses(t *testing.T) {
	_, err := NewLinearStudy(LinearStudyConfig{Tasks: 2, N: 3, Common: 4, Objects: 1, Seeds: 1})
	wantError(t, err, "1 ≤ d ≤ n")
	_, err = NewLinearStudy(LinearStudyConfig{Tasks: 2, N: 3, Common: 2, Seeds: 1})
	wantError(t, err, "Objects = 0")
	tasks, _ := threeTasks(t)
	s := newStudy(t, LinearStudyConfig{Tasks: 2, Objects: 3, Common: 2, Seeds: 1})
	_, err = s.Excess(newMultiTask(t, MultiTaskConfig{Features: 5, Tasks: tasks}))
	wantError(t, err, "1 runs and 3 tasks, want 1 and 2")
	_, err = Ridge([][]float64{{1}}, []float64{1}, 0)
	wantError(t, err, "λ = 0")
	_, err = Ridge([][]float64{{1}, {1, 2}}, []float64{1, 1}, 1)
	wantError(t, err, "object 1 has 2 components")
}

// TestRidge: the gradient Xᵀ(Xw − y) + λw is 0 at the closed form.
func TestRidge(t *testing.T) {
	s := newStudy(t, LinearStudyConfig{Tasks: 1, Objects: 30, Common: 2, Seeds: 1})
	const lambda = 0.7
	w, err := Ridge(s.x[0], s.y[0], lambda)
	if err != nil {
		t.Fatal(err)
	}
	for j := range w {
		gradient := lambda * w[j]
		for i, row := range s.x[0] {
			gradient += row[j] * (floats.Dot(row, w) - s.y[0][i])
		}
		near(t, "gradient", gradient, 0, 1e-9)
	}
}
