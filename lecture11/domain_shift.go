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

// DomainDistance is how well a linear classifier tells two domains apart.
type DomainDistance struct {
	Distance Estimate // d̂_A = 2(1 − 2ε): 0 for domains that it cannot tell apart, 2 for separate ones
	Error    Estimate // ε, the share of held-out objects whose domain it mistakes
	Trained  float64  // the d̂_A of the objects that it was trained on: too large, the more so the fewer they are
}

// String gives d̂_A and its standard error: "d̂_A = 0.73 ± 0.03".
func (d DomainDistance) String() string { return fmt.Sprintf("d̂_A = %v", d.Distance) }

// ProxyDistance estimates how far the objects source [l, n] and target [m, n] are from each other, as seen by a linear
// classifier (softmax regression) that has to say which domain an object is of,
//
//	d̂_A = 2(1 − 2ε),
//
// where ε is its error on objects held out: half of each domain trains it, the other half tests it. As many objects of either
// domain are taken, drawn by cfg.Seed. ε = ½ is a guess; d̂_A may come out below 0 by chance. It says whether domains can be told
// apart, not whether that does harm; and it grows with the objects and steps that the classifier has to learn from, so that
// only distances found alike can be compared.
//
// The classifier begins at weights of 0. Zero fields of cfg: 10 epochs of batches of 100, η = 10⁻³, cosine.
//
// Target must be other objects than source, not changed copies of them: a classifier that knows x from one domain mistakes
// its copy from the other, and d̂_A is too small. n floats, or bytes 0…255 that stand for [0, 1].
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

// twoDomains are objects of both domains. x: [l, n]; domain: 0 for source, 1 for target.
type twoDomains struct {
	x      *tensors.Tensor
	domain []uint8
}

// domainHalves draws as many objects of source as of target, and parts those of each in two.
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
	domains := make([]uint8, 2*half)
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
			domains[domain*half+i] = uint8(domain)
		}
	}
	train = twoDomains{tensors.FromFlatDataAndDimensions(flats[0], 2*half, n), domains}
	test = twoDomains{tensors.FromFlatDataAndDimensions(flats[1], 2*half, n), domains}
	return train, test, nil
}

// ImportanceWeights gives w(x) = p_T(x)/p_S(x) for objects x of the source, from the logarithms of the two densities. Where
// p_S is 0 and p_T is not, there is no weight.
//
// Slide "Domain shift"; Shimodaira 2000.
func ImportanceWeights(x []float64, logTarget, logSource func(x float64) float64) ([]float64, error) {
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

// LearntWeights gives w(x) = p_T(x)/p_S(x) from the probabilities p [l, 2] of a domain classifier that was trained on as many
// objects of the source (class 0) as of the target (class 1): p₁/p₀, by Bayes' formula.
//
// Slide "Domain shift"; Bickel, Brückner & Scheffer 2007.
func LearntWeights(p *tensors.Tensor) ([]float64, error) {
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

// WeightedLoss estimates the loss in the target from objects of the source,
//
//	E_T ℒ = E_S [p_T(x)/p_S(x)·ℒ],
//
// by the mean of w_i ℒ_i. It is unbiased, but its standard error is honest only if E_S w² is finite: see
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

// EffectiveSampleSize is (Σ w)²/Σ w²: a mean with weights w is about as uncertain as one of so many objects without. It is l
// for equal weights and 1 if one weight is all there is. For l objects it tends to l/E_S w², which is 0 per object where the
// target has heavier tails than the source.
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

// checkImportance returns an error unless w is l weights ≥ 0 that are finite, at least one of them positive.
func checkImportance(w []float64, l int) error {
	if len(w) != l || l == 0 {
		return fmt.Errorf("lecture11: %d weights for %d objects, want one for each, at least 1", len(w), l)
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
