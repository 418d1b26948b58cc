package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"deeplearning.example/kernelext/run"
)

// progress shows the progress of notebooks that run side by side: on a terminal one line that is updated, elsewhere a line
// for each cell.
type progress struct {
	ios   *streams
	total int // notebooks

	mu      sync.Mutex
	done    int       // notebooks
	running []running // in the order of their start
	stop    chan struct{}
	ticking sync.WaitGroup
}

// running is a notebook in progress.
type running struct {
	last run.Event
	at   time.Time // when last came
}

func newProgress(ios *streams, total int) *progress {
	p := &progress{ios: ios, total: total, stop: make(chan struct{})}
	if ios.terminal {
		p.ticking.Go(p.tick)
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
	p.ticking.Wait()
	p.clear()
}

// clear removes the line.
func (p *progress) clear() {
	if p.ios.terminal {
		fmt.Fprint(p.ios.out, "\r\x1b[K")
	}
}

// say prints a line that stays.
func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(format, args...)
}

func (p *progress) line(format string, args ...any) {
	p.clear()
	fmt.Fprintf(p.ios.out, format+"\n", args...)
}

// ended counts a notebook that has ended.
func (p *progress) ended() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
}

// event shows an event of the runner.
func (p *progress) event(e run.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(e)
	switch {
	case p.ios.terminal && e.Kind == run.EventFinished:
		p.line("%s: %s, %s", e.Notebook, e.Status, humanTime(e.Elapsed))
	case p.ios.terminal:
		p.live()
	case e.Kind == run.EventStarting:
		p.line("%s: %d code cells", e.Notebook, e.CodeCells)
	case e.Kind == run.EventCellDone:
		p.line("%s: cell %d of %d: %s, %s (%s so far%s)", e.Notebook, e.CodeCell, e.CodeCells,
			e.Status, humanTime(e.CellTime), humanTime(e.Elapsed), remaining(e.Remaining))
	}
}

// note keeps the last event of each notebook that runs.
func (p *progress) note(e run.Event) {
	same := func(r running) bool { return r.last.Notebook == e.Notebook }
	if e.Kind == run.EventFinished {
		p.running = slices.DeleteFunc(p.running, same)
		return
	}
	now := running{e, time.Now()}
	if i := slices.IndexFunc(p.running, same); i >= 0 {
		p.running[i] = now
	} else {
		p.running = append(p.running, now)
	}
}

// shownNotebooks is the number of notebooks for which there is room on the line.
const shownNotebooks = 2

// live draws the line of the running notebooks.
func (p *progress) live() {
	var text string
	switch len(p.running) {
	case 0:
		return
	case 1:
		text = p.running[0].long()
	default:
		var parts []string
		for _, r := range p.running[:min(len(p.running), shownNotebooks)] {
			parts = append(parts, r.short())
		}
		if more := len(p.running) - shownNotebooks; more > 0 {
			parts = append(parts, fmt.Sprintf("%d more", more))
		}
		text = fmt.Sprintf("%d of %d done; %s", p.done, p.total, strings.Join(parts, ", "))
	}
	fmt.Fprintf(p.ios.out, "\r%s\x1b[K", text)
}

// long describes the only notebook that runs: 06_som.ipynb: cell 3 of 40, 12 s, about 48 s left.
func (r running) long() string {
	e, since := r.last, time.Since(r.at)
	if e.CodeCell == 0 {
		return fmt.Sprintf("%s: starting the kernel", e.Notebook)
	}
	return fmt.Sprintf("%s: cell %d of %d, %s%s", e.Notebook, e.CodeCell, e.CodeCells,
		humanTime(e.Elapsed+since), remaining(max(e.Remaining-since, min(e.Remaining, 0))))
}

// short describes one of several: 06_som 3/40.
func (r running) short() string {
	return fmt.Sprintf("%s %d/%d", strings.TrimSuffix(r.last.Notebook, ".ipynb"), r.last.CodeCell, r.last.CodeCells)
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
