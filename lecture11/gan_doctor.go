package lecture11

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
)

// DoctorConfig says how a [GANDoctor] watches. Zero fields take the default in their comment.
type DoctorConfig struct {
	Every   int   // steps from one look at samples to the next, at least; default 200
	WarmUp  *int  // steps before the first finding, unless the training diverges; nil stands for 5·Every
	Persist int   // looks, of the last 2·Persist − 1, that must show the same before it is a finding; default 3
	Objects int   // real objects, and as many samples, that are compared; default 512, at most all
	Stop    bool  // a finding ends the training, with a [SickGANError]
	Seed    int64 // which objects, and the noise of the samples
}

func (c DoctorConfig) withDefaults() DoctorConfig {
	c.Every, c.Persist, c.Objects = cmp.Or(c.Every, 200), cmp.Or(c.Persist, 3), cmp.Or(c.Objects, 512)
	c.WarmUp = valueOr(c.WarmUp, 5*c.Every)
	return c
}

// check returns an error that names the first field with which nothing can be watched.
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

// Finding is what a [GANDoctor] says about a training.
type Finding struct {
	Step     int // at which it is sure; of a training that diverged, the step whose losses are not finite
	Cause    Cause
	Evidence string // the numbers that show it
	Advice   string // what to try
}

func (f Finding) String() string {
	return fmt.Sprintf("step %d, %s: %s: %s", f.Step, f.Cause, f.Evidence, f.Advice)
}

// GANDoctor watches the training of a GAN: losses, lengths of gradients, how certain D is, and samples from one noise beside real objects.
// It says what goes wrong and what to try. A finding needs the same signs at several looks. Watching changes no number of the
// training.
//
// Slide "GAN: training".
type GANDoctor struct {
	cfg      DoctorConfig
	mirror   *ganMirror
	vitals   []Vitals
	findings []Finding

	step, looked int                // steps seen, and those of the last look
	sums         map[string]float64 // losses since the last look, times the steps of each
	peak         float64            // the greatest length of G's gradient in any call
	suspects     []Cause            // of the last 2·Persist − 1 looks, "" where nothing was wrong
	open         Cause              // that has been found, and shows still
}

// NewGANDoctor returns a doctor for the training of m on objects such as real [l, n (+ classes)], in the form that [GAN.Training] takes.
func NewGANDoctor(m *GAN, real *tensors.Tensor, cfg DoctorConfig) (*GANDoctor, error) {
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

// Findings are what the doctor has found so far, in the order of steps.
func (d *GANDoctor) Findings() []Finding { return d.findings }

// Vitals are the looks so far, in the order of steps.
func (d *GANDoctor) Vitals() []Vitals { return d.vitals }

// Curves are the vital signs over the looks, by name, and the steps of these, for a picture.
func (d *GANDoctor) Curves() (steps []float64, curves map[string][]float64) {
	curves = map[string][]float64{}
	for _, v := range d.vitals {
		steps = append(steps, float64(v.Step))
		for name, value := range vitalSigns {
			curves[name] = append(curves[name], value(v))
		}
	}
	return steps, curves
}

// String is the findings, one a line, or that there are none.
func (d *GANDoctor) String() string {
	if len(d.findings) == 0 {
		return fmt.Sprintf("no finding at %d looks up to step %d", len(d.vitals), d.step)
	}
	lines := make([]string, len(d.findings))
	for i, f := range d.findings {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Over is t with the doctor watching, to be run or stored in its place.
func (d *GANDoctor) Over(t *Training) *WatchedTraining {
	return &WatchedTraining{Training: t, doctor: d}
}

// WatchedTraining is a [Training] under the eyes of a [GANDoctor].
type WatchedTraining struct {
	*Training
	doctor *GANDoctor
}

// Run is [Training.Run]. With DoctorConfig.Stop a finding ends it with a [SickGANError]; a second Run goes on. A training that diverges ends with one in
// any case, which wraps the [DivergedError].
func (w *WatchedTraining) Run(ctx context.Context, onStep func(step int, losses map[string]float64) error) error {
	d := w.doctor
	if w.store != d.mirror.m.store {
		return fmt.Errorf("lecture11: GANDoctor.Over(%s): the training of another model than the doctor's, want that of one *GAN", w.Name())
	}
	d.step, d.looked = w.Step(), w.Step()
	clear(d.sums)
	err := w.Training.Run(ctx, func(step int, losses map[string]float64) error {
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

// SickGANError says why a doctor ended the training of a GAN. The training is as it was after step Kept, and can go on from there.
type SickGANError struct {
	Name    string // of the training
	Finding Finding
	Kept    int   // steps taken of the state that is kept
	Err     error // the DivergedError of a training that diverged, else nil
}

func (e *SickGANError) Error() string {
	return fmt.Sprintf("lecture11: %s ended at %s (the state after step %d is kept)", e.Name, e.Finding, e.Kept)
}

// Unwrap is the [DivergedError], if any.
func (e *SickGANError) Unwrap() error { return e.Err }

// StateKept tells who stores trainings that the state is whole and worth a save, error or not.
func (e *SickGANError) StateKept() bool { return true }

// see takes in the losses of the steps up to step and looks at samples if it is time to. It gives the finding of this look, if any.
func (d *GANDoctor) see(step int, losses map[string]float64) (*Finding, error) {
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
		return nil, nil // the losses of the next steps will tell
	} else if err != nil {
		return nil, fmt.Errorf("lecture11: GANDoctor, step %d: %w", step, err)
	}
	if step <= *d.cfg.WarmUp {
		d.mirror.forget()
	}
	d.vitals = append(d.vitals, v)
	return d.judge(v), nil
}

// since gives the means of the losses since the last look.
func (d *GANDoctor) since() Vitals {
	mean := func(name string) float64 { return d.sums[name] / float64(d.step-d.looked) }
	return Vitals{Step: d.step, Discriminator: mean("discriminator"), Generator: mean("generator"), Real: mean("real"), Fake: mean("fake"),
		Certain: mean("certain"), GradientG: mean("∇G"), GradientD: mean("∇D"), Peak: d.peak}
}

// judge keeps the suspect of the look v, and makes it a finding when enough of the last looks share it. The same cause is found again only
// after it has left them all.
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

// diverged makes a finding of an error.
func (d *GANDoctor) diverged(e *DivergedError) Finding {
	var last Vitals
	if len(d.vitals) > 0 {
		last = d.vitals[len(d.vitals)-1]
	}
	finding := divergence(d.mirror.m.cfg, last)
	finding.Step, finding.Evidence = e.Step, fmt.Sprintf("%s = %g", e.Part, e.Value)
	d.findings = append(d.findings, finding)
	return finding
}
