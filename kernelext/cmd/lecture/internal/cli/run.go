package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
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
	jobs    int
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

Several notebooks run side by side, each on its own processor cores, as far as there are cores and 3 GB of memory for
each. On a GPU, and with --save, one runs at a time: some notebooks measure times.

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
	f.IntVarP(&flags.jobs, "jobs", "j", 0, "run this `NUMBER` of notebooks side by side; 0 is as many as cores and memory allow, and 1 with --save")
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
	if f.jobs < 0 {
		return usagef("--jobs %d, want a positive number, or 0 for as many as cores and memory allow", f.jobs)
	}
	return nil
}

// batch is one run of several notebooks.
type batch struct {
	ios     *streams
	flags   runFlags
	env     []string
	library string // what cells compute with; empty: not known
	show    *progress

	mu      sync.Mutex
	entries []*entry // in the order of the command line
	over    bool     // no further notebook is run
}

// entry is a notebook of a batch. The last two fields belong to the batch's lock.
type entry struct {
	book    *notebook
	title   string
	spec    *jupyter.Spec
	running bool
	result  *result // nil before its end
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

// run runs the notebooks and prints the outcome.
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
	for _, book := range books {
		b.entries = append(b.entries, &entry{book: book, title: page.Title(book.nb), spec: specs[book]})
	}
	b.show = newProgress(b.ios, len(books))
	err = b.runAll(ctx)
	b.show.close()
	if err != nil {
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

// runOne runs one notebook on some cores and writes its results. A failing cell is not an error here; a full disk is.
func (b *batch) runOne(ctx context.Context, e *entry, cores []int) error {
	book := e.book
	before := b.inputsOf(ctx, book, e.spec)
	if last, found := b.unchanged(book, before); found {
		b.end(e, last)
		return nil
	}
	report, err := run.Notebook(ctx, book.nb, run.Options{
		Name:    book.name,
		Spec:    e.spec,
		Cores:   cores,
		Dir:     filepath.Dir(book.path),
		Mode:    b.flags.mode,
		Params:  book.values,
		Env:     b.env,
		Timeout: b.flags.timeout,
		OnEvent: b.show.event,
	})
	if err == nil && book.stale != nil {
		err = fmt.Errorf("%s: stored outputs: %w", book.name, book.stale)
	}
	if err != nil {
		b.show.say("FAILED %s", flat(err))
	}
	last := result{book: book, report: report, err: err, thumbnail: page.Thumbnail(book.nb)}
	if err := b.writeResult(last); err != nil {
		return err
	}
	if err := b.noteRun(ctx, last, before, e.spec); err != nil {
		return err
	}
	b.end(e, last)
	if b.flags.save && err == nil {
		return nbformat.Write(book.path, book.nb)
	}
	return nil
}
