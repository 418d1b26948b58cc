package data

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// TestGap: the sample's spectrum has the gap at component d, its mean is 2, and equal seeds draw equal objects.
func TestGap(t *testing.T) {
	p, err := Gap(20_000, 6, 2, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	x := mat.NewDense(p.Len(), p.Dim(), p.Values)
	covariance := mat.NewSymDense(6, nil)
	stat.CovarianceMatrix(covariance, x, nil)
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance, false) {
		t.Fatal("no eigenvalues")
	}
	for j, want := range []float64{1, 1, 1, 1, 5, 10} {
		if got := eigen.Values(nil)[j]; math.Abs(got-want) > 0.05*want {
			t.Errorf("eigenvalue %d = %.3f, want %g ± 5 %%", j, got, want)
		}
	}
	for j := range 6 {
		if mean := stat.Mean(p.Column(j), nil); math.Abs(mean-2) > 4*math.Sqrt(10./20_000) {
			t.Errorf("mean of x%d = %.3f, want 2 within 4 standard errors", j+1, mean)
		}
	}
	again, err := Gap(20_000, 6, 2, 5, 3)
	if err != nil || again.Values[7] != p.Values[7] {
		t.Errorf("the same seed drew %g and %g, error %v", again.Values[7], p.Values[7], err)
	}
}

func TestGapRefuses(t *testing.T) {
	for want, err := range map[string]error{
		"l = 0":       refusal(Gap(0, 6, 2, 5, 3)),
		"d = 6 of":    refusal(Gap(9, 6, 6, 5, 3)),
		"ratio = NaN": refusal(Gap(9, 6, 2, math.NaN(), 3)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}

func refusal(_ *Points, err error) error { return err }
