package lecture11

import (
	"bytes"
	"go/types"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/kernelext/device"
)

// tensorParameters lists the parameters of exported functions and methods through which a caller passes tensors, as
// "VAE.Encode.x", or "embedded.SetWeights.weights" for a method that models share. A parameter that is a struct with
// tensors is listed with its fields, as "MultiTask.Training.d.X".
func (c *moduleCode) tensorParameters() []string {
	var names []string
	add := func(name string, f *types.Func) {
		for i := range f.Signature().Params().Len() {
			p := f.Signature().Params().At(i)
			for _, field := range tensorsOfType(p.Type()) {
				names = append(names, name+"."+p.Name()+field)
			}
		}
	}
	scope := c.root.Scope()
	for _, name := range scope.Names() {
		object := scope.Lookup(name)
		if !object.Exported() {
			continue
		}
		switch object := object.(type) {
		case *types.Func:
			add(name, object)
		case *types.TypeName:
			methods := types.NewMethodSet(types.NewPointer(object.Type()))
			for i := range methods.Len() {
				selection, method := methods.At(i), methods.At(i).Obj().(*types.Func)
				switch {
				case !method.Exported():
				case len(selection.Index()) == 1:
					add(name+"."+method.Name(), method)
				default: // of an embedded struct
					add("embedded."+method.Name(), method)
				}
			}
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// tensorsOfType returns "" for a tensor or several tensors, and ".Field" for each exported field of a struct that is a
// tensor.
func tensorsOfType(t types.Type) []string {
	switch t := t.(type) {
	case *types.Pointer:
		if named, ok := t.Elem().(*types.Named); ok && named.Obj().Name() == "Tensor" {
			return []string{""}
		}
	case *types.Slice:
		return tensorsOfType(t.Elem())
	case *types.Map:
		return tensorsOfType(t.Elem())
	case *types.Named:
		s, ok := t.Underlying().(*types.Struct)
		if !ok {
			return nil
		}
		var fields []string
		for i := range s.NumFields() {
			if f := s.Field(i); f.Exported() && len(tensorsOfType(f.Type())) > 0 {
				fields = append(fields, "."+f.Name())
			}
		}
		return fields
	}
	return nil
}

// tensorCall is a call with one of its tensors as a parameter, and a tensor that it accepts.
type tensorCall struct {
	good *tensors.Tensor
	call func(x *tensors.Tensor) error
}

// calling returns a call of f that drops its result.
func calling[R any](good *tensors.Tensor, f func(x *tensors.Tensor) (R, error)) tensorCall {
	return tensorCall{good, func(x *tensors.Tensor) error { return errorOf(f(x)) }}
}

func errorOf3[R, S any](_ R, _ S, err error) error { return err }

// mayBeNil lists the tensors that a caller may omit.
var mayBeNil = []string{"SOM.Training.w", "TrainTogether.w"}

// TestTensorArguments: every exported function that takes a tensor returns a matching error for a nil tensor and for a
// finalized one, and, unless mayBeNaN lists it, for one with a number that is not finite. A function that is not in the
// table is an error, so that none is forgotten.
func TestTensorArguments(t *testing.T) {
	long(t)
	calls := map[string]tensorCall{}
	for _, table := range []map[string]tensorCall{modelCalls(t), taskCalls(t), ganCalls(t), somCalls(t), codeCalls(), compareCalls(t)} {
		maps.Copy(calls, table)
	}
	want := loadModulePackages(t).tensorParameters()
	for _, name := range want {
		if calls[name].call == nil {
			t.Errorf("%s takes a tensor, and this test does not call it", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		if !slices.Contains(want, name) {
			t.Errorf("this test calls %s, which lecture11 does not have", name)
		}
		t.Run(name, func(t *testing.T) {
			checkTensorCall(t, calls[name], slices.Contains(mayBeNil, name))
			if !slices.Contains(mayBeNaN, name) {
				checkNotFinite(t, calls[name])
			}
		})
	}
}

// checkTensorCall makes the call with a good tensor, with a finalized one and with nil.
func checkTensorCall(t *testing.T, c tensorCall, optional bool) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("panic: %v", p)
		}
	}()
	if err := c.call(must(c.good.LocalClone())); err != nil {
		t.Fatalf("with %s: %v", c.good.Shape(), err)
	}
	gone := must(c.good.LocalClone())
	gone.MustFinalizeAll()
	if err := c.call(gone); err == nil || !strings.Contains(err.Error(), "finalized") {
		t.Errorf("error of a finalized tensor: %v", err)
	}
	err := c.call(nil)
	if optional && err != nil {
		t.Errorf("error without the tensor: %v", err)
	}
	if !optional && (err == nil || !strings.Contains(err.Error(), "nil") || !strings.HasPrefix(err.Error(), "lecture11: ")) {
		t.Errorf("error of a nil tensor: %v", err)
	}
}

// alternating returns l labels of the given number of classes in turn.
func alternating(l, classes int) []int {
	labels := make([]int, l)
	for i := range labels {
		labels[i] = i % classes
	}
	return labels
}

// drawWeights sets the model of a training to its initial weights.
func drawWeights(training *Training, err error) {
	if err := must(training, err).initialise(); err != nil {
		panic(err)
	}
}

// sameRows returns a tensor [l, n] whose rows are all the same.
func sameRows(l int, row ...float32) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(slices.Repeat(row, l), l, len(row))
}

func modelCalls(t *testing.T) map[string]tensorCall {
	backend, x, z, labels := goBackend(t), far(64, 1), far(32, 1), alternating(64, 2)
	codes := tensors.FromFlatDataAndDimensions(normals(20, 1), 10, 2)
	vae := must(NewVAE(backend, VAEConfig{Features: 4, Latent: 2, Hidden: []int{3}, Likelihood: "gaussian"}))
	drawWeights(vae.Training(x, "x", FitConfig{}))
	ae := must(NewAutoencoder(backend, AutoencoderConfig{Features: 4, Latent: 2, Hidden: []int{3}, Classes: 2, Corruption: Corruption{"gaussian", 1}}))
	plain, classes := must(NewAutoencoder(backend, AutoencoderConfig{Features: 4, Latent: 2})), make([]int, 64)
	drawWeights(ae.LabelledTraining(x, classes, "x", FitConfig{}))
	c := must(NewClassifier(backend, ClassifierConfig{Features: 4, Classes: 2, Hidden: []int{3}}))
	drawWeights(c.Training(x, labels, "x", FitConfig{}))
	vq := must(NewVQVAE(backend, VQVAEConfig{Grid: Grid{Width: 2, Height: 1}, Features: 4, Latent: 2, Hidden: []int{3}}))
	drawWeights(vq.Training(x, "x", FitConfig{}))
	weights := must(vae.Weights())
	name := slices.Min(slices.Collect(maps.Keys(weights)))
	judge := must(NewJudge(c, 1, x, far64(64)))
	probe := must(NewLinearProbe(x, labels, 2))
	return map[string]tensorCall{
		"VAE.Training.x": calling(x, func(x *tensors.Tensor) (*Training, error) { return vae.Training(x, "x", FitConfig{}) }),
		"VAE.Encode.x":   {x, func(x *tensors.Tensor) error { return errorOf3(vae.Encode(x)) }},
		"VAE.Decode.z":   calling(codes, vae.Decode), "VAE.Reconstruct.x": calling(x, vae.Reconstruct),
		"VAE.Similar.x":         {x, func(x *tensors.Tensor) error { return errorOf(vae.Similar(x, 1, 1)) }},
		"VAE.ELBO.x":            {x, func(x *tensors.Tensor) error { return errorOf(vae.ELBO(x, 1)) }},
		"VAE.ImportanceBound.x": {x, func(x *tensors.Tensor) error { return errorOf(vae.ImportanceBound(x, 2, 1)) }},
		"VAE.GradientNorms.x":   {x, func(x *tensors.Tensor) error { return errorOf(vae.GradientNorms(x, 1)) }},
		"VAE.CollapseReport.x":  {x, func(x *tensors.Tensor) error { return errorOf(vae.CollapseReport(x, 1)) }},
		"VAE.KLParts.x":         {x, func(x *tensors.Tensor) error { return errorOf(vae.KLParts(x, 1)) }},
		"NewKLParts.mean":       {codes, func(x *tensors.Tensor) error { return errorOf(NewKLParts(x, codes, 1, 1)) }},
		"NewKLParts.logVar":     {codes, func(x *tensors.Tensor) error { return errorOf(NewKLParts(codes, x, 1, 1)) }},

		"VQVAE.Training.x": {x, func(x *tensors.Tensor) error { return errorOf(vq.Training(x, "x", FitConfig{})) }},
		"VQVAE.Encode.x":   calling(x, vq.Encode), "VQVAE.Reconstruct.x": calling(x, vq.Reconstruct),
		"VQVAE.Decode.codes": calling(tensors.FromValue([][]int32{{1}, {0}}), vq.Decode),
		"VQVAE.Loss.x":       calling(x, vq.Loss), "VQVAE.Usage.x": calling(x, vq.Usage),
		"KernelDistance.a": {x, func(a *tensors.Tensor) error { return errorOf(KernelDistance(a, far(32, 1), 2)) }},
		"KernelDistance.b": {x, func(b *tensors.Tensor) error { return errorOf(KernelDistance(far(32, 1), b, 2)) }},

		"embedded.SetWeights.weights": {weights[name], func(w *tensors.Tensor) error {
			changed := maps.Clone(weights)
			changed[name] = w
			return vae.SetWeights(changed)
		}},

		"Autoencoder.Training.x":         {x, func(x *tensors.Tensor) error { return errorOf(plain.Training(x, "x", FitConfig{})) }},
		"Autoencoder.LabelledTraining.x": {x, func(x *tensors.Tensor) error { return errorOf(ae.LabelledTraining(x, classes, "x", FitConfig{})) }},
		"Autoencoder.Encode.x":           calling(x, ae.Encode), "Autoencoder.Decode.z": calling(codes, ae.Decode),
		"Autoencoder.Reconstruct.x": calling(x, ae.Reconstruct), "Autoencoder.Loss.x": calling(x, ae.Loss),
		"Autoencoder.Classify.x": calling(x, ae.Classify), "Autoencoder.Score.x": calling(x, ae.Score),
		"Autoencoder.GradientNorms.x": {x, func(x *tensors.Tensor) error { return errorOf(ae.GradientNorms(x, classes)) }},

		"Classifier.Training.x":  {x, func(x *tensors.Tensor) error { return errorOf(c.Training(x, labels, "x", FitConfig{})) }},
		"Classifier.Accuracy.x":  {x, func(x *tensors.Tensor) error { return errorOf(c.Accuracy(x, labels)) }},
		"Classifier.Features.x":  {x, func(x *tensors.Tensor) error { return errorOf(c.Features(x, 1)) }},
		"Classifier.Predict.x":   calling(x, c.Predict),
		"NewJudge.real":          {x, func(x *tensors.Tensor) error { return errorOf(NewJudge(c, 1, far64(64), x)) }},
		"Judge.Report.x":         calling(x, judge.Report),
		"NewLinearProbe.z":       {x, func(x *tensors.Tensor) error { return errorOf(NewLinearProbe(x, labels, 2)) }},
		"LinearProbe.Classify.z": calling(x, probe.Classify),
		"LinearProbe.Accuracy.z": {x, func(x *tensors.Tensor) error { return errorOf(probe.Accuracy(x, labels)) }},
		"ProxyDistance.source": {x, func(x *tensors.Tensor) error {
			return errorOf(ProxyDistance(t.Context(), backend, x, z, FitConfig{Epochs: 1}))
		}},
		"ProxyDistance.target": {x, func(x *tensors.Tensor) error {
			return errorOf(ProxyDistance(t.Context(), backend, z, x, FitConfig{Epochs: 1}))
		}},
	}
}

// far64 returns objects as far does, but different ones.
func far64(l int) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(normals(4*l, 5), l, 4) }

