package lecture11

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// VQVAEConfig describes a vector-quantised autoencoder. Zero fields take the default in their comment. As JSON it is part
// of the key under which a trained model is stored.
type VQVAEConfig struct {
	Grid       Grid   `json:"grid"`       // the sheet of the m code vectors
	Features   int    `json:"features"`   // components n of an object x; 784 for MNIST
	Latent     int    `json:"latent"`     // components d of a code vector e
	Positions  int    `json:"positions"`  // codes L of an object; default 1, with "conv" ⌈height/4⌉·⌈width/4⌉
	Hidden     []int  `json:"hidden"`     // hidden sizes of a dense encoder, reversed in the decoder; default {512}, {} is linear
	Activation string `json:"activation"` // "relu" (default), "tanh", "gelu"
	Encoder    string `json:"encoder"`    // "dense" (default) or "conv" (images)
	Decoder    string `json:"decoder"`    // the same
	Loss       string `json:"loss"`       // ℒ(x̂, x): "mse" (default) or "bernoulli" (x in [0, 1])

	// Height, Width and Channels describe how the components of an object form an image, for "conv" networks: row by
	// row, with the channels of a pixel adjacent. Features then is their product. Zeros stand for a square image of one
	// channel.
	Height   int `json:"height,omitempty"`
	Width    int `json:"width,omitempty"`
	Channels int `json:"channels,omitempty"`

	// Update is the rule that moves the code book: "kmeans" (default) moves only the winners, "kohonen" also their
	// neighbours on the grid.
	Update        string   `json:"update"`
	Neighbourhood string   `json:"neighbourhood"` // K(r) of "kohonen": "gaussian" (default), …; see [SOMConfig.Kernel]
	Radius        Schedule `json:"radius"`        // σ of "kohonen" in grid cells; default exponential, 3 or half the longer side → 0.2

	Memory     float64  `json:"memory"`     // γ ∈ (0, 1) of the moving averages; default 0.99
	Commitment *float64 `json:"commitment"` // β ≥ 0; nil stands for 0.25
	CodeStd    float64  `json:"code_std"`   // standard deviation s of the initial code vectors' components, drawn from N(0, s²); default 1

	Seed int64 `json:"seed"` // of the initial weights and code vectors
}

// codeUpdates holds the names that VQVAEConfig.Update can have, and whether a winner's neighbours move too.
var codeUpdates = map[string]bool{"kmeans": false, "kohonen": true}

// withDefaults returns c with defaults for its zero fields.
func (c VQVAEConfig) withDefaults() VQVAEConfig {
	if c.Hidden == nil {
		c.Hidden = []int{512}
	}
	c.Activation = cmp.Or(c.Activation, "relu")
	c.Encoder = cmp.Or(c.Encoder, "dense")
	c.Decoder = cmp.Or(c.Decoder, "dense")
	c.Loss = cmp.Or(c.Loss, "mse")
	c.Positions = cmp.Or(c.Positions, max(1, c.cells()))
	c.Update = cmp.Or(c.Update, "kmeans")
	if codeUpdates[c.Update] {
		start := min(3, max(0.5, float64(max(c.Grid.Width, c.Grid.Height))/2)) // with a wider one the networks need more steps: docs/benchmarks.md
		c.Radius = c.Radius.withDefault(Schedule{Name: "exponential", Start: start, End: 0.2})
		c.Neighbourhood = cmp.Or(c.Neighbourhood, "gaussian")
	}
	c.Memory = cmp.Or(c.Memory, 0.99)
	c.Commitment = valueOr(c.Commitment, 0.25)
	c.CodeStd = cmp.Or(c.CodeStd, 1)
	return c
}

// cells returns the number of cells of a convolutional code, a quarter of the image's height times a quarter of its
// width, or 0 if both networks are dense.
func (c VQVAEConfig) cells() int {
	if c.Encoder != "conv" && c.Decoder != "conv" {
		return 0
	}
	small := c.images()[2]
	return small.height * small.width
}

