package kernel

import (
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
)

// life is the backend that executions wait for: none yet, one that works, or why there is none.
type life struct {
	mu      sync.Mutex
	b       *backend
	err     error
	settled chan struct{} // closed when b or err is set; nil before the first use
}

func (l *life) channel() chan struct{} {
	if l.settled == nil {
		l.settled = make(chan struct{})
	}
	return l.settled
}

func (l *life) set(b *backend, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b, l.err = b, err
	close(l.channel())
}

// reset makes executions wait for the next set. It does nothing while they wait already.
func (l *life) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.channel():
		l.b, l.err, l.settled = nil, nil, nil
	default:
	}
}

func (l *life) wait(ctx context.Context) (*backend, error) {
	l.mu.Lock()
	settled := l.channel()
	l.mu.Unlock()
	select {
	case <-settled:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b, l.err
}

func (l *life) now() *backend {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b
}

// envVerbose makes the log whole, GoNB's own remarks included.
const envVerbose = "LECTURE_KERNEL_LOG"

// tailLog keeps the last words of GoNB. GoNB logs each cell and each failure with its own stack; what of that matters
// is told in the cell, so the log gets it only on demand.
type tailLog struct {
	to      io.Writer
	verbose bool
	mu      sync.Mutex
	text    ring
}

func newTailLog(to io.Writer) *tailLog {
	return &tailLog{to: to, verbose: os.Getenv(envVerbose) == "verbose", text: ring{size: 8 << 10}}
}

// Write keeps p.
func (t *tailLog) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.text.write(p)
	t.mu.Unlock()
	if t.verbose {
		return t.to.Write(p)
	}
	return len(p), nil
}

// klogHead is how GoNB's log begins each line: level, day, time, process, place, and an id in colours.
var klogHead = regexp.MustCompile(`^([IWEF])\d{4} \S+ +\d+ \S+\] (?:\x1b\S+\[\w+\]\x1b\[0m )?`)

// last is the last line that says why GoNB ended: a panic's, else the last warning, error or line of another form.
func (t *tailLog) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := ""
	for line := range strings.Lines(string(t.text.bytes())) {
		line = strings.TrimSpace(line)
		head := klogHead.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
			return line
		case head != nil && head[1] == "I", line == "":
		case head != nil:
			last = strings.TrimPrefix(line, head[0])
		default:
			last = line
		}
	}
	return last
}
