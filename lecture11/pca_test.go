package lecture11

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

func newPCAOf(t *testing.T, x *tensors.Tensor) *PCA {
	t.Helper()
	p, err := NewPCA(testx.Backend(t), x)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// gapData returns points in 20 dimensions with a large variance in 4 directions.
func gapData(t *testing.T) *data.Points {
	t.Helper()
	points, err := data.Gap(2000, 20, 4, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	return points
}

// TestPCAHandCase analyses four points on the axes of an ellipse around (1, 2), with covariance diag(2, ½).
func TestPCAHandCase(t *testing.T) {
	x := tensors.FromValue([][]float32{{3, 2}, {-1, 2}, {1, 3}, {1, 1}})
	p := newPCAOf(t, x)
	for j, want := range []float64{1, 2} {
		near(t, "mean", p.Mean[j], want, 1e-12)
	}
	for j, want := range []float64{2, 0.5} {
		near(t, "variance", p.Variances[j], want, 1e-12)
		near(t, "component on its own axis", p.Components.At(j, j), 1, 1e-12)
		near(t, "component on the other axis", p.Components.At(1-j, j), 0, 1e-12)
	}
	loss, err := p.Loss(1)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "loss", loss, 0.5, 1e-12)
	z, err := p.Encode(x, 1)
	if err != nil {
		t.Fatal(err)
	}
	rebuilt, err := p.Reconstruct(x, 1)
	if err != nil {
		t.Fatal(err)
	}
	codes, flat := tensors.MustCopyFlatData[float32](z), tensors.MustCopyFlatData[float32](rebuilt)
	for i, want := range []float64{2, -2, 0, 0} {
		near(t, "code", float64(codes[i]), want, 1e-6)
		near(t, "first component rebuilt", float64(flat[2*i]), 1+want, 1e-6)
		near(t, "second component rebuilt", float64(flat[2*i+1]), 2, 1e-6)
	}
}

// TestPCABytes: bytes 0…255 are scaled to [0, 1], and sums over more objects than one batch are complete.
func TestPCABytes(t *testing.T) {
	train, _ := mnist(t, covarianceBatch+1, 1)
	p := newPCAOf(t, train.Tensor())
	values, err := Components(train.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	x := mat.NewDense(train.Len(), 784, values)
	const a, b = 400, 401 // two pixels in the middle
	near(t, "mean", p.Mean[a], mat.Sum(x.ColView(a))/float64(train.Len()), 1e-12)
	want, got := 0.0, 0.0
	for i := range train.Len() {
		want += (x.At(i, a) - p.Mean[a]) * (x.At(i, b) - p.Mean[b]) / float64(train.Len())
	}
	for j, v := range p.Variances {
		got += p.Components.At(a, j) * v * p.Components.At(b, j)
	}
	near(t, "covariance U Λ Uᵀ", got, want, 1e-10)
}

// TestPCALoss: the components are orthonormal, and the loss of the objects is the variance of the components left out.
func TestPCALoss(t *testing.T) {
	x := gapData(t)
	p := newPCAOf(t, x.Tensor())
	var product mat.Dense
	product.Mul(p.Components.T(), p.Components)
	for i := range x.Dim() {
		for j := range x.Dim() {
			want := 0.0
			if i == j {
				want = 1
			}
			near(t, "UᵀU", product.At(i, j), want, 1e-12)
		}
	}
	for _, d := range []int{1, 4, 19, 20} {
		loss, err := p.Loss(d)
		if err != nil {
			t.Fatal(err)
		}
		measured, err := p.LossOf(x.Tensor(), d)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "loss of the objects against the sum of the other variances", measured.Mean, loss, 1e-9)
	}
}

// TestPCAIsBest is Eckart & Young's theorem: no projection on another subspace has a smaller loss.
func TestPCAIsBest(t *testing.T) {
	x := gapData(t)
	p := newPCAOf(t, x.Tensor())
	best, err := p.Loss(4)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 0))
	total := 0.0
	for _, v := range p.Variances {
		total += v
	}
	for step := range 100 {
		q := mat.NewDense(20, 4, nil)
		q.Apply(func(i, j int, _ float64) float64 {
			return p.Components.At(i, j) + float64(step)/100*rng.NormFloat64()
		}, q)
		q, err := orthonormal(q)
		if err != nil {
			t.Fatal(err)
		}
		var inside mat.Dense // UᵀQ
		inside.Mul(p.Components.T(), q)
		loss := total
		for i := range 20 {
			for j := range 4 {
				loss -= p.Variances[i] * inside.At(i, j) * inside.At(i, j)
			}
		}
		if loss < best-1e-9 {
			t.Fatalf("a subspace %d %% away loses %.9f, PCA's %.9f", step, loss, best)
		}
	}
}

