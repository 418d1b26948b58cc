package lecture11

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"deeplearning.example/lecture11/data/glyphs"
)

// probeData draws l features of d numbers and labels of three classes, on which the features depend.
func probeData(l, d int, seed uint64) (z *tensors.Tensor, labels []int) {
	rng := rand.New(rand.NewPCG(seed, 0))
	flat := make([]float64, 0, l*d)
	for i := range l {
		labels = append(labels, i%3)
		for j := range d {
			v := 2 + rng.NormFloat64()
			if j == i%3 {
				v++
			}
			flat = append(flat, v)
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, l, d), labels
}

// naiveRidge solves the normal equations of centred features, (ZᵀZ + λ)Wᵀ = ZᵀY, and returns the scores of one more
// object.
func naiveRidge(t *testing.T, z [][]float64, labels []int, lambda float64, x []float64) []float64 {
	t.Helper()
	l, d := len(z), len(z[0])
	mean, share := make([]float64, d), make([]float64, 3)
	for i := range z {
		share[labels[i]] += 1 / float64(l)
		for j, v := range z[i] {
			mean[j] += v / float64(l)
		}
	}
	gram, right := mat.NewDense(d, d, nil), mat.NewDense(d, 3, nil)
	for i := range z {
		for j := range d {
			for k := range d {
				gram.Set(j, k, gram.At(j, k)+(z[i][j]-mean[j])*(z[i][k]-mean[k]))
			}
			right.Set(j, labels[i], right.At(j, labels[i])+z[i][j]-mean[j])
		}
	}
	for j := range d {
		gram.Set(j, j, gram.At(j, j)+lambda)
	}
	var w mat.Dense
	if err := w.Solve(gram, right); err != nil {
		t.Fatal(err)
	}
	scores := share
	for c := range scores {
		for j := range d {
			scores[c] += w.At(j, c) * (x[j] - mean[j])
		}
	}
	return scores
}

// TestLinearProbeNaive: the scores are those of the normal equations, and the leave-one-out error is that of separate
// fits without each object, both for more objects than features and for fewer.
func TestLinearProbeNaive(t *testing.T) {
	for _, d := range []int{4, 30} {
		const l = 18
		z, labels := probeData(l, d, 1)
		probe, err := NewLinearProbe(z, labels, 3)
		if err != nil {
			t.Fatal(err)
		}
		flat := values(t)(z, nil)
		objects := make([][]float64, l)
		mean, scale := make([]float64, d), 0.0
		for i := range objects {
			objects[i] = flat[i*d : (i+1)*d]
			for j, v := range objects[i] {
				mean[j] += v / l
			}
		}
		for _, object := range objects {
			for j, v := range object {
				scale += (v - mean[j]) * (v - mean[j]) / l
			}
		}
		x := objects[5]
		want := naiveRidge(t, objects, labels, probe.Ridge*scale, x)
		var got mat.VecDense
		got.MulVec(probe.Matrix, mat.NewVecDense(d, x))
		for c := range want {
			near(t, "score", got.AtVec(c)+probe.Offset[c], want[c], 1e-9)
		}
		best := math.Inf(1)
		for _, ridge := range probeRidges() {
			best = min(best, naiveLeaveOut(t, objects, labels, ridge*scale))
		}
		near(t, "squared error left out", probe.LeaveOut, best, 1e-9)
	}
}

// naiveLeaveOut fits without each object in turn. The means are computed without the object too.
func naiveLeaveOut(t *testing.T, z [][]float64, labels []int, lambda float64) float64 {
	t.Helper()
	sum := 0.0
	for i := range z {
		var rest [][]float64
		var restLabels []int
		for j := range z {
			if j != i {
				rest, restLabels = append(rest, z[j]), append(restLabels, labels[j])
			}
		}
		for c, score := range naiveRidge(t, rest, restLabels, lambda, z[i]) {
			target := 0.0
			if c == labels[i] {
				target = 1
			}
			sum += (score - target) * (score - target) / float64(len(z))
		}
	}
	return sum
}

// TestFewShotProbe: the accuracy is at chance for uninformative features and nearly 1 for informative ones, and one
// seed always draws the same objects.
func TestFewShotProbe(t *testing.T) {
	labels := make([]int, 600)
	good, bad := make([]float64, 600*2), make([]float64, 600*2)
	rng := rand.New(rand.NewPCG(2, 0))
	for i := range labels {
		labels[i] = i % 3
		for j := range 2 {
			bad[2*i+j] = rng.NormFloat64()
		}
		angle := 2 * math.Pi * float64(i%3) / 3
		good[2*i], good[2*i+1] = math.Cos(angle)+0.1*bad[2*i], math.Sin(angle)+0.1*bad[2*i+1]
	}
	for want, flat := range map[float64][]float64{1: good, 1. / 3: bad} {
		codes := LabelledCodes{tensors.FromFlatDataAndDimensions(flat, 600, 2), labels}
		first, err := FewShotProbe(codes, codes, 5, 4)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "accuracy", first, want, 0.1)
		if again, err := FewShotProbe(codes, codes, 5, 4); err != nil || again != first {
			t.Errorf("the same seed gives %g, then %g, %v", first, again, err)
		}
	}
}

