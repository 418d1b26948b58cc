package kernel

import (
	"fmt"
	"strings"
	"time"
)

// timing is what the parts of a cell took.
type timing struct {
	received time.Time // by the queue
	launched time.Time // the program is built
	began    time.Time // the program runs
	main     time.Time // its packages are initialised, as far as kernelext's; zero where that is not imported
	ended    time.Time

	imports, load, compile, link time.Duration // of the build
	plugin, xla                  time.Duration // of the program: loading XLA's plugin, compiling graphs
	cached                       bool          // the program of an equal earlier cell was taken
}

func newTiming() timing { return timing{received: time.Now()} }

// begin notes the start of the cell's first program.
func (t *timing) begin(now time.Time) {
	if t.began.IsZero() {
		t.began = now
	}
}

// share is one part of a cell's time.
type share struct {
	name string
	took time.Duration
}

// shares are the parts of the whole, in order; they add up to it.
func (t *timing) shares() []share {
	var all []share
	rest := t.ended.Sub(t.received)
	add := func(name string, took time.Duration) {
		if took > 0 {
			all = append(all, share{name, took})
			rest -= took
		}
	}
	if !t.launched.IsZero() {
		built := t.imports + t.load + t.compile + t.link
		add("GoNB composes", t.launched.Sub(t.received)-built)
		add("imports", t.imports)
		add("find packages", t.load)
		add("compile", t.compile)
		add("link", t.link)
		if !t.began.IsZero() {
			add("start", max(0, t.began.Sub(t.launched))+max(0, t.main.Sub(t.began)))
		}
	}
	add("load XLA's plugin", t.plugin)
	add("compile for XLA", t.xla)
	return append(all, share{"run", max(0, rest)})
}

// table is the timing as a text.
func (t *timing) table() string {
	var text strings.Builder
	total := t.ended.Sub(t.received)
	for _, s := range t.shares() {
		note := ""
		if s.name == "find packages" && t.cached {
			note = "  (the program of an equal cell was taken)"
		}
		fmt.Fprintf(&text, "%-18s %9s %4.0f %%%s\n", s.name, milliseconds(s.took), 100*s.took.Seconds()/total.Seconds(), note)
	}
	fmt.Fprintf(&text, "%-18s %9s\n", "total", milliseconds(total))
	return text.String()
}

func milliseconds(d time.Duration) string {
	if d >= 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

// tellTime prints the line of %%time.
func (r *run) tellTime() {
	if !r.cell.Timed {
		return
	}
	r.mu.Lock()
	t := r.timing
	r.mu.Unlock()
	parts := []string{}
	for _, s := range t.shares() {
		parts = append(parts, s.name+" "+milliseconds(s.took))
	}
	r.out.note("stdout", fmt.Sprintf("time: %s (%s)\n", milliseconds(t.ended.Sub(t.received)), strings.Join(parts, ", ")))
}
