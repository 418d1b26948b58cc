package lecture11

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/lecture11/data"
)

// digitTask returns the configuration of a model with one task of 10 classes.
func digitTask(runs int, seed int64) MultiTaskConfig {
	return MultiTaskConfig{Features: 784, Hidden: []int{64, 32}, Tasks: []Task{{Name: "digit", Classes: 10}}, Runs: runs, Seed: seed}
}

func digitData(t *testing.T, images *data.Images) TaskData {
	t.Helper()
	return TaskData{X: images.Tensor(), Y: labelsOf(t, ClassColumn(images.Labels)), ID: images.ID}
}

// noisyDigits returns clean digits plus noise of 0.5, clipped to [0, 1].
func noisyDigits(t *testing.T, images *data.Images, m *MultiTask, seed int64) TaskData {
	t.Helper()
	d := digitData(t, images)
	noisy, err := Corrupt(m.backend, d.X, Corruption{Kind: "gaussian", Level: 0.5}, seed)
	if err != nil {
		t.Fatal(err)
	}
	tensors.MustMutableFlatData(noisy, func(flat []float32) {
		for i, v := range flat {
			flat[i] = min(1, max(0, v))
		}
	})
	d.X = noisy
	return d
}

// cleanSource returns a small classifier of clean digits, and its data.
func cleanSource(t *testing.T) (m *MultiTask, train, test *data.Images) {
	t.Helper()
	train, test = greyDigits(t, 10_000, 1000)
	m = newMultiTask(t, digitTask(1, 1))
	return fitTasks(t, m, digitData(t, train), FitConfig{Epochs: 4, Decay: "linear", Seed: 1}), train, test
}

// TestTransfer is C15.6, C15.1 and C15.3 on a small scale: clean digits → noisy ones with 5 labels per class, 5 seeds
// of each way in one program. Fine-tuning with the old head is better than training from scratch by at least .15, with
// disjoint intervals. Frozen features are better than random ones. Frozen weights are the same to the last bit, and
// their heads have changed.
func TestTransfer(t *testing.T) {
	long(t)
	if testing.Short() {
		t.Skip("trains 30 runs")
	}
	source, train, test := cleanSource(t)
	const seeds = 5
	ways := Ways(2)
	starts, plans, err := CrossWays(ways, train.Labels, 5, seeds)
	if err != nil {
		t.Fatal(err)
	}
	m := newMultiTask(t, digitTask(len(plans), 2))
	startFrom(t, m, source, starts...)
	fitTasks(t, m, noisyDigits(t, train, m, 1), FitConfig{Epochs: 300, Batch: 50, LearningRate: 3e-3, Decay: "linear", Seed: 1}, plans...)
	results, err := m.Evaluate(noisyDigits(t, test, m, 2))
	if err != nil {
		t.Fatal(err)
	}
	estimates, err := ByWay(results, len(ways))
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]Estimate{}
	for i, way := range ways {
		of[way.Name] = estimates[i]
		t.Logf("%-22s %.3f ± %.3f", way.Name, estimates[i].Mean, estimates[i].Interval95())
	}
	scratch, old := of["scratch"], of["fine-tuned, old head"]
	if old.Mean-scratch.Mean < 0.15 || old.Mean-old.Interval95() < scratch.Mean+scratch.Interval95() {
		t.Errorf("fine-tuned under the old head %v, scratch %v, want .15 more and disjoint intervals", old, scratch)
	}
	if frozen, random := of["frozen"], of["random frozen"]; frozen.Mean-frozen.Interval95() < random.Mean+random.Interval95() {
		t.Errorf("frozen %v, random frozen %v, want disjoint intervals", frozen, random)
	}
	for _, path := range []string{"/shared_0/weights", "/shared_0/biases", "/shared_1/weights", "/shared_1/biases"} {
		from, now := valuesOf(t, source, path), valuesOf(t, m, path)
		if !slices.Equal(part(now, seeds, len(plans)), from) { // the first run of the second way
			t.Errorf("frozen run: %s has changed", path)
		}
		if slices.Equal(part(now, 4*seeds, len(plans)), from) {
			t.Errorf("fine-tuned run: %s has not changed", path)
		}
	}
	if head := valuesOf(t, m, "/heads/classes_10/weights"); slices.Equal(part(head, seeds, len(plans)), part(head, seeds+1, len(plans))) {
		t.Error("heads of two frozen runs are the same: they have not changed")
	}
}

