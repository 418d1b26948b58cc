package lecture11

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// mayBeNaN lists the tensors whose numbers need not be finite: a map treats NaN as a missing component, a model of
// several tasks as a missing label, and other functions only copy numbers or do not use the last row.
var mayBeNaN = []string{
	"AdviseSize.x", "FindNearest.x", "NearestObjects.x", "NewMapQuality.x", "NewNeighbourhoods.x", "NewNovelty.x", "Novelty.Scores.x", "SOM.Distortion.x",
	"SOM.Nearest.x", "SOM.Quality.x", "SOM.Quantize.x", "SOM.Training.x", "SOM.Winners.x", "TopographicError.x", "TrainTogether.x",
	"MultiTask.Evaluate.d.Y", "MultiTask.GradientConflict.d.Y", "MultiTask.Training.d.Y",
	"Alignment.Weights.weights", "Columns.t", "Components.x", "RepeatCodes.z", "WithLabels.x", "FewShotTuning.x",
}

// checkNotFinite makes the call with a tensor whose last component is not a finite number.
func checkNotFinite(t *testing.T, c tensorCall) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("panic: %v", p)
		}
	}()
	if !c.good.DType().IsFloat() {
		return
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		err := c.call(withLast(c.good, bad))
		if err == nil || !strings.HasPrefix(err.Error(), "lecture11: ") || !strings.Contains(err.Error(), fmt.Sprintf("%g", bad)) {
			t.Errorf("error of a tensor with %g: %v", bad, err)
		}
	}
}
