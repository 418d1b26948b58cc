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
	// DefaultGrace is above the 5 s that GoNB gives an interrupted cell, and above the 7 s after which our kernel kills
	// one that shows no progress.
	DefaultGrace = 10 * time.Second
	// DefaultStartTimeout is generous: a loaded machine may start a kernel slowly.
	DefaultStartTimeout = time.Minute
)

// Options say how a notebook is run. Zero fields have the defaults that are stated.
type Options struct {
	// Name is the notebook's name in errors, events and the report; default "notebook".
	Name string
	// Spec is the kernel; nil means the one that the notebook names.
	Spec *jupyter.Spec
	// Dir is the kernel's working folder, usually the notebook's; empty means the current one.
	Dir string
	// Mode is Quick (default) or Full.
	Mode string
	// Params are values of parameters, as from ParseParam.
	Params map[string]any
	// Env is the environment of the kernel, to which mode and parameters are added; nil means os.Environ().
	Env []string
	// Timeout is how long a cell may run; 0 means without limit. Then it is interrupted, and killed with the kernel
	// when it has not ended after Grace (default DefaultGrace).
	Timeout, Grace time.Duration
	// StartTimeout is how long the kernel may take to be ready; default DefaultStartTimeout.
	StartTimeout time.Duration
	// MaxOutput is what a cell keeps of its outputs, in bytes; default DefaultMaxOutput.
	MaxOutput int64
	// Machine is what the record and the report say of the machine; nil means ThisMachine.
	Machine *Machine
	// OnEvent is told of the progress, from one goroutine; it must not block. It may be nil.
	OnEvent func(Event)
}

// Notebook executes the code cells of nb in order and stores their outputs in it, in place of those that were there.
//
// At the first cell that fails it stops; the outputs so far, that cell's included, are kept. When ctx ends the cell in
// progress is interrupted, and the run ends. In any case the kernel is ended, and no process or file of it is left.
//
// The report is never nil. Errors: *CellError (a cell failed or was interrupted; its cause is wrapped), or why the
// kernel did not start or did not end.
func Notebook(ctx context.Context, nb *nbformat.Notebook, opts Options) (*Report, error) {
	s := newSession(nb, opts)
	err := s.run(ctx)
	return s.finish(err), err
}

// session is the run of one notebook.
type session struct {
	nb      *nbformat.Notebook
	opts    Options
	report  *Report
	started time.Time
	// expected is how long the run took the last time, 0 where that is not known.
	expected time.Duration
	kernel   *jupyter.Kernel
	displays displays
	outputs  map[*nbformat.Cell]*outputs
	// cellOf maps an execution count to the number of its cell.
	cellOf map[int]int
	ran    int // cells
}

