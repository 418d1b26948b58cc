package lecture11

import (
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// bookOf trains a VQ-VAE with the given update of its book and returns the share of dead vectors on x and the loss on
// test.
func bookOf(t *testing.T, cfg VQVAEConfig, update string, seed int64, x, test *tensors.Tensor, fit FitConfig) (dead, loss float64) {
	t.Helper()
	cfg.Update, cfg.Seed, fit.Seed = update, seed, seed
	m := must(NewVQVAE(testx.Backend(t), cfg))
	runTraining(t, must(m.Training(x, "objects", fit)))
	return must(m.Usage(x)).Dead, must(m.Loss(test)).Mean
}

// float32s converts objects to float32.
func float32s(t *testing.T, x *tensors.Tensor) *tensors.Tensor {
	t.Helper()
	flat := must64(t, x)
	narrow := make([]float32, len(flat))
	for i, v := range flat {
		narrow[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(narrow, x.Shape().Dimensions...)
}

// TestDeadCodes trains on objects from 36 separate Gaussians with as many code vectors, which start in a cluster away
// from most of the codes. The best quantiser has one vector for each Gaussian and the loss 2σ², and no training can
// have a smaller loss. For each of five seeds at least a fifth of the vectors is dead under k-means, and the loss of
// the map is less than a third of that of k-means. At most a twentieth of all vectors of the five maps is dead.
func TestDeadCodes(t *testing.T) {
	long(t)
	const sigma, seeds = 0.05, 5
	mixture := must(GridMixture(6, 1, sigma))
	x, test := float32s(t, mixture.Sample(3600, 1)), float32s(t, mixture.Sample(3600, 2))
	cfg := VQVAEConfig{Grid: Grid{Width: 6, Height: 6}, Features: 2, Latent: 2, Hidden: []int{32}, CodeStd: 0.1}
	fit := FitConfig{Epochs: 40, LearningRate: 4e-3, Decay: "cosine"}
	columns := map[string][]float64{}
	for seed := range int64(seeds) {
		dead, loss := bookOf(t, cfg, "kmeans", seed+1, x, test, fit)
		deadMap, lossMap := bookOf(t, cfg, "kohonen", seed+1, x, test, fit)
		t.Logf("seed %d: k-means %.0f %% dead, loss %.4f; map %.0f %% dead, loss %.4f", seed+1, 100*dead, loss, 100*deadMap, lossMap)
		for name, v := range map[string]float64{"dead": dead, "dead, map": deadMap, "loss": loss, "loss, map": lossMap, "gain": loss - lossMap} {
			columns[name] = append(columns[name], v)
		}
		if dead < 0.2 {
			t.Errorf("seed %d: %.0f %% of the vectors are dead under k-means, want at least 20 %%", seed+1, 100*dead)
		}
		if lossMap > loss/3 || lossMap < 2*sigma*sigma*0.95 {
			t.Errorf("seed %d: loss %.4f as a map, %.4f under k-means, want less than a third, and at least that of the best quantiser, %.4f",
				seed+1, lossMap, loss, 2*sigma*sigma)
		}
	}
	for name, values := range columns {
		e := NewEstimate(values)
		t.Logf("%-10s %.4f ± %.4f", name, e.Mean, e.SE)
	}
	if dead := NewEstimate(columns["dead, map"]).Mean; dead > 0.05 {
		t.Errorf("%.1f %% of the vectors of all maps are dead, want at most 5 %%", 100*dead)
	}
}
