package lecture11

import (
	"bytes"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
)

// reluLayer is a fully connected layer with ReLU, stored like the first hidden layer of a [Classifier].
func reluLayer(size int) NetFn {
	return func(scope *model.Scope, x *Node) *Node { return activations["relu"](affine(scope, x, size)) }
}

// stackedBody is a layer with ReLU, stored like a layer of a [MultiTask] with one run.
func stackedBody(size int) NetFn {
	return func(scope *model.Scope, x *Node) *Node {
		x = ExpandAxes(x, 0)
		return Squeeze(activations["relu"](newStackedLayer(scope, x, size, size).apply(x)), 0)
	}
}

// TestCustomNetsAreThose: models with custom networks that build the same as the configuration train to the same
// losses, and their keys differ.
func TestCustomNetsAreThose(t *testing.T) {
	long(t)
	backend, x := testx.Backend(t), greyObjects(9)
	noisy, labels := noisyClasses(60, 1)
	tasks, d := threeTasks(t)
	nets := func(outputs int) CodingNets {
		return CodingNets{"mine", Dense([]int{6}, outputs, "relu"), Dense([]int{6}, 9, "relu")}
	}
	type result struct {
		training *Training
		err      error
	}
	get := func(training *Training, err error) result { return result{training, err} }
	multi := func(m *MultiTask, err error) result {
		if err != nil {
			return result{nil, err}
		}
		return get(m.Training(d, FitConfig{Epochs: 3, Batch: 6}))
	}
	cases := map[string][2]result{}
	{
		cfg := VAEConfig{Features: 9, Latent: 2, Hidden: []int{6}, Seed: 1}
		named, custom := must(NewVAE(backend, cfg)), must(NewVAEOf(backend, cfg, nets(4)))
		cases["VAE"] = [2]result{get(named.Training(x, "grey", FitConfig{})), get(custom.Training(x, "grey", FitConfig{}))}
	}
	{
		cfg := AutoencoderConfig{Features: 9, Latent: 3, Hidden: []int{6}, Seed: 1}
		named, custom := must(NewAutoencoder(backend, cfg)), must(NewAutoencoderOf(backend, cfg, nets(3)))
		cases["Autoencoder"] = [2]result{get(named.Training(x, "grey", FitConfig{})), get(custom.Training(x, "grey", FitConfig{}))}
	}
	{
		cfg := ClassifierConfig{Features: 10, Classes: 2, Hidden: []int{7}, Seed: 1}
		named, custom := must(NewClassifier(backend, cfg)), must(NewClassifierOf(backend, cfg, BodyNet{"mine", reluLayer(7)}))
		cases["Classifier"] = [2]result{get(named.Training(noisy, labels, "noisy", FitConfig{})), get(custom.Training(noisy, labels, "noisy", FitConfig{}))}
	}
	for _, balance := range []string{"equal", "uncertainty", "pcgrad"} {
		cfg := MultiTaskConfig{Features: 5, Hidden: []int{4}, Tasks: tasks, Balance: balance, Seed: 1}
		cases["MultiTask "+balance] = [2]result{multi(NewMultiTask(backend, cfg)), multi(NewMultiTaskOf(backend, cfg, BodyNet{"mine", stackedBody(4)}))}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, r := range c {
				if r.err != nil {
					t.Fatal(r.err)
				}
			}
			named, custom := c[0].training, c[1].training
			if sameKey(named.Key(), custom.Key()) == nil {
				t.Error("the key does not name the custom networks")
			}
			if want, got := runTraining(t, named), runTraining(t, custom); !slices.Equal(got, want) {
				t.Errorf("losses %v, want %v", got, want)
			}
		})
	}
}

// TestCustomNetKeys: the same function has the same key; another function under the same ID has a different key.
func TestCustomNetKeys(t *testing.T) {
	key := func(activation string, slope float64) map[string]any {
		m := must(NewVAEOf(testx.Backend(t), VAEConfig{Features: 9, Latent: 2, Seed: 1}, CodingNets{"mine", Dense([]int{6}, 4, activation),
			func(scope *model.Scope, z *Node) *Node { return MulScalar(Dense(nil, 9, "relu")(scope, z), slope) }}))
		return must(m.Training(greyObjects(9), "grey", FitConfig{})).Key()
	}
	if err := sameKey(key("relu", 2), key("relu", 2)); err != nil {
		t.Errorf("the same networks: %v", err)
	}
	wantError(t, sameKey(key("tanh", 2), key("relu", 2)), "networks.graph")
	wantError(t, sameKey(key("relu", 3), key("relu", 2)), "networks.graph")
}

