package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
)

var nan = math.NaN()

// threeTasks returns a task of 3 classes, a task of numbers, a task of 2 classes, and 12 objects with labels, some of
// them missing.
func threeTasks(t *testing.T) ([]Task, TaskData) {
	t.Helper()
	tasks := []Task{{Name: "kind", Classes: 3, Weight: new(2.0)}, {Name: "size"}, {Name: "side", Classes: 2, Weight: new(0.5)}}
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 12*5)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	var columns [3][]float64
	for i := range 12 {
		columns[0] = append(columns[0], float64(i%3))
		columns[1] = append(columns[1], rng.NormFloat64())
		columns[2] = append(columns[2], float64(i/2%2))
	}
	columns[0][1], columns[1][2], columns[2][3] = nan, nan, nan
	return tasks, TaskData{X: tensors.FromFlatDataAndDimensions(x, 12, 5), Y: labelsOf(t, columns[:]...), ID: "toy"}
}

func labelsOf(t *testing.T, columns ...[]float64) *tensors.Tensor {
	t.Helper()
	y, err := TaskLabels(columns...)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

func newMultiTask(t *testing.T, cfg MultiTaskConfig) *MultiTask {
	t.Helper()
	m, err := NewMultiTask(testx.Backend(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fitTasks trains a model and returns it.
func fitTasks(t *testing.T, m *MultiTask, d TaskData, cfg FitConfig, plans ...RunPlan) *MultiTask {
	t.Helper()
	training, err := m.Training(d, cfg, plans...)
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return m
}

// valuesOf returns the values of a variable.
func valuesOf(t *testing.T, m *MultiTask, path string) []float32 {
	t.Helper()
	v := m.store.GetVariable(path)
	if v == nil {
		t.Fatalf("no variable %s", path)
	}
	return tensors.MustCopyFlatData[float32](v.MustValue())
}

// naiveNet applies f and a head in loops, with the weights of a run. It is the oracle of the graph.
func naiveNet(t *testing.T, m *MultiTask, run int, x []float32, head string, place, width int) []float64 {
	t.Helper()
	in := make([]float64, len(x))
	for i, v := range x {
		in[i] = float64(v)
	}
	for i := range m.cfg.Hidden {
		in = naiveLayer(t, m, run, in, "/"+sharedScope(i))
		for j := range in {
			in[j] = math.Max(0, in[j])
		}
	}
	return naiveLayer(t, m, run, in, "/heads/"+head)[place*width : (place+1)*width]
}

func naiveLayer(t *testing.T, m *MultiTask, run int, x []float64, scope string) []float64 {
	t.Helper()
	w := part(valuesOf(t, m, scope+"/weights"), run, m.cfg.Runs)
	b := part(valuesOf(t, m, scope+"/biases"), run, m.cfg.Runs)
	out := make([]float64, len(b))
	for j := range out {
		out[j] = float64(b[j])
		for i, v := range x {
			out[j] += v * float64(w[i*len(b)+j])
		}
	}
	return out
}

// TestMultiTaskNaive compares predictions and results with loops over runs, tasks and objects.
func TestMultiTaskNaive(t *testing.T) {
	tasks, d := threeTasks(t)
	m := newMultiTask(t, MultiTaskConfig{Features: 5, Hidden: []int{7, 4}, Tasks: tasks, Runs: 2, Seed: 1})
	fitTasks(t, m, d, FitConfig{Epochs: 3, Batch: 6, Seed: 1})
	results, err := m.Evaluate(d)
	if err != nil {
		t.Fatal(err)
	}
	x, y := tensors.MustCopyFlatData[float32](d.X), tensors.MustCopyFlatData[float32](d.Y)
	heads := []struct {
		scope        string
		place, width int
	}{{"classes_3", 0, 3}, {"numbers", 0, 1}, {"classes_2", 0, 2}}
	for run := range 2 {
		for task, head := range heads {
			predicted, err := m.Predict(d.X, run, tasks[task].Name)
			if err != nil {
				t.Fatal(err)
			}
			flat := tensors.MustCopyFlatData[float32](predicted)
			var want TaskResult
			for i := range 12 {
				out := naiveNet(t, m, run, x[i*5:(i+1)*5], head.scope, head.place, head.width)
				loss, hit := naiveLoss(out, float64(y[i*3+task]))
				if !math.IsNaN(loss) {
					want.Loss, want.Accuracy, want.Objects = want.Loss+loss, want.Accuracy+hit, want.Objects+1
				}
				if head.width > 1 {
					out = softmax(out)
				}
				for j, v := range out {
					near(t, fmt.Sprintf("run %d, %s, object %d", run, tasks[task].Name, i), float64(flat[i*head.width+j]), v, 1e-5)
				}
			}
			want.average(head.width > 1)
			got := results[run][task]
			near(t, "loss", got.Loss, want.Loss, 1e-5)
			if got.Objects != want.Objects || head.width > 1 && got.Accuracy != want.Accuracy {
				t.Errorf("run %d, %s: %+v, want %+v", run, tasks[task].Name, got, want)
			}
		}
	}
}

func softmax(x []float64) []float64 {
	sum, p := 0.0, make([]float64, len(x))
	for i, v := range x {
		p[i] = math.Exp(v)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// naiveLoss returns the loss of one object and whether its class is right; both are NaN without a label.
func naiveLoss(out []float64, y float64) (loss, hit float64) {
	if math.IsNaN(y) {
		return nan, 0
	}
	if len(out) == 1 {
		return (out[0] - y) * (out[0] - y), 0
	}
	best := 0
	for j := range out {
		if out[j] > out[best] {
			best = j
		}
	}
	if best == int(y) {
		hit = 1
	}
	return -math.Log(softmax(out)[int(y)]), hit
}

// gradientsAt builds, with the weights of a trained model, the gradients of fn's scalar in the variables at paths.
func gradientsAt(t *testing.T, m *MultiTask, d TaskData, fn func(losses *Node) *Node, paths ...string) [][]float32 {
	t.Helper()
	exec, err := model.NewExec(m.backend, m.store, func(scope *model.Scope, x, y *Node) []*Node {
		losses := m.batchLosses(scope, m.forRuns(x), ExpandAxes(y, 0), Const(x.Graph(), [][][]float32{{{1}}}))
		var nodes []*Node
		for _, path := range paths {
			nodes = append(nodes, m.store.GetVariable(path).NodeValue(x.Graph()))
		}
		return Gradient(fn(losses), nodes...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	out, err := exec.Call(d.X, d.Y)
	if err != nil {
		t.Fatal(err)
	}
	var flat [][]float32
	for _, g := range out {
		flat = append(flat, tensors.MustCopyFlatData[float32](g))
	}
	return flat
}

// TestHardSharing is C14.1: the gradient of the weighted sum of the losses in α is the weighted sum of the tasks'
// gradients, to 1e-6 of its size. The gradient of a task in another task's head is exactly 0. A task without labels in
// the batch has a gradient of exactly 0 in all weights.
func TestHardSharing(t *testing.T) {
	tasks, d := threeTasks(t)
	m := newMultiTask(t, MultiTaskConfig{Features: 5, Hidden: []int{7, 4}, Tasks: tasks, Seed: 1})
	fitTasks(t, m, d, FitConfig{Epochs: 3, Batch: 6, Seed: 1})
	heads := []string{"/heads/classes_3/weights", "/heads/numbers/weights", "/heads/classes_2/weights"}
	of := func(task int) func(*Node) *Node {
		return func(losses *Node) *Node { return ReduceAllSum(Slice(losses, AxisRange(), AxisElem(task))) }
	}
	const alpha = "/shared_0/weights"
	joint := gradientsAt(t, m, d, func(losses *Node) *Node { return ReduceAllSum(Mul(losses, m.taskWeights(losses.Graph()))) }, alpha)[0]
	sum, size := make([]float64, len(joint)), 0.0
	for task := range tasks {
		gradients := gradientsAt(t, m, d, of(task), append([]string{alpha}, heads...)...)
		for i, v := range gradients[0] {
			sum[i] += *m.cfg.Tasks[task].Weight * float64(v)
		}
		for other := range heads {
			zero := !anyNonZero(gradients[1+other])
			if zero != (other != task) {
				t.Errorf("gradient of task %d in head %d: all 0 is %v", task, other, zero)
			}
		}
	}
	for _, v := range joint {
		size = max(size, math.Abs(float64(v)))
	}
	for i, v := range joint {
		near(t, "gradient of the joint loss", float64(v), sum[i], 1e-6*size)
	}

	empty := d
	y := tensors.MustCopyFlatData[float32](d.Y)
	for i := range 12 {
		y[i*3+1] = float32(nan)
	}
	empty.Y = tensors.FromFlatDataAndDimensions(y, 12, 3)
	for i, gradient := range gradientsAt(t, m, empty, of(1), append([]string{alpha}, heads...)...) {
		if anyNonZero(gradient) {
			t.Errorf("task without labels in the batch: gradient %d is not exactly 0", i)
		}
	}
}

func anyNonZero(x []float32) bool {
	for _, v := range x {
		if v != 0 {
			return true
		}
	}
	return false
}

// TestHeadGradient compares the gradient in α and β of each kind of loss with central differences.
func TestHeadGradient(t *testing.T) {
	tasks, d := threeTasks(t)
	m := newMultiTask(t, MultiTaskConfig{Features: 5, Hidden: []int{7}, Activation: "tanh", Tasks: tasks, Seed: 1})
	fitTasks(t, m, d, FitConfig{Epochs: 3, Batch: 6, Seed: 1})
	exec, err := model.NewExec(m.backend, m.store, func(scope *model.Scope, x, y *Node) []*Node {
		losses := m.batchLosses(scope, m.forRuns(x), ExpandAxes(y, 0), Const(x.Graph(), [][][]float32{{{1}}}))
		return []*Node{ReduceAllSum(losses)}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/shared_0/weights", "/heads/classes_3/weights", "/heads/numbers/biases"} {
		gradient := gradientsAt(t, m, d, func(losses *Node) *Node { return ReduceAllSum(losses) }, path)[0]
		for _, i := range []int{0, len(gradient) - 1} {
			want := centralDifference(t, exec, m.store.GetVariable(path), i, d.X, d.Y)
			near(t, fmt.Sprintf("%s[%d]", path, i), float64(gradient[i]), want, 1e-3)
		}
	}
}

// TestRunsAreAlone: each of three runs side by side, with different objects and plans, ends with the weights of a
// training alone from the same start, to 1e-5.
func TestRunsAreAlone(t *testing.T) {
	long(t)
	tasks, d := threeTasks(t)
	cfg := MultiTaskConfig{Features: 5, Hidden: []int{7, 4}, Tasks: tasks, Runs: 3, Seed: 1}
	fit := FitConfig{Epochs: 10, Batch: 12, Seed: 3}
	source := fitTasks(t, newMultiTask(t, cfg), d, FitConfig{Epochs: 1, Batch: 6, Seed: 1})
	all := Start{Layers: 2, Heads: true}
	plans := []RunPlan{{}, {Frozen: 1, HeadDecay: 0.1}, {HeadFirst: 0.5, KeepNear: 0.3}}
	together := newMultiTask(t, cfg)
	startFrom(t, together, source, all)
	fitTasks(t, together, d, fit, plans...)
	cfg.Runs = 1
	for run, plan := range plans {
		alone := newMultiTask(t, cfg)
		startFrom(t, alone, runOf(source, run), all)
		fitTasks(t, alone, d, fit, plan) // a batch holds all objects, so that their order does not matter
		for _, path := range []string{"/shared_0/weights", "/shared_1/biases", "/heads/classes_3/weights", "/heads/numbers/weights"} {
			got, want := part(valuesOf(t, together, path), run, 3), valuesOf(t, alone, path)
			for i := range want {
				near(t, fmt.Sprintf("run %d, %s[%d]", run, path, i), float64(got[i]), float64(want[i]), 1e-5)
			}
		}
	}
}

// runOf returns one run of a trained model as a separate model.
func runOf(m *MultiTask, run int) *MultiTask {
	one := *m
	one.cfg.Runs = 1
	one.fitted = newFitted("MultiTask", m.backend, m.cfg, m.buildAll)
	one.guard.lock()
	defer one.guard.unlock()
	for v := range m.store.IterVariables() {
		if !v.Trainable {
			continue
		}
		dims := v.Shape().Dimensions
		flat := part(tensors.MustCopyFlatData[float32](v.MustValue()), run, m.cfg.Runs)
		_, err := one.store.CreateVariable(v.Path(), tensors.FromFlatDataAndDimensions(flat, append([]int{1}, dims[1:]...)...))
		if err != nil {
			panic(err)
		}
	}
	return &one
}

func startFrom(t *testing.T, m, source *MultiTask, starts ...Start) StartReport {
	t.Helper()
	report, err := m.StartFrom(source, starts...)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestBalances: with each rule of balance the three tasks are learnt.
func TestBalances(t *testing.T) {
	long(t)
	tasks, d := threeTasks(t)
	for balance := range balances {
		m := newMultiTask(t, MultiTaskConfig{Features: 5, Hidden: []int{16, 8}, Tasks: tasks, Balance: balance, Runs: 2, Seed: 1})
		fitTasks(t, m, d, FitConfig{Epochs: 400, Batch: 12, LearningRate: 1e-2, Seed: 1})
		results, err := m.Evaluate(d)
		if err != nil {
			t.Fatal(err)
		}
		for run, of := range results {
			if of[0].Loss > 0.1 || of[1].Loss > 0.1 || of[2].Loss > 0.1 {
				t.Errorf("%s, run %d: %+v, want the objects of the training to be learnt", balance, run, of)
			}
		}
	}
}

// TestProjectGradients compares PCGrad on three gradients with a loop in the same order. Two orthogonal ones stay the
// same.
func TestProjectGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	const tasks, size = 3, 6
	g := make([][]float64, tasks)
	flat := make([]float32, 0, tasks*size)
	for i := range g {
		g[i] = make([]float64, size)
		for j := range g[i] {
			g[i][j] = rng.NormFloat64()
			flat = append(flat, float32(g[i][j]))
		}
	}
	store := model.NewStore()
	exec, err := model.NewExec(testx.Backend(t), store, func(scope *model.Scope, x *Node) *Node {
		return taskStep{scope: scope}.project(x)
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(flat, 1, tasks, size))
	if err != nil {
		t.Fatal(err)
	}
	got := tensors.MustCopyFlatData[float32](out[0])
	for i := range g {
		ok := false
		for first := range tasks - 1 { // the order is random: one of the two must be it, the same for all tasks
			want := projected(g, i, first)
			same := true
			for j, v := range want {
				same = same && math.Abs(float64(got[i*size+j])-v) < 1e-5
			}
			ok = ok || same
		}
		if !ok {
			t.Errorf("gradient of task %d is %v, want that of one of the two orders", i, got[i*size:(i+1)*size])
		}
	}
}

// projected returns g_i without its components against the others, which are taken in turn starting at first.
func projected(g [][]float64, i, first int) []float64 {
	clean := append([]float64(nil), g[i]...)
	for k := range len(g) - 1 {
		other := g[(i+1+(first+k)%(len(g)-1))%len(g)]
		inner, size := 0.0, 0.0
		for j := range clean {
			inner += clean[j] * other[j]
			size += other[j] * other[j]
		}
		for j := range clean {
			clean[j] -= math.Min(inner, 0) / size * other[j]
		}
	}
	return clean
}

// TestGradientConflict: two tasks with the same head and the same labels have the cosine 1 and equal norms. With labels
// far above and far below the head's output the cosine is −1, and with labels twice as far the norm is about twice as
// large.
func TestGradientConflict(t *testing.T) {
	_, d := threeTasks(t)
	tasks := []Task{{Name: "a"}, {Name: "b"}}
	m := newMultiTask(t, MultiTaskConfig{Features: 5, Hidden: []int{4}, Tasks: tasks, Seed: 1})
	fitTasks(t, m, TaskData{X: d.X, Y: labelsOf(t, constant(0), constant(1))}, FitConfig{Batch: 12})
	w := []float32{0.3, 0.3, -0.2, -0.2, 0.5, 0.5, 0.1, 0.1}
	if err := m.store.GetVariable("/heads/numbers/weights").SetValue(tensors.FromFlatDataAndDimensions(w, 1, 4, 2)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ a, b, cosine, ratio, room float64 }{
		{1, 1, 1, 1, 0.01}, {1000, -1000, -1, 1, 0.01}, {1000, 2000, 1, 2, 0.01},
	} {
		conflicts, err := m.GradientConflict(TaskData{X: d.X, Y: labelsOf(t, constant(c.a), constant(c.b))})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "cosine", conflicts[0].Cosines[0][1], c.cosine, c.room)
		near(t, "ratio of norms", conflicts[0].Norms[1]/conflicts[0].Norms[0], c.ratio, c.room)
	}
}

// constant returns a column of 12 equal labels.
func constant(v float64) []float64 {
	column := make([]float64, 12)
	for i := range column {
		column[i] = v
	}
	return column
}

// TestHundredsOfTasks: 300 tasks form one graph and are learnt.
func TestHundredsOfTasks(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	const l, n, count = 200, 6, 300
	x := make([]float32, l*n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	var tasks []Task
	var columns [][]float64
	for k := range count {
		w := make([]float64, n)
		for j := range w {
			w[j] = rng.NormFloat64()
		}
		column := make([]float64, l)
		for i := range column {
			for j := range w {
				column[i] += w[j] * float64(x[i*n+j])
			}
		}
		tasks, columns = append(tasks, Task{Name: fmt.Sprint("task ", k)}), append(columns, column)
	}
	d := TaskData{X: tensors.FromFlatDataAndDimensions(x, l, n), Y: labelsOf(t, columns...)}
	m := newMultiTask(t, MultiTaskConfig{Features: n, Hidden: []int{n}, Activation: "linear", Tasks: tasks, Seed: 1})
	fitTasks(t, m, d, FitConfig{Epochs: 150, Batch: 50, LearningRate: 2e-2, Decay: "linear", Seed: 1})
	results, err := m.Evaluate(d)
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for _, r := range results[0] {
		worst = max(worst, r.Loss)
	}
	if worst > 0.01 {
		t.Errorf("worst of %d linear tasks has the squared error %g, want under 0.01", count, worst)
	}
}

// TestMultiTaskRefuses: each wrong configuration, set of labels or plan is refused by an error that names it.
func TestMultiTaskRefuses(t *testing.T) {
	tasks, d := threeTasks(t)
	good := MultiTaskConfig{Features: 5, Hidden: []int{4}, Tasks: tasks}
	for want, change := range map[string]func(c *MultiTaskConfig){
		"Features = 0":                        func(c *MultiTaskConfig) { c.Features = 0 },
		"Tasks is empty":                      func(c *MultiTaskConfig) { c.Tasks = nil },
		`both called "a"`:                     func(c *MultiTaskConfig) { c.Tasks = []Task{{Name: "a"}, {Name: "a"}} },
		`task "a" has Classes = 1`:            func(c *MultiTaskConfig) { c.Tasks = []Task{{Name: "a", Classes: 1}} },
		`task "a" has Weight = -1`:            func(c *MultiTaskConfig) { c.Tasks = []Task{{Name: "a", Weight: new(-1.0)}} },
		"Tasks[0] has no Name":                func(c *MultiTaskConfig) { c.Tasks = []Task{{}} },
		`Balance = "fair"`:                    func(c *MultiTaskConfig) { c.Balance = "fair" },
		`Balance = "pcgrad" with Hidden = {}`: func(c *MultiTaskConfig) { c.Balance, c.Hidden = "pcgrad", []int{} },
		"Runs = -1":                           func(c *MultiTaskConfig) { c.Runs = -1 },
		"Hidden[0] = 0":                       func(c *MultiTaskConfig) { c.Hidden = []int{0} },
	} {
		c := good
		change(&c)
		_, err := NewMultiTask(testx.Backend(t), c)
		wantError(t, err, want)
	}
	m := newMultiTask(t, good)
	column := func(v ...float64) []float64 { return append(v, make([]float64, 12-len(v))...) }
	none := make([]float64, 12)
	for i := range none {
		none[i] = nan
	}
	kinds := column(0, 1, 2)
	for want, labels := range map[string]*tensors.Tensor{
		`label 3 of object 0 in task "kind", want a class 0 to 2`: labelsOf(t, column(3), kinds, column(1)),
		`label 0.5 of object 1 in task "side"`:                    labelsOf(t, kinds, kinds, column(0, 0.5)),
		`task "size" has no label`:                                labelsOf(t, kinds, none, column(1)),
		`task "side" has one class only`:                          labelsOf(t, kinds, kinds, column()),
		"3 tasks, want [12, 3]":                                   labelsOf(t, kinds, kinds),
	} {
		_, err := m.Training(TaskData{X: d.X, Y: labels}, FitConfig{Batch: 4})
		wantError(t, err, want)
	}
	weighted := d
	weighted.Weights = make([]float64, 12)
	_, err := m.Training(weighted, FitConfig{Batch: 4})
	wantError(t, err, `task "kind" have weight 0`)
	weighted.Weights = []float64{1}
	_, err = m.Training(weighted, FitConfig{Batch: 4})
	wantError(t, err, "1 weights for 12 objects")
	for want, plans := range map[string][]RunPlan{
		"RunPlan 0 has Frozen = 2":                    {{Frozen: 2}},
		"RunPlan 0 has HeadFirst = 1.5":               {{HeadFirst: 1.5}},
		"RunPlan 0 has HeadRate = -1":                 {{HeadRate: new(-1.0)}},
		"RunPlan 0 has KeepNear = -1":                 {{KeepNear: -1}},
		"RunPlan 0 has object 12":                     {{Objects: []int{12}}},
		"RunPlan 0 has no Objects":                    {{Objects: []int{}}},
		`one class only among the 2 objects of run 0`: {{Objects: []int{0, 3}}},
		"2 plans for MultiTaskConfig.Runs = 1":        {{}, {}},
	} {
		_, err := m.Training(d, FitConfig{Batch: 4}, plans...)
		wantError(t, err, want)
	}
	_, err = m.Evaluate(d)
	wantError(t, err, "no weights")
	_, err = m.Predict(d.X, 1, "kind")
	wantError(t, err, "run 1")
	_, err = m.Predict(d.X, 0, "colour")
	wantError(t, err, `no task "colour"`)
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}
