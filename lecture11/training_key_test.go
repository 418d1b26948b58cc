package lecture11

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
)

// keyedTraining holds everything that a training reads, as a value whose fields and bytes a test can change.
type keyedTraining struct {
	model   any       // pointer to a configuration
	fit     any       // pointer to a FitConfig or a SOMFit
	l       int       // objects
	objects []float32 // at least l·n, of which the first count
	labels  []int     // nil for none
	weights []float64
	plans   []RunPlan
	id      string
}

// copy returns a deep copy.
func (k keyedTraining) copy(t *testing.T) keyedTraining {
	t.Helper()
	deep := func(pointer any) any {
		text, err := json.Marshal(pointer)
		if err != nil {
			t.Fatal(err)
		}
		again := reflect.New(reflect.TypeOf(pointer).Elem()).Interface()
		if err := json.Unmarshal(text, again); err != nil {
			t.Fatal(err)
		}
		return again
	}
	k.model, k.fit = deep(k.model), deep(k.fit)
	k.plans = *deep(&k.plans).(*[]RunPlan)
	k.objects, k.labels, k.weights = slices.Clone(k.objects), slices.Clone(k.labels), slices.Clone(k.weights)
	return k
}

// x returns the objects as a tensor [l, n].
func (k keyedTraining) x() *tensors.Tensor {
	n := int(reflect.ValueOf(k.model).Elem().FieldByName("Features").Int())
	return tensors.FromFlatDataAndDimensions(slices.Clone(k.objects[:k.l*n]), k.l, n)
}

// labelled returns the objects with their labels appended, if the model has classes.
func (k keyedTraining) labelled(classes int) (*tensors.Tensor, error) {
	if classes == 0 {
		return k.x(), nil
	}
	return WithLabels(k.x(), k.labels, classes)
}

// key prepares the training and returns its key as text.
func (k keyedTraining) key(backend compute.Backend) (string, error) {
	training, err := k.training(backend)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(training.Key())
	return string(text), err
}

type keyed interface{ Key() map[string]any }

// training prepares the training of the kind to which the configuration belongs.
func (k keyedTraining) training(backend compute.Backend) (keyed, error) {
	switch cfg := k.model.(type) {
	case *VAEConfig:
		m, err := NewVAE(backend, *cfg)
		if err != nil {
			return nil, err
		}
		x, err := k.labelled(cfg.Classes)
		if err != nil {
			return nil, err
		}
		return m.Training(x, k.id, k.netFit())
	case *VQVAEConfig:
		m, err := NewVQVAE(backend, *cfg)
		if err != nil {
			return nil, err
		}
		return m.Training(k.x(), k.id, k.netFit())
	case *GANConfig:
		m, err := NewGAN(backend, *cfg)
		if err != nil {
			return nil, err
		}
		x, err := k.labelled(cfg.Classes)
		if err != nil {
			return nil, err
		}
		return m.Training(x, k.id, k.netFit())
	case *AutoencoderConfig:
		m, err := NewAutoencoder(backend, *cfg)
		if err != nil {
			return nil, err
		}
		if k.labels == nil {
			return m.Training(k.x(), k.id, k.netFit())
		}
		return m.LabelledTraining(k.x(), k.labels, k.id, k.netFit())
	case *ClassifierConfig:
		m, err := NewClassifier(backend, *cfg)
		if err != nil {
			return nil, err
		}
		return m.Training(k.x(), k.labels, k.id, k.netFit())
	case *PrototypeNetConfig:
		m, err := NewPrototypeNet(backend, *cfg)
		if err != nil {
			return nil, err
		}
		return m.Training(k.x(), k.labels, k.id, k.netFit())
	case *MetaConfig:
		m, err := NewMeta(backend, *cfg)
		if err != nil {
			return nil, err
		}
		return m.Training(k.x(), k.labels, k.id, k.netFit())
	case *MultiTaskConfig:
		return k.multiTask(backend, *cfg)
	case *SOMConfig:
		m, err := NewSOM(backend, *cfg)
		if err != nil {
			return nil, err
		}
		return m.Training(k.x(), k.id, numbers(dtypes.Float32, k.weights, len(k.weights)), *k.fit.(*SOMFit))
	}
	return nil, fmt.Errorf("no training for %T", k.model)
}