// TestCustomNetFiles: a model with custom networks is loaded into one that was built with the same functions.
func TestCustomNetFiles(t *testing.T) {
	build := func() *Autoencoder {
		return must(NewAutoencoderOf(testx.Backend(t), AutoencoderConfig{Features: 9, Latent: 3, Seed: 1},
			CodingNets{"mine", Dense([]int{6}, 3, "tanh"), Dense(nil, 9, "tanh")}))
	}
	x, m := greyObjects(9), build()
	runTraining(t, must(m.Training(x, "grey", FitConfig{})))
	var file bytes.Buffer
	if err := m.Save(&file); err != nil {
		t.Fatal(err)
	}
	_, err := LoadAutoencoder(testx.Backend(t), bytes.NewReader(file.Bytes()))
	wantError(t, err, "build it with NewAutoencoderOf")
	again := build()
	if err := again.Load(&file); err != nil {
		t.Fatal(err)
	}
	want, got := tensors.MustCopyFlatData[float32](must(m.Encode(x))), tensors.MustCopyFlatData[float32](must(again.Encode(x)))
	if !slices.Equal(got, want) {
		t.Error("codes of the loaded model differ")
	}
}

// TestCustomNetErrors: an error names the network that is missing or has an output of the wrong shape, and the wanted
// shape.
func TestCustomNetErrors(t *testing.T) {
	backend := testx.Backend(t)
	tasks, _ := threeTasks(t)
	vae, ae := VAEConfig{Features: 9, Latent: 2}, AutoencoderConfig{Features: 9, Latent: 3}
	classifier := ClassifierConfig{Features: 10, Classes: 2, Hidden: []int{7}}
	multi := MultiTaskConfig{Features: 5, Hidden: []int{4}, Tasks: tasks}
	two := multi
	two.Runs = 2
	norms := multi
	norms.Balance = "gradnorm"
	dense := func(outputs int) NetFn { return Dense(nil, outputs, "relu") }
	of := func(_ any, err error) error { return err }
	for want, err := range map[string]error{
		"the encoder of a VAE returns (Float32)[1, 2] for a batch of 1, want [1, 4]":        of(NewVAEOf(backend, vae, CodingNets{"mine", dense(2), dense(9)})),
		"the decoder of a VAE returns (Float32)[1, 8] for a batch of 1, want [1, 9]":        of(NewVAEOf(backend, vae, CodingNets{"mine", dense(4), dense(8)})),
		"the encoder of an Autoencoder returns (Float32)[1, 6]":                             of(NewAutoencoderOf(backend, ae, CodingNets{"mine", dense(6), dense(9)})),
		"the decoder of an Autoencoder returns (Float32)[1, 8]":                             of(NewAutoencoderOf(backend, ae, CodingNets{"mine", dense(3), dense(8)})),
		"the body of a Classifier returns (Float32)[1, 6] for a batch of 1, want [1, 7]":    of(NewClassifierOf(backend, classifier, BodyNet{"mine", dense(6)})),
		"the body of a MultiTask returns (Float32)[1, 6] for a batch of 1, want [1, 4]":     of(NewMultiTaskOf(backend, multi, BodyNet{"mine", dense(6)})),
		"NewVAEOf, want CodingNets with ID, Encoder and Decoder":                            of(NewVAEOf(backend, vae, CodingNets{Encoder: dense(4), Decoder: dense(9)})),
		"NewAutoencoderOf, want CodingNets with ID":                                         of(NewAutoencoderOf(backend, ae, CodingNets{ID: "mine", Encoder: dense(3)})),
		"NewClassifierOf, want a BodyNet with ID and Body":                                  of(NewClassifierOf(backend, classifier, BodyNet{ID: "mine"})),
		"NewClassifierOf with Hidden = [], want one size":                                   of(NewClassifierOf(backend, ClassifierConfig{Features: 10, Classes: 2}, BodyNet{"mine", dense(7)})),
		"NewMultiTaskOf with MultiTaskConfig.Runs = 2":                                      of(NewMultiTaskOf(backend, two, BodyNet{"mine", dense(4)})),
		`NewMultiTaskOf with MultiTaskConfig.Runs = 0 and Balance = "gradnorm", want 1 run`: of(NewMultiTaskOf(backend, norms, BodyNet{"mine", dense(4)})),
	} {
		wantError(t, err, want)
	}
	linear := must(NewMultiTaskOf(backend, MultiTaskConfig{Features: 5, Hidden: []int{4}, Activation: "linear", Tasks: tasks}, BodyNet{"mine", dense(4)}))
	_, err := linear.TaskMaps(0)
	wantError(t, err, `TaskMaps of a MultiTask with the custom networks "mine"`)
}
