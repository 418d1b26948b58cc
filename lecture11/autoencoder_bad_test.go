package lecture11

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

func TestAutoencoderConfigErrors(t *testing.T) {
	good := AutoencoderConfig{Features: 784, Latent: 2}
	for want, change := range map[string]func(c *AutoencoderConfig){
		"AutoencoderConfig.Features = 0, want the positive number of components of x": func(c *AutoencoderConfig) {
			c.Features = 0
		},
		"AutoencoderConfig.Latent = 0, want a positive number of components of z": func(c *AutoencoderConfig) {
			c.Latent = 0
		},
		"AutoencoderConfig.Hidden[1] = -3":                        func(c *AutoencoderConfig) { c.Hidden = []int{8, -3} },
		`AutoencoderConfig.Activation = "sin", want one of`:       func(c *AutoencoderConfig) { c.Activation = "sin" },
		`AutoencoderConfig.Encoder = "resnet"`:                    func(c *AutoencoderConfig) { c.Encoder = "resnet" },
		"AutoencoderConfig.Features = 101 with Height = 0":        func(c *AutoencoderConfig) { c.Features, c.Decoder = 101, "conv" },
		`AutoencoderConfig.Loss = "l1", want one of "bernoulli"`:  func(c *AutoencoderConfig) { c.Loss = "l1" },
		`AutoencoderConfig.Corruption.Kind = "blur", want one of`: func(c *AutoencoderConfig) { c.Corruption.Kind = "blur" },
		`AutoencoderConfig.Sparsity.Kind = "l2", want one of`:     func(c *AutoencoderConfig) { c.Sparsity.Kind = "l2" },
		`AutoencoderConfig.Sparsity.Kind = "", want one of`:       func(c *AutoencoderConfig) { c.Sparsity.Weight = 1 },
		"AutoencoderConfig.Sparsity.Weight = -1, want τ ≥ 0": func(c *AutoencoderConfig) {
			c.Sparsity = Sparsity{Kind: "l1", Weight: -1}
		},
		"AutoencoderConfig.Sparsity.Weight = NaN": func(c *AutoencoderConfig) {
			c.Sparsity = Sparsity{Kind: "l1", Weight: math.NaN()}
		},
		"AutoencoderConfig.Sparsity.Target = 1, want ρ₀ in (0, 1)": func(c *AutoencoderConfig) {
			c.Sparsity = Sparsity{Kind: "entropy", Target: 1}
		},
		`AutoencoderConfig.Sparsity.Target = 0.1 with Kind "l1"`: func(c *AutoencoderConfig) {
			c.Sparsity = Sparsity{Kind: "l1", Target: 0.1}
		},
		`AutoencoderConfig.Sparsity.FreeColumns with Kind "entropy"`: func(c *AutoencoderConfig) {
			c.Sparsity = Sparsity{Kind: "entropy", FreeColumns: true}
		},
		`AutoencoderConfig.Decoder = "conv" with Sparsity.Kind "l1"`: func(c *AutoencoderConfig) {
			c.Decoder, c.Sparsity.Kind = "conv", "l1"
		},
		"AutoencoderConfig.Classes = 1, want 0 for none": func(c *AutoencoderConfig) { c.Classes = 1 },
		"AutoencoderConfig.ClassWeight = -2, want λ ≥ 0": func(c *AutoencoderConfig) { c.Classes, c.ClassWeight = 2, -2 },
		"AutoencoderConfig.ClassWeight = 1 with Classes": func(c *AutoencoderConfig) { c.ClassWeight = 1 },
	} {
		cfg := good
		change(&cfg)
		if _, err := NewAutoencoder(testx.Backend(t), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one that contains %q", cfg, err, want)
		}
	}
}