func taskCalls(t *testing.T) map[string]tensorCall {
	backend, x, labels := goBackend(t), far(64, 1), alternating(64, 2)
	y := numbers(dtypes.Float32, slices.Repeat([]float64{0, 1}, 32), 64, 1)
	tasks := must(NewMultiTask(backend, MultiTaskConfig{Features: 4, Hidden: []int{3}, Tasks: []Task{{Name: "a", Classes: 2}}}))
	drawWeights(tasks.Training(TaskData{X: x, Y: y, ID: "x"}, FitConfig{}))
	episode := EpisodeConfig{Ways: 2, Shots: 1, Queries: 1}
	meta := must(NewMeta(backend, MetaConfig{Features: 4, Hidden: []int{3}, Episode: episode, Episodes: 40}))
	drawWeights(meta.Training(x, labels, "x", FitConfig{Batch: 4}))
	protos := must(NewPrototypeNet(backend, PrototypeNetConfig{Features: 4, Latent: 2, Hidden: []int{3}, Encoder: "dense", Episode: episode, Episodes: 40}))
	drawWeights(protos.Training(x, labels, "x", FitConfig{}))
	episodes := must(DrawEpisodes(labels, episode, 3, 1))
	known := LabelledCodes{x, labels}
	withX := func(f func(d TaskData) error) tensorCall {
		return tensorCall{x, func(x *tensors.Tensor) error { return f(TaskData{X: x, Y: y, ID: "x"}) }}
	}
	withY := func(f func(d TaskData) error) tensorCall {
		return tensorCall{y, func(y *tensors.Tensor) error { return f(TaskData{X: x, Y: y, ID: "x"}) }}
	}
	train := func(d TaskData) error { return errorOf(tasks.Training(d, FitConfig{})) }
	evaluate := func(d TaskData) error { return errorOf(tasks.Evaluate(d)) }
	conflict := func(d TaskData) error { return errorOf(tasks.GradientConflict(d)) }
	return map[string]tensorCall{
		"MultiTask.Training.d.X": withX(train), "MultiTask.Training.d.Y": withY(train),
		"MultiTask.Evaluate.d.X": withX(evaluate), "MultiTask.Evaluate.d.Y": withY(evaluate),
		"MultiTask.GradientConflict.d.X": withX(conflict), "MultiTask.GradientConflict.d.Y": withY(conflict),
		"MultiTask.Predict.x":     {x, func(x *tensors.Tensor) error { return errorOf(tasks.Predict(x, 0, "a")) }},
		"MultiTask.Codes.x":       {x, func(x *tensors.Tensor) error { return errorOf(tasks.Codes(x, 0, 1)) }},
		"Meta.Training.x":         {x, func(x *tensors.Tensor) error { return errorOf(meta.Training(x, labels, "x", FitConfig{})) }},
		"Meta.Accuracy.x":         {x, func(x *tensors.Tensor) error { return errorOf(meta.Accuracy(x, episodes, 1)) }},
		"PrototypeNet.Training.x": {x, func(x *tensors.Tensor) error { return errorOf(protos.Training(x, labels, "x", FitConfig{})) }},
		"PrototypeNet.Encode.x":   calling(x, protos.Encode),
		"FewShotTuning.x": {x, func(x *tensors.Tensor) error {
			return errorOf(FewShotTuning(t.Context(), tasks, x, episodes, FitConfig{}, RunPlan{}))
		}},
		"PrototypeAccuracy.codes":       {x, func(x *tensors.Tensor) error { return errorOf(PrototypeAccuracy(x, episodes)) }},
		"PrototypeGuesses.codes":        {x, func(x *tensors.Tensor) error { return errorOf(PrototypeGuesses(x, episodes)) }},
		"NearestAccuracy.codes":         {x, func(x *tensors.Tensor) error { return errorOf(NearestAccuracy(x, episodes)) }},
		"Confusions.codes":              {x, func(x *tensors.Tensor) error { return errorOf(Confusions(x, episodes)) }},
		"FewShotProbe.known.Codes":      {x, func(x *tensors.Tensor) error { return errorOf(FewShotProbe(LabelledCodes{x, labels}, known, 3, 1)) }},
		"FewShotProbe.test.Codes":       {x, func(x *tensors.Tensor) error { return errorOf(FewShotProbe(known, LabelledCodes{x, labels}, 3, 1)) }},
		"NeighbourAccuracy.known.Codes": {x, func(x *tensors.Tensor) error { return errorOf(NeighbourAccuracy(LabelledCodes{x, labels}, known, 3)) }},
		"NeighbourAccuracy.test.Codes":  {x, func(x *tensors.Tensor) error { return errorOf(NeighbourAccuracy(known, LabelledCodes{x, labels}, 3)) }},
		"Rivals.x.Codes":                {x, func(x *tensors.Tensor) error { return errorOf(Rivals(LabelledCodes{x, labels}, known)) }},
		"Rivals.pool.Codes":             {x, func(x *tensors.Tensor) error { return errorOf(Rivals(known, LabelledCodes{x, labels})) }},
	}
}

