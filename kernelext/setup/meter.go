package setup

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// meter shows the progress of a download: a bar that is rewritten on a terminal, or a line every few seconds.
type meter struct {
	out      io.Writer
	terminal bool
	total    int64 // in bytes
	have     int64
	begin    int64 // bytes that were present when the clock started
	start    time.Time
	shown    time.Time
}

func newMeter(out io.Writer, terminal bool, total int64) *meter {
	now := time.Now()
	return &meter{out: out, terminal: terminal, total: total, start: now, shown: now}
}

// set sets the number of bytes that were present before this attempt.
func (m *meter) set(have int64) {
	if m == nil {
		return
	}
	m.have, m.begin, m.start = have, have, time.Now()
}

// add counts received bytes, and shows the state if it is time to.
func (m *meter) add(n int64) {
	if m == nil {
		return
	}
	m.have += n
	interval := 5 * time.Second
	if m.terminal {
		interval = 100 * time.Millisecond
	}
	if time.Since(m.shown) >= interval {
		m.shown = time.Now()
		m.show()
	}
}

// done ends the line of the bar.
func (m *meter) done() {
	if m == nil || !m.terminal {
		return
	}
	m.show()
	fmt.Fprintln(m.out)
}

func (m *meter) show() {
	line := m.line(time.Since(m.start))
	if !m.terminal {
		fmt.Fprintln(m.out, "  "+line)
		return
	}
	const width = 30
	full := int(width * min(m.have, m.total) / max(m.total, 1))
	fmt.Fprintf(m.out, "\r  [%s%s] %s\x1b[K", strings.Repeat("█", full), strings.Repeat("·", width-full), line)
}

// line describes the state: received and total size, speed in MB/s, time left in seconds.
func (m *meter) line(elapsed time.Duration) string {
	text := fmt.Sprintf("%s of %s", megabytes(m.have), megabytes(m.total))
	if speed := float64(m.have-m.begin) / elapsed.Seconds(); speed > 0 && elapsed > 0 {
		left := time.Duration(float64(m.total-m.have) / speed * float64(time.Second))
		text += fmt.Sprintf(", %.1f MB/s, %v left", speed/1e6, left.Round(time.Second))
	}
	return text
}
