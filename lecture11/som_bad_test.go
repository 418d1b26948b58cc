package lecture11

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// TestSOMBadInput: for each mistake there is an error that names the field, its value and the wanted value.
func TestSOMBadInput(t *testing.T) {
	backend := testx.Backend(t)
	good := SOMConfig{Grid: Grid{Width: 3, Height: 2}, Features: 3}
	for want, cfg := range map[string]SOMConfig{
		`lecture11: Grid.Width = 0, want a positive`:                                   {Grid: Grid{Height: 2}, Features: 3},
		`lecture11: SOMConfig.Features = 0, want`:                                      {Grid: good.Grid},
		`lecture11: SOMConfig.Neighbourhood = "mexican", want one of "bubble", "cut g`: {Grid: good.Grid, Features: 3, Neighbourhood: "mexican"},
		`lecture11: SOMConfig.Init = "zero", want one of "pca", "samples", "uniform"`:  {Grid: good.Grid, Features: 3, Init: "zero"},
	} {
		if _, err := NewSOM(backend, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %s", err, want)
		}
	}
	x := somObjects(10, 3, 0, 0)
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	tensor := func(dims []int, v ...float32) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(v, dims...) }
	for want, c := range map[string]struct {
		x, w *tensors.Tensor
		fit  SOMFit
	}{
		`lecture11: SOMConfig.Features = 3, the data have 4`:                 {x: somObjects(10, 4, 0, 0)},
		`lecture11: objects of shape nil, want [l, 3]`:                       {},
		`lecture11: objects of shape (Float32)[3], want [l, 3]`:              {x: tensor([]int{3}, 1, 2, 3)},
		`lecture11: objects of type Int8, want float32, float64, int32`:      {x: tensors.FromFlatDataAndDimensions([]int8{1, 2, 3}, 1, 3)},
		`lecture11: objects: row 1 is NaN in every component`:                {x: tensor([]int{2, 3}, 1, 2, 3, nan, nan, nan)},
		`lecture11: objects: component 2 of row 0 = -Inf, want a finite`:     {x: tensor([]int{1, 3}, 1, 2, inf)},
		`lecture11: weights of the objects: (Float32)[2], want Float32 [10]`: {x: x, w: tensor([]int{2}, 1, 1)},
		`lecture11: weight of object 1 = -1, want`:                           {x: somObjects(2, 3, 0, 0), w: tensor([]int{2}, 1, -1)},
		`lecture11: the weights of all objects are 0`:                        {x: somObjects(2, 3, 0, 0), w: tensor([]int{2}, 0, 0)},
		`lecture11: SOMFit.Mode = "offline", want one of "batch", "online"`:  {x: x, fit: SOMFit{Mode: "offline"}},
		`lecture11: SOMFit.Order = "sorted", want one of "random"`:           {x: x, fit: SOMFit{Order: "sorted"}},
		`lecture11: SOMFit.Winner = "second", want one of "heskes"`:          {x: x, fit: SOMFit{Winner: "second"}},
		`lecture11: SOMFit.Winner = "heskes", want "nearest" with Mode`:      {x: x, fit: SOMFit{Mode: "online", Winner: "heskes"}},
		`lecture11: SOMFit.Epochs = -1, want at least 1`:                     {x: x, fit: SOMFit{Epochs: -1}},
		`lecture11: SOMFit.Steps = 5, want 0 with Mode "batch"`:              {x: x, fit: SOMFit{Steps: 5}},
		`lecture11: SOMFit.Steps = 5 and Epochs = 2, want one of them`:       {x: x, fit: SOMFit{Mode: "online", Steps: 5, Epochs: 2}},
		`lecture11: SOMFit.Radius.Name = "cosine", want one of "constant"`:   {x: x, fit: SOMFit{Radius: Schedule{Name: "cosine"}}},
		`lecture11: SOMFit.Radius.Start = -1, want a number from 0`:          {x: x, fit: SOMFit{Radius: Schedule{Start: -1}}},
		`lecture11: SOMFit.Radius.End = 0 of a schedule "exponential"`:       {x: x, fit: SOMFit{Radius: Schedule{Name: "exponential", Start: 1}}},
		`lecture11: SOMFit.LearningRate.Start = 1.5, want a number from 0`:   {x: x, fit: SOMFit{LearningRate: Schedule{Start: 1.5}}},
		`lecture11: SOMFit.LearningRate = 2 at step 0, want a number from 0`: {x: x, fit: SOMFit{LearningRate: Schedule{Func: func(float64) float64 { return 2 }}}},
		`lecture11: SOMFit.Radius = NaN at step 0, want a number from 0`:     {x: x, fit: SOMFit{Radius: Schedule{Func: func(float64) float64 { return math.NaN() }}}},
		`lecture11: SOMFit.StopWhenStable = -2, want`:                        {x: x, fit: SOMFit{StopWhenStable: -2}},
	} {
		if _, err := newMap(t, good).Training(c.x, "x", c.w, c.fit); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %s", err, want)
		}
	}
	m := newMap(t, good)
	for want, w := range map[string]*tensors.Tensor{
		`lecture11: SetWeights of (Float32)[2, 3], want Float32 [6 3]`: tensor([]int{2, 3}, 1, 2, 3, 4, 5, 6),
		`lecture11: SetWeights: component 0 of node 1 is NaN`:          tensor([]int{6, 3}, 1, 1, 1, nan, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
	} {
		if err := m.SetWeights(w); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %s", err, want)
		}
	}
	if _, err := newMap(t, SOMConfig{Grid: good.Grid, Features: 3, Init: "pca"}).Weights(); err == nil {
		t.Error("a map of Init \"pca\" has weights before its training")
	}
	if _, err := TrainTogether([]*SOM{m, newMap(t, SOMConfig{Grid: good.Grid, Features: 2})}, x, "x", nil, []SOMFit{{}}); err == nil ||
		!strings.Contains(err.Error(), "map 1: SOMConfig.Features = 2, want 3 as in map 0") {
		t.Errorf("TrainTogether of maps of other components: %v", err)
	}
	own := func(factor float64) *SOM {
		return newMap(t, SOMConfig{Grid: good.Grid, Features: 3, Distance: "mine", DistanceFunc: func(x, w *Node) *Node {
			return MulScalar(ReduceSum(Abs(Sub(ExpandAxes(x, 1), ExpandAxes(w, 0))), -1), factor)
		}})
	}
	if _, err := TrainTogether([]*SOM{own(1), own(1)}, x, "x", nil, []SOMFit{{}}); err != nil {
		t.Errorf("TrainTogether of maps of equal distances: %v", err)
	}
	if _, err := TrainTogether([]*SOM{own(1), own(2)}, x, "x", nil, []SOMFit{{}}); err == nil ||
		!strings.Contains(err.Error(), `map 1: SOMConfig.DistanceFunc "mine" computes something else than that of map 0`) {
		t.Errorf("TrainTogether of maps of other distances: %v", err)
	}
}