func ganCalls(t *testing.T) map[string]tensorCall {
	x, other := far(64, 1), far64(64)
	gan := must(NewGAN(goBackend(t), GANConfig{Features: 4, Latent: 2, Generator: []int{3}, Discriminator: []int{3}}))
	drawWeights(gan.Training(x, "x", FitConfig{}))
	ring := must(RingMixture(8, 2, 0.05))
	points := ring.Sample(40, 1)
	shares := sameRows(4, 0.5, 0.5)
	return map[string]tensorCall{
		"GAN.Training.x":     {x, func(x *tensors.Tensor) error { return errorOf(gan.Training(x, "x", FitConfig{})) }},
		"GAN.GenerateFrom.z": calling(tensors.FromFlatDataAndDimensions(normals(20, 1), 10, 2), gan.GenerateFrom),
		"GAN.Discriminate.x": calling(x, gan.Discriminate),
		"NewGANDoctor.real":  {x, func(x *tensors.Tensor) error { return errorOf(NewGANDoctor(gan, x, DoctorConfig{})) }},

		"FitGaussian.features": calling(x, FitGaussian), "InceptionScore.p": calling(shares, InceptionScore),
		"GaussianMixture.Coverage.x":   calling(points, ring.Coverage),
		"ManifoldPrecisionRecall.real": {x, func(x *tensors.Tensor) error { return errorOf3(ManifoldPrecisionRecall(x, other, 3)) }},
		"ManifoldPrecisionRecall.fake": {x, func(x *tensors.Tensor) error { return errorOf3(ManifoldPrecisionRecall(other, x, 3)) }},
		"TwoSampleNeighbours.real":     {x, func(x *tensors.Tensor) error { return errorOf(TwoSampleNeighbours(x, other)) }},
		"TwoSampleNeighbours.fake":     {x, func(x *tensors.Tensor) error { return errorOf(TwoSampleNeighbours(other, x)) }},
		"Accuracy.p":                   {shares, func(p *tensors.Tensor) error { return errorOf(Accuracy(p, alternating(4, 2))) }},
		"Likeliest.p":                  calling(shares, Likeliest), "LearntWeights.p": calling(shares, LearntWeights),
	}
}

