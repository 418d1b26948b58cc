package lecture11

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data/glyphs"
)

// TestManifoldMeasures compares with values computed by hand for four points.
func TestManifoldMeasures(t *testing.T) {
	z := tensors.FromFlatDataAndDimensions([]float32{0, 0, 3, 4, 0, 1, 6, 8}, 4, 2)
	same, other, err := PairDistances(z, []int{0, 1, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(same, []float64{1, 5}) || len(other) != 4 {
		t.Errorf("same %v, other %v, want distances 1 and 5, and four others", same, other)
	}
	steps, err := PathSteps(z)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "first step", steps[0], 5, 1e-12)
	among := tensors.FromFlatDataAndDimensions([]uint8{0, 0, 255, 255}, 2, 2)
	x := tensors.FromFlatDataAndDimensions([]float32{0.2, 0, 1, 0.8, 0.4, 0.4}, 3, 2)
	nearest, mse, err := NearestObjects(testx.Backend(t), x, among)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(nearest, []int{0, 1, 0}) {
		t.Errorf("nearest %v, want 0, 1, 0", nearest)
	}
	for i, want := range []float64{0.02, 0.02, 0.16} {
		near(t, "mean squared difference", mse[i], want, 1e-6)
	}
	errs, err := SquaredErrors(x, x)
	if err != nil || !slices.Equal(errs, []float64{0, 0, 0}) {
		t.Errorf("errors of equal sets %v, %v", errs, err)
	}
	for want, err := range map[string]error{
		"PathSteps of":     func() error { _, err := PathSteps(tensors.FromFlatDataAndDimensions([]float32{1}, 1, 1)); return err }(),
		"3 groups":         func() error { _, _, err := PairDistances(z, []int{1, 2, 3}); return err }(),
		"SquaredErrors of": func() error { _, err := SquaredErrors(x, z); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}

// TestFontManifold is C10.1 and C10.3 on the letter a, with codes of 16 numbers. For at least 60 % of the faces of
// unseen families the reconstruction is nearer than the nearest training face. Faces of one family have nearer codes
// than others, with an area under the curve of at least 0.7. Both must hold for each of 2 splits.
func TestFontManifold(t *testing.T) {
	long(t)
	if testing.Short() {
		t.Skip("two trainings")
	}
	all, err := glyphs.Load()
	if err != nil {
		t.Fatal(err)
	}
	a, err := all.Of("a")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(2) {
		train, test, err := a.Split(seed+1, 0.25)
		if err != nil {
			t.Fatal(err)
		}
		share, area := manifoldFigures(t, a, train, test)
		t.Logf("split %d: %.2f of %d held-out faces nearer than the nearest seen, area %.2f", seed+1, share, test.Len(), area)
		if share < 0.6 || area < 0.7 {
			t.Errorf("split %d: share %.2f, area %.2f, want 0.6 and 0.7", seed+1, share, area)
		}
	}
}

// manifoldFigures trains on one side of a split, and measures reconstructions on the other and codes on all.
func manifoldFigures(t *testing.T, all, train, test *glyphs.Set) (share, area float64) {
	t.Helper()
	model, err := NewAutoencoder(testx.Backend(t), AutoencoderConfig{
		Features: 1024, Latent: 16, Hidden: []int{256}, Corruption: Corruption{Kind: "gaussian", Level: 0.3}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	training, err := model.Training(train.Tensor(), train.ID, FitConfig{Epochs: 1500, Batch: 32, Decay: "cosine", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	rebuilt, err := model.Reconstruct(test.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	ours, err := SquaredErrors(test.Tensor(), rebuilt)
	if err != nil {
		t.Fatal(err)
	}
	_, seen, err := NearestObjects(testx.Backend(t), test.Tensor(), train.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	for i := range ours {
		if ours[i] < seen[i] {
			share += 1 / float64(len(ours))
		}
	}
	z, err := model.Encode(all.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	families, _, err := all.LabelsOf("family")
	if err != nil {
		t.Fatal(err)
	}
	groups := make([]int, len(families))
	for i, f := range families {
		groups[i] = int(f)
	}
	same, other, err := PairDistances(z, groups)
	if err != nil {
		t.Fatal(err)
	}
	area, err = ROC(same, other)
	if err != nil {
		t.Fatal(err)
	}
	return share, area
}
