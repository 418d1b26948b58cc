package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data/glyphs"
)

// heldOut returns glyphs of 20 characters and 30 % of the families, chosen by the seed; train has none of these
// characters and families.
func heldOut(t *testing.T, seed uint64) (train, test *glyphs.Set) {
	t.Helper()
	all, err := glyphs.Load()
	if err != nil {
		t.Fatal(err)
	}
	if train, test, err = all.Split(seed, 0.3); err != nil {
		t.Fatal(err)
	}
	chars := []rune(glyphs.Characters)
	rng := rand.New(rand.NewPCG(seed, 1))
	rng.Shuffle(len(chars), func(i, j int) { chars[i], chars[j] = chars[j], chars[i] })
	if test, err = test.Of(string(chars[:20])); err != nil {
		t.Fatal(err)
	}
	if train, err = train.Of(string(chars[20:])); err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"family", "character"} {
		if err := glyphs.Disjoint(train, test, by); err != nil {
			t.Fatal(err)
		}
	}
	return train, test
}

func episodesOf(t *testing.T, labels []int, c EpisodeConfig, count int) []Episode {
	t.Helper()
	episodes, err := DrawEpisodes(labels, c, count, 7)
	if err != nil {
		t.Fatal(err)
	}
	return episodes
}

// TestEpisodes checks sizes and labels, that no object occurs twice and that classes differ. The same seed draws the
// same episodes.
func TestEpisodes(t *testing.T) {
	var labels []int
	for i := range 60 {
		labels = append(labels, i%6)
	}
	c := EpisodeConfig{Ways: 4, Shots: 3, Queries: 5}
	episodes := episodesOf(t, labels, c, 50)
	for _, e := range episodes {
		seen := map[int]bool{}
		for k := range 4 {
			if len(e.Support[k]) != 3 || len(e.Query[k]) != 5 || slices.Index(e.Classes, e.Classes[k]) != k {
				t.Fatalf("episode %+v", e)
			}
			for _, i := range slices.Concat(e.Support[k], e.Query[k]) {
				if labels[i] != e.Classes[k] || seen[i] {
					t.Errorf("object %d of class %d is in class %d, seen before: %v", i, labels[i], e.Classes[k], seen[i])
				}
				seen[i] = true
			}
		}
	}
	if again := episodesOf(t, labels, c, 50); fmt.Sprint(again) != fmt.Sprint(episodes) {
		t.Error("the same seed drew other episodes")
	}
	for want, c := range map[string]EpisodeConfig{
		"an episode of 7 classes, want at most 6":        {Ways: 7, Shots: 1, Queries: 1},
		"with 8 + 3 objects each, but only 0 of the 6":   {Ways: 2, Shots: 8, Queries: 3},
		"at least 1 of at least 2 ways":                  {Ways: 1, Shots: 1, Queries: 1},
		"{Ways:2 Shots:0 Queries:1}, want at least":      {Ways: 2, Queries: 1},
		"with 1 + 100 objects each, but only 0 of the 6": {Ways: 2, Shots: 1, Queries: 100},
	} {
		_, err := DrawEpisodes(labels, c, 1, 1)
		wantError(t, err, want)
	}
}

// TestPrototypeLogits is C19.1: SoftMax(−‖z − c‖²) = SoftMax(2cᵀz − ‖c‖²), 1e-5.
func TestPrototypeLogits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	draw := func(rows int) [][][]float32 {
		out := [][][]float32{make([][]float32, rows)}
		for i := range out[0] {
			for range 3 {
				out[0][i] = append(out[0][i], float32(rng.NormFloat64()))
			}
		}
		return out
	}
	z, c := draw(4), draw(5)
	out, err := ExecOnce(testx.Backend(t), func(z, c *Node) *Node { return Softmax(PrototypeLogits(z, c)) }, z, c)
	if err != nil {
		t.Fatal(err)
	}
	got := tensors.MustCopyFlatData[float32](out)
	for i := range 4 {
		logits := make([]float64, 5)
		for k := range 5 {
			for j := range 3 {
				logits[k] -= math.Pow(float64(z[0][i][j]-c[0][k][j]), 2)
			}
		}
		for k, p := range softmax(logits) {
			near(t, "probability", float64(got[i*5+k]), p, 1e-5)
		}
	}
}

