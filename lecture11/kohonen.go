package lecture11

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// KohonenConfig describes how the centres of a Kohonen network are trained. Zero fields take the default in their
// comment.
type KohonenConfig struct {
	Steps int      `json:"steps"` // at most; default 10 000
	Rate  Schedule `json:"rate"`  // η; default constant 0.05

	// MacQueen replaces Rate by η = 1/n_y, where n_y counts the wins of y including this one: w_y is then exactly the
	// mean of the objects that it has won. MacQueen 1967.
	MacQueen bool `json:"macqueen"`

	// Kernel is the rule of competition. With "" the winner takes all. With a name that [KernelByName] knows, or with
	// KernelFunc, the winner takes most.
	Kernel     string   `json:"kernel"`
	KernelFunc Kernel   `json:"-"`
	Width      Schedule `json:"width"` // of the kernel, in units of x (a temperature for "softmax", ranks for "neural gas"); default constant 1

	// AnyKernel admits a kernel that is negative or rises with ρ, against the slide's condition.
	AnyKernel bool `json:"any_kernel"`

	Lambda float64 `json:"lambda"` // λ of the running Q; default 0.01

	// Tolerance ends the training when the clustering is stable: when Q has changed by at most this share over each of
	// three consecutive spans of 1/λ steps. 0, the default, never stops early. The running Q itself fluctuates by about
	// √(λ/2) of its value, so that a smaller tolerance is met only by chance.
	Tolerance float64 `json:"tolerance"`

	Every int `json:"every"` // steps between two records of the centres; default Steps/100, at least 1

	// Pick chooses the object of a step; nil draws it with the seed of the training, with equal probability for all
	// objects.
	Pick func(step int) int `json:"-"`

	// These two fields repeat slips of the slide, to show their effect. StartFromSum: Q starts from the sum over
	// objects, although its update tracks a mean. AfterStep: ρ² is taken after the step, when it is too small by the
	// factor (1 − η)².
	StartFromSum bool `json:"start_from_sum"`
	AfterStep    bool `json:"after_step"`
}

// withDefaults fills the zero fields.
func (c KohonenConfig) withDefaults() KohonenConfig {
	c.Steps = cmp.Or(c.Steps, 10_000)
	c.Rate = c.Rate.withDefault(Schedule{Name: "constant", Start: 0.05})
	c.Width = c.Width.withDefault(Schedule{Name: "constant", Start: 1})
	c.Lambda = cmp.Or(c.Lambda, 0.01)
	c.Every = cmp.Or(c.Every, max(1, c.Steps/100))
	return c
}

// check returns an error that names the first invalid field.
func (c KohonenConfig) check() error {
	switch {
	case c.Steps < 1:
		return fmt.Errorf("lecture11: KohonenConfig.Steps = %d, want a positive number", c.Steps)
	case !(c.Lambda > 0 && c.Lambda <= 1):
		return fmt.Errorf("lecture11: KohonenConfig.Lambda = %g, want a number above 0 and at most 1", c.Lambda)
	case !(c.Tolerance >= 0):
		return fmt.Errorf("lecture11: KohonenConfig.Tolerance = %g, want 0 (never stop early) or a positive share", c.Tolerance)
	case c.Every < 1:
		return fmt.Errorf("lecture11: KohonenConfig.Every = %d, want a positive number of steps", c.Every)
	case c.MacQueen && (c.Kernel != "" || c.KernelFunc != nil):
		return fmt.Errorf("lecture11: KohonenConfig.MacQueen with KohonenConfig.Kernel = %q, want no kernel: only a winner "+
			"counts its wins", c.Kernel)
	case c.Kernel != "" && c.KernelFunc == nil:
		if err := checkName("KohonenConfig.Kernel", c.Kernel, kernels); err != nil {
			return err
		}
	}
	if err := c.Rate.check("KohonenConfig.Rate", 1); err != nil {
		return err
	}
	return c.Width.check("KohonenConfig.Width", math.MaxFloat64)
}

// kernel returns the kernel, or nil where the winner takes all.
func (c KohonenConfig) kernel() Kernel {
	if c.KernelFunc != nil {
		return c.KernelFunc
	}
	return kernels[c.Kernel]
}

// courses returns η and the width of every step.
func (c KohonenConfig) courses() (rates, widths []float64, err error) {
	rates, widths = make([]float64, c.Steps), make([]float64, c.Steps)
	for i := range rates {
		t := float64(i) / float64(c.Steps)
		rates[i], widths[i] = c.Rate.at(t), c.Width.at(t)
		if !(rates[i] > 0 && rates[i] <= 1) {
			return nil, nil, fmt.Errorf("lecture11: KohonenConfig.Rate = %g at step %d, want a number above 0 and at most 1", rates[i], i)
		}
		if !(widths[i] > 0) || math.IsInf(widths[i], 0) {
			return nil, nil, fmt.Errorf("lecture11: KohonenConfig.Width = %g at step %d, want a positive number", widths[i], i)
		}
	}
	return rates, widths, nil
}

// Kohonen trains a network of |Y| centres by stochastic gradient descent. Each step draws an object x_i, finds its
// winner, moves the winner (or, with a kernel, all centres) towards it, and updates the running estimate of the
// criterion:
//
//	y := a(x_i)
//	Q := λ·ρ²(x_i, w_y) + (1 − λ)·Q
//	w_y := w_y + η(x_i − w_y)
//
// Q starts from Q̄ of the initial centres, and the training ends when Q is stable. The whole loop is one program on the
// device.
//
// Slides "Kohonen network", "Stochastic gradient descent" and "Hard and soft competition"; Kohonen 1982.
type Kohonen struct {
	cfg           KohonenConfig
	backend       compute.Backend
	exec, cluster *Exec
	rates, widths []float64
}

