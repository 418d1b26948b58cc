package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"deeplearning.example/kernelext/cell"
	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/nbformat"
)

const (
	// samplePause is the time between two samples of the memory.
	samplePause = 50 * time.Millisecond
	// maxMessage limits the message of an error, in bytes; the outputs have the full text.
	maxMessage = 600
	// interruptLimit limits the time of sending an interrupt, pingLimit that of a heartbeat.
	interruptLimit = 5 * time.Second
	pingLimit      = 2 * time.Second
)

// errTimeout is the cause of a cell's context when its time is over.
var errTimeout = errors.New("the cell's time is over")

// cell runs one code cell and returns its report. The error, a *CellError, ends the run.
func (n *notebookRun) cell(ctx context.Context, r *CellReport) error {
	cell := n.nb.Cells[r.Index-1]
	if ctx.Err() != nil {
		r.Status = StatusInterrupted
		return n.fail(r, diagnosis{message: "interrupted before it was run"}, context.Cause(ctx))
	}
	if !runs(cell) {
		r.Status = StatusSkipped
		n.done(r, 0)
		return nil
	}
	n.emit(Event{Kind: EventCell, Cell: r.Index, CodeCell: r.CodeCell, ID: r.ID})
	x := &execution{notebookRun: n, cell: cell, report: r, outputs: newOutputs(n.opts.MaxOutput, n.displays)}
	n.outputs[cell] = x.outputs
	begin := time.Now()
	memory := n.sampleMemory()
	d, cause := x.run(ctx)
	r.PeakBytes = memory()
	took := time.Since(begin)
	r.Seconds = rounded(took.Seconds())
	if r.Status == StatusError && hasTag(cell, TagRaises) {
		r.Status = StatusAllowed
	}
	var err error
	if r.Status != StatusOK && r.Status != StatusAllowed {
		err = n.fail(r, d, cause)
	}
	n.done(r, took)
	return err
}

func (n *notebookRun) done(r *CellReport, took time.Duration) {
	n.ran++
	n.emit(Event{
		Kind: EventCellDone, Cell: r.Index, CodeCell: r.CodeCell, ID: r.ID,
		Status: r.Status, Message: r.Error, CellTime: took,
	})
}

// fail returns the error of a cell.
func (n *notebookRun) fail(r *CellReport, d diagnosis, cause error) error {
	if d.message == "" {
		d.message = "failed without a message"
	}
	if len(d.message) > maxMessage {
		d.message = strings.ToValidUTF8(d.message[:maxMessage], "") + " …"
	}
	err := &CellError{
		Notebook: n.opts.Name, Cell: r.Index, CodeCell: r.CodeCell, ID: r.ID,
		Status: r.Status, Line: d.line, LineCell: n.cellOf[d.count], Message: d.message, Err: cause,
	}
	if err.LineCell == 0 {
		err.Line = 0 // a line without its cell is of no use
	}
	r.Error = err.Error()
	return err
}

// sampleMemory samples the kernel's memory until the function that it returns is called. That function returns the
// peak.
func (n *notebookRun) sampleMemory() (stop func() int64) {
	process := n.kernel.Process
	quit := make(chan struct{})
	var sampling sync.WaitGroup
	peak := process.Memory()
	sampling.Go(func() {
		ticker := time.NewTicker(samplePause)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				peak = max(peak, process.Memory())
			case <-quit:
				return
			}
		}
	})
	return func() int64 {
		close(quit)
		sampling.Wait()
		return peak
	}
}

// execution is the execution of one cell.
type execution struct {
	*notebookRun
	cell    *nbformat.Cell
	report  *CellReport
	outputs *outputs
	notes   notes
	badness error // of a message's content
}

// take receives the messages of the execution.
func (x *execution) take(m *jupyter.Message) {
	if err := x.outputs.take(m); err != nil && x.badness == nil {
		x.badness = err
	}
	switch m.Header.MsgType {
	case "stream":
		var s jupyter.Stream
		if m.Decode(&s) == nil && s.Name == "stderr" {
			x.notes.look(s.Text)
		}
	case "execute_input":
		var input struct {
			ExecutionCount int `json:"execution_count"`
		}
		if m.Decode(&input) == nil {
			x.setCount(input.ExecutionCount)
		}
	}
}

func (x *execution) setCount(count int) {
	if count > 0 {
		x.cell.ExecutionCount = &count
		x.cellOf[count] = x.report.Index
	}
}

