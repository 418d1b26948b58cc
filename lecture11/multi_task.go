package lecture11

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Task is one problem of several that a model learns: a head g_t(z, β_t) on the shared code with its own loss ℒ_t.
type Task struct {
	Name    string   `json:"name"`    // for people, the names of losses, and transfer; not "loss", nor with "evaluation " in front
	Classes int      `json:"classes"` // ≥ 2: cross-entropy over this number of classes; 0: squared error of one number
	Weight  *float64 `json:"weight"`  // λ_t ≥ 0; nil stands for 1
}

// MultiTaskConfig describes a network f(x, α) that several tasks share, and their heads. Zero fields take the default in
// their comment. As JSON it is part of the key under which a trained model is stored.
type MultiTaskConfig struct {
	Features   int    `json:"features"`   // components n of an object x
	Hidden     []int  `json:"hidden"`     // sizes of the layers of f, the last that of z; default {256, 128}; {}: z = x
	Activation string `json:"activation"` // after each layer of f: "relu" (default), "tanh", "gelu", "linear"
	Tasks      []Task `json:"tasks"`      // T, at least one, all with different names

	// Balance is the rule that combines the tasks' losses. "equal" (default) minimises Σ λ_t ℒ_t. "uncertainty" learns
	// their weights (Kendall et al. 2018). "gradnorm" balances the norms of their gradients (Chen et al. 2018).
	// "pcgrad" removes from each gradient its component against another task's (Yu et al. 2020).
	Balance string `json:"balance"`

	// Runs is R, the number of models with different initial weights that are trained side by side in one program, each
	// as if it were alone; default 1.
	Runs int   `json:"runs"`
	Seed int64 `json:"seed"` // of the initial weights of all runs
}

func (c MultiTaskConfig) withDefaults() MultiTaskConfig {
	if c.Hidden == nil {
		c.Hidden = []int{256, 128}
	}
	c.Activation = cmp.Or(c.Activation, "relu")
	c.Balance = cmp.Or(c.Balance, "equal")
	c.Runs = cmp.Or(c.Runs, 1)
	c.Tasks = slices.Clone(c.Tasks)
	for i := range c.Tasks {
		c.Tasks[i].Weight = valueOr(c.Tasks[i].Weight, 1)
	}
	return c
}

// check returns an error that names the first invalid field.
func (c MultiTaskConfig) check() error {
	switch {
	case c.Features < 1:
		return fmt.Errorf("lecture11: MultiTaskConfig.Features = %d, want the positive number of components of x", c.Features)
	case len(c.Tasks) == 0:
		return fmt.Errorf("lecture11: MultiTaskConfig.Tasks is empty, want at least one task")
	case c.Runs < 1:
		return fmt.Errorf("lecture11: MultiTaskConfig.Runs = %d, want at least 1", c.Runs)
	}
	if err := checkSizes("MultiTaskConfig.Hidden", c.Hidden); err != nil {
		return err
	}
	if err := checkName("MultiTaskConfig.Activation", c.Activation, activations); err != nil {
		return err
	}
	if err := checkName("MultiTaskConfig.Balance", c.Balance, balances); err != nil {
		return err
	}
	if len(c.Hidden) == 0 && c.Balance != "equal" && c.Balance != "uncertainty" {
		return fmt.Errorf("lecture11: MultiTaskConfig.Balance = %q with Hidden = {}, want shared layers whose gradients can be "+
			"balanced", c.Balance)
	}
	return c.checkTasks()
}

// totalLoss is the name of the loss that a training minimises. The losses of the tasks are reported in addition.
const totalLoss = "loss"

// checkTasks returns an error that names the first invalid task.
func (c MultiTaskConfig) checkTasks() error {
	seen := map[string]int{}
	for i, t := range c.Tasks {
		first, twice := seen[t.Name]
		switch {
		case t.Name == "":
			return fmt.Errorf("lecture11: MultiTaskConfig.Tasks[%d] has no Name, want one", i)
		case t.Name == totalLoss:
			return fmt.Errorf("lecture11: MultiTaskConfig.Tasks[%d].Name = %q, want another name, because this is the total loss of a training", i, t.Name)
		case strings.HasPrefix(t.Name, evaluationPrefix):
			return fmt.Errorf("lecture11: MultiTaskConfig.Tasks[%d].Name = %q, want a name that does not start with %q, because these are the "+
				"losses on held-out objects", i, t.Name, evaluationPrefix)
		case twice:
			return fmt.Errorf("lecture11: MultiTaskConfig.Tasks[%d] and [%d] are both called %q, want different names", first, i, t.Name)
		case t.Classes < 0 || t.Classes == 1:
			return fmt.Errorf("lecture11: task %q has Classes = %d, want at least 2, or 0 for a number", t.Name, t.Classes)
		case !(*t.Weight >= 0) || math.IsInf(*t.Weight, 0):
			return fmt.Errorf("lecture11: task %q has Weight = %g, want λ ≥ 0", t.Name, *t.Weight)
		}
		if c.Balance == "gradnorm" && *t.Weight == 0 {
			return fmt.Errorf("lecture11: task %q has Weight = 0 with Balance \"gradnorm\", want λ > 0, from which the weights start", t.Name)
		}
		seen[t.Name] = i
	}
	return nil
}

