package jupyter

import (
	"fmt"
	"sync"
	"time"
)

const (
	// freeLines is the number of lines in a row that are written at once.
	freeLines = 10
	// linePause is the time between further lines: a broken peer may send thousands of bad messages a second.
	linePause = time.Second
)

// throttle writes a limited number of lines to a log and counts those that it leaves out.
type throttle struct {
	write func(line string)

	mu    sync.Mutex
	free  float64
	last  time.Time
	quiet int
}

// newThrottle returns a throttle; a nil write drops all lines.
func newThrottle(write func(line string)) *throttle {
	if write == nil {
		write = func(string) {}
	}
	return &throttle{write: write, free: freeLines}
}

// printf writes one line, without line end.
func (t *throttle) printf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.free = min(freeLines, t.free+float64(now.Sub(t.last))/float64(linePause))
	t.last = now
	if t.free < 1 {
		t.quiet++
		return
	}
	t.free--
	line := fmt.Sprintf("jupyter: "+format, args...)
	if t.quiet > 0 {
		line += fmt.Sprintf(" (%d lines before it were left out)", t.quiet)
		t.quiet = 0
	}
	t.write(line)
}
