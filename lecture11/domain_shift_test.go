package lecture11

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// normalDraws draws l numbers from N(mean, std²).
func normalDraws(l int, mean, std float64, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 0))
	x := make([]float64, l)
	for i := range x {
		x[i] = mean + std*rng.NormFloat64()
	}
	return x
}

// column1 returns numbers as objects of one component.
func column1(x []float64) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(x, len(x), 1) }

// proxy returns the distance of two sets of objects.
func proxy(t *testing.T, source, target *tensors.Tensor, rate float64) DomainDistance {
	t.Helper()
	d, err := ProxyDistance(t.Context(), testx.Backend(t), source, target, FitConfig{LearningRate: rate, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestProxyDistanceOfNormals: the best linear classifier between N(0, 1) and N(δ, 1) has the error Φ(−δ/2). For δ = 0
// the distance is 0, and for δ = 20 it is 2.
func TestProxyDistanceOfNormals(t *testing.T) {
	for _, delta := range []float64{0, 1, 20} {
		d := proxy(t, column1(normalDraws(8000, 0, 1, 1)), column1(normalDraws(9000, delta, 1, 2)), 0.02)
		want := 2 * (1 - 2*distuv.UnitNormal.CDF(-delta/2))
		near(t, "d̂_A", d.Distance.Mean, want, 4*d.Distance.SE+0.01)
		near(t, "its standard error", d.Distance.SE, 4*d.Error.SE, 1e-12)
		if n := len(d.Error.PerObject); n != 8000 {
			t.Errorf("%d objects held out, want 8000: half of 8000 of each domain", n)
		}
	}
}

// TestDomainHalves: no object is in both halves or drawn twice, and each half has the same number of objects of both
// domains.
func TestDomainHalves(t *testing.T) {
	source, target := make([]float64, 7), make([]float64, 4)
	for i := range source {
		source[i] = float64(i)
	}
	for i := range target {
		target[i] = 100 + float64(i)
	}
	train, test, err := domainHalves(column1(source), column1(target), 3)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[float64]bool{}
	for _, half := range []twoDomains{train, test} {
		if !slices.Equal(half.domain, []int{0, 0, 1, 1}) {
			t.Errorf("domains %v, want two of each", half.domain)
		}
		for i, v := range values(t)(half.x, nil) {
			if seen[v] || (v >= 100) != (half.domain[i] == 1) {
				t.Errorf("object %g of domain %d: drawn twice, or of the other domain", v, half.domain[i])
			}
			seen[v] = true
		}
	}
}

// TestShiftsOfDigits is C18.1 and C18.2 on a small set: the order of the accuracies under shifts and the distances of
// the domains. It includes the trap: a shift by one pixel is easier to detect than a rotation by 30° and does far less
// harm.
func TestShiftsOfDigits(t *testing.T) {
	long(t)
	train, test := greyDigits(t, 8000, 6000)
	m, _ := fitClassifier(t, ClassifierConfig{Features: 784, Classes: 10, Hidden: []int{128, 64}, Seed: 1},
		FitConfig{Epochs: 6, LearningRate: 2e-3, Decay: "cosine", Seed: 1}, train.Tensor(), train.Labels)
	must := func(s *data.Images, err error) *data.Images {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	even, odd := must(test.Part(0, 6000, 2)), must(test.Part(1, 6000, 2))
	accuracy, distance := map[string]float64{}, map[string]float64{}
	for name, shifted := range map[string]*data.Images{
		"clean": odd, "1 px right": must(odd.Shifted(1, 0)), "1 px": must(odd.Shifted(1, 1)), "3 px": must(odd.Shifted(3, 3)),
		"15°": must(odd.Rotated(15)), "30°": must(odd.Rotated(30)), "45°": must(odd.Rotated(45)),
		"σ = 0.3": must(odd.Noisy(0.3, 1)), "σ = 0.5": must(odd.Noisy(0.5, 1)), "inverted": odd.Inverted(),
	} {
		a, err := m.Accuracy(shifted.Tensor(), shifted.Labels)
		if err != nil {
			t.Fatal(err)
		}
		accuracy[name] = a.Mean
		if strings.Contains("clean, 1 px right, 15°, 30°", name) {
			distance[name] = proxy(t, even.Tensor(), shifted.Tensor(), 0).Distance.Mean
		}
	}
	t.Logf("accuracy %v\ndistance %v", accuracy, distance)
	for _, order := range [][]string{{"clean", "1 px", "3 px"}, {"clean", "15°", "30°", "45°", "inverted"},
		{"clean", "σ = 0.3", "σ = 0.5", "inverted"}, {"1 px", "30°"}} {
		for i, name := range order[1:] {
			if accuracy[order[i]] < accuracy[name]+0.02 {
				t.Errorf("accuracy %.3f of %s and %.3f of %s, want this order", accuracy[order[i]], order[i], accuracy[name], name)
			}
		}
	}
	near(t, "d̂_A of one domain", distance["clean"], 0, 0.15)
	near(t, "d̂_A of 15°", distance["15°"], 0.73, 0.2)
	near(t, "d̂_A of 30°", distance["30°"], 1.20, 0.2)
	near(t, "d̂_A of one pixel to the right", distance["1 px right"], 1.78, 0.15)
	if accuracy["clean"]-accuracy["1 px right"] > 0.5*(accuracy["clean"]-accuracy["30°"]) {
		t.Error("one pixel costs at least half as much accuracy as 30°, want less")
	}
}

// TestImportanceWeights is C18.3, for N(δ, s²) against N(0, s²) with the loss x². E_S w = 1 and E_T x² = s² + δ² hold
// within 4 standard errors, and the effective sample size tends to l·exp(−δ²/s²).
func TestImportanceWeights(t *testing.T) {
	const l, delta, s = 40_000, 0.8, 1.5
	source, target := distuv.Normal{Sigma: s}, distuv.Normal{Mu: delta, Sigma: s}
	for seed := range uint64(3) {
		x := normalDraws(l, 0, s, 10+seed)
		w, err := ImportanceWeights(x, target.LogProb, source.LogProb)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "w(0.7)", math.Exp(target.LogProb(0.7)-source.LogProb(0.7)), target.Prob(0.7)/source.Prob(0.7), 1e-12)
		loss, err := WeightedLoss(w, Polynomial{0}.Losses(x, x))
		if err != nil {
			t.Fatal(err)
		}
		near(t, "E_S wx²", loss.Mean, s*s+delta*delta, 4*loss.SE)
		ones, err := WeightedLoss(w, slices.Repeat([]float64{1}, l))
		if err != nil {
			t.Fatal(err)
		}
		near(t, "E_S w", ones.Mean, 1, 4*ones.SE)
		size, err := EffectiveSampleSize(w)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "effective sample size per object", size/l, math.Exp(-delta*delta/(s*s)), 0.02)
	}
	for want, w := range map[float64][]float64{3: {2, 2, 2}, 1: {0, 5, 0}, 1.8: {1, 2}} {
		if got, err := EffectiveSampleSize(w); err != nil || math.Abs(got-want) > 1e-12 {
			t.Errorf("effective sample size of %v: %g, %v, want %g", w, got, err, want)
		}
	}
}

// TestLearntWeights: softmax regression on (x, x²) learns the ratio of two normal densities, whose logarithm is
// quadratic.
func TestLearntWeights(t *testing.T) {
	const l = 20_000
	source, target := distuv.Normal{Mu: 0.5, Sigma: 0.5}, distuv.Normal{Mu: 0, Sigma: 0.3}
	var features []float64
	labels := make([]int, 2*l)
	for domain, d := range []distuv.Normal{source, target} {
		for i, x := range normalDraws(l, d.Mu, d.Sigma, uint64(domain)) {
			features = append(features, x, x*x)
			labels[domain*l+i] = domain
		}
	}
	m, _ := fitClassifier(t, ClassifierConfig{Features: 2, Classes: 2, Hidden: []int{}, Seed: 1},
		FitConfig{Epochs: 8, Batch: 200, LearningRate: 0.05, Decay: "cosine"}, tensors.FromFlatDataAndDimensions(features, 2*l, 2), labels)
	grid := []float64{-0.5, -0.2, 0, 0.3, 0.6}
	var at []float64
	for _, x := range grid {
		at = append(at, x, x*x)
	}
	p, err := m.Predict(tensors.FromFlatDataAndDimensions(at, len(grid), 2))
	if err != nil {
		t.Fatal(err)
	}
	w, err := LearntWeights(p)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range grid {
		want := target.Prob(x) / source.Prob(x)
		near(t, "p_T/p_S", w[i], want, 0.1*want+0.02)
	}
}

// TestFitPolynomial compares with the normal equations and with Shimodaira's example: the best line for y = −x + x³ in
// the domain N(m, s²) has the slope −1 + 3(m² + s²) (Stein's lemma). The weights lead to this slope from objects of
// the source.
func TestFitPolynomial(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 0))
	x, y, w := make([]float64, 9), make([]float64, 9), make([]float64, 9)
	for i := range x {
		x[i], y[i], w[i] = rng.NormFloat64(), rng.NormFloat64(), rng.Float64()
	}
	a, b := mat.NewDense(3, 3, nil), mat.NewVecDense(3, nil)
	for i := range x {
		for j := range 3 {
			b.SetVec(j, b.AtVec(j)+w[i]*math.Pow(x[i], float64(j))*y[i])
			for k := range 3 {
				a.Set(j, k, a.At(j, k)+w[i]*math.Pow(x[i], float64(j+k)))
			}
		}
	}
	var want mat.VecDense
	if err := want.SolveVec(a, b); err != nil {
		t.Fatal(err)
	}
	got, err := FitPolynomial(x, y, w, 2)
	if err != nil {
		t.Fatal(err)
	}
	for k := range got {
		near(t, "coefficient", got[k], want.AtVec(k), 1e-9)
	}
	source, target := distuv.Normal{Mu: 0.5, Sigma: 0.5}, distuv.Normal{Mu: 0, Sigma: 0.3}
	x = normalDraws(100_000, source.Mu, source.Sigma, 9)
	y = normalDraws(len(x), 0, 0.3, 10)
	for i, v := range x {
		y[i] += -v + v*v*v
	}
	ratio, err := ImportanceWeights(x, target.LogProb, source.LogProb)
	if err != nil {
		t.Fatal(err)
	}
	for slope, weights := range map[float64][]float64{-1 + 3*0.5: nil, -1 + 3*0.09: ratio} {
		line, err := FitPolynomial(x, y, weights, 1)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "slope", line[1], slope, 0.03)
	}
	near(t, "value", Polynomial{1, -2, 3}.At(2), 9, 0)
}

