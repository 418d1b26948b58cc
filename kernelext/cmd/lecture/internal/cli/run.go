package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/nbformat/page"
	"deeplearning.example/kernelext/run"
	"deeplearning.example/kernelext/setup"
)

type runFlags struct {
	mode    string
	out     string
	timeout time.Duration
	report  string
	params  []string
	fresh   bool
	check   bool
	save    bool
	noSetup bool
}

func newRun(ios *streams) *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run [notebook...]",
		Short: "Run notebooks, and write them with an HTML page of each to out/",
		Long: `Sets up the machine if necessary, and runs the given notebooks, or all of the lecture in order, through the Jupyter
protocol. A notebook stops at its first failing cell; the next notebook is still run. Each executed notebook is written
to the results' folder with an HTML page, and index.html lists them from the start. A notebook that passed before is not
run again, unless it, the files beside it, the library, the device, the mode or a parameter has changed; --fresh and --save
run it anyway.

Exit code: 0 when all passed, 1 when one failed, 2 for a mistake on the command line, 130 after Ctrl-C.`,
		Example: `  lecture run
  lecture run --mode full -p epochs=5 notebooks/12_vae.ipynb
  lecture run --fresh --report report.json`,
		RunE: func(cmd *cobra.Command, paths []string) error { return runRun(cmd.Context(), ios, flags, paths) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.mode, "mode", run.Quick, "`SIZE` of every training: quick or full")
	f.StringVar(&flags.out, "out", "out", "`FOLDER` of the results")
	f.DurationVar(&flags.timeout, "timeout", 10*time.Minute, "how long one cell may run; 0 is without limit")
	f.StringVar(&flags.report, "report", "", "write each cell's time, status and memory to this JSON `FILE`")
	f.StringArrayVarP(&flags.params, "param", "p", nil, "set a parameter: `NAME=VALUE`, as `lecture params` lists them")
	f.BoolVar(&flags.fresh, "fresh", false, "run everything again, and train from scratch, in a temporary model store")
	f.BoolVar(&flags.check, "check", false, "fail if the stored outputs do not belong to the notebook's code")
	f.BoolVar(&flags.save, "save", false, "replace a notebook that passed by the executed one (for maintainers)")
	f.BoolVar(&flags.noSetup, "no-setup", false, "do not check whether the machine is set up")
	return cmd
}

func (f runFlags) validate() error {
	if f.mode != run.Quick && f.mode != run.Full {
		return usagef("--mode %q, want %s or %s", f.mode, run.Quick, run.Full)
	}
	if f.timeout < 0 {
		return usagef("--timeout %v, want a positive duration such as 10m, or 0 for no limit", f.timeout)
	}
	return nil
}

// batch is one run of several notebooks.
type batch struct {
	ios     *streams
	flags   runFlags
	env     []string
	library string // what cells compute with; empty: not known
	waiting []*notebook
	results []result
}

// result is the outcome of one notebook.
type result struct {
	book      *notebook
	report    *run.Report
	err       error
	unchanged bool // the results are those of an earlier run
	thumbnail string
}

// runRun checks everything that it can before anything is run or written, and runs the notebooks.
func runRun(ctx context.Context, ios *streams, flags runFlags, paths []string) error {
	if err := flags.validate(); err != nil {
		return err
	}
	opts, err := setupOptions(ios)
	if err != nil {
		return err
	}
	books, err := loadNotebooks(opts.Module, paths)
	if err != nil {
		return err
	}
	if err := applyParams(books, flags.params); err != nil {
		return err
	}
	if err := makeFolder(flags.out); err != nil {
		return err
	}
	if flags.check {
		for _, book := range books {
			book.stale = run.Stale(book.nb)
		}
	}
	if !flags.noSetup {
		opts.Quiet = true
		opts.Without = []string{"gopls"} // a run completes no code, and gopls takes a minute to build
		if err := setup.Run(ctx, opts, setupSteps()); err != nil {
			return err
		}
	}
	library, err := setup.LibraryHash(opts.Module)
	if err != nil {
		library = "" // every notebook is run
	}
	s := &batch{ios: ios, flags: flags, env: os.Environ(), library: library}
	return s.run(ctx, books)
}

// makeFolder creates the results' folder, and checks that it is writable.
func makeFolder(dir string) error {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(dir, ".lecture-*"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	if err != nil {
		return fmt.Errorf("cannot write results in %s: %w; name another folder with --out", dir, err)
	}
	return nil
}

// run runs the notebooks one after the other and prints the outcome.
func (b *batch) run(ctx context.Context, books []*notebook) error {
	specs, err := findKernels(books)
	if err != nil {
		return err
	}
	if b.flags.fresh {
		dir, err := os.MkdirTemp("", "lecture-store-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		b.env = append(b.env, "LECTURE_STORE="+dir)
	}
	for i, book := range books {
		if ctx.Err() != nil {
			break
		}
		b.waiting = books[i:]
		if err := b.writeIndex(); err != nil {
			return err
		}
		if err := b.runOne(ctx, book, specs[book]); err != nil {
			return err
		}
	}
	b.waiting = nil
	if err := b.writeIndex(); err != nil {
		return err
	}
	if err := b.writeReport(); err != nil {
		return err
	}
	failed := b.summary()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case failed > 0:
		return reported{fmt.Errorf("%d notebooks failed", failed)}
	}
	return nil
}

// findKernels finds the kernel of each notebook, so that a missing one is reported before the first is run.
func findKernels(books []*notebook) (map[*notebook]*jupyter.Spec, error) {
	specs := map[*notebook]*jupyter.Spec{}
	for _, book := range books {
		name := book.nb.KernelName()
		if name == "" {
			name = setup.KernelName
		}
		spec, err := jupyter.FindSpec(name, os.Getenv)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; `lecture setup` installs %s", book.name, err, setup.KernelName)
		}
		specs[book] = spec
	}
	return specs, nil
}

// runOne runs one notebook and writes its results. A failing cell is not an error here; a full disk is.
func (b *batch) runOne(ctx context.Context, book *notebook, spec *jupyter.Spec) error {
	before := b.inputsOf(ctx, book, spec)
	if last, found := b.unchanged(book, before); found {
		b.results = append(b.results, last)
		return nil
	}
	show := newProgress(b.ios)
	report, err := run.Notebook(ctx, book.nb, run.Options{
		Name:    book.name,
		Spec:    spec,
		Dir:     filepath.Dir(book.path),
		Mode:    b.flags.mode,
		Params:  book.values,
		Env:     b.env,
		Timeout: b.flags.timeout,
		OnEvent: show.event,
	})
	show.close()
	if err == nil && book.stale != nil {
		err = fmt.Errorf("%s: stored outputs: %w", book.name, book.stale)
	}
	if err != nil {
		fmt.Fprintf(b.ios.out, "FAILED %s\n", flat(err))
	}
	b.results = append(b.results, result{book: book, report: report, err: err, thumbnail: page.Thumbnail(book.nb)})
	last := b.results[len(b.results)-1]
	if err := b.writeResult(last); err != nil {
		return err
	}
	if err := b.noteRun(ctx, last, before, spec); err != nil {
		return err
	}
	if b.flags.save && err == nil {
		return nbformat.Write(book.path, book.nb)
	}
	return nil
}