// run executes the cell and sets its status.
func (x *execution) run(ctx context.Context) (diagnosis, error) {
	request, err := x.kernel.SendExecute(jupyter.ExecuteRequest{Code: x.cell.Source, StoreHistory: true}, x.take)
	if err != nil {
		x.report.Status = StatusDied
		return diagnosis{message: err.Error()}, err
	}
	defer request.Forget()
	limited, cancel := x.withTimeout(ctx)
	defer cancel()
	m, err := request.Wait(limited)
	if err != nil && limited.Err() != nil && x.kernel.Err() == nil {
		return x.stop(ctx, request, context.Cause(limited))
	}
	request.Forget()
	x.noteLost(request.Lost())
	if err == nil {
		err = x.badness
	}
	if err != nil {
		x.report.Status = StatusDied
		return diagnosis{message: err.Error()}, err
	}
	x.report.Times = m.CellTimes()
	var reply jupyter.ExecuteReply
	if err := m.Decode(&reply); err != nil {
		x.report.Status = StatusDied
		return diagnosis{message: err.Error()}, err
	}
	return x.judge(&reply), nil
}

func (x *execution) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if x.opts.Timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, x.opts.Timeout, errTimeout)
}

func (x *execution) noteLost(bytes int64) {
	if bytes > 0 {
		x.outputs.stream("stderr", fmt.Sprintf("\n[%d bytes were dropped: messages longer than %d]\n",
			bytes, jupyter.DefaultMaxMessage))
	}
}

// judge returns the status that follows from a reply.
func (x *execution) judge(reply *jupyter.ExecuteReply) diagnosis {
	x.setCount(reply.ExecutionCount)
	if reply.Status != "ok" {
		x.report.Status = StatusError
		return x.locate(diagnose(reply, x.outputs.result()))
	}
	if message := x.notes.failure(x.cell.Source); message != "" {
		x.report.Status = StatusError
		return diagnosis{message: message}
	}
	x.report.Status = StatusOK
	return diagnosis{}
}

// locate finds the cell that belongs to an unmarked place in GoNB's program. The program remains where GoNB wrote it
// until the next cell. If it is not there, the place stays unknown.
func (x *execution) locate(d diagnosis) diagnosis {
	if d.file == "" {
		return d
	}
	program, err := os.ReadFile(d.file)
	if err != nil {
		return d
	}
	var defs cell.Definitions
	for _, r := range x.notebookRun.report.Cells[:x.report.CodeCell-1] {
		if c := x.nb.Cells[r.Index-1]; r.Status == StatusOK && c.ExecutionCount != nil {
			defs.Add(*c.ExecutionCount, c.Source, nil)
		}
	}
	if x.cell.ExecutionCount != nil {
		d.count, d.line, _ = defs.Locate(program, d.fileLine, *x.cell.ExecutionCount, x.cell.Source)
	}
	return d
}

// stop interrupts the cell, waits for its end, and kills the kernel if the cell does not end.
func (x *execution) stop(ctx context.Context, request *jupyter.Request, cause error) (diagnosis, error) {
	x.report.Status = StatusInterrupted
	message := "interrupted"
	if errors.Is(cause, errTimeout) {
		x.report.Status = StatusTimeout
		message = fmt.Sprintf("ran longer than %v", x.opts.Timeout)
	}
	ctx = context.WithoutCancel(ctx)
	interrupting, cancel := context.WithTimeout(ctx, interruptLimit)
	defer cancel()
	interruptErr := x.kernel.Interrupt(interrupting)
	waiting, cancelWait := context.WithTimeout(ctx, x.opts.Grace)
	defer cancelWait()
	if _, err := request.Wait(waiting); err != nil {
		message += x.kill(ctx, errors.Join(err, interruptErr))
	}
	request.Forget()
	if x.outputs.lostBytes > 0 {
		message += fmt.Sprintf("; it floods: %d MB of output", x.outputs.total/1e6)
	}
	return diagnosis{message: message}, cause
}

// kill ends a kernel that does not react, and returns what is known of the reason.
func (x *execution) kill(ctx context.Context, reason error) string {
	if x.kernel.Err() != nil {
		return "; " + x.kernel.Err().Error()
	}
	pinging, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	told := fmt.Sprintf("; it did not end within %v of the interrupt and was killed with the kernel", x.opts.Grace)
	if x.kernel.Ping(pinging) != nil {
		told = "; the kernel hangs (no heartbeat, no answer to the interrupt) and was killed"
	}
	if err := x.kernel.Kill(); err != nil {
		told += fmt.Sprintf("; %v (%v)", err, reason)
	}
	return told
}
