package lecture11

import (
	"fmt"
	"math"
)

// Cause names a problem in the training of a GAN.
type Cause string

// The causes that a [GANDoctor] distinguishes.
const (
	VanishingGradient   Cause = "vanishing gradient"   // D is certain, and G's gradient vanishes
	ModeCollapse        Cause = "mode collapse"        // G generates almost the same object for all noise
	MissedModes         Cause = "missed modes"         // G generates good objects, but not of all kinds
	BlindDiscriminator  Cause = "blind discriminator"  // D has the same output for all objects, and G learns nothing
	OutrunDiscriminator Cause = "outrun discriminator" // D is too slow: G moves to the maximum of D, which may be far from the data
	UnboundedCritic     Cause = "unbounded critic"     // a Wasserstein critic whose slope is not kept at 1
	Divergence          Cause = "divergence"           // steps too large: losses or samples grow without bound
)

// The limits of the rules, chosen on 40 runs of 1536 steps in the plane, healthy and broken, with other seeds than
// those tested. The comment of each limit has the values of these runs after the warm-up.
const (
	outrunGap       = 0.5   // healthy: at most 0.01; a D that is almost frozen: 1.5 to 5
	outrunOutput    = 100.0 // such a D: below 10
	runawayDistance = 10.0  // from samples to real objects, in spreads; healthy: below 0.5, a G that starts far away: 3.2, broken: 15 and more
	runawayOutput   = 1e3   // healthy: below 11, D certain of all: 19, broken: 1e4 and more
	steepSlope      = 4.0   // in theory at most 1 for a critic of slope 1; healthy critics: below 1, unbounded ones: 8 to 35
	blindGap        = 1e-3  // broken: 1e-6; a healthy D that cannot distinguish them is as low, but then G's gradient is not
	blindGradient   = 1e-4  // healthy: 0.05 and more, broken: 1e-6
	certainShare    = 0.95  // healthy with a loss of probabilities: below 0.02, broken: 1
	vanishedFactor  = 20.0  // healthy: up to 17, where D is not certain; broken: 600 to 900
	collapsedShare  = 0.02  // of the variety of real objects; healthy: 0.1 and more, broken: 1e-6, or 0.0003 to 0.002 where D is slow
	repeatedShare   = 0.5   // healthy: 0
	goodShare       = 0.6   // of samples near real objects; G has learned something if it is higher
	missedShare     = 0.2   // two Gaussians of a ring of 8 are 0.25; healthy: 0.13 (the tails of a Gaussian), with least squares up to 0.17
)

// ganRule is a sign of one cause.
type ganRule struct {
	cause    Cause
	urgent   bool // may be reported during the warm-up
	holds    func(c GANConfig, v Vitals) bool
	evidence func(v Vitals) string
	advice   func(c GANConfig) string
}

// ganRules are tried in this order: a cause comes before those that have similar signs.
var ganRules = []ganRule{
	{OutrunDiscriminator, false, isOutrun, func(v Vitals) string {
		return fmt.Sprintf("D's output is %.2g higher for generated than for real objects, and %.0f %% of the samples are near real objects",
			-v.Gap(), 100*v.Good)
	}, following},
	{Divergence, true, runsAway, func(v Vitals) string {
		return fmt.Sprintf("the samples are %.3g spreads of the real objects away from them, and D's outputs are near %.3g",
			v.Distance, v.largest())
	}, slower},
	{UnboundedCritic, true, func(c GANConfig, v Vitals) bool { return c.Loss == "wasserstein" && v.Slope > steepSlope },
		func(v Vitals) string {
			return fmt.Sprintf("the critic's outputs are spread %.3g times as far as the objects, want at most 1", v.Slope)
		}, bounded},
	{BlindDiscriminator, false, isBlind, func(v Vitals) string {
		return fmt.Sprintf("D's output is %.2g higher for real than for generated objects, and G's gradient is %.2g, although only "+
			"%.0f %% of the samples are near real objects", v.Gap(), v.GradientG, 100*v.Good)
	}, seeing},
	{VanishingGradient, false, func(_ GANConfig, v Vitals) bool {
		return v.Certain >= certainShare && v.Peak >= vanishedFactor*v.GradientG
	}, func(v Vitals) string {
		if v.GradientG == 0 {
			return fmt.Sprintf("D is certain about %.0f %% of the objects, and G's gradient has fallen to 0", 100*v.Certain)
		}
		return fmt.Sprintf("D is certain about %.0f %% of the objects, and G's gradient is %.0f times smaller than at its peak",
			100*v.Certain, v.Peak/v.GradientG)
	}, notCertain},
	{ModeCollapse, false, func(_ GANConfig, v Vitals) bool { return v.Variety < collapsedShare || v.Repeated > repeatedShare },
		func(v Vitals) string {
			return fmt.Sprintf("the samples vary %.2g times as much as the real objects, %.0f %% of them repeat another one, and they are near "+
				"%.0f %% of the real objects",
				v.Variety, 100*v.Repeated, 100*v.Covered)
		}, varied},
	{MissedModes, false, func(_ GANConfig, v Vitals) bool { return v.Good >= goodShare && v.Missed >= missedShare },
		func(v Vitals) string {
			return fmt.Sprintf("%.0f %% of the samples are near real objects, but no sample was near %.0f %% of those at %d looks",
				100*v.Good, 100*v.Missed, missedLooks)
		}, varied},
}

