package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
)

// KLParts holds the three parts of the KL term of [KLTerms], with q(z) the mean over all given objects.
type KLParts struct {
	MutualInformation Estimate
	TotalCorrelation  Estimate
	DimensionWise     Estimate
}

// String returns the parts.
func (p KLParts) String() string {
	return fmt.Sprintf("mutual information %v, total correlation %v, dimension-wise KL %v nats, over %d objects",
		p.MutualInformation, p.TotalCorrelation, p.DimensionWise, len(p.TotalCorrelation.PerObject))
}

// NewKLParts estimates the parts for codes N(μ, diag σ²) of l objects and the prior N(0, s²I), from one code of each
// object. mean, logVar: [l, d], logVar = ln σ²; priorStd is s > 0. It takes l²·d exponentials, which is seconds for 5
// 000 objects and 10 components.
func NewKLParts(mean, logVar *tensors.Tensor, priorStd float64, seed int64) (KLParts, error) {
	mu, err := objectRows(mean)
	if err != nil {
		return KLParts{}, err
	}
	lv, err := objectRows(logVar)
	if err != nil {
		return KLParts{}, err
	}
	if len(mu) != len(lv) || len(mu[0]) != len(lv[0]) || !(priorStd > 0) {
		return KLParts{}, fmt.Errorf("lecture11: NewKLParts of means %s and variances %s with s = %g, want equal shapes [l, d] and s > 0",
			mean.Shape(), logVar.Shape(), priorStd)
	}
	l, d := len(mu), len(mu[0])
	eps := normals(l*d, seed)
	values := make([][3]float64, l)
	parallel(l, func(i int) {
		z := make([]float64, d)
		for j := range z {
			z[j] = mu[i][j] + math.Exp(0.5*lv[i][j])*float64(eps[i*d+j])
		}
		values[i] = klParts(z, i, mu, lv, priorStd)
	})
	var columns [3][]float64
	for k := range columns {
		for _, v := range values {
			columns[k] = append(columns[k], v[k])
		}
	}
	return KLParts{NewEstimate(columns[0]), NewEstimate(columns[1]), NewEstimate(columns[2])}, nil
}

// klParts returns the three parts for the code z of object i.
func klParts(z []float64, i int, mu, lv [][]float64, priorStd float64) [3]float64 {
	l, d := len(mu), len(z)
	joint, single := make([]float64, l), cut(make([]float64, d*l), d) // ln q(z|x_k), ln q(z_j|x_k)
	for k := range l {
		for j := range d {
			single[j][k] = logNormalValue(z[j], mu[k][j], lv[k][j])
			joint[k] += single[j][k]
		}
	}
	own, logN := joint[i], math.Log(float64(l))
	var marginals, prior float64
	for j := range d {
		marginals += floats.LogSumExp(single[j]) - logN
		prior += logNormalValue(z[j], 0, 2*math.Log(priorStd))
	}
	aggregate := floats.LogSumExp(joint) - logN
	return [3]float64{own - aggregate, aggregate - marginals, marginals - prior}
}

// logNormalValue returns ln N(z; mean, σ²) with logVar = ln σ².
func logNormalValue(z, mean, logVar float64) float64 {
	return -0.5 * ((z-mean)*(z-mean)*math.Exp(-logVar) + logVar + math.Log(2*math.Pi))
}

// KLParts estimates the parts of the KL term for the objects x [l, n], with q(z) their mean.
func (m *VAE) KLParts(x *tensors.Tensor, seed int64) (KLParts, error) {
	mean, logVar, err := m.Encode(x)
	if err != nil {
		return KLParts{}, err
	}
	return NewKLParts(mean, logVar, m.cfg.PriorStd, seed)
}