// images returns the shapes of the image and its two halves.
func (c VQVAEConfig) images() []imageShape { return c.spec().image.of(c.Features).halves(2) }

// check returns an error that names the first invalid field.
func (c VQVAEConfig) check() error {
	if err := c.Grid.check(); err != nil {
		return err
	}
	for _, f := range []struct {
		field string
		value int
		want  string
	}{
		{"Features", c.Features, "the positive number of components of x"},
		{"Latent", c.Latent, "a positive number of components of a code vector"},
		{"Positions", c.Positions, "a positive number of codes of an object"},
	} {
		if f.value < 1 {
			return fmt.Errorf("lecture11: VQVAEConfig.%s = %d, want %s", f.field, f.value, f.want)
		}
	}
	if err := checkNets("VQVAEConfig", c.spec(), c.Encoder, c.Decoder); err != nil {
		return err
	}
	if cells := c.cells(); cells > 0 && c.Positions != cells {
		return fmt.Errorf("lecture11: VQVAEConfig.Positions = %d with \"conv\", want %d: a quarter of the image's height times a quarter of its width",
			c.Positions, cells)
	}
	if err := checkName("VQVAEConfig.Loss", c.Loss, reconstructionLosses); err != nil {
		return err
	}
	return c.checkBook()
}

// checkBook checks the fields of the update of the code book.
func (c VQVAEConfig) checkBook() error {
	switch {
	case !(c.Memory > 0 && c.Memory < 1):
		return fmt.Errorf("lecture11: VQVAEConfig.Memory = %g, want γ between 0 and 1", c.Memory)
	case !(*c.Commitment >= 0) || math.IsInf(*c.Commitment, 0):
		return fmt.Errorf("lecture11: VQVAEConfig.Commitment = %g, want β ≥ 0", *c.Commitment)
	case !(c.CodeStd > 0) || math.IsInf(c.CodeStd, 0):
		return fmt.Errorf("lecture11: VQVAEConfig.CodeStd = %g, want a positive number", c.CodeStd)
	}
	if err := checkName("VQVAEConfig.Update", c.Update, codeUpdates); err != nil {
		return err
	}
	if !codeUpdates[c.Update] {
		if r := c.Radius; c.Neighbourhood != "" || r.Name != "" || r.Start != 0 || r.End != 0 || r.Func != nil {
			return fmt.Errorf("lecture11: VQVAEConfig.Neighbourhood = %q, Radius = %+v with Update %q, want \"kohonen\" or neither",
				c.Neighbourhood, c.Radius, c.Update)
		}
		return nil
	}
	if err := checkName("VQVAEConfig.Neighbourhood", c.Neighbourhood, neighbourhoods); err != nil {
		return err
	}
	if c.Radius.Func != nil {
		return errors.New("lecture11: VQVAEConfig.Radius has a Func, want a schedule with a name, because a file of the model can hold only that")
	}
	return c.Radius.check("VQVAEConfig.Radius", maxRadius)
}

func (c VQVAEConfig) spec() netSpec {
	return netSpec{features: c.Features, image: imageShape{c.Height, c.Width, c.Channels}, hidden: c.Hidden, activation: c.Activation}
}

// VQVAE is an autoencoder whose code is one of m vectors e_1 … e_m for each of L positions. The encoder returns z_e =
// f(x, α), the first two layers of a Kohonen network quantise it, and the decoder rebuilds the object from code vectors
// only:
//
//	a(z) = argmin_i ‖z − e_i‖,  z_q = e_{a(z_e)},  x̂ = g(z_q, β_g),
//	ℒ(x̂, x) + β‖z_e − sg[z_q]‖² → min over α, β_g,
//
// where sg stops the gradient. The gradient of ℒ passes from z_q to z_e unchanged ([StraightThrough]), and the second
// term commits the encoder to its code. The code vectors do not follow a gradient. They follow moving averages of the
// codes that they win, which is Kohonen's step of slide 3 for whole batches. With Update "kohonen" they also follow the
// codes that their neighbours on the grid win, as on slide 7 (see [BookStep]). A code vector that never wins is dead:
// k-means does not move it, but a neighbourhood does.
//
// Slides "Kohonen network", "Kohonen map training" and "Autoencoders"; van den Oord, Vinyals & Kavukcuoglu 2017 (VQ-VAE, eq. 3 and
// appendix A.1); Irie, Csordás & Schmidhuber 2023 (the map in place of k-means); compare Fortuin et al. 2019 (SOM-VAE).
type VQVAE struct {
	cfg VQVAEConfig
	fitted
}

