package lecture11

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// gaussians draws l objects from N(mean, std²I_d).
func gaussians(l, d int, mean, std float64, seed uint64) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(seed, 5))
	flat := make([]float64, l*d)
	for i := range flat {
		flat[i] = mean + std*rng.NormFloat64()
	}
	return tensors.FromFlatDataAndDimensions(flat, l, d)
}

// TestFrechetDistance is C30.1: equal covariances have the distance ‖Δμ‖², isotropic ones d(σ₁ − σ₂)² (1e-4), and
// commuting ones Σ(√λ − √κ)². The distance of a set from itself is 0 (1e-3), and the distance is symmetric. Small
// samples of one distribution are far from 0.
func TestFrechetDistance(t *testing.T) {
	isotropic := func(mean, variance float64) GaussianFit {
		c := mat.NewSymDense(3, nil)
		for i := range 3 {
			c.SetSym(i, i, variance)
		}
		return GaussianFit{Mean: []float64{mean, 0, 0}, Covariance: c}
	}
	near(t, "‖Δμ‖²", must(FrechetDistance(isotropic(0, 2), isotropic(3, 2))), 9, 1e-9)
	near(t, "d(σ₁ − σ₂)²", must(FrechetDistance(isotropic(0, 4), isotropic(0, 9))), 3, 1e-9)
	a, b := must(FitGaussian(gaussians(400, 6, 0, 1, 1))), must(FitGaussian(gaussians(400, 6, 0.2, 2, 2)))
	there, back := must(FrechetDistance(a, b)), must(FrechetDistance(b, a))
	near(t, "both ways", there, back, 1e-9)
	near(t, "with itself", must(FrechetDistance(a, a)), 0, 1e-9)
	near(t, "σ = 1 and 2 in 6 dimensions, with the means", there, 6+6*0.04, 0.8)
	few, many := must(FitGaussian(gaussians(20, 6, 0, 1, 3))), must(FitGaussian(gaussians(5000, 6, 0, 1, 4)))
	if small, large := must(FrechetDistance(few, a)), must(FrechetDistance(many, must(FitGaussian(gaussians(5000, 6, 0, 1, 5))))); small < 10*large {
		t.Errorf("real against real: %g with 20 objects, %g with 5000, want the former far from 0", small, large)
	}
	singular := GaussianFit{Mean: []float64{0, 0}, Covariance: mat.NewSymDense(2, []float64{1, 1, 1, 1})}
	near(t, "singular covariance with itself", must(FrechetDistance(singular, singular)), 0, 1e-7)
	_, err := FrechetDistance(a, singular)
	wantError(t, err, "6 and 2 components")
	_, err = FitGaussian(gaussians(1, 3, 0, 1, 1))
	wantError(t, err, "want at least 2")
}

// TestFrechetRoot compares the trace of the root with that of the product's root, computed by a naive Newton
// iteration.
func TestFrechetRoot(t *testing.T) {
	a, b := must(FitGaussian(gaussians(30, 4, 0, 1, 7))), must(FitGaussian(gaussians(30, 4, 0, 3, 8)))
	var product mat.Dense
	product.Mul(a.Covariance, b.Covariance)
	root := mat.DenseCopyOf(&product)
	for range 60 { // Newton: R := (R + R⁻¹M)/2
		var inverse, next mat.Dense
		if err := inverse.Inverse(root); err != nil {
			t.Fatal(err)
		}
		next.Mul(&inverse, &product)
		root.Add(root, &next)
		root.Scale(0.5, root)
	}
	want := mat.Trace(a.Covariance) + mat.Trace(b.Covariance) - 2*mat.Trace(root) + squaredDistance(a.Mean, b.Mean)
	near(t, "distance", must(FrechetDistance(a, b)), want, 1e-6)
}