// TestPrincipalAngles: two planes in space that share an axis have the angle φ of their rotation. Other columns with
// the same span have the same angles.
func TestPrincipalAngles(t *testing.T) {
	a := mat.NewDense(3, 2, []float64{1, 0, 0, 1, 0, 0})
	for _, phi := range []float64{0, 1e-9, 0.3, math.Pi / 2} {
		sin, cos := math.Sincos(phi)
		b := mat.NewDense(3, 2, []float64{2, 5, 0, 3 * cos, 0, 3 * sin}) // spans e₁ and (0, cos φ, sin φ)
		sines, err := PrincipalAngles(a, b)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "largest sine", sines[0], sin, 1e-15+1e-12*sin)
		near(t, "smallest sine", sines[1], 0, 1e-15)
	}
	for _, c := range []struct {
		a, b *mat.Dense
		want string
	}{
		{a, mat.NewDense(3, 2, []float64{1, 2, 1, 2, 0, 0}), "want 2 independent columns"},
		{a, mat.NewDense(3, 1, []float64{1, 2, 3}), "want equal shapes"},
		{mat.NewDense(1, 2, []float64{1, 2}), a, "matrix [1, 2]"},
	} {
		if _, err := PrincipalAngles(c.a, c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one that contains %q", err, c.want)
		}
	}
}

// TestProjectorDistances: the distances are 0 for PCA's own maps in any basis, and for other maps agree with the
// definition written out in full.
func TestProjectorDistances(t *testing.T) {
	p := newPCAOf(t, gapData(t).Tensor())
	u, err := p.Subspace(4)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(2, 0))
	s := mat.NewDense(4, 4, nil)
	s.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, s)
	var inverse, a, b mat.Dense
	if err := inverse.Inverse(s); err != nil {
		t.Fatal(err)
	}
	b.Mul(u, s) // another basis of the same span: B A = U S S⁻¹ Uᵀ
	a.Mul(&inverse, u.T())
	got, err := p.ProjectorDistances(AffineMap{Matrix: &a}, AffineMap{Matrix: &b})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "same map, on data", got.OnData, 0, 1e-12)
	near(t, "same map, plain", got.Plain, 0, 1e-12)

	a.Apply(func(_, _ int, v float64) float64 { return v + 0.1*rng.NormFloat64() }, &a)
	if got, err = p.ProjectorDistances(AffineMap{Matrix: &a}, AffineMap{Matrix: &b}); err != nil {
		t.Fatal(err)
	}
	var difference, projector, root mat.Dense
	projector.Mul(u, u.T())
	difference.Mul(&b, &a)
	difference.Sub(&difference, &projector)
	root.Apply(func(i, j int, _ float64) float64 { return p.Components.At(i, j) * math.Sqrt(p.Variances[j]) },
		mat.NewDense(20, 20, nil))
	near(t, "plain", got.Plain, mat.Norm(&difference, 2)/mat.Norm(&projector, 2), 1e-9)
	difference.Mul(&difference, &root)
	projector.Mul(&projector, &root)
	near(t, "on data", got.OnData, mat.Norm(&difference, 2)/mat.Norm(&projector, 2), 1e-9)
}

func TestPCAMisuse(t *testing.T) {
	backend := testx.Backend(t)
	p := newPCAOf(t, gapData(t).Tensor())
	wide := tensors.FromFlatDataAndDimensions(make([]float32, 21), 1, 21)
	call := func(_ any, err error) error { return err }
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"no matrix":  {call(NewPCA(backend, tensors.FromValue([]float32{1}))), "want [l, n]"},
		"NaN":        {call(NewPCA(backend, tensors.FromValue([][]float32{{1, 2}, {3, float32(math.NaN())}}))), "component 1 of object 1 is NaN"},
		"type":       {call(NewPCA(backend, tensors.FromValue([][]int32{{1, 2}}))), "values of type"},
		"no code":    {call(p.Loss(0)), "d = 0 components, want 1 to 20"},
		"wide code":  {call(p.Subspace(21)), "d = 21 components"},
		"wide":       {call(p.Encode(wide, 2)), "want [l, 20]"},
		"wide, loss": {call(p.LossOf(wide, 2)), "want [l, 20]"},
		"rebuilt":    {call(p.Reconstruct(wide, 2)), "want [l, 20]"},
		"gap":        {call(p.Gap(0)), "d = 0"},
		"maps": {call(p.ProjectorDistances(AffineMap{Matrix: mat.NewDense(2, 3, nil)}, AffineMap{Matrix: mat.NewDense(20, 2, nil)})),
			"want A [d, 20], B [20, d]"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", name, c.err, c.want)
		}
	}
}
