package lecture11

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
)

// SOMFit describes the training of a map. Zero fields take the default in their comment. As JSON it is part of the key
// under which a trained map is stored.
type SOMFit struct {
	Mode           string   `json:"mode"`             // "batch" (default): a step is an epoch; "online": a step is an object
	Epochs         int      `json:"epochs"`           // passes over the objects; default 20
	Steps          int      `json:"steps"`            // online: objects seen; default Epochs passes
	LearningRate   Schedule `json:"learning_rate"`    // η; default: batch constant 1, online exponential 0.5 → 0.1 (Init "uniform": 0.01)
	Radius         Schedule `json:"radius"`           // σ in grid distances; default exponential, half the longer side → 0.2 (Init "uniform": 0.5)
	Order          string   `json:"order"`            // online: "shuffled" (default), "random" (the slide's), "sequential"
	Winner         string   `json:"winner"`           // batch: "nearest" (default, Kohonen's) or "heskes", with which an energy never rises
	StopWhenStable int      `json:"stop_when_stable"` // stop after this number of epochs in which no object changed its node; 0: never
	Seed           int64    `json:"seed"`             // of the order of the objects

	// Every is the largest number of steps between two reports of an online training. From 128 components on, steps are
	// computed in blocks, and Every becomes a multiple of 64: it is rounded down, or up if it is smaller. It affects
	// the speed but not the numbers. Default: the number of steps that take a few tenths of a second, or 256 with
	// blocks.
	Every int `json:"-"`
}

// These are the names that a SOMFit can use.
var (
	somModes   = map[string]bool{"batch": true, "online": true}
	somOrders  = map[string]bool{"shuffled": true, "random": true, "sequential": true}
	somWinners = map[string]bool{"nearest": true, "heskes": true}
)

// somEnds holds the default σ at the end of a training, and the default η at the end of an online one: the slide's, and
// those of a map that starts among the objects. With the latter, the last steps are nearly those of k-means, and the
// quantisation errors are as low as MiniSom's (docs/benchmarks.md).
var somEnds = map[bool]struct{ radius, rate float64 }{true: {0.5, 0.01}, false: {0.2, 0.1}}

// withDefaults returns f with defaults for its zero fields, for a map of the given configuration.
func (f SOMFit) withDefaults(cfg SOMConfig) SOMFit {
	f.Mode = cmp.Or(f.Mode, "batch")
	if f.Steps == 0 || f.Mode == "batch" {
		f.Epochs = cmp.Or(f.Epochs, 20)
	}
	f.Order = cmp.Or(f.Order, "shuffled")
	f.Winner = cmp.Or(f.Winner, "nearest")
	end := somEnds[cfg.Init == "uniform"]
	half := max(0.5, float64(max(cfg.Width, cfg.Height))/2)
	f.Radius = f.Radius.withDefault(Schedule{Name: "exponential", Start: half, End: end.radius})
	eta := Schedule{Name: "constant", Start: 1, End: 1}
	if f.Mode == "online" {
		eta = Schedule{Name: "exponential", Start: 0.5, End: end.rate}
	}
	f.LearningRate = f.LearningRate.withDefault(eta)
	return f
}

// check returns an error that names the first invalid field.
func (f SOMFit) check() error {
	for _, name := range []error{
		checkName("SOMFit.Mode", f.Mode, somModes),
		checkName("SOMFit.Order", f.Order, somOrders),
		checkName("SOMFit.Winner", f.Winner, somWinners),
		f.LearningRate.check("SOMFit.LearningRate", 1),
		f.Radius.check("SOMFit.Radius", maxRadius),
	} {
		if name != nil {
			return name
		}
	}
	switch {
	case f.Epochs < 0:
		return fmt.Errorf("lecture11: SOMFit.Epochs = %d, want at least 1", f.Epochs)
	case f.Steps < 0 || f.Steps > 0 && f.Mode == "batch":
		return fmt.Errorf("lecture11: SOMFit.Steps = %d, want 0 with Mode \"batch\", where Epochs counts, or a positive number "+
			"with \"online\"", f.Steps)
	case f.Steps > 0 && f.Epochs > 0:
		return fmt.Errorf("lecture11: SOMFit.Steps = %d and Epochs = %d, want one of them", f.Steps, f.Epochs)
	case f.Every < 0:
		return fmt.Errorf("lecture11: SOMFit.Every = %d, want a number of steps, or 0 for the default", f.Every)
	case f.StopWhenStable < 0:
		return fmt.Errorf("lecture11: SOMFit.StopWhenStable = %d, want a number of epochs, or 0 for never", f.StopWhenStable)
	case f.Mode == "online" && f.Winner != "nearest":
		return fmt.Errorf("lecture11: SOMFit.Winner = %q, want \"nearest\" with Mode \"online\"", f.Winner)
	}
	return nil
}

