package lecture11

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
)

// FewShotTuning adapts a trained network to the support of each episode by training, with a new head of N classes. It
// is the simplest method and the control for all others. All episodes are runs of one program. plan selects the
// weights that are trained; Frozen, for example, trains only a head on the unchanged features. It returns the share of
// queries that are then classified correctly, over the episodes, which must all have the same N. x: [l, n].
//
// Slide "Few-shot learning"; Chen et al. 2019, "A closer look at few-shot classification".
func FewShotTuning(ctx context.Context, source *MultiTask, x *tensors.Tensor, episodes []Episode, cfg FitConfig, plan RunPlan) (Estimate, error) {
	if err := checkGiven("FewShotTuning", "the source model", source != nil, "a trained model"); err != nil {
		return Estimate{}, err
	}
	d, support, queries, err := episodeTasks(x, episodes, plan)
	if err != nil {
		return Estimate{}, err
	}
	config := source.cfg
	config.Tasks = []Task{{Name: "episode", Classes: len(episodes[0].Support)}}
	config.Runs, config.Balance, config.Seed = len(episodes), "equal", cfg.Seed
	m, err := NewMultiTask(source.backend, config)
	if err != nil {
		return Estimate{}, err
	}
	if _, err := m.StartFrom(source, Start{Layers: len(config.Hidden)}); err != nil {
		return Estimate{}, err
	}
	training, err := m.Training(d, cfg, support...)
	if err != nil {
		return Estimate{}, err
	}
	if err := training.Run(ctx, nil); err != nil {
		return Estimate{}, err
	}
	results, err := m.Evaluate(d, queries...)
	if err != nil {
		return Estimate{}, err
	}
	shares := make([]float64, len(results))
	for e := range results {
		shares[e] = results[e][0].Accuracy
	}
	return NewEstimate(shares), nil
}

// episodeTasks copies the objects of all episodes, each labelled with its class in its episode. It returns the plans
// that train on the supports and measure on the queries.
func episodeTasks(x *tensors.Tensor, episodes []Episode, plan RunPlan) (d TaskData, support, queries []RunPlan, err error) {
	if err := checkTensors("FewShotTuning", x); err != nil {
		return d, nil, nil, err
	}
	if len(episodes) == 0 {
		return d, nil, nil, fmt.Errorf("lecture11: FewShotTuning of 0 episodes, want at least one")
	}
	var rows []int
	var labels []float64
	for e, episode := range episodes {
		if err := episode.check(x.Shape().Dimensions[0]); err != nil {
			return d, nil, nil, fmt.Errorf("lecture11: FewShotTuning: episode %d: %w", e, err)
		}
		if len(episode.Support) != len(episodes[0].Support) {
			return d, nil, nil, fmt.Errorf("lecture11: FewShotTuning: episode %d has %d classes, want %d as the first", e, len(episode.Support),
				len(episodes[0].Support))
		}
		plans := [2]RunPlan{plan, {}}
		for part, classes := range [][][]int{episode.Support, episode.Query} {
			for class, objects := range classes {
				for _, object := range objects {
					plans[part].Objects = append(plans[part].Objects, len(rows))
					rows, labels = append(rows, object), append(labels, float64(class))
				}
			}
		}
		support, queries = append(support, plans[0]), append(queries, plans[1])
	}
	d.ID = "episodes"
	if d.X, err = takeRows(x, rows); err != nil {
		return d, nil, nil, err
	}
	d.Y, err = TaskLabels(labels)
	return d, support, queries, err
}
