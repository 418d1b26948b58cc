package run

import "time"

// EventKind is what an Event tells.
type EventKind string

// The kinds of Event, in their order in a run.
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
	// Cell counts all cells from 1, CodeCell the code cells, of which there are CodeCells. They and ID are set for
	// cells only; CodeCells is always.
	Cell, CodeCell, CodeCells int
	ID                        string
	// Status and Message tell how a cell, or the run, ended.
	Status  Status
	Message string
	// CellTime is how long the cell took, Elapsed how long the run has taken.
	CellTime, Elapsed time.Duration
	// Remaining is an estimate: from the last run of the same code in the same mode, else from the mean of the cells
	// so far. It is negative where there is nothing to go by.
	Remaining time.Duration
}

// emit completes an event and hands it out.
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