func somCalls(t *testing.T) map[string]tensorCall {
	backend, x, grid := goBackend(t), far(64, 1), Grid{Width: 3, Height: 4}
	w, ones := far64(12), numbers(dtypes.Float32, slices.Repeat([]float64{1}, 64), 64)
	config := SOMConfig{Grid: grid, Features: 4}
	som, fit := must(NewSOM(backend, config)), SOMFit{}
	novelty := must(NewNovelty(backend, w, x, 1, 0.9))
	aligned := must(Align(w, w, grid))
	network := must(NewKohonen(backend, KohonenConfig{Steps: 5}))
	if err := som.SetWeights(w); err != nil {
		t.Fatal(err)
	}
	start, plane := far64(3), tensors.FromFlatDataAndDimensions(normals(24, 5), 12, 2)
	train := func(x, w *tensors.Tensor) error { return errorOf(som.Training(x, "x", w, fit)) }
	together := func(x, w *tensors.Tensor) error { return errorOf(TrainTogether([]*SOM{som}, x, "x", w, []SOMFit{fit})) }
	return map[string]tensorCall{
		"SOM.Training.x": {x, func(x *tensors.Tensor) error { return train(x, nil) }}, "SOM.Training.w": {ones, func(w *tensors.Tensor) error { return train(x, w) }},
		"TrainTogether.x": {x, func(x *tensors.Tensor) error { return together(x, nil) }}, "TrainTogether.w": {ones, func(w *tensors.Tensor) error { return together(x, w) }},
		"SOM.SetWeights.w": {w, som.SetWeights}, "SOM.Winners.x": {x, func(x *tensors.Tensor) error { return errorOf3(som.Winners(x, 1)) }},
		"SOM.Nearest.x": {x, func(x *tensors.Tensor) error { return errorOf(som.Nearest(x, 1)) }},
		"SOM.Quality.x": calling(x, som.Quality), "SOM.Quantize.x": calling(x, som.Quantize),
		"SOM.Distortion.x":           {x, func(x *tensors.Tensor) error { return errorOf(som.Distortion(x, 1)) }},
		"FindNearest.x":              {x, func(x *tensors.Tensor) error { return errorOf(FindNearest(backend, x, w, 1)) }},
		"FindNearest.weights":        {w, func(w *tensors.Tensor) error { return errorOf(FindNearest(backend, x, w, 1)) }},
		"NearestObjects.x":           {x, func(x *tensors.Tensor) error { return errorOf3(NearestObjects(backend, x, w)) }},
		"NearestObjects.among":       {w, func(w *tensors.Tensor) error { return errorOf3(NearestObjects(backend, x, w)) }},
		"NewMapQuality.x":            {x, func(x *tensors.Tensor) error { return errorOf(NewMapQuality(backend, x, w, grid)) }},
		"NewMapQuality.weights":      {w, func(w *tensors.Tensor) error { return errorOf(NewMapQuality(backend, x, w, grid)) }},
		"TopographicError.x":         {x, func(x *tensors.Tensor) error { return errorOf(TopographicError(backend, x, w, grid, true)) }},
		"TopographicError.weights":   {w, func(w *tensors.Tensor) error { return errorOf(TopographicError(backend, x, w, grid, true)) }},
		"NewNeighbourhoods.x":        {x, func(x *tensors.Tensor) error { return errorOf(NewNeighbourhoods(backend, x, w, grid, 2)) }},
		"NewNeighbourhoods.weights":  {w, func(w *tensors.Tensor) error { return errorOf(NewNeighbourhoods(backend, x, w, grid, 2)) }},
		"NewNovelty.x":               {x, func(x *tensors.Tensor) error { return errorOf(NewNovelty(backend, w, x, 1, 0.9)) }},
		"NewNovelty.weights":         {w, func(w *tensors.Tensor) error { return errorOf(NewNovelty(backend, w, x, 1, 0.9)) }},
		"Novelty.Scores.x":           calling(x, novelty.Scores),
		"Align.reference":            {w, func(w *tensors.Tensor) error { return errorOf(Align(w, far64(12), grid)) }},
		"Align.weights":              {w, func(w *tensors.Tensor) error { return errorOf(Align(far64(12), w, grid)) }},
		"Alignment.Weights.weights":  calling(w, aligned.Weights),
		"TopographicProduct.weights": {w, func(w *tensors.Tensor) error { return errorOf(TopographicProduct(w, grid)) }},
		"Untwisted.weights":          {plane, func(w *tensors.Tensor) error { return errorOf(Untwisted(w, grid)) }},
		"UMatrix.weights":            {w, func(w *tensors.Tensor) error { return errorOf(UMatrix(w, grid)) }},
		"ExpandedUMatrix.weights":    {w, func(w *tensors.Tensor) error { return errorOf(ExpandedUMatrix(w, grid)) }},
		"AdviseSize.x": {x, func(x *tensors.Tensor) error {
			return errorOf(AdviseSize(t.Context(), backend, x, "x", SOMConfig{Features: 4}, []Grid{grid}, SOMFit{Epochs: 1}))
		}},
		"Cluster.x": {x, func(x *tensors.Tensor) error { return errorOf(Cluster(backend, x, w)) }}, "Cluster.w": {w, func(w *tensors.Tensor) error { return errorOf(Cluster(backend, x, w)) }},
		"Kohonen.Fit.x":     {x, func(x *tensors.Tensor) error { return errorOf(network.Fit(t.Context(), x, start, 1)) }},
		"Kohonen.Fit.start": {start, func(w *tensors.Tensor) error { return errorOf(network.Fit(t.Context(), far(64, 1), w, 1)) }},
		"LloydBest.x":       {x, func(x *tensors.Tensor) error { return errorOf3(LloydBest(x, 2, 1, 1)) }},
		"StartCenters.x":    {x, func(x *tensors.Tensor) error { return errorOf(StartCenters("k-means++", x, 2, 1)) }},
	}
}

