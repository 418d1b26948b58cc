package lecture11

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
)

// minisomCase is a training by MiniSom; see testdata/gen/som_minisom.py.
type minisomCase struct {
	Topology, Neighbourhood, Mode string
	EtaDecay                      string `json:"eta_decay"`
	SigmaDecay                    string `json:"sigma_decay"`
	Sigma, Eta                    float64
	Steps                         int
	Start, Weights                []float32
}

// minisomSchedule returns MiniSom's decay of a parameter as a Schedule.
func minisomSchedule(decay string, start float64) Schedule {
	switch decay {
	case "asymptotic_decay":
		return Schedule{Name: "inverse", Start: start, End: start / 3}
	case "inverse_decay_to_one":
		return Schedule{Name: "inverse", Start: start, End: 1}
	case "linear_decay_to_one":
		return Schedule{Name: "linear", Start: start, End: 1}
	case "inverse_decay_to_zero":
		return Schedule{Name: "inverse", Start: start, End: start / 101}
	case "linear_decay_to_zero":
		return Schedule{Name: "linear", Start: start}
	}
	panic(decay)
}

// training returns the map and the fit that compute the same as MiniSom.
func (c minisomCase) training(width, height, features int) (SOMConfig, SOMFit) {
	cfg := SOMConfig{Features: features, Grid: Grid{Width: width, Height: height, Hex: c.Topology == "hexagonal"}}
	fit := SOMFit{Mode: c.Mode, Order: "sequential",
		LearningRate: minisomSchedule(c.EtaDecay, c.Eta), Radius: minisomSchedule(c.SigmaDecay, c.Sigma)}
	if fit.Steps = c.Steps; c.Mode == "batch" {
		fit.Steps, fit.Epochs = 0, c.Steps
	}
	cfg.Neighbourhood = map[string]string{"gaussian": "gaussian", "bubble": "square bubble", "triangle": "square triangle"}[c.Neighbourhood]
	if c.Neighbourhood == "triangle" && c.Mode == "online" { // MiniSom's is σ² at its top; in a batch that cancels
		eta, sigma := fit.LearningRate, fit.Radius
		fit.LearningRate = Schedule{Func: func(t float64) float64 { return eta.at(t) * sigma.at(t) * sigma.at(t) }}
	}
	return cfg, fit
}

// TestSOMMiniSom compares weights with MiniSom's, for the same initial weights and the same order of objects.
func TestSOMMiniSom(t *testing.T) {
	long(t)
	text, err := os.ReadFile("testdata/som_minisom.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Width, Height, Features int
		Objects                 []float32
		Cases                   []minisomCase
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for i, c := range file.Cases {
		if testing.Short() && i > 3 {
			break
		}
		t.Run(c.Mode+" "+c.Topology+" "+c.Neighbourhood+" "+c.EtaDecay+" "+c.SigmaDecay, func(t *testing.T) {
			cfg, fit := c.training(file.Width, file.Height, file.Features)
			m := newMap(t, cfg)
			if err := m.SetWeights(tensors.FromFlatDataAndDimensions(c.Start, cfg.Nodes(), cfg.Features)); err != nil {
				t.Fatal(err)
			}
			x := tensors.FromFlatDataAndDimensions(file.Objects, len(file.Objects)/file.Features, file.Features)
			got, worst := trainSOM(t, m, x, nil, fit), 0.0
			for j, v := range got {
				worst = max(worst, math.Abs(float64(v-c.Weights[j])))
			}
			t.Logf("largest difference %.1e", worst)
			if !(worst <= 1e-4) {
				t.Errorf("largest difference of weights %g, want at most 1e-4", worst)
			}
		})
	}
}
