package lecture11

import (
	"cmp"
	"fmt"
	"reflect"
)

// StartFrom uses the weights of a trained model with the same networks as the initial weights of m, in place of those
// that its seed draws. Other networks are an error; custom networks are the same if their ID and their graph are. A
// model that was trained on the ELBO, which is fast, is a good start for the bound of many codes. Call StartFrom before
// Training, whose key then contains a hash of these weights.
func (m *VAE) StartFrom(other *VAE) error {
	if err := checkGiven("VAE.StartFrom", "the source model", other != nil, "a trained model"); err != nil {
		return err
	}
	return m.startFrom(&other.fitted, cmp.Or(m.sameCustom(&other.fitted), sameNetworks(m.cfg, other.cfg)))
}

// sameNetworks returns an error that names the first field in which the networks of two configurations differ.
func sameNetworks(a, b VAEConfig) error {
	for _, f := range []struct {
		field      string
		ours, from any
	}{
		{"Features", a.Features, b.Features}, {"Latent", a.Latent, b.Latent}, {"Hidden", a.Hidden, b.Hidden},
		{"Activation", a.Activation, b.Activation}, {"Encoder", a.Encoder, b.Encoder}, {"Decoder", a.Decoder, b.Decoder},
		{"Classes", a.Classes, b.Classes}, {"Height", a.Height, b.Height}, {"Width", a.Width, b.Width}, {"Channels", a.Channels, b.Channels},
	} {
		if !reflect.DeepEqual(f.ours, f.from) {
			return fmt.Errorf("lecture11: VAE.StartFrom: the other model has VAEConfig.%s = %v, want %v as here", f.field, f.from, f.ours)
		}
	}
	return nil
}