// TestPrototypesByHand checks accuracies of episodes that were computed by hand. With one shot a prototype is the
// nearest object. With random labels of the support the accuracy is 1/N (3 SE, 600 episodes).
func TestPrototypesByHand(t *testing.T) {
	codes := tensors.FromValue([][]float32{{0, 0}, {0, 4}, {10, 0}, {10, 4}, {1, 3.9}, {9, 0}})
	episode := Episode{Support: [][]int{{0, 1}, {2, 3}}, Query: [][]int{{4}, {5}}}
	for name, f := range map[string]func(*tensors.Tensor, []Episode) (Estimate, error){"prototypes": PrototypeAccuracy, "nearest": NearestAccuracy} {
		e, err := f(codes, []Episode{episode, {Support: [][]int{{0}, {2}}, Query: [][]int{{5}, {4}}}})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(e.PerObject, []float64{1, 0}) {
			t.Errorf("%s: %v, want all right, then all wrong", name, e.PerObject)
		}
		_, err = f(codes, []Episode{{Support: [][]int{{0}, {6}}, Query: [][]int{{1}, {2}}}})
		wantError(t, err, "objects [6], want indices 0 to 5")
		_, err = f(codes, []Episode{{Support: [][]int{{0}}, Query: nil}})
		wantError(t, err, "support of 1 classes and queries of 0")
	}
	labelled := episode
	labelled.Classes, labelled.Query = []int{7, 9}, [][]int{{4, 5}, {3}}
	confusions, err := Confusions(codes, []Episode{labelled})
	if err != nil {
		t.Fatal(err)
	}
	if want := []Confusion{{7, 9, 0.5}}; !slices.Equal(confusions, want) {
		t.Errorf("confusions %v, want %v", confusions, want)
	}
	guessed, err := PrototypeGuesses(codes, []Episode{labelled})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(guessed); got != "[[[0 1] [1]]]" {
		t.Errorf("guesses %s, want [[[0 1] [1]]]", got)
	}
	_, err = Confusions(codes, []Episode{episode})
	wantError(t, err, "episode 0 has the labels of 0 classes, want 2")
	_, test := heldOut(t, 0)
	episodes := episodesOf(t, test.Labels, EpisodeConfig{Ways: 5, Shots: 1, Queries: 3}, 600)
	a, err := PrototypeAccuracy(test.Tensor(), episodes)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NearestAccuracy(test.Tensor(), episodes)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.PerObject, b.PerObject) {
		t.Error("one shot: prototypes and nearest objects differ")
	}
	chance, err := PrototypeAccuracy(test.Tensor(), WithShuffledSupport(episodesOf(t, test.Labels, EpisodeConfig{Ways: 5, Shots: 5, Queries: 3}, 600), 3))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "shuffled support, chance", chance.Mean, 0.2, 3*chance.SE)
}

