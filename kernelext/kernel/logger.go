package kernel

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// logger writes one line for each event.
type logger struct {
	mu  sync.Mutex
	out io.Writer
}

func newLogger(out io.Writer) *logger { return &logger{out: out} }

// line writes one event and escapes its line breaks.
func (l *logger) line(text string) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", " ⏎ ")
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "[lecture %s] %s\n", time.Now().Format("15:04:05.000"), text)
}

// Write logs the output of a child line by line.
func (l *logger) Write(p []byte) (int, error) {
	for text := range strings.SplitSeq(strings.TrimRight(string(p), "\n"), "\n") {
		l.line(text)
	}
	return len(p), nil
}
