package lecture11

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"deeplearning.example/internal/testx"
)

// fieldsWithoutZero are the number fields whose 0 stands for a default, and why no other meaning of 0 is lost.
var fieldsWithoutZero = map[string]string{
	"FitConfig.Epochs":                   "no training at all",
	"FitConfig.Batch":                    "no objects in a step",
	"FitConfig.LearningRate":             "no training at all",
	"FitConfig.StepsPerCall":             "no steps in a call",
	"VAEConfig.NoiseStd":                 "the density of a normal distribution divides by it",
	"VAEConfig.PriorStd":                 "the density of a normal distribution divides by it",
	"VAEConfig.Samples":                  "no code to decode",
	"VQVAEConfig.Positions":              "no code to decode",
	"VQVAEConfig.Memory":                 "must lie in (0, 1)",
	"VQVAEConfig.CodeStd":                "equal code vectors never part",
	"GANConfig.Steps":                    "Frozen names a net that does not learn",
	"MultiTaskConfig.Runs":               "no model",
	"MetaConfig.Episode.Ways":            "no class to tell apart",
	"MetaConfig.Episode.Shots":           "no object to learn from",
	"MetaConfig.Episode.Queries":         "no object to test with",
	"MetaConfig.Episodes":                "no training at all",
	"MetaConfig.InnerSteps":              "the model would not learn from an episode",
	"MetaConfig.InnerRate":               "the model would not learn from an episode",
	"MetaConfig.OuterRate":               "no training at all",
	"PrototypeNetConfig.Latent":          "no code",
	"PrototypeNetConfig.Episodes":        "no training at all",
	"PrototypeNetConfig.Episode.Ways":    "no class to tell apart",
	"PrototypeNetConfig.Episode.Shots":   "no object to learn from",
	"PrototypeNetConfig.Episode.Queries": "no object to test with",
	"DoctorConfig.Every":                 "no step to look at",
	"DoctorConfig.Persist":               "no look",
	"DoctorConfig.Objects":               "nothing to compare",
	"KohonenConfig.Steps":                "no training at all",
	"KohonenConfig.Every":                "no step to look at",
	"KohonenConfig.Lambda":               "the running Q would stay at its start",
	"KohonenConfig.Rate.Start":           "no training at all",
	"KohonenConfig.Width.Start":          "the neighbourhood function divides by it",
	"SOMFit.Epochs":                      "no training at all",
	"SOMFit.LearningRate.Start":          "only the zero Schedule is filled in, and a rate that is always 0 trains nothing",
	"SOMFit.LearningRate.End":            "only the zero Schedule is filled in",
	"SOMFit.Radius.Start":                "only the zero Schedule is filled in, and a Gaussian divides by the radius",
	"SOMFit.Radius.End":                  "only the zero Schedule is filled in",
}

// filledConfig is a configuration of zeros but for its pointers, which point to 0, and the same with its defaults.
func filledConfig[C any](withDefaults func(C) C) (given, filled reflect.Value) {
	var c C
	setPointers(reflect.ValueOf(&c).Elem())
	return reflect.ValueOf(c), reflect.ValueOf(withDefaults(c))
}

// setPointers makes each pointer to a number in a struct point to 0.
func setPointers(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case f.Kind() == reflect.Struct:
			setPointers(f)
		case f.Kind() == reflect.Pointer && isNumber(f.Type().Elem()):
			f.Set(reflect.New(f.Type().Elem()))
		}
	}
}

func isNumber(t reflect.Type) bool { return t.Kind() == reflect.Int || t.Kind() == reflect.Float64 }

// changedZeros returns the paths of the number fields that are 0 in given and not in filled.
func changedZeros(path string, given, filled reflect.Value) (paths []string) {
	for i := range given.NumField() {
		from, to, name := given.Field(i), filled.Field(i), path+"."+given.Type().Field(i).Name
		if from.Kind() == reflect.Pointer && !from.IsNil() && !to.IsNil() {
			from, to = from.Elem(), to.Elem()
		}
		switch {
		case from.Kind() == reflect.Struct:
			paths = append(paths, changedZeros(name, from, to)...)
		case isNumber(from.Type()) && from.IsZero() && !to.IsZero():
			paths = append(paths, name)
		}
	}
	return paths
}

