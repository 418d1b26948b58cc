package lecture11

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// FewShotProbe measures a linear probe of features on few labels. It fits the probe to perClass objects of each class,
// which the seed draws from known ([LabelBudget]), and returns its accuracy on test. The same seed draws the same
// objects for all features, so that two kinds of features can be compared draw by draw.
//
// Slide "Self-supervised (pretext) tasks".
func FewShotProbe(known, test LabelledCodes, perClass int, seed uint64) (float64, error) {
	if err := checkAllFinite("FewShotProbe", known.Codes, test.Codes); err != nil {
		return 0, err
	}
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
	labels, classes := make([]int, len(drawn)), 2
	for i, place := range drawn {
		labels[i] = known.Labels[place]
		classes = max(classes, labels[i]+1)
	}
	probe, err := NewLinearProbe(z, labels, classes)
	if err != nil {
		return 0, err
	}
	accuracy, err := probe.Accuracy(test.Codes, test.Labels)
	return accuracy.Mean, err
}

// Rival is the nearest object with another label.
type Rival struct {
	Place    int     // index of the rival in the pool
	Distance float64 // ‖x − x′‖/‖x‖
}

// Rivals returns for each object of x [l, n] its rival among those of pool [m, n]: the nearest one with another label.
// If it is close, the label cannot be inferred from the object, as for a letter H and its half turn. If the distance is
// 0, the label is arbitrary. It takes O(lmn) time.
//
// Slide "Self-supervised (pretext) tasks".
func Rivals(x, pool LabelledCodes) ([]Rival, error) {
	from, err := labelledRows(x)
	if err != nil {
		return nil, err
	}
	others, err := labelledRows(pool)
	if err != nil {
		return nil, err
	}
	if len(from[0]) != len(others[0]) {
		return nil, fmt.Errorf("lecture11: Rivals of %s in a pool %s, want equal numbers of components", x.Codes.Shape(), pool.Codes.Shape())
	}
	rivals := make([]Rival, len(from))
	parallel(len(from), func(i int) { rivals[i] = rival(from[i], x.Labels[i], others, pool.Labels) })
	for i, r := range rivals {
		if r.Place < 0 || math.IsNaN(r.Distance) || math.IsInf(r.Distance, 0) {
			return nil, fmt.Errorf("lecture11: Rivals: object %d, label %d, has none, want another label in the pool, and objects "+
				"that are not 0", i, x.Labels[i])
		}
	}
	return rivals, nil
}

// labelledRows returns objects one by one. Bytes are scaled to [0, 1].
func labelledRows(c LabelledCodes) ([][]float64, error) {
	if err := checkAllFinite("Rivals", c.Codes); err != nil {
		return nil, err
	}
	if c.Codes.Rank() != 2 || c.Codes.Size() == 0 || c.Codes.Shape().Dimensions[0] != len(c.Labels) {
		return nil, fmt.Errorf("lecture11: Rivals of objects with %d labels, want [l, n] and l labels", len(c.Labels))
	}
	flat, err := Components(c.Codes)
	if err != nil {
		return nil, err
	}
	return cut(flat, len(c.Labels)), nil
}

func rival(x []float64, label int, pool [][]float64, labels []int) Rival {
	best, length := Rival{Place: -1, Distance: math.Inf(1)}, floats.Norm(x, 2)
	for i, other := range pool {
		if labels[i] == label {
			continue
		}
		if distance := floats.Distance(x, other, 2) / length; distance < best.Distance {
			best = Rival{i, distance}
		}
	}
	return best
}
