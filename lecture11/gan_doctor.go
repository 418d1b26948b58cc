package lecture11

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/gomlx/core/tensors"
)

// DoctorConfig describes how a [GANDoctor] watches a training. Zero fields take the default in their comment.
type DoctorConfig struct {
	Every   int   // minimum number of steps from one look at samples to the next; default 200
	WarmUp  *int  // steps before the first finding, unless the training diverges; nil stands for 5·Every
	Persist int   // a finding requires this number of looks with the same cause among the last 2·Persist − 1; default 3
	Objects int   // number of real objects, and of samples, that are compared; default 512, at most all
	Stop    bool  // a finding ends the training, with a [SickGANError]
	Seed    int64 // chooses the objects and the noise of the samples
}

func (c DoctorConfig) withDefaults() DoctorConfig {
	c.Every, c.Persist, c.Objects = cmp.Or(c.Every, 200), cmp.Or(c.Persist, 3), cmp.Or(c.Objects, 512)
	c.WarmUp = valueOr(c.WarmUp, 5*c.Every)
	return c
}

// check returns an error that names the first invalid field.
func (c DoctorConfig) check() error {
	switch {
	case c.Every < 1:
		return fmt.Errorf("lecture11: DoctorConfig.Every = %d, want at least 1 step", c.Every)
	case *c.WarmUp < 0:
		return fmt.Errorf("lecture11: DoctorConfig.WarmUp = %d, want at least 0 steps", *c.WarmUp)
	case c.Persist < 1:
		return fmt.Errorf("lecture11: DoctorConfig.Persist = %d, want at least 1 look", c.Persist)
	case c.Objects < leastObjects:
		return fmt.Errorf("lecture11: DoctorConfig.Objects = %d, want at least %d", c.Objects, leastObjects)
	}
	return nil
}

// Finding is a problem that a [GANDoctor] found in a training.
type Finding struct {
	Step     int // the step of the finding; if the training diverged, the step whose losses are not finite
	Cause    Cause
	Evidence string // the numbers that show it
	Advice   string // a change to try
}

func (f Finding) String() string {
	return fmt.Sprintf("step %d, %s: %s: %s", f.Step, f.Cause, f.Evidence, f.Advice)
}

// GANDoctor watches the training of a GAN: the losses, the norms of the gradients, the certainty of D, and samples
// from a fixed noise compared with real objects. It reports problems and suggests remedies. A finding requires the
// same signs at several looks. Watching does not change the numbers of the training.
//
// Slide "GAN: training".
type GANDoctor struct {
	cfg    DoctorConfig
	mirror *ganMirror

	mu       sync.Mutex // of the fields below, and held while samples are looked at
	vitals   []Vitals
	findings []Finding

	step, looked int                // steps seen, and those of the last look
	sums         map[string]float64 // losses since the last look, times the steps of each
	peak         float64            // the largest norm of G's gradient in any call
	suspects     []Cause            // of the last 2·Persist − 1 looks, "" for a look without a suspect
	open         Cause              // the cause of the last finding, while looks still show it
}

// NewGANDoctor returns a doctor for the training of m on objects like real [l, n (+ classes)], in the form that
// [GAN.Training] takes.
func NewGANDoctor(m *GAN, real *tensors.Tensor, cfg DoctorConfig) (*GANDoctor, error) {
	if err := checkGiven("NewGANDoctor", "the model", m != nil, "a GAN"); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	mirror, err := newGANMirror(m, real, cfg)
	if err != nil {
		return nil, err
	}
	return &GANDoctor{cfg: cfg, mirror: mirror, sums: map[string]float64{}}, nil
}

// Findings returns the findings so far, in the order of steps.
func (d *GANDoctor) Findings() []Finding {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.findings)
}

// Vitals returns the vital signs at the looks so far, in the order of steps.
func (d *GANDoctor) Vitals() []Vitals {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.vitals)
}

// Curves returns the vital signs over the looks, by name, and the steps of the looks, for a plot.
func (d *GANDoctor) Curves() (steps []float64, curves map[string][]float64) {
	curves = map[string][]float64{}
	for _, v := range d.Vitals() {
		steps = append(steps, float64(v.Step))
		for name, value := range vitalSigns {
			curves[name] = append(curves[name], value(v))
		}
	}
	return steps, curves
}

