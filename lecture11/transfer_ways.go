package lecture11

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// Way is a way to use a trained model for a new task with few labels.
type Way struct {
	Name  string
	Start Start
	Plan  RunPlan
}

// Ways returns the ways of slides "Transfer learning" and "Cut and fine-tune", and their controls, for a model with the
// given number of shared layers. They are: from scratch; f frozen with a new head; random f frozen, which shows the
// benefit of training f; fine-tuned with a new head; and fine-tuned with the old one. With LP-FT (Kumar et al. 2022)
// only the head is trained at first, then everything. With L2-SP (Li et al. 2018) the weights stay close to their
// initial values.
func Ways(layers int) []Way {
	return []Way{
		{Name: "scratch"},
		{Name: "frozen", Start: Start{Layers: layers}, Plan: RunPlan{Frozen: layers, HeadRate: new(10.0)}},
		{Name: "random frozen", Plan: RunPlan{Frozen: layers, HeadRate: new(10.0)}},
		{Name: "fine-tuned, new head", Start: Start{Layers: layers}},
		{Name: "fine-tuned, old head", Start: Start{Layers: layers, Heads: true}},
		{Name: "LP-FT", Start: Start{Layers: layers}, Plan: RunPlan{HeadFirst: 0.5, HeadRate: new(10.0)}},
		{Name: "L2-SP, old head", Start: Start{Layers: layers, Heads: true}, Plan: RunPlan{KeepNear: 0.01}},
	}
}

// CrossWays returns the starts and plans of len(ways)·seeds runs, way by way. Seed s of each way learns from the same
// perClass objects of each class, which [LabelBudget] draws from labels.
func CrossWays(ways []Way, labels []int, perClass, seeds int) (starts []Start, plans []RunPlan, err error) {
	if len(ways) == 0 || seeds < 1 {
		return nil, nil, fmt.Errorf("lecture11: CrossWays of %d ways and %d seeds, want at least one of each", len(ways), seeds)
	}
	for _, way := range ways {
		for seed := range seeds {
			plan := way.Plan
			if plan.Objects, err = LabelBudget(labels, perClass, uint64(seed)); err != nil {
				return nil, nil, err
			}
			starts, plans = append(starts, way.Start), append(plans, plan)
		}
	}
	return starts, plans, nil
}

// ByWay returns the accuracy in the first task of each of the given number of ways, over the seeds of its runs.
func ByWay(results [][]TaskResult, ways int) ([]Estimate, error) {
	if ways < 1 || len(results)%ways != 0 {
		return nil, fmt.Errorf("lecture11: ByWay: %d runs of %d ways, want an equal number for each", len(results), ways)
	}
	seeds := len(results) / ways
	estimates := make([]Estimate, ways)
	for w := range estimates {
		accuracies := make([]float64, seeds)
		for s := range accuracies {
			accuracies[s] = results[w*seeds+s][0].Accuracy
		}
		estimates[w] = NewEstimate(accuracies)
	}
	return estimates, nil
}

// LabelBudget draws perClass objects of each class with the seed and returns their indices in labels, in the order of
// the classes. They are the data of a task with few labels.
func LabelBudget(labels []int, perClass int, seed uint64) ([]int, error) {
	places := map[int][]int{}
	for i, label := range labels {
		places[label] = append(places[label], i)
	}
	rng := rand.New(rand.NewPCG(seed, 11))
	var drawn []int
	for _, label := range slices.Sorted(maps.Keys(places)) {
		of := places[label]
		if perClass < 1 || perClass > len(of) {
			return nil, fmt.Errorf("lecture11: LabelBudget: %d objects of class %d, want 1 to %d, the number of these objects", perClass, label, len(of))
		}
		rng.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		drawn = append(drawn, of[:perClass]...)
	}
	return drawn, nil
}
