package lecture11

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/internal/safetensors"
)

// fourObjects returns objects of 4 components and their labels.
func fourObjects() (x *tensors.Tensor, labels []int) {
	return tensors.FromValue([][]float32{{1, 0, 1, 0}, {0, 1, 0, 1}, {1, 1, 0, 0}, {0, 0.5, 1, 0.25}}), []int{0, 1, 0, 1}
}

// fileModel is the interface of all models for files.
type fileModel interface {
	Save(w io.Writer) error
	SaveFile(path string) error
	Load(r io.Reader) error
}

// savedKind is a small trained model of a kind, with the function that loads its file and the results that it computes.
type savedKind struct {
	name     string
	trained  func(t *testing.T) (fileModel, savedTraining)
	load     func(backend compute.Backend, r io.Reader) (fileModel, error)
	computes func(m fileModel) ([]*tensors.Tensor, error)
}

// savedTraining is a training that can be run and saved.
type savedTraining interface {
	Save(part string, w io.Writer) error
	Restore(part string, r io.Reader) error
	Step() int
}

// oneStep is a training of one step, for tests that need only weights.
var oneStep = FitConfig{Epochs: 1, Batch: 4, Seed: 2}

// ran runs a training and returns it.
func ran(t *testing.T, training *Training, err error) *Training {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	runTraining(t, training)
	return training
}

func both[T any](a, b T, err error) ([]T, error) { return []T{a, b}, err }
func one[T any](a T, err error) ([]T, error)     { return []T{a}, err }

// loads adapts a function such as LoadVAE.
func loads[M fileModel](load func(compute.Backend, io.Reader) (M, error)) func(compute.Backend, io.Reader) (fileModel, error) {
	return func(backend compute.Backend, r io.Reader) (fileModel, error) { return load(backend, r) }
}