// diagnose returns the finding of the first rule that applies at a look. Its cause is empty if none does.
func diagnose(c GANConfig, v Vitals) (f Finding, urgent bool) {
	for _, r := range ganRules {
		if r.holds(c, v) {
			return Finding{Step: v.Step, Cause: r.cause, Evidence: r.evidence(v), Advice: r.advice(c)}, r.urgent
		}
	}
	return Finding{}, false
}

// divergence returns a finding with the likely cause of losses that are not finite, after the look last.
func divergence(c GANConfig, last Vitals) Finding {
	if c.Loss == "wasserstein" && last.Slope > steepSlope {
		return Finding{Cause: UnboundedCritic, Advice: bounded(c)}
	}
	return Finding{Cause: Divergence, Advice: slower(c)}
}

func runsAway(c GANConfig, v Vitals) bool {
	return v.Distance > runawayDistance || c.Loss != "wasserstein" && v.largest() > runawayOutput
}

// isOutrun excludes a Wasserstein critic, whose outputs have no scale, and outputs so large that they come from too
// large steps.
func isOutrun(c GANConfig, v Vitals) bool {
	return c.Loss != "wasserstein" && v.Gap() < -outrunGap && v.largest() < outrunOutput
}

// largest returns the larger absolute value of D's mean outputs.
func (v Vitals) largest() float64 { return max(math.Abs(v.Real), math.Abs(v.Fake)) }

func isBlind(_ GANConfig, v Vitals) bool {
	return math.Abs(v.Gap()) < blindGap && v.GradientG < blindGradient && v.Good < goodShare
}

// unbounded reports whether nothing bounds the slope of a critic.
func (c GANConfig) unbounded() bool {
	return c.Loss == "wasserstein" && c.Clip == 0 && c.Penalty == 0 && !c.Spectral
}

func slower(c GANConfig) string {
	if c.unbounded() {
		return "try a smaller learning rate, and Penalty, Clip or Spectral, because nothing bounds this critic"
	}
	return "try a smaller learning rate"
}

func bounded(c GANConfig) string {
	switch {
	case c.unbounded():
		return "nothing bounds the critic: try Penalty, Clip or Spectral"
	case c.Clip > 0:
		return fmt.Sprintf("try a Clip below %g, or Penalty", c.Clip)
	default:
		return "try a larger Penalty or a smaller learning rate"
	}
}

func seeing(c GANConfig) string {
	if c.Clip > 0 {
		return fmt.Sprintf("try a Clip above %g, or Penalty in its place", c.Clip)
	}
	return "try a larger Pace, more Steps of D or a larger discriminator"
}

func notCertain(c GANConfig) string {
	if c.Loss == "minimax" {
		return "try the non-saturating loss or train D less (Steps, Pace)"
	}
	return "train D less (Steps, Pace), or bound its slope with Penalty or Spectral"
}

func following(c GANConfig) string {
	if c.Frozen == "discriminator" {
		return "D is frozen and cannot answer: let it learn"
	}
	return fmt.Sprintf("D learns too slowly: try a Pace above %g, or more Steps of D", *c.Pace)
}

func varied(c GANConfig) string {
	if *c.Pace < 1 || c.Frozen == "discriminator" {
		return following(c)
	}
	return "try more Steps of D, Penalty, another loss, or labels (Classes)"
}
