package lecture11

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"hash"
	"io"
	"runtime/debug"
	"slices"
)

// sources are the files of this package that a training depends on, as they were compiled: those of trainingSources.
//
//go:embed adam.go autoencoder.go autoencoder_loss.go classifier.go convolution.go denoising.go few_shot.go few_shot_meta.go
//go:embed few_shot_prototype.go fit.go fit_diverge.go fitted.go gan.go gan_loss.go gan_nets.go likelihood.go multi_task.go
//go:embed multi_task_balance.go multi_task_data.go multi_task_fit.go multi_task_loss.go net.go net_conv.go noise.go numbers.go
//go:embed som.go som_batch.go som_columns.go som_data.go som_epoch.go som_fit.go som_grid.go som_init.go som_neighbourhood.go
//go:embed som_online.go som_order.go som_program.go som_run.go som_schedule.go som_steps.go som_stream.go som_training.go stacked.go
//go:embed tensors.go training_key.go training_state.go vae.go vae_loss.go
var sources embed.FS

// trainingSources names, for each kind of training, the files that its numbers depend on. TestTrainingSources compares the lists with
// the functions that the trainings reach.
var trainingSources = map[string][]string{
	"autoencoder": withNets("autoencoder.go", "autoencoder_loss.go", "convolution.go", "denoising.go", "likelihood.go", "net_conv.go", "noise.go"),
	"classifier":  withNets("autoencoder_loss.go", "classifier.go", "convolution.go", "net_conv.go"),
	"gan":         withNets("convolution.go", "gan.go", "gan_loss.go", "gan_nets.go", "net_conv.go", "noise.go"),
	"meta":        withNets("convolution.go", "few_shot.go", "few_shot_meta.go", "net_conv.go", "stacked.go"),
	"multi-task": withNets("multi_task.go", "multi_task_balance.go", "multi_task_data.go", "multi_task_fit.go", "multi_task_loss.go",
		"numbers.go", "stacked.go"),
	"prototypes": withNets("convolution.go", "few_shot.go", "few_shot_prototype.go", "net_conv.go"),
	"som": {"fit.go", "net.go", "numbers.go", "som.go", "som_batch.go", "som_columns.go", "som_data.go", "som_epoch.go", "som_fit.go",
		"som_grid.go", "som_init.go", "som_neighbourhood.go", "som_online.go", "som_order.go", "som_program.go", "som_run.go",
		"som_schedule.go", "som_steps.go", "som_stream.go", "som_training.go", "tensors.go", "training_key.go",
		"training_state.go"},
	"vae": withNets("convolution.go", "likelihood.go", "net_conv.go", "noise.go", "vae.go", "vae_loss.go"),
}

// withNets adds the files behind every training by gradients.
func withNets(files ...string) []string {
	return append(files, "adam.go", "fit.go", "fit_diverge.go", "fitted.go", "net.go", "tensors.go", "training_key.go", "training_state.go")
}

// codeVersion identifies the code that makes a training of that kind: a hash of its files and of the versions of the modules that it
// computes with. A stored model of another version is never taken for this one.
func codeVersion(kind string) string {
	files := trainingSources[kind]
	if files == nil {
		panic("lecture11: codeVersion: no sources of kind " + kind) // a name in this package's own code
	}
	hash := sha256.New()
	for _, file := range files {
		text, err := sources.ReadFile(file)
		if err != nil {
			panic("lecture11: codeVersion: " + err.Error()) // a name in this package's own code
		}
		hash.Write(text)
	}
	writeModules(hash)
	return digestOf(hash)
}

// computingModules are the modules whose version can change a number.
var computingModules = []string{"github.com/gomlx/compute", "github.com/gomlx/go-xla", "github.com/gomlx/gomlx"}

// writeModules writes the versions of the computing modules that the program is linked with. Go leaves them out of the programs of
// tests.
func writeModules(w io.Writer) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	for _, dep := range info.Deps {
		if !slices.Contains(computingModules, dep.Path) {
			continue
		}
		if dep.Replace != nil {
			dep = dep.Replace
		}
		_, _ = io.WriteString(w, dep.Path+"@"+dep.Version+"\n") // to a hash, which never fails
	}
}

// digestOf is what a key keeps of a hash: its first sixteen hexadecimal digits.
func digestOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil))[:16] }
