package lecture11

import (
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// Judge says how near generated objects are to real ones, in the features of a classifier that has met neither the generator nor, best,
// the real objects that it compares with. Its figures belong to that classifier, [Classifier.WeightsHash], and to the number of objects.
//
// Slide "How to judge a generator".
type Judge struct {
	classifier *Classifier
	layer      int
	real       []GaussianFit
	floor      float64
}

// JudgeReport is what a [Judge] says of a set of objects.
type JudgeReport struct {
	Frechet float64   // mean of the Fréchet distances to the sets of real objects
	Real    float64   // mean of those of the real sets from each other, at the same number of objects
	Score   float64   // [InceptionScore], with the judge's own classes
	Shares  []float64 // of the objects that the judge takes for each class
}

// Ratio is the distance over that of real objects from real ones: 1 for a perfect generator.
func (r JudgeReport) Ratio() float64 { return r.Frechet / r.Real }

// NewJudge returns a judge that looks at the activations after hidden layer k = 1, 2, … of a trained classifier, see
// [Classifier.Features]. real are at least two sets of as many real objects, [l, n] each: how far they are from each other is the
// measure for generated ones.
func NewJudge(c *Classifier, k int, real ...*tensors.Tensor) (*Judge, error) {
	if len(real) < 2 {
		return nil, fmt.Errorf("lecture11: NewJudge with %d sets of real objects, want at least 2: their distance is the measure", len(real))
	}
	j := &Judge{classifier: c, layer: k}
	for i, x := range real {
		fit, err := j.fit(x)
		if err != nil {
			return nil, fmt.Errorf("lecture11: NewJudge, set %d of real objects: %w", i, err)
		}
		j.real = append(j.real, fit)
		if want := j.real[0].Objects; fit.Objects != want {
			return nil, fmt.Errorf("lecture11: NewJudge: set %d has %d real objects, want %d as in set 0: the distance depends on it",
				i, fit.Objects, want)
		}
	}
	for i, a := range j.real {
		distances, err := frechetSum(a, j.real[:i])
		if err != nil {
			return nil, err
		}
		j.floor += distances
	}
	j.floor /= float64(len(real)*(len(real)-1)) / 2
	if rounding := 1e-6 * mat.Trace(j.real[0].Covariance); !(j.floor > rounding) {
		return nil, errors.New("lecture11: NewJudge: the sets of real objects look the same, want sets without common objects")
	}
	return j, nil
}

// frechetSum adds up the distances of a from others.
func frechetSum(a GaussianFit, others []GaussianFit) (sum float64, err error) {
	for _, b := range others {
		distance, err := FrechetDistance(a, b)
		if err != nil {
			return 0, err
		}
		sum += distance
	}
	return sum, nil
}

// fit takes mean and covariance of what the judge sees in objects.
func (j *Judge) fit(x *tensors.Tensor) (GaussianFit, error) {
	features, err := j.classifier.Features(x, j.layer)
	if err != nil {
		return GaussianFit{}, err
	}
	return FitGaussian(features)
}

// Report judges objects x [l, n], as many as each set of real ones has: a Fréchet distance falls with their number.
func (j *Judge) Report(x *tensors.Tensor) (JudgeReport, error) {
	fit, err := j.fit(x)
	if err != nil {
		return JudgeReport{}, err
	}
	if want := j.real[0].Objects; fit.Objects != want {
		return JudgeReport{}, fmt.Errorf("lecture11: Judge.Report of %d objects, want %d as in each set of real ones: the distance depends on it",
			fit.Objects, want)
	}
	distances, err := frechetSum(fit, j.real)
	if err != nil {
		return JudgeReport{}, err
	}
	r := JudgeReport{Frechet: distances / float64(len(j.real)), Real: j.floor, Shares: make([]float64, j.classifier.cfg.Classes)}
	p, err := j.classifier.Predict(x)
	if err != nil {
		return JudgeReport{}, err
	}
	if r.Score, err = InceptionScore(p); err != nil {
		return JudgeReport{}, err
	}
	classes, err := Likeliest(p)
	if err != nil {
		return JudgeReport{}, err
	}
	for _, class := range classes {
		r.Shares[class] += 1 / float64(len(classes))
	}
	return r, nil
}
