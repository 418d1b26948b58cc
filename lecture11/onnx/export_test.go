//go:build onnx

package onnx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/lecture11"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// exported is a network and the model's own results for x.
type exported struct {
	network lecture11.Network
	x       *tensors.Tensor
	want    []*tensors.Tensor
}

// batch is the number of objects.
const batch = 3

// someNumbers are objects [batch, n] in [0, 1].
func someNumbers(n int) *tensors.Tensor {
	flat := make([]float32, batch*n)
	for i := range flat {
		flat[i] = float32(math.Mod(0.37*float64(i), 1))
	}
	return tensors.FromFlatDataAndDimensions(flat, batch, n)
}

// trained runs a training.
func trained(t *testing.T, training *lecture11.Training, err error) {
	t.Helper()
	if err == nil {
		err = training.Run(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var fit = lecture11.FitConfig{Epochs: 2, Batch: batch, LearningRate: 0.01}

func vae(t *testing.T, backend compute.Backend, cfg lecture11.VAEConfig) []exported {
	m := must(lecture11.NewVAE(backend, cfg))
	x, z := someNumbers(cfg.Features), someNumbers(cfg.Latent)
	training, err := m.Training(x, "some", fit)
	trained(t, training, err)
	mean, logVar, err := m.Encode(x)
	if err != nil {
		t.Fatal(err)
	}
	return []exported{
		{must(m.Network("encoder")), x, []*tensors.Tensor{mean, logVar}},
		{must(m.Network("decoder")), z, []*tensors.Tensor{must(m.Decode(z))}},
	}
}

func autoencoder(t *testing.T, backend compute.Backend, cfg lecture11.AutoencoderConfig) []exported {
	m := must(lecture11.NewAutoencoder(backend, cfg))
	x, z := someNumbers(cfg.Features), someNumbers(cfg.Latent)
	training, err := m.LabelledTraining(x, []int{0, 1, 2}, "some", fit)
	trained(t, training, err)
	return []exported{
		{must(m.Network("encoder")), x, []*tensors.Tensor{must(m.Encode(x))}},
		{must(m.Network("decoder")), z, []*tensors.Tensor{must(m.Decode(z))}},
		{must(m.Network("classifier")), x, []*tensors.Tensor{must(m.Classify(x))}},
	}
}

func classifier(t *testing.T, backend compute.Backend, cfg lecture11.ClassifierConfig) []exported {
	m := must(lecture11.NewClassifier(backend, cfg))
	x := someNumbers(cfg.Features)
	training, err := m.Training(x, []int{0, 1, 2}, "some", fit)
	trained(t, training, err)
	return []exported{{must(m.Network("classifier")), x, []*tensors.Tensor{must(m.Predict(x))}}}
}

func gan(t *testing.T, backend compute.Backend, cfg lecture11.GANConfig) []exported {
	m := must(lecture11.NewGAN(backend, cfg))
	x := someNumbers(cfg.Features)
	if cfg.Classes > 0 {
		x = must(lecture11.WithLabels(x, []int{0, 1, 0}, cfg.Classes))
	}
	training, err := m.Training(x, "some", fit)
	trained(t, training, err)
	z := someNumbers(cfg.Latent + cfg.Classes)
	return []exported{
		{must(m.Network("generator")), z, []*tensors.Tensor{must(m.GenerateFrom(z))}},
		{must(m.Network("discriminator")), x, []*tensors.Tensor{must(m.Discriminate(x))}},
	}
}

func multiTask(t *testing.T, backend compute.Backend) []exported {
	m := must(lecture11.NewMultiTask(backend, lecture11.MultiTaskConfig{Features: 5, Hidden: []int{4}, Runs: 2,
		Tasks: []lecture11.Task{{Name: "class", Classes: 3}, {Name: "number"}, {Name: "other", Classes: 3}}}))
	x := someNumbers(5)
	column := []float64{0, 1, 2}
	training, err := m.Training(lecture11.TaskData{X: x, Y: must(lecture11.TaskLabels(column, column, column)), ID: "some"}, fit)
	trained(t, training, err)
	return []exported{
		{must(m.Network(1, "other")), x, []*tensors.Tensor{must(m.Predict(x, 1, "other"))}},
		{must(m.Network(0, "number")), x, []*tensors.Tensor{must(m.Predict(x, 0, "number"))}},
	}
}

func vqVAE(t *testing.T, backend compute.Backend, cfg lecture11.VQVAEConfig) []exported {
	m := must(lecture11.NewVQVAE(backend, cfg))
	x := someNumbers(cfg.Features)
	training, err := m.Training(x, "some", fit)
	trained(t, training, err)
	places := must(m.Encode(x))
	if numbers := numbersOf(places); slices.Min(numbers) == slices.Max(numbers) {
		t.Errorf("all places are %g, want several", numbers[0])
	}
	return []exported{
		{must(m.Network("encoder")), x, []*tensors.Tensor{places, vectorsOf(must(m.Codebook()), places)}},
		{must(m.Network("decoder")), places, []*tensors.Tensor{must(m.Decode(places))}},
	}
}

// vectorsOf returns the vectors of a code book [m, d] at places [batch, L]: [batch, L, d].
func vectorsOf(book, places *tensors.Tensor) *tensors.Tensor {
	d, flat := book.Shape().Dim(1), numbersOf(book)
	var vectors []float32
	for _, place := range numbersOf(places) {
		vectors = append(vectors, flat[int(place)*d:(int(place)+1)*d]...)
	}
	return tensors.FromFlatDataAndDimensions(vectors, append(slices.Clone(places.Shape().Dimensions), d)...)
}

// numbersOf returns the numbers of a tensor of type float32 or int32.
func numbersOf(x *tensors.Tensor) []float32 {
	if x.DType() == dtypes.Float32 {
		return must(tensors.CopyFlatData[float32](x))
	}
	var numbers []float32
	for _, v := range must(tensors.CopyFlatData[int32](x)) {
		numbers = append(numbers, float32(v))
	}
	return numbers
}

// TestExportedModels: ONNX Runtime computes from each file, dense or convolutional, what the model itself computes, within 1e-5.
func TestExportedModels(t *testing.T) {
	goBackend, onnxBackend := must(gobackend.New("")), must(Backend())
	var all []exported
	for _, activation := range []string{"relu", "tanh", "gelu"} {
		all = append(all, vae(t, goBackend, lecture11.VAEConfig{Features: 6, Latent: 2, Hidden: []int{4}, Activation: activation})...)
	}
	all = append(all, vae(t, goBackend, lecture11.VAEConfig{Features: 64, Latent: 2, Encoder: "conv", Decoder: "conv"})...)
	all = append(all, autoencoder(t, goBackend, lecture11.AutoencoderConfig{Features: 6, Latent: 2, Classes: 3, ClassWeight: 1, Loss: "bernoulli"})...)
	all = append(all, autoencoder(t, goBackend, lecture11.AutoencoderConfig{Features: 6, Latent: 2, Classes: 3, ClassWeight: 1,
		Sparsity: lecture11.Sparsity{Kind: "l1", Weight: 1}})...)
	all = append(all, classifier(t, goBackend, lecture11.ClassifierConfig{Features: 64, Classes: 3, Encoder: "conv", Hidden: []int{5}})...)
	all = append(all, gan(t, goBackend, lecture11.GANConfig{Features: 4, Latent: 2, Generator: []int{3}, Classes: 2, Spectral: true, Average: 0.9})...)
	all = append(all, gan(t, goBackend, lecture11.GANConfig{Features: 64, Latent: 2, Nets: "conv", Generator: []int{4, 3}, Discriminator: []int{3, 4},
		Hidden: 5, Output: "sigmoid", Spread: true})...)
	all = append(all, multiTask(t, goBackend)...)
	grid := lecture11.Grid{Width: 3, Height: 3}
	all = append(all, vqVAE(t, goBackend, lecture11.VQVAEConfig{Grid: grid, Features: 6, Latent: 3, Positions: 2, Hidden: []int{5}, CodeStd: 0.3})...)
	all = append(all, vqVAE(t, goBackend, lecture11.VQVAEConfig{Grid: grid, Features: 64, Latent: 3, Encoder: "conv", Decoder: "conv",
		Loss: "bernoulli", CodeStd: 0.1})...)

	dir := t.TempDir()
	var want strings.Builder
	for i, e := range all {
		path := filepath.Join(dir, fmt.Sprintf("%02d", i))
		var file bytes.Buffer
		if err := Export(onnxBackend, &file, e.network, batch); err != nil {
			t.Fatal(err)
		}
		write(t, path+".onnx", file.Bytes())
		var input bytes.Buffer
		if err := binary.Write(&input, binary.LittleEndian, numbersOf(e.x)); err != nil {
			t.Fatal(err)
		}
		write(t, path+".in", input.Bytes())
		kind := map[dtypes.DType]string{dtypes.Float32: "float", dtypes.Int32: "int32"}[e.x.DType()]
		fmt.Fprintf(&want, "%02d input tensor(%s) %s\n", i, kind, strings.Join(e.network.Outputs, " "))
	}
	out, err := exec.CommandContext(t.Context(), os.Getenv("LECTURE_TEST_PYTHON"), "testdata/run.py", dir).CombinedOutput()
	if err != nil || string(out) != want.String() {
		t.Fatalf("onnxruntime: %v\n%s\nwant\n%s", err, out, want.String())
	}
	for i, e := range all {
		for k, w := range e.want {
			compare(t, fmt.Sprintf("%s, result %s", e.network.Name, e.network.Outputs[k]), filepath.Join(dir, fmt.Sprintf("%02d.%d", i, k)), w)
		}
	}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// compare reads numbers of ONNX Runtime and compares them with those of the model.
func compare(t *testing.T, what, path string, want *tensors.Tensor) {
	t.Helper()
	got := make([]float32, want.Size())
	if text := must(os.ReadFile(path)); len(text) != 4*len(got) {
		t.Errorf("%s: %d bytes, want %d numbers", what, len(text), len(got))
		return
	} else if err := binary.Read(bytes.NewReader(text), binary.LittleEndian, got); err != nil {
		t.Fatal(err)
	}
	for i, w := range numbersOf(want) {
		if !(math.Abs(float64(got[i]-w)) <= 1e-5*math.Max(1, math.Abs(float64(w)))) {
			t.Errorf("%s: number %d is %g, want %g", what, i, got[i], w)
			return
		}
	}
}

// TestExportRefuses: an operation that the exporter lacks is named.
func TestExportRefuses(t *testing.T) {
	backend := must(Backend())
	network := lecture11.Network{Name: "a cut", Inputs: 4, Outputs: []string{"y"}, Store: model.NewStore(),
		Build: func(_ *model.Scope, x *Node) []*Node {
			return []*Node{DynamicSlice(x, []*Node{Const(x.Graph(), int32(0)), Const(x.Graph(), int32(1))}, []int{1, 2})}
		}}
	err := Export(backend, &bytes.Buffer{}, network, 1)
	if err == nil || !strings.Contains(err.Error(), "a cut cannot be exported") || !strings.Contains(err.Error(), "DynamicSlice") {
		t.Errorf("error %v, want one that names the operation", err)
	}
	if err := Export(backend, &bytes.Buffer{}, network, 0); err == nil || !strings.Contains(err.Error(), "batch = 0") {
		t.Errorf("batch 0: %v", err)
	}
}
