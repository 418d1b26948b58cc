package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/nbformat"
)

const (
	// DefaultGrace is longer than the 5 s that GoNB waits for an interrupted cell, and than the 7 s after which the
	// course's kernel kills a cell that shows no progress.
	DefaultGrace = 10 * time.Second
	// DefaultStartTimeout is long because a loaded machine may start a kernel slowly.
	DefaultStartTimeout = time.Minute
)

// Options configures a run. Zero fields have the stated defaults.
type Options struct {
	// Name is the notebook's name in errors, events and the report; default "notebook".
	Name string
	// Spec is the kernel; nil means the kernel that the notebook names.
	Spec *jupyter.Spec
	// Dir is the kernel's working folder, usually the notebook's; empty means the current one.
	Dir string
	// Mode is Quick (default) or Full.
	Mode string
	// Params are values of parameters, as from ParseParam.
	Params map[string]any
	// Env is the environment of the kernel, to which mode and parameters are added; nil means os.Environ().
	Env []string
	// Cores are the processor cores that the kernel may use; nil means all.
	Cores []int
	// Timeout limits the time of a cell; 0 means no limit. The cell is then interrupted. If it has not ended after
	// Grace (default DefaultGrace), it is killed with the kernel.
	Timeout, Grace time.Duration
	// StartTimeout limits the time until the kernel is ready; default DefaultStartTimeout.
	StartTimeout time.Duration
	// MaxOutput limits the stored outputs of a cell, in bytes; default DefaultMaxOutput.
	MaxOutput int64
	// Machine describes the machine in the record and the report; nil means ThisMachine.
	Machine *Machine
	// OnEvent receives the progress, from one goroutine; it must not block. It may be nil.
	OnEvent func(Event)
}

// Notebook executes the code cells of nb in order and replaces the outputs in it by the new ones.
//
// It stops at the first cell that fails; the outputs so far, including that cell's, are kept. When ctx ends, the cell
// in progress is interrupted and the run ends. In any case the kernel is ended, and none of its processes and files are
// left.
//
// The report is never nil. Errors: a *CellError if a cell failed or was interrupted, with its cause wrapped; or the
// reason why the kernel did not start or did not end.
func Notebook(ctx context.Context, nb *nbformat.Notebook, opts Options) (*Report, error) {
	n := newNotebookRun(nb, opts)
	err := n.run(ctx)
	return n.finish(err), err
}

// notebookRun is one run of a notebook.
type notebookRun struct {
	nb      *nbformat.Notebook
	opts    Options
	report  *Report
	started time.Time
	// expected is the time of the last run, 0 if that is not known.
	expected time.Duration
	kernel   *jupyter.Kernel
	displays displays
	outputs  map[*nbformat.Cell]*outputs
	// cellOf maps an execution count to the number of its cell.
	cellOf map[int]int
	ran    int // the number of cells
}

func newNotebookRun(nb *nbformat.Notebook, opts Options) *notebookRun {
	opts.setDefaults()
	n := &notebookRun{
		nb: nb, opts: opts, started: time.Now(), displays: displays{},
		outputs: map[*nbformat.Cell]*outputs{}, cellOf: map[int]int{},
		report: &Report{Notebook: opts.Name, Mode: opts.Mode, Params: opts.Params, Status: StatusOK, Cells: []CellReport{}},
	}
	if record, ok := ReadRecord(nb); ok && record.Mode == opts.Mode && record.CodeSHA256 == codeHash(nb) {
		n.expected = time.Duration(record.Seconds * float64(time.Second))
	}
	for i, cell := range nb.Cells {
		if cell.Type == nbformat.Code {
			n.report.Cells = append(n.report.Cells, CellReport{
				Index: i + 1, CodeCell: len(n.report.Cells) + 1, ID: cell.ID, Status: StatusNotRun,
			})
		}
	}
	forget(nb)
	return n
}

func (o *Options) setDefaults() {
	if o.Name == "" {
		o.Name = "notebook"
	}
	if o.Mode == "" {
		o.Mode = Quick
	}
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	if o.StartTimeout == 0 {
		o.StartTimeout = DefaultStartTimeout
	}
	if o.MaxOutput == 0 {
		o.MaxOutput = DefaultMaxOutput
	}
	if o.Env == nil {
		o.Env = os.Environ()
	}
}

func (n *notebookRun) run(ctx context.Context) (err error) {
	if err := n.start(ctx); err != nil {
		return fmt.Errorf("run: %s: %w", n.opts.Name, err)
	}
	defer func() {
		// The kernel must end even if ctx has ended.
		if endErr := n.kernel.Shutdown(context.WithoutCancel(ctx)); endErr != nil {
			err = errors.Join(err, fmt.Errorf("run: %s: ending the kernel: %w", n.opts.Name, endErr))
		}
	}()
	for i := range n.report.Cells {
		if err := n.cell(ctx, &n.report.Cells[i]); err != nil {
			return err
		}
	}
	return nil
}

