package lecture11

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// naiveDistances holds the distances as loops over the known components. "minkowski 3" represents a custom distance.
var naiveDistances = map[string]func(x, w []float64) float64{
	"manhattan": func(x, w []float64) float64 {
		sum := 0.0
		for j := range x {
			sum += zeroIfNaN(math.Abs(x[j] - w[j]))
		}
		return sum
	},
	"chebyshev": func(x, w []float64) float64 {
		most := 0.0
		for j := range x {
			most = max(most, zeroIfNaN(math.Abs(x[j]-w[j])))
		}
		return most
	},
	"cosine": func(x, w []float64) float64 {
		return 1 - dot(x, w)/math.Sqrt(dot(x, x)*dot(w, w))
	},
	"minkowski 3": func(x, w []float64) float64 {
		sum := 0.0
		for j := range x {
			sum += math.Pow(math.Abs(x[j]-w[j]), 3)
		}
		return math.Cbrt(sum)
	},
}

// minkowski is (Σ_j |x_j − w_j|³)^⅓, as a user would build it.
func minkowski(x, w *Node) *Node {
	cubes := PowScalar(Abs(Sub(ExpandAxes(x, 1), ExpandAxes(w, 0))), 3)
	return PowScalar(AddScalar(ReduceSum(cubes, -1), 1e-30), 1.0/3)
}

// withDistance sets the distance of a configuration, with its function if it is a custom one.
func withDistance(cfg SOMConfig, name string) SOMConfig {
	if cfg.Distance = name; name == "minkowski 3" {
		cfg.DistanceFunc = minkowski
	}
	return cfg
}

// TestSOMDistanceOracle compares trainings with each distance with loops in float64.
func TestSOMDistanceOracle(t *testing.T) {
	long(t)
	linear := Schedule{Name: "linear", Start: 1.9, End: 0.6}
	for name := range naiveDistances {
		for i, kind := range []string{"plain", "offset", "missing", "weighted"} {
			if kind == "missing" && !(somMetric{name: name}).moves() || kind == "missing" && name == "minkowski 3" {
				continue
			}
			if testing.Short() && (i > 0 || name == "chebyshev") {
				continue
			}
			t.Run(name+" "+kind, func(t *testing.T) {
				x, omega := oracleData(kind)
				cfg := withDistance(SOMConfig{Grid: Grid{Width: 5, Height: 4, Hex: true}, Features: 3, Init: "samples", Seed: 3}, name)
				for _, fit := range []SOMFit{
					{Epochs: 6, Radius: linear, LearningRate: Schedule{Name: "constant", Start: 0.7}},
					{Mode: "online", Steps: 150, Radius: linear, Seed: 4},
				} {
					compareWithOracle(t, cfg, x, omega, fit, 2e-5)
				}
			})
		}
	}
}

// TestSOMDistanceWide compares maps of many components, and maps of many nodes, whose objects come in chunks, with
// loops. It trains one epoch from weights that are objects. Later, nodes are so close to each other that rounding
// decides between two of them, and one object that changes its node moves weights by more than any rounding.
func TestSOMDistanceWide(t *testing.T) {
	if testing.Short() {
		t.Skip("large maps")
	}
	for name := range naiveDistances {
		cfg := withDistance(SOMConfig{Grid: Grid{Width: 12, Height: 11}, Features: 150, Init: "samples"}, name)
		compareWithOracle(t, cfg, somObjects(400, 150, 0.5, 0), nil, SOMFit{Epochs: 1}, 1e-4)
		cfg = withDistance(SOMConfig{Grid: Grid{Width: 40, Height: 30}, Features: 5, Init: "samples"}, name)
		compareWithOracle(t, cfg, somObjects(3000, 5, 0.5, 0), nil, SOMFit{Epochs: 1}, 1e-4)
	}
}