func (k keyedTraining) netFit() FitConfig { return *k.fit.(*FitConfig) }

func (k keyedTraining) multiTask(backend compute.Backend, cfg MultiTaskConfig) (keyed, error) {
	m, err := NewMultiTask(backend, cfg)
	if err != nil {
		return nil, err
	}
	y, err := TaskLabels(slices.Repeat([][]float64{ClassColumn(k.labels)}, len(cfg.Tasks))...)
	if err != nil {
		return nil, err
	}
	return m.Training(TaskData{X: k.x(), Y: y, Weights: k.weights, ID: k.id}, k.netFit(), k.plans...)
}

// keyedTrainings returns small trainings of all kinds. A field that one of them cannot change may be changed by
// another.
func keyedTrainings() map[string]keyedTraining {
	labels := []int{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}
	weights := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	episode := EpisodeConfig{Ways: 2, Shots: 1, Queries: 1}
	hidden := []int{3}
	all := map[string]keyedTraining{
		"vae":                    {model: &VAEConfig{Features: 16, Latent: 2, Hidden: hidden}},
		"vae with labels":        {model: &VAEConfig{Features: 16, Latent: 2, Hidden: hidden, Classes: 3}, labels: labels},
		"vae, gaussian":          {model: &VAEConfig{Features: 16, Latent: 2, Hidden: hidden, Likelihood: "gaussian"}},
		"vae, total correlation": {model: &VAEConfig{Features: 16, Latent: 2, Hidden: hidden, TotalCorrelation: 2}},
		"vq-vae":                 {model: &VQVAEConfig{Grid: Grid{Width: 2, Height: 2}, Features: 16, Latent: 2, Hidden: hidden}},
		"vq-vae, kohonen":        {model: &VQVAEConfig{Grid: Grid{Width: 2, Height: 2}, Features: 16, Latent: 2, Hidden: hidden, Update: "kohonen"}},
		"autoencoder":            {model: &AutoencoderConfig{Features: 16, Latent: 2, Hidden: hidden}},
		"autoencoder, corrupted": {model: &AutoencoderConfig{Features: 16, Latent: 2, Hidden: hidden,
			Corruption: Corruption{Kind: "masking", Level: 0.25}}},
		"autoencoder, l1": {model: &AutoencoderConfig{Features: 16, Latent: 2, Hidden: hidden, Sparsity: Sparsity{Kind: "l1", Weight: 1}}},
		"autoencoder, entropy": {model: &AutoencoderConfig{Features: 16, Latent: 2, Hidden: hidden,
			Sparsity: Sparsity{Kind: "entropy", Weight: 1, Target: 0.25}}},
		"autoencoder with labels": {model: &AutoencoderConfig{Features: 16, Latent: 2, Hidden: hidden, Classes: 3}, labels: labels},
		"classifier":              {model: &ClassifierConfig{Features: 16, Classes: 3, Hidden: hidden}, labels: labels},
		"gan":                     {model: &GANConfig{Features: 16, Latent: 2, Generator: hidden, Discriminator: hidden}},
		"gan with labels": {model: &GANConfig{Features: 16, Latent: 2, Generator: hidden, Discriminator: hidden, Classes: 3},
			labels: labels},
		"gan, conv": {model: &GANConfig{Features: 16, Latent: 2, Generator: []int{3, 2}, Discriminator: []int{2, 3}, Nets: "conv"}},
		"multi-task": {
			model:  &MultiTaskConfig{Features: 16, Hidden: hidden, Tasks: []Task{{Name: "a", Classes: 3}}, Runs: 2},
			labels: labels, weights: weights, plans: []RunPlan{{Objects: []int{0, 1, 2, 3}}, {}}},
		"multi-task without plans": {model: &MultiTaskConfig{Features: 16, Hidden: hidden, Tasks: []Task{{Name: "a", Classes: 3}}},
			labels: labels},
		"prototypes": {model: &PrototypeNetConfig{Features: 16, Latent: 2, Hidden: hidden, Encoder: "dense", Episode: episode, Episodes: 30},
			labels: labels},
		"meta":    {model: &MetaConfig{Features: 16, Hidden: hidden, Episode: episode, Episodes: 30}, labels: labels},
		"reptile": {model: &MetaConfig{Features: 16, Hidden: hidden, Episode: episode, Episodes: 20, Method: "reptile"}, labels: labels},
		"som":     {model: &SOMConfig{Grid: Grid{Width: 4, Height: 2}, Features: 16}, fit: &SOMFit{Epochs: 2}, weights: weights},
		"som, online epochs": {model: &SOMConfig{Grid: Grid{Width: 4, Height: 2}, Features: 16}, fit: &SOMFit{Epochs: 2, Mode: "online"},
			weights: weights},
		"som, online": {model: &SOMConfig{Grid: Grid{Width: 4, Height: 2}, Features: 16}, fit: &SOMFit{Steps: 20, Mode: "online"},
			weights: weights},
	}
	objects := make([]float32, 12*40)
	for i := range objects {
		objects[i] = float32(i*37%101+1) / 103
	}
	beta1 := 0.5
	for name, k := range all {
		if k.fit == nil {
			k.fit = &FitConfig{Epochs: 2, Batch: 2, LearningRate: 0.01, Beta1: &beta1}
		}
		k.l, k.objects, k.id = 12, objects, "some data"
		fillDefaults(k.model, k.fit)
		all[name] = k
	}
	return all
}

