package lecture11

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
)

// CodingNets holds the networks of an autoencoder or of a VAE. In a VAE with classes, both networks get the label
// appended to their input, as components of 0 and 1.
type CodingNets struct {
	ID      string // part of the key under which a trained model is stored, and of its file
	Encoder NetFn  // objects [batch, n (+ classes)] → codes [batch, d]; of a VAE μ and ln σ², [batch, 2d]
	Decoder NetFn  // codes [batch, d (+ classes)] → [batch, n], the input of Likelihood or Loss: logits for "bernoulli"
}

// check returns an error unless the networks are complete.
func (n CodingNets) check(function string) error {
	if n.ID == "" || n.Encoder == nil || n.Decoder == nil {
		return fmt.Errorf("lecture11: %s, want CodingNets with ID, Encoder and Decoder: the ID is part of the key of a training", function)
	}
	return nil
}

// BodyNet is the part of a classifier, or of a model of several tasks, that all outputs share.
type BodyNet struct {
	ID   string // part of the key under which a trained model is stored, and of its file
	Body NetFn  // objects [batch, n] → z [batch, d], with d the only size in Hidden of the configuration
}

// check returns an error unless the network is complete and hidden is the size of z.
func (n BodyNet) check(function string, hidden []int) error {
	if n.ID == "" || n.Body == nil {
		return fmt.Errorf("lecture11: %s, want a BodyNet with ID and Body: the ID is part of the key of a training", function)
	}
	if len(hidden) != 1 {
		return fmt.Errorf("lecture11: %s with Hidden = %v, want one size: that of the z of Body", function, hidden)
	}
	return nil
}

// NewVAEOf is NewVAE with custom networks in place of those that Encoder, Decoder, Hidden and Activation describe.
// Networks whose outputs do not have the shapes of the configuration are an error.
func NewVAEOf(backend compute.Backend, cfg VAEConfig, nets CodingNets) (*VAE, error) {
	if err := checkBackend("NewVAEOf", backend); err != nil {
		return nil, err
	}
	if err := nets.check("NewVAEOf"); err != nil {
		return nil, err
	}
	m, err := NewVAE(backend, cfg)
	if err != nil {
		return nil, err
	}
	m.nets = nets
	if err := m.setNetworks(nets.ID); err != nil {
		return nil, err
	}
	return m, nil
}

// NewAutoencoderOf is NewAutoencoder with custom networks in place of those that Encoder, Decoder, Hidden and
// Activation describe. Networks whose outputs do not have the shapes of the configuration are an error.
func NewAutoencoderOf(backend compute.Backend, cfg AutoencoderConfig, nets CodingNets) (*Autoencoder, error) {
	if err := checkBackend("NewAutoencoderOf", backend); err != nil {
		return nil, err
	}
	if err := nets.check("NewAutoencoderOf"); err != nil {
		return nil, err
	}
	if cfg.Sparsity.Kind == "l1" {
		return nil, errors.New("lecture11: NewAutoencoderOf with AutoencoderConfig.Sparsity.Kind \"l1\", want another kind: the decoder of \"l1\" is one affine layer")
	}
	m, err := NewAutoencoder(backend, cfg)
	if err != nil {
		return nil, err
	}
	m.nets = nets
	if err := m.setNetworks(nets.ID); err != nil {
		return nil, err
	}
	return m, nil
}

// NewClassifierOf is NewClassifier with custom hidden layers in place of those that Encoder, Hidden and Activation
// describe. Hidden is {d}, the size of the z that Body returns. [Classifier.Features] of layer 1 is z, and an affine
// layer maps z to the classes.
func NewClassifierOf(backend compute.Backend, cfg ClassifierConfig, net BodyNet) (*Classifier, error) {
	if err := checkBackend("NewClassifierOf", backend); err != nil {
		return nil, err
	}
	if err := net.check("NewClassifierOf", cfg.Hidden); err != nil {
		return nil, err
	}
	m, err := NewClassifier(backend, cfg)
	if err != nil {
		return nil, err
	}
	m.body = net.Body
	if err := m.setNetworks(net.ID); err != nil {
		return nil, err
	}
	return m, nil
}

// NewMultiTaskOf is NewMultiTask with a custom shared network f in place of the one that Hidden and Activation
// describe. Hidden is {d}, the size of the z that Body returns. There is one run, and the tasks' losses are balanced by
// "equal", "uncertainty" or "pcgrad".
func NewMultiTaskOf(backend compute.Backend, cfg MultiTaskConfig, net BodyNet) (*MultiTask, error) {
	if err := checkBackend("NewMultiTaskOf", backend); err != nil {
		return nil, err
	}
	if err := net.check("NewMultiTaskOf", cfg.Hidden); err != nil {
		return nil, err
	}
	if cfg.Runs > 1 || cfg.Balance == "gradnorm" {
		return nil, fmt.Errorf("lecture11: NewMultiTaskOf with MultiTaskConfig.Runs = %d and Balance = %q, want 1 run and another balance: "+
			"Body is built for one run, and its last layer is not known", cfg.Runs, cfg.Balance)
	}
	m, err := NewMultiTask(backend, cfg)
	if err != nil {
		return nil, err
	}
	m.body = net.Body
	if err := m.setNetworks(net.ID); err != nil {
		return nil, err
	}
	return m, nil
}

// setNetworks records that the model has custom networks, and identifies them by the graph that they build for use. A
// new function under an old ID therefore has a new key. Building the graph takes a few milliseconds.
func (f *fitted) setNetworks(id string) error {
	f.networks = id
	hash := newGraphHash(f.backend)
	if _, err := f.traceNetworks(hash, hash.add); err != nil {
		return fmt.Errorf("lecture11: %w", err)
	}
	f.graphID = hash.sum()
	return nil
}

// checkNamedNets returns an error if the model has custom networks. It guards functions that need the networks of the
// configuration.
func (f *fitted) checkNamedNets(function string) error {
	if f.networks != "" {
		return fmt.Errorf("lecture11: %s of a %s with the custom networks %q, want those of a configuration", function, f.kind, f.networks)
	}
	return nil
}
