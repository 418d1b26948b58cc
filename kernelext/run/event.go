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
func (s *session) emit(e Event) {
	if s.opts.OnEvent == nil {
		return
	}
	e.Notebook, e.CodeCells = s.opts.Name, len(s.report.Cells)
	e.Elapsed = time.Since(s.started)
	e.Remaining = s.remaining(e.Elapsed)
	s.opts.OnEvent(e)
}

func (s *session) remaining(elapsed time.Duration) time.Duration {
	left := len(s.report.Cells) - s.ran
	switch {
	case left == 0:
		return 0
	case s.expected > 0:
		return max(0, s.expected-elapsed)
	case s.ran == 0:
		return -1
	}
	return elapsed / time.Duration(s.ran) * time.Duration(left)
}