func newSession(nb *nbformat.Notebook, opts Options) *session {
	opts.setDefaults()
	s := &session{
		nb: nb, opts: opts, started: time.Now(), displays: displays{},
		outputs: map[*nbformat.Cell]*outputs{}, cellOf: map[int]int{},
		report: &Report{Notebook: opts.Name, Mode: opts.Mode, Params: opts.Params, Status: StatusOK, Cells: []CellReport{}},
	}
	if record, ok := ReadRecord(nb); ok && record.Mode == opts.Mode && record.CodeSHA256 == codeHash(nb) {
		s.expected = time.Duration(record.Seconds * float64(time.Second))
	}
	for i, cell := range nb.Cells {
		if cell.Type == nbformat.Code {
			s.report.Cells = append(s.report.Cells, CellReport{
				Index: i + 1, CodeCell: len(s.report.Cells) + 1, ID: cell.ID, Status: StatusNotRun,
			})
		}
	}
	forget(nb)
	return s
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

func (s *session) run(ctx context.Context) (err error) {
	if err := s.start(ctx); err != nil {
		return fmt.Errorf("run: %s: %w", s.opts.Name, err)
	}
	defer func() {
		// ctx may have ended, and the kernel must go all the same.
		if endErr := s.kernel.Shutdown(context.WithoutCancel(ctx)); endErr != nil {
			err = errors.Join(err, fmt.Errorf("run: %s: ending the kernel: %w", s.opts.Name, endErr))
		}
	}()
	for i := range s.report.Cells {
		if err := s.cell(ctx, &s.report.Cells[i]); err != nil {
			return err
		}
	}
	return nil
}

// start starts the kernel and notes what it says of itself.
func (s *session) start(ctx context.Context) error {
	s.emit(Event{Kind: EventStarting})
	spec, err := s.spec()
	if err != nil {
		return err
	}
	s.report.Kernel = spec.Name
	env, err := s.environ()
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeoutCause(ctx, s.opts.StartTimeout,
		fmt.Errorf("not within %v", s.opts.StartTimeout))
	defer cancel()
	s.kernel, err = jupyter.Start(limit, spec, jupyter.Options{
		Process: jupyter.ProcessOptions{Dir: s.opts.Dir, Env: env},
	})
	if err != nil {
		return fmt.Errorf("kernel %q does not start: %w", spec.Name, err)
	}
	s.report.GoVersion = goVersion(ctx, s.kernel.Process.Environ())
	s.report.Machine = s.machine(ctx)
	s.describeKernel()
	s.report.StartSeconds = rounded(time.Since(s.started).Seconds())
	s.emit(Event{Kind: EventReady})
	return nil
}

// spec is the kernelspec, without the variables that the runner itself sets.
func (s *session) spec() (*jupyter.Spec, error) {
	spec := s.opts.Spec
	if spec == nil {
		name := s.nb.KernelName()
		if name == "" {
			return nil, errors.New("the notebook names no kernel: open it in JupyterLab, choose one, and save it")
		}
		var err error
		spec, err = jupyter.FindSpec(name, func(name string) string {
			value, _ := jupyter.LookupEnv(s.opts.Env, name)
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

func (s *session) environ() ([]string, error) {
	params := "" // not absent: the runner's own environment may hold some
	if len(s.opts.Params) > 0 {
		var err error
		if params, err = paramsJSON(s.opts.Params); err != nil {
			return nil, err
		}
	}
	env := append([]string{}, s.opts.Env...)
	return append(env, envMode+"="+s.opts.Mode, envParams+"="+params), nil
}

func (s *session) machine(ctx context.Context) Machine {
	if s.opts.Machine != nil {
		return *s.opts.Machine
	}
	return ThisMachine(ctx)
}

// describeKernel puts the kernel's language into the notebook's metadata, as front ends do. GoNB leaves the lexer
// empty, and converters then colour Go as Python.
func (s *session) describeKernel() {
	info := s.kernel.Info.LanguageInfo
	if info.PygmentsLexer == "" {
		info.PygmentsLexer = strings.ToLower(info.Name)
	}
	if s.nb.Metadata == nil {
		s.nb.Metadata = map[string]any{}
	}
	s.nb.Metadata["language_info"] = map[string]any{
		"name": info.Name, "version": info.Version, "mimetype": info.MimeType,
		"file_extension": info.FileExtension, "pygments_lexer": info.PygmentsLexer,
	}
	if s.nb.KernelName() == "" {
		spec := s.kernel.Spec
		s.nb.Metadata["kernelspec"] = map[string]any{
			"name": spec.Name, "display_name": spec.DisplayName, "language": spec.Language,
		}
	}
}

// finish stores outputs and record in the notebook and completes the report.
func (s *session) finish(err error) *Report {
	r := s.report
	r.Seconds = rounded(time.Since(s.started).Seconds())
	for i := range r.Cells {
		report := &r.Cells[i]
		r.PeakBytes = max(r.PeakBytes, report.PeakBytes)
		if o := s.outputs[s.nb.Cells[report.Index-1]]; o != nil {
			// Only now, since later cells may update displays of earlier ones.
			s.nb.Cells[report.Index-1].Outputs = o.result()
			report.OutputBytes, report.LeftOutBytes = o.total, o.lostBytes
		}
	}
	if err == nil {
		record := Record{
			Mode: r.Mode, Params: r.Params, Machine: r.Machine, Seconds: r.Seconds,
			Date: today(), CodeSHA256: codeHash(s.nb),
		}
		err = record.store(s.nb)
	}
	if err != nil {
		r.Status, r.Error = StatusDied, strings.ReplaceAll(err.Error(), "\n", "; ")
		if failed := new(CellError); errors.As(err, &failed) {
			r.Status = failed.Status
		} else if errors.Is(err, context.Canceled) {
			r.Status = StatusInterrupted // before the kernel was ready
		}
	}
	s.emit(Event{Kind: EventFinished, Status: r.Status, Message: r.Error})
	return r
}