// fillDefaults fills in the defaults, so that a test does not mistake a default for another value.
func fillDefaults(model, fit any) {
	switch cfg := model.(type) {
	case *VAEConfig:
		*cfg = cfg.withDefaults()
	case *VQVAEConfig:
		*cfg = cfg.withDefaults()
	case *GANConfig:
		*cfg = cfg.withDefaults()
	case *AutoencoderConfig:
		*cfg = cfg.withDefaults()
	case *ClassifierConfig:
		*cfg = cfg.withDefaults()
	case *PrototypeNetConfig:
		*cfg = cfg.withDefaults()
	case *MetaConfig:
		*cfg = cfg.withDefaults()
	case *MultiTaskConfig:
		*cfg = cfg.withDefaults()
	case *SOMConfig:
		*cfg = cfg.withDefaults()
		f := fit.(*SOMFit)
		*f = f.withDefaults(*cfg)
	}
}

// otherNames holds values to try in place of a field that holds a name.
var otherNames = map[string][]any{
	"Activation": {"gelu"}, "Encoder": {"conv"}, "Decoder": {"conv"}, "Likelihood": {"gaussian"},
	"Loss": {"bernoulli", "hinge"}, "Decay": {"linear"}, "Corruption.Kind": {"gaussian"}, "Sparsity.Kind": {"l1"},
	"Balance": {"uncertainty"}, "Nets": {"conv"}, "Norm": {"none"}, "Output": {"sigmoid"}, "Frozen": {"generator"},
	"Method": {"fomaml"}, "Mode": {"batch"}, "Order": {"random"}, "Winner": {"heskes"}, "Distance": {"manhattan"}, "Neighbourhood": {"bubble"},
	"Update": {"kohonen"}, "Init": {"samples", "pca", "uniform"}, "LearningRate.Name": {"linear"}, "Radius.Name": {"linear"}, "Tasks[0].Name": {"b"},
}

// otherValues returns values to try in place of a field.
func otherValues(path string, v reflect.Value) []any {
	switch v.Kind() {
	case reflect.Bool:
		return []any{!v.Bool()}
	case reflect.Int:
		return []any{int(v.Int()) + 1, int(v.Int()) + 2, 2*int(v.Int()) + 4, max(1, int(v.Int())-1)}
	case reflect.Int64:
		return []any{v.Int() + 1}
	case reflect.Float64:
		return []any{v.Float() + 0.25, v.Float()/2 + 0.125}
	case reflect.String:
		return otherNames[path]
	}
	return nil
}

// walkFields calls visit with each field of a struct that can be set and is not a struct, a slice or a pointer itself.
func walkFields(path string, v reflect.Value, visit func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name := path + "." + f.Name
			if f.Anonymous || path == "" {
				name = map[bool]string{true: path, false: f.Name}[f.Anonymous]
			}
			if f.Tag.Get("json") != "-" { // other fields change speed, not numbers, or are functions with a separate hash
				walkFields(name, v.Field(i), visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkFields(fmt.Sprintf("%s[%d]", path, i), v.Index(i), visit)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			walkFields(path, v.Elem(), visit)
		}
	default:
		visit(path, v)
	}
}

