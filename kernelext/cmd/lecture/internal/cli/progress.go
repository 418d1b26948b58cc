package cli

import (
	"fmt"
	"sync"
	"time"

	"deeplearning.example/kernelext/run"
)

// progress shows the progress of a notebook: on a terminal one line that is updated, elsewhere a line for each cell.
type progress struct {
	ios  *streams
	mu   sync.Mutex
	last run.Event
	at   time.Time // when last came
	stop chan struct{}
	done sync.WaitGroup
}

func newProgress(ios *streams) *progress {
	p := &progress{ios: ios, stop: make(chan struct{})}
	if ios.terminal {
		p.done.Go(p.tick)
	}
	return p
}

// tick updates the line, because a cell may take minutes.
func (p *progress) tick() {
	clock := time.NewTicker(500 * time.Millisecond)
	defer clock.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-clock.C:
			p.mu.Lock()
			p.live()
			p.mu.Unlock()
		}
	}
}

// close removes the line.
func (p *progress) close() {
	close(p.stop)
	p.done.Wait()
	if p.ios.terminal {
		fmt.Fprint(p.ios.out, "\r\x1b[K")
	}
}

// event shows an event of the runner.
func (p *progress) event(e run.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.at = e, time.Now()
	if p.ios.terminal {
		p.live()
		if e.Kind == run.EventFinished {
			fmt.Fprintf(p.ios.out, "\r\x1b[K%s: %s, %s\n", e.Notebook, e.Status, humanTime(e.Elapsed))
		}
		return
	}
	switch e.Kind {
	case run.EventStarting:
		fmt.Fprintf(p.ios.out, "%s: %d code cells\n", e.Notebook, e.CodeCells)
	case run.EventCellDone:
		fmt.Fprintf(p.ios.out, "%s: cell %d of %d: %s, %s (%s so far%s)\n", e.Notebook, e.CodeCell, e.CodeCells,
			e.Status, humanTime(e.CellTime), humanTime(e.Elapsed), remaining(e.Remaining))
	}
}

// live draws the line of the running cell.
func (p *progress) live() {
	e := p.last
	if e.Notebook == "" || e.Kind == run.EventFinished {
		return
	}
	since := time.Since(p.at)
	line := fmt.Sprintf("%s: starting the kernel", e.Notebook)
	if e.CodeCell > 0 {
		line = fmt.Sprintf("%s: cell %d of %d, %s%s", e.Notebook, e.CodeCell, e.CodeCells,
			humanTime(e.Elapsed+since), remaining(max(e.Remaining-since, min(e.Remaining, 0))))
	}
	fmt.Fprintf(p.ios.out, "\r%s\x1b[K", line)
}

// remaining returns the estimate in words, and nothing for a negative one.
func remaining(left time.Duration) string {
	switch {
	case left < 0:
		return ""
	case left < time.Second:
		return ", done soon"
	}
	return ", about " + humanTime(left.Round(time.Second)) + " left"
}
