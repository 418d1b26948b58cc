package lecture11

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// newKLTerms compiles KLTerms in float64, as a function of z, mean and logVar.
func newKLTerms(t *testing.T, priorStd float64, objects int) func(inputs ...any) [3][]float64 {
	t.Helper()
	exec := MustNewExec(testx.Backend(t), func(in []*Node) []*Node {
		a, b, c := KLTerms(in[0], in[1], in[2], priorStd, objects)
		return []*Node{a, b, c}
	})
	t.Cleanup(exec.Finalize)
	return func(inputs ...any) [3][]float64 {
		out := exec.MustCall(inputs...)
		return [3][]float64{must64(t, out[0]), must64(t, out[1]), must64(t, out[2])}
	}
}

// density returns N(z; mean, exp logVar).
func density(z, mean, logVar float64) float64 {
	return math.Exp(-(z-mean)*(z-mean)/(2*math.Exp(logVar))) / math.Sqrt(2*math.Pi*math.Exp(logVar))
}

// stratified estimates q of some components of z_i with Chen et al.'s weights for the objects of a batch. With M = B −
// 1, these are 1/N for object i, (N − M)/(N·M) for one other object, odd, and 1/M for the rest.
func stratified(z [][]float64, mean, logVar [][]float64, i, odd, objects int, components ...int) float64 {
	sum, n, m := 0.0, float64(objects), float64(len(z)-1)
	for k := range mean {
		q := 1.0
		for _, j := range components {
			q *= density(z[i][j], mean[k][j], logVar[k][j])
		}
		switch k {
		case i:
			sum += q / n
		case odd:
			sum += q * (n - m) / (n * m)
		default:
			sum += q / m
		}
	}
	return sum
}

// TestKLTerms compares with loops in float64: densities with the weights of the paper, averaged over the choice of the
// odd object.
func TestKLTerms(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 0))
	const b, objects, s = 5, 17, 1.3
	z, mean, logVar := rows(rng, b, 3), rows(rng, b, 3), rows(rng, b, 3)
	got := newKLTerms(t, s, objects)(z, mean, logVar)
	averaged := func(i int, components ...int) float64 {
		sum := 0.0
		for odd := range b {
			if odd != i {
				sum += stratified(z, mean, logVar, i, odd, objects, components...)
			}
		}
		return math.Log(sum / (b - 1))
	}
	for i := range z {
		var own, marginals, prior float64
		for j := range z[i] {
			own += math.Log(density(z[i][j], mean[i][j], logVar[i][j]))
			marginals += averaged(i, j)
			prior += math.Log(density(z[i][j], 0, 2*math.Log(s)))
		}
		joint := averaged(i, 0, 1, 2)
		near(t, "mutual information", got[0][i], own-joint, 1e-6)
		near(t, "total correlation", got[1][i], joint-marginals, 1e-6)
		near(t, "dimension-wise KL", got[2][i], marginals-prior, 1e-6)
		near(t, "sum", got[0][i]+got[1][i]+got[2][i], own-prior, 1e-9)
	}
	far := newKLTerms(t, 1, 2)([][]float64{{1e4}, {-1e4}}, [][]float64{{1e4}, {-1e4}}, [][]float64{{-20}, {-20}})
	near(t, "mutual information of objects far apart", far[0][0], math.Ln2, 1e-6)
}

// TestKLTermsUnbiased: the mean density of an object's code over all batches with that object is the density over all
// objects.
func TestKLTermsUnbiased(t *testing.T) {
	rng := rand.New(rand.NewPCG(32, 0))
	mean, logVar, z := rows(rng, 6, 2), rows(rng, 6, 2), rows(rng, 1, 2)[0]
	var sum, batches, want float64
	terms := newKLTerms(t, 1, 6)
	for a := 1; a < 6; a++ {
		for b := a + 1; b < 6; b++ {
			batch := []int{0, a, b}
			var zs, mu, lv [][]float64
			for _, k := range batch {
				zs, mu, lv = append(zs, z), append(mu, mean[k]), append(lv, logVar[k])
			}
			got := terms(zs, mu, lv)
			own := math.Log(density(z[0], mean[0][0], logVar[0][0]) * density(z[1], mean[0][1], logVar[0][1]))
			sum += math.Exp(own - got[0][0])
			batches++
		}
	}
	for k := range mean {
		want += density(z[0], mean[k][0], logVar[k][0]) * density(z[1], mean[k][1], logVar[k][1]) / 6
	}
	near(t, "q(z)", sum/batches, want, 1e-7)
}