// String returns the findings, one per line, or a line that there are none.
func (d *GANDoctor) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.findings) == 0 {
		return fmt.Sprintf("no finding at %d looks up to step %d", len(d.vitals), d.step)
	}
	lines := make([]string, len(d.findings))
	for i, f := range d.findings {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Over returns t with the doctor watching. It is run or stored in place of t.
func (d *GANDoctor) Over(t *Training) *WatchedTraining {
	return &WatchedTraining{Training: t, doctor: d}
}

// WatchedTraining is a [Training] that a [GANDoctor] watches.
type WatchedTraining struct {
	*Training
	doctor *GANDoctor
}

// Run is [Training.Run]. With DoctorConfig.Stop a finding ends it with a [SickGANError], and a second Run continues
// the training. A training that diverges always ends with a SickGANError, which wraps the [DivergedError].
func (w *WatchedTraining) Run(ctx context.Context, onStep func(step int, losses map[string]float64) error) error {
	d := w.doctor
	if err := checkGiven("GANDoctor.Over", "the training", w.Training != nil, "one of the doctor's GAN"); err != nil {
		return err
	}
	if w.store != d.mirror.m.store {
		return fmt.Errorf("lecture11: GANDoctor.Over(%s): the training of another model than the doctor's, want the training of the same *GAN", w.Name())
	}
	err := w.Training.run(ctx, func() { d.start(w.Step()) }, func(step int, losses map[string]float64) error {
		if onStep != nil {
			if err := onStep(step, losses); err != nil {
				return err
			}
		}
		finding, err := d.see(step, losses)
		if err == nil && finding != nil && d.cfg.Stop {
			return &SickGANError{Name: w.Name(), Finding: *finding, Kept: step}
		}
		return err
	})
	var diverged *DivergedError
	if errors.As(err, &diverged) {
		return &SickGANError{Name: w.Name(), Finding: d.diverged(diverged), Kept: diverged.Kept, Err: diverged}
	}
	return err
}

// SickGANError reports why a doctor ended the training of a GAN. The training is in the state after step Kept and can
// be continued.
type SickGANError struct {
	Name    string // of the training
	Finding Finding
	Kept    int   // steps taken in the state that is kept
	Err     error // the DivergedError of a training that diverged, else nil
}

func (e *SickGANError) Error() string {
	return fmt.Sprintf("lecture11: %s ended at %s (the state after step %d is kept)", e.Name, e.Finding, e.Kept)
}

// Unwrap returns the [DivergedError], if any.
func (e *SickGANError) Unwrap() error { return e.Err }

// StateKept reports that the state is complete and should be saved despite the error.
func (e *SickGANError) StateKept() bool { return true }

// start prepares for the steps after step.
func (d *GANDoctor) start(step int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.step, d.looked = step, step
	clear(d.sums)
}

// see records the losses of the steps up to step and looks at samples if a look is due. It returns the finding of this
// look, if any.
func (d *GANDoctor) see(step int, losses map[string]float64) (*Finding, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, value := range losses {
		d.sums[name] += value * float64(step-d.step)
	}
	d.step, d.peak = step, max(d.peak, losses["∇G"])
	if step-d.looked < d.cfg.Every {
		return nil, nil
	}
	v := d.since()
	d.looked = step
	clear(d.sums)
	if err := d.mirror.look(&v); errors.Is(err, errNotFinite) {
		return nil, nil // the losses of the next steps will not be finite
	} else if err != nil {
		return nil, fmt.Errorf("lecture11: GANDoctor, step %d: %w", step, err)
	}
	if step <= *d.cfg.WarmUp {
		d.mirror.forget()
	}
	d.vitals = append(d.vitals, v)
	return d.judge(v), nil
}

// since returns the means of the losses since the last look.
func (d *GANDoctor) since() Vitals {
	mean := func(name string) float64 { return d.sums[name] / float64(d.step-d.looked) }
	return Vitals{Step: d.step, Discriminator: mean("discriminator"), Generator: mean("generator"), Real: mean("real"), Fake: mean("fake"),
		Certain: mean("certain"), GradientG: mean("∇G"), GradientD: mean("∇D"), Peak: d.peak}
}

// judge records the suspect of the look v, and returns a finding when enough of the last looks share it. The same
// cause is reported again only after it was absent from all of these looks.
func (d *GANDoctor) judge(v Vitals) *Finding {
	finding, urgent := diagnose(d.mirror.m.cfg, v)
	if v.Step <= *d.cfg.WarmUp && !urgent {
		finding = Finding{}
	}
	d.suspects = append(d.suspects, finding.Cause)
	d.suspects = d.suspects[max(0, len(d.suspects)-(2*d.cfg.Persist-1)):]
	if !slices.Contains(d.suspects, d.open) {
		d.open = ""
	}
	count := 0
	for _, cause := range d.suspects {
		if cause == finding.Cause {
			count++
		}
	}
	if finding.Cause == "" || finding.Cause == d.open || count < d.cfg.Persist {
		return nil
	}
	d.open = finding.Cause
	d.findings = append(d.findings, finding)
	return &finding
}

// diverged returns the finding for an error.
func (d *GANDoctor) diverged(e *DivergedError) Finding {
	d.mu.Lock()
	defer d.mu.Unlock()
	var last Vitals
	if len(d.vitals) > 0 {
		last = d.vitals[len(d.vitals)-1]
	}
	finding := divergence(d.mirror.m.cfg, last)
	finding.Step, finding.Evidence = e.Step, fmt.Sprintf("%s = %g", e.Part, e.Value)
	d.findings = append(d.findings, finding)
	return finding
}
