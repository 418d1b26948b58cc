package notebooks_test

import (
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"deeplearning.example/internal/testx"
	"deeplearning.example/kernelext"
	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/run"
	"deeplearning.example/kernelext/store"
	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// The two packages meet in these interfaces, and neither imports the other.
var (
	_ kernelext.Trainable   = (*lecture11.Training)(nil)
	_ kernelext.StateKeeper = (*lecture11.DivergedError)(nil)
	_ kernelext.StateKeeper = (*lecture11.SickGANError)(nil)
)

// maxLines is the largest number of code lines in a cell, so that it can be read at a glance.
const maxLines = 17

// notebooks reads all notebooks of the lecture.
func notebooks(t *testing.T) map[string]*nbformat.Notebook {
	t.Helper()
	paths, err := filepath.Glob("*.ipynb")
	if err != nil || len(paths) == 0 {
		t.Fatalf("notebooks %v: %v", paths, err)
	}
	all := map[string]*nbformat.Notebook{}
	for _, path := range paths {
		nb, err := nbformat.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		all[path] = nb
	}
	return all
}

// TestStored: each notebook is valid, its outputs come from one clean full-mode run of the code in it, and no cell failed.
func TestStored(t *testing.T) {
	for path, nb := range notebooks(t) {
		t.Run(path, func(t *testing.T) {
			if err := nb.Validate(); err != nil {
				t.Error(err)
			}
			if err := run.Stale(nb); err != nil {
				t.Error(err)
			}
			if record, ok := run.ReadRecord(nb); !ok || record.Mode != "full" {
				t.Errorf("stored outputs of mode %q, want full", record.Mode)
			}
			for i, cell := range nb.Cells {
				for _, output := range cell.Outputs {
					if output.Type == nbformat.ErrorOutput {
						t.Errorf("cell %d holds the error %s", i+1, output.Evalue)
					}
				}
			}
		})
	}
}

// TestReadable: short cells, library code imported and not pasted, claims with checks.
func TestReadable(t *testing.T) {
	check := regexp.MustCompile(`kernelext\.Assert(Near)?\(`)
	for path, nb := range notebooks(t) {
		t.Run(path, func(t *testing.T) {
			checks := 0
			for i, cell := range nb.Cells {
				if cell.Type != nbformat.Code {
					continue
				}
				lines := 0
				for line := range strings.Lines(cell.Source) {
					if strings.TrimSpace(line) != "" {
						lines++
					}
				}
				if lines > maxLines {
					t.Errorf("cell %d has %d lines of code, want at most %d", i+1, lines, maxLines)
				}
				checks += len(check.FindAllString(cell.Source, -1))
			}
			if checks == 0 {
				t.Error("no check that could fail")
			}
		})
	}
}

// BenchmarkRestoreVAE times what a later cell pays for a trained VAE: making the model and its training, and restoring
// the weights from the store. Loading MNIST is BenchmarkMNIST of package lecture11.
func BenchmarkRestoreVAE(b *testing.B) {
	backend := testx.Backend(b)
	train, _, err := data.MNIST(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	x := train.Tensor()
	s, err := store.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	restore := func() kernelext.Result {
		vae, err := lecture11.NewVAE(backend, lecture11.VAEConfig{Features: 784, Latent: 20})
		if err != nil {
			b.Fatal(err)
		}
		training, err := vae.Training(x, train.ID, lecture11.FitConfig{Batch: 1000})
		if err != nil {
			b.Fatal(err)
		}
		result, err := kernelext.Train(b.Context(), training, kernelext.WithStore(s), kernelext.WithOutput(io.Discard))
		if err != nil {
			b.Fatal(err)
		}
		return result
	}
	restore() // trains
	for b.Loop() {
		if !restore().Restored {
			b.Fatal("trained again")
		}
	}
}