// TestPrototypeNet: after a short training, on unseen characters and families, the network classifies better than
// pixels in the same episodes, by 3 SE of the paired difference.
func TestPrototypeNet(t *testing.T) {
	long(t)
	train, test := heldOut(t, 1)
	m, err := NewPrototypeNet(testx.Backend(t), PrototypeNetConfig{Features: 1024, Episodes: 300, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	training, err := m.Training(train.Tensor(), train.Labels, train.ID, FitConfig{Decay: "linear", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	z, err := m.Encode(test.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	for _, shots := range []int{1, 5} {
		episodes := episodesOf(t, test.Labels, EpisodeConfig{Ways: 5, Shots: shots, Queries: 5}, 200)
		ours, err := PrototypeAccuracy(z, episodes)
		if err != nil {
			t.Fatal(err)
		}
		pixels, err := NearestAccuracy(test.Tensor(), episodes)
		if err != nil {
			t.Fatal(err)
		}
		gain, err := ours.Minus(pixels)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d shots: %.3f ± %.3f, nearest pixels %.3f", shots, ours.Mean, ours.Interval95(), pixels.Mean)
		if gain.Mean < 3*gain.SE {
			t.Errorf("%d shots: gain over pixels %v, want more than 3 SE", shots, gain)
		}
	}
}

// TestPrototypeNetLoss compares the loss and accuracy of two episodes with loops over the codes.
func TestPrototypeNetLoss(t *testing.T) {
	train, _ := heldOut(t, 1)
	c := EpisodeConfig{Ways: 3, Shots: 2, Queries: 4}
	m, err := NewPrototypeNet(testx.Backend(t), PrototypeNetConfig{Features: 1024, Encoder: "dense", Latent: 8, Episode: c, Episodes: 2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	cfg := FitConfig{Batch: 2, LearningRate: 1e-30, Seed: 5} // the weights do not change
	training, err := m.Training(train.Tensor(), train.Labels, train.ID, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]float64
	if err := training.Run(t.Context(), func(_ int, losses map[string]float64) error { got = losses; return nil }); err != nil {
		t.Fatal(err)
	}
	codes, err := m.Encode(train.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	z, err := objectRows(codes)
	if err != nil {
		t.Fatal(err)
	}
	episodes, err := DrawEpisodes(train.Labels, c, 2, 5)
	if err != nil {
		t.Fatal(err)
	}
	loss, right := 0.0, 0.0
	for _, e := range episodes {
		for k, query := range e.Query {
			for _, i := range query {
				logits := make([]float64, 3)
				for j, support := range e.Support {
					mean := make([]float64, 8)
					for _, s := range support {
						floats.AddScaled(mean, 0.5, z[s])
					}
					logits[j] = -squaredDistance(z[i], mean)
				}
				loss -= math.Log(softmax(logits)[k]) / 24
				if floats.MaxIdx(logits) == k {
					right += 1.0 / 24
				}
			}
		}
	}
	near(t, "loss", got["loss"], loss, 1e-4)
	near(t, "accuracy", got["accuracy"], right, 1e-6)
}

// TestMetaGradient is C19.2 on tasks ℒ_t = ½(θ − a_t)ᵀH_t(θ − a_t). The gradient through an inner step of size α is
// the mean over tasks of (I − αH_t)ᵀH_t(θ'_t − a_t), within 1e-5. The first-order gradient is the mean of H_t(θ'_t −
// a_t), and differs.
func TestMetaGradient(t *testing.T) {
	h := [][][]float64{{{2, 0.5}, {0.5, 1}}, {{0.7, -0.4}, {-0.4, 3}}}
	a := [][]float64{{1, -1}, {0.3, 2}}
	theta, rate := []float64{0.4, -0.2}, 0.3
	quadratic := func(a, h *Node) func([]*Node) *Node {
		return func(theta []*Node) *Node {
			d := Sub(theta[0], ExpandAxes(a, 1)) // [tasks, 1, 2]
			hd := Dot(d, h).General([]int{2}, []int{0}, []int{1}, []int{0})
			return MulScalar(ReduceAllSum(Mul(d, hd)), 0.5)
		}
	}
	var want [2][2]float64 // of first order, through the step
	for task, at := range a {
		moved := subtract(theta, times(rate, multiply(h[task], subtract(theta, at))))
		first := multiply(h[task], subtract(moved, at))
		through := subtract(first, times(rate, multiply(h[task], first))) // H_t is symmetric
		for j := range 2 {
			want[0][j] += first[j] / 2
			want[1][j] += through[j] / 2
		}
	}
	if floats.Distance(want[0][:], want[1][:], 2) < 0.1 {
		t.Fatalf("first order %v and through the step %v are almost equal, so that the test cannot distinguish them", want[0], want[1])
	}
	for order, second := range []bool{false, true} {
		out, err := ExecOnce(testx.Backend(t), func(theta, a, h *Node) *Node {
			loss := quadratic(a, h)
			adapted := InnerSteps(broadcastTasks([]*Node{theta}, 2), loss, rate, 1, second)
			return Gradient(MulScalar(loss(adapted), 0.5), theta)[0]
		}, [][][]float64{{theta}}, a, h)
		if err != nil {
			t.Fatal(err)
		}
		for j, got := range tensors.MustCopyFlatData[float64](out) {
			near(t, fmt.Sprintf("second order %v, gradient[%d]", second, j), got, want[order][j], 1e-5)
		}
	}
}

func multiply(h [][]float64, x []float64) []float64 {
	return []float64{floats.Dot(h[0], x), floats.Dot(h[1], x)}
}

func subtract(x, y []float64) []float64 { return []float64{x[0] - y[0], x[1] - y[1]} }

func times(c float64, x []float64) []float64 { return []float64{c * x[0], c * x[1]} }

// TestReptileIsSGD is C19.3: with one inner step of size a and ε = 1, Reptile is a step of SGD of size a on the mean
// of the tasks' losses.
func TestReptileIsSGD(t *testing.T) {
	a, theta, rate := [][]float64{{1, -1}, {0.3, 2}, {0, 0.5}}, []float64{0.4, -0.2}, 0.3
	out, err := ExecOnce(testx.Backend(t), func(theta, a *Node) *Node {
		loss := func(theta []*Node) *Node { return MulScalar(ReduceAllSum(Square(Sub(Squeeze(theta[0], 1), a))), 0.5) }
		adapted := InnerSteps(broadcastTasks([]*Node{theta}, 3), loss, rate, 1, false)
		return ReptileStep([]*Node{theta}, adapted, 1)[0]
	}, [][][]float64{{theta}}, a)
	if err != nil {
		t.Fatal(err)
	}
	for j, got := range tensors.MustCopyFlatData[float64](out) {
		gradient := 0.0
		for _, at := range a {
			gradient += (theta[j] - at[j]) / 3
		}
		near(t, "step of SGD", got, theta[j]-rate*gradient, 1e-12)
	}
}

// TestMeta: after a short training, each method is at chance before it adapts. After it adapts, it is better than
// nearest pixels in the same episodes (2 SE of the paired difference). With random support labels it is at chance.
func TestMeta(t *testing.T) {
	long(t)
	train, test := heldOut(t, 0)
	for method := range metaMethods {
		m, err := NewMeta(testx.Backend(t), MetaConfig{Features: 1024, Hidden: []int{64}, Method: method, Episodes: 1600, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		training, err := m.Training(train.Tensor(), train.Labels, train.ID, FitConfig{Decay: "linear", Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := training.Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		episodes := episodesOf(t, test.Labels, EpisodeConfig{Ways: 5, Shots: 1, Queries: 3}, 200)
		accuracy := func(episodes []Episode, steps int) Estimate {
			e, err := m.Accuracy(test.Tensor(), episodes, steps)
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		before, after := accuracy(episodes, 0), accuracy(episodes, 10)
		t.Logf("%s: %.3f ± %.3f before, %.3f ± %.3f after 10 steps", method, before.Mean, before.SE, after.Mean, after.SE)
		near(t, "before", before.Mean, 0.2, max(0.03, 4*before.SE))
		pixels, err := NearestAccuracy(test.Tensor(), episodes)
		if err != nil {
			t.Fatal(err)
		}
		gain, err := after.Minus(pixels)
		if err != nil {
			t.Fatal(err)
		}
		if gain.Mean < 2*gain.SE {
			t.Errorf("%s: %.3f after 10 steps, nearest pixels %.3f, want a gain of more than 2 SE, %.3f", method, after.Mean, pixels.Mean, gain.SE)
		}
		five := episodesOf(t, test.Labels, EpisodeConfig{Ways: 5, Shots: 5, Queries: 3}, 200)
		chance := accuracy(WithShuffledSupport(five, 3), 10)
		near(t, "shuffled support", chance.Mean, 0.2, 3*chance.SE)
	}
}

// TestFewShotTuning: a head on the frozen features of a classifier of the training characters, learned for each of 60
// episodes, is far above chance. With random labels of the support it is at chance. Each run is measured on its own
// queries.
func TestFewShotTuning(t *testing.T) {
	long(t)
	train, test := heldOut(t, 0)
	source := newMultiTask(t, MultiTaskConfig{Features: 1024, Hidden: []int{128, 64}, Tasks: []Task{{Name: "character", Classes: 62}}, Seed: 1})
	fitTasks(t, source, TaskData{X: train.Tensor(), Y: labelsOf(t, ClassColumn(train.Labels))}, FitConfig{Epochs: 8, Decay: "linear", Seed: 1})
	episodes := episodesOf(t, test.Labels, EpisodeConfig{Ways: 5, Shots: 5, Queries: 4}, 60)
	cfg := FitConfig{Epochs: 60, Batch: 25, Seed: 1}
	plan := RunPlan{Frozen: 2, HeadRate: new(10.0)}
	e, err := FewShotTuning(t.Context(), source, test.Tensor(), episodes, cfg, plan)
	if err != nil {
		t.Fatal(err)
	}
	chance, err := FewShotTuning(t.Context(), source, test.Tensor(), WithShuffledSupport(episodes, 3), cfg, plan)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.3f ± %.3f, shuffled support %.3f ± %.3f", e.Mean, e.Interval95(), chance.Mean, chance.Interval95())
	if e.Mean < 0.8 || len(e.PerObject) != 60 {
		t.Errorf("accuracy %v over %d episodes, want over 0.8 over 60", e, len(e.PerObject))
	}
	near(t, "shuffled support", chance.Mean, 0.2, 4*chance.SE)
	for _, share := range e.PerObject {
		if twentieths := share * 20; math.Abs(twentieths-math.Round(twentieths)) > 1e-9 {
			t.Errorf("share %g of an episode is not a multiple of 1/20, want one over its 20 queries", share)
		}
	}
	_, err = FewShotTuning(t.Context(), source, test.Tensor(), nil, cfg, plan)
	wantError(t, err, "of 0 episodes")
	two := append(episodesOf(t, test.Labels, EpisodeConfig{Ways: 2, Shots: 1, Queries: 1}, 1), episodes[0])
	_, err = FewShotTuning(t.Context(), source, test.Tensor(), two, cfg, plan)
	wantError(t, err, "episode 1 has 5 classes, want 2")
	_, err = source.Evaluate(TaskData{X: train.Tensor(), Y: labelsOf(t, ClassColumn(train.Labels))}, RunPlan{}, RunPlan{})
	wantError(t, err, "2 plans for MultiTaskConfig.Runs = 1")
}

// TestFewShotRefuses tries invalid configurations, labels and episodes.
func TestFewShotRefuses(t *testing.T) {
	backend := testx.Backend(t)
	for want, cfg := range map[string]PrototypeNetConfig{
		"Features = 0":                        {},
		"Latent = -1":                         {Features: 16, Latent: -1},
		"Episodes = -1":                       {Features: 16, Episodes: -1},
		"Features = 10 with Height = 0":       {Features: 10},
		`PrototypeNetConfig.Encoder = "deep"`: {Features: 16, Encoder: "deep"},
	} {
		_, err := NewPrototypeNet(backend, cfg)
		wantError(t, err, want)
	}
	for want, cfg := range map[string]MetaConfig{
		"Features = 0":             {},
		`Method = "sgd"`:           {Features: 16, Method: "sgd"},
		"InnerRate = -1":           {Features: 16, InnerRate: -1},
		"OuterRate = 2":            {Features: 16, OuterRate: 2},
		"InnerSteps = -1":          {Features: 16, InnerSteps: -1},
		"MetaConfig.Hidden[0] = 0": {Features: 16, Hidden: []int{0}},
	} {
		_, err := NewMeta(backend, cfg)
		wantError(t, err, want)
	}
	m, err := NewPrototypeNet(backend, PrototypeNetConfig{Features: 16})
	if err != nil {
		t.Fatal(err)
	}
	x := tensors.FromFlatDataAndDimensions(make([]float32, 4*16), 4, 16)
	_, err = m.Training(x, []int{0, 1}, "x", FitConfig{})
	wantError(t, err, "2 labels for objects")
	_, err = m.Training(x, []int{0, 0, 1, 1}, "x", FitConfig{})
	wantError(t, err, "an episode of 20 classes, want at most 2")
	_, err = m.Encode(x)
	wantError(t, err, "no weights")
	meta, err := NewMeta(backend, MetaConfig{Features: 16})
	if err != nil {
		t.Fatal(err)
	}
	_, err = meta.Accuracy(x, []Episode{{Support: [][]int{{0}, {1}}, Query: [][]int{{2}, {3}}}}, 1)
	wantError(t, err, "want all alike, of 5 ways")
	_, err = meta.Accuracy(x, nil, 1)
	wantError(t, err, "0 episodes")
}
