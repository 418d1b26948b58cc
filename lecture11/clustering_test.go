package lecture11

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// TestDistances compares every distance with its formula written as loops.
func TestDistances(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	x, w := rows(rng, 6, 3), rows(rng, 4, 3)
	naive := map[string]func(a, b []float64) float64{
		"squared euclidean": squaredDistance,
		"euclidean":         func(a, b []float64) float64 { return math.Sqrt(squaredDistance(a, b)) },
		"cosine": func(a, b []float64) float64 {
			dot, aa, bb := 0.0, 0.0, 0.0
			for j := range a {
				dot, aa, bb = dot+a[j]*b[j], aa+a[j]*a[j], bb+b[j]*b[j]
			}
			return 1 - dot/math.Sqrt(aa*bb)
		},
		"manhattan": func(a, b []float64) float64 {
			sum := 0.0
			for j := range a {
				sum += math.Abs(a[j] - b[j])
			}
			return sum
		},
	}
	if len(naive) != len(distances) {
		t.Errorf("%d distances written as loops, want all %d", len(naive), len(distances))
	}
	for name, want := range naive {
		rho, err := DistanceByName(name)
		if err != nil {
			t.Fatal(err)
		}
		got := run(t, func(x, w *Node) *Node { return rho(x, w) }, x, w)
		for i := range x {
			for y := range w {
				near(t, name, got[i*4+y], want(x[i], w[y]), 1e-12)
			}
		}
		testx.CheckGradient(t, func(in []*Node) *Node { return ReduceAllSum(Square(rho(in[0], in[1]))) }, x, w)
	}
	if _, err := DistanceByName("euklid"); err == nil || !strings.Contains(err.Error(), `"manhattan"`) {
		t.Errorf("unknown distance: %v, want the known ones listed", err)
	}
}

// TestDistancesEdges: objects on a centre, vectors without direction, and points far from the origin.
func TestDistancesEdges(t *testing.T) {
	x := [][]float32{{1e4 + 1, 1e4}, {1e4, 1e4}}
	got := run(t, SquaredDistances, x, x)
	for i, want := range []float64{0, 1, 1, 0} {
		near(t, "float32, 10⁴ from the origin", got[i], want, 1e-6)
	}
	zero := [][]float64{{0, 0}}
	near(t, "cosine of a zero vector", run(t, CosineDistances, zero, [][]float64{{1, 2}})[0], 1, 0)
	gradient := run(t, func(x, w *Node) *Node {
		return Gradient(ReduceAllSum(EuclideanDistances(x, w)), x)[0]
	}, zero, zero)
	near(t, "gradient on the centre", gradient[0], 0, 0)
}

// TestAssign: the nearest centre, and the first of equally near ones.
func TestAssign(t *testing.T) {
	got, err := ExecOnce(testx.Backend(t), Assign, [][]float64{{3, 1, 2}, {1, 0, 0}, {5, 5, 5}})
	if err != nil {
		t.Fatal(err)
	}
	for i, y := range tensors.MustCopyFlatData[int32](got) {
		if want := []int32{1, 1, 0}[i]; y != want {
			t.Errorf("a(x_%d) = %d, want %d", i, y, want)
		}
	}
}

// TestHuygens is C2.1: Σ‖x_i − w‖² = Σ‖x_i − x̄‖² + l·‖x̄ − w‖², so that the mean is the best centre.
func TestHuygens(t *testing.T) {
	const l, n = 500, 4
	rng := rand.New(rand.NewPCG(2, 0))
	x, mean := rows(rng, l, n), make([]float64, n)
	for i := range x {
		for j := range n {
			mean[j] += x[i][j] / l
		}
	}
	sum := func(w []float64) float64 {
		return run(t, func(x, w *Node) *Node { return CriterionSum(SquaredDistances(x, w)) }, x, [][]float64{w})[0]
	}
	for range 5 {
		w := rows(rng, 1, n)[0]
		want := sum(mean) + l*squaredDistance(mean, w)
		near(t, "Σ‖x − w‖²", sum(w), want, 1e-9*want)
	}
}

// TestCriterionAtTruth is C2.2: at the true centres of the ring Q̄ → n·s² = 0.02 and the slide's Q is l times that.
func TestCriterionAtTruth(t *testing.T) {
	x := ringOf8(t)
	w := tensors.MustFromAnyValue(data.RingCenters(8, 2))
	c, err := Cluster(testx.Backend(t), numbers(w.DType(), must64(t, x), 4000, 2), w)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(c)
	near(t, "mean Q̄", c.Mean, 0.02, 4*0.02/math.Sqrt(4000)) // ρ² is exponential: its standard deviation is its mean
	near(t, "sum Q", c.Sum, 4000*c.Mean, 1e-9)
	mean := run(t, func(x, w *Node) *Node { return CriterionMean(SquaredDistances(x, w)) }, x, inBox(t, 3, -1, 1, 1))
	sum := run(t, func(x, w *Node) *Node { return CriterionSum(SquaredDistances(x, w)) }, x, inBox(t, 3, -1, 1, 1))
	near(t, "sum / mean", sum[0]/mean[0], 4000, 1e-2)
}