func codeCalls() map[string]tensorCall {
	z, labels := far(64, 1), alternating(64, 2)
	groups := make([]int, 64)
	return map[string]tensorCall{
		"RepeatCodes.z":            {z, func(z *tensors.Tensor) error { return errorOf(RepeatCodes(z, 2)) }},
		"CodeLengths.z":            calling(z, CodeLengths),
		"InterpolateCodes.z":       {z, func(z *tensors.Tensor) error { return errorOf(InterpolateCodes(z, 0, 1, 3)) }},
		"SphericalCodes.z":         {z, func(z *tensors.Tensor) error { return errorOf(SphericalCodes(z, 0, 1, 3)) }},
		"TruncateCodes.z":          {z, func(z *tensors.Tensor) error { return errorOf(TruncateCodes(z, 0.5)) }},
		"CodeArithmetic.z":         {z, func(z *tensors.Tensor) error { return errorOf(CodeArithmetic(z, far(8, 1), far(8, 1), 1)) }},
		"CodeArithmetic.with":      {z, func(z *tensors.Tensor) error { return errorOf(CodeArithmetic(far(8, 1), z, far(8, 1), 1)) }},
		"CodeArithmetic.without":   {z, func(z *tensors.Tensor) error { return errorOf(CodeArithmetic(far(8, 1), far(8, 1), z, 1)) }},
		"NewCodeStatistics.mean":   {z, func(z *tensors.Tensor) error { return errorOf(NewCodeStatistics(z, far(64, 1))) }},
		"NewCodeStatistics.logVar": {z, func(z *tensors.Tensor) error { return errorOf(NewCodeStatistics(far(64, 1), z)) }},
		"NewCodeSparsity.z":        calling(z, NewCodeSparsity),
		"NeighbourAgreement.z":     {z, func(z *tensors.Tensor) error { return errorOf(NeighbourAgreement(z, labels)) }},
		"PairDistances.z":          {z, func(z *tensors.Tensor) error { return errorOf3(PairDistances(z, groups)) }},
		"PathSteps.x":              calling(z, PathSteps), "MidGrey.x": calling(z, MidGrey),
		"Columns.t": calling(z, Columns), "Components.x": calling(z, Components),
		"WithLabels.x": {z, func(z *tensors.Tensor) error { return errorOf(WithLabels(z, labels, 2)) }},
	}
}