// NewKohonen returns a training by cfg on backend. It serves any number of runs; the program is compiled once for each
// shape of the data.
func NewKohonen(backend compute.Backend, cfg KohonenConfig) (*Kohonen, error) {
	if err := checkBackend("NewKohonen", backend); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	k := &Kohonen{cfg: cfg, backend: backend}
	var err error
	if k.rates, k.widths, err = cfg.courses(); err != nil {
		return nil, err
	}
	if err := k.checkKernel(); err != nil {
		return nil, err
	}
	build := k.loop
	if k.oneByOne() {
		build = k.single
	}
	if k.exec, err = NewExec(backend, build); err != nil {
		return nil, err
	}
	k.cluster, err = NewExec(backend, clusterGraph)
	return k, err
}

// oneByOne reports whether each step is a separate call of the device, as on GoMLX's pure-Go backend; see newTraining.
func (k *Kohonen) oneByOne() bool { return k.backend.Name() == pureGo }

// checkKernel checks the kernel at the first and the last width.
func (k *Kohonen) checkKernel() error {
	kernel := k.cfg.kernel()
	if kernel == nil {
		return nil
	}
	for _, step := range []int{0, k.cfg.Steps - 1} {
		err := CheckKernel(k.backend, kernel, k.rates[step], k.widths[step])
		if k.cfg.AnyKernel {
			top, topErr := KernelCurve(k.backend, kernel, []float64{0}, k.widths[step])
			if topErr != nil {
				return topErr
			}
			err = checkStep(top[0], k.rates[step])
		}
		if err != nil {
			return fmt.Errorf("lecture11: KohonenConfig.Kernel = %q, step %d: %w", k.cfg.Kernel, step, err)
		}
	}
	return nil
}

// KohonenRun is the result of a training.
type KohonenRun struct {
	Clustering                 // of the objects by the last centres: Q as sum and mean, sizes, dead centres
	Centers    *tensors.Tensor // [m, n]
	Steps      int             // taken
	Stable     bool            // whether the stopping rule ended the training
	Q0         float64         // the running Q before the first step
	Q          []float64       // the running Q after each step
	Squared    []float64       // ρ²(x_i, w_y) of each step, as it entered Q
	Winner     []int32         // y of each step
	Wins       []int           // of each centre
	Recorded   []int           // the steps after which the centres were recorded, starting with 0
	Trajectory [][][]float64   // the centres after these steps: [record][m][n]
}

// Fit trains from the initial centres start, [m, n], on the objects x, [l, n]: both float32, both float64, or bytes x
// and float32 start. seed draws the objects. When ctx ends, Fit returns the run so far together with ctx.Err().
func (k *Kohonen) Fit(ctx context.Context, x, start *tensors.Tensor, seed int64) (*KohonenRun, error) {
	if err := checkClustering(x, start); err != nil {
		return nil, err
	}
	if l, m := x.Shape().Dimensions[0], start.Shape().Dimensions[0]; m > l {
		return nil, fmt.Errorf("lecture11: Kohonen.Fit: %d centres, want at most %d, the number of objects", m, l)
	}
	q0, err := k.startQ(x, start)
	if err != nil {
		return nil, err
	}
	s := &kohonenState{
		run:  &KohonenRun{Centers: start, Q0: q0, Recorded: []int{0}},
		pick: k.cfg.Pick, l: x.Shape().Dimensions[0], dtype: start.DType(),
	}
	if s.pick == nil {
		rng := rand.New(rand.NewPCG(uint64(seed), 0))
		s.pick = func(int) int { return rng.IntN(s.l) }
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	if err := x.ToDevice(k.backend, 0); err != nil {
		return nil, fmt.Errorf("lecture11: objects %s do not fit on the device: %w", x.Shape(), err)
	}
	for s.run.Steps < k.cfg.Steps && !s.run.Stable && ctx.Err() == nil {
		if err := k.call(s, x); err != nil {
			return nil, fmt.Errorf("lecture11: Kohonen.Fit, step %d: %w", s.run.Steps, err)
		}
	}
	if s.run.Clustering, err = clusterBy(k.cluster, x, s.run.Centers); err != nil {
		return nil, err
	}
	return s.run, ctx.Err()
}

// startQ returns the value from which the running Q starts: the mean over objects, or the slide's sum.
func (k *Kohonen) startQ(x, start *tensors.Tensor) (float64, error) {
	c, err := clusterBy(k.cluster, x, start)
	if k.cfg.StartFromSum {
		return c.Sum, err
	}
	return c.Mean, err
}

// checkClustering returns an error unless x [l, n] are objects and w [m, n] are centres, all finite.
func checkClustering(x, w *tensors.Tensor) error {
	if err := checkTensors("objects and centres", x, w); err != nil {
		return err
	}
	if x.Rank() != 2 || x.Size() == 0 {
		return fmt.Errorf("lecture11: objects x = %s, want [l, n] with at least one object", x.Shape())
	}
	n := x.Shape().Dimensions[1]
	if w.Rank() != 2 || w.Size() == 0 || w.Shape().Dimensions[1] != n {
		return fmt.Errorf("lecture11: centres w = %s, want [m, %d] for the objects %s", w.Shape(), n, x.Shape())
	}
	if x.DType() != w.DType() && !(x.DType() == dtypes.Uint8 && w.DType() == dtypes.Float32) {
		return fmt.Errorf("lecture11: objects x of %s and centres w of %s, want both float32 or float64, or x bytes",
			x.DType(), w.DType())
	}
	if err := checkAllFinite("objects x", x); err != nil {
		return err
	}
	return checkAllFinite("centres w", w)
}
