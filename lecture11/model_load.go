package lecture11

import (
	"fmt"
	"io"

	"github.com/gomlx/compute"
)

// LoadVAE returns the VAE in a file that its SaveFile wrote, or in the part "weights" of its training. It computes on
// backend and needs no data: the configuration is in the file. A damaged file, or one of another kind, is refused.
func LoadVAE(backend compute.Backend, r io.Reader) (*VAE, error) {
	return loadModel("VAE", backend, r, NewVAE)
}

// LoadAutoencoder returns the autoencoder in a file; see [LoadVAE].
func LoadAutoencoder(backend compute.Backend, r io.Reader) (*Autoencoder, error) {
	return loadModel("Autoencoder", backend, r, NewAutoencoder)
}

// LoadVQVAE returns the vector-quantised autoencoder in a file, with its code book; see [LoadVAE].
func LoadVQVAE(backend compute.Backend, r io.Reader) (*VQVAE, error) {
	return loadModel("VQVAE", backend, r, NewVQVAE)
}

// LoadClassifier returns the classifier in a file; see [LoadVAE].
func LoadClassifier(backend compute.Backend, r io.Reader) (*Classifier, error) {
	return loadModel("Classifier", backend, r, NewClassifier)
}

// LoadGAN returns the GAN in a file; see [LoadVAE]. For a GAN of [NewGANOf], build it again with the same functions and
// call its Load.
func LoadGAN(backend compute.Backend, r io.Reader) (*GAN, error) {
	return loadModel("GAN", backend, r, NewGAN)
}

// LoadMultiTask returns the model of several tasks in a file, with all its runs; see [LoadVAE].
func LoadMultiTask(backend compute.Backend, r io.Reader) (*MultiTask, error) {
	return loadModel("MultiTask", backend, r, NewMultiTask)
}

// LoadPrototypeNet returns the prototypical network in a file; see [LoadVAE].
func LoadPrototypeNet(backend compute.Backend, r io.Reader) (*PrototypeNet, error) {
	return loadModel("PrototypeNet", backend, r, NewPrototypeNet)
}

// LoadMeta returns the network with learnt initial weights in a file; see [LoadVAE].
func LoadMeta(backend compute.Backend, r io.Reader) (*Meta, error) {
	return loadModel("Meta", backend, r, NewMeta)
}

// loadModel builds the model of a kind from a file.
func loadModel[C any, M interface{ load(p partFile) error }](kind string, backend compute.Backend, r io.Reader,
	newModel func(compute.Backend, C) (M, error)) (m M, err error) {
	var none M
	if err := checkBackend("Load"+kind, backend); err != nil {
		return none, err
	}
	p, err := readPart(r)
	if err == nil {
		err = p.checkModel(kind)
	}
	if err == nil && p.Networks != "" {
		err = fmt.Errorf("the file holds a %s with custom networks %q: build it with New%sOf and the same functions, and call its Load",
			kind, p.Networks, kind)
	}
	var config C
	if err == nil {
		err = strictConfig(p.Config, &config)
	}
	if err == nil {
		m, err = newModel(backend, config)
	}
	if err == nil {
		err = m.load(p)
	}
	if err != nil {
		return none, fmt.Errorf("lecture11: Load%s: %w", kind, err)
	}
	return m, nil
}