func compareCalls(t *testing.T) map[string]tensorCall {
	backend, x, noise := goBackend(t), far(64, 1), Corruption{"gaussian", 1}
	pca := must(NewPCA(backend, x))
	gaussian := must(NewLinearGaussian(4, 2, 1, 1))
	norm := func(x []float64) []float64 { return x[:1] }
	return map[string]tensorCall{
		"NewPCA.x":                       {x, func(x *tensors.Tensor) error { return errorOf(NewPCA(backend, x)) }},
		"PCA.Encode.x":                   {x, func(x *tensors.Tensor) error { return errorOf(pca.Encode(x, 2)) }},
		"PCA.Reconstruct.x":              {x, func(x *tensors.Tensor) error { return errorOf(pca.Reconstruct(x, 2)) }},
		"PCA.LossOf.x":                   {x, func(x *tensors.Tensor) error { return errorOf(pca.LossOf(x, 2)) }},
		"Corrupt.x":                      {x, func(x *tensors.Tensor) error { return errorOf(Corrupt(backend, x, noise, 1)) }},
		"LinearDenoiser.x":               {x, func(x *tensors.Tensor) error { return errorOf(LinearDenoiser(x, noise)) }},
		"EachObject.x":                   {x, func(x *tensors.Tensor) error { return errorOf(EachObject(x, norm)) }},
		"LinearGaussian.LogLikelihood.x": calling(x, gaussian.LogLikelihood),
		"MeanSquaredError.x":             {x, func(x *tensors.Tensor) error { return errorOf(MeanSquaredError(x, far(64, 1))) }},
		"MeanSquaredError.y":             {x, func(x *tensors.Tensor) error { return errorOf(MeanSquaredError(far(64, 1), x)) }},
		"SquaredErrors.x":                {x, func(x *tensors.Tensor) error { return errorOf(SquaredErrors(x, far(64, 1))) }},
		"SquaredErrors.y":                {x, func(x *tensors.Tensor) error { return errorOf(SquaredErrors(far(64, 1), x)) }},
		"CompareFields.a":                {x, func(x *tensors.Tensor) error { return errorOf(CompareFields(x, far(64, 1))) }},
		"CompareFields.b":                {x, func(x *tensors.Tensor) error { return errorOf(CompareFields(far(64, 1), x)) }},
		"CodeInstability.clean":          {x, func(x *tensors.Tensor) error { return errorOf(CodeInstability(x, far(64, 1))) }},
		"CodeInstability.noisy":          {x, func(x *tensors.Tensor) error { return errorOf(CodeInstability(far(64, 1), x)) }},
	}
}