// NewVQVAE returns an untrained model that computes on backend. The error names the invalid field of cfg.
func NewVQVAE(backend compute.Backend, cfg VQVAEConfig) (*VQVAE, error) {
	if err := checkBackend("NewVQVAE", backend); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &VQVAE{cfg: cfg}
	m.fitted = newFitted("VQVAE", backend, cfg, m.buildAll)
	return m, nil
}

// buildAll builds the encoder, the code book and the decoder once, on an object of zeros.
func (m *VQVAE) buildAll(scope *model.Scope, g *Graph) {
	x := zeroRow(g, m.cfg.Features)
	m.decode(scope, Reshape(m.quantized(scope, m.encode(scope, x)), 1, -1))
}

// Config returns the configuration with the defaults filled in.
func (m *VQVAE) Config() VQVAEConfig { return m.cfg }

// Training prepares the training of the model on the objects x, [l, n]: floats, or bytes 0…255 scaled to [0, 1]. dataID
// identifies x in the key of the result, such as the ID of a data set.
//
// The losses are "loss" = reconstruction + β·commitment, "reconstruction" = ℒ(x̂, x) and "commitment" = ‖z_e − z_q‖²,
// summed over components and positions and averaged over objects. The code vectors move after the losses of a step are
// computed. The objects of FitConfig.Evaluation do not move them, and the best weights include the code book of their
// step.
func (m *VQVAE) Training(x *tensors.Tensor, dataID string, cfg FitConfig) (*Training, error) {
	if err := m.checkObjects(x, m.cfg.Features, m.cfg.Loss == "bernoulli"); err != nil {
		return nil, err
	}
	l := x.Shape().Dimensions[0]
	cfg = cfg.withDefaults(l)
	if err := cfg.check(l); err != nil {
		return nil, err
	}
	radii, err := m.cfg.radii(cfg.steps(l))
	if err != nil {
		return nil, err
	}
	return m.training(trainingSpec{
		kind: "vq-vae", name: fmt.Sprintf("vqvae-%s-%d", m.cfg.Update, m.cfg.Grid.Nodes()),
		model: m.cfg, seed: m.cfg.Seed, fit: cfg, id: dataID, objects: []namedTensor{{"objects", x}},
		numbers: func(step int) []float64 {
			if radii == nil {
				return nil
			}
			return []float64{float64(radii[step])}
		},
		build: func(scope *model.Scope, now *stepNumbers, batch []*Node) []Loss {
			losses, codes := m.losses(scope, pixels(batch[0]))
			now.adamStep(scope, losses[0].Value)
			m.moveBook(scope, codes, m.pull(now.own))
			return losses
		},
		evaluate: m.heldOut,
	})
}

// heldOut prepares the losses on held-out objects, whose codes do not move the code book.
func (m *VQVAE) heldOut(e *Evaluation) (*heldOutSet, error) {
	x, err := e.objects()
	if err != nil {
		return nil, err
	}
	if err := m.checkObjects(e.X, m.cfg.Features, m.cfg.Loss == "bernoulli"); err != nil {
		return nil, err
	}
	return &heldOutSet{inputs: []namedTensor{x}, losses: func(scope *model.Scope, batch []*Node) []Loss {
		losses, _ := m.losses(scope, pixels(batch[0]))
		return losses
	}}, nil
}

// radii returns the radius of each of the steps, or nil for k-means.
func (c VQVAEConfig) radii(steps int) ([]float32, error) {
	if !codeUpdates[c.Update] {
		return nil, nil
	}
	return c.Radius.table("VQVAEConfig.Radius", maxRadius, 0, steps, steps)
}
