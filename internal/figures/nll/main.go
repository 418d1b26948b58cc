// The nll command measures how likely the test digits are to trained VAEs, as `docs/benchmarks.md` states it:
//
//	go run ./internal/figures/nll -model vae
//	go run ./internal/figures/nll -model iwae
//
// MNIST's test set is binarised once with seed 2; the models train on the training set, binarised anew in each step. The
// negative log-likelihood is that of the importance bound with 512 codes over all 10 000 digits, in nats, for each of three
// seeds. Models are kept in -store, so that an interrupted run goes on where it was.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"deeplearning.example/kernelext"
	"deeplearning.example/kernelext/device"
	"deeplearning.example/kernelext/store"
	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

func main() {
	var o options
	flag.StringVar(&o.model, "model", "vae", "vae (ELBO) or iwae (bound of 50 codes, after a start with the ELBO)")
	flag.StringVar(&o.hidden, "hidden", "500,500", "hidden sizes of the encoder")
	flag.StringVar(&o.activation, "activation", "tanh", "of the hidden layers")
	flag.IntVar(&o.latent, "latent", 40, "components of the code")
	flag.IntVar(&o.epochs, "epochs", 100, "passes over the data")
	flag.Float64Var(&o.rate, "rate", 1e-3, "Adam's step at the start")
	flag.IntVar(&o.codes, "codes", 1, "codes of the training's bound")
	flag.IntVar(&o.seeds, "seeds", 3, "how many seeds")
	flag.IntVar(&o.samples, "samples", 512, "codes of the evaluation")
	flag.StringVar(&o.store, "store", ".lecture11", "folder of the models")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type options struct {
	model, hidden, activation, store      string
	latent, epochs, codes, seeds, samples int
	rate                                  float64
}

func (o options) run(ctx context.Context) error {
	s, err := store.Open(o.store)
	if err != nil {
		return err
	}
	train, test, err := data.MNIST(ctx)
	if err != nil {
		return err
	}
	test = test.Binarized(2)
	for seed := range o.seeds {
		start := time.Now()
		vae, err := o.trained(ctx, s, train, int64(seed+1))
		if err != nil {
			return err
		}
		trained := time.Since(start)
		start = time.Now()
		bound, err := vae.ImportanceBound(test.Tensor(), o.samples, 7)
		if err != nil {
			return err
		}
		fmt.Printf("seed %d: NLL %.2f ± %.2f nats (%d codes, %d digits, %.0f s), trained in %.0f s\n", seed+1,
			-bound.Mean, bound.SE, o.samples, test.Len(), time.Since(start).Seconds(), trained.Seconds())
	}
	return nil
}

// trained gives the model of a seed, from the store if it is there.
func (o options) trained(ctx context.Context, s *store.Store, train *data.Images, seed int64) (*lecture11.VAE, error) {
	backend, err := device.Backend()
	if err != nil {
		return nil, err
	}
	var hidden []int
	for field := range strings.SplitSeq(o.hidden, ",") {
		size, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("-hidden: %w", err)
		}
		hidden = append(hidden, size)
	}
	vae, err := lecture11.NewVAE(backend, lecture11.VAEConfig{Features: 784, Latent: o.latent, Hidden: hidden,
		Activation: o.activation, Binarize: true, Codes: o.codes, Seed: seed})
	if err != nil {
		return nil, err
	}
	training, err := vae.Training(train.Tensor(), train.ID, lecture11.FitConfig{
		Epochs: o.epochs, LearningRate: o.rate, Decay: "cosine", Seed: seed})
	if err != nil {
		return nil, err
	}
	last := time.Now()
	_, err = kernelext.Train(ctx, training, kernelext.WithStore(s), kernelext.WithStep(func(step int) error {
		if time.Since(last) > 20*time.Second {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "step %d of %d\n", step, training.Steps())
		}
		return nil
	}))
	return vae, err
}