// TestAutoencoderMisuse tries values outside the likelihood's support, objects and codes of another size, NaN, missing
// and invalid labels, an untrained model, and linear maps of a nonlinear model.
func TestAutoencoderMisuse(t *testing.T) {
	backend := testx.Backend(t)
	make4 := func(cfg AutoencoderConfig) *Autoencoder {
		cfg.Features, cfg.Latent, cfg.Hidden = 4, 2, []int{3}
		m, err := NewAutoencoder(backend, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	plain, bernoulli := make4(AutoencoderConfig{}), make4(AutoencoderConfig{Loss: "bernoulli"})
	labelled := make4(AutoencoderConfig{Classes: 3, ClassWeight: 1})
	x := tensors.FromFlatDataAndDimensions(make([]float32, 8), 2, 4)
	wide := tensors.FromFlatDataAndDimensions(make([]float32, 10), 2, 5)
	outside := tensors.FromValue([][]float32{{0, 1, 0.5, 1.5}})
	notANumber := tensors.FromValue([][]float32{{0, 1, 0, 1}, {0, 1, float32(math.NaN()), 1}})
	one := FitConfig{Batch: 1}
	call := func(_ any, err error) error { return err }
	linearMaps := func(m *Autoencoder) error { _, _, err := m.LinearMaps(); return err }
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"outside":           {call(bernoulli.Training(outside, "", one)), "component 3 of object 0 is 1.5, want [0, 1]"},
		"outside, loss":     {call(bernoulli.Loss(outside)), "is 1.5, want [0, 1]"},
		"not a number":      {call(plain.Training(notANumber, "", one)), "component 2 of object 1 is NaN, want finite values"},
		"another size":      {call(plain.Training(wide, "", one)), "objects of shape (Float32)[2, 5], want [l, 4]"},
		"encode wide":       {call(plain.Encode(wide)), "want [l, 4]"},
		"rebuild wide":      {call(plain.Reconstruct(wide)), "want [l, 4]"},
		"decode wide":       {call(plain.Decode(wide)), "AutoencoderConfig.Latent = 2"},
		"untrained":         {call(plain.Encode(x)), "train or restore it first"},
		"no labels":         {call(labelled.Training(x, "", one)), "AutoencoderConfig.Classes = 3, want LabelledTraining"},
		"labels missing":    {call(labelled.LabelledTraining(x, nil, "", one)), "0 labels for objects"},
		"a label too many":  {call(labelled.LabelledTraining(x, []int{0, 1, 2}, "", one)), "3 labels for objects"},
		"no such class":     {call(labelled.LabelledTraining(x, []int{0, 3}, "", one)), "label 3 of object 1, want 0 to 2, or -1 for none"},
		"no classes":        {call(plain.LabelledTraining(x, []int{0, 1}, "", one)), "AutoencoderConfig.Classes = 0"},
		"classify":          {call(plain.Classify(x)), "AutoencoderConfig.Classes = 0"},
		"gradient norms":    {call(labelled.GradientNorms(x, []int{0, 1})), "train or restore it first"},
		"linear maps":       {linearMaps(plain), "LinearMaps of an autoencoder with Hidden = [3]"},
		"decoder map":       {call(plain.DecoderMap()), "want a linear decoder"},
		"batch too large":   {call(plain.Training(x, "", FitConfig{Batch: 3})), "FitConfig.Batch = 3, want 1 to 2"},
		"no codes":          {call(NewCodeSparsity(tensors.FromValue([]float32{1}))), "want codes [l, d]"},
		"accuracy":          {call(Accuracy(x, []int{1})), "with 1 labels"},
		"neighbours":        {call(NeighbourAccuracy(LabelledCodes{x, []int{0, 1}}, LabelledCodes{x, []int{0, 1}}, 3)), "k = 3, want 1 to 2"},
		"neighbours, wide":  {call(NeighbourAccuracy(LabelledCodes{x, []int{0, 1}}, LabelledCodes{wide, []int{0, 1}}, 1)), "as many components"},
		"neighbours, label": {call(NeighbourAccuracy(LabelledCodes{x, nil}, LabelledCodes{x, nil}, 1)), "0 labels"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", name, c.err, c.want)
		}
	}
}

// TestReadingCodes compares the statistics of codes with values computed by hand.
func TestReadingCodes(t *testing.T) {
	s, err := NewCodeSparsity(tensors.FromValue([][]float32{{0, 2}, {0, -1}, {4, 0}}))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "zeros", s.Zeros, 0.5, 1e-12)
	near(t, "L1", s.L1, 7./3, 1e-12)
	near(t, "mean", s.Mean, 5./6, 1e-12)

	a, err := Accuracy(tensors.FromValue([][]float32{{0.2, 0.8}, {0.6, 0.4}, {0.1, 0.9}}), []int{1, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "accuracy", a, 2./3, 1e-12)

	known := LabelledCodes{tensors.FromValue([][]float32{{0}, {1}, {2}, {10}}), []int{5, 6, 6, 7}}
	test := LabelledCodes{tensors.FromValue([][]float32{{-1}, {0.4}, {9}}), []int{5, 6, 7}}
	for k, want := range map[int]float64{1: 2. / 3, 2: 2. / 3, 3: 1. / 3} { // k = 3: 6, 6, and 6 for the last
		got, err := NeighbourAccuracy(known, test, k)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "accuracy of neighbours", got, want, 1e-12)
	}
}