// TestKeysNeverLie: for all kinds of trainings, a training whose model, fit, objects, labels, weights, plans or length
// differs in one field or one byte has a different key.
func TestKeysNeverLie(t *testing.T) {
	backend := testx.Backend(t)
	changed := map[string]bool{} // fields that some training could change
	for name, k := range keyedTrainings() {
		t.Run(name, func(t *testing.T) {
			before, err := k.key(backend)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := k.copy(t).key(backend); err != nil || again != before {
				t.Fatalf("a copy has the key %s, want %s, %v", again, before, err)
			}
			differs := func(what string, k keyedTraining) bool {
				after, err := k.key(backend)
				if err == nil && after == before {
					t.Errorf("%s: the key is the same: %s", what, after)
				}
				return err == nil
			}
			for _, part := range []struct {
				name string
				of   func(*keyedTraining) any
			}{
				{"model", func(k *keyedTraining) any { return k.model }},
				{"fit", func(k *keyedTraining) any { return k.fit }},
				{"plans", func(k *keyedTraining) any { return &k.plans }},
			} {
				changeFields(t, k, part.of, func(path string, other keyedTraining) {
					field := fmt.Sprintf("%T: %s", part.of(&k), path)
					changed[field] = differs(field, other) || changed[field]
				})
			}
			changeData(t, k, differs)
		})
	}
	for field, ok := range changed {
		if !ok {
			t.Errorf("no training accepts another value of %s: add one to keyedTrainings or to otherNames", field)
		}
	}
}

// changeFields calls try with copies of k in which one field of a part has a different value.
func changeFields(t *testing.T, k keyedTraining, part func(*keyedTraining) any, try func(path string, k keyedTraining)) {
	t.Helper()
	values := map[string][]any{}
	walkFields("", reflect.ValueOf(part(&k)), func(path string, v reflect.Value) { values[path] = otherValues(path, v) })
	for path, others := range values {
		if len(others) == 0 {
			t.Errorf("no other value for %s: add one to otherNames", path)
		}
		for _, other := range others {
			next, same := k.copy(t), false
			walkFields("", reflect.ValueOf(part(&next)), func(p string, v reflect.Value) {
				if p == path {
					same = v.Equal(reflect.ValueOf(other))
					v.Set(reflect.ValueOf(other))
				}
			})
			if !same {
				try(path, next)
			}
		}
	}
}

// changeData changes the bytes of the data one after another, and their lengths.
func changeData(t *testing.T, k keyedTraining, differs func(what string, k keyedTraining) bool) {
	t.Helper()
	accepted := 0
	n := k.x().Shape().Dimensions[1]
	for i := range k.l * n {
		for b := range 4 {
			next := k.copy(t)
			next.objects[i] = math.Float32frombits(math.Float32bits(next.objects[i]) ^ 1<<(8*b))
			if differs(fmt.Sprintf("byte %d of component %d", b, i), next) {
				accepted++
			}
		}
	}
	if accepted < 2*k.l*n {
		t.Errorf("of %d changed bytes only %d were accepted", 4*k.l*n, accepted)
	}
	for i := range k.labels {
		next := k.copy(t)
		next.labels[i] = (next.labels[i] + 1) % 3
		if !differs(fmt.Sprintf("label %d", i), next) && i < 2 {
			t.Errorf("label %d cannot be changed", i)
		}
	}
	for i := range k.weights {
		next := k.copy(t)
		next.weights[i] += 0.5
		differs(fmt.Sprintf("weight %d", i), next)
	}
	next := k.copy(t)
	next.l = 9
	next.labels, next.weights = next.labels[:min(9, len(next.labels))], next.weights[:min(9, len(next.weights))]
	if !differs("fewer objects", next) {
		t.Error("fewer objects are refused")
	}
}

// BenchmarkContentsHash hashes as many bytes as the images of MNIST's training set have.
func BenchmarkContentsHash(b *testing.B) {
	x := tensors.FromFlatDataAndDimensions(make([]uint8, 60_000*784), 60_000, 784)
	b.SetBytes(60_000 * 784)
	for b.Loop() {
		if _, err := contentsHash(x); err != nil {
			b.Fatal(err)
		}
	}
}
