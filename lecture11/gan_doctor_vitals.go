package lecture11

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"
)

// Vitals are the vital signs of a GAN at one look. The losses are means over the steps since the previous look.
// Distances are in units of the spread of the real objects, √tr Cov, so that they are comparable between data sets.
type Vitals struct {
	Step int

	Discriminator, Generator float64 // losses
	Real, Fake               float64 // means of D's outputs before any sigmoid
	Certain                  float64 // share of objects that D classifies correctly with over 99 %
	GradientG, GradientD     float64 // norms of the gradients
	Peak                     float64 // the largest norm of G's gradient so far, as means over a call

	Variety  float64 // tr Cov of the samples over tr Cov of the real objects
	Repeated float64 // share of samples whose nearest other sample is closer than a hundredth of the usual distance between real objects
	Distance float64 // median distance from a sample to the nearest real object
	Good     float64 // share of samples that are near a real object
	Covered  float64 // share of real objects that are near a sample
	Missed   float64 // share of real objects without a near sample at this look and the four before, all after the warm-up
	Slope    float64 // √Var of D's outputs on real objects and samples together, divided by √tr Cov of these objects
}

// Gap returns the difference of D's mean outputs on real and on generated objects.
func (v Vitals) Gap() float64 { return v.Real - v.Fake }

// vitalSigns holds the vital signs by name, for plots.
var vitalSigns = map[string]func(v Vitals) float64{
	"discriminator": func(v Vitals) float64 { return v.Discriminator },
	"generator":     func(v Vitals) float64 { return v.Generator },
	"real":          func(v Vitals) float64 { return v.Real },
	"fake":          func(v Vitals) float64 { return v.Fake },
	"certain":       func(v Vitals) float64 { return v.Certain },
	"∇G":            func(v Vitals) float64 { return v.GradientG },
	"∇D":            func(v Vitals) float64 { return v.GradientD },
	"variety":       func(v Vitals) float64 { return v.Variety },
	"repeated":      func(v Vitals) float64 { return v.Repeated },
	"distance":      func(v Vitals) float64 { return v.Distance },
	"good":          func(v Vitals) float64 { return v.Good },
	"covered":       func(v Vitals) float64 { return v.Covered },
	"missed":        func(v Vitals) float64 { return v.Missed },
	"slope":         func(v Vitals) float64 { return v.Slope },
}

// ganMirror compares samples of a GAN, always from the same noise, with real objects.
type ganMirror struct {
	m      *GAN
	noise  *tensors.Tensor // [l, d (+ classes)]
	labels [][]float64     // [l, classes], of the real objects and of the samples

	real   [][]float64 // [l, n]
	spread float64     // √tr Cov of real
	usual  float64     // median distance from a real object to the nearest other one
	near   float64     // the distance that counts as near, see newGANMirror
	missed []int       // for each real object, the number of looks in a row without a sample near it
}

// missedLooks is the number of looks in a row without a near sample after which a real object counts as missed.
// Samples of a G that oscillates around a Gaussian reach another part of it at each look.
const missedLooks = 5

// nearSpread is the smallest distance, in spreads, that counts as near. With it, a sample between two narrow Gaussians
// of a ring of 8 is near neither.
const nearSpread = 0.25

// newGANMirror draws Objects objects, or all, from real [l, n (+ classes)]. A distance counts as near up to the 95 %
// quantile of the distances from real objects to the nearest other one, or up to nearSpread if that is larger.
func newGANMirror(m *GAN, real *tensors.Tensor, cfg DoctorConfig) (*ganMirror, error) {
	n := m.cfg.Features
	if err := m.checkObjects(real, n+m.cfg.Classes, m.cfg.Output == "sigmoid"); err != nil {
		return nil, err
	}
	if err := checkLabelColumns("NewGANDoctor", real, n, m.cfg.Classes); err != nil {
		return nil, err
	}
	all, err := objectRows(real)
	if err != nil {
		return nil, err
	}
	if len(all) < leastObjects {
		return nil, fmt.Errorf("lecture11: NewGANDoctor with real objects of shape %s, want at least %d to compare samples with",
			real.Shape(), leastObjects)
	}
	mirror := &ganMirror{m: m.Momentary()}
	var noise []float32
	count := min(len(all), cfg.Objects)
	z := normals(count*m.cfg.Latent, cfg.Seed)
	for i, row := range rand.New(rand.NewPCG(uint64(cfg.Seed), 1)).Perm(len(all))[:count] {
		mirror.real = append(mirror.real, all[row][:n])
		mirror.labels = append(mirror.labels, all[row][n:])
		noise = append(noise, z[i*m.cfg.Latent:(i+1)*m.cfg.Latent]...)
		for _, y := range all[row][n:] {
			noise = append(noise, float32(y))
		}
	}
	mirror.noise = tensors.FromFlatDataAndDimensions(noise, len(mirror.real), m.cfg.Latent+m.cfg.Classes)
	mirror.missed = make([]int, count)
	mirror.spread = math.Sqrt(totalVariance(mirror.real))
	if mirror.spread == 0 {
		return nil, fmt.Errorf("lecture11: NewGANDoctor: the %d real objects are all the same, want objects that differ", len(mirror.real))
	}
	ways := nearestWays(mirror.real, nil)
	slices.Sort(ways)
	mirror.usual = stat.Quantile(0.5, stat.Empirical, ways, nil)
	mirror.near = max(nearSpread*mirror.spread, stat.Quantile(0.95, stat.Empirical, ways, nil))
	return mirror, nil
}