// TestKLTermsGradient compares the gradients of the three parts with central differences.
func TestKLTermsGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 0))
	testx.CheckGradient(t, func(in []*Node) *Node {
		a, b, c := KLTerms(Reparameterize(in[0], in[1], in[2]), in[0], in[1], 1.2, 9)
		return Add(Add(ReduceAllMean(a), MulScalar(ReduceAllMean(b), 6)), ReduceAllMean(c))
	}, rows(rng, 4, 2), rows(rng, 4, 2), rows(rng, 4, 2))
}

// gaussianCodes returns l codes whose means are drawn from N(0, S) with S = [[2, c], [c, 1]] and whose variances are ¼
// and ½. Then q(z) is N(0, C) with C = S + diag(¼, ½).
func gaussianCodes(l int, c float64) (mean, logVar *tensors.Tensor) {
	rng := rand.New(rand.NewPCG(34, 0))
	var mu, lv []float32
	for range l {
		a, b := rng.NormFloat64(), rng.NormFloat64()
		mu = append(mu, float32(math.Sqrt2*a), float32(c/math.Sqrt2*a+math.Sqrt(1-c*c/2)*b))
		lv = append(lv, float32(math.Log(0.25)), float32(math.Log(0.5)))
	}
	return tensors.FromFlatDataAndDimensions(mu, l, 2), tensors.FromFlatDataAndDimensions(lv, l, 2)
}

// TestKLPartsGaussian: the parts for Gaussian codes agree with the closed forms of N(0, C),
//
//	MI = ½ ln(det C/Π σ_j²),  TC = ½ ln(Π C_jj/det C),  Σ_j KL(N(0, C_jj) ‖ N(0, s²)),
//
// within 4 standard errors plus the bias of using the mean of l densities in place of q, about ½(e^MI − 1)/l for each
// term.
func TestKLPartsGaussian(t *testing.T) {
	const c, s, l = 1.1, 1.5, 3000
	mean, logVar := gaussianCodes(l, c)
	p := must(NewKLParts(mean, logVar, s, 1))
	t.Log(p)
	det := 2.25*1.5 - c*c
	bias := 2 * math.Sqrt(det/(0.25*0.5)) / l
	near(t, "mutual information", p.MutualInformation.Mean, 0.5*math.Log(det/(0.25*0.5)), 4*p.MutualInformation.SE+bias)
	near(t, "total correlation", p.TotalCorrelation.Mean, 0.5*math.Log(2.25*1.5/det), 4*p.TotalCorrelation.SE+bias)
	kl := func(v float64) float64 { return 0.5 * (v/(s*s) - 1 - math.Log(v/(s*s))) }
	near(t, "dimension-wise KL", p.DimensionWise.Mean, kl(2.25)+kl(1.5), 4*p.DimensionWise.SE+bias)
	independent, same := gaussianCodes(l, 0)
	if tc := must(NewKLParts(independent, same, s, 1)).TotalCorrelation; math.Abs(tc.Mean) > 4*tc.SE+bias {
		t.Errorf("total correlation of independent components = %.4f ± %.4f, want 0", tc.Mean, tc.SE)
	}
}

// TestKLPartsBatch: for the whole set, N = B, the graph's terms are those of NewKLParts with the same codes.
func TestKLPartsBatch(t *testing.T) {
	mean, logVar := gaussianCodes(40, 0.9)
	mu, lv, eps := must(objectRows(mean)), must(objectRows(logVar)), normals(80, 7)
	z := cut(make([]float64, 80), 40)
	for i := range z {
		for j := range z[i] {
			z[i][j] = mu[i][j] + math.Exp(0.5*lv[i][j])*float64(eps[2*i+j])
		}
	}
	want, got := must(NewKLParts(mean, logVar, 1, 7)), newKLTerms(t, 1, 40)(z, mu, lv)
	for i := range z {
		near(t, "mutual information", got[0][i], want.MutualInformation.PerObject[i], 1e-5)
		near(t, "total correlation", got[1][i], want.TotalCorrelation.PerObject[i], 1e-5)
		near(t, "dimension-wise KL", got[2][i], want.DimensionWise.PerObject[i], 1e-5)
	}
}