// TestHeadIsConvex is C15.2: on frozen features, with a penalty on the head, two heads with different initial weights
// reach the same loss (1e-3).
func TestHeadIsConvex(t *testing.T) {
	source, train, _ := cleanSource(t)
	objects, err := LabelBudget(train.Labels, 10, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := newMultiTask(t, digitTask(2, 7))
	startFrom(t, m, source, Start{Layers: 2})
	d := digitData(t, train)
	plan := RunPlan{Objects: objects, Frozen: 2, HeadDecay: 1e-2}
	fitTasks(t, m, d, FitConfig{Epochs: 3000, Batch: 100, LearningRate: 3e-2, Decay: "linear", Seed: 1, StepsPerCall: 500}, plan)
	results, err := m.Evaluate(TaskData{X: rowsOf(t, d.X, objects), Y: rowsOf(t, d.Y, objects)})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("losses %.6f and %.6f", results[0][0].Loss, results[1][0].Loss)
	near(t, "losses of two starts", results[0][0].Loss, results[1][0].Loss, 1e-3)
}

// rowsOf returns rows of a tensor.
func rowsOf(t *testing.T, x *tensors.Tensor, rows []int) *tensors.Tensor {
	t.Helper()
	taken, err := takeRows(x, rows)
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

// TestHeadFirst is C15.5: at the first step of fine-tuning, the gradient on α with a trained head is at most .4 of that
// with a random one (mean of 3 seeds). While only heads are trained, f does not change.
func TestHeadFirst(t *testing.T) {
	source, train, _ := cleanSource(t)
	first := must(LabelBudget(train.Labels, 50, 1))
	d := digitData(t, train)
	norms := func(plan RunPlan, epochs int) float64 {
		m := newMultiTask(t, digitTask(3, 5))
		startFrom(t, m, source, Start{Layers: 2})
		plan.Objects = first
		fitTasks(t, m, d, FitConfig{Epochs: epochs, Batch: 500, LearningRate: 3e-3, Seed: 1}, plan)
		if !slices.Equal(part(valuesOf(t, m, "/shared_1/weights"), 2, 3), valuesOf(t, source, "/shared_1/weights")) {
			t.Error("f changed while only heads were trained")
		}
		conflicts, err := m.GradientConflict(TaskData{X: rowsOf(t, d.X, first), Y: rowsOf(t, d.Y, first)})
		if err != nil {
			t.Fatal(err)
		}
		return (conflicts[0].Norms[0] + conflicts[1].Norms[0] + conflicts[2].Norms[0]) / 3
	}
	random := norms(RunPlan{Frozen: 2}, 1) // a step moves the head by 0.003
	trained := norms(RunPlan{HeadFirst: 1}, 300)
	t.Logf("‖∇α‖ under a trained head %.4f, under a random one %.4f: ratio %.3f", trained, random, trained/random)
	if trained > 0.4*random {
		t.Errorf("ratio %.3f, want at most 0.4", trained/random)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestKeepNear: a strong pull keeps the weights close to their initial values, and a weak one less so.
func TestKeepNear(t *testing.T) {
	tasks, d := threeTasks(t)
	cfg := MultiTaskConfig{Features: 5, Hidden: []int{7}, Tasks: tasks, Runs: 3, Seed: 1}
	source := fitTasks(t, newMultiTask(t, cfg), d, FitConfig{Batch: 12, Seed: 1})
	cfg.Seed = 2
	m := newMultiTask(t, cfg)
	startFrom(t, m, source, Start{Layers: 1})
	fitTasks(t, m, d, FitConfig{Epochs: 300, Batch: 12, LearningRate: 1e-2, Seed: 1}, RunPlan{}, RunPlan{KeepNear: 1}, RunPlan{KeepNear: 100})
	from, now := valuesOf(t, source, "/shared_0/weights"), valuesOf(t, m, "/shared_0/weights")
	var away [3]float64
	for run := range away {
		a, b := part(from, run, 3), part(now, run, 3)
		for i := range a {
			away[run] += math.Pow(float64(a[i]-b[i]), 2)
		}
		away[run] = math.Sqrt(away[run])
	}
	t.Logf("distance from the start with μ = 0, 1, 100: %.3f", away)
	if !(away[0] > 2*away[1] && away[1] > 10*away[2] && away[2] < 0.02) {
		t.Errorf("distances %.4f, want them to fall with μ, in the end below 0.02", away)
	}
}

// TestStartReport: the report lists the heads that were taken, skipped or of another shape. Heads are transferred by
// the names of their tasks, between models with different other tasks, directly and through a file.
func TestStartReport(t *testing.T) {
	tasks, d := threeTasks(t)
	source := newMultiTask(t, MultiTaskConfig{Features: 5, Hidden: []int{7, 4}, Tasks: tasks, Seed: 1})
	training, err := source.Training(d, FitConfig{Epochs: 2, Batch: 6, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := training.Save("weights", &file); err != nil {
		t.Fatal(err)
	}
	target := MultiTaskConfig{Features: 5, Hidden: []int{7, 4}, Seed: 2,
		Tasks: []Task{{Name: "new", Classes: 3}, {Name: "kind", Classes: 3}, {Name: "side", Classes: 5}, {Name: "size"}}}
	for name, take := range map[string]func(m *MultiTask) (StartReport, error){
		"model": func(m *MultiTask) (StartReport, error) { return m.StartFrom(source, Start{Layers: 1, Heads: true}) },
		"file": func(m *MultiTask) (StartReport, error) {
			return m.StartFromFile(bytes.NewReader(file.Bytes()), Start{Layers: 1, Heads: true})
		},
	} {
		m := newMultiTask(t, target)
		report, err := take(m)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%v %v %d", report.Taken, report.Skipped, len(report.OtherShape))
		if want := `[shared_0 head "kind" head "size"] [shared_1 head "new"] 1`; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if !slices.Equal(valuesOf(t, m, "/shared_0/weights"), valuesOf(t, source, "/shared_0/weights")) {
			t.Errorf("%s: shared_0 is not the source's", name)
		}
		from, now := valuesOf(t, source, "/heads/classes_3/weights"), valuesOf(t, m, "/heads/classes_3/weights")
		for i := range 4 { // "kind" is the second of two heads here, the only one there
			if !slices.Equal(from[i*3:(i+1)*3], now[i*6+3:i*6+6]) {
				t.Errorf("%s: head \"kind\" row %d is %v, want %v", name, i, now[i*6+3:i*6+6], from[i*3:(i+1)*3])
			}
		}
	}
}

// TestStartRefuses: another architecture, a start that the model cannot take, and a damaged file or one of another kind
// are refused.
func TestStartRefuses(t *testing.T) {
	tasks, d := threeTasks(t)
	cfg := MultiTaskConfig{Features: 5, Hidden: []int{7, 4}, Tasks: tasks, Seed: 1}
	source := newMultiTask(t, cfg)
	_, err := newMultiTask(t, cfg).StartFrom(source, Start{Layers: 1})
	wantError(t, err, "has no weights")
	fitTasks(t, source, d, FitConfig{Batch: 6})
	for want, change := range map[string]func(c *MultiTaskConfig, s *Start){
		"shared_0 of the other model maps 5 to 7 numbers by relu, want 5 to 8": func(c *MultiTaskConfig, s *Start) { c.Hidden = []int{8, 4} },
		"want 6 to 7": func(c *MultiTaskConfig, s *Start) { c.Features = 6 },
		"by tanh":     func(c *MultiTaskConfig, s *Start) { c.Activation = "tanh" },
		"Layers = 3":  func(c *MultiTaskConfig, s *Start) { s.Layers = 3 },
		"asks for 3 layers, the other model has 2": func(c *MultiTaskConfig, s *Start) { c.Hidden, s.Layers = []int{7, 4, 4}, 3 },
	} {
		c, s := cfg, Start{Layers: 2}
		change(&c, &s)
		_, err := newMultiTask(t, c).StartFrom(source, s)
		wantError(t, err, want)
	}
	_, err = newMultiTask(t, cfg).StartFrom(source, Start{}, Start{})
	wantError(t, err, "2 starts for MultiTaskConfig.Runs = 1")
	_, err = source.StartFrom(source, Start{})
	wantError(t, err, "has weights already")
	_, err = newMultiTask(t, cfg).StartFromFile(bytes.NewReader([]byte("no weights at all")), Start{})
	wantError(t, err, "not a safetensors file")
	_, err = LabelBudget([]int{0, 1, 1}, 2, 1)
	wantError(t, err, "2 objects of class 0, want 1 to 1")
	_, _, err = CrossWays(nil, nil, 1, 1)
	wantError(t, err, "0 ways")
	_, err = ByWay(make([][]TaskResult, 5), 2)
	wantError(t, err, "5 runs of 2 ways")
}
