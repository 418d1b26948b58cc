package lecture11

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
)

// DomainDistance measures how well a linear classifier distinguishes two domains.
type DomainDistance struct {
	Distance Estimate // d̂_A = 2(1 − 2ε): 0 for domains that it cannot distinguish, 2 for separate ones
	Error    Estimate // ε, the share of held-out objects that it assigns to the wrong domain
	Trained  float64  // d̂_A on the training objects: too large, especially for few objects
}

// String returns d̂_A and its standard error: "d̂_A = 0.73 ± 0.03".
func (d DomainDistance) String() string { return fmt.Sprintf("d̂_A = %v", d.Distance) }

// ProxyDistance estimates the distance between the objects source [l, n] and target [m, n] by a linear classifier
// (softmax regression) that predicts the domain of an object,
//
//	d̂_A = 2(1 − 2ε),
//
// where ε is its error on held-out objects: half of each domain trains it, the other half tests it. The same number of
// objects is drawn from both domains, by cfg.Seed. Guessing has ε = ½, and d̂_A may be below 0 by chance. It measures
// whether the domains can be distinguished, not whether the shift does harm. It grows with the numbers of objects and
// steps, so compare only distances computed with the same numbers.
//
// The classifier starts with weights of 0. Zero fields of cfg: 10 epochs of batches of 100, η = 10⁻³, cosine.
//
// The objects of target must not be changed copies of those of source. Otherwise a classifier that was trained on x
// from one domain assigns its copy in the other domain wrongly, and d̂_A is too small. Objects are n floats, or bytes
// 0…255 that stand for [0, 1].
//
// Slide "Domain shift"; Ben-David, Blitzer, Crammer & Pereira 2006.
func ProxyDistance(ctx context.Context, backend compute.Backend, source, target *tensors.Tensor,
	cfg FitConfig) (DomainDistance, error) {
	if err := checkBackend("ProxyDistance", backend); err != nil {
		return DomainDistance{}, err
	}
	train, test, err := domainHalves(source, target, cfg.Seed)
	if err != nil {
		return DomainDistance{}, err
	}
	cfg.Epochs, cfg.Decay = cmp.Or(cfg.Epochs, 10), cmp.Or(cfg.Decay, "cosine")
	cfg.Batch = min(cmp.Or(cfg.Batch, 100), len(train.domain))
	m, err := NewClassifier(backend, ClassifierConfig{Features: source.Shape().Dimensions[1], Classes: 2, Hidden: []int{}})
	if err != nil {
		return DomainDistance{}, err
	}
	training, err := m.Training(train.x, train.domain, "domains", cfg)
	if err != nil {
		return DomainDistance{}, err
	}
	if err := training.Run(ctx, nil); err != nil {
		return DomainDistance{}, err
	}
	learnt, err := m.Accuracy(train.x, train.domain)
	if err != nil {
		return DomainDistance{}, err
	}
	held, err := m.Accuracy(test.x, test.domain)
	if err != nil {
		return DomainDistance{}, err
	}
	wrong, distance := make([]float64, len(held.PerObject)), make([]float64, len(held.PerObject))
	for i, right := range held.PerObject {
		wrong[i] = 1 - right
		distance[i] = 2 * (1 - 2*wrong[i])
	}
	return DomainDistance{NewEstimate(distance), NewEstimate(wrong), 2 * (1 - 2*(1-learnt.Mean))}, nil
}

// twoDomains holds objects of both domains. x: [l, n]; domain: 0 for source, 1 for target.
type twoDomains struct {
	x      *tensors.Tensor
	domain []int
}

// domainHalves draws the same number of objects of source and target, and splits those of each into two halves.
func domainHalves(source, target *tensors.Tensor, seed int64) (train, test twoDomains, err error) {
	if err := checkTensors("ProxyDistance", source, target); err != nil {
		return train, test, err
	}
	if source.Rank() != 2 || target.Rank() != 2 || source.Shape().Dimensions[1] != target.Shape().Dimensions[1] {
		return train, test, fmt.Errorf("lecture11: ProxyDistance of source %s and target %s, want [l, n] and [m, n] of one n",
			source.Shape(), target.Shape())
	}
	half := min(source.Shape().Dimensions[0], target.Shape().Dimensions[0]) / 2
	if half < 1 {
		return train, test, fmt.Errorf("lecture11: ProxyDistance of source %s and target %s, want at least 2 objects of each",
			source.Shape(), target.Shape())
	}
	n := source.Shape().Dimensions[1]
	flats := [2][]float32{make([]float32, 0, 2*half*n), make([]float32, 0, 2*half*n)}
	domains := make([]int, 2*half)
	for domain, x := range []*tensors.Tensor{source, target} {
		values, err := Components(x)
		if err != nil {
			return train, test, err
		}
		order := rand.New(rand.NewPCG(uint64(seed), uint64(domain))).Perm(len(values) / n)
		for i, row := range order[:2*half] {
			for _, v := range values[row*n : (row+1)*n] {
				flats[i/half] = append(flats[i/half], float32(v))
			}
		}
		for i := range half {
			domains[domain*half+i] = domain
		}
	}
	train = twoDomains{tensors.FromFlatDataAndDimensions(flats[0], 2*half, n), domains}
	test = twoDomains{tensors.FromFlatDataAndDimensions(flats[1], 2*half, n), domains}
	return train, test, nil
}