// savedKinds returns each kind of model once.
func savedKinds() []savedKind {
	x, labels := fourObjects()
	return []savedKind{
		{"VAE", func(t *testing.T) (fileModel, savedTraining) {
			m := must(NewVAE(testx.Backend(t), VAEConfig{Features: 4, Latent: 1, Hidden: []int{2}, Beta: new(0.5), Seed: 1}))
			training, err := m.Training(x, "four", oneStep)
			return m, ran(t, training, err)
		}, loads(LoadVAE), func(m fileModel) ([]*tensors.Tensor, error) { return one(m.(*VAE).Reconstruct(x)) }},
		{"Autoencoder", func(t *testing.T) (fileModel, savedTraining) {
			m := must(NewAutoencoder(testx.Backend(t), AutoencoderConfig{Features: 4, Latent: 2, Hidden: []int{}, Classes: 2, ClassWeight: 1,
				Sparsity: Sparsity{Kind: "l1", Weight: 1, FreeColumns: true}, Seed: 1}))
			training, err := m.LabelledTraining(x, []int{0, 1, NoLabel, 1}, "four", oneStep)
			return m, ran(t, training, err)
		}, loads(LoadAutoencoder), func(m fileModel) ([]*tensors.Tensor, error) {
			y, err := m.(*Autoencoder).Classify(x)
			if err != nil {
				return nil, err
			}
			a, err := m.(*Autoencoder).Reconstruct(x)
			return both(y, a, err)
		}},
		{"VQVAE", func(t *testing.T) (fileModel, savedTraining) {
			m := must(NewVQVAE(testx.Backend(t), VQVAEConfig{Grid: Grid{Width: 2, Height: 1}, Features: 4, Latent: 2, Positions: 2, Hidden: []int{3},
				Update: "kohonen", Radius: Schedule{Name: "constant", Start: 0.5}, Seed: 1}))
			training, err := m.Training(x, "four", oneStep)
			return m, ran(t, training, err)
		}, loads(LoadVQVAE), func(m fileModel) ([]*tensors.Tensor, error) {
			codes, err := m.(*VQVAE).Encode(x)
			if err != nil {
				return nil, err
			}
			decoded, err := m.(*VQVAE).Decode(codes)
			return both(codes, decoded, err)
		}},
		{"Classifier", func(t *testing.T) (fileModel, savedTraining) {
			m := must(NewClassifier(testx.Backend(t), ClassifierConfig{Features: 4, Classes: 2, Hidden: []int{3}, Seed: 1}))
			training, err := m.Training(x, labels, "four", oneStep)
			return m, ran(t, training, err)
		}, loads(LoadClassifier), func(m fileModel) ([]*tensors.Tensor, error) { return one(m.(*Classifier).Predict(x)) }},
		{"GAN", func(t *testing.T) (fileModel, savedTraining) {
			m := newGAN(t, GANConfig{Features: 4, Latent: 2, Generator: []int{3}, Discriminator: []int{3}, Spectral: true, Average: 0.9, Seed: 1})
			training, err := m.Training(x, "four", oneStep)
			return m, ran(t, training, err)
		}, loads(LoadGAN), func(m fileModel) ([]*tensors.Tensor, error) {
			made, err := m.(*GAN).Generate(3, 7)
			if err != nil {
				return nil, err
			}
			a, err := m.(*GAN).Discriminate(x)
			return both(made, a, err)
		}},
		{"MultiTask", func(t *testing.T) (fileModel, savedTraining) {
			m := newMultiTask(t, MultiTaskConfig{Features: 4, Hidden: []int{3}, Tasks: []Task{{Name: "class", Classes: 2}, {Name: "number"}},
				Balance: "uncertainty", Runs: 2, Seed: 1})
			training, err := m.Training(TaskData{X: x, Y: labelsOf(t, ClassColumn(labels), []float64{1, 2, 3, 4}), ID: "four"}, oneStep)
			return m, ran(t, training, err)
		}, loads(LoadMultiTask), func(m fileModel) ([]*tensors.Tensor, error) {
			a, err := m.(*MultiTask).Predict(x, 1, "class")
			if err != nil {
				return nil, err
			}
			b, err := m.(*MultiTask).Predict(x, 0, "number")
			return both(a, b, err)
		}},
		{"PrototypeNet", func(t *testing.T) (fileModel, savedTraining) {
			m := must(NewPrototypeNet(testx.Backend(t), PrototypeNetConfig{Features: 4, Encoder: "dense", Hidden: []int{3}, Latent: 2, Episodes: 1,
				Episode: EpisodeConfig{Ways: 2, Shots: 1, Queries: 1}, Seed: 1}))
			training, err := m.Training(x, labels, "four", FitConfig{Seed: 2})
			return m, ran(t, training, err)
		}, loads(LoadPrototypeNet), func(m fileModel) ([]*tensors.Tensor, error) { return one(m.(*PrototypeNet).Encode(x)) }},
		{"Meta", func(t *testing.T) (fileModel, savedTraining) {
			m := must(NewMeta(testx.Backend(t), MetaConfig{Features: 4, Hidden: []int{3}, Method: "fomaml", Episodes: 1, InnerSteps: 1,
				Episode: EpisodeConfig{Ways: 2, Shots: 1, Queries: 1}, Seed: 1}))
			training, err := m.Training(x, labels, "four", FitConfig{Batch: 1, Seed: 2})
			return m, ran(t, training, err)
		}, loads(LoadMeta), func(m fileModel) ([]*tensors.Tensor, error) {
			episodes, err := DrawEpisodes(labels, EpisodeConfig{Ways: 2, Shots: 1, Queries: 1}, 4, 1)
			if err != nil {
				return nil, err
			}
			a, err := m.(*Meta).Accuracy(x, episodes, 1)
			return []*tensors.Tensor{tensors.FromValue(a.PerObject)}, err
		}},
		{"SOM", func(t *testing.T) (fileModel, savedTraining) {
			m := must(NewSOM(testx.Backend(t), SOMConfig{Grid: Grid{Width: 3, Height: 2, Hex: true}, Features: 4, Init: "samples", Seed: 1}))
			training := must(m.Training(x, "four", nil, SOMFit{Epochs: 2}))
			if err := training.Run(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			return m, training
		}, loads(LoadSOM), func(m fileModel) ([]*tensors.Tensor, error) { return one(m.(*SOM).Weights()) }},
	}
}

// savedKindOf returns the kind with the given name.
func savedKindOf(name string) savedKind {
	kinds := savedKinds()
	return kinds[slices.IndexFunc(kinds, func(k savedKind) bool { return k.name == name })]
}

// TestLoadNeedsOnlyTheFile: each kind of model, saved by itself and by its training, is loaded from the file alone,
// computes the same to the last bit, and reports the origin of its weights. Each kind refuses the files of the others
// by name.
func TestLoadNeedsOnlyTheFile(t *testing.T) {
	long(t)
	kinds := savedKinds()
	files := map[string][]byte{}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			m, training := kind.trained(t)
			want := must(kind.computes(m))
			path := filepath.Join(t.TempDir(), "model.safetensors")
			var part bytes.Buffer
			if err := errors.Join(m.SaveFile(path), training.Save(partWeights, &part)); err != nil {
				t.Fatal(err)
			}
			files[kind.name] = must(os.ReadFile(path))
			for name, text := range map[string][]byte{"the model's file": files[kind.name], "the training's part": part.Bytes()} {
				loaded, err := kind.load(testx.Backend(t), bytes.NewReader(text))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				got := must(kind.computes(loaded))
				for i := range want {
					if !got[i].Equal(want[i]) {
						t.Errorf("%s: result %d is %v, want %v", name, i, got[i], want[i])
					}
				}
				info := must(ReadInfo(bytes.NewReader(text)))
				if info.Kind != kind.name || info.Part != partWeights || info.Step != training.Step() || info.Key["data"] != "four" ||
					!strings.Contains(info.Library, "github.com/gomlx/gomlx ") || len(info.Weights) == 0 {
					t.Errorf("%s: Info of a %s, part %q, step %d, key %v, library %q, %d weights", name, info.Kind, info.Part, info.Step, info.Key,
						info.Library, len(info.Weights))
				}
				var again bytes.Buffer
				if err := loaded.Save(&again); err != nil || name == "the model's file" && !bytes.Equal(again.Bytes(), text) {
					t.Errorf("%s: the loaded model is saved with different bytes (%v)", name, err)
				}
			}
		})
	}
	for _, kind := range kinds {
		for name, text := range files {
			_, err := kind.load(testx.Backend(t), bytes.NewReader(text))
			if (err == nil) != (name == kind.name) || err != nil && !strings.Contains(err.Error(), `of kind "`+name+`"`) {
				t.Errorf("Load%s of a %s: %v", kind.name, name, err)
			}
		}
	}
}

