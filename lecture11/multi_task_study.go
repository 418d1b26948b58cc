package lecture11

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
)

// LinearStudy measures learnability and learning to learn where the truth is known. Each of several seeds has the same
// number of linear tasks in R^n with l objects each (see linearTasks); all seeds are runs of one model.
//
// Slide "Multi-task learning".
type LinearStudy struct {
	problems []*linearTasks // one per seed
	x        [][][]float64
	y        [][]float64
	objects  int // of a seed
	data     TaskData
}

// LinearStudyConfig describes the problems that a LinearStudy draws.
type LinearStudyConfig struct {
	Tasks   int     // |T|
	Objects int     // l_t, the same for all tasks
	N       int     // components of x
	Common  int     // dimension of the subspace that the tasks share; N for unrelated tasks
	Noise   float64 // standard deviation of y around wᵀx
	Seeds   int     // problems, 0 … Seeds−1
}

// NewLinearStudy draws the problems.
func NewLinearStudy(c LinearStudyConfig) (*LinearStudy, error) {
	if c.Objects < 1 || c.Seeds < 1 {
		return nil, fmt.Errorf("lecture11: NewLinearStudy with Objects = %d, Seeds = %d, want both at least 1", c.Objects, c.Seeds)
	}
	s := &LinearStudy{objects: c.Tasks * c.Objects}
	var x, y []float32
	for seed := range uint64(c.Seeds) {
		problem, err := newLinearTasks(c.Tasks, c.N, c.Common, c.Noise, seed)
		if err != nil {
			return nil, err
		}
		objects, values := problem.draw(c.Objects, seed)
		s.problems, s.x, s.y = append(s.problems, problem), append(s.x, objects), append(s.y, values)
		rows, labels := problem.table(objects, values)
		for _, part := range []struct {
			to   *[]float32
			from *tensors.Tensor
		}{{&x, rows}, {&y, labels}} {
			flat, err := tensors.CopyFlatData[float32](part.from)
			if err != nil {
				return nil, err
			}
			*part.to = append(*part.to, flat...)
		}
	}
	l := c.Seeds * s.objects
	s.data = TaskData{X: tensors.FromFlatDataAndDimensions(x, l, c.N), Y: tensors.FromFlatDataAndDimensions(y, l, c.Tasks),
		ID: fmt.Sprintf("linear-tasks(%+v)", c)}
	return s, nil
}

// Model returns the configuration of a linear model for all seeds: a shared layer of the given width and a head for
// each task.
func (s *LinearStudy) Model(shared int) MultiTaskConfig {
	cfg := MultiTaskConfig{Features: len(s.x[0][0]), Hidden: []int{shared}, Activation: "linear", Runs: len(s.problems), Seed: 1}
	for t := range s.problems[0].weights {
		cfg.Tasks = append(cfg.Tasks, Task{Name: fmt.Sprint("task ", t)})
	}
	return cfg
}

// Data returns the objects of all seeds.
func (s *LinearStudy) Data() TaskData { return s.data }

// Plans returns copies of plan, each with the objects of one seed.
func (s *LinearStudy) Plans(plan RunPlan) []RunPlan {
	plans := make([]RunPlan, len(s.problems))
	for seed := range plans {
		plans[seed] = plan
		for i := range s.objects {
			plans[seed].Objects = append(plans[seed].Objects, seed*s.objects+i)
		}
	}
	return plans
}

// Excess returns the exact test error above the noise, E(ŷ − w_tᵀx)² = ‖ŵ_t − w_t‖² + b̂_t² for x ~ N(0, I), as a mean
// over tasks. The estimate is over the seeds.
func (s *LinearStudy) Excess(m *MultiTask) (Estimate, error) {
	if err := checkGiven("LinearStudy.Excess", "the model", m != nil, "a trained model"); err != nil {
		return Estimate{}, err
	}
	if m.cfg.Runs != len(s.problems) || len(m.cfg.Tasks) != len(s.problems[0].weights) {
		return Estimate{}, fmt.Errorf("lecture11: LinearStudy.Excess of a model with %d runs and %d tasks, want %d and %d", m.cfg.Runs,
			len(m.cfg.Tasks), len(s.problems), len(s.problems[0].weights))
	}
	means := make([]float64, len(s.problems))
	for run, problem := range s.problems {
		maps, err := m.TaskMaps(run)
		if err != nil {
			return Estimate{}, err
		}
		for t, w := range problem.weights {
			b := maps[t].Offset[0]
			means[run] += (squaredDistance(maps[t].Matrix.RawRowView(0), w) + b*b) / float64(len(maps))
		}
	}
	return NewEstimate(means), nil
}

// AloneExcess returns Excess for tasks that are learnt alone, each by the ridge whose λ comes closest to the truth; see
// bestRidge.
func (s *LinearStudy) AloneExcess() (Estimate, error) {
	means := make([]float64, len(s.problems))
	for seed, problem := range s.problems {
		l := s.objects / len(problem.weights)
		for t, w := range problem.weights {
			_, distance, err := bestRidge(s.x[seed][t*l:(t+1)*l], s.y[seed][t*l:(t+1)*l], w)
			if err != nil {
				return Estimate{}, err
			}
			means[seed] += distance / float64(len(problem.weights))
		}
	}
	return NewEstimate(means), nil
}