func must64(t *testing.T, x *tensors.Tensor) []float64 {
	t.Helper()
	values, err := float64s(x)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// TestKohonenGradient is C3.1: the gradient of ½ρ²(x_i, w_{a(x_i)}) is −(x_i − w_y)[a(x_i) = y], and exactly 0 for the
// losers.
func TestKohonenGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	x, w := rows(rng, 200, 3), rows(rng, 8, 3)
	fn := func(x, w *Node) *Node { return Gradient(MulScalar(CriterionSum(SquaredDistances(x, w)), 0.5), w)[0] }
	exec := MustNewExec(testx.Backend(t), fn)
	defer exec.Finalize()
	checked := 0
	for i := range x {
		c := assignRows(x[i:i+1], w)
		winner, second := c.Winner[0], math.Inf(1)
		for y := range w {
			if y != winner {
				second = min(second, squaredDistance(x[i], w[y]))
			}
		}
		if second-c.Sum < 1e-4 {
			continue // a tie has no gradient
		}
		checked++
		got := must64(t, exec.MustCall(x[i:i+1], w)[0])
		for y := range w {
			for j := range 3 {
				if y == winner {
					near(t, "gradient of the winner", got[y*3+j], w[y][j]-x[i][j], 1e-12)
				} else if got[y*3+j] != 0 {
					t.Fatalf("gradient of loser %d = %g, want exactly 0", y, got[y*3+j])
				}
			}
		}
	}
	if checked < 190 {
		t.Errorf("%d objects checked, want at least 190", checked)
	}
	testx.CheckGradient(t, func(in []*Node) *Node { return CriterionMean(SquaredDistances(in[0], in[1])) }, x[:9], w)
}

// TestTwoLayers is C3.2: argmin ‖x − w_y‖² = argmax (w_yᵀx − ½‖w_y‖²) for all of 10⁴ objects and 64 centres.
func TestTwoLayers(t *testing.T) {
	for _, n := range []int{2, 784} {
		rng := rand.New(rand.NewPCG(4, uint64(n)))
		x, w := normals32(rng, 10_000, n), normals32(rng, 64, n)
		out, err := ExecOnceN(testx.Backend(t), func(x, w *Node) []*Node {
			_, fires := KohonenLayers(x, w)
			return []*Node{ArgMax(fires, -1), ArgMax(LinearScores(x, w), -1), ReduceAllSum(fires)}
		}, x, w)
		if err != nil {
			t.Fatal(err)
		}
		a, b := tensors.MustCopyFlatData[int32](out[0]), tensors.MustCopyFlatData[int32](out[1])
		differ := 0
		for i := range a {
			if a[i] != b[i] {
				differ++
			}
		}
		t.Logf("n = %d: %d of %d objects differ", n, differ, len(a))
		if differ != 0 || tensors.ToScalar[float32](out[2]) != 10_000 {
			t.Errorf("n = %d: %d objects differ, %v neurons fire, want 0, 10 000", n, differ, out[2])
		}
	}
}

