package lecture11

import (
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// Judge measures how close generated objects are to real ones, in the features of a classifier. The classifier should
// not be trained on the generator's objects or, at best, on the real objects that it compares with. The values depend
// on that classifier, [Classifier.WeightsHash], and on the number of objects. If the classifier's weights change, the
// judge returns errors.
//
// Slide "How to judge a generator".
type Judge struct {
	classifier *Classifier
	weights    string // [Classifier.WeightsHash] at the time of NewJudge
	layer      int
	real       []judged
	floor      float64
}

// judged holds the statistics of the features of a set of objects.
type judged struct {
	GaussianFit
	blocks featureBlocks
}

// judgeBlocks is the number of blocks of a judge's [KernelDistance]; with fewer than 20 objects there are fewer
// blocks.
const judgeBlocks = 10

// JudgeReport holds the values of a [Judge] for a set of objects.
type JudgeReport struct {
	Frechet float64   // mean of the Fréchet distances to the sets of real objects
	Real    float64   // mean of the distances between the real sets, at the same number of objects
	Score   float64   // [InceptionScore], with the judge's own classes
	Shares  []float64 // of the objects that the judge assigns to each class
	Kernel  Estimate  // mean over the blocks of the [KernelDistance] to the sets of real objects; about 0 for real objects
}

// Ratio returns the distance divided by that of real objects from real ones: 1 for a perfect generator.
func (r JudgeReport) Ratio() float64 { return r.Frechet / r.Real }

// NewJudge returns a judge that uses the activations after hidden layer k = 1, 2, … of a trained classifier, see
// [Classifier.Features]. real holds at least two sets of the same number of real objects, [l, n] each; the distances
// between them are the reference for generated objects. A training of the classifier waits until all sets are measured.
func NewJudge(c *Classifier, k int, real ...*tensors.Tensor) (*Judge, error) {
	if err := checkGiven("NewJudge", "the classifier", c != nil, "a trained one"); err != nil {
		return nil, err
	}
	if len(real) < 2 {
		return nil, fmt.Errorf("lecture11: NewJudge with %d sets of real objects, want at least 2: their distance is the reference", len(real))
	}
	j := &Judge{classifier: c, layer: k}
	if err := j.meet(real); err != nil {
		return nil, fmt.Errorf("lecture11: NewJudge: %w", err)
	}
	for i, a := range j.real {
		distances, err := frechetSum(a.GaussianFit, j.real[:i])
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

// frechetSum returns the sum of the distances of a from others.
func frechetSum(a GaussianFit, others []judged) (sum float64, err error) {
	for _, b := range others {
		distance, err := FrechetDistance(a, b.GaussianFit)
		if err != nil {
			return 0, err
		}
		sum += distance
	}
	return sum, nil
}

// holding returns the judge's classifier for several uses of the same weights; see [fitted.hold].
func (j *Judge) holding() (c *Classifier, release func()) {
	held, release := j.classifier.hold()
	return &Classifier{cfg: j.classifier.cfg, body: j.classifier.body, fitted: held}, release
}

// meet computes the statistics of the sets of real objects, all with the same weights of the classifier.
func (j *Judge) meet(real []*tensors.Tensor) (err error) {
	c, release := j.holding()
	defer release()
	for i, x := range real {
		seen, err := j.see(c, x)
		if err != nil {
			return fmt.Errorf("set %d of real objects: %w", i, err)
		}
		j.real = append(j.real, seen)
		if want := j.real[0].Objects; seen.Objects != want {
			return fmt.Errorf("set %d has %d real objects, want %d as in set 0: the distance depends on it", i, seen.Objects, want)
		}
	}
	j.weights, err = c.WeightsHash()
	return err
}

// see computes the statistics of the features of objects that the judge compares.
func (j *Judge) see(c *Classifier, x *tensors.Tensor) (judged, error) {
	features, err := c.Features(x, j.layer)
	if err != nil {
		return judged{}, err
	}
	fit, err := FitGaussian(features)
	if err != nil {
		return judged{}, err
	}
	blocks, err := newFeatureBlocks(features, max(1, min(judgeBlocks, fit.Objects/2)))
	return judged{fit, blocks}, err
}

// look returns the statistics of objects and the probabilities of their classes, both with the weights that were used
// for the real objects.
func (j *Judge) look(x *tensors.Tensor) (seen judged, p *tensors.Tensor, err error) {
	c, release := j.holding()
	defer release()
	hash, err := c.WeightsHash()
	if err != nil {
		return seen, nil, err
	}
	if hash != j.weights {
		return seen, nil, fmt.Errorf("lecture11: Judge.Report: the classifier has the weights %s, want %s as in NewJudge: make a new Judge", hash, j.weights)
	}
	if seen, err = j.see(c, x); err != nil {
		return seen, nil, err
	}
	p, err = c.Predict(x)
	return seen, p, err
}

// kernelDistance returns the [KernelDistance] of objects from the sets of real ones, with the mean over the sets for
// each block.
func (j *Judge) kernelDistance(x judged) (Estimate, error) {
	means := make([]float64, len(x.blocks.own))
	for _, real := range j.real {
		distance, err := kernelDistance(x.blocks, real.blocks)
		if err != nil {
			return Estimate{}, err
		}
		for i, v := range distance.PerObject {
			means[i] += v / float64(len(j.real))
		}
	}
	return NewEstimate(means), nil
}

// Report judges objects x [l, n]. Their number must be that of each set of real ones, because a Fréchet distance falls
// with it.
func (j *Judge) Report(x *tensors.Tensor) (JudgeReport, error) {
	fit, p, err := j.look(x)
	if err != nil {
		return JudgeReport{}, err
	}
	if want := j.real[0].Objects; fit.Objects != want {
		return JudgeReport{}, fmt.Errorf("lecture11: Judge.Report of %d objects, want %d as in each set of real ones: the distance depends on it",
			fit.Objects, want)
	}
	distances, err := frechetSum(fit.GaussianFit, j.real)
	if err != nil {
		return JudgeReport{}, err
	}
	r := JudgeReport{Frechet: distances / float64(len(j.real)), Real: j.floor, Shares: make([]float64, j.classifier.cfg.Classes)}
	if r.Kernel, err = j.kernelDistance(fit); err != nil {
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