// MultiTask is a network f(x, α) with a head g_t(z, β_t) for each task t, trained on all tasks at once:
//
//	Σ_{t∈T} λ_t Σ_{x∈X_t} ℒ_t(g_t(f(x, α), β_t), y_t) → min over α, {β_t},
//
// where each inner sum is divided by its number of objects in a batch. With one task it is a classifier or a
// regression; its layers can be transferred to another model; see [MultiTask.StartFrom].
//
// Slide "Multi-task learning"; Caruana 1997.
type MultiTask struct {
	cfg    MultiTaskConfig
	groups []taskGroup
	body   NetFn // f; nil: the layers that cfg asks for
	fitted
}

// NewMultiTask returns an untrained model that computes on backend. The error names the invalid field of cfg.
func NewMultiTask(backend compute.Backend, cfg MultiTaskConfig) (*MultiTask, error) {
	if err := checkBackend("NewMultiTask", backend); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &MultiTask{cfg: cfg, groups: groupTasks(cfg.Tasks)}
	m.fitted = newFitted("MultiTask", backend, cfg, m.buildAll)
	return m, nil
}

// buildAll builds all layers and heads once, on objects of zeros.
func (m *MultiTask) buildAll(scope *model.Scope, g *Graph) {
	z := m.represent(scope, Zeros(g, shapes.Make(dtypes.Float32, m.cfg.Runs, 1, m.cfg.Features)))
	m.heads(scope, z[len(z)-1])
	if m.cfg.Balance == "uncertainty" {
		logVariances(scope, shapes.Make(dtypes.Float32, m.cfg.Runs, len(m.cfg.Tasks)))
	}
}

// Config returns the configuration with the defaults filled in.
func (m *MultiTask) Config() MultiTaskConfig { return m.cfg }

// taskGroup holds the tasks of one width. Their heads form one layer, so that hundreds of heads cost one product.
type taskGroup struct {
	classes int   // 0 for numbers
	tasks   []int // places in Tasks
}

// groupTasks groups tasks by the outputs of their heads, in the order of the first task of each group.
func groupTasks(tasks []Task) []taskGroup {
	var groups []taskGroup
	for i, t := range tasks {
		g := slices.IndexFunc(groups, func(g taskGroup) bool { return g.classes == t.Classes })
		if g < 0 {
			g = len(groups)
			groups = append(groups, taskGroup{classes: t.Classes})
		}
		groups[g].tasks = append(groups[g].tasks, i)
	}
	return groups
}

// width returns the number of outputs of each head of the group.
func (g taskGroup) width() int { return max(1, g.classes) }

// scopeName returns the scope of the heads' weights under "heads".
func (g taskGroup) scopeName() string {
	if g.classes == 0 {
		return "numbers"
	}
	return fmt.Sprintf("classes_%d", g.classes)
}

// sharedScope returns the scope of layer i of f.
func sharedScope(i int) string { return fmt.Sprintf("shared_%d", i) }

// represent builds z = f(x, α). It returns the activations after each layer, of which the last is z, or x itself if
// there are no layers. x: [R, batch, n]; results: [R, batch, size].
func (m *MultiTask) represent(scope *model.Scope, x *Node) []*Node {
	outputs := []*Node{x}
	if m.body != nil { // one run
		z := m.body(scope.In("shared_0"), Squeeze(x, 0))
		wantDims("body of a MultiTask", z, x.Shape().Dim(1), m.cfg.Hidden[0])
		return append(outputs, ExpandAxes(z, 0))
	}
	for i, size := range m.cfg.Hidden {
		layer := newStackedLayer(scope.In("shared_%d", i), x, size, size)
		x = activations[m.cfg.Activation](layer.apply(x))
		outputs = append(outputs, x)
	}
	return outputs
}

// heads builds the outputs of all heads, one node for each group: [R, batch, tasks, width]. z: [R, batch, d].
func (m *MultiTask) heads(scope *model.Scope, z *Node) []*Node {
	scope = scope.In("heads")
	var outputs []*Node
	for _, g := range m.groups {
		layer := newStackedLayer(scope.In("%s", g.scopeName()), z, len(g.tasks)*g.width(), g.width())
		out := layer.apply(z)
		outputs = append(outputs, Reshape(out, z.Shape().Dim(0), z.Shape().Dim(1), len(g.tasks), g.width()))
	}
	return outputs
}
