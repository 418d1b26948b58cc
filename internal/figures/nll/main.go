// The nll command measures the likelihood of the test digits under trained VAEs, as `docs/benchmarks.md` reports it:
//
//	go run ./internal/figures/nll
//
// MNIST's test set is binarised once with seed 2. The models train on the training set, which is binarised again in
// each step: a VAE on the ELBO, then from its weights an IWAE on the bound of 50 codes. The negative log-likelihood is
// that of the importance bound with 512 codes over all 10 000 digits, in nats, for each seed. Models are stored in
// -store, so that an interrupted run continues from there.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"deeplearning.example/kernelext"
	"deeplearning.example/kernelext/device"
	"deeplearning.example/kernelext/store"
	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

func main() {
	var o options
	flag.IntVar(&o.width, "width", 500, "units of each of the two hidden layers")
	flag.IntVar(&o.latent, "latent", 40, "components of the code")
	flag.IntVar(&o.epochs, "epochs", 100, "passes over the data on the ELBO")
	flag.IntVar(&o.more, "more", 10, "passes over the data on the bound of 50 codes; 0: no IWAE")
	flag.IntVar(&o.seeds, "seeds", 3, "how many seeds")
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
	store                              string
	width, latent, epochs, more, seeds int
}

const (
	codes   = 50  // codes of the IWAE's bound
	samples = 512 // codes of the evaluation
)

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
	for seed := 1; seed <= o.seeds; seed++ {
		vae, err := o.measured(ctx, s, train, test, lecture11.VAEConfig{Samples: 1, Seed: int64(seed)}, o.epochs, nil)
		if err != nil {
			return err
		}
		if o.more == 0 {
			continue
		}
		if _, err := o.measured(ctx, s, train, test, lecture11.VAEConfig{Samples: codes, Seed: int64(seed)}, o.more, vae); err != nil {
			return err
		}
	}
	return nil
}

// measured returns the model of a configuration, trained from the weights of start, and prints its likelihood and time.
func (o options) measured(ctx context.Context, s *store.Store, train, test *data.Images, cfg lecture11.VAEConfig, epochs int,
	start *lecture11.VAE) (*lecture11.VAE, error) {
	vae, seconds, err := o.trained(ctx, s, train, cfg, epochs, start)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	bound, err := vae.ImportanceBound(test.Tensor(), samples, 7)
	if err != nil {
		return nil, err
	}
	fmt.Printf("seed %d, bound of %d codes: NLL %.2f ± %.2f nats (%d codes, %d digits, %.0f s), trained in %.0f s\n", cfg.Seed, cfg.Samples,
		-bound.Mean, bound.SE, samples, test.Len(), time.Since(began).Seconds(), seconds)
	return vae, nil
}

// trained returns a model and the seconds of its training, from the store if it is there.
func (o options) trained(ctx context.Context, s *store.Store, train *data.Images, cfg lecture11.VAEConfig, epochs int,
	start *lecture11.VAE) (*lecture11.VAE, float64, error) {
	backend, err := device.Backend()
	if err != nil {
		return nil, 0, err
	}
	cfg.Features, cfg.Latent, cfg.Hidden = 784, o.latent, []int{o.width, o.width}
	cfg.Activation, cfg.Binarize = "tanh", true
	vae, err := lecture11.NewVAE(backend, cfg)
	if err != nil {
		return nil, 0, err
	}
	fit := lecture11.FitConfig{Epochs: epochs, Decay: "cosine", Seed: cfg.Seed}
	if start != nil {
		fit.LearningRate = 5e-4
		if err := vae.StartFrom(start); err != nil {
			return nil, 0, err
		}
	}
	training, err := vae.Training(train.Tensor(), train.ID, fit)
	if err != nil {
		return nil, 0, err
	}
	last := time.Now()
	result, err := kernelext.Train(ctx, training, kernelext.WithStore(s), kernelext.WithStep(func(step int) error {
		if time.Since(last) > 20*time.Second {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "step %d of %d\n", step, training.Steps())
		}
		return nil
	}))
	return vae, result.Seconds, err
}
