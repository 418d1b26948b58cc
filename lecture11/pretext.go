package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
)

// FewShotProbe is how well a linear probe does on features from few labels: it is fitted on perClass objects of each class,
// drawn from known by the seed ([LabelBudget]), and gives the share of test whose class it tells. The same seed draws the
// same objects whatever the features are, so that two features can be compared draw by draw.
//
// Slide "Self-supervised (pretext) tasks".
func FewShotProbe(known, test LabelledCodes, perClass int, seed uint64) (float64, error) {
	if known.Codes.Rank() != 2 || known.Codes.Shape().Dimensions[0] != len(known.Labels) {
		return 0, fmt.Errorf("lecture11: FewShotProbe of features %s with %d labels, want [l, d] and l labels",
			known.Codes.Shape(), len(known.Labels))
	}
	drawn, err := LabelBudget(known.Labels, perClass, seed)
	if err != nil {
		return 0, err
	}
	z, err := takeRows(known.Codes, drawn)
	if err != nil {
		return 0, err
	}
	labels, classes := make([]uint8, len(drawn)), 2
	for i, place := range drawn {
		labels[i] = known.Labels[place]
		classes = max(classes, int(labels[i])+1)
	}
	probe, err := NewLinearProbe(z, labels, classes)
	if err != nil {
		return 0, err
	}
	accuracy, err := probe.Accuracy(test.Codes, test.Labels)
	return accuracy.Mean, err
}

// Rival is the nearest object of another label.
type Rival struct {
	Place    int     // of the rival
	Distance float64 // ‖x − x′‖/‖x‖
}

// Rivals gives the rival of each of the objects x [l, n]. Where it is near, no one could tell the label from the object: of a
// letter H and its half turn, for one. A rival at distance 0 is a label of chance. It takes O(l²n) time.
//
// Slide "Self-supervised (pretext) tasks".
func Rivals(x *tensors.Tensor, labels []uint8) ([]Rival, error) {
	if x.Rank() != 2 || x.Size() == 0 || x.Shape().Dimensions[0] != len(labels) {
		return nil, fmt.Errorf("lecture11: Rivals of %s with %d labels, want [l, n] and l labels", x.Shape(), len(labels))
	}
	flat, err := Components(x)
	if err != nil {
		return nil, err
	}
	n := len(flat) / len(labels)
	rivals := make([]Rival, len(labels))
	parallel(len(labels), func(i int) {
		rivals[i] = rival(flat, labels, i, n)
	})
	for i, r := range rivals {
		if r.Place < 0 || math.IsNaN(r.Distance) || math.IsInf(r.Distance, 0) {
			return nil, fmt.Errorf("lecture11: Rivals: object %d, label %d, has none, want two labels and objects that are not 0",
				i, labels[i])
		}
	}
	return rivals, nil
}

func rival(flat []float64, labels []uint8, i, n int) Rival {
	x, best := flat[i*n:(i+1)*n], Rival{Place: -1, Distance: math.Inf(1)}
	length := 0.0
	for _, v := range x {
		length += v * v
	}
	for j, label := range labels {
		if label == labels[i] {
			continue
		}
		squares := 0.0
		for k, v := range flat[j*n : (j+1)*n] {
			squares += (v - x[k]) * (v - x[k])
		}
		if distance := math.Sqrt(squares / length); distance < best.Distance {
			best = Rival{j, distance}
		}
	}
	return best
}
