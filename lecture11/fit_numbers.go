package lecture11

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// stepNumbers holds the numbers in which a step differs from the other steps of its training, and from those of other
// trainings of the same networks. All are scalars. They are inputs of the program instead of constants in it, so that
// trainings that differ in nothing else are one program, which XLA compiles once.
type stepNumbers struct {
	progress    *Node   // share t ∈ [0, 1) of the training that is done; float32
	remaining   *Node   // factor d(t) ∈ [0, 1] of the rate; see FitConfig.Decay
	rate        *Node   // η·d(t)
	beta1, rest *Node   // β₁ of Adam, and 1 − β₁
	weightDecay *Node   // λ of AdamW; nil if it is 0
	own         []*Node // those of the model; see trainingSpec.numbers
}

// decays maps the names in FitConfig.Decay to the factor of η after the share t ∈ [0, 1) of the training.
var decays = map[string]func(t float64) float64{
	"constant": func(float64) float64 { return 1 },
	"linear":   func(t float64) float64 { return 1 - t },
	"cosine":   func(t float64) float64 { return (1 + math.Cos(math.Pi*t)) / 2 },
}

// sharedNumbers is the number of values that come before those of the model; see numbersAt.
const sharedNumbers = 6

// numbersAt returns the values of stepNumbers after the share t of the training, in the order of its fields, except for
// those of the model.
func (c FitConfig) numbersAt(t float64) [sharedNumbers]float64 {
	remaining := decays[c.Decay](t)
	return [...]float64{t, remaining, c.LearningRate * remaining, c.beta1(), 1 - c.beta1(), c.WeightDecay}
}

// stepNumbers returns the numbers of the row i of a table, whose rows belong to the steps of a call: float64,
// [StepsPerCall, sharedNumbers + those of the model].
func (c FitConfig) stepNumbers(table, i *Node) *stepNumbers {
	row := Gather(table, Reshape(i, 1, 1)) // [1, numbers]
	values := make([]*Node, table.Shape().Dim(1))
	for j := range values {
		values[j] = Reshape(Slice(row, AxisElem(0), AxisElem(j)))
	}
	now := &stepNumbers{
		progress: ConvertDType(values[0], dtypes.Float32), remaining: values[1], rate: values[2], beta1: values[3], rest: values[4],
		own: values[sharedNumbers:],
	}
	if c.WeightDecay > 0 {
		now.weightDecay = values[5]
	}
	return now
}

// slower returns the same numbers with a fraction of the rate, a scalar.
func (now stepNumbers) slower(fraction *Node) *stepNumbers {
	now.rate = Mul(now.rate, fraction)
	return &now
}