// TestSOMDistanceTogether: maps that are trained together with a distance are the same as when trained one by one.
func TestSOMDistanceTogether(t *testing.T) {
	if testing.Short() {
		t.Skip("many programs")
	}
	for name := range naiveDistances {
		for _, fit := range []SOMFit{{Epochs: 5}, {Mode: "online", Steps: 100}} {
			var maps []*SOM
			var singles [][][]float64
			for i, grid := range []Grid{{Width: 4, Height: 4}, {Width: 2, Height: 3}} {
				cfg := withDistance(SOMConfig{Grid: grid, Features: 3, Init: "samples", Seed: int64(i)}, name)
				single := newMap(t, cfg)
				trainSOM(t, single, somObjects(60, 3, 1, 0), nil, fit)
				w, _ := single.Weights()
				singles, maps = append(singles, matrixOf(w)), append(maps, newMap(t, cfg))
			}
			training, err := TrainTogether(maps, somObjects(60, 3, 1, 0), "x", nil, []SOMFit{fit})
			if err != nil {
				t.Fatal(err)
			}
			if err := training.Run(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			// The radius of each map follows its own grid, so that singles and maps have the same fits.
			for i, m := range maps {
				checkClose(t, mapWeights(t, m), singles[i], 2e-5)
			}
		}
	}
}

// TestSOMDistanceMiniSom compares weights, winners, Quantize and Distortion with MiniSom's; see testdata/gen/som_distance.py.
func TestSOMDistanceMiniSom(t *testing.T) {
	long(t)
	text, err := os.ReadFile("testdata/som_distance.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Width, Height, Features int
		Objects                 []float32
		Cases                   []struct {
			Distance, Mode            string
			Sigma, Eta, Distortion    float64
			Steps                     int
			Start, Weights, Quantized []float32
			Winners                   []int32
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	x := tensors.FromFlatDataAndDimensions(file.Objects, len(file.Objects)/file.Features, file.Features)
	for i, c := range file.Cases {
		if testing.Short() && i != 2 && i != 5 {
			continue
		}
		t.Run(c.Distance+" "+c.Mode, func(t *testing.T) {
			cfg := SOMConfig{Grid: Grid{Width: file.Width, Height: file.Height}, Features: file.Features, Init: "uniform"}
			cfg = withDistance(cfg, strings.Replace(c.Distance, "minkowski", "minkowski 3", 1))
			fit := SOMFit{Mode: c.Mode, Order: "sequential", LearningRate: minisomSchedule("asymptotic_decay", c.Eta),
				Radius: minisomSchedule("asymptotic_decay", c.Sigma)}
			if fit.Steps = c.Steps; c.Mode == "batch" {
				fit.Steps, fit.Epochs = 0, c.Steps
			}
			m := newMap(t, cfg)
			if err := m.SetWeights(tensors.FromFlatDataAndDimensions(c.Start, cfg.Nodes(), cfg.Features)); err != nil {
				t.Fatal(err)
			}
			checkFlat(t, "weight", trainSOM(t, m, x, nil, fit), c.Weights)
			winners, _, err := m.Winners(x, 1)
			if err != nil || !slices.Equal(winners, c.Winners) {
				t.Errorf("winners %v, want MiniSom's %v (%v)", winners, c.Winners, err)
			}
			quantized, err := m.Quantize(x)
			if err != nil {
				t.Fatal(err)
			}
			checkFlat(t, "quantized", tensors.MustCopyFlatData[float32](quantized), c.Quantized)
			distortion, err := m.Distortion(x, c.Sigma)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "distortion", distortion, c.Distortion, 1e-4*c.Distortion)
		})
	}
}

func checkFlat(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d numbers of %s, want %d", len(got), what, len(want))
	}
	for i, v := range got {
		if !(math.Abs(float64(v-want[i])) <= 1e-4) {
			t.Fatalf("%s %d = %g, want MiniSom's %g", what, i, v, want[i])
		}
	}
}

// TestSOMDistanceReading compares the nearest nodes, the measures and the losses of a map with each distance with
// loops, for objects of several scales and types.
func TestSOMDistanceReading(t *testing.T) {
	long(t)
	objects := map[string]*tensors.Tensor{"float32": somObjects(40, 3, 1, 0)}
	flat := tensors.MustCopyFlatData[float32](objects["float32"])
	tiny, integers := make([]float64, len(flat)), make([]int32, len(flat))
	for i, v := range flat {
		tiny[i], integers[i] = float64(v)*1e-25, int32(100*v)
	}
	objects["1e-25"] = tensors.FromFlatDataAndDimensions(tiny, 40, 3)
	objects["int32"] = tensors.FromFlatDataAndDimensions(integers, 40, 3)
	for name, distance := range naiveDistances {
		for kind, x := range objects {
			if name == "minkowski 3" && kind == "1e-25" || testing.Short() && (kind != "int32" || name == "chebyshev") {
				continue // a custom function gets the objects in their own unit
			}
			t.Run(name+" "+kind, func(t *testing.T) {
				m := newMap(t, withDistance(SOMConfig{Grid: Grid{Width: 3, Height: 3}, Features: 3}, name))
				checkDistanceReading(t, m, x, distance)
			})
		}
	}
}

func checkDistanceReading(t *testing.T, m *SOM, x *tensors.Tensor, distance func(x, w []float64) float64) {
	t.Helper()
	training, err := m.Training(x, "x", nil, SOMFit{Epochs: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	near2, err := m.Nearest(x, 2)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := m.Weights()
	rows, sum, unit := matrixOf(w), 0.0, 0.0
	for i, object := range matrixOf(x) {
		var all []float64
		for _, row := range rows {
			all = append(all, distance(object, row))
		}
		unit = slices.Max(all)
		slices.Sort(all)
		sum += all[0]
		for k := range 2 {
			near(t, "distance", near2.Distances[2*i+k]/unit, all[k]/unit, 2e-6)
			near(t, "distance to the node", distance(object, rows[near2.Nodes[2*i+k]])/unit, all[k]/unit, 2e-6)
		}
	}
	q, err := m.Quality(x)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "QE", q.Quantisation*40/sum, 1, 1e-5)
}

// TestSOMDistortion compares the distortion with its double sum, including missing components.
func TestSOMDistortion(t *testing.T) {
	x := somObjects(30, 3, 5, 0.2)
	m := newMap(t, SOMConfig{Grid: Grid{Width: 4, Height: 3, Hex: true}, Features: 3, Neighbourhood: "triangle", Init: "samples"})
	trainSOM(t, m, x, nil, SOMFit{Epochs: 2})
	winners, _, err := m.Winners(x, 1)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := m.Weights()
	rows := matrixOf(w)
	o := somOracle{}
	for _, radius := range []float64{0, 0.7, 2.5} {
		want := 0.0
		for i, object := range matrixOf(x) {
			for c, row := range rows {
				want += m.cfg.Kernel(int(winners[i]), c, radius) * o.square(object, row)
			}
		}
		got, err := m.Distortion(x, radius)
		if err != nil {
			t.Fatal(err)
		}
		near(t, fmt.Sprintf("distortion at σ = %g", radius), got, want, 1e-9*want)
	}
	if _, err := m.Distortion(x, math.NaN()); err == nil || !strings.Contains(err.Error(), "radius = NaN") {
		t.Errorf("radius NaN: %v", err)
	}
}

// TestSOMDistanceKey: another distance, or another ID, has another key.
func TestSOMDistanceKey(t *testing.T) {
	keys := map[string]bool{}
	for _, cfg := range []SOMConfig{{}, {Distance: "cosine"}, {Distance: "mine/1", DistanceFunc: minkowski}, {Distance: "mine/2", DistanceFunc: minkowski}} {
		cfg.Grid, cfg.Features = Grid{Width: 2, Height: 2}, 3
		training, err := newMap(t, cfg).Training(somObjects(9, 3, 0, 0), "x", nil, SOMFit{})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(training.Key())
		if err != nil {
			t.Fatal(err)
		}
		keys[string(text)] = true
	}
	if len(keys) != 4 {
		t.Errorf("4 distances have %d keys: %v", len(keys), keys)
	}
}

func TestSOMDistanceBadInput(t *testing.T) {
	good := SOMConfig{Grid: Grid{Width: 2, Height: 2}, Features: 3}
	for want, cfg := range map[string]SOMConfig{
		`SOMConfig.Distance = "hamming", want one of ["chebyshev" "cosine"`: {Distance: "hamming"},
		`SOMConfig.Distance = "cosine" with a DistanceFunc, want an ID`:     {Distance: "cosine", DistanceFunc: minkowski},
		`SOMConfig.Distance = "" with a DistanceFunc, want an ID`:           {DistanceFunc: minkowski},
	} {
		cfg.Grid, cfg.Features = good.Grid, 3
		if _, err := NewSOM(testx.Backend(t), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %s", err, want)
		}
	}
	zero := tensors.FromFlatDataAndDimensions(make([]float32, 6), 2, 3)
	for want, c := range map[string]struct {
		distance string
		x        *tensors.Tensor
		fit      SOMFit
	}{
		`"heskes" with SOMConfig.Distance = "manhattan", want "euclidean"`: {"manhattan", somObjects(9, 3, 0, 0), SOMFit{Winner: "heskes"}},
		`row 0 of the objects is 0 in every component, want a direction`:   {"cosine", zero, SOMFit{}},
		`objects with NaN and SOMConfig.Distance = "cosine", want all`:     {"cosine", somObjects(90, 3, 0, 0.5), SOMFit{}},
		`objects with NaN and SOMConfig.Distance = "minkowski 3", want`:    {"minkowski 3", somObjects(90, 3, 0, 0.5), SOMFit{}},
	} {
		m := newMap(t, withDistance(good, c.distance))
		if _, err := m.Training(c.x, "x", nil, c.fit); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %s", err, want)
		}
	}
	m := newMap(t, SOMConfig{Grid: good.Grid, Features: 3, Distance: "wrong", DistanceFunc: func(x, w *Node) *Node { return x }})
	_, err := m.Training(somObjects(9, 3, 0, 0), "x", nil, SOMFit{})
	wantError(t, err, `SOMConfig.DistanceFunc "wrong" returns`)
}