// TestInceptionScore is C30.3: 1 for one answer, C for certain and equally frequent ones. It includes the blind spot:
// copies of one object per class score C.
func TestInceptionScore(t *testing.T) {
	same := [][]float64{{0.2, 0.3, 0.5}, {0.2, 0.3, 0.5}}
	sure := [][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	near(t, "one answer", must(InceptionScore(tensors.FromValue(same))), 1, 1e-12)
	near(t, "sure and even", must(InceptionScore(tensors.FromValue(sure))), 3, 1e-12)
	near(t, "copies", must(InceptionScore(tensors.FromValue(append(sure, sure...)))), 3, 1e-12)
	near(t, "two of three", must(InceptionScore(tensors.FromValue(sure[:2]))), 2, 1e-12)
	_, err := InceptionScore(tensors.FromValue([][]float64{{1, 1}}))
	wantError(t, err, "object 0 sum to 2")
	_, err = InceptionScore(tensors.FromValue([][]float64{{-1, 2}}))
	wantError(t, err, "probability -1 of class 0")
}

// TestManifolds: sets of one distribution have precision and recall near 1 and cannot be distinguished. A generator of
// one of two modes has full precision but half the recall. One that is far away has neither. Copies are next to the
// objects they copy.
func TestManifolds(t *testing.T) {
	real := gaussians(200, 2, 0, 1, 1)
	twin := gaussians(200, 2, 0, 1, 2)
	precision, recall, err := ManifoldPrecisionRecall(real, twin, 5)
	if err != nil {
		t.Fatal(err)
	}
	if precision < 0.9 || recall < 0.9 {
		t.Errorf("one distribution: precision %g, recall %g, want over .9", precision, recall)
	}
	near(t, "one distribution, nearest neighbours", must(TwoSampleNeighbours(real, twin)), 0.5, 0.1)
	near(t, "copies", must(TwoSampleNeighbours(real, real)), 0, 0)
	near(t, "far apart", must(TwoSampleNeighbours(real, gaussians(200, 2, 50, 1, 3))), 1, 0)
	two := tensors.FromFlatDataAndDimensions(append(tensors.MustCopyFlatData[float64](gaussians(100, 2, 0, 1, 4)),
		tensors.MustCopyFlatData[float64](gaussians(100, 2, 30, 1, 5))...), 200, 2)
	precision, recall, err = ManifoldPrecisionRecall(two, real, 5)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "one mode of two: precision", precision, 1, 0.1)
	near(t, "one mode of two: recall", recall, 0.5, 0.05)
	if _, _, err := ManifoldPrecisionRecall(real, twin, 200); err == nil {
		t.Error("k = 200 of 200 objects: want an error")
	}
	_, err = TwoSampleNeighbours(real, gaussians(10, 2, 0, 1, 1))
	wantError(t, err, "want one shape")
	if math.IsNaN(precision) {
		t.Error("precision is NaN")
	}
}

// TestCoverage uses clouds with known answers: a stray object is not a mode, one between two centres is good for none,
// and the shares add up.
func TestCoverage(t *testing.T) {
	m := must(GridMixture(2, 2, 0.1)) // centres (±1, ±1)
	var flat []float64
	for range 60 {
		flat = append(flat, -1, -1)
	}
	for range 139 {
		flat = append(flat, 1.39, 1) // 3.9 standard deviations off
	}
	flat = append(flat, 1, -1) // a stray one: 0.5 %
	for range 100 {
		flat = append(flat, 0, 0)
	}
	got := must(m.Coverage(tensors.FromFlatDataAndDimensions(flat, 300, 2)))
	if got.Modes != 2 {
		t.Errorf("%d modes, want 2: a stray object is not a mode", got.Modes)
	}
	near(t, "good", got.Good, 200.0/300, 1e-12)
	for k, want := range []float64{60, 1, 0, 139} {
		near(t, "share", got.Shares[k], want/300, 1e-12)
	}
	all := must(must(RingMixture(8, 2, 0.05)).Coverage(must(RingMixture(8, 2, 0.05)).Sample(20_000, 1)))
	near(t, "real objects within 4 s in the plane: 1 − e⁻⁸", all.Good, 1-math.Exp(-8), 1e-3)
	_, err := m.Coverage(gaussians(5, 3, 0, 1, 1))
	wantError(t, err, "want [l, 2]")
	_, err = GridMixture(0, 1, 0.1)
	wantError(t, err, "side = 0")
}

// TestHitDivergence compares with closed forms; the totals of the hits do not matter.
func TestHitDivergence(t *testing.T) {
	near(t, "the same", must(HitDivergence([]int{1, 2, 0}, []int{2, 4, 0})), 0, 1e-15)
	near(t, "apart", must(HitDivergence([]int{5, 0}, []int{0, 3})), math.Ln2, 1e-15)
	near(t, "a half in common", must(HitDivergence([]int{1, 1, 0}, []int{0, 1, 1})), math.Ln2/2, 1e-15)
	_, err := HitDivergence([]int{1}, []int{1, 2})
	wantError(t, err, "want the same map")
	_, err = HitDivergence([]int{0}, []int{1})
	wantError(t, err, "at least one")
	_, err = HitDivergence([]int{-1, 2}, []int{1, 1})
	wantError(t, err, "node 0")
}