// TestTotalCorrelationVAE: the loss is the weighted sum of its parts; with the weight 1 it is −ELBO in expectation.
// Objects on a circle favour two dependent components. A large weight leaves at most half of their total correlation.
func TestTotalCorrelationVAE(t *testing.T) {
	x := circle(512)
	correlation := map[float64]float64{}
	for _, weight := range []float64{1, 20} {
		m := must(NewVAE(testx.Backend(t), VAEConfig{Features: 2, Latent: 2, Hidden: []int{32}, Likelihood: "gaussian", NoiseStd: 0.2,
			TotalCorrelation: weight, Seed: 1}))
		runTraining(t, must(m.Training(x, "circle", FitConfig{Epochs: 100, Batch: 64, LearningRate: 5e-3, Seed: 1})))
		losses := newLosses(t, m, 0.5)
		var differences []float64
		for range 40 {
			l := losses(x)
			near(t, "loss", l["loss"], l["reconstruction"]+l["mutual information"]+weight*l["total correlation"]+l["dimension-wise kl"], 1e-4)
			differences = append(differences, l["mutual information"]+l["total correlation"]+l["dimension-wise kl"]-l["kl"])
		}
		d := NewEstimate(differences)
		t.Logf("weight %g: sum of the parts − KL = %.4f ± %.4f", weight, d.Mean, d.SE)
		near(t, "sum of the parts − KL", d.Mean, 0, 4*d.SE)
		p := must(m.KLParts(x, 1))
		t.Log(p)
		correlation[weight] = p.TotalCorrelation.Mean
	}
	if !(correlation[1] > 0.1) || correlation[20] > correlation[1]/2 {
		t.Errorf("total correlation %.4f with the weight 20, %.4f with 1, want at most half of a good part of a nat", correlation[20], correlation[1])
	}
}

// circle returns l objects on a circle of radius 1.
func circle(l int) *tensors.Tensor {
	flat := make([]float32, 0, 2*l)
	for i := range l {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(l))
		flat = append(flat, float32(cos), float32(sin))
	}
	return tensors.FromFlatDataAndDimensions(flat, l, 2)
}

// TestTotalCorrelationRefuses: the error names the field. A VAE without the weight has the same key and losses as
// before.
func TestTotalCorrelationRefuses(t *testing.T) {
	x, _ := patterns(64)
	good := VAEConfig{Features: 8, Latent: 2, Hidden: []int{4}, TotalCorrelation: 6}
	for want, change := range map[string]func(c *VAEConfig){
		"VAEConfig.TotalCorrelation = -1":                 func(c *VAEConfig) { c.TotalCorrelation = -1 },
		"TotalCorrelation = 6 with Samples = 5":           func(c *VAEConfig) { c.Samples = 5 },
		"TotalCorrelation = 6 with Samples = 1, Beta = 2": func(c *VAEConfig) { c.Beta = new(2.0) },
		"FreeBits = 0.1, want 1, 1, 0, 0":                 func(c *VAEConfig) { c.FreeBits = 0.1 },
	} {
		cfg := good
		change(&cfg)
		_, err := NewVAE(testx.Backend(t), cfg)
		wantError(t, err, want)
	}
	_, err := must(NewVAE(testx.Backend(t), good)).Training(x, "patterns", FitConfig{Batch: 1})
	wantError(t, err, "FitConfig.Batch = 1")
	_, err = NewKLParts(gaussians(3, 2, 0, 1, 1), gaussians(3, 1, 0, 1, 1), 1, 1)
	wantError(t, err, "want equal shapes")
	good.TotalCorrelation = 0
	plain := must(must(NewVAE(testx.Backend(t), good)).Training(x, "patterns", FitConfig{Batch: 32}))
	if err := plain.initialise(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"loss", "reconstruction", "kl"}; !slices.Equal(plain.lossNames, want) {
		t.Errorf("losses %q, want %q", plain.lossNames, want)
	}
	if text, _, err := asJSON(good, nil); err != nil || text.(map[string]any)["total_correlation"] != nil {
		t.Errorf("configuration %v, %v: want no total_correlation where it is 0", text, err)
	}
}
