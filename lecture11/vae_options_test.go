package lecture11

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/internal/noise"
)

// patterns returns l objects of 8 pixels in two classes, with ink on the left or on the right, and a tenth of the
// pixels flipped.
func patterns(l int) (x *tensors.Tensor, labels []int) {
	rng := rand.New(rand.NewPCG(11, 0))
	flat := make([]uint8, 0, 8*l)
	for i := range l {
		label := i % 2
		labels = append(labels, label)
		for j := range 8 {
			ink := (j < 4) == (label == 0)
			if rng.IntN(10) == 0 {
				ink = !ink
			}
			flat = append(flat, map[bool]uint8{true: 255}[ink])
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, l, 8), labels
}

// smallVAE trains a VAE of 8 pixels on the objects.
func smallVAE(t *testing.T, cfg VAEConfig, x *tensors.Tensor, epochs int) *VAE {
	t.Helper()
	cfg.Features, cfg.Hidden, cfg.Seed = 8, []int{16}, 1
	vae, err := NewVAE(testx.Backend(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	training, err := vae.Training(x, "patterns", FitConfig{Epochs: epochs, Batch: 32, LearningRate: 1e-2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return vae
}

// lossesAt returns the losses of the objects at a share of the training, by name.
func lossesAt(t *testing.T, m *VAE, x *tensors.Tensor, progress float64) map[string]float64 {
	t.Helper()
	return newLosses(t, m, progress)(x)
}

// newLosses builds the losses at a share of the training, as a function of the objects that draws different codes at
// each call.
func newLosses(t *testing.T, m *VAE, progress float64) func(x *tensors.Tensor) map[string]float64 {
	t.Helper()
	var names []string
	exec, err := model.NewExec(m.backend, m.store, func(scope *model.Scope, x *Node) *Node {
		var values []*Node
		names = nil
		for _, l := range m.losses(scope, Const(x.Graph(), m.betaAt(progress)), pixels(x), x.Shape().Dim(0)) {
			names, values = append(names, l.Name), append(values, l.Value)
		}
		return Stack(values, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Finalize)
	return func(x *tensors.Tensor) map[string]float64 {
		t.Helper()
		out, err := exec.Call(x)
		if err != nil {
			t.Fatal(err)
		}
		values := tensors.MustCopyFlatData[float32](out[0])
		losses := map[string]float64{}
		for i, name := range names {
			losses[name] = float64(values[i])
		}
		return losses
	}
}

// TestVAEWarmUp: β rises from 0 to Beta over the share WarmUp of the training and then stays constant.
func TestVAEWarmUp(t *testing.T) {
	x, _ := patterns(64)
	vae := smallVAE(t, VAEConfig{Latent: 2, Beta: new(3.0), WarmUp: 0.25}, x, 60)
	for _, c := range []struct{ progress, beta float64 }{{0, 0}, {0.125, 1.5}, {0.25, 3}, {0.9, 3}} {
		l := lossesAt(t, vae, x, c.progress)
		want := l["reconstruction"] + c.beta*l["kl"]
		near(t, "loss", l["loss"], want, 1e-4*math.Abs(want))
		if l["kl"] < 0.1 {
			t.Fatalf("KL %g: too small to determine β", l["kl"])
		}
	}
}

// TestVAEFreeBits: a component counts as max(λ, mean KL of the batch). The oracle is the closed form from Encode's
// output, in loops.
func TestVAEFreeBits(t *testing.T) {
	x, _ := patterns(64)
	const lambda = 0.4
	vae := smallVAE(t, VAEConfig{Latent: 3}, x, 60)
	vae.cfg.FreeBits = lambda // only now, so that some components are below it
	mean, logVar, err := vae.Encode(x)
	if err != nil {
		t.Fatal(err)
	}
	mu, _ := Columns(mean)
	lv, _ := Columns(logVar)
	var paid, kl float64
	below := 0
	for j := range mu {
		component := 0.0
		for i := range mu[j] {
			component += 0.5 * (mu[j][i]*mu[j][i] + math.Exp(lv[j][i]) - 1 - lv[j][i]) / float64(len(mu[j]))
		}
		kl += component
		paid += max(component, lambda)
		if component < lambda {
			below++
		}
	}
	if below == 0 {
		t.Fatal("no component is below λ: the test has no effect")
	}
	l := lossesAt(t, vae, x, 0.5)
	near(t, "kl", l["kl"], kl, 1e-4)
	near(t, "loss", l["loss"], l["reconstruction"]+paid, 1e-3)
}

// TestImportanceLosses: the loss of K codes is −ln (1/K) Σ p(x, z)/q(z|x), averaged over objects. The oracle computes
// each density in loops from the results of Encode and Decode.
func TestImportanceLosses(t *testing.T) {
	const k, d, l = 4, 2, 6
	all, _ := patterns(64)
	vae := smallVAE(t, VAEConfig{Latent: d, Samples: k, PriorStd: 1.3}, all, 20)
	x, err := paddedRows(all, 0, l, l)
	if err != nil {
		t.Fatal(err)
	}
	eps := tensors.FromFlatDataAndDimensions(normals(l*k*d, 3), l, k, d)
	exec, err := model.NewExec(vae.backend, vae.store, func(scope *model.Scope, x, eps *Node) []*Node {
		x = pixels(x)
		q := vae.encode(scope, x)
		return []*Node{vae.importanceLosses(scope, x, q, eps)[0].Value, Reshape(q.sample(eps), l*k, d)}
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(x, eps)
	if err != nil {
		t.Fatal(err)
	}
	want := naiveImportanceLoss(t, vae, x, out[1], k)
	near(t, "loss", float64(tensors.MustCopyFlatData[float32](out[0])[0]), want, 1e-4)
}

// naiveImportanceLoss returns the mean over objects of −ln (1/k) Σ w for the codes z [l·k, d].
func naiveImportanceLoss(t *testing.T, vae *VAE, x, codes *tensors.Tensor, k int) float64 {
	t.Helper()
	mean, logVar, err := vae.Encode(x)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := vae.Decode(codes)
	if err != nil {
		t.Fatal(err)
	}
	pixel, _ := Components(x)
	p, _ := float64s(decoded)
	z, _ := float64s(codes)
	mu, _ := float64s(mean)
	lv, _ := float64s(logVar)
	l, n, d := x.Shape().Dimensions[0], vae.cfg.Features, vae.cfg.Latent
	logNormal := func(v, mean, std float64) float64 {
		return -0.5*math.Pow((v-mean)/std, 2) - math.Log(std) - 0.5*math.Log(2*math.Pi)
	}
	loss := 0.0
	for i := range l {
		sum := 0.0
		for c := range k {
			logWeight := 0.0
			for j := range n {
				q := p[(i*k+c)*n+j]
				logWeight += pixel[i*n+j]*math.Log(q) + (1-pixel[i*n+j])*math.Log(1-q)
			}
			for j := range d {
				v := z[(i*k+c)*d+j]
				logWeight += logNormal(v, 0, vae.cfg.PriorStd) - logNormal(v, mu[i*d+j], math.Exp(0.5*lv[i*d+j]))
			}
			sum += math.Exp(logWeight)
		}
		loss -= math.Log(sum/float64(k)) / float64(l)
	}
	return loss
}

// TestBinarize: pixels become 0 or 1 with their value as the probability of 1, in new draws for each call.
func TestBinarize(t *testing.T) {
	grey := tensors.FromFlatDataAndDimensions(bytes.Repeat([]uint8{51}, 8*4096), 4096, 8)
	vae := smallVAE(t, VAEConfig{Latent: 1, Binarize: true}, grey, 1)
	draw := func(scope *model.Scope, x *Node) *Node {
		x = pixels(x)
		return vae.binarize(x, noise.ScopeUniform(scope, x.Graph(), x.Shape()))
	}
	exec, err := model.NewExec(vae.backend, vae.store, draw)
	if err != nil {
		t.Fatal(err)
	}
	var draws [2][]float32
	for i := range draws {
		out, err := exec.Call(grey)
		if err != nil {
			t.Fatal(err)
		}
		draws[i] = tensors.MustCopyFlatData[float32](out[0])
	}
	ink, same := 0.0, 0
	for i, v := range draws[0] {
		if v != 0 && v != 1 {
			t.Fatalf("pixel %g, want 0 or 1", v)
		}
		ink += float64(v)
		if v == draws[1][i] {
			same++
		}
	}
	l := float64(len(draws[0]))
	near(t, "share of ink (4 SE)", ink/l, 0.2, 4*math.Sqrt(0.2*0.8/l))
	near(t, "pixels equal in two draws", float64(same)/l, 0.68, 4*math.Sqrt(0.68*0.32/l))
}

// TestConditionalVAE: a conditional model generates objects of the requested label, and keeps the label when it
// reconstructs and varies an object. Its bound is better than that of a model without labels by about ln 2 nats, the
// information of a label here.
func TestConditionalVAE(t *testing.T) {
	x, labels := patterns(512)
	joined, err := WithLabels(x, labels, 2)
	if err != nil {
		t.Fatal(err)
	}
	vae := smallVAE(t, VAEConfig{Latent: 1, Classes: 2}, joined, 60)
	made, err := vae.GenerateOf(labels[:100], 1)
	if err != nil {
		t.Fatal(err)
	}
	checkSides(t, "GenerateOf", made, labels[:100], 1)
	head, err := paddedRows(joined, 0, 100, 100)
	if err != nil {
		t.Fatal(err)
	}
	rebuilt, err := vae.Reconstruct(head)
	if err != nil {
		t.Fatal(err)
	}
	checkSides(t, "Reconstruct", rebuilt, labels, 1)
	similar, err := vae.Similar(head, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	checkSides(t, "Similar", similar, labels, 3)
	with := elbo(t, vae, joined)
	without := elbo(t, smallVAE(t, VAEConfig{Latent: 1}, x, 60), x)
	if gain := with.Bound.Mean - without.Bound.Mean; gain < 0.3 || gain > 1.5 {
		t.Errorf("a label is worth %.2f nats, want about ln 2", gain)
	}
}

// checkSides checks that the ink of objects [l·k, 8] is on the side of their labels.
func checkSides(t *testing.T, name string, objects *tensors.Tensor, labels []int, k int) {
	t.Helper()
	values, err := float64s(objects)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(values) / 8 {
		left, right := 0.0, 0.0
		for j := range 4 {
			left, right = left+values[i*8+j], right+values[i*8+4+j]
		}
		if label := labels[i/k]; (left > right) != (label == 0) {
			t.Fatalf("%s: object %d of label %d has ink %.2f on the left and %.2f on the right", name, i, label, left, right)
		}
	}
}

// TestStartFrom: the initial weights are those of the other model, which does not change. The key holds their origin,
// and a model with other networks is refused.
func TestStartFrom(t *testing.T) {
	x, _ := patterns(256)
	elder := smallVAE(t, VAEConfig{Latent: 2}, x, 20)
	before := elbo(t, elder, x).Bound
	younger, err := NewVAE(testx.Backend(t), VAEConfig{Features: 8, Latent: 2, Hidden: []int{16}, Samples: 5, Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	if err := younger.StartFrom(elder); err != nil {
		t.Fatal(err)
	}
	if got := elbo(t, younger, x).Bound; got.Mean != before.Mean {
		t.Errorf("ELBO of the new model %v, want that of the other, %v", got, before)
	}
	training, err := younger.Training(x, "patterns", FitConfig{Epochs: 20, Batch: 32, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	if hash, err := elder.WeightsHash(); err != nil || training.Key()["start"] != hash {
		t.Errorf("the key starts from %v, want %q, the weights of the other model, %v", training.Key()["start"], hash, err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if elbo(t, elder, x).Bound.Mean != before.Mean {
		t.Error("the other model has changed")
	}
	if younger.StartFrom(elder) == nil {
		t.Error("StartFrom on a trained model returns no error")
	}
	for want, cfg := range map[string]VAEConfig{
		"VAEConfig.Latent = 2, want 3":      {Features: 8, Latent: 3, Hidden: []int{16}},
		"VAEConfig.Hidden = [16], want [8]": {Features: 8, Latent: 2, Hidden: []int{8}},
	} {
		other, err := NewVAE(testx.Backend(t), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.StartFrom(elder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestConvConditional: the convolutional nets also accept labels.
func TestConvConditional(t *testing.T) {
	train, _ := mnist(t, 128, 1)
	joined, err := WithLabels(train.Tensor(), train.Labels, 10)
	if err != nil {
		t.Fatal(err)
	}
	vae, err := NewVAE(testx.Backend(t), VAEConfig{Features: 784, Latent: 2, Encoder: "conv", Decoder: "conv", Classes: 10})
	if err != nil {
		t.Fatal(err)
	}
	training, err := vae.Training(joined, train.ID, FitConfig{Epochs: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	made, err := vae.GenerateOf([]int{3, 5}, 1)
	if err != nil || made.Shape().Dimensions[1] != 784 {
		t.Errorf("%v, %v", made, err)
	}
}

// TestCollapseReport: the report describes a healthy code, a dead one and one that the decoder does not use.
func TestCollapseReport(t *testing.T) {
	long(t)
	x, _ := patterns(512)
	for _, c := range []struct {
		name string
		beta float64
		want string
	}{{"healthy", 0.5, "The code works"}, {"dead", 784, "The posterior has collapsed"}} {
		report, err := smallVAE(t, VAEConfig{Latent: 2, Beta: new(c.beta)}, x, 40).CollapseReport(x, 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(report)
		if !strings.Contains(report.String(), c.want) {
			t.Errorf("%s: want a report that says %q", c.name, c.want)
		}
	}
	deaf := CollapseReport{KL: []float64{4, 3}, Active: 2, Own: Estimate{Mean: -90}, Other: Estimate{Mean: -90.2}}
	if !strings.Contains(deaf.String(), "The decoder ignores the code") {
		t.Errorf("a deaf decoder: %s", deaf)
	}
	idle := CollapseReport{KL: []float64{4, 0}, Active: 1, Own: Estimate{Mean: -90}, Other: Estimate{Mean: -190}}
	if !strings.Contains(idle.String(), "1 component is switched off: it costs nothing") {
		t.Errorf("a component that is off: %s", idle)
	}
	idle.KL = []float64{4, 0, 0}
	if !strings.Contains(idle.String(), "2 components are switched off: they cost nothing") {
		t.Errorf("two components that are off: %s", idle)
	}
}

// TestSphericalCodes is C31.1: the ends are the codes, the length lies between equally long ones, and the degenerate
// cases are defined.
func TestSphericalCodes(t *testing.T) {
	z := tensors.FromFlatDataAndDimensions([]float32{3, 0, 0, 3, 6, 0, -3, 0}, 4, 2)
	path, err := SphericalCodes(z, 0, 1, 5)
	if err != nil {
		t.Fatal(err)
	}
	got := tensors.MustCopyFlatData[float32](path)
	for i := range 5 {
		angle := float64(i) / 4 * math.Pi / 2
		near(t, "z₁", float64(got[2*i]), 3*math.Cos(angle), 1e-5)
		near(t, "z₂", float64(got[2*i+1]), 3*math.Sin(angle), 1e-5)
	}
	parallel, err := SphericalCodes(z, 0, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "middle of parallel codes", float64(tensors.MustCopyFlatData[float32](parallel)[2]), 4.5, 1e-6)
	if _, err := SphericalCodes(z, 0, 3, 3); err == nil || !strings.Contains(err.Error(), "opposite") {
		t.Errorf("opposite codes: %v", err)
	}
	if _, err := SphericalCodes(z, 0, 4, 3); err == nil || !strings.Contains(err.Error(), "SphericalCodes(codes") {
		t.Errorf("row 4 of 4: %v", err)
	}
}

// TestCodeArithmetic compares z + a·(mean of one group − mean of the other) with values computed by hand.
func TestCodeArithmetic(t *testing.T) {
	z := tensors.FromFlatDataAndDimensions([]float32{1, 1, 2, 2}, 2, 2)
	with := tensors.FromFlatDataAndDimensions([]float32{4, 0, 6, 2}, 2, 2)
	without := tensors.FromFlatDataAndDimensions([]float32{1, 3}, 1, 2)
	moved, err := CodeArithmetic(z, with, without, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{3, 0, 4, 1} { // the difference of the means is (4, −2)
		near(t, "component", float64(tensors.MustCopyFlatData[float32](moved)[i]), want, 1e-6)
	}
	wide := tensors.FromFlatDataAndDimensions([]float32{1, 2, 3}, 1, 3)
	for _, err := range []error{
		second(CodeArithmetic(wide, with, without, 1)), second(CodeArithmetic(z, with, wide, 1)),
	} {
		if err == nil || !strings.Contains(err.Error(), "CodeArithmetic") {
			t.Errorf("error %v, want one that names CodeArithmetic", err)
		}
	}
}

func second(_ *tensors.Tensor, err error) error { return err }

// TestVAEOptionErrors: each error names the field, its value and the wanted value.
func TestVAEOptionErrors(t *testing.T) {
	for _, c := range []struct {
		cfg  VAEConfig
		want string
	}{
		{VAEConfig{Samples: -1}, "VAEConfig.Samples = -1, want at least 1"},
		{VAEConfig{WarmUp: 1.5}, "VAEConfig.WarmUp = 1.5"},
		{VAEConfig{FreeBits: -1}, "VAEConfig.FreeBits = -1"},
		{VAEConfig{Samples: 5, Beta: new(2.0)}, "VAEConfig.Samples = 5 with Beta = 2"},
		{VAEConfig{Binarize: true, Likelihood: "gaussian"}, `want "bernoulli"`},
		{VAEConfig{Classes: 1}, "VAEConfig.Classes = 1"},
	} {
		c.cfg.Features, c.cfg.Latent = 8, 2
		if _, err := NewVAE(testx.Backend(t), c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one that contains %q", err, c.want)
		}
	}
	x, labels := patterns(4)
	for name, err := range map[string]error{
		"WithLabels(objects (Uint8)[4, 8], 3 labels": second(WithLabels(x, labels[:3], 2)),
		"label 1 of object 1":                        second(WithLabels(x, []int{0, 7, 0, 0}, 2)),
	} {
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(name, "label 1", "label 7")) {
			t.Errorf("error %v, want one that contains %q", err, name)
		}
	}
}

// TestBadObjects: objects that a likelihood does not admit are refused before any training, with the place and the
// value.
func TestBadObjects(t *testing.T) {
	bad := func(value float32) *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions([]float32{0, 1, 0.5, 0, 1, value}, 2, 3)
	}
	for _, c := range []struct {
		likelihood string
		value      float32
		want       string
	}{
		{"bernoulli", 1.5, "component 2 of object 1 is 1.5, want [0, 1]"},
		{"bernoulli", -0.1, "component 2 of object 1 is -0.1"},
		{"bernoulli", float32(math.NaN()), "component 2 of object 1 is NaN, want finite values"},
		{"gaussian", float32(math.Inf(1)), "component 2 of object 1 is +Inf"},
		{"gaussian", 7, ""},
	} {
		vae, err := NewVAE(testx.Backend(t), VAEConfig{Features: 3, Latent: 1, Likelihood: c.likelihood})
		if err != nil {
			t.Fatal(err)
		}
		_, err = vae.Training(bad(c.value), "bad", FitConfig{Batch: 1})
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %g: error %v, want %q", c.likelihood, c.value, err, c.want)
		}
	}
}