// TestZeroStaysZero: a 0 in a configuration is kept unless it can mean nothing. Of the fields that fill it in, each has its reason.
func TestZeroStaysZero(t *testing.T) {
	var changed []string
	for name, pair := range map[string]func() (given, filled reflect.Value){
		"FitConfig": func() (reflect.Value, reflect.Value) {
			return filledConfig(func(c FitConfig) FitConfig { return c.withDefaults(1000) })
		},
		"VAEConfig":          func() (reflect.Value, reflect.Value) { return filledConfig(VAEConfig.withDefaults) },
		"VQVAEConfig":        func() (reflect.Value, reflect.Value) { return filledConfig(VQVAEConfig.withDefaults) },
		"AutoencoderConfig":  func() (reflect.Value, reflect.Value) { return filledConfig(AutoencoderConfig.withDefaults) },
		"GANConfig":          func() (reflect.Value, reflect.Value) { return filledConfig(GANConfig.withDefaults) },
		"ClassifierConfig":   func() (reflect.Value, reflect.Value) { return filledConfig(ClassifierConfig.withDefaults) },
		"MultiTaskConfig":    func() (reflect.Value, reflect.Value) { return filledConfig(MultiTaskConfig.withDefaults) },
		"MetaConfig":         func() (reflect.Value, reflect.Value) { return filledConfig(MetaConfig.withDefaults) },
		"PrototypeNetConfig": func() (reflect.Value, reflect.Value) { return filledConfig(PrototypeNetConfig.withDefaults) },
		"KohonenConfig":      func() (reflect.Value, reflect.Value) { return filledConfig(KohonenConfig.withDefaults) },
		"SOMConfig":          func() (reflect.Value, reflect.Value) { return filledConfig(SOMConfig.withDefaults) },
		"SOMFit": func() (reflect.Value, reflect.Value) {
			return filledConfig(func(f SOMFit) SOMFit { return f.withDefaults(SOMConfig{Grid: Grid{Width: 3, Height: 3}}) })
		},
		"DoctorConfig": func() (reflect.Value, reflect.Value) { return filledConfig(DoctorConfig.withDefaults) },
	} {
		given, filled := pair()
		changed = append(changed, changedZeros(name, given, filled)...)
	}
	slices.Sort(changed)
	if known := slices.Sorted(maps.Keys(fieldsWithoutZero)); !slices.Equal(changed, known) {
		t.Errorf("fields in which 0 becomes another number:\n%q, want those with a reason:\n%q", changed, known)
	}
	zero := MultiTaskConfig{Features: 1, Tasks: []Task{{Name: "a", Weight: new(0.0)}, {Name: "b"}}}.withDefaults()
	if *zero.Tasks[0].Weight != 0 || *zero.Tasks[1].Weight != 1 {
		t.Errorf("weights %g and %g of tasks with 0 and nil, want 0 and 1", *zero.Tasks[0].Weight, *zero.Tasks[1].Weight)
	}
}

// TestVAEBetaZero: with β = 0 the loss is the reconstruction alone.
func TestVAEBetaZero(t *testing.T) {
	x, _ := patterns(64)
	m := smallVAE(t, VAEConfig{Latent: 2, Beta: new(0.0)}, x, 2)
	l := lossesAt(t, m, x, 1)
	if l["kl"] == 0 {
		t.Fatal("KL = 0, so that this test shows nothing")
	}
	near(t, "loss", l["loss"], l["reconstruction"], 1e-6*math.Abs(l["reconstruction"]))
}

// TestTaskWeightZero: a task of weight 0 trains nothing: its head, the only one of two classes, keeps its
// first weights, and all else moves.
func TestTaskWeightZero(t *testing.T) {
	tasks, d := threeTasks(t)
	tasks[2].Weight = new(0.0)
	for _, balance := range []string{"equal", "uncertainty", "pcgrad"} {
		m := newMultiTask(t, MultiTaskConfig{Features: 5, Hidden: []int{7, 4}, Tasks: tasks, Balance: balance, Seed: 1})
		for name, moved := range movedWeights(t, m, d) {
			if head := strings.HasPrefix(name, "heads/classes_2/"); moved == head {
				t.Errorf("%s: %s moved: %t", balance, name, moved)
			}
		}
	}
	_, err := NewMultiTask(testx.Backend(t), MultiTaskConfig{Features: 5, Tasks: tasks, Balance: "gradnorm"})
	wantError(t, err, `task "side" has Weight = 0`)
}

// TestHeadRateZero: heads with a rate of 0 keep their first weights while the shared layers learn.
func TestHeadRateZero(t *testing.T) {
	tasks, d := threeTasks(t)
	m := newMultiTask(t, MultiTaskConfig{Features: 5, Hidden: []int{7, 4}, Tasks: tasks, Seed: 1})
	for name, moved := range movedWeights(t, m, d, RunPlan{HeadRate: new(0.0)}) {
		if moved == strings.HasPrefix(name, "heads/") {
			t.Errorf("%s moved: %t", name, moved)
		}
	}
}

// movedWeights trains a model and reports which of its weights changed, by name.
func movedWeights(t *testing.T, m *MultiTask, d TaskData, plans ...RunPlan) map[string]bool {
	t.Helper()
	training := must(m.Training(d, FitConfig{Epochs: 3, Batch: 6, LearningRate: 0.01, Seed: 1}, plans...))
	if err := training.initialise(); err != nil {
		t.Fatal(err)
	}
	first := must(m.Weights())
	if err := training.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	moved := map[string]bool{}
	for name, w := range must(m.Weights()) {
		moved[name] = !w.Equal(first[name])
	}
	t.Log(moved)
	return moved
}