func TestDomainShiftRefuses(t *testing.T) {
	backend := testx.Backend(t)
	x, wide := column1([]float64{1, 2}), tensors.FromFlatDataAndDimensions(make([]float32, 4), 2, 2)
	zero := func(float64) float64 { return math.Inf(-1) }
	one := func(float64) float64 { return 0 }
	for want, err := range map[string]error{
		"source (Float64)[2, 1] and target (Float32)[2, 2], want [l, n]": errorOf(ProxyDistance(t.Context(), backend, x, wide, FitConfig{})),
		"want at least 2 objects of each":                                errorOf(ProxyDistance(t.Context(), backend, x, column1([]float64{1}), FitConfig{})),
		"component 0 of object 0 is NaN":                                 errorOf(ProxyDistance(t.Context(), backend, column1([]float64{math.NaN(), math.NaN()}), x, FitConfig{})),
		"object 0, x = 3: ln p_T = 0, ln p_S = -Inf":                     errorOf(ImportanceWeights([]float64{3}, one, zero)),
		"2 weights for 1 objects":                                        errorOf(WeightedLoss([]float64{1, 1}, []float64{2})),
		"weight 1 is -1":                                                 errorOf(EffectiveSampleSize([]float64{1, -1})),
		"weight 0 is NaN":                                                errorOf(EffectiveSampleSize([]float64{math.NaN()})),
		"all weights are 0":                                              errorOf(FitPolynomial([]float64{1, 2}, []float64{1, 2}, []float64{0, 0}, 1)),
		"of 2 x and 1 y with degree = 1":                                 errorOf(FitPolynomial([]float64{1, 2}, []float64{1}, nil, 1)),
		"with degree = 2":                                                errorOf(FitPolynomial([]float64{1, 2}, []float64{1, 2}, nil, 2)),
		"want more distinct x":                                           errorOf(FitPolynomial([]float64{1, 1}, []float64{1, 2}, nil, 1)),
		"LearntWeights of probabilities":                                 errorOf(LearntWeights(x)),
		"object 0 has p = {0, 1}":                                        errorOf(LearntWeights(tensors.FromValue([][]float64{{0, 1}}))),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}