// ImportanceWeights returns w(x) = p_T(x)/p_S(x) for objects x of the source, from the logarithms of the two
// densities. It returns an error if p_S is 0 for an object.
//
// Slide "Domain shift"; Shimodaira 2000.
func ImportanceWeights(x []float64, logTarget, logSource func(x float64) float64) ([]float64, error) {
	if err := checkGiven("ImportanceWeights", "logTarget or logSource", logTarget != nil && logSource != nil, "two densities"); err != nil {
		return nil, err
	}
	w := make([]float64, len(x))
	for i, v := range x {
		w[i] = math.Exp(logTarget(v) - logSource(v))
		if math.IsNaN(w[i]) || math.IsInf(w[i], 0) {
			return nil, fmt.Errorf("lecture11: ImportanceWeights: object %d, x = %g: ln p_T = %g, ln p_S = %g, want a finite ratio",
				i, v, logTarget(v), logSource(v))
		}
	}
	return w, nil
}

// LearntWeights returns w(x) = p_T(x)/p_S(x) = p₁/p₀, by Bayes' formula, from the probabilities p [l, 2] of a domain
// classifier. The classifier must be trained on equal numbers of objects of the source (class 0) and the target (class
// 1).
//
// Slide "Domain shift"; Bickel, Brückner & Scheffer 2007.
func LearntWeights(p *tensors.Tensor) ([]float64, error) {
	if err := checkAllFinite("LearntWeights", p); err != nil {
		return nil, err
	}
	columns, err := Columns(p)
	if err != nil {
		return nil, err
	}
	if len(columns) != 2 {
		return nil, fmt.Errorf("lecture11: LearntWeights of probabilities %s, want [l, 2]", p.Shape())
	}
	w := make([]float64, len(columns[0]))
	for i := range w {
		if w[i] = columns[1][i] / columns[0][i]; math.IsNaN(w[i]) || math.IsInf(w[i], 0) {
			return nil, fmt.Errorf("lecture11: LearntWeights: object %d has p = {%g, %g}, want p₀ > 0",
				i, columns[0][i], columns[1][i])
		}
	}
	return w, nil
}

// WeightedLoss estimates the loss on the target from objects of the source,
//
//	E_T ℒ = E_S [p_T(x)/p_S(x)·ℒ],
//
// by the mean of w_i ℒ_i. It is unbiased, but its standard error is valid only if E_S w² is finite: see
// [EffectiveSampleSize]. w, losses: l numbers each.
//
// Slide "Domain shift".
func WeightedLoss(w, losses []float64) (Estimate, error) {
	if err := checkImportance(w, len(losses)); err != nil {
		return Estimate{}, err
	}
	weighted := make([]float64, len(losses))
	for i, loss := range losses {
		weighted[i] = w[i] * loss
	}
	return NewEstimate(weighted), nil
}

// EffectiveSampleSize returns (Σ w)²/Σ w², the number of equally weighted objects whose mean is about as uncertain as
// the mean with weights w. It is l for equal weights, and 1 if only one weight is positive. For many objects it tends
// to l/E_S w², and the share 1/E_S w² tends to 0 if the target has heavier tails than the source.
//
// Slide "Domain shift"; Kish 1965.
func EffectiveSampleSize(w []float64) (float64, error) {
	if err := checkImportance(w, len(w)); err != nil {
		return 0, err
	}
	var sum, squares float64
	for _, v := range w {
		sum, squares = sum+v, squares+v*v
	}
	return sum * sum / squares, nil
}

// checkImportance returns an error unless w is l finite weights ≥ 0 and at least one of them is positive.
func checkImportance(w []float64, l int) error {
	if len(w) != l || l == 0 {
		return fmt.Errorf("lecture11: %d weights for %d objects, want one for each object, at least 1", len(w), l)
	}
	sum := 0.0
	for i, v := range w {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("lecture11: weight %d is %g, want a finite number ≥ 0", i, v)
		}
		sum += v
	}
	if sum == 0 {
		return errors.New("lecture11: all weights are 0, want a positive one")
	}
	return nil
}