// start starts the kernel and records its description of itself.
func (n *notebookRun) start(ctx context.Context) error {
	n.emit(Event{Kind: EventStarting})
	spec, err := n.spec()
	if err != nil {
		return err
	}
	n.report.Kernel = spec.Name
	env, err := n.environ()
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeoutCause(ctx, n.opts.StartTimeout,
		fmt.Errorf("not within %v", n.opts.StartTimeout))
	defer cancel()
	n.kernel, err = jupyter.Start(limit, spec, jupyter.Options{
		Process: jupyter.ProcessOptions{Dir: n.opts.Dir, Env: env, Cores: n.opts.Cores},
	})
	if err != nil {
		return fmt.Errorf("kernel %q does not start: %w", spec.Name, err)
	}
	n.report.GoVersion = goVersion(ctx, n.kernel.Process.Environ())
	n.report.Machine = n.machine(ctx)
	n.describeKernel()
	n.report.StartSeconds = rounded(time.Since(n.started).Seconds())
	n.emit(Event{Kind: EventReady})
	return nil
}

// spec returns the kernelspec, without the variables that the runner itself sets.
func (n *notebookRun) spec() (*jupyter.Spec, error) {
	spec := n.opts.Spec
	if spec == nil {
		name := n.nb.KernelName()
		if name == "" {
			return nil, errors.New("the notebook names no kernel: open it in JupyterLab, choose one, and save it")
		}
		var err error
		spec, err = jupyter.FindSpec(name, func(name string) string {
			value, _ := jupyter.LookupEnv(n.opts.Env, name)
			return value
		})
		if err != nil {
			return nil, err
		}
	}
	own := *spec
	own.Env = maps.Clone(spec.Env)
	delete(own.Env, envMode)
	delete(own.Env, envParams)
	return &own, nil
}

// Environment variables that cells read, see docs/design.md.
const (
	envMode   = "LECTURE_MODE"
	envParams = "LECTURE_PARAMS"
)

func (n *notebookRun) environ() ([]string, error) {
	params := "" // empty, not absent: the runner's own environment may have parameters
	if len(n.opts.Params) > 0 {
		var err error
		if params, err = paramsJSON(n.opts.Params); err != nil {
			return nil, err
		}
	}
	env := append([]string{}, n.opts.Env...)
	return append(env, envMode+"="+n.opts.Mode, envParams+"="+params), nil
}

func (n *notebookRun) machine(ctx context.Context) Machine {
	if n.opts.Machine != nil {
		return *n.opts.Machine
	}
	m := ThisMachine(ctx)
	if n.opts.Cores != nil {
		m.Cores = len(n.opts.Cores)
	}
	return m
}

// describeKernel puts the kernel's language into the notebook's metadata, as front ends do. GoNB leaves the lexer
// empty, and converters would then colour Go as Python.
func (n *notebookRun) describeKernel() {
	info := n.kernel.Info.LanguageInfo
	if info.PygmentsLexer == "" {
		info.PygmentsLexer = strings.ToLower(info.Name)
	}
	if n.nb.Metadata == nil {
		n.nb.Metadata = map[string]any{}
	}
	n.nb.Metadata["language_info"] = map[string]any{
		"name": info.Name, "version": info.Version, "mimetype": info.MimeType,
		"file_extension": info.FileExtension, "pygments_lexer": info.PygmentsLexer,
	}
	if n.nb.KernelName() == "" {
		spec := n.kernel.Spec
		n.nb.Metadata["kernelspec"] = map[string]any{
			"name": spec.Name, "display_name": spec.DisplayName, "language": spec.Language,
		}
	}
}

// finish stores outputs and record in the notebook and completes the report.
func (n *notebookRun) finish(err error) *Report {
	r := n.report
	r.Seconds = rounded(time.Since(n.started).Seconds())
	for i := range r.Cells {
		report := &r.Cells[i]
		r.PeakBytes = max(r.PeakBytes, report.PeakBytes)
		if o := n.outputs[n.nb.Cells[report.Index-1]]; o != nil {
			// Outputs are stored only now, because later cells may update displays of earlier ones.
			n.nb.Cells[report.Index-1].Outputs = o.result()
			report.OutputBytes, report.LeftOutBytes = o.total, o.lostBytes
		}
	}
	r.Times = sumTimes(r.Cells)
	if err == nil {
		record := Record{
			Mode: r.Mode, Params: r.Params, Machine: r.Machine, Seconds: r.Seconds,
			Date: today(), CodeSHA256: codeHash(n.nb),
		}
		err = record.store(n.nb)
	}
	if err != nil {
		r.Status, r.Error = StatusDied, strings.ReplaceAll(err.Error(), "\n", "; ")
		if failed := new(CellError); errors.As(err, &failed) {
			r.Status = failed.Status
		} else if errors.Is(err, context.Canceled) {
			r.Status = StatusInterrupted // before the kernel was ready
		}
	}
	n.emit(Event{Kind: EventFinished, Status: r.Status, Message: r.Error})
	return r
}
