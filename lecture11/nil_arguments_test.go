package lecture11

import (
	"go/types"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// mayBeMissing are the parameters that a caller may leave out, or whose function returns no error.
var mayBeMissing = map[string]string{
	"SOMTraining.Run.onStep":     "reports to nobody",
	"Training.Run.onStep":        "reports to nobody",
	"WatchedTraining.Run.onStep": "reports to nobody",
	"LinearGaussian.LogWeights":  "returns no error",
}

// missable reports whether a parameter is a model, a training, a map, a matrix, a function, a reader or a writer, or several of
// these. Tensors have TestTensorArguments; functions inside graphs may panic.
func missable(t types.Type) bool {
	if s, ok := t.(*types.Slice); ok {
		t = s.Elem()
	}
	if named, ok := t.(*types.Named); ok && slices.Contains([]string{"io.Reader", "io.Writer"}, named.Obj().Pkg().Name()+"."+named.Obj().Name()) {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Signature:
		return true
	case *types.Pointer:
		named, ok := u.Elem().(*types.Named)
		return ok && !slices.Contains([]string{"Tensor", "Node", "Graph", "Scope"}, named.Obj().Name())
	}
	return false
}

// missableParameters lists the parameters of exported functions and methods that are missable, as "VAE.StartFrom.other", or as
// "embedded.Save.w" for a method that models share.
func (c *moduleCode) missableParameters() []string {
	var names []string
	add := func(name string, f *types.Func) {
		if strings.Contains(f.Signature().String(), "graph.Node") { // inside a graph
			return
		}
		for p := range f.Signature().Params().Variables() {
			full := name + "." + p.Name()
			if missable(p.Type()) && mayBeMissing[full] == "" && mayBeMissing[name] == "" {
				names = append(names, full)
			}
		}
	}
	scope := c.root.Scope()
	for _, name := range scope.Names() {
		object := scope.Lookup(name)
		if f, ok := object.(*types.Func); ok && f.Exported() {
			add(name, f)
		}
		named, ok := object.(*types.TypeName)
		if !ok || !named.Exported() {
			continue
		}
		methods := types.NewMethodSet(types.NewPointer(named.Type()))
		for i := range methods.Len() {
			prefix := name
			if len(methods.At(i).Index()) > 1 {
				prefix = "embedded"
			}
			if f := methods.At(i).Obj().(*types.Func); f.Exported() && mayBeMissing[name+"."+f.Name()+".onStep"] == "" {
				add(prefix+"."+f.Name(), f)
			}
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// nilCalls are calls of all functions that take what may be nil, without it.
func nilCalls(t *testing.T) map[string]func() error {
	backend, x := goBackend(t), far(64, 1)
	vae, gan, som := tinyVAE(backend), must(NewGAN(backend, GANConfig{Features: 4, Latent: 2})), tinyMap(backend)
	drawWeights(vae.Training(x, "x", FitConfig{}))
	tasks := must(NewMultiTask(backend, MultiTaskConfig{Features: 4, Tasks: []Task{{Name: "a"}}}))
	training := must(vae.Training(x, "x", FitConfig{}))
	drawWeights(training, nil)
	maps, one := must(som.Training(x, "x", nil, SOMFit{Epochs: 1})), func(float64) float64 { return 1 }
	if err := maps.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	doctor := must(NewGANDoctor(gan, x, DoctorConfig{Objects: 32}))
	matrix := mat.NewDense(2, 1, []float64{1, 0})
	episodes := must(DrawEpisodes(alternating(64, 2), EpisodeConfig{Ways: 2, Shots: 1, Queries: 1}, 3, 1))
	study := &LinearStudy{}
	calls := map[string]func() error{
		"VAE.StartFrom.other":         func() error { return tinyVAE(backend).StartFrom(nil) },
		"GAN.StartFrom.other":         func() error { return gan.StartFrom(nil) },
		"MultiTask.StartFrom.other":   func() error { return errorOf(tasks.StartFrom(nil)) },
		"MultiTask.StartFromFile.r":   func() error { return errorOf(tasks.StartFromFile(nil)) },
		"FewShotTuning.source":        func() error { return errorOf(FewShotTuning(t.Context(), nil, x, episodes, FitConfig{}, RunPlan{})) },
		"LinearStudy.Excess.m":        func() error { return errorOf(study.Excess(nil)) },
		"NewGANDoctor.m":              func() error { return errorOf(NewGANDoctor(nil, x, DoctorConfig{})) },
		"GANDoctor.Over.t":            func() error { return doctor.Over(nil).Run(t.Context(), nil) },
		"NewJudge.c":                  func() error { return errorOf(NewJudge(nil, 1, x, x)) },
		"TrainTogether.maps":          func() error { return errorOf(TrainTogether([]*SOM{som, nil}, x, "x", nil, []SOMFit{{}})) },
		"SOM.StreamTraining.chunks":   func() error { return errorOf(som.StreamTraining(nil, "x", SOMFit{})) },
		"CheckKernel.k":               func() error { return CheckKernel(backend, nil, 0.1, 1) },
		"KernelCurve.k":               func() error { return errorOf(KernelCurve(backend, nil, []float64{0, 1}, 1)) },
		"EachObject.fn":               func() error { return errorOf(EachObject(x, nil)) },
		"ImportanceWeights.logTarget": func() error { return errorOf(ImportanceWeights([]float64{0}, nil, one)) },
		"ImportanceWeights.logSource": func() error { return errorOf(ImportanceWeights([]float64{0}, one, nil)) },
		"GameValue.d":                 func() error { return errorOf(GameValue(nil, one, one, Interval{})) },
		"GameValue.p":                 func() error { return errorOf(GameValue(one, nil, one, Interval{})) },
		"GameValue.q":                 func() error { return errorOf(GameValue(one, one, nil, Interval{})) },
		"JensenShannon.p":             func() error { return errorOf(JensenShannon(nil, one, Interval{})) },
		"JensenShannon.q":             func() error { return errorOf(JensenShannon(one, nil, Interval{})) },
		"PrincipalAngles.a":           func() error { return errorOf(PrincipalAngles(nil, matrix)) },
		"PrincipalAngles.b":           func() error { return errorOf(PrincipalAngles(matrix, nil)) },
		"ReadInfo.r":                  func() error { return errorOf(ReadInfo(nil)) },
		"ReadWeights.r":               func() error { return errorOf(ReadWeights(nil)) },
		"SOM.Load.r":                  func() error { return som.Load(nil) },
		"SOM.Save.w":                  func() error { return som.Save(nil) },
		"SOMTraining.Restore.r":       func() error { return maps.Restore(partWeights, nil) },
		"SOMTraining.Save.w":          func() error { return maps.Save(partWeights, nil) },
		"Training.Restore.r":          func() error { return training.Restore(partWeights, nil) },
		"Training.Save.w":             func() error { return training.Save(partWeights, nil) },
		"embedded.Load.r":             func() error { return vae.Load(nil) },
		"embedded.Save.w":             func() error { return vae.Save(nil) },
		"embedded.Restore.r":          func() error { return doctor.Over(training).Restore(partWeights, nil) },
		"LoadSOMs.r":                  func() error { return errorOf(LoadSOMs(backend, nil)) },
	}
	for kind, load := range map[string]func(r io.Reader) error{
		"Autoencoder": func(r io.Reader) error { return errorOf(LoadAutoencoder(backend, r)) }, "Classifier": func(r io.Reader) error { return errorOf(LoadClassifier(backend, r)) },
		"GAN": func(r io.Reader) error { return errorOf(LoadGAN(backend, r)) }, "Meta": func(r io.Reader) error { return errorOf(LoadMeta(backend, r)) },
		"MultiTask": func(r io.Reader) error { return errorOf(LoadMultiTask(backend, r)) }, "PrototypeNet": func(r io.Reader) error { return errorOf(LoadPrototypeNet(backend, r)) },
		"SOM": func(r io.Reader) error { return errorOf(LoadSOM(backend, r)) }, "VAE": func(r io.Reader) error { return errorOf(LoadVAE(backend, r)) },
		"VQVAE": func(r io.Reader) error { return errorOf(LoadVQVAE(backend, r)) },
	} {
		calls["Load"+kind+".r"] = func() error { return load(nil) }
	}
	return calls
}

// TestNilArguments: every exported function that takes a model, a training, a map, a matrix, a function, a reader or a writer returns
// an error that says so if it is nil. A function that is not in the table is an error, so that none is forgotten.
func TestNilArguments(t *testing.T) {
	calls, want := nilCalls(t), loadModulePackages(t).missableParameters()
	for _, name := range want {
		if calls[name] == nil {
			t.Errorf("%s may be nil, and this test does not call it", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		if !slices.Contains(want, name) {
			t.Errorf("this test calls %s, which lecture11 does not have", name)
		}
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("panic: %v", p)
				}
			}()
			if err := calls[name](); err == nil || !strings.HasPrefix(err.Error(), "lecture11: ") || !strings.Contains(err.Error(), "is nil, want ") {
				t.Errorf("error %v, want that it is nil", err)
			}
		})
	}
}

// TestNilMatrices: a fit or a map whose matrix is nil is an error.
func TestNilMatrices(t *testing.T) {
	x := far(64, 1)
	fit := must(FitGaussian(x))
	_, err := FrechetDistance(GaussianFit{Mean: fit.Mean}, fit)
	wantError(t, err, "Covariance is nil")
	pca := must(NewPCA(goBackend(t), x))
	_, err = pca.ProjectorDistances(AffineMap{}, AffineMap{})
	wantError(t, err, "AffineMap.Matrix is nil")
}
