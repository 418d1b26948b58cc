package kernelext

import (
	"sync"
	"time"
)

const (
	redrawEvery = 500 * time.Millisecond // of displays that are updated in place
	lineEvery   = 10 * time.Second       // of lines in a pipe, which remain
)

// content is a curve, a bar or a network that a [live] display draws.
type content interface {
	status() string                    // one line, for terminals and pipes
	render(final bool) (Bundle, error) // everything, for notebooks and for the end
}

// live redraws a content some time after it changed: at most every 500 ms, and so seldom that drawing takes at most a tenth
// of the time. Another goroutine draws; nothing runs while nothing changes.
type live struct {
	front   *frontend
	content content
	handle  *Handle

	mu       sync.Mutex
	timer    *time.Timer
	every    time.Duration
	drawing  sync.Mutex // one redraw at a time, and none after the last
	finished bool
	err      error
}

func newLive(f *frontend, c content) *live {
	l := &live{front: f, content: c, handle: f.newHandle(nil), every: redrawEvery}
	if f.dest == toPipe {
		l.every = lineEvery
	}
	return l
}

// changed starts the timer of the next redraw.
func (l *live) changed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil && !l.finished {
		l.timer = time.AfterFunc(l.every, l.redraw)
	}
}

func (l *live) redraw() {
	l.drawing.Lock()
	defer l.drawing.Unlock()
	l.mu.Lock()
	l.timer = nil
	if l.finished {
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	if l.front.dest != toNotebook {
		l.front.line(l.content.status(), true)
		return
	}
	start := time.Now()
	err := l.show(false)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.every = max(redrawEvery, 10*time.Since(start))
	if err != nil && l.err == nil {
		l.err = err
	}
}

func (l *live) show(final bool) error {
	b, err := l.content.render(final)
	if err != nil {
		return err
	}
	return l.front.show(b, l.handle.id)
}

// done shows the last state once, after any redraw in progress.
func (l *live) done() error {
	l.drawing.Lock()
	defer l.drawing.Unlock()
	l.mu.Lock()
	again := l.finished
	l.finished = true
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	err := l.err
	l.mu.Unlock()
	if again {
		return err
	}
	if l.front.dest == toTerminal {
		l.front.clearLine()
	}
	if last := l.show(true); last != nil {
		return last
	}
	return err
}
