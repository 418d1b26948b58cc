// The codebook command measures how many code vectors of a VQ-VAE are dead, and what that costs, when the book is updated by
// k-means and as a Kohonen map, as `docs/benchmarks.md` states it:
//
//	go run ./internal/figures/codebook
//
// For each data set and each first spread of the code vectors it trains both from the same seeds. It prints the means over the
// seeds with their standard errors, and the mean difference of the losses, seed by seed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/gomlx/compute"

	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
)

func main() {
	var o options
	flag.IntVar(&o.seeds, "seeds", 5, "how many seeds")
	flag.IntVar(&o.first, "first", 1, "the first seed")
	flag.StringVar(&o.only, "only", "", "the name of one data set: plane, digits or parts; default all")
	flag.Float64Var(&o.std, "std", 0, "standard deviation of the first code vectors; 0: 1, 0.1 and 0.01")
	flag.Float64Var(&o.start, "start", 0, "first radius of the map; 0: the default of the model")
	flag.Float64Var(&o.end, "end", 0.2, "last radius of the map, with -start")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type options struct {
	seeds, first    int
	only            string
	std, start, end float64
}

func (o options) run(ctx context.Context) error {
	backend, err := device.Backend()
	if err != nil {
		return err
	}
	sets, err := allSets(ctx)
	if err != nil {
		return err
	}
	for _, s := range sets {
		if o.only != "" && o.only != s.name {
			continue
		}
		fmt.Println(s.name)
		stds := []float64{1, 0.1, 0.01}
		if o.std > 0 {
			stds = []float64{o.std}
		}
		for _, std := range stds {
			if err := o.compare(ctx, backend, s, std); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare trains both updates from all seeds and prints what they reach.
func (o options) compare(ctx context.Context, backend compute.Backend, s set, std float64) error {
	var losses []lecture11.Estimate
	for _, update := range []string{"kmeans", "kohonen"} {
		var of results
		for seed := o.first; seed < o.first+o.seeds; seed++ {
			cfg := s.model
			cfg.CodeStd, cfg.Update, cfg.Seed = std, update, int64(seed)
			if update == "kohonen" && o.start > 0 {
				cfg.Radius = lecture11.Schedule{Name: "exponential", Start: o.start, End: o.end}
			}
			if err := of.add(ctx, backend, s, cfg); err != nil {
				return err
			}
		}
		fmt.Printf("  std %g %-8s %s\n", std, update, of)
		losses = append(losses, lecture11.NewEstimate(of.loss))
	}
	gain, err := losses[0].Minus(losses[1])
	if err == nil {
		fmt.Printf("  std %g: the loss of k-means is larger by %s\n", std, text(gain))
	}
	return err
}

// results holds figures of the trainings of several seeds.
type results struct{ dead, perplexity, loss []float64 }

// add trains one model and adds its figures.
func (r *results) add(ctx context.Context, backend compute.Backend, s set, cfg lecture11.VQVAEConfig) error {
	m, err := lecture11.NewVQVAE(backend, cfg)
	if err != nil {
		return err
	}
	fit := s.fit
	fit.Seed = cfg.Seed
	training, err := m.Training(s.train, s.name, fit)
	if err != nil {
		return err
	}
	if err := training.Run(ctx, nil); err != nil {
		return err
	}
	usage, err := m.Usage(s.train)
	if err != nil {
		return err
	}
	loss, err := m.Loss(s.test)
	if err != nil {
		return err
	}
	r.dead, r.perplexity, r.loss = append(r.dead, 100*usage.Dead), append(r.perplexity, usage.Perplexity), append(r.loss, loss.Mean)
	return nil
}

// String prints means and standard errors.
func (r results) String() string {
	return fmt.Sprintf("dead, %%: %s, perplexity %s, loss %s", text(lecture11.NewEstimate(r.dead)),
		text(lecture11.NewEstimate(r.perplexity)), text(lecture11.NewEstimate(r.loss)))
}

func text(e lecture11.Estimate) string { return fmt.Sprintf("%.4g ± %.2g", e.Mean, e.SE) }