func normals32(rng *rand.Rand, l, n int) *tensors.Tensor {
	flat := make([]float32, l*n)
	for i := range flat {
		flat[i] = float32(rng.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(flat, l, n)
}

// TestStartCenters checks the property that each start promises.
func TestStartCenters(t *testing.T) {
	x := ringOf8(t)
	objects := map[[2]float32]bool{}
	flat := tensors.MustCopyFlatData[float32](x)
	for i := 0; i < len(flat); i += 2 {
		objects[[2]float32{flat[i], flat[i+1]}] = true
	}
	covered := map[string]int{}
	for how := range starts {
		for seed := range int64(10) {
			w, err := StartCenters(how, x, 8, seed)
			if err != nil {
				t.Fatal(err)
			}
			again, _ := StartCenters(how, x, 8, seed)
			c := tensors.MustCopyFlatData[float32](w)
			if !w.Equal(again) {
				t.Errorf("%s: the same seed gave different starts", how)
			}
			gaussians := map[int]bool{}
			for y := 0; y < len(c); y += 2 {
				if how != "uniform" && !objects[[2]float32{c[y], c[y+1]}] {
					t.Errorf("%s: centre %v is not an object", how, c[y:y+2])
				}
				if limit := 1 / math.Sqrt2; how == "uniform" && math.Abs(float64(c[y])) > limit {
					t.Errorf("uniform: component %g, want at most 1/√2", c[y])
				}
				gaussians[int(math.Round(math.Atan2(float64(c[y+1]), float64(c[y]))*4/math.Pi))&7] = true
			}
			covered[how] += len(gaussians)
		}
	}
	t.Log("Gaussians of 80 with a centre:", covered)
	if covered["k-means++"] < 74 || covered["objects"] > 70 {
		t.Errorf("Gaussians with a centre %v, want at least 74 of 80 by k-means++ and fewer by random objects", covered)
	}
	same := tensors.FromFlatDataAndDimensions(make([]float32, 10), 5, 2)
	if _, err := StartCenters("k-means++", same, 3, 1); err != nil {
		t.Errorf("k-means++ on equal objects: %v", err)
	}
}

// TestLloyd: on data with known centres, Q never rises, and a centre far from all objects does not move.
func TestLloyd(t *testing.T) {
	x := [][]float64{{0}, {1}, {10}, {11}}
	w, c, err := Lloyd(x, [][]float64{{0}, {1}, {100}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Dead() != 1 || w[2][0] != 100 || c.Sum != 1 {
		t.Errorf("centres %v, %v, want a dead one at 100, Q = 1", w, c)
	}
	w, c, err = Lloyd(x, [][]float64{{0}, {9}})
	if err != nil || w[0][0] != 0.5 || w[1][0] != 10.5 || c.Sum != 1 || c.Mean != 0.25 {
		t.Errorf("centres %v, %v, %v, want 0.5 and 10.5, Q = 1", w, c, err)
	}
	rng := rand.New(rand.NewPCG(5, 0))
	big := rows(rng, 300, 2)
	start := rows(rng, 6, 2)
	before := assignRows(big, start).Sum
	for range 20 {
		moveToMeans(start, big, assignRows(big, start))
		after := assignRows(big, start).Sum
		if after > before*(1+1e-12) {
			t.Errorf("Q rose from %g to %g", before, after)
		}
		before = after
	}
}

// TestClusteringBadInput: every error names the argument, its value and the requirement.
func TestClusteringBadInput(t *testing.T) {
	backend, x := testx.Backend(t), ringOf8(t)
	w := inBox(t, 8, -1, 1, 1)
	nan := tensors.FromFlatDataAndDimensions([]float32{1, 2, float32(math.NaN()), 4}, 2, 2)
	fit := func(x, w *tensors.Tensor) error {
		_, err := kohonen(t, KohonenConfig{Steps: 1}).Fit(t.Context(), x, w, 1)
		return err
	}
	cluster := func(x, w *tensors.Tensor) error { _, err := Cluster(backend, x, w); return err }
	start := func(how string, x *tensors.Tensor, m int) error { _, err := StartCenters(how, x, m, 1); return err }
	lloyd := func(x, w [][]float64) error { _, _, err := Lloyd(x, w); return err }
	best := func(restarts int) error { _, _, err := LloydBest(x, 3, restarts, 1); return err }
	box := func(m int, low, high []float64) error { _, err := StartInBox(m, low, high, 1); return err }
	for _, c := range []struct {
		want string
		err  error
	}{
		{"want [l, n] with at least one object", cluster(tensors.FromFlatDataAndDimensions([]float32{}, 0, 2), w)},
		{"want [m, 2]", cluster(x, tensors.FromFlatDataAndDimensions([]float32{1, 2, 3}, 1, 3))},
		{"8 centres, want at most 2", fit(tensors.FromFlatDataAndDimensions([]float32{1, 2, 3, 4}, 2, 2), w)},
		{"component 0 of row 1 is NaN", cluster(nan, tensors.FromFlatDataAndDimensions([]float32{1, 2}, 1, 2))},
		{"centres w: component 0 of row 1", cluster(x, nan)},
		{"want both float32 or float64", cluster(x, tensors.MustFromAnyValue([][]float64{{1, 2}}))},
		{`"k-means++", "objects", "uniform"`, start("random", x, 3)},
		{"m = 0, want 1 to 4000", start("objects", x, 0)},
		{"m = 4001", start("objects", x, 4001)},
		{"NaN", start("objects", nan, 1)},
		{"clustering of 0 objects", lloyd(nil, nil)},
		{"Lloyd: 2 centres, want at most 1", lloyd([][]float64{{1}}, [][]float64{{1}, {2}})},
		{"0 centres, want at least one", lloyd([][]float64{{1}}, nil)},
		{"row 0 has 2 components, want 1", lloyd([][]float64{{1}}, [][]float64{{1, 2}})},
		{"want a finite number", lloyd([][]float64{{math.Inf(1)}}, [][]float64{{1}})},
		{"restarts = 0", best(0)},
		{"two corners of one length", box(1, []float64{1}, nil)},
		{"side 0 from 1 to 0", box(1, []float64{1}, []float64{0})},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || !strings.HasPrefix(c.err.Error(), "lecture11: ") {
			t.Errorf("error %v, want one with %q", c.err, c.want)
		}
	}
}
