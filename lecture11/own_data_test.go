package lecture11

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

// TestOwnData: models train on files as they are read. A classifier learns all pictures of a set in colour, and a VAE
// trains on a table of float64.
func TestOwnData(t *testing.T) {
	shapes, err := data.FromImages("data/testdata/shapes", data.ImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClassifier(testx.Backend(t), ClassifierConfig{Features: shapes.Dim(), Classes: len(shapes.Classes), Hidden: []int{16}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	training, err := c.Training(shapes.Tensor(), shapes.Labels, shapes.ID, FitConfig{Epochs: 200, LearningRate: 1e-2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	accuracy, err := c.Accuracy(shapes.Tensor(), shapes.Labels)
	if err != nil || accuracy.Mean != 1 {
		t.Errorf("accuracy %s on %s, error %v, want 1", accuracy, shapes, err)
	}
	flowers, err := data.FromCSV("data/iris.csv", data.CSVOptions{Label: "species", Comment: '#'})
	if err != nil {
		t.Fatal(err)
	}
	flowers = flowers.Standardized()
	vae, err := NewVAE(testx.Backend(t), VAEConfig{Features: flowers.Dim(), Latent: 2, Hidden: []int{16}, Likelihood: "gaussian", NoiseStd: 0.5, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if training, err = vae.Training(flowers.Tensor64(), flowers.ID, FitConfig{Epochs: 200, LearningRate: 1e-2, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	elbo, err := vae.ELBO(flowers.Tensor64(), 1)
	// The best linear model of two directions with this noise has −½(4 ln 2π + Σ ln λ' + Σ λ/λ') = −4.12, where λ are 2.918, 0.914, 0.147
	// and 0.021 and λ' = max(λ, ¼). Independent features have −5.68.
	if err != nil || !(elbo.Bound.Mean > -4.12) {
		t.Errorf("ELBO %s, error %v, want more than −4.12", elbo.Bound, err)
	}
}

// far returns l objects of 4 components, uniform on [−size, size].
func far(l int, size float64) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(1, 0))
	flat := make([]float32, 4*l)
	for i := range flat {
		flat[i] = float32(size * (2*rng.Float64() - 1))
	}
	return tensors.FromFlatDataAndDimensions(flat, l, 4)
}

// TestF5ScaleTheObjects: if the loss is not finite before the first update, no learning rate can help. The error names
// the largest |x| and asks to scale the objects.
func TestF5ScaleTheObjects(t *testing.T) {
	vae, err := NewVAE(testx.Backend(t), VAEConfig{Features: 4, Latent: 2, Likelihood: "gaussian", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x := far(64, 1e4)
	training, err := vae.Training(x, "far", FitConfig{LearningRate: 1e-9})
	if err != nil {
		t.Fatal(err)
	}
	err = training.Run(t.Context(), nil)
	var diverged *DivergedError
	if !errors.As(err, &diverged) || diverged.Step != 1 || diverged.Kept != 0 {
		t.Fatalf("error %v, want a divergence at step 1", err)
	}
	if largest := largestOf(x); diverged.Largest != largest || largest < 9e3 || largest > 1e4 {
		t.Errorf("largest |x| = %g, want %g, just below 1e4", diverged.Largest, largest)
	}
	if text := err.Error(); !strings.Contains(text, "scale the objects") || strings.Contains(text, "learning rate") {
		t.Errorf("error %q, want advice to scale the objects, without the learning rate", text)
	}
}

// TestDefaultBatch: if there are fewer objects than the default batch, they form one batch, which the key holds. A
// larger batch in the configuration is still an error, as is a game whose D has fewer than two objects per step.
func TestDefaultBatch(t *testing.T) {
	vae, err := NewVAE(testx.Backend(t), VAEConfig{Features: 4, Latent: 2, Likelihood: "gaussian", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	gan := newGAN(t, GANConfig{Features: 4, Latent: 2, Steps: 3})
	for _, c := range []struct{ objects, vae, gan int }{{50, 50, 16}, {128, 128, 42}, {1000, 128, 128}} {
		x := far(c.objects, 1)
		training, err := vae.Training(x, "x", FitConfig{})
		if err != nil {
			t.Fatal(err)
		}
		game, err := gan.Training(x, "x", FitConfig{})
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string][2]int{"VAE": {training.Key()["fit"].(FitConfig).Batch, c.vae}, "GAN": {game.Key()["fit"].(FitConfig).Batch, c.gan},
			"VAE's steps": {training.Steps(), c.objects / c.vae}, "GAN's steps": {game.Steps(), c.objects / (3 * c.gan)}} {
			if got[0] != got[1] {
				t.Errorf("%s of %d objects: %d, want %d", name, c.objects, got[0], got[1])
			}
		}
	}
	training, err := vae.Training(far(50, 1), "x", FitConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil || training.Step() != 1 {
		t.Errorf("a training on 50 objects ended at step %d with error %v, want 1 step", training.Step(), err)
	}
	_, err = vae.Training(far(50, 1), "x", FitConfig{Batch: 51})
	wantError(t, err, "FitConfig.Batch = 51, want 1 to 50, the number of objects")
	_, err = gan.Training(far(5, 1), "x", FitConfig{})
	wantError(t, err, "on 5 objects with GANConfig.Steps = 3, want at least 2 objects for each step of D")
}

// TestF8TaskNamedLoss: a task may not take a name under which another loss is reported, such as that of task "a" on
// held-out objects.
func TestF8TaskNamedLoss(t *testing.T) {
	for name, want := range map[string]string{
		"loss":            "want another name",
		"evaluation a":    `want a name that does not start with "evaluation "`,
		"evaluation loss": `want a name that does not start with "evaluation "`,
	} {
		_, err := NewMultiTask(testx.Backend(t), MultiTaskConfig{Features: 4, Tasks: []Task{{Name: "a"}, {Name: name}}})
		wantError(t, err, fmt.Sprintf("MultiTaskConfig.Tasks[1].Name = %q, %s", name, want))
	}
	if _, err := NewMultiTask(testx.Backend(t), MultiTaskConfig{Features: 4, Tasks: []Task{{Name: "a"}, {Name: "evaluation"}}}); err != nil {
		t.Errorf("a task named evaluation: %v", err)
	}
}

// TestF10LabelColumns: the trainings of conditional models refuse label columns that are not one-hot, and take those that
// WithLabels appends.
func TestF10LabelColumns(t *testing.T) {
	vae, err := NewVAE(testx.Backend(t), VAEConfig{Features: 2, Latent: 2, Likelihood: "gaussian", Classes: 2})
	if err != nil {
		t.Fatal(err)
	}
	gan := newGAN(t, GANConfig{Features: 2, Latent: 2, Classes: 2})
	trainings := map[string]func(x *tensors.Tensor) error{
		"VAE": func(x *tensors.Tensor) error { _, err := vae.Training(x, "x", FitConfig{}); return err },
		"GAN": func(x *tensors.Tensor) error { _, err := gan.Training(x, "x", FitConfig{}); return err },
	}
	for name, train := range trainings {
		for _, label := range [][]float32{{0.5, 0.5}, {0, 0}, {1, 1}, {2, 0}, {1, -1}, {0, 255}} {
			for what, x := range map[string]*tensors.Tensor{
				"float32": tensors.FromFlatDataAndDimensions(slices.Concat([]float32{3, 4, 0, 1, 3, 4}, label), 2, 4),
				"float64": tensors.FromFlatDataAndDimensions([]float64{3, 4, 0, 1, 3, 4, float64(label[0]), float64(label[1])}, 2, 4),
			} {
				if err := train(x); err == nil || !strings.Contains(err.Error(), name+".Training: the label columns of object 1 are [") {
					t.Errorf("%s of %s with label %v: error %v, want one about object 1", name, what, label, err)
				}
			}
		}
		bytes := tensors.FromFlatDataAndDimensions([]uint8{3, 4, 0, 255, 3, 4, 1, 0}, 2, 4)
		wantError(t, train(bytes), name+".Training: the label columns of object 1 are [1 0], want a single 255 and zeros elsewhere")
		for _, x := range []*tensors.Tensor{tensors.FromValue([][]float32{{3, 4}, {5, 6}}), tensors.FromValue([][]float64{{3, 4}, {5, 6}}),
			tensors.FromValue([][]uint8{{3, 4}, {5, 6}})} {
			labelled, err := WithLabels(x, []int{1, 0}, 2)
			if err != nil {
				t.Fatal(err)
			}
			if err := train(labelled); err != nil {
				t.Errorf("%s of %s: %v", name, x.Shape(), err)
			}
		}
	}
}

// TestLabelColumnsOfUses: all functions that take objects of a conditional model refuse label columns that are not
// one-hot and name themselves. Those that take codes or noise accept any.
func TestLabelColumnsOfUses(t *testing.T) {
	vae := must(NewVAE(goBackend(t), VAEConfig{Features: 2, Latent: 2, Hidden: []int{3}, Likelihood: "gaussian", Classes: 2}))
	gan := must(NewGAN(goBackend(t), GANConfig{Features: 2, Latent: 2, Generator: []int{3}, Discriminator: []int{3}, Classes: 2}))
	good := must(WithLabels(tensors.FromFlatDataAndDimensions(normals(200, 1), 100, 2), alternating(100, 2), 2))
	drawWeights(vae.Training(good, "x", FitConfig{}))
	drawWeights(gan.Training(good, "x", FitConfig{}))
	bad := withLast(good, -3)
	for name, use := range map[string]func(x *tensors.Tensor) error{
		"VAE.Encode":          func(x *tensors.Tensor) error { return errorOf3(vae.Encode(x)) },
		"VAE.Reconstruct":     func(x *tensors.Tensor) error { return errorOf(vae.Reconstruct(x)) },
		"VAE.ELBO":            func(x *tensors.Tensor) error { return errorOf(vae.ELBO(x, 1)) },
		"VAE.ImportanceBound": func(x *tensors.Tensor) error { return errorOf(vae.ImportanceBound(x, 2, 1)) },
		"VAE.GradientNorms":   func(x *tensors.Tensor) error { return errorOf(vae.GradientNorms(x, 1)) },
		"VAE.CollapseReport":  func(x *tensors.Tensor) error { return errorOf(vae.CollapseReport(x, 1)) },
		"GAN.Discriminate":    func(x *tensors.Tensor) error { return errorOf(gan.Discriminate(x)) },
		"NewGANDoctor":        func(x *tensors.Tensor) error { return errorOf(NewGANDoctor(gan, x, DoctorConfig{})) },
	} {
		if err := use(good); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wantError(t, use(bad), "lecture11: "+name+": the label columns of object 99 are [0 -3], want a single 1")
	}
	wantError(t, errorOf(vae.Similar(bad, 1, 1)), "the label columns of object 99")
	wantError(t, errorOf(vae.KLParts(bad, 1)), "the label columns of object 99")
	if err := errors.Join(errorOf(vae.Decode(bad)), errorOf(gan.GenerateFrom(bad))); err != nil {
		t.Errorf("codes with any label columns: %v", err)
	}
}

// withLast returns a copy of x, of floats, whose last component is v.
func withLast(x *tensors.Tensor, v float64) *tensors.Tensor {
	values := must(float64s(x))
	values[len(values)-1] = v
	return numbers(x.DType(), values, x.Shape().Dimensions...)
}

// TestEpisodesLeaveSmallClassesOut: episodes are drawn from the classes that have K + Q objects, as if the other
// classes did not exist.
func TestEpisodesLeaveSmallClassesOut(t *testing.T) {
	labels := slices.Concat(slices.Repeat([]int{4}, 3), slices.Repeat([]int{1, 2, 7}, 6), []int{9})
	c := EpisodeConfig{Ways: 3, Shots: 2, Queries: 4}
	for _, episode := range episodesOf(t, labels, c, 20) {
		if classes := slices.Sorted(slices.Values(episode.Classes)); !slices.Equal(classes, []int{1, 2, 7}) {
			t.Fatalf("classes %v, want 1, 2 and 7, which have 6 objects each", classes)
		}
	}
	without := episodesOf(t, labels[3:21], c, 20) // the same objects, 3 places earlier
	for e, episode := range episodesOf(t, labels, c, 20) {
		for k, support := range episode.Support {
			for i, place := range support {
				if place-3 != without[e].Support[k][i] {
					t.Fatalf("episode %d, class %d: places %v, want those without small classes, %v", e, k, support, without[e].Support[k])
				}
			}
		}
	}
	c.Ways = 4
	_, err := DrawEpisodes(labels, c, 1, 1)
	wantError(t, err, "an episode of 4 classes with 2 + 4 objects each, but only 3 of the 5 classes have as many objects")
}

// TestEstimateOfOneValue: a single value has no standard error, and the text says so.
func TestEstimateOfOneValue(t *testing.T) {
	if got := NewEstimate([]float64{2.5}).String(); got != "2.50 ± n/a" {
		t.Errorf("one value is %q, want %q", got, "2.50 ± n/a")
	}
	if got := NewEstimate([]float64{1, 2, 3}).String(); got != "2.00 ± 0.58" {
		t.Errorf("three values are %q, want %q", got, "2.00 ± 0.58")
	}
	if got := NewEstimate([]float64{1, math.NaN()}).String(); got != "NaN ± NaN" {
		t.Errorf("values of which one is NaN are %q, want %q", got, "NaN ± NaN")
	}
}
