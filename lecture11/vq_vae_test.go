package lecture11

import (
	"bytes"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
)

// naiveBook is the code book as in the papers: moving averages N_i of counts and m_i of sums, and e_i = m_i/N_i.
type naiveBook struct {
	vectors, sums [][]float64
	counts        []float64
}

func newNaiveBook(vectors [][]float64) *naiveBook {
	b := &naiveBook{}
	for _, e := range vectors {
		b.vectors, b.sums, b.counts = append(b.vectors, slices.Clone(e)), append(b.sums, slices.Clone(e)), append(b.counts, 1)
	}
	return b
}

// step updates the book with codes z, object by object and node by node. kernel returns the strength with which node i
// moves when a wins.
func (b *naiveBook) step(z [][]float64, kernel func(a, i int) float64, memory float64) {
	n, s := make([]float64, len(b.vectors)), make([][]float64, len(b.vectors))
	for i := range s {
		s[i] = make([]float64, len(z[0]))
	}
	for _, code := range z {
		a, _ := nearestOther(b.vectors, code, -1)
		for i := range b.vectors {
			n[i] += kernel(a, i)
			for j, v := range code {
				s[i][j] += kernel(a, i) * v
			}
		}
	}
	for i := range b.vectors {
		b.counts[i] = memory*b.counts[i] + (1-memory)*n[i]
		for j := range s[i] {
			b.sums[i][j] = memory*b.sums[i][j] + (1-memory)*s[i][j]
			b.vectors[i][j] = b.sums[i][j] / b.counts[i]
		}
	}
}

// winnerOnly is K = [r = 0].
func winnerOnly(a, i int) float64 { return indicator(a == i) }

// TestBookStep compares five steps on changing codes with the naive loop in float64: for k-means, for maps on several
// sheets, and for a radius of 0, which is k-means.
func TestBookStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 0))
	first := rows(rng, 12, 3)
	for name, c := range map[string]struct {
		sheet  SOMConfig
		radius float64
	}{
		"k-means":      {},
		"gaussian":     {SOMConfig{Grid: Grid{Width: 4, Height: 3}}, 1.2},
		"hex torus":    {SOMConfig{Grid: Grid{Width: 3, Height: 4, Hex: true, Torus: true}, Neighbourhood: "triangle"}, 2},
		"square":       {SOMConfig{Grid: Grid{Width: 6, Height: 2}, Neighbourhood: "square triangle"}, 1.5},
		"radius of 0":  {SOMConfig{Grid: Grid{Width: 4, Height: 3}}, 0},
		"tiny radius":  {SOMConfig{Grid: Grid{Width: 4, Height: 3}}, 0.05},
		"chain, large": {SOMConfig{Grid: Grid{Width: 12, Height: 1}, Neighbourhood: "bubble"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			kernel := winnerOnly
			if c.radius > 0.1 {
				kernel = func(a, i int) float64 { return c.sheet.Kernel(a, i, c.radius) }
			}
			naive, book, counts := newNaiveBook(first), first, slices.Repeat([]float64{1}, 12)
			bookStep := newBookStep(t, c.sheet, c.radius)
			for step := range 5 {
				z := rows(rng, 40, 3)
				naive.step(z, kernel, 0.9)
				book, counts = bookStep(book, counts, z)
				for i := range book {
					near(t, "count", counts[i], naive.counts[i], 1e-5)
					for j := range book[i] {
						if d := math.Abs(book[i][j] - naive.vectors[i][j]); d > 1e-5 {
							t.Fatalf("step %d, vector %d: %v, want %v", step, i, book[i], naive.vectors[i])
						}
					}
				}
			}
		})
	}
}

// bookStepper performs a step of a book: vectors, counts, codes.
type bookStepper func(book [][]float64, counts []float64, z [][]float64) ([][]float64, []float64)

