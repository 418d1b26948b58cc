package lecture11

import (
	"bytes"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// BenchmarkLoadVAE times a VAE 784-512-20 from its file to the first reconstruction of one object, on a backend that
// runs already: reading, checking, and building and compiling both networks.
func BenchmarkLoadVAE(b *testing.B) {
	m := must(NewVAE(testx.Backend(b), VAEConfig{Features: 784, Latent: 20, Seed: 1}))
	weights := map[string]*tensors.Tensor{}
	for _, v := range must(m.wantedWeights()) {
		weights[fileName(v)] = tensors.FromShape(v.Shape())
	}
	var file bytes.Buffer
	if err := m.SetWeights(weights); err != nil {
		b.Fatal(err)
	}
	if err := m.Save(&file); err != nil {
		b.Fatal(err)
	}
	x := tensors.FromFlatDataAndDimensions(make([]float32, 784), 1, 784)
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		loaded, err := LoadVAE(m.backend, bytes.NewReader(file.Bytes()))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := loaded.Reconstruct(x); err != nil {
			b.Fatal(err)
		}
	}
}
