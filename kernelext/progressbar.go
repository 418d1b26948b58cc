package kernelext

import (
	"fmt"
	"html"
	"sync"
	"time"
)

// Bar is a progress bar with rate and remaining time. In a notebook it is updated in place, in a terminal it is one
// line, in a pipe a line every ten seconds. Its methods may be called from several goroutines.
type Bar struct {
	live  *live
	label string
	total int

	mu      sync.Mutex
	n       int
	note    string
	start   time.Time
	first   int // n at the first Set, where the rate starts: a resumed training does not start at 0
	firstAt time.Time
	ended   time.Duration
}

// NewBar returns a bar of total steps; with total ≤ 0 the end is not known. Call Done at the end.
func NewBar(label string, total int) *Bar { return here.newBar(label, total) }

func (f *frontend) newBar(label string, total int) *Bar {
	b := &Bar{label: label, total: total, start: time.Now()}
	b.live = newLive(f, b)
	return b
}

// Set shows that n steps are done, with a short note such as the loss. It costs very little, because the bar is redrawn at
// most twice a second. Rate and remaining time count from the first call, so call Set(0, ""), or the step at which a
// training resumes, at the start.
func (b *Bar) Set(n int, note string) {
	b.mu.Lock()
	if b.firstAt.IsZero() {
		b.first, b.firstAt = n, time.Now()
	}
	b.n, b.note = n, note
	b.mu.Unlock()
	b.live.changed()
}

// Done shows the last state and the time that it took. It may be called twice, and by defer.
func (b *Bar) Done() error {
	b.mu.Lock()
	if b.ended == 0 {
		b.ended = max(1, time.Since(b.start))
	}
	b.mu.Unlock()
	return b.live.done()
}

// status returns the bar's content as one line.
func (b *Bar) status() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := fmt.Sprintf("%s: %d", b.label, b.n)
	if b.total > 0 {
		text += fmt.Sprintf("/%d", b.total)
		if b.ended == 0 {
			text += fmt.Sprintf(" %d%%", percent(b.n, b.total))
		}
	}
	elapsed := b.ended
	if elapsed == 0 {
		elapsed = time.Since(b.start)
	}
	text += " in " + clock(elapsed) + b.rate(elapsed)
	if b.note != "" {
		text += " · " + b.note
	}
	return text
}

// rate returns the rate and, before the end, the remaining time as text.
func (b *Bar) rate(elapsed time.Duration) string {
	seconds := (elapsed - b.firstAt.Sub(b.start)).Seconds()
	if b.firstAt.IsZero() || b.n <= b.first || seconds <= 0 {
		return ""
	}
	rate := float64(b.n-b.first) / seconds
	text := " (" + threeDigits(rate) + "/s"
	if left := b.total - b.n; b.ended == 0 && left > 0 {
		text += ", " + clock(time.Duration(float64(left)/rate*float64(time.Second))) + " left"
	}
	return text + ")"
}

func percent(n, total int) int { return min(100, max(0, int(100*float64(n)/float64(total)))) }

// render returns the bar as HTML; without a picture it costs little.
func (b *Bar) render(bool) (Bundle, error) {
	text := b.status()
	b.mu.Lock()
	share := 0
	if b.total > 0 {
		share = percent(b.n, b.total)
	}
	b.mu.Unlock()
	markup := fmt.Sprintf(`<div style="font-family:sans-serif;font-size:13px">`+
		`<div style="width:320px;height:8px;background:#e4e4e4;margin:4px 0">`+
		`<div style="width:%d%%;height:8px;background:#0072b2"></div></div>%s</div>`, share, html.EscapeString(text))
	return Bundle{Data: map[string]any{mimeHTML: markup, mimeText: text}}, nil
}
