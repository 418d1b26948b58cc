package lecture11_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// Two tasks share the layers Hidden: the species of a flower, and its petal width in cm from the other measurements. A
// task with Classes is a classification, one without is a regression. TaskLabels joins one column of labels for each
// task; NaN stands for a label that is not known. Weight is λ of the task's loss.
func ExampleNewMultiTask() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris())
	m := must.M1(lecture11.NewMultiTask(backend, lecture11.MultiTaskConfig{Features: 4, Hidden: []int{16}, Seed: 1,
		Tasks: []lecture11.Task{{Name: "species", Classes: 3}, {Name: "petal width", Weight: new(0.5)}}}))
	d := lecture11.TaskData{X: iris.Standardized().Tensor(), ID: iris.ID,
		Y: must.M1(lecture11.TaskLabels(lecture11.ClassColumn(iris.Labels), iris.Column(3)))}
	training := must.M1(m.Training(d, lecture11.FitConfig{Epochs: 100, Batch: 50, LearningRate: 1e-2}))
	must.M(training.Run(context.Background(), nil))
	results := must.M1(m.Evaluate(d))[0] // of the first run; see MultiTaskConfig.Runs
	fmt.Printf("species: accuracy %.1f\n", results[0].Accuracy)
	fmt.Printf("petal width: mean squared error below 0.05 cm²: %t\n", results[1].Loss < 0.05)
	// Output:
	// species: accuracy 1.0
	// petal width: mean squared error below 0.05 cm²: true
}

// Several tasks on a custom shared network, in place of the one that Hidden and Activation describe. Hidden then has
// one number, the size of its result.
func ExampleNewMultiTaskOf() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	body := lecture11.BodyNet{ID: "two layers of tanh", Body: lecture11.Dense([]int{8}, 3, "tanh")}
	m := must.M1(lecture11.NewMultiTaskOf(backend, lecture11.MultiTaskConfig{Features: 4, Hidden: []int{3}, Seed: 1,
		Tasks: []lecture11.Task{{Name: "species", Classes: 3}}}, body))
	d := lecture11.TaskData{X: iris.Tensor(), ID: iris.ID,
		Y: must.M1(lecture11.TaskLabels(lecture11.ClassColumn(iris.Labels)))}
	training := must.M1(m.Training(d, lecture11.FitConfig{Epochs: 60, Batch: 50, LearningRate: 1e-2}))
	must.M(training.Run(context.Background(), nil))
	fmt.Println("codes", must.M1(m.Codes(iris.Tensor(), 0, 1)).Shape())
	fmt.Printf("accuracy %.1f\n", must.M1(m.Evaluate(d))[0][0].Accuracy)
	// Output:
	// codes (Float32)[150, 3]
	// accuracy 1.0
}

// A loaded model has all its runs and tasks.
func ExampleLoadMultiTask() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	m := must.M1(lecture11.NewMultiTask(backend, lecture11.MultiTaskConfig{Features: 4, Hidden: []int{8}, Runs: 2,
		Tasks: []lecture11.Task{{Name: "species", Classes: 3}}}))
	d := lecture11.TaskData{X: iris.Tensor(), ID: iris.ID,
		Y: must.M1(lecture11.TaskLabels(lecture11.ClassColumn(iris.Labels)))}
	must.M(must.M1(m.Training(d, lecture11.FitConfig{Epochs: 2})).Run(context.Background(), nil))
	var file bytes.Buffer
	must.M(m.Save(&file))
	loaded := must.M1(lecture11.LoadMultiTask(backend, &file))
	fmt.Println(loaded.Config().Runs, "runs of", loaded.Config().Tasks[0].Name)
	p, again := must.M1(m.Predict(iris.Tensor(), 1, "species")), must.M1(loaded.Predict(iris.Tensor(), 1, "species"))
	fmt.Println("same predictions:", p.Equal(again))
	// Output:
	// 2 runs of species
	// same predictions: true
}

// Eight linear tasks of 10 components whose true weights are multiples of one vector, with 20 objects each. The study
// knows these weights, so Excess is the exact test error above the noise. A shared layer of one unit, trained on all
// tasks, has less of it than the best ridge for each task alone. The tasks of three seeds are three runs of one model,
// and HeadDecay keeps the heads small.
func ExampleNewLinearStudy() {
	backend := must.M1(gobackend.New(""))
	study := must.M1(lecture11.NewLinearStudy(lecture11.LinearStudyConfig{
		Tasks: 8, Objects: 20, N: 10, Common: 1, Noise: 0.5, Seeds: 3}))
	m := must.M1(lecture11.NewMultiTask(backend, study.Model(1)))
	training := must.M1(m.Training(study.Data(), lecture11.FitConfig{
		Epochs: 200, Batch: 160, LearningRate: 2e-2}, study.Plans(lecture11.RunPlan{HeadDecay: 0.1})...))
	must.M(training.Run(context.Background(), nil))
	together, alone := must.M1(study.Excess(m)), must.M1(study.AloneExcess())
	fmt.Println("better together:", together.Mean < alone.Mean)
	// Output: better together: true
}