// TestEveryCutAndFlipOfAModel: LoadVAE, and Load of a model that has weights, refuse a VAE's file with any cut or any
// flipped bit. The weights of the model are then unchanged.
func TestEveryCutAndFlipOfAModel(t *testing.T) {
	kind := savedKindOf("VAE")
	m, _ := kind.trained(t)
	var file bytes.Buffer
	if err := m.Save(&file); err != nil {
		t.Fatal(err)
	}
	text, vae := file.Bytes(), m.(*VAE)
	zeros := must(vae.Weights())
	for _, w := range zeros {
		if err := w.MutableBytes(func(data []byte) { clear(data) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := vae.SetWeights(zeros); err != nil {
		t.Fatal(err)
	}
	before := must(vae.WeightsHash())
	refused := func(what string, at int, damaged []byte) {
		if _, err := LoadVAE(vae.backend, bytes.NewReader(damaged)); err == nil {
			t.Fatalf("%s at %d of %d bytes: loaded", what, at, len(text))
		}
		if err := vae.Load(bytes.NewReader(damaged)); err == nil {
			t.Fatalf("%s at %d of %d bytes: loaded into a model", what, at, len(text))
		}
	}
	for cut := range text {
		refused("cut", cut, text[:cut])
	}
	for i := range text {
		for bit := range 8 {
			text[i] ^= 1 << bit
			refused("flip", i, text)
			text[i] ^= 1 << bit
		}
	}
	refused("trailing byte", len(text), append(slices.Clone(text), 0))
	if after := must(vae.WeightsHash()); after != before {
		t.Errorf("refused files changed the weights: %s, want %s", after, before)
	}
	if err := vae.Load(bytes.NewReader(text)); err != nil || must(vae.WeightsHash()) == before {
		t.Errorf("the whole file is not loaded: %v", err)
	}
}

// edited returns a file with the contents that change makes, with a right checksum.
func edited(t *testing.T, text []byte, change func(p *partFile)) *bytes.Reader {
	t.Helper()
	p := must(readPart(bytes.NewReader(text)))
	change(&p)
	var out bytes.Buffer
	if err := writePart(&out, p); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(out.Bytes())
}

// TestLoadRefuses checks undamaged files from which no VAE can be built. Another version of the training code is
// accepted: it only describes the origin of the weights.
func TestLoadRefuses(t *testing.T) {
	kind := savedKindOf("VAE")
	m, training := kind.trained(t)
	var file, optimizer bytes.Buffer
	if err := errors.Join(m.Save(&file), training.Save(partOptimizer, &optimizer)); err != nil {
		t.Fatal(err)
	}
	text := file.Bytes()
	newer := edited(t, text, func(p *partFile) { p.Key["code"] = "another version of adam.go" })
	loaded, err := LoadVAE(testx.Backend(t), newer)
	if err != nil || loaded.trained.key["code"] != "another version of adam.go" {
		t.Errorf("another version of the code: %v", err)
	}
	foreign := must(safetensors.Read(bytes.NewReader(text)))
	for _, c := range []struct {
		name string
		file io.Reader
		want string
	}{
		{"unknown kind", edited(t, text, func(p *partFile) { p.Kind = "Transformer" }), `of kind "Transformer", want "VAE"`},
		{"unknown field", edited(t, text, func(p *partFile) { p.Config = []byte(`{"features":4,"latent":1,"flow":3}`) }), `unknown field "flow"`},
		{"bad field", edited(t, text, func(p *partFile) { p.Config = []byte(`{"features":4,"latent":-1}`) }), "Latent = -1"},
		{"missing weights", edited(t, text, func(p *partFile) {
			name := p.order[0].Name
			delete(p.values, name)
			p.order = p.order[1:]
		}), "is missing"},
		{"other shape", edited(t, text, func(p *partFile) {
			p.values[p.order[0].Name] = tensors.FromValue([]float32{1})
		}), "has the shape [1], want"},
		{"custom networks", edited(t, text, func(p *partFile) { p.Networks = "mine" }), "build it with NewVAEOf"},
		{"optimizer", bytes.NewReader(optimizer.Bytes()), `holds "optimizer" of a VAE`},
		{"no checksum", bytes.NewReader(foreignFile(t, foreign)), "no checksum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := LoadVAE(testx.Backend(t), c.file); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that contains %q", err, c.want)
			}
		})
	}
	other := must(NewVAE(testx.Backend(t), VAEConfig{Features: 4, Latent: 1, Hidden: []int{2}, Beta: new(0.5), PriorStd: 2, Seed: 1}))
	if err := other.Load(bytes.NewReader(text)); err == nil || !strings.Contains(err.Error(), "prior_std = 1, want 2") {
		t.Errorf("another configuration: %v", err)
	}
}

