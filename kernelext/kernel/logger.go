package kernel

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// logger writes one line an event.
type logger struct {
	mu  sync.Mutex
	out io.Writer
}

func newLogger(out io.Writer) *logger { return &logger{out: out} }

// line writes one event; line breaks in it are told as such.
func (l *logger) line(text string) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", " ⏎ ")
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "[lecture %s] %s\n", time.Now().Format("15:04:05.000"), text)
}

// Write logs what a child writes, line by line as it comes.
func (l *logger) Write(p []byte) (int, error) {
	for text := range strings.SplitSeq(strings.TrimRight(string(p), "\n"), "\n") {
		l.line(text)
	}
	return len(p), nil
}