// newBookStep compiles BookStep with γ = .9 in float64; a sheet without columns is k-means.
func newBookStep(t *testing.T, sheet SOMConfig, radius float64) bookStepper {
	t.Helper()
	exec := MustNewExec(testx.Backend(t), func(in []*Node) []*Node {
		_, fires := KohonenLayers(in[2], in[0])
		var pull *Node
		if sheet.Width > 0 {
			c := VQVAEConfig{Grid: sheet.Grid, Update: "kohonen", Neighbourhood: sheet.Neighbourhood}.withDefaults()
			pull = c.gridKernel(Const(in[0].Graph(), []float32{float32(radius)}))
		}
		newBook, newCounts := BookStep(in[0], in[1], in[2], fires, pull, 0.9)
		return []*Node{newBook, newCounts}
	})
	t.Cleanup(exec.Finalize)
	return func(book [][]float64, counts []float64, z [][]float64) ([][]float64, []float64) {
		out := exec.MustCall(book, counts, z)
		return cut(must64(t, out[0]), len(book)), must64(t, out[1])
	}
}

// TestBookStepDead: under k-means a vector that never wins stays the same to the last bit after any number of steps;
// with a neighbourhood it moves.
func TestBookStepDead(t *testing.T) {
	book, counts := [][]float64{{0, 0}, {100, 100}}, []float64{1, 1}
	z := [][]float64{{1, 1}, {-1, 1}}
	winners, neighbours := newBookStep(t, SOMConfig{}, 0), newBookStep(t, SOMConfig{Grid: Grid{Width: 2, Height: 1}}, 1)
	for range 20 {
		book, counts = winners(book, counts, z)
	}
	near(t, "dead vector", book[1][0], 100, 0)
	near(t, "its count", counts[1], math.Pow(0.9, 20), 1e-12)
	gone, _ := winners(book, []float64{1, 0}, z)
	near(t, "dead vector whose count has vanished", gone[1][1], 100, 0)
	for range 20 {
		book, counts = neighbours(book, counts, z)
	}
	if book[1][0] > 20 {
		t.Errorf("the neighbour of the winner is at %v after 20 steps, want it between its start and (0, 1)", book[1])
	}
}

// TestStraightThrough: the gradient in the codes is that of a surrogate in which the choice is fixed and its vector
// moves along with its code. The surrogate is ‖W(z + c) − x‖² + β‖z − q‖² with c = q − z and q frozen. Its gradient is
// computed by central differences in float64.
func TestStraightThrough(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 0))
	z, book, w, x := rows(rng, 5, 2), rows(rng, 4, 2), rows(rng, 2, 3), rows(rng, 5, 3)
	const beta = 0.25
	loss := func(z, q, passed, w, x *Node) *Node {
		return Add(ReduceAllSum(SquaredError(x, Einsum("kd,dn->kn", passed, w))), MulScalar(ReduceAllSum(SquaredError(q, z)), beta))
	}
	got := run(t, func(in []*Node) *Node {
		_, q := quantize(in[0], in[1])
		return Gradient(loss(in[0], q, StraightThrough(in[0], q), in[2], in[3]), in[0])[0]
	}, z, book, w, x)
	frozen := make([][]float64, len(z)) // the codes' own vectors
	for i := range z {
		a, _ := nearestOther(book, z[i], -1)
		frozen[i] = book[a]
	}
	const h = 1e-5
	value := MustNewExec(testx.Backend(t), func(in []*Node) *Node { return loss(in[0], in[1], in[2], in[3], in[4]) })
	defer value.Finalize()
	surrogate := func(i, j int, step float64) float64 {
		moved, passed := cut(slices.Concat(z...), len(z)), cut(slices.Concat(frozen...), len(z))
		moved[i][j] += step
		passed[i][j] += step // z + c
		return must64(t, value.MustCall(moved, frozen, passed, w, x)[0])[0]
	}
	for i := range z {
		for j := range z[i] {
			near(t, "gradient", got[2*i+j], (surrogate(i, j, h)-surrogate(i, j, -h))/(2*h), 1e-6)
		}
	}
	if d := run(t, func(in []*Node) *Node {
		_, q := quantize(in[0], in[1])
		return Gradient(ReduceAllSum(Square(StraightThrough(in[0], q))), in[1])[0]
	}, z, book); slices.Max(d) != 0 || slices.Min(d) != 0 {
		t.Errorf("gradient by the code vectors = %v, want exactly 0", d)
	}
}

