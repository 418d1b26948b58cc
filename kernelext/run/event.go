package run

import "time"

// EventKind is the kind of an Event.
type EventKind string

// Kinds of Event, in their order in a run.
const (
	EventStarting EventKind = "starting" // the kernel is being started
	EventReady    EventKind = "ready"    // the kernel is ready
	EventCell     EventKind = "cell"     // a cell was started
	EventCellDone EventKind = "done"     // a cell ended, or was skipped
	EventFinished EventKind = "finished" // the run ended
)

// Event is one step of a run, for a progress display.
type Event struct {
	Kind     EventKind
	Notebook string
	// Cell counts all cells from 1, CodeCell the code cells, and CodeCells is their number. Cell, CodeCell and ID are
	// set for cells only, CodeCells always.
	Cell, CodeCell, CodeCells int
	ID                        string
	// Status and Message describe how a cell, or the run, ended.
	Status  Status
	Message string
	// CellTime is the duration of the cell, Elapsed that of the run so far.
	CellTime, Elapsed time.Duration
	// Remaining is an estimate. It uses the last run of the same code in the same mode, or else the mean of the cells
	// so far. It is negative when nothing is known.
	Remaining time.Duration
}

// emit completes an event and passes it to OnEvent.
func (n *notebookRun) emit(e Event) {
	if n.opts.OnEvent == nil {
		return
	}
	e.Notebook, e.CodeCells = n.opts.Name, len(n.report.Cells)
	e.Elapsed = time.Since(n.started)
	e.Remaining = n.remaining(e.Elapsed)
	n.opts.OnEvent(e)
}

func (n *notebookRun) remaining(elapsed time.Duration) time.Duration {
	left := len(n.report.Cells) - n.ran
	switch {
	case left == 0:
		return 0
	case n.expected > 0:
		return max(0, n.expected-elapsed)
	case n.ran == 0:
		return -1
	}
	return elapsed / time.Duration(n.ran) * time.Duration(left)
}
