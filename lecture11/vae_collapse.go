package lecture11

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/stat"

	"deeplearning.example/lecture11/internal/noise"
)

// CollapseReport shows whether the code of a VAE holds information about the objects, and whether the decoder uses it.
// A posterior has collapsed if q(z|x) is the prior for all x: the code is noise.
type CollapseReport struct {
	KL     []float64 // of each component of the code, means over the objects in nats: a limit for its information about x
	Active int       // components that carry information: Var_x μ_j(x) > 0.01

	Own   Estimate // E ln p(x|z) with the object's own code, in nats
	Other Estimate // the same with the code of another object: equal to Own if the decoder ignores the code
}

// CollapseReport computes the report for the objects x [l, n], l ≥ 2.
func (m *VAE) CollapseReport(x *tensors.Tensor, seed int64) (CollapseReport, error) {
	defer m.reading()()
	if err := checkTensors("VAE.CollapseReport", x); err != nil {
		return CollapseReport{}, err
	}
	var report CollapseReport
	if x.Rank() == 2 && x.Shape().Dimensions[0] < 2 {
		return report, fmt.Errorf("lecture11: VAE.CollapseReport of %s, want at least 2 objects", x.Shape())
	}
	if err := m.checkObjects("VAE.CollapseReport", x); err != nil {
		return report, err
	}
	exec, err := program(&m.fitted, "CollapseReport", m.collapse)
	if err != nil {
		return report, err
	}
	out, err := mapRows(exec, x, inferenceBatch, &seed)
	if err != nil {
		return report, fmt.Errorf("lecture11: VAE.CollapseReport: %w", err)
	}
	kl, err := Columns(out[0])
	if err != nil {
		return report, err
	}
	for _, component := range kl {
		report.KL = append(report.KL, stat.Mean(component, nil))
	}
	statistics, err := NewCodeStatistics(out[1], out[2])
	report.Active = statistics.Active()
	for i, e := range []*Estimate{&report.Own, &report.Other} {
		values, valuesErr := float64s(out[3+i])
		if err == nil {
			err = valuesErr
		}
		*e = NewEstimate(values)
	}
	return report, err
}

// collapse builds the columns of the report: KL by components, μ, ln σ², [batch, d] each; ln p(x|z) with the object's
// own code and with that of the next object of the batch, [batch] each.
func (m *VAE) collapse(scope *model.Scope, x, rngState *Node) []*Node {
	x = pixels(x)
	q := m.encode(scope, x)
	eps := noise.StateNormal(rngState, q.draws(1))
	z := q.sample(eps) // [batch, 1, d]
	next := Concatenate([]*Node{Slice(z, AxisRange(1)), Slice(z, AxisRange(0, 1))}, 0)
	both := m.logLikelihoods(scope, x, Concatenate([]*Node{z, next}, 1)) // [batch, 2]
	batch := x.Shape().Dim(0)
	return []*Node{klComponents(q.mean, q.logVar, m.cfg.PriorStd), q.mean, q.logVar,
		Reshape(Slice(both, AxisRange(), AxisElem(0)), batch), Reshape(Slice(both, AxisRange(), AxisElem(1)), batch)}
}

// Used returns the information in nats that the decoder takes from the code: the advantage of an object's own code over
// another's.
func (r CollapseReport) Used() float64 { return r.Own.Mean - r.Other.Mean }

// ignored is the gain in nats below which a decoder ignores the code, and silent the KL in nats below which a code
// holds no information.
const (
	ignored = 1
	silent  = 0.1
)

// String returns a diagnosis in words, with advice.
func (r CollapseReport) String() string {
	kl, total := 0.0, len(r.KL)
	for _, v := range r.KL {
		kl += v
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d of %d components of the code are active. KL is %.2f nats (the largest component: %.2f). An object's own code "+
		"explains it better than the code of another object, by %.1f nats.\n", r.Active, total, kl, slices.Max(r.KL), r.Used())
	switch {
	case r.Active == 0 && kl < silent:
		text.WriteString("The posterior has collapsed: the encoder returns the prior for every object, and the decoder paints the average " +
			"object. Sum the reconstruction error over the components instead of averaging it, lower β, let β rise from 0 " +
			"(WarmUp), or leave some nats of each component free of cost (FreeBits).")
	case r.Used() < ignored:
		text.WriteString("The decoder ignores the code, although the encoder pays for it: the code of another object does as well. " +
			"This happens if the decoder is too strong for the data, or if it never received the code.")
	case r.Active < total:
		off, them := "1 component is switched off: it costs nothing and carries", "it"
		if n := total - r.Active; n > 1 {
			off, them = fmt.Sprintf("%d components are switched off: they cost nothing and carry", n), "them"
		}
		fmt.Fprintf(&text, "The code works. %s no information, so a smaller Latent would do as well. A lower β, WarmUp or FreeBits "+
			"may bring %s back.", off, them)
	default:
		text.WriteString("The code works, and all of its components are in use: a larger Latent may be better.")
	}
	return text.String()
}