// TestSOMOddInput: unusual but valid input yields finite weights.
func TestSOMOddInput(t *testing.T) {
	long(t)
	constant := tensors.FromFlatDataAndDimensions(make([]float32, 30), 10, 3)
	huge := tensors.FromFlatDataAndDimensions([]float32{1e18, -1e18, 0, 1, 2, 3}, 2, 3)
	nan := float32(math.NaN())
	unknown := tensors.FromFlatDataAndDimensions([]float32{1, nan, 2, 3, nan, 4, 5, nan, 6}, 3, 3)
	zero := Schedule{Start: 1, End: 0, Name: "linear"}
	for name, c := range map[string]struct {
		grid Grid
		x    *tensors.Tensor
		fit  SOMFit
	}{
		"one object":         {Grid{Width: 3, Height: 3}, somObjects(1, 3, 0, 0), SOMFit{}},
		"constant":           {Grid{Width: 3, Height: 3}, constant, SOMFit{}},
		"more units":         {Grid{Width: 9, Height: 9}, somObjects(4, 3, 0, 0), SOMFit{}},
		"1x1":                {Grid{Width: 1, Height: 1}, somObjects(9, 3, 0, 0), SOMFit{}},
		"1xn torus":          {Grid{Width: 1, Height: 8, Torus: true}, somObjects(9, 3, 0, 0), SOMFit{}},
		"radius to 0":        {Grid{Width: 3, Height: 3}, somObjects(9, 3, 0, 0), SOMFit{Radius: zero}},
		"radius tiny":        {Grid{Width: 3, Height: 3}, somObjects(9, 3, 0, 0), SOMFit{Radius: Schedule{Start: 1e-30}}},
		"radius huge":        {Grid{Width: 3, Height: 3}, somObjects(9, 3, 0, 0), SOMFit{Radius: Schedule{Start: 1e9}}},
		"large numbers":      {Grid{Width: 3, Height: 3}, huge, SOMFit{}},
		"a column never":     {Grid{Width: 3, Height: 3}, unknown, SOMFit{}},
		"step 0":             {Grid{Width: 3, Height: 3}, somObjects(9, 3, 0, 0), SOMFit{LearningRate: Schedule{Name: "linear", Start: 0, End: 1}}},
		"many missing":       {Grid{Width: 3, Height: 3}, somObjects(40, 3, 0, 0.9), SOMFit{}},
		"one step and stops": {Grid{Width: 3, Height: 3}, somObjects(9, 3, 0, 0), SOMFit{Epochs: 1, StopWhenStable: 1}},
	} {
		for _, init := range []string{"samples", "pca"} {
			for _, mode := range []string{"batch", "online"} {
				quick := name == "more units" || name == "radius to 0" || name == "constant"
				if testing.Short() && (mode == "online" || init == "pca" || !quick) {
					continue
				}
				fit := c.fit
				fit.Mode = mode
				m := newMap(t, SOMConfig{Grid: c.grid, Features: 3, Init: init})
				training, err := m.Training(c.x, "x", nil, fit)
				if err == nil {
					err = training.Run(context.Background(), nil)
				}
				var point *CollapsedError
				if collapses := errors.As(err, &point); collapses != (name == "radius huge") || err != nil && !collapses {
					t.Errorf("%s, %s, %s: %v", name, init, mode, err)
					continue
				}
				for i, v := range mapWeights(t, m) {
					if !finite(v) {
						t.Fatalf("%s, %s, %s: weight %d = %g", name, init, mode, i, v)
					}
				}
			}
		}
	}
}