// backendCalls returns calls of all functions that compute on a backend, with the backend as a parameter.
func backendCalls(t *testing.T) map[string]func(b compute.Backend) error {
	x, w, grid, gaussian := far(64, 1), far64(12), Grid{Width: 3, Height: 4}, must(KernelByName("gaussian"))
	gan := GANConfig{Features: 4, Latent: 2}
	files := savedModels(t)
	return map[string]func(b compute.Backend) error{
		"NewVAE": func(b compute.Backend) error { return errorOf(NewVAE(b, VAEConfig{Features: 4, Latent: 2})) },
		"NewAutoencoder": func(b compute.Backend) error {
			return errorOf(NewAutoencoder(b, AutoencoderConfig{Features: 4, Latent: 2}))
		},
		"NewVQVAE": func(b compute.Backend) error {
			return errorOf(NewVQVAE(b, VQVAEConfig{Grid: grid, Features: 4, Latent: 2}))
		},
		"LoadVQVAE": func(b compute.Backend) error { return errorOf(LoadVQVAE(b, bytes.NewReader(files["VQVAE"]))) },
		"NewGAN":    func(b compute.Backend) error { return errorOf(NewGAN(b, gan)) },
		"NewVAEOf": func(b compute.Backend) error {
			return errorOf(NewVAEOf(b, VAEConfig{Features: 4, Latent: 2}, CodingNets{"dense", Dense([]int{3}, 4, "tanh"), Dense([]int{3}, 4, "tanh")}))
		},
		"NewAutoencoderOf": func(b compute.Backend) error {
			return errorOf(NewAutoencoderOf(b, AutoencoderConfig{Features: 4, Latent: 2},
				CodingNets{"dense", Dense([]int{3}, 2, "tanh"), Dense([]int{3}, 4, "tanh")}))
		},
		"NewClassifierOf": func(b compute.Backend) error {
			return errorOf(NewClassifierOf(b, ClassifierConfig{Features: 4, Classes: 2, Hidden: []int{3}}, BodyNet{"dense", Dense(nil, 3, "tanh")}))
		},
		"NewMultiTaskOf": func(b compute.Backend) error {
			return errorOf(NewMultiTaskOf(b, MultiTaskConfig{Features: 4, Hidden: []int{3}, Tasks: []Task{{Name: "a"}}},
				BodyNet{"dense", Dense(nil, 3, "tanh")}))
		},
		"NewGANOf": func(b compute.Backend) error { return errorOf(NewGANOf(b, gan, denseGAN(gan.withDefaults()))) },
		"NewClassifier": func(b compute.Backend) error {
			return errorOf(NewClassifier(b, ClassifierConfig{Features: 4, Classes: 2}))
		},
		"NewMultiTask": func(b compute.Backend) error {
			return errorOf(NewMultiTask(b, MultiTaskConfig{Features: 4, Tasks: []Task{{Name: "a"}}}))
		},
		"NewMeta": func(b compute.Backend) error { return errorOf(NewMeta(b, MetaConfig{Features: 4})) },
		"NewPrototypeNet": func(b compute.Backend) error {
			return errorOf(NewPrototypeNet(b, PrototypeNetConfig{Features: 4, Encoder: "dense"}))
		},
		"NewSOM":            func(b compute.Backend) error { return errorOf(NewSOM(b, SOMConfig{Grid: grid, Features: 4})) },
		"NewKohonen":        func(b compute.Backend) error { return errorOf(NewKohonen(b, KohonenConfig{Kernel: "gaussian"})) },
		"NewPCA":            func(b compute.Backend) error { return errorOf(NewPCA(b, x)) },
		"NewNovelty":        func(b compute.Backend) error { return errorOf(NewNovelty(b, w, x, 1, 0.9)) },
		"NewMapQuality":     func(b compute.Backend) error { return errorOf(NewMapQuality(b, x, w, grid)) },
		"NewNeighbourhoods": func(b compute.Backend) error { return errorOf(NewNeighbourhoods(b, x, w, grid, 2)) },
		"NewGradientDraws":  func(b compute.Backend) error { return errorOf(NewGradientDraws(b, 1, 1, 10, 1)) },
		"TopographicError":  func(b compute.Backend) error { return errorOf(TopographicError(b, x, w, grid, true)) },
		"FindNearest":       func(b compute.Backend) error { return errorOf(FindNearest(b, x, w, 1)) },
		"NearestObjects":    func(b compute.Backend) error { return errorOf3(NearestObjects(b, x, w)) },
		"Cluster":           func(b compute.Backend) error { return errorOf(Cluster(b, x, w)) },
		"Corrupt":           func(b compute.Backend) error { return errorOf(Corrupt(b, x, Corruption{"gaussian", 1}, 1)) },
		"KernelCurve":       func(b compute.Backend) error { return errorOf(KernelCurve(b, gaussian, []float64{0, 1}, 1)) },
		"CheckKernel":       func(b compute.Backend) error { return CheckKernel(b, gaussian, 0.1, 1) },
		"ProxyDistance": func(b compute.Backend) error {
			return errorOf(ProxyDistance(t.Context(), b, x, far64(32), FitConfig{Epochs: 1}))
		},
		"LoadVAE": func(b compute.Backend) error { return errorOf(LoadVAE(b, bytes.NewReader(files["VAE"]))) },
		"LoadAutoencoder": func(b compute.Backend) error {
			return errorOf(LoadAutoencoder(b, bytes.NewReader(files["Autoencoder"])))
		},
		"LoadGAN":        func(b compute.Backend) error { return errorOf(LoadGAN(b, bytes.NewReader(files["GAN"]))) },
		"LoadClassifier": func(b compute.Backend) error { return errorOf(LoadClassifier(b, bytes.NewReader(files["Classifier"]))) },
		"LoadMultiTask":  func(b compute.Backend) error { return errorOf(LoadMultiTask(b, bytes.NewReader(files["MultiTask"]))) },
		"LoadMeta":       func(b compute.Backend) error { return errorOf(LoadMeta(b, bytes.NewReader(files["Meta"]))) },
		"LoadPrototypeNet": func(b compute.Backend) error {
			return errorOf(LoadPrototypeNet(b, bytes.NewReader(files["PrototypeNet"])))
		},
		"LoadSOM":  func(b compute.Backend) error { return errorOf(LoadSOM(b, bytes.NewReader(files["SOM"]))) },
		"LoadSOMs": func(b compute.Backend) error { return errorOf(LoadSOMs(b, bytes.NewReader(files["SOM"]))) },
		"AdviseSize": func(b compute.Backend) error {
			return errorOf(AdviseSize(t.Context(), b, x, "x", SOMConfig{Features: 4}, []Grid{grid}, SOMFit{Epochs: 1}))
		},
	}
}

