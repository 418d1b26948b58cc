package lecture11

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is the range over which densities on the line are integrated, by Gauss–Legendre quadrature with Points
// nodes. Outside it densities count as 0.
type Interval struct {
	Low, High float64
	Points    int // default 2000
}

// integral returns ∫ f over the interval.
func (i Interval) integral(f func(x float64) float64) (float64, error) {
	if !(i.Low < i.High) || math.IsInf(i.Low, 0) || math.IsInf(i.High, 0) || i.Points < 0 {
		return 0, fmt.Errorf("lecture11: Interval{Low: %g, High: %g, Points: %d}, want finite ends, Low < High and Points ≥ 0", i.Low, i.High, i.Points)
	}
	points := i.Points
	if points == 0 {
		points = 2000
	}
	return quad.Fixed(f, i.Low, i.High, points, quad.Legendre{}, 0), nil
}

// OptimalDiscriminator returns the output of the discriminator that best distinguishes objects of density p from
// generated ones of density q,
//
//	D*(x) = p(x)/(p(x) + q(x)),
//
// from the two densities at x. It is NaN where both are 0, because D* is not defined there.
//
// Slide "GAN: the best discriminator"; Goodfellow et al. 2014, proposition 1.
func OptimalDiscriminator(p, q float64) float64 { return p / (p + q) }

// GameValue returns V(D, G) = E_p ln D(x) + E_q ln(1 − D(x)), in nats, for a discriminator and the densities p of the
// data and q of the generator. D* maximises it: −ln 4 + 2·JSD(p, q).
//
// Slide "GAN: criterion"; Goodfellow et al. 2014, eq. 1.
func GameValue(d, p, q func(x float64) float64, over Interval) (float64, error) {
	if err := checkGiven("GameValue", "d, p or q", d != nil && p != nil && q != nil, "three functions"); err != nil {
		return 0, err
	}
	return over.integral(func(x float64) float64 {
		at := d(x)
		return weighted(p(x), math.Log(at)) + weighted(q(x), math.Log1p(-at))
	})
}

// weighted returns w·v, or 0 if w = 0, for any v.
func weighted(w, v float64) float64 {
	if w == 0 {
		return 0
	}
	return w * v
}

// JensenShannon returns the divergence ½KL(p ‖ m) + ½KL(q ‖ m), m = (p + q)/2, in nats: 0 for p = q, ln 2 for disjoint
// supports.
//
// Slide "GAN: what is minimised"; Lin 1991.
func JensenShannon(p, q func(x float64) float64, over Interval) (float64, error) {
	if err := checkGiven("JensenShannon", "p or q", p != nil && q != nil, "two densities"); err != nil {
		return 0, err
	}
	return over.integral(func(x float64) float64 {
		a, b := p(x), q(x)
		m := (a + b) / 2
		return 0.5*weighted(a, math.Log(a/m)) + 0.5*weighted(b, math.Log(b/m))
	})
}

// Wasserstein1 returns the distance of two samples of equal size on the line, the mean of |x_(i) − y_(i)| over the
// sorted values. It is the cost of the best plan to move one sample onto the other, and equals ∫|F − G|.
//
// Slide "Wasserstein GAN"; Villani 2009.
func Wasserstein1(x, y []float64) (float64, error) {
	if len(x) != len(y) || len(x) == 0 {
		return 0, fmt.Errorf("lecture11: Wasserstein1 of %d and %d values, want as many of both, at least one", len(x), len(y))
	}
	a, b := slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))
	sum := 0.0
	for i := range a {
		sum += math.Abs(a[i] - b[i])
	}
	return sum / float64(len(a)), nil
}

// CriticGap returns E_p f − E_q f of the best critic f with gradient penalty λ for p = N(0, 1), q = N(θ, 1), θ ≥ 0.
// The expectation of the penalty is over x̂ = u·x + (1 − u)·y for independent x ~ p and y ~ q, in one dimension. With
// F and G the distribution functions of p and q, and ρ the density of x̂,
//
//	−f'(x) = 1 + (F − G)(x)/(2λρ(x)),  gap = θ + 1/(2λ)·∫(F − G)²/ρ dx,
//
// The gap is θ(1 + θ/2λ) if ρ ∝ F − G, as for pairs y = x + θ. For independent pairs the integral is larger than θ²,
// by 9 % at θ = 1 and 3 % at θ = 3. The gap is not W₁ = θ, because the penalty is a soft constraint.
//
// Slide "Wasserstein GAN"; Gulrajani et al. 2017.
func CriticGap(theta, lambda float64) (float64, error) {
	if !(theta >= 0) || math.IsInf(theta, 0) || !(lambda > 0) {
		return 0, fmt.Errorf("lecture11: CriticGap(θ = %g, λ = %g), want θ ≥ 0 and λ > 0", theta, lambda)
	}
	const parts = 200 // of the range of u
	integral, err := Interval{Low: -8, High: theta + 8}.integral(func(x float64) float64 {
		density := 0.0
		for i := range parts {
			u := (float64(i) + 0.5) / parts
			density += distuv.Normal{Mu: (1 - u) * theta, Sigma: math.Hypot(u, 1-u)}.Prob(x) / parts
		}
		between := distuv.UnitNormal.CDF(x) - distuv.UnitNormal.CDF(x-theta)
		return between * between / density
	})
	return theta + integral/(2*lambda), err
}

// TwoPoints returns the distances of a point mass at 0 and one at theta. If the points differ, JSD is ln 2 and has no
// slope in θ; W₁ = |θ| has one.
//
// Slide "Wasserstein GAN"; Arjovsky, Chintala & Bottou 2017, example 1.
func TwoPoints(theta float64) (jsd, w1 float64) {
	if theta == 0 {
		return 0, 0
	}
	return math.Ln2, math.Abs(theta)
}

// BilinearGame plays min over x, max over y of x·y by gradient steps of size eta from (x, y), and returns the path,
// steps+1 points. In simultaneous steps both players use the same point, and the distance from the solution (0, 0)
// grows by exactly √(1 + η²) per step. In turns, y uses the new x, and x² + y² − ηxy is constant. Neither converges.
//
// Slide "GAN: training"; Goodfellow 2016, "NIPS tutorial", section 7.
func BilinearGame(x, y, eta float64, steps int, inTurns bool) ([][2]float64, error) {
	if steps < 0 || !(eta > 0) || math.IsInf(eta, 0) {
		return nil, fmt.Errorf("lecture11: BilinearGame of %d steps of size %g, want steps ≥ 0 and a positive size", steps, eta)
	}
	path := [][2]float64{{x, y}}
	for range steps {
		next := x - eta*y
		if inTurns {
			y += eta * next
		} else {
			y += eta * x
		}
		x = next
		path = append(path, [2]float64{x, y})
	}
	return path, nil
}