// foreignFile returns a file as another program would write it: without a checksum.
func foreignFile(t *testing.T, f *safetensors.File) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := safetensors.Write(&out, f.Metadata, f.Tensors); err != nil {
		t.Fatal(err)
	}
	return bytes.Replace(out.Bytes(), []byte(`"checksum":"sha256:`), []byte(`"chequers":"sha256:`), 1)
}

// TestCustomNetworksAreLoaded: a GAN with custom networks, one of which keeps a running mean that no gradient trains,
// is not made from a file alone. Built with the same functions, it loads the file and computes the same.
func TestCustomNetworksAreLoaded(t *testing.T) {
	nets := GANNets{ID: "centred", Generator: Dense([]int{3}, 4, "tanh"), Discriminator: func(scope *model.Scope, x *Node) *Node {
		mean := scope.VariableWithValue("mean", []float32{0, 0, 0, 0}).SetTrainable(false)
		if scope.IsTraining(x.Graph()) {
			mean.SetNodeValue(ReduceMean(x, 0))
		}
		return Dense(nil, 1, "linear")(scope, Sub(x, ExpandAxes(mean.NodeValue(x.Graph()), 0)))
	}}
	x, _ := fourObjects()
	build := func() *GAN { return must(NewGANOf(testx.Backend(t), GANConfig{Features: 4, Latent: 2, Seed: 1}, nets)) }
	m := build()
	training, err := m.Training(x, "four", oneStep)
	ran(t, training, err)
	want := must(m.Discriminate(x))
	var file bytes.Buffer
	if err := m.Save(&file); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadGAN(testx.Backend(t), bytes.NewReader(file.Bytes())); err == nil || !strings.Contains(err.Error(), `"centred": build it with NewGANOf`) {
		t.Errorf("LoadGAN: %v", err)
	}
	same := build()
	if err := same.Load(bytes.NewReader(file.Bytes())); err != nil {
		t.Fatal(err)
	}
	if got := must(same.Discriminate(x)); !got.Equal(want) {
		t.Errorf("loaded: %v, want %v", got, want)
	}
	plain := newGAN(t, GANConfig{Features: 4, Latent: 2, Seed: 1})
	if err := plain.Load(bytes.NewReader(file.Bytes())); err == nil || !strings.Contains(err.Error(), `networks "centred", want ""`) {
		t.Errorf("Load of a GAN of other networks: %v", err)
	}
}