// savedModels returns files of models by kind, with their initial weights.
func savedModels(t *testing.T) map[string][]byte {
	backend, x, labels := goBackend(t), far(64, 1), alternating(64, 2)
	d := TaskData{X: x, Y: numbers(dtypes.Float32, slices.Repeat([]float64{0, 1}, 32), 64, 1), ID: "x"}
	episode := EpisodeConfig{Ways: 2, Shots: 1, Queries: 1}
	vae := must(NewVAE(backend, VAEConfig{Features: 4, Latent: 2, Hidden: []int{3}, Likelihood: "gaussian"}))
	drawWeights(vae.Training(x, "x", FitConfig{}))
	ae := must(NewAutoencoder(backend, AutoencoderConfig{Features: 4, Latent: 2, Hidden: []int{3}}))
	drawWeights(ae.Training(x, "x", FitConfig{}))
	vq := must(NewVQVAE(backend, VQVAEConfig{Grid: Grid{Width: 2, Height: 1}, Features: 4, Latent: 2, Hidden: []int{3}}))
	drawWeights(vq.Training(x, "x", FitConfig{}))
	gan := must(NewGAN(backend, GANConfig{Features: 4, Latent: 2, Generator: []int{3}, Discriminator: []int{3}}))
	drawWeights(gan.Training(x, "x", FitConfig{}))
	classifier := must(NewClassifier(backend, ClassifierConfig{Features: 4, Classes: 2, Hidden: []int{3}}))
	drawWeights(classifier.Training(x, labels, "x", FitConfig{}))
	tasks := must(NewMultiTask(backend, MultiTaskConfig{Features: 4, Hidden: []int{3}, Tasks: []Task{{Name: "a", Classes: 2}}}))
	drawWeights(tasks.Training(d, FitConfig{}))
	meta := must(NewMeta(backend, MetaConfig{Features: 4, Hidden: []int{3}, Episode: episode, Episodes: 40}))
	drawWeights(meta.Training(x, labels, "x", FitConfig{Batch: 4}))
	protos := must(NewPrototypeNet(backend, PrototypeNetConfig{Features: 4, Latent: 2, Hidden: []int{3}, Encoder: "dense", Episode: episode, Episodes: 40}))
	drawWeights(protos.Training(x, labels, "x", FitConfig{}))
	som := must(NewSOM(backend, SOMConfig{Grid: Grid{Width: 3, Height: 4}, Features: 4, Init: "uniform"}))
	files := map[string][]byte{}
	for kind, m := range map[string]interface{ Save(w io.Writer) error }{
		"VAE": vae, "VQVAE": vq, "Autoencoder": ae, "GAN": gan, "Classifier": classifier, "MultiTask": tasks, "Meta": meta, "PrototypeNet": protos, "SOM": som,
	} {
		var file bytes.Buffer
		if err := m.Save(&file); err != nil {
			t.Fatal(err)
		}
		files[kind] = file.Bytes()
	}
	return files
}

// TestNoBackend: each exported function that takes a backend refuses nil and accepts a valid one.
func TestNoBackend(t *testing.T) {
	calls, backend := backendCalls(t), goBackend(t)
	scope := loadModulePackages(t).root.Scope()
	for _, name := range scope.Names() {
		f, ok := scope.Lookup(name).(*types.Func)
		if !ok || !f.Exported() || !takesBackend(f) {
			continue
		}
		if calls[name] == nil {
			t.Errorf("%s takes a backend, and this test does not call it", name)
			continue
		}
		if err, want := calls[name](nil), "lecture11: "+name+": backend = nil"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s without a backend: error %v, want %q", name, err, want)
		}
		if err := calls[name](backend); err != nil {
			t.Errorf("%s with a backend: %v", name, err)
		}
	}
}

func takesBackend(f *types.Func) bool {
	for v := range f.Signature().Params().Variables() {
		if named, ok := v.Type().(*types.Named); ok && named.Obj().Name() == "Backend" {
			return true
		}
	}
	return false
}

// goBackend returns a pure-Go backend, which compiles at once.
func goBackend(t *testing.T) compute.Backend {
	backend, err := device.Open("go", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return backend
}
