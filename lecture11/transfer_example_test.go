package lecture11_test

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// Layers that were trained on one task start the training of another. The first task predicts the petal width of iris,
// without species. The second one learns the species from these layers. Layers is the number of leading layers to take,
// and Frozen the number of those that then keep their weights. The report says what was taken.
func ExampleMultiTask_StartFrom() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	cfg := lecture11.MultiTaskConfig{Features: 4, Hidden: []int{16}, Seed: 1, Tasks: []lecture11.Task{{Name: "petal width"}}}
	fit := lecture11.FitConfig{Epochs: 40, Batch: 30, LearningRate: 1e-2}
	source := must.M1(lecture11.NewMultiTask(backend, cfg))
	width := must.M1(lecture11.TaskLabels(iris.Column(3)))
	training := must.M1(source.Training(lecture11.TaskData{X: iris.Tensor(), Y: width, ID: iris.ID}, fit))
	must.M(training.Run(context.Background(), nil))

	cfg.Tasks = []lecture11.Task{{Name: "species", Classes: 3}}
	m := must.M1(lecture11.NewMultiTask(backend, cfg))
	fmt.Println(must.M1(m.StartFrom(source, lecture11.Start{Layers: 1})))
	species := lecture11.TaskData{X: iris.Tensor(), ID: iris.ID,
		Y: must.M1(lecture11.TaskLabels(lecture11.ClassColumn(iris.Labels)))}
	training = must.M1(m.Training(species, fit, lecture11.RunPlan{Frozen: 1, HeadRate: new(10.0)}))
	must.M(training.Run(context.Background(), nil))
	fmt.Printf("accuracy %.1f\n", must.M1(m.Evaluate(species))[0][0].Accuracy)
	// Output:
	// taken: [shared_0]
	// skipped: [head "species"]
	// of another shape: []
	// accuracy 1.0
}

// The ways to use a model of two shared layers for a new task, each with its start and its plan. CrossWays makes the
// runs of one MultiTask of them: each way with the same few labels, for each of several seeds. ByWay then averages the
// accuracies of Evaluate over the seeds.
func ExampleWays() {
	iris := must.M1(data.Iris())
	ways := lecture11.Ways(2)
	for _, way := range ways[:3] {
		fmt.Printf("%-14s takes %d layers, freezes %d\n", way.Name, way.Start.Layers, way.Plan.Frozen)
	}
	starts, plans, err := lecture11.CrossWays(ways, iris.Labels, 5, 10)
	must.M(err)
	fmt.Println(len(starts), "runs on", len(plans[0].Objects), "objects each")
	// Output:
	// scratch        takes 0 layers, freezes 0
	// frozen         takes 2 layers, freezes 2
	// random frozen  takes 0 layers, freezes 2
	// 70 runs on 15 objects each
}