// TestRivals compares with rivals found by hand. Distances are in units of the object's own length.
func TestRivals(t *testing.T) {
	x := tensors.FromValue([][]float32{{3, 4}, {3, 4}, {0, 4}, {6, 8}})
	set := LabelledCodes{x, []int{0, 0, 1, 2}}
	rivals, err := Rivals(set, set)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Rival{{2, 3. / 5}, {2, 3. / 5}, {0, 3. / 4}, {0, 5. / 10}} {
		if rivals[i].Place != want.Place {
			t.Errorf("rival of %d: %d, want %d", i, rivals[i].Place, want.Place)
		}
		near(t, "distance", rivals[i].Distance, want.Distance, 1e-12)
	}
	bytes := LabelledCodes{tensors.FromValue([][]uint8{{255, 0}}), []int{1}}
	pool := LabelledCodes{tensors.FromValue([][]float32{{1, 0}, {1, 0.5}}), []int{1, 0}}
	if rivals, err = Rivals(bytes, pool); err != nil || rivals[0] != (Rival{1, 0.5}) {
		t.Errorf("rivals of bytes %v, %v, want {1 0.5}", rivals, err)
	}
}

// TestQuarterTurnsOfGlyphs is C20.1 on six letters of many faces: the accuracy on unseen families is far better than
// chance, and the failures are letters with a close rival. O and H have one, F and L do not.
func TestQuarterTurnsOfGlyphs(t *testing.T) {
	all, err := glyphs.Load()
	if err != nil {
		t.Fatal(err)
	}
	if all, err = all.Of("FLOHbq"); err != nil {
		t.Fatal(err)
	}
	train, test, err := all.Split(1, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	turns := func(s *glyphs.Set) (*tensors.Tensor, []int) {
		turned, err := s.QuarterTurns()
		if err == nil {
			turned, err = turned.Centered(glyphs.Side)
		}
		if err != nil {
			t.Fatal(err)
		}
		return turned.Tensor(), turned.Labels
	}
	x, labels := turns(train)
	m, _ := fitClassifier(t, ClassifierConfig{Features: 1024, Classes: 4, Hidden: []int{64}, Seed: 1},
		FitConfig{Epochs: 20, Batch: 64, Decay: "cosine", Seed: 1}, x, labels)
	x, labels = turns(test)
	accuracy, err := m.Accuracy(x, labels)
	if err != nil {
		t.Fatal(err)
	}
	if accuracy.Mean < 0.25+10*accuracy.SE {
		t.Errorf("accuracy %v of quarter turns, want ¼ by 10 standard errors", accuracy)
	}
	right := map[string]float64{}
	for i, v := range accuracy.PerObject {
		right[test.CharacterOf(i/4)] += v / float64(4*test.Len()/6)
	}
	t.Logf("accuracy %v, by letter %v", accuracy, right)
	if easy, hard := (right["F"]+right["L"])/2, (right["O"]+right["b"]+right["q"])/3; easy < 0.9 || hard > easy-0.1 {
		t.Errorf("F and L %.2f, O, b and q %.2f, want failures where a rival is near", easy, hard)
	}
	set := LabelledCodes{x, labels}
	if rivals, err := Rivals(set, set); err != nil || labels[rivals[0].Place] == labels[0] || rivals[0].Distance <= 0 {
		t.Errorf("rivals %v, %v", rivals, err)
	}
}

func TestPretextRefuses(t *testing.T) {
	z, labels := probeData(6, 2, 1)
	flat := tensors.FromFlatDataAndDimensions(make([]float64, 12), 6, 2)
	narrow, sevens := tensors.FromFlatDataAndDimensions(make([]float64, 12), 4, 3), []int{7, 7, 7, 7, 7, 7}
	probe, err := NewLinearProbe(z, labels, 3)
	if err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"LinearProbe of features (Float64)[6, 2] with 2 labels":  errorOf(NewLinearProbe(z, labels[:2], 3)),
		"label 2 of object 2, want 0 to 1":                       errorOf(NewLinearProbe(z, labels, 2)),
		"LinearProbe with classes = 1, want at least 2":          errorOf(NewLinearProbe(z, labels, 1)),
		"features with variance 0, want":                         errorOf(NewLinearProbe(flat, labels, 3)),
		"features of shape (Float64)[3, 4], want [l, 2]":         errorOf(probe.Classify(tensors.FromFlatDataAndDimensions(make([]float64, 12), 3, 4))),
		"accuracy of 6 objects with 1 labels":                    errorOf(probe.Accuracy(z, labels[:1])),
		"FewShotProbe of features (Float64)[6, 2] with 1 labels": errorOf(FewShotProbe(LabelledCodes{z, labels[:1]}, LabelledCodes{z, labels}, 1, 1)),
		"LabelBudget: 3 objects of class 0":                      errorOf(FewShotProbe(LabelledCodes{z, labels}, LabelledCodes{z, labels}, 3, 1)),
		"Rivals of objects with 3 labels":                        errorOf(Rivals(LabelledCodes{z, labels[:3]}, LabelledCodes{z, labels})),
		"Rivals: object 0, label 7, has none":                    errorOf(Rivals(LabelledCodes{z, sevens}, LabelledCodes{z, sevens})),
		"objects that are not 0":                                 errorOf(Rivals(LabelledCodes{flat, labels}, LabelledCodes{z, labels})),
		"[6, 2] in a pool (Float64)[4, 3]":                       errorOf(Rivals(LabelledCodes{z, labels}, LabelledCodes{narrow, labels[:4]})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}
