package lecture11

import (
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// A watched training can be stored like a training; the interface is that of package kernelext.
var _ interface {
	Name() string
	Key() map[string]any
	Step() int
	Steps() int
	Describe(step int) string
	Run(ctx context.Context, onStep func(step int, losses map[string]float64) error) error
	Parts() []string
	Save(part string, w io.Writer) error
	Restore(part string, r io.Reader) error
} = (*WatchedTraining)(nil)

// wellVitals returns the vital signs of a healthy GAN in the middle of its training.
func wellVitals() Vitals {
	return Vitals{Step: 1000, Real: 0.5, Fake: -0.5, Certain: 0.01, GradientG: 1, Peak: 2, Variety: 0.9, Distance: 0.05, Good: 0.8,
		Covered: 0.95, Slope: 0.5}
}

// TestDiagnose checks each rule on both sides of its limit, the order of the causes, and the advice.
func TestDiagnose(t *testing.T) {
	for _, c := range []struct {
		name   string
		model  GANConfig
		change func(v *Vitals)
		want   Cause
		advice string
	}{
		{"healthy", GANConfig{}, func(v *Vitals) {}, "", ""},
		{"certain, gradient as ever", GANConfig{}, func(v *Vitals) { v.Certain = 1 }, "", ""},
		{"gradient fallen, D uncertain", GANConfig{}, func(v *Vitals) { v.Peak = 50 }, "", ""},
		{"both", GANConfig{Loss: "minimax"}, func(v *Vitals) { v.Certain, v.Peak = 0.99, 50 }, VanishingGradient, "try the non-saturating loss"},
		{"both, other loss", GANConfig{Loss: "hinge"}, func(v *Vitals) { v.Certain, v.Peak = 0.99, 50 }, VanishingGradient, "train D less"},
		{"both, and samples of one kind", GANConfig{}, func(v *Vitals) { v.Certain, v.Peak, v.Variety = 0.99, 50, 0.001 }, VanishingGradient, ""},
		{"little variety", GANConfig{}, func(v *Vitals) { v.Variety = 0.021 }, "", ""},
		{"no variety", GANConfig{Pace: new(1.0)}, func(v *Vitals) { v.Variety = 0.019 }, ModeCollapse, "more Steps of D"},
		{"no variety, slow D", GANConfig{Pace: new(0.01)}, func(v *Vitals) { v.Variety = 0.019 }, ModeCollapse, "a Pace above 0.01"},
		{"no variety, frozen D", GANConfig{Pace: new(1.0), Frozen: "discriminator"}, func(v *Vitals) { v.Variety = 0.019 }, ModeCollapse, "let it learn"},
		{"repeats", GANConfig{}, func(v *Vitals) { v.Repeated = 0.51 }, ModeCollapse, ""},
		{"one mode of 8 missed", GANConfig{}, func(v *Vitals) { v.Missed = 0.125 }, "", ""},
		{"three modes of 8 made", GANConfig{}, func(v *Vitals) { v.Missed = 0.625 }, MissedModes, "more Steps of D"},
		{"samples bad still", GANConfig{}, func(v *Vitals) { v.Missed, v.Good = 0.625, 0.5 }, "", ""},
		{"D cannot tell, nor need it", GANConfig{}, func(v *Vitals) { v.Real, v.Fake, v.GradientG = 1e-4, 0, 1e-5 }, "", ""},
		{"D cannot tell bad samples", GANConfig{Clip: 1e-3}, func(v *Vitals) { v.Real, v.Fake, v.GradientG, v.Good = 1e-4, 0, 1e-5, 0 },
			BlindDiscriminator, "a Clip above 0.001"},
		{"D is fooled", GANConfig{Loss: "hinge", Pace: new(0.1)}, func(v *Vitals) { v.Fake = 1.1 }, OutrunDiscriminator, "a Pace above 0.1"},
		{"a critic has no scale", GANConfig{Loss: "wasserstein"}, func(v *Vitals) { v.Fake = 1.1 }, "", ""},
		{"steep D", GANConfig{Loss: "minimax"}, func(v *Vitals) { v.Slope = 20 }, "", ""},
		{"steep critic", GANConfig{Loss: "wasserstein"}, func(v *Vitals) { v.Slope = 20 }, UnboundedCritic, "try Penalty, Clip or Spectral"},
		{"steep critic, clipped", GANConfig{Loss: "wasserstein", Clip: 9}, func(v *Vitals) { v.Slope = 20 }, UnboundedCritic, "a Clip below 9"},
		{"steep critic, penalty", GANConfig{Loss: "wasserstein", Penalty: 1}, func(v *Vitals) { v.Slope = 20 }, UnboundedCritic, "a larger Penalty"},
		{"far away", GANConfig{}, func(v *Vitals) { v.Distance = 10.1 }, Divergence, "a smaller learning rate"},
		{"great outputs", GANConfig{}, func(v *Vitals) { v.Fake = -1001 }, Divergence, ""},
		{"great outputs of a critic", GANConfig{Loss: "wasserstein"}, func(v *Vitals) { v.Real, v.Fake = -1001, -1001 }, "", ""},
	} {
		v := wellVitals()
		c.change(&v)
		f, _ := diagnose(c.model.withDefaults(), v)
		if f.Cause != c.want || (c.want != "") != (f.Step == 1000) {
			t.Errorf("%s: %q at step %d, want %q", c.name, f.Cause, f.Step, c.want)
		}
		if c.advice != "" {
			wantError(t, errors.New(f.Advice), c.advice)
		}
	}
}

// TestFindingString checks the sentence of a finding.
func TestFindingString(t *testing.T) {
	v := wellVitals()
	v.Certain, v.Peak, v.GradientG = 0.99, 5, 0.1
	f, _ := diagnose(GANConfig{Loss: "minimax"}.withDefaults(), v)
	const want = "step 1000, vanishing gradient: D is certain about 99 % of the objects, and G's gradient is 50 times smaller " +
		"than at its peak: try the non-saturating loss or train D less (Steps, Pace)"
	if f.String() != want {
		t.Errorf("%q, want %q", f, want)
	}
}

// TestDoctorPersists: with Persist 2 a cause is found at its second look of three, and only once until it has left
// them. There is no finding in the warm-up.
func TestDoctorPersists(t *testing.T) {
	sick, well := wellVitals(), wellVitals()
	sick.Variety = 0
	for _, c := range []struct {
		looks string // s sick, w well
		want  []int  // looks, from 1 on, with a finding
	}{
		{"wwww", nil}, {"swws", nil}, {"ss", []int{2}}, {"sws", []int{3}}, {"sssss", []int{2}}, {"sswwwss", []int{2, 7}}, {"sswss", []int{2}},
	} {
		d := &GANDoctor{cfg: DoctorConfig{Persist: 2}.withDefaults(), mirror: &ganMirror{m: &GAN{cfg: GANConfig{}.withDefaults()}}}
		var got []int
		for i, look := range c.looks {
			v := map[rune]Vitals{'s': sick, 'w': well}[look]
			v.Step = 2000 + i
			if d.judge(v) != nil {
				got = append(got, i+1)
			}
		}
		if !slices.Equal(got, c.want) || len(d.Findings()) != len(c.want) {
			t.Errorf("%s: findings at looks %v, want %v", c.looks, got, c.want)
		}
	}
	d := &GANDoctor{cfg: DoctorConfig{Persist: 1}.withDefaults(), mirror: &ganMirror{m: &GAN{cfg: GANConfig{}.withDefaults()}}}
	if d.judge(sick) != nil {
		t.Errorf("a finding at step %d of a warm-up of %d", sick.Step, *d.cfg.WarmUp)
	}
	sick.Distance = 100
	if f := d.judge(sick); f == nil || f.Cause != Divergence {
		t.Errorf("%v in the warm-up, want a divergence", f)
	}
}

// TestNearestWays compares with distances known by inspection.
func TestNearestWays(t *testing.T) {
	x := [][]float64{{0, 0}, {3, 4}, {3, 5}}
	if got, want := nearestWays(x, nil), []float64{5, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("ways to another one %v, want %v", got, want)
	}
	if got, want := nearestWays(x, [][]float64{{0, 2}, {3, 4}}), []float64{2, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("ways to others %v, want %v", got, want)
	}
	near(t, "tr Cov", totalVariance(x), 3+7, 1e-12)
}

// firstModes returns a generator that cycles through the given number of the ring's Gaussians, starting with the
// first.
func firstModes(count int) NetFn {
	table := make([][]float32, count)
	for k, centre := range data.RingCenters(8, 2)[:count] {
		table[k] = []float32{float32(centre[0]), float32(centre[1])}
	}
	return func(_ *model.Scope, z *Node) *Node {
		batch := z.Shape().Dim(0)
		turn := MulScalar(ConvertDType(IotaFull(z.Graph(), z.Shape()), z.DType()), 0.5) // 0, ½, 1, 1½ …, of 2 components
		turn = Reshape(Slice(turn, AxisRange(), AxisElem(0)), batch)
		k := ConvertDType(Sub(turn, MulScalar(Floor(DivScalar(turn, float64(count))), float64(count))), dtypes.Int32)
		return Add(Gather(Const(z.Graph(), table), Reshape(k, batch, 1)), MulScalar(z, 0.05))
	}
}

// TestDoctorLooks checks the vital signs of known generators: one that covers 3 of the 8 Gaussians, one that generates
// one object, and one that generates the data.
func TestDoctorLooks(t *testing.T) {
	points := ringOfSeed(t, 3)
	one := func(_ *model.Scope, z *Node) *Node { return Add(ZerosLike(z), Const(z.Graph(), [][]float32{{2, 0}})) }
	for name, c := range map[string]struct {
		generator                       NetFn
		variety, repeated, good, missed float64
	}{
		"three of eight": {firstModes(3), -1, 0, 1, 5.0 / 8},
		"one object":     {one, 0, 1, 1, 7.0 / 8},
		"all":            {firstModes(8), 1, 0, 1, 0},
	} {
		m, err := NewGANOf(testx.Backend(t), GANConfig{Features: 2, Latent: 2, Seed: 1},
			GANNets{ID: "known", Generator: withWeight(c.generator), Discriminator: Dense([]int{4}, 1, "tanh")})
		if err != nil {
			t.Fatal(err)
		}
		training, err := m.Training(points, "x", FitConfig{Batch: 32})
		if err != nil {
			t.Fatal(err)
		}
		if err := training.initialise(); err != nil {
			t.Fatal(err)
		}
		mirror, err := newGANMirror(m, points, DoctorConfig{Seed: 1}.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		v := wellVitals()
		for look := range missedLooks {
			if err := mirror.look(&v); err != nil {
				t.Fatal(err)
			}
			if v.Missed != 0 && look < missedLooks-1 {
				t.Errorf("%s: %.2f missed at look %d", name, v.Missed, look+1)
			}
		}
		if c.variety >= 0 {
			near(t, name+": variety", v.Variety, c.variety, 0.05)
		}
		near(t, name+": repeated", v.Repeated, c.repeated, 0.02)
		near(t, name+": good", v.Good, c.good, 0)
		near(t, name+": missed", v.Missed, c.missed, 0.06) // depends on how the real objects fell on the Gaussians
		near(t, name+": covered", v.Covered, 1-v.Missed, 1e-12)
		if f, _ := diagnose(m.cfg, v); f.Cause != map[string]Cause{"three of eight": MissedModes, "one object": ModeCollapse}[name] {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// withWeight adds an unused weight to a net without weights, because a net must have one to be trained.
func withWeight(net NetFn) NetFn {
	return func(scope *model.Scope, z *Node) *Node {
		return Add(net(scope, z), MulScalar(affine(scope.In("none"), z, 2), 0))
	}
}

// TestDoctorOnlyWatches: a watched training ends with the same weights to the last bit, also for a conditional GAN
// with a mean of weights. Its curves have a value for each look.
func TestDoctorOnlyWatches(t *testing.T) {
	long(t)
	labelled, err := WithLabels(ring(t, 512), slices.Repeat([]int{0, 1}, 256), 2)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		x     *tensors.Tensor
		model GANConfig
	}{
		"spectral":    {ring(t, 512), GANConfig{Features: 2, Latent: 3, Spectral: true, Seed: 1}},
		"conditional": {labelled, GANConfig{Features: 2, Latent: 3, Classes: 2, Average: 0.9, Seed: 1}},
		"bytes":       {blobs(512), GANConfig{Features: 64, Latent: 3, Output: "sigmoid", Seed: 1}},
	} {
		fit := FitConfig{Batch: 64, Seed: 1, StepsPerCall: 3}
		plain := newGAN(t, c.model)
		trainGAN(t, plain, c.x, fit)
		m := newGAN(t, c.model)
		doctor, err := NewGANDoctor(m, c.x, DoctorConfig{Every: 4, Objects: 64})
		if err != nil {
			t.Fatal(err)
		}
		training, err := m.Training(c.x, "x", fit)
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		if err := doctor.Over(training).Run(t.Context(), func(int, map[string]float64) error { calls++; return nil }); err != nil {
			t.Fatal(err)
		}
		if !maps.EqualFunc(netWeights(t, plain), netWeights(t, m), slices.Equal[[]float32]) {
			t.Errorf("%s: other weights than those of the unwatched training", name)
		}
		steps, curves := doctor.Curves()
		if want := (training.Steps() - 1) / 6; len(steps) < want || len(steps) == 0 || calls == 0 {
			t.Errorf("%s: %d looks in %d calls of %d steps", name, len(steps), calls, training.Steps())
		}
		for sign, curve := range curves {
			if len(curve) != len(steps) || slices.ContainsFunc(curve, math.IsNaN) {
				t.Errorf("%s: %s = %v at %v", name, sign, curve, steps)
			}
		}
	}
}

// TestDoctorMeans: a look has the means of the losses over all steps since the previous look.
func TestDoctorMeans(t *testing.T) {
	m := newGAN(t, GANConfig{Features: 2, Latent: 2, Seed: 1})
	doctor, err := NewGANDoctor(m, ring(t, 80), DoctorConfig{Every: 4})
	if err != nil {
		t.Fatal(err)
	}
	training, err := m.Training(ring(t, 80), "x", FitConfig{Epochs: 4, Batch: 40, Seed: 1, StepsPerCall: 3})
	if err != nil {
		t.Fatal(err)
	}
	var sum, count float64 // calls of 3, 3 and 2 steps: a look at step 6
	err = doctor.Over(training).Run(t.Context(), func(step int, losses map[string]float64) error {
		if step <= 6 {
			sum, count = sum+losses["generator"], count+1
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if looks := doctor.Vitals(); len(looks) != 1 || looks[0].Step != 6 {
		t.Fatalf("looks %v, want one at step 6", looks)
	}
	near(t, "generator's loss", doctor.Vitals()[0].Generator, sum/count, 1e-12)
}

// TestDoctorStops: a finding ends the training at its step, in a usable state from which it continues without the
// doctor.
func TestDoctorStops(t *testing.T) {
	r := plantedRuns(t, 1)[12] // clip far too tight
	m, training := r.gan(t)
	doctor, err := NewGANDoctor(m, r.x, DoctorConfig{Every: 20, WarmUp: new(20), Stop: true})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = doctor.Over(training).Run(t.Context(), func(step int, _ map[string]float64) error { seen = step; return nil })
	var sick *SickGANError
	if !errors.As(err, &sick) {
		t.Fatalf("error %v, want a SickGANError", err)
	}
	if sick.Kept != training.Step() || sick.Finding.Step != seen || sick.Kept != seen || seen >= training.Steps() {
		t.Errorf("%v with the training at step %d and %d steps seen", err, training.Step(), seen)
	}
	if !sick.StateKept() || len(doctor.Findings()) != 1 || doctor.Findings()[0] != sick.Finding {
		t.Errorf("kept %v, findings %v", sick.StateKept(), doctor.Findings())
	}
	if _, err := m.Generate(4, 1); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = training.Run(ctx, func(int, map[string]float64) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) || training.Step() <= seen {
		t.Errorf("the training does not continue: %v at step %d", err, training.Step())
	}
}

// TestDoctorDiverged: a training that diverges ends with a finding that names the step. The error wraps the
// DivergedError, and the state is the one it kept. If the critic was seen to be unbounded before, this is named as the
// cause.
func TestDoctorDiverged(t *testing.T) {
	m := newGAN(t, GANConfig{Features: 2, Latent: 2, Loss: "wasserstein", Seed: 1})
	doctor, err := NewGANDoctor(m, ring(t, 400), DoctorConfig{})
	if err != nil {
		t.Fatal(err)
	}
	training, err := m.Training(ring(t, 400), "x", FitConfig{Epochs: 200, Batch: 40, LearningRate: 1e6, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	err = doctor.Over(training).Run(t.Context(), nil)
	var sick *SickGANError
	var diverged *DivergedError
	if !errors.As(err, &sick) || !errors.As(err, &diverged) {
		t.Fatalf("error %v, want a SickGANError of a DivergedError", err)
	}
	if f := doctor.Findings(); len(f) != 1 || f[0].Cause != Divergence || f[0].Step != diverged.Step || sick.Kept != training.Step() {
		t.Errorf("%v: %v, want a divergence at step %d", err, f, diverged.Step)
	}
	wantError(t, err, "nothing bounds this critic")
	doctor.vitals = append(doctor.vitals, Vitals{Slope: 50})
	if f := doctor.diverged(diverged); f.Cause != UnboundedCritic {
		t.Errorf("after a slope of 50: %v", f)
	}
}

// TestDoctorRefuses tries invalid configurations, real objects and trainings.
func TestDoctorRefuses(t *testing.T) {
	m := newGAN(t, GANConfig{Features: 2, Latent: 2, Seed: 1})
	x := ring(t, 80)
	for want, c := range map[string]DoctorConfig{
		"Every = -1, want at least 1":     {Every: -1},
		"WarmUp = -5, want":               {WarmUp: new(-5)},
		"Persist = -1, want at least 1":   {Persist: -1},
		"Objects = 31, want at least 32":  {Objects: 31},
		"Objects = -32, want at least 32": {Objects: -32},
	} {
		_, err := NewGANDoctor(m, x, c)
		wantError(t, err, want)
	}
	same := tensors.FromFlatDataAndDimensions(make([]float32, 80), 40, 2)
	for want, real := range map[string]*tensors.Tensor{
		"want [l, 2]":                              gaussians(80, 3, 0, 1, 1),
		"(Float32)[31, 2], want at least 32":       ring(t, 31),
		"the 40 real objects are all the same":     same,
		"component 1 of object 0 is NaN, want fin": tensors.FromFlatDataAndDimensions([]float32{0, float32(math.NaN())}, 1, 2),
	} {
		_, err := NewGANDoctor(m, real, DoctorConfig{})
		wantError(t, err, want)
	}
	doctor, err := NewGANDoctor(m, x, DoctorConfig{})
	if err != nil {
		t.Fatal(err)
	}
	training, err := newGAN(t, m.cfg).Training(x, "x", FitConfig{Batch: 40})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, doctor.Over(training).Run(t.Context(), nil), "the training of another model")
	if want := "no finding at 0 looks up to step 0"; doctor.String() != want {
		t.Errorf("%q, want %q", doctor, want)
	}
}