// TestWeightsByName: the weights are copied by name into a new model, and the copy computes the same. Weights that do
// not fit are refused, and the model is unchanged.
func TestWeightsByName(t *testing.T) {
	x, _ := fourObjects()
	kind := savedKindOf("GAN")
	m, _ := kind.trained(t)
	gan := m.(*GAN)
	weights := must(gan.Weights())
	fresh := must(NewGAN(gan.backend, gan.Config()))
	if err := fresh.SetWeights(weights); err != nil {
		t.Fatal(err)
	}
	for i, want := range must(kind.computes(gan)) {
		if got := must(kind.computes(fresh))[i]; !got.Equal(want) {
			t.Errorf("result %d of the copy is %v, want %v", i, got, want)
		}
	}
	training, err := fresh.Training(x, "four", oneStep)
	ran(t, training, err) // the copies of variables that no gradient trains are still not trained
	before := must(gan.WeightsHash())
	const name = "generator/output/dense/weights"
	for _, c := range []struct {
		name   string
		change func(w map[string]*tensors.Tensor)
		want   string
	}{
		{"missing", func(w map[string]*tensors.Tensor) { delete(w, name) }, "is missing"},
		{"unknown", func(w map[string]*tensors.Tensor) { w["generator/extra"] = w[name] }, `no weights "generator/extra"`},
		{"shape", func(w map[string]*tensors.Tensor) { w[name] = tensors.FromValue([]float32{1}) }, "has the shape [1], want [3 4]"},
		{"type", func(w map[string]*tensors.Tensor) {
			w[name] = tensors.FromFlatDataAndDimensions(make([]float64, 12), 3, 4)
		}, "all of one type"},
	} {
		changed := maps.Clone(weights)
		c.change(changed)
		for _, m := range []*GAN{gan, must(NewGAN(gan.backend, gan.Config()))} {
			if err := m.SetWeights(changed); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want one that contains %q", c.name, err, c.want)
			}
		}
	}
	if after := must(gan.WeightsHash()); after != before {
		t.Errorf("refused weights changed the model")
	}
}

// TestSaveFileIsAtomic: when saving fails halfway, the old file remains, and there is no other file beside it.
func TestSaveFileIsAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.safetensors")
	write := func(text string, err error) func(w io.Writer) error {
		return func(w io.Writer) error { _, writeErr := io.WriteString(w, text); return errors.Join(writeErr, err) }
	}
	failed := errors.New("disk full")
	if err := saveFile(path, write("old", nil)); err != nil {
		t.Fatal(err)
	}
	if err := saveFile(path, write("ne", failed)); !errors.Is(err, failed) {
		t.Errorf("error %v, want %v", err, failed)
	}
	if text := must(os.ReadFile(path)); string(text) != "old" {
		t.Errorf("after a failed save the file holds %q, want \"old\"", text)
	}
	if err := saveFile(path, write("new", nil)); err != nil || string(must(os.ReadFile(path))) != "new" {
		t.Errorf("second save: %v", err)
	}
	if files := must(os.ReadDir(dir)); len(files) != 1 {
		t.Errorf("%d files in the folder, want 1: %v", len(files), files)
	}
	if err := saveFile(filepath.Join(dir, "none", "model"), write("", nil)); err == nil {
		t.Error("SaveFile in a missing folder returns no error")
	}
}
