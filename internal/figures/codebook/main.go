// The codebook command measures how many code vectors of a VQ-VAE are dead, and what that costs, when the book is updated by
// k-means and as a Kohonen map, as `docs/benchmarks.md` states it:
//
//	go run ./internal/figures/codebook
//
// For each data set, each first spread of the code vectors and each radius of the map it trains models from the same seeds. It
// prints the means over the seeds with their standard errors, and the mean difference of the losses of k-means and the map, seed by
// seed. Each row is printed when its last seed ends. The rows of one table of digits are those of
//
//	go run ./internal/figures/codebook -only digits -std 0.1
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"

	"github.com/gomlx/compute"

	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
)

func main() {
	var o options
	flag.IntVar(&o.seeds, "seeds", 5, "how many seeds, at least 2")
	flag.IntVar(&o.first, "first", 1, "the first seed")
	flag.StringVar(&o.only, "only", "", "the name of one data set: plane, digits or parts; default all")
	flag.Float64Var(&o.std, "std", 0, "standard deviation of the first code vectors; 0: 1, 0.1 and 0.01")
	flag.Float64Var(&o.start, "start", 0, "first radius of the map; 0: those of the data set's table")
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
	if o.seeds < 2 {
		return fmt.Errorf("codebook: -seeds %d, want at least 2: one seed has no standard error", o.seeds)
	}
	if o.only != "" && !slices.Contains(names, o.only) {
		return fmt.Errorf("codebook: -only %q, want one of %q", o.only, names)
	}
	backend, err := device.Backend()
	if err != nil {
		return err
	}
	for _, name := range names {
		if o.only != "" && o.only != name {
			continue
		}
		s, err := newSet(ctx, name)
		if err != nil {
			return err
		}
		fmt.Println(s.name)
		for _, std := range o.stds() {
			if err := o.compare(ctx, os.Stdout, backend, s, std); err != nil {
				return err
			}
		}
	}
	return nil
}

// stds returns the standard deviations of the first code vectors.
func (o options) stds() []float64 {
	if o.std > 0 {
		return []float64{o.std}
	}
	return []float64{1, 0.1, 0.01}
}

// radii returns the first and the last radius of the maps of a set.
func (o options) radii(s set) [][2]float64 {
	if o.start > 0 {
		return [][2]float64{{o.start, o.end}}
	}
	return s.radii
}

// compare trains the rows of a table from all seeds: k-means, then a map with each radius. It prints to w what they reach.
func (o options) compare(ctx context.Context, w io.Writer, backend compute.Backend, s set, std float64) error {
	s.model.CodeStd, s.model.Update = std, "kmeans"
	kmeans, err := o.row(ctx, backend, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "  std %g, k-means: %s\n", std, kmeans)
	for _, radius := range o.radii(s) {
		s.model.Update = "kohonen"
		s.model.Radius = lecture11.Schedule{Name: "exponential", Start: radius[0], End: radius[1]}
		of, err := o.row(ctx, backend, s)
		if err != nil {
			return err
		}
		gain, err := lecture11.NewEstimate(kmeans.loss).Minus(lecture11.NewEstimate(of.loss))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  std %g, map, radius %g → %g: %s; the loss of k-means is larger by %s\n", std, radius[0], radius[1], of, text(gain))
	}
	return nil
}

// row trains the model of a set from each seed.
func (o options) row(ctx context.Context, backend compute.Backend, s set) (results, error) {
	var of results
	for seed := o.first; seed < o.first+o.seeds; seed++ {
		cfg := s.model
		cfg.Seed = int64(seed)
		if err := of.add(ctx, backend, s, cfg); err != nil {
			return of, err
		}
	}
	return of, nil
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