// newVQVAE returns a model of objects in the plane.
func newVQVAE(t *testing.T, cfg VQVAEConfig) *VQVAE {
	t.Helper()
	cfg.Features = 2
	m, err := NewVQVAE(testx.Backend(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// plane draws l objects in the plane, close to four points.
func plane(l int, seed uint64) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(seed, 23))
	flat := make([]float32, 0, 2*l)
	for i := range l {
		flat = append(flat, float32(2*(i%2)-1+0)+float32(0.1*rng.NormFloat64()), float32(2*(i/2%2)-1)+float32(0.1*rng.NormFloat64()))
	}
	return tensors.FromFlatDataAndDimensions(flat, l, 2)
}

// codesOf returns the encoder's z_e of objects, one by one.
func codesOf(t *testing.T, m *VQVAE, x *tensors.Tensor) [][]float64 {
	t.Helper()
	out := must(m.apply("codes", x, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{Reshape(m.encode(scope, x), x.Shape().Dim(0), -1)}
	}))
	return cut(must64(t, out[0]), x.Shape().Dimensions[0]*m.cfg.Positions)
}

// TestVQVAEBookOfTraining: with an encoder that hardly changes, the book after a training of six steps on the whole set
// is that of the naive loop with the radii of the schedule.
func TestVQVAEBookOfTraining(t *testing.T) {
	for _, update := range []string{"kmeans", "kohonen"} {
		t.Run(update, func(t *testing.T) {
			cfg := VQVAEConfig{Grid: Grid{Width: 3, Height: 2}, Latent: 2, Hidden: []int{5}, Update: update, Memory: 0.8, Seed: 3}
			if update == "kohonen" {
				cfg.Radius = Schedule{Name: "linear", Start: 2, End: 0}
			}
			m, x := newVQVAE(t, cfg), plane(64, 1)
			training := must(m.Training(x, "plane", FitConfig{Epochs: 6, Batch: 64, LearningRate: 1e-12, StepsPerCall: 4}))
			startTraining(t, training)
			naive, z := newNaiveBook(cut(must64(t, must(m.Codebook())), 6)), codesOf(t, m, x)
			runTraining(t, training)
			sheet := SOMConfig{Grid: cfg.Grid}
			for step := range 6 {
				kernel := winnerOnly
				if update == "kohonen" {
					kernel = func(a, i int) float64 { return sheet.Kernel(a, i, 2-2*float64(step)/6) }
				}
				naive.step(z, kernel, 0.8)
			}
			got := must64(t, must(m.Codebook()))
			for i, want := range slices.Concat(naive.vectors...) {
				near(t, "component of the book", got[i], want, 2e-5)
			}
		})
	}
}

// TestVQVAERadiusZero: a whole training with the radius 0, or with one so small that K of the next node is 0, is the
// same as k-means.
func TestVQVAERadiusZero(t *testing.T) {
	long(t)
	x := plane(128, 2)
	trained := func(update string, radius float64) []float64 {
		cfg := VQVAEConfig{Grid: Grid{Width: 3, Height: 3}, Latent: 2, Hidden: []int{8}, Update: update, Seed: 1}
		if update == "kohonen" {
			cfg.Radius = Schedule{Start: radius, Name: "constant"}
		}
		m := newVQVAE(t, cfg)
		losses := runTraining(t, must(m.Training(x, "plane", FitConfig{Epochs: 10, Batch: 32, LearningRate: 1e-2, Seed: 1})))
		return append(must64(t, must(m.Codebook())), losses...)
	}
	want := trained("kmeans", 0)
	for _, radius := range []float64{0, 0.05} {
		got := trained("kohonen", radius)
		for i := range want {
			near(t, "vectors and losses", got[i], want[i], 1e-4)
		}
	}
	if moved := trained("kohonen", 1); slices.Equal(moved[:18], want[:18]) {
		t.Error("a radius of 1 gives the vectors of k-means")
	}
}

