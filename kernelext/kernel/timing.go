package kernel

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/jupyter"
)

// stopwatch measures the parts of one cell. Its methods may be called from several goroutines.
type stopwatch struct {
	mu sync.Mutex
	t  timing
}

func newStopwatch() *stopwatch { return &stopwatch{t: timing{received: time.Now()}} }

// timing returns what has been measured so far.
func (s *stopwatch) timing() timing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.t
}

// age returns the time since the cell was received.
func (s *stopwatch) age() time.Duration { return time.Since(s.timing().received) }

// imports adds the time of a search for imports.
func (s *stopwatch) imports(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.imports += took
}

// built adds the times of a build that has just ended.
func (s *stopwatch) built(result build.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.load += result.Load
	s.t.compile += result.Compile
	s.t.link += result.Link
	s.t.cached = result.Cached
	s.t.launched = time.Now()
}

// begin notes the start of a program of the cell; the first one counts.
func (s *stopwatch) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.t.began.IsZero() {
		s.t.began = time.Now()
	}
}

// begun reports whether a program of the cell has started.
func (s *stopwatch) begun() bool { return !s.timing().began.IsZero() }

// initialised notes that the packages of the cell's program are initialised. A child of the program may report the same
// later.
func (s *stopwatch) initialised() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.t.main.IsZero() {
		s.t.main = time.Now()
	}
}

// phase adds the time of a phase that the program reports.
func (s *stopwatch) phase(name string, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name {
	case "xla compile":
		s.t.xla += took
		s.t.graphs++
	case "xla cache":
		s.t.saved += took
		s.t.hits++
	case "xla options":
		s.t.options++
	case "plugin load":
		s.t.plugin += took
	}
}

func (s *stopwatch) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.ended = time.Now()
}

// timing holds when the parts of a cell started, or how long they took.
type timing struct {
	received time.Time // by the queue
	launched time.Time // the program is built
	began    time.Time // the program runs
	main     time.Time // its packages are initialised, as far as kernelext's; zero where that is not imported
	ended    time.Time

	imports, load, compile, link time.Duration // of the build
	plugin, xla                  time.Duration // of the program: loading XLA's plugin, compiling graphs
	cached                       bool          // the program of an equal earlier cell was used
	graphs, hits                 int           // compiled graphs, and how many of them came from the cache of compiled graphs
	saved                        time.Duration // by that cache
	options                      int           // graphs with other options than XLA's own
}

// share is one part of a cell's time.
type share struct {
	name string
	took time.Duration
}

// shares returns the parts of the whole, in order; they add up to it.
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
		add(jupyter.PartCompose, t.launched.Sub(t.received)-built)
		add(jupyter.PartImports, t.imports)
		add(jupyter.PartFind, t.load)
		add(jupyter.PartCompile, t.compile)
		add(jupyter.PartLink, t.link)
		if !t.began.IsZero() {
			add(jupyter.PartStart, max(0, t.began.Sub(t.launched))+max(0, t.main.Sub(t.began)))
		}
	}
	add(jupyter.PartPlugin, t.plugin)
	add(jupyter.PartXLA, t.xla)
	return append(all, share{jupyter.PartRun, max(0, rest)})
}

// cellTimes returns the timing of a cell that has ended, for its reply.
func (s *stopwatch) cellTimes() jupyter.CellTimes {
	t := s.timing()
	times := jupyter.CellTimes{Seconds: map[string]float64{}, Graphs: t.graphs, Loaded: t.hits, Kept: t.cached}
	for _, part := range t.shares() {
		times.Seconds[part.name] += math.Round(1e6*part.took.Seconds()) / 1e6
	}
	return times
}

// table returns the timing as a text.
func (t *timing) table() string {
	var text strings.Builder
	total := t.ended.Sub(t.received)
	for _, s := range t.shares() {
		note := ""
		switch {
		case s.name == jupyter.PartFind && t.cached:
			note = "  (the program of an equal cell was used)"
		case s.name == jupyter.PartXLA:
			note = fmt.Sprintf("  (%d of %d graphs from the cache", t.hits, t.graphs)
			if t.hits > 0 {
				note += ", which saved " + milliseconds(t.saved)
			}
			if t.options > 0 {
				note += fmt.Sprintf("; %d small, without YNNPACK", t.options)
			}
			note += ")"
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

// line returns the timing as one line, for %%time.
func (t *timing) line() string {
	parts := []string{}
	for _, s := range t.shares() {
		parts = append(parts, s.name+" "+milliseconds(s.took))
	}
	return fmt.Sprintf("time: %s (%s)\n", milliseconds(t.ended.Sub(t.received)), strings.Join(parts, ", "))
}