// maxRadius limits a radius, in grid cells, so that its square is a float32.
const maxRadius = 1e9

// steps returns the number of steps of a training on l objects.
func (f SOMFit) steps(l int) int {
	switch {
	case f.Mode == "batch":
		return f.Epochs
	case f.Steps > 0:
		return f.Steps
	}
	return f.Epochs * l
}

// schedulesHash identifies custom schedule functions by their values; it is "" if there are none.
func (f SOMFit) schedulesHash(steps int) (string, error) {
	if f.LearningRate.Func == nil && f.Radius.Func == nil {
		return "", nil
	}
	hash := sha256.New()
	for _, s := range []struct {
		field    string
		schedule Schedule
		limit    float64
	}{{"SOMFit.LearningRate", f.LearningRate, 1}, {"SOMFit.Radius", f.Radius, maxRadius}} {
		values, err := s.schedule.table(s.field, s.limit, 0, steps, steps)
		if err != nil {
			return "", err
		}
		if err := binary.Write(hash, binary.LittleEndian, values); err != nil {
			return "", err
		}
	}
	return digestOf(hash), nil
}

// powerOfTwo returns the largest power of two that is at most v, within bounds that are themselves powers of two.
func powerOfTwo(v float64, least, most int) int {
	p := most
	for p > least && float64(p) > v {
		p /= 2
	}
	return p
}

// callTime is the approximate limit for the time of a device call, in ns. After each call losses are reported, and an
// interrupt takes effect.
const callTime = 2e8

// epochsPerCall returns the number of epochs of a small sample in one call. It depends only on sizes.
func (p *somProgram) epochsPerCall() int {
	if p.single {
		return 1
	}
	cost := 5e4 + float64(p.l)*float64(p.k*p.m)*(0.5+0.01*float64(p.n))
	return powerOfTwo(callTime/cost, 1, 64)
}

// blocksPerCall is the number of blocks of online steps in one call. More would take longer to compile.
const blocksPerCall = 4

// stepsPerCall returns the number of online steps in one call, at most every unless every is 0.
func (p *somProgram) stepsPerCall(every int) int {
	every = cmp.Or(every, math.MaxInt)
	switch {
	case p.single:
		return 1
	case p.blocked():
		return onlineBlock * max(1, min(blocksPerCall, every/onlineBlock))
	}
	return min(every, powerOfTwo(callTime/(2e3+0.2*float64(p.k)*float64(p.m)*float64(p.n)), 64, 1<<13))
}

// oneChunk reports whether all objects are one chunk, so that a call can hold many epochs.
func (p *somProgram) oneChunk() bool {
	return p.single || p.kernelFits() && p.l*max(p.k*p.m, p.n) <= 1<<21
}

// use sets the number of components and the size of a chunk of objects, which must fit the caches and the memory.
func (p *somProgram) use(components int) {
	p.n = components
	p.chunk = p.l
	if !p.oneChunk() {
		most := max(16, (1<<19)/max(p.k*p.m, p.n))
		chunks := (p.l + most - 1) / most
		p.chunk = (p.l + chunks - 1) / chunks // of equal size, so that the last one repeats few objects of the previous one
	}
}