// TestVQVAEUses: encoding, decoding and reconstruction agree, and usage counts the codes. A stored model is the same
// model, and its training continues to the same end.
func TestVQVAEUses(t *testing.T) {
	cfg := VQVAEConfig{Grid: Grid{Width: 2, Height: 2}, Latent: 3, Positions: 2, Hidden: []int{8}, Update: "kohonen", Seed: 1}
	fit := FitConfig{Epochs: 30, Batch: 32, LearningRate: 1e-2, Seed: 1, StepsPerCall: 15}
	m, x := newVQVAE(t, cfg), plane(501, 3)
	training := must(m.Training(x, "plane", fit))
	var parts []bytes.Buffer
	err := training.Run(t.Context(), func(step int, losses map[string]float64) error {
		near(t, "loss", losses["reconstruction"]+0.25*losses["commitment"], losses["loss"], 1e-4)
		if parts == nil {
			parts = make([]bytes.Buffer, 2)
			for i, part := range training.Parts() {
				if err := training.Save(part, &parts[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	codes := must(m.Encode(x))
	codes.Shape().Assert(codes.DType(), 501, 2)
	book, z := cut(must64(t, must(m.Codebook())), 4), codesOf(t, m, x)
	for i, code := range tensors.MustCopyFlatData[int32](codes) {
		if want, _ := nearestOther(book, z[i], -1); int(code) != want {
			t.Fatalf("code %d = %d, want %d", i, code, want)
		}
	}
	decoded, rebuilt := must(m.Decode(codes)), must(m.Reconstruct(x))
	near(t, "decoded codes and the reconstruction", must(MeanSquaredError(decoded, rebuilt)), 0, 1e-12)
	near(t, "loss", must(m.Loss(x)).Mean, 2*must(MeanSquaredError(x, rebuilt)), 1e-5)
	usage := must(m.Usage(x))
	if total := usage.Counts[0] + usage.Counts[1] + usage.Counts[2] + usage.Counts[3]; total != 2*501 {
		t.Errorf("%d codes counted, want 2 of each object", total)
	}
	again := newVQVAE(t, cfg)
	resumed := must(again.Training(x, "plane", fit))
	for i, part := range resumed.Parts() {
		if err := resumed.Restore(part, &parts[i]); err != nil {
			t.Fatal(err)
		}
	}
	runTraining(t, resumed)
	if a, b := must(m.WeightsHash()), must(again.WeightsHash()); a != b {
		t.Errorf("a training that was saved after 15 steps ends at %s, want %s", b, a)
	}
}

// TestVQVAEParts: the code vectors are part of the weights, which are enough to use a model. The counts are not.
func TestVQVAEParts(t *testing.T) {
	m, x := newVQVAE(t, VQVAEConfig{Grid: Grid{Width: 2, Height: 2}, Latent: 2, Hidden: []int{4}, Seed: 1}), plane(64, 4)
	runTraining(t, must(m.Training(x, "plane", FitConfig{Epochs: 2, Batch: 32})))
	weights := must(m.Weights())
	if weights["book/vectors"] == nil || weights["book/counts"] != nil || len(weights) != 9 {
		t.Errorf("weights %q, want two layers of both networks and the code vectors", slices.Collect(maps.Keys(weights)))
	}
	near(t, "decoded", must(MeanSquaredError(must(m.Decode(must(m.Encode(x)))), must(m.Reconstruct(x)))), 0, 1e-12)
	before := must(m.WeightsHash())
	vectors := must(m.Codebook())
	if err := vectors.MutableBytes(func(data []byte) { data[0] ^= 1 }); err != nil {
		t.Fatal(err)
	}
	weights["book/vectors"] = vectors
	if err := m.SetWeights(weights); err != nil {
		t.Fatal(err)
	}
	if before == must(m.WeightsHash()) {
		t.Error("another code book has the same hash of the weights")
	}
}

// TestVQVAEConvolutions: the codes of an image of 16×16 belong to its 4×4 parts, and ink in a corner changes only the
// codes near it.
func TestVQVAEConvolutions(t *testing.T) {
	long(t)
	rng := rand.New(rand.NewPCG(25, 0))
	flat := make([]uint8, 64*256)
	for i := range flat {
		flat[i] = uint8(rng.IntN(256))
	}
	x := tensors.FromFlatDataAndDimensions(flat, 64, 256)
	m := must(NewVQVAE(testx.Backend(t), VQVAEConfig{Grid: Grid{Width: 4, Height: 2}, Features: 256, Latent: 3, Encoder: "conv",
		Decoder: "conv", Loss: "bernoulli", Update: "kohonen", Seed: 1}))
	losses := runTraining(t, must(m.Training(x, "noise", FitConfig{Epochs: 20, Batch: 32, LearningRate: 1e-2, StepsPerCall: 5})))
	if first, last := losses[0], losses[len(losses)-1]; !(last < first) {
		t.Errorf("loss %g after %g, want a fall", last, first)
	}
	if m.Config().Positions != 16 {
		t.Fatalf("%d positions, want 4×4", m.Config().Positions)
	}
	before := codesOf(t, m, x)
	for i := range flat {
		if i%256 == 0 {
			flat[i] = 255 - flat[i]
		}
	}
	after := codesOf(t, m, tensors.FromFlatDataAndDimensions(flat, 64, 256))
	for i := range 64 * 16 {
		corner := i%16 == 0
		if moved := squaredDistance(before[i], after[i]) > 1e-12; moved != corner {
			t.Fatalf("code %d of object %d moves: %v, want %v", i%16, i/16, moved, corner)
		}
	}
	must(m.Decode(must(m.Encode(x)))).Shape().Assert(must(m.Reconstruct(x)).DType(), 64, 256)
}

// TestCodeUsage compares with closed forms.
func TestCodeUsage(t *testing.T) {
	u := newCodeUsage([]int{4, 0, 4, 0}, 8)
	near(t, "dead", u.Dead, 0.5, 0)
	near(t, "perplexity of two even codes", u.Perplexity, 2, 1e-12)
	near(t, "perplexity of one code", newCodeUsage([]int{0, 7}, 7).Perplexity, 1, 0)
	near(t, "perplexity of shares ¾ and ¼", newCodeUsage([]int{3, 1}, 4).Perplexity, 4/math.Pow(27, 0.25), 1e-12)
}

// TestVQVAERefuses: the error names the invalid field.
func TestVQVAERefuses(t *testing.T) {
	good := VQVAEConfig{Grid: Grid{Width: 2, Height: 2}, Features: 2, Latent: 2}
	for want, change := range map[string]func(c *VQVAEConfig){
		"Grid.Width = 0":               func(c *VQVAEConfig) { c.Grid.Width = 0 },
		"VQVAEConfig.Features = 0":     func(c *VQVAEConfig) { c.Features = 0 },
		"VQVAEConfig.Latent = -1":      func(c *VQVAEConfig) { c.Latent = -1 },
		"VQVAEConfig.Positions = -2":   func(c *VQVAEConfig) { c.Positions = -2 },
		"VQVAEConfig.Hidden[0] = 0":    func(c *VQVAEConfig) { c.Hidden = []int{0} },
		"VQVAEConfig.Loss = \"l1\"":    func(c *VQVAEConfig) { c.Loss = "l1" },
		"VQVAEConfig.Update = \"som\"": func(c *VQVAEConfig) { c.Update = "som" },
		"VQVAEConfig.Memory = 1":       func(c *VQVAEConfig) { c.Memory = 1 },
		"VQVAEConfig.Commitment = -1":  func(c *VQVAEConfig) { c.Commitment = new(-1.0) },
		"VQVAEConfig.CodeStd = -1":     func(c *VQVAEConfig) { c.CodeStd = -1 },
		"with Update \"kmeans\"":       func(c *VQVAEConfig) { c.Neighbourhood = "bubble" },
		"VQVAEConfig.Neighbourhood":    func(c *VQVAEConfig) { c.Update, c.Neighbourhood = "kohonen", "cone" },
		"VQVAEConfig.Radius.Start":     func(c *VQVAEConfig) { c.Update, c.Radius = "kohonen", Schedule{Start: -1} },
		"has a Func": func(c *VQVAEConfig) {
			c.Update, c.Radius = "kohonen", Schedule{Func: func(t float64) float64 { return 1 - t }}
		},
		"want Features = Height·Width·Channels": func(c *VQVAEConfig) { c.Encoder = "conv" },
		"Positions = 3 with \"conv\", want 4": func(c *VQVAEConfig) {
			c.Features, c.Decoder, c.Positions = 64, "conv", 3
		},
	} {
		cfg := good
		change(&cfg)
		_, err := NewVQVAE(testx.Backend(t), cfg)
		wantError(t, err, want)
	}
	m := newVQVAE(t, good)
	_, err := m.Codebook()
	wantError(t, err, "no weights")
	_, err = m.Training(tensors.FromValue([][]float32{{1, 2, 3}}), "three", FitConfig{})
	wantError(t, err, "want [l, 2]")
	_, err = m.Decode(tensors.FromValue([][]int32{{4}}))
	wantError(t, err, "code 4 of object 0, want 0 to 3")
	_, err = m.Decode(tensors.FromValue([][]int32{{0, 1}}))
	wantError(t, err, "want int32 [l, 1]")
}

// TestVQVAENetwork: built on their own, the networks return the places, the code vectors and the objects of the model's
// methods. Package onnx exports them.
func TestVQVAENetwork(t *testing.T) {
	m, x := newVQVAE(t, VQVAEConfig{Grid: Grid{Width: 3, Height: 2}, Latent: 3, Positions: 2, Hidden: []int{8}, Seed: 1}), plane(64, 3)
	_, err := m.Network("encoder")
	wantError(t, err, "no weights")
	runTraining(t, must(m.Training(x, "plane", FitConfig{Epochs: 4, Batch: 32})))
	places, book := must(m.Encode(x)), cut(must64(t, must(m.Codebook())), 6)

	coded := runNetwork(t, must(m.Network("encoder")), x)
	at := tensors.MustCopyFlatData[int32](places)
	if got := tensors.MustCopyFlatData[int32](coded[0]); !slices.Equal(got, at) {
		t.Errorf("places %v, want %v", got, at)
	}
	coded[1].Shape().Assert(coded[1].DType(), 64, 2, 3)
	for i, vector := range cut(must64(t, coded[1]), 2*64) {
		if !slices.Equal(vector, book[at[i]]) {
			t.Fatalf("vector %d is %v, want %v", i, vector, book[at[i]])
		}
	}
	decoded := runNetwork(t, must(m.Network("decoder")), places)[0]
	near(t, "decoded objects", must(MeanSquaredError(decoded, must(m.Decode(places)))), 0, 1e-12)
	_, err = m.Network("book")
	wantError(t, err, `VQVAE.Network("book"), want one of ["decoder" "encoder"]`)
}

// runNetwork builds a network on its own weights, and returns its results for x, of the declared type.
func runNetwork(t *testing.T, n Network, x *tensors.Tensor) []*tensors.Tensor {
	t.Helper()
	if x.DType() != n.DType || x.Shape().Dim(1) != n.Inputs {
		t.Fatalf("%s takes %d numbers of type %s, want those of %s", n.Name, n.Inputs, n.DType, x.Shape())
	}
	exec := must(model.NewExec(testx.Backend(t), n.Store, n.Build))
	defer exec.Finalize()
	out := must(exec.Call(x))
	if len(out) != len(n.Outputs) {
		t.Fatalf("%s has %d results, want %q", n.Name, len(out), n.Outputs)
	}
	return out
}