// leastObjects is the smallest number of real objects that describe a distribution well enough.
const leastObjects = 32

// look sets the vital signs that need samples.
func (g *ganMirror) look(v *Vitals) error {
	made, err := g.m.GenerateFrom(g.noise)
	if err != nil {
		return err
	}
	flat, err := float64s(made)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(flat, func(f float64) bool { return math.IsNaN(f) || math.IsInf(f, 0) }) {
		return errNotFinite
	}
	samples := cut(flat, len(g.real))
	v.Variety = totalVariance(samples) / (g.spread * g.spread)
	v.Repeated = shareBelow(nearestWays(samples, nil), g.usual/100)
	ways := nearestWays(samples, g.real)
	v.Good = shareBelow(ways, g.near)
	slices.Sort(ways)
	v.Distance = stat.Quantile(0.5, stat.Empirical, ways, nil) / g.spread
	v.Covered, v.Missed = g.reach(samples)
	v.Slope, err = g.slope(samples)
	return err
}

// reach returns [Vitals.Covered] and [Vitals.Missed].
func (g *ganMirror) reach(samples [][]float64) (covered, missed float64) {
	ways, count := nearestWays(g.real, samples), 0
	for i, way := range ways {
		g.missed[i]++
		if way < g.near {
			g.missed[i] = 0
		}
		if g.missed[i] >= missedLooks {
			count++
		}
	}
	return shareBelow(ways, g.near), float64(count) / float64(len(ways))
}

// forget restarts the count of looks at which real objects were missed.
func (g *ganMirror) forget() { clear(g.missed) }

// errNotFinite is returned when samples or D's outputs are not finite. The losses of the next call will show it too.
var errNotFinite = errors.New("lecture11: samples or D's outputs are not finite")

// slope returns [Vitals.Slope].
func (g *ganMirror) slope(samples [][]float64) (float64, error) {
	both := slices.Concat(g.real, samples)
	var flat []float32
	for i, x := range both {
		for _, v := range slices.Concat(x, g.labels[i%len(g.real)]) {
			flat = append(flat, float32(v))
		}
	}
	says, err := g.m.Discriminate(tensors.FromFlatDataAndDimensions(flat, len(both), len(flat)/len(both)))
	if err != nil {
		return 0, err
	}
	outputs, err := float64s(says)
	if err != nil {
		return 0, err
	}
	slope := math.Sqrt(stat.Variance(outputs, nil) / totalVariance(both))
	if math.IsNaN(slope) || math.IsInf(slope, 0) {
		return 0, errNotFinite
	}
	return slope, nil
}

// totalVariance returns tr Cov of at least 2 objects.
func totalVariance(x [][]float64) float64 {
	column, sum := make([]float64, len(x)), 0.0
	for j := range x[0] {
		for i := range x {
			column[i] = x[i][j]
		}
		sum += stat.Variance(column, nil)
	}
	return sum
}

// nearestWays returns the distance from each of from to the nearest of to. If to is nil, it is the distance to the
// nearest other of from.
func nearestWays(from, to [][]float64) []float64 {
	ways, self := make([]float64, len(from)), to == nil
	if self {
		to = from
	}
	parallel(len(from), func(i int) {
		skip := -1
		if self {
			skip = i
		}
		_, square := nearestOther(to, from[i], skip)
		ways[i] = math.Sqrt(square)
	})
	return ways
}

// shareBelow returns the share of values below a limit.
func shareBelow(values []float64, limit float64) float64 {
	count := 0
	for _, v := range values {
		if v < limit {
			count++
		}
	}
	return float64(count) / float64(len(values))
}
