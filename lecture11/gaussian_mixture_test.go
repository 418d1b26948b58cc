package lecture11

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/diff/fd"

	"deeplearning.example/lecture11/data"
)

// ring3 returns the ring of the lecture, s = 0.3, R = 2, smoothed by noise σ.
func ring3(t *testing.T, sigma float64) *GaussianMixture {
	t.Helper()
	m, err := RingMixture(8, 2, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = m.Smoothed(sigma); err != nil {
		t.Fatal(err)
	}
	return m
}

// uneven returns a mixture of three Gaussians in three dimensions with unequal weights.
func uneven(t *testing.T) *GaussianMixture {
	t.Helper()
	m, err := NewGaussianMixture([][]float64{{0, 0, 1}, {2, -1, 0}, {-1, 1, 3}}, []float64{1, 5, 2}, 0.7)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMixtureDensity compares with the naive sum, and the integral of the ring's density with 1.
func TestMixtureDensity(t *testing.T) {
	m := uneven(t)
	centers, weights := [][]float64{{0, 0, 1}, {2, -1, 0}, {-1, 1, 3}}, []float64{0.125, 0.625, 0.25}
	rng := rand.New(rand.NewPCG(1, 0))
	for _, x := range rows(rng, 100, 3) {
		p := 0.0
		for k, c := range centers {
			squares := 0.0
			for j := range x {
				squares += (x[j] - c[j]) * (x[j] - c[j])
			}
			p += weights[k] * math.Exp(-squares/(2*0.49)) / math.Pow(2*math.Pi*0.49, 1.5)
		}
		near(t, "ln p", m.LogDensity(x), math.Log(p), 1e-12)
		near(t, "ln p(x, k) summed", sum(m.Responsibilities(x)), 1, 1e-12)
	}
	integral, _ := integrals(ring3(t, 0))
	near(t, "integral of p", integral, 1, 1e-9)
}

// integrals returns ∫p and ∫p ln p over the plane, as sums over a fine grid.
func integrals(p *GaussianMixture) (one, meanLog float64) {
	const h = 0.05
	for x := -5.0; x < 5; x += h {
		for y := -5.0; y < 5; y += h {
			log := p.LogDensity([]float64{x, y})
			one, meanLog = one+h*h*math.Exp(log), meanLog+h*h*math.Exp(log)*log
		}
	}
	return one, meanLog
}

func sum(v []float64) (total float64) {
	for _, x := range v {
		total += x
	}
	return total
}

// TestTweedie is C11.1: (E[x|x̃] − x̃)/σ² = ∇ ln p_σ(x̃), and both equal central differences of ln p_σ, to 1e-6 in
// float64. The largest difference is 3e-8, at σ = 0.1.
func TestTweedie(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	for _, sigma := range []float64{0.1, 0.5, 1, 3} {
		for _, p := range []*GaussianMixture{ring3(t, 0), uneven(t)} {
			wide, err := p.Smoothed(sigma)
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for _, x := range rows(rng, 200, len(p.centers[0])) {
				score, best := wide.Score(x), p.Denoise(x, sigma)
				want := fd.Gradient(nil, wide.LogDensity, x, &fd.Settings{Formula: fd.Central, Step: 1e-5})
				for j := range x {
					near(t, "Tweedie", (best[j]-x[j])/(sigma*sigma), score[j], 1e-10)
					worst = max(worst, math.Abs(score[j]-want[j]))
				}
			}
			t.Logf("σ = %g, %d centres: largest difference to central differences %.1e", sigma, len(p.centers), worst)
			if worst > 1e-6 {
				t.Errorf("σ = %g: score and central differences are %.1e apart, want 1e-6", sigma, worst)
			}
		}
	}
}

// TestDenoiseMonteCarlo compares with E[x|x̃] by importance weights of a million draws of x, without any formula of
// the mixture's posterior: Σ x N(x̃; x, σ²) / Σ N(x̃; x, σ²), within 4 standard errors of the ratio.
func TestDenoiseMonteCarlo(t *testing.T) {
	m, sigma := ring3(t, 0), 0.5
	draws := tensors.MustCopyFlatData[float64](m.Sample(1_000_000, 3))
	for _, noisy := range [][]float64{{1, 0.5}, {0, 0}, {-2.5, 1}} {
		want := m.Denoise(noisy, sigma)
		for j := range 2 {
			var weights, weighted float64
			for i := 0; i < len(draws); i += 2 {
				w := weightOf(draws[i:i+2], noisy, sigma)
				weights, weighted = weights+w, weighted+w*draws[i+j]
			}
			mean, variance := weighted/weights, 0.0
			for i := 0; i < len(draws); i += 2 {
				d := weightOf(draws[i:i+2], noisy, sigma) * (draws[i+j] - mean) / weights
				variance += d * d
			}
			near(t, "E[x|x̃]", mean, want[j], 4*math.Sqrt(variance))
		}
	}
}

func weightOf(x, noisy []float64, sigma float64) float64 {
	a, b := x[0]-noisy[0], x[1]-noisy[1]
	return math.Exp(-(a*a + b*b) / (2 * sigma * sigma))
}

// TestMixtureFarOut: at distances of 50 and 1e6 all values are finite and correct; only the nearest centre counts.
func TestMixtureFarOut(t *testing.T) {
	for _, far := range []float64{50, 1e6} {
		x := []float64{far, 0}
		m := ring3(t, 0)
		near(t, "ln p", m.LogDensity(x), -0.5*math.Pow((far-2)/0.3, 2)-math.Log(2*math.Pi*0.09*8), 1e-9*far*far)
		near(t, "score", m.Score(x)[0], (2-far)/0.09, 1e-9*far)
		near(t, "denoised", m.Denoise(x, 0.5)[0], (0.09*far+0.25*2)/0.34, 1e-9*far)
		near(t, "score across", m.Score(x)[1], 0, 1e-9*far)
	}
}

// TestMixtureLimits: σ → 0 returns x̃; one centre has the slope s²/(s² + σ²); for s = 0 the guess is on the centres.
func TestMixtureLimits(t *testing.T) {
	x := []float64{1.3, -0.4}
	near(t, "σ → 0", ring3(t, 0).Denoise(x, 1e-9)[0], x[0], 1e-12)
	one, err := NewGaussianMixture([][]float64{{1}}, nil, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	slopes, err := LinearSlopes([]float64{0.3}, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "one centre", one.Denoise([]float64{3}, 0.5)[0], 1+2*slopes[0], 1e-12)
	points, err := NewGaussianMixture([][]float64{{0}, {1}}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "two points", points.Denoise([]float64{0.5}, 0.2)[0], 0.5, 1e-12)
	near(t, "two points, nearer one", points.Denoise([]float64{0.9}, 0.1)[0], 1, 1e-12)
}

// TestRingMixtureIsRing: RingMixture is the density of data.Ring. Its centres are those of RingCenters, and samples of
// both have its moments.
func TestRingMixtureIsRing(t *testing.T) {
	m := ring3(t, 0)
	for k, center := range data.RingCenters(8, 2) {
		for j := range center {
			near(t, "centre", m.centers[k][j], center[j], 1e-15)
		}
	}
	_, meanLog := integrals(m)
	ring, err := data.Ring(8, 80_000, 2, 0.3, 4)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string][]float64{
		"data.Ring": ring.Values, "Sample": tensors.MustCopyFlatData[float64](m.Sample(80_000, 5)),
	} {
		var density []float64
		counts := make([]float64, 8)
		for i := 0; i < len(values); i += 2 {
			density = append(density, m.LogDensity(values[i:i+2]))
			for k, p := range m.Responsibilities(values[i : i+2]) {
				counts[k] += p / 80_000
			}
		}
		e := NewEstimate(density)
		near(t, name+": mean ln p", e.Mean, meanLog, 4*e.SE)
		for _, share := range counts {
			near(t, name+": share of a Gaussian", share, 0.125, 0.005)
		}
	}
}

// TestMixtureSampleWeights: the Gaussians of a sample are as frequent as their weights, and one of weight 0 never
// occurs.
func TestMixtureSampleWeights(t *testing.T) {
	m, err := NewGaussianMixture([][]float64{{0}, {1}, {2}}, []float64{3, 0, 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[float64]int{}
	for _, v := range tensors.MustCopyFlatData[float64](m.Sample(40_000, 1)) {
		counts[v]++
	}
	if counts[1] != 0 || len(counts) != 2 {
		t.Errorf("counts %v, want none at 1", counts)
	}
	near(t, "share of the first", float64(counts[0])/40_000, 0.75, 4*math.Sqrt(0.75*0.25/40_000))
}

func TestMixtureErrors(t *testing.T) {
	call := func(_ any, err error) error { return err }
	same := func(x []float64) []float64 { return x }
	centers, nan := [][]float64{{0, 1}, {2, 3}}, math.NaN()
	for want, err := range map[string]error{
		"centers = [], want at least one":            call(NewGaussianMixture(nil, nil, 1)),
		"centers[1] has 1 components, want 2":        call(NewGaussianMixture([][]float64{{0, 1}, {2}}, nil, 1)),
		"centers[1][0] = NaN":                        call(NewGaussianMixture([][]float64{{0}, {nan}}, nil, 1)),
		"1 weights for 2 centers":                    call(NewGaussianMixture(centers, []float64{1}, 1)),
		"weights[1] = -1 of sum 1":                   call(NewGaussianMixture(centers, []float64{2, -1}, 1)),
		"weights[0] = 0 of sum 0":                    call(NewGaussianMixture(centers, []float64{0, 0}, 1)),
		"std = -1":                                   call(NewGaussianMixture(centers, nil, -1)),
		"std = NaN":                                  call(NewGaussianMixture(centers, nil, nan)),
		"RingMixture(k = 0, radius = 1)":             call(RingMixture(0, 1, 1)),
		"sigma = -0.1, want σ ≥ 0":                   call(ring3(t, 0).Smoothed(-0.1)),
		"LinearSlopes: sigma = 0":                    call(LinearSlopes([]float64{1}, 0)),
		"std[1] = -1":                                call(LinearSlopes([]float64{1, -1}, 1)),
		"EachObject: objects of shape":               call(EachObject(tensors.FromValue([]float32{1}), same)),
		"EachObject: component 1 of object 0 is NaN": call(EachObject(tensors.FromValue([][]float64{{1, nan}}), same)),
		"1 values of object 1": call(EachObject(tensors.FromValue([][]float64{{1}, {2}}), func(x []float64) []float64 {
			return make([]float64, 3-int(x[0]))
		})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}
