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

// sources are the files in trainingSources, on which trainings depend, embedded when the program is compiled.
//
//go:embed adam.go
//go:embed autoencoder.go
//go:embed autoencoder_loss.go
//go:embed classifier.go
//go:embed clustering.go
//go:embed convolution.go
//go:embed denoising.go
//go:embed few_shot.go
//go:embed few_shot_meta.go
//go:embed few_shot_prototype.go
//go:embed fit.go
//go:embed fit_diverge.go
//go:embed fit_evaluate.go
//go:embed fit_numbers.go
//go:embed fitted.go
//go:embed gan.go
//go:embed gan_loss.go
//go:embed gan_nets.go
//go:embed internal/noise/noise.go
//go:embed likelihood.go
//go:embed multi_task.go
//go:embed multi_task_balance.go
//go:embed multi_task_data.go
//go:embed multi_task_fit.go
//go:embed multi_task_loss.go
//go:embed net.go
//go:embed net_conv.go
//go:embed networks.go
//go:embed numbers.go
//go:embed som.go
//go:embed som_batch.go
//go:embed som_collapse.go
//go:embed som_columns.go
//go:embed som_data.go
//go:embed som_distance.go
//go:embed som_epoch.go
//go:embed som_fit.go
//go:embed som_frame.go
//go:embed som_grid.go
//go:embed som_guard.go
//go:embed som_init.go
//go:embed som_key.go
//go:embed som_neighbourhood.go
//go:embed som_online.go
//go:embed som_order.go
//go:embed som_program.go
//go:embed som_run.go
//go:embed som_schedule.go
//go:embed som_separable.go
//go:embed som_steps.go
//go:embed som_stream.go
//go:embed som_training.go
//go:embed stacked.go
//go:embed tensors.go
//go:embed training_key.go
//go:embed training_state.go
//go:embed vae.go
//go:embed vae_kl_terms.go
//go:embed vae_loss.go
//go:embed vq_vae.go
//go:embed vq_vae_book.go
//go:embed vq_vae_nets.go
var sources embed.FS

// trainingSources lists, for each kind of training, the files that its numbers depend on. TestTrainingSources compares
// the lists with the functions that the trainings reach, and prints the missing files.
var trainingSources = map[string][]string{
	"autoencoder": withNets(
		"autoencoder.go",
		"autoencoder_loss.go",
		"convolution.go",
		"denoising.go",
		"internal/noise/noise.go",
		"likelihood.go",
		"net_conv.go",
		"networks.go",
	),
	"classifier": withNets(
		"classifier.go",
		"convolution.go",
		"likelihood.go",
		"net_conv.go",
		"networks.go",
	),
	"gan": withNets(
		"convolution.go",
		"gan.go",
		"gan_loss.go",
		"gan_nets.go",
		"internal/noise/noise.go",
		"net_conv.go",
		"networks.go",
	),
	"meta": withNets(
		"convolution.go",
		"few_shot.go",
		"few_shot_meta.go",
		"net_conv.go",
		"stacked.go",
	),
	"multi-task": withNets(
		"multi_task.go",
		"multi_task_balance.go",
		"multi_task_data.go",
		"multi_task_fit.go",
		"multi_task_loss.go",
		"networks.go",
		"numbers.go",
		"stacked.go",
	),
	"prototypes": withNets(
		"convolution.go",
		"few_shot.go",
		"few_shot_prototype.go",
		"net_conv.go",
	),
	"som": {
		"fit.go",
		"net.go",
		"numbers.go",
		"som.go",
		"som_batch.go",
		"som_collapse.go",
		"som_columns.go",
		"som_data.go",
		"som_distance.go",
		"som_epoch.go",
		"som_fit.go",
		"som_frame.go",
		"som_grid.go",
		"som_guard.go",
		"som_init.go",
		"som_key.go",
		"som_neighbourhood.go",
		"som_online.go",
		"som_order.go",
		"som_program.go",
		"som_run.go",
		"som_schedule.go",
		"som_separable.go",
		"som_steps.go",
		"som_stream.go",
		"som_training.go",
		"tensors.go",
		"training_key.go",
		"training_state.go",
	},
	"vae": withNets(
		"convolution.go",
		"internal/noise/noise.go",
		"likelihood.go",
		"net_conv.go",
		"networks.go",
		"vae.go",
		"vae_kl_terms.go",
		"vae_loss.go",
	),
	"vq-vae": withNets(
		"autoencoder_loss.go",
		"clustering.go",
		"convolution.go",
		"likelihood.go",
		"net_conv.go",
		"som_fit.go",
		"som_grid.go",
		"som_neighbourhood.go",
		"som_schedule.go",
		"vq_vae.go",
		"vq_vae_book.go",
		"vq_vae_nets.go",
	),
}

// withNets adds the files behind every gradient-based training.
func withNets(files ...string) []string {
	return append(files,
		"adam.go",
		"fit.go",
		"fit_diverge.go",
		"fit_evaluate.go",
		"fit_numbers.go",
		"fitted.go",
		"net.go",
		"tensors.go",
		"training_key.go",
		"training_state.go",
	)
}

// codeVersion identifies the code of trainings of a kind: a hash of its files and of the versions of the modules that
// it computes with. A stored model of another version is never used for this one.
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

// writeModules writes the versions of the computing modules that are linked into the program. Go does not record them
// in test programs.
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

// digestOf returns the part of a hash that a key contains: its first sixteen hexadecimal digits.
func digestOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil))[:16] }
