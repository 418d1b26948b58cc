package lecture11

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"
)

// naiveKernelDistance returns the unbiased MMD² of two sets by loops over all pairs.
func naiveKernelDistance(x, y [][]float64) float64 {
	kernel := func(a, b []float64) float64 {
		dot := 0.0
		for j := range a {
			dot += a[j] * b[j]
		}
		return math.Pow(dot/float64(len(a))+1, 3)
	}
	var xx, yy, xy float64
	for i := range x {
		for j := range x {
			if i != j {
				xx += kernel(x[i], x[j])
			}
		}
		for j := range y {
			xy += kernel(x[i], y[j])
		}
	}
	for i := range y {
		for j := range y {
			if i != j {
				yy += kernel(y[i], y[j])
			}
		}
	}
	l, m := float64(len(x)), float64(len(y))
	return xx/(l*(l-1)) + yy/(m*(m-1)) - 2*xy/(l*m)
}

// shuffledRows returns rows in the order of the blocks.
func shuffledRows(rows [][]float64) [][]float64 {
	var shuffled [][]float64
	for _, i := range rand.New(rand.NewPCG(0, 0)).Perm(len(rows)) {
		shuffled = append(shuffled, rows[i])
	}
	return shuffled
}

// TestKernelDistance compares with loops over all pairs: one block, and three blocks of sets of unequal size.
func TestKernelDistance(t *testing.T) {
	a, b := gaussians(23, 4, 0, 1, 1), gaussians(31, 4, 0.3, 1.5, 2)
	x, y := must(objectRows(a)), must(objectRows(b))
	whole := must(KernelDistance(a, b, 1))
	near(t, "all pairs", whole.Mean, naiveKernelDistance(x, y), 1e-12)
	if !math.IsNaN(whole.SE) {
		t.Errorf("standard error of one block = %g, want NaN", whole.SE)
	}
	e := must(KernelDistance(a, b, 3))
	var want []float64
	for i := range 3 {
		want = append(want, naiveKernelDistance(shuffledRows(x)[7*i:7*i+7], shuffledRows(y)[10*i:10*i+10]))
		near(t, "block", e.PerObject[i], want[i], 1e-12)
	}
	near(t, "mean", e.Mean, stat.Mean(want, nil), 1e-12)
	near(t, "standard error", e.SE, stat.StdDev(want, nil)/math.Sqrt(3), 1e-12)
	near(t, "both ways", must(KernelDistance(b, a, 3)).Mean, e.Mean, 1e-12)
}

// TestKernelDistanceUnbiased: with 6 objects per set the mean over 4000 draws is 0 for one distribution, where the
// Fréchet distance is far above 0. Sets of points at 0 and at δ have the distance (1 + δ²)³ − 1 exactly.
func TestKernelDistanceUnbiased(t *testing.T) {
	const draws, l = 4000, 6
	same := must(KernelDistance(gaussians(draws*l, 2, 0.5, 1, 3), gaussians(draws*l, 2, 0.5, 1, 4), draws))
	t.Logf("one distribution: %.4f ± %.4f", same.Mean, same.SE)
	near(t, "one distribution", same.Mean, 0, 4*same.SE)
	if same.SE > 0.2 || slices.Min(same.PerObject) >= 0 {
		t.Errorf("SE %g, least value %g, want a small one and some below 0", same.SE, slices.Min(same.PerObject))
	}
	frechet := must(FrechetDistance(must(FitGaussian(gaussians(l, 2, 0.5, 1, 3))), must(FitGaussian(gaussians(l, 2, 0.5, 1, 4)))))
	if frechet < 0.1 {
		t.Errorf("Fréchet distance of %d objects of one distribution = %g, want far above 0", l, frechet)
	}
	points := must(KernelDistance(gaussians(10, 1, 0, 0, 1), gaussians(10, 1, 1.5, 0, 1), 2))
	near(t, "two points", points.Mean, 1+math.Pow(1+1.5*1.5, 3)-2, 1e-12)
}

// TestKernelDistanceReference compares with scikit-learn's polynomial kernel, computed by
// testdata/gen/kernel_distance.py.
func TestKernelDistanceReference(t *testing.T) {
	var reference struct {
		X, Y [][]float64
		KID  float64 `json:"kid"`
	}
	text, err := os.ReadFile("testdata/kernel_distance.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &reference); err != nil {
		t.Fatal(err)
	}
	got := must(KernelDistance(tensors.FromValue(reference.X), tensors.FromValue(reference.Y), 1)).Mean
	near(t, "kernel distance", got, reference.KID, 1e-12)
}

// TestKernelDistanceRefuses: invalid arguments return an error that names them.
func TestKernelDistanceRefuses(t *testing.T) {
	a := gaussians(10, 3, 0, 1, 1)
	for _, blocks := range []int{0, 6} {
		_, err := KernelDistance(a, a, blocks)
		wantError(t, err, "2 objects in each")
	}
	_, err := KernelDistance(a, gaussians(10, 2, 0, 1, 1), 2)
	wantError(t, err, "3 and 2 components")
}

// TestJudgeKernel: the judge's value is the mean over its sets, block by block. It is about 0 for real objects, and
// many standard errors above 0 if a class is nearly lost.
func TestJudgeKernel(t *testing.T) {
	x, labels := twoBlobs(400, 0.5, 1)
	c := newClassifier(t, ClassifierConfig{Features: 2, Classes: 2, Hidden: []int{8}, Seed: 1})
	runTraining(t, must(c.Training(x, labels, "blobs", FitConfig{Epochs: 20, LearningRate: 1e-2, Seed: 1})))
	drawn := func(share float64, seed uint64) *tensors.Tensor { // each object's class is random, unlike in twoBlobs
		rng := rand.New(rand.NewPCG(seed, 12))
		flat := make([]float32, 600)
		for i := range 300 {
			centre := 2 - 4*indicator(rng.Float64() < share)
			flat[2*i], flat[2*i+1] = float32(centre+0.5*rng.NormFloat64()), float32(0.5*rng.NormFloat64())
		}
		return tensors.FromFlatDataAndDimensions(flat, 300, 2)
	}
	a, b, fresh, lost := drawn(0.5, 2), drawn(0.5, 3), drawn(0.5, 5), drawn(0.1, 6)
	j := must(NewJudge(c, 1, a, b))
	seen := func(x *tensors.Tensor) *tensors.Tensor { return must(c.Features(x, 1)) }
	r, worse := must(j.Report(fresh)).Kernel, must(j.Report(lost)).Kernel
	toA, toB := must(KernelDistance(seen(fresh), seen(a), 10)), must(KernelDistance(seen(fresh), seen(b), 10))
	for i, v := range r.PerObject {
		near(t, "block", v, (toA.PerObject[i]+toB.PerObject[i])/2, 1e-9)
	}
	t.Logf("real: %.4f ± %.4f; a class nearly lost: %.4f ± %.4f", r.Mean, r.SE, worse.Mean, worse.SE)
	near(t, "real objects", r.Mean, 0, 4*r.SE)
	if worse.Mean < 5*worse.SE {
		t.Errorf("a class nearly lost: %.4f ± %.4f, want 5 standard errors above 0", worse.Mean, worse.SE)
	}
}
