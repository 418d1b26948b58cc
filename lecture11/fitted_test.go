package lecture11

import (
	"testing"

	"github.com/gomlx/compute/dtypes"

	"deeplearning.example/internal/testx"
)

// TestObjectsOfDoubles: a model that has learned from 64-bit objects, such as those of a mixture, takes 32-bit noise
// and objects of both types.
func TestObjectsOfDoubles(t *testing.T) {
	x := must(RingMixture(8, 2, 0.05)).Sample(80, 1)
	m := newGAN(t, GANConfig{Features: 2, Latent: 3, Average: 0.9, Seed: 1})
	runTraining(t, must(m.Training(x, "ring of doubles", FitConfig{Batch: 40, Seed: 1})))
	if made := must(m.Generate(5, 1)); made.DType() != dtypes.Float64 {
		t.Errorf("generated objects have the type %s, want that of the weights, float64", made.DType())
	}
	doubles, singles := must(Components(must(m.Discriminate(x)))), must(Components(must(m.Discriminate(must(asFloats(x))))))
	for i, v := range doubles {
		near(t, "the same object in 64 and 32 bits", singles[i], v, 1e-5)
	}
	v := must(NewVAE(testx.Backend(t), VAEConfig{Features: 2, Latent: 1, Likelihood: "gaussian", Seed: 1}))
	runTraining(t, must(v.Training(x, "ring of doubles", FitConfig{Batch: 40, Seed: 1})))
	must(v.Generate(5, 1))
	mean, _, err := v.Encode(x)
	if err != nil {
		t.Fatal(err)
	}
	decoded, reconstructed := must(Components(must(v.Decode(mean)))), must(Components(must(v.Reconstruct(x))))
	for i, want := range reconstructed {
		near(t, "the decoded code of a 64-bit object", decoded[i], want, 1e-12)
	}
	a := must(NewAutoencoder(testx.Backend(t), AutoencoderConfig{Features: 2, Latent: 1, Seed: 1}))
	runTraining(t, must(a.Training(x, "ring of doubles", FitConfig{Batch: 40, Seed: 1})))
	must(a.Reconstruct(must(asFloats(x))))
}
