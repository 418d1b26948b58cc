package lecture11

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// customVAE returns a VAE with custom networks of one hidden layer.
func customVAE(backend compute.Backend, id, activation string) *VAE {
	return must(NewVAEOf(backend, VAEConfig{Features: 4, Latent: 2, Likelihood: "gaussian", Seed: 1},
		CodingNets{id, Dense([]int{3}, 4, activation), Dense([]int{3}, 4, activation)}))
}

// TestStartFromOtherNetworks: a model starts only from one with the same networks, built-in or custom. If it is refused,
// the model has no variables, can be trained, and then computes and is saved.
func TestStartFromOtherNetworks(t *testing.T) {
	backend, x := goBackend(t), far(64, 1)
	named := func() *VAE {
		return must(NewVAE(backend, VAEConfig{Features: 4, Latent: 2, Likelihood: "gaussian", Seed: 1}))
	}
	image := func(height int) *VAE {
		return must(NewVAE(backend, VAEConfig{Features: 4, Latent: 2, Likelihood: "gaussian", Height: height, Width: 4 / height, Channels: 1, Seed: 1}))
	}
	for want, pair := range map[string][2]*VAE{
		`has custom networks "mine", want the networks of its configuration as here`: {named(), customVAE(backend, "mine", "tanh")},
		`has the networks of its configuration, want custom networks "mine" as here`: {customVAE(backend, "mine", "tanh"), named()},
		`has custom networks "mine", want custom networks "yours" as here`:           {customVAE(backend, "yours", "tanh"), customVAE(backend, "mine", "tanh")},
		`custom networks "mine" of the other model have the graph`:                   {customVAE(backend, "mine", "relu"), customVAE(backend, "mine", "tanh")},
		`VAEConfig.Height = 1, want 2 as here`:                                       {image(2), image(1)},
	} {
		m, other := pair[0], pair[1]
		drawWeights(other.Training(x, "x", FitConfig{}))
		err := m.StartFrom(other)
		wantError(t, err, "lecture11: VAE.StartFrom: the ")
		wantError(t, err, want)
		if n := m.store.NumVariables(); n > 0 {
			t.Errorf("%s: the model has %d variables after it, want none", want, n)
		}
		runTraining(t, must(m.Training(x, "x", FitConfig{Batch: 16})))
		must(m.Weights())
	}
	m, other := customVAE(backend, "mine", "tanh"), customVAE(backend, "mine", "tanh")
	drawWeights(other.Training(x, "x", FitConfig{}))
	if err := m.StartFrom(other); err != nil {
		t.Errorf("from the same custom networks: %v", err)
	}
}

// TestGANStartFromCustomNets: a GAN starts from one with the same custom networks, with or without a mean of the
// weights, but not from others under the same ID.
func TestGANStartFromCustomNets(t *testing.T) {
	custom := func(average float64, activation string) *GAN {
		c := GANConfig{Features: 4, Latent: 2, Generator: []int{3}, Discriminator: []int{3}, Activation: activation}
		nets := denseGAN(c.withDefaults())
		nets.ID = "mine"
		c.Average, c.Activation = average, ""
		return must(NewGANOf(goBackend(t), c, nets))
	}
	source := custom(0, "tanh")
	drawWeights(source.Training(far(64, 1), "x", FitConfig{}))
	for _, average := range []float64{0, 0.9} {
		if err := custom(average, "tanh").StartFrom(source); err != nil {
			t.Errorf("with Average = %g: %v", average, err)
		}
		wantError(t, custom(average, "relu").StartFrom(source), `GAN.StartFrom: the custom networks "mine" of the other model have the graph`)
	}
}

// TestStartFromCustomBody: the layers of a custom network are not taken as those of the configuration, from a model or
// from a file.
func TestStartFromCustomBody(t *testing.T) {
	tasks, d := threeTasks(t)
	cfg := MultiTaskConfig{Features: 5, Hidden: []int{4}, Tasks: tasks, Activation: "tanh", Seed: 1}
	source := must(NewMultiTaskOf(goBackend(t), cfg, BodyNet{"mine", stackedBody(4)})) // with ReLU
	training := must(source.Training(d, FitConfig{Batch: 6}))
	runTraining(t, training)
	file := trainingPart(t, training, partWeights)
	for _, take := range []func(m *MultiTask, s Start) (StartReport, error){
		func(m *MultiTask, s Start) (StartReport, error) { return m.StartFrom(source, s) },
		func(m *MultiTask, s Start) (StartReport, error) { return m.StartFromFile(bytes.NewReader(file), s) },
	} {
		m := must(NewMultiTask(goBackend(t), cfg))
		_, err := take(m, Start{Layers: 1})
		wantError(t, err, `Start 0 asks for 1 layers, the other model has the custom networks "mine"`)
		if n := m.store.NumVariables(); n > 0 {
			t.Errorf("%d variables after it, want none", n)
		}
		if report := must(take(m, Start{Heads: true})); len(report.Taken) != len(tasks) {
			t.Errorf("heads: %v, want all %d to be taken", report.Taken, len(tasks))
		}
	}
}

// TestFailedFirstStep: a training whose networks cannot be built for its batch leaves its model as it was, without
// weights or with those that it had.
func TestFailedFirstStep(t *testing.T) {
	x, broken := far(64, 1), false
	m := must(NewVAEOf(goBackend(t), VAEConfig{Features: 4, Latent: 2, Likelihood: "gaussian", Seed: 1}, CodingNets{"mine", Dense([]int{3}, 4, "tanh"),
		func(scope *model.Scope, z *Node) *Node {
			if rows := z.Shape().Dim(0); broken && rows == 16 {
				panic(fmt.Errorf("no batch of %d", rows))
			}
			return Dense([]int{3}, 4, "tanh")(scope, z)
		}}))
	fails := func() {
		t.Helper()
		training := must(m.Training(x, "x", FitConfig{Batch: 16}))
		broken = true // from here on; Training itself builds a step for its key
		wantError(t, training.Run(t.Context(), nil), "no batch of 16")
		broken = false
	}
	fails()
	_, err := m.Weights()
	wantError(t, err, "has no weights")
	wantError(t, m.Save(&bytes.Buffer{}), "has no weights")
	runTraining(t, must(m.Training(x, "x", FitConfig{Batch: 8})))
	before, hash := m.store.NumVariables(), must(m.WeightsHash())
	fails()
	if after := m.store.NumVariables(); after != before || must(m.WeightsHash()) != hash {
		t.Errorf("%d variables and weights %s, want %d and %s", after, must(m.WeightsHash()), before, hash)
	}
	if err := m.Save(&bytes.Buffer{}); err != nil {
		t.Error(err)
	}
}
