package cli

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"deeplearning.example/kernelext/run"
)

// TestSplitCores: no core is left over, and none is given twice as long as there are enough.
func TestSplitCores(t *testing.T) {
	for _, c := range []struct {
		cores  []int
		shares int
		want   [][]int
	}{
		{[]int{0, 1}, 2, [][]int{{0}, {1}}},
		{[]int{0, 2, 4, 6}, 2, [][]int{{0, 2}, {4, 6}}},
		{[]int{0, 1, 2, 3, 4}, 2, [][]int{{0, 1}, {2, 3, 4}}},
		{[]int{0, 1}, 3, [][]int{{0}, {0}, {1}}},
		{[]int{7}, 2, [][]int{{7}, {7}}},
	} {
		if got := splitCores(c.cores, c.shares); !reflect.DeepEqual(got, c.want) {
			t.Errorf("splitCores(%v, %d) = %v, want %v", c.cores, c.shares, got, c.want)
		}
	}
}

// TestJobsFor: a notebook has a core and 3 GiB at least, and one is always run. Results that are stored are those of a
// notebook alone.
func TestJobsFor(t *testing.T) {
	for _, c := range []struct {
		cores  int
		memory int64
		save   bool
		want   int
	}{
		{2, 24 << 30, false, 2}, {16, 24 << 30, false, 8}, {16, 2 << 30, false, 1}, {1, 24 << 30, false, 1}, {2, 24 << 30, true, 1},
	} {
		b := &batch{flags: runFlags{save: c.save}}
		if got := b.jobsFor(c.cores, c.memory); got != c.want {
			t.Errorf("%d cores, %d bytes, save %v: %d jobs, want %d", c.cores, c.memory, c.save, got, c.want)
		}
	}
}

// TestProgress: on a terminal the line names the notebooks that run, and lines that stay do not mix with it.
func TestProgress(t *testing.T) {
	event := func(name string, kind run.EventKind, cell int) run.Event {
		return run.Event{Kind: kind, Notebook: name + ".ipynb", CodeCell: cell, CodeCells: 9, Status: "ok", Remaining: -1, Elapsed: time.Second}
	}
	var out strings.Builder
	p := &progress{ios: &streams{out: &out, terminal: true}, total: 4}
	lines := func() []string {
		text := out.String()
		out.Reset()
		return strings.Split(strings.ReplaceAll(text, "\x1b[K", ""), "\r")
	}
	p.event(event("one", run.EventStarting, 0))
	p.event(event("one", run.EventCell, 2))
	if got, want := lines(), []string{"", "one.ipynb: starting the kernel", "one.ipynb: cell 2 of 9, 1.0 s"}; !reflect.DeepEqual(got, want) {
		t.Errorf("one notebook: %q, want %q", got, want)
	}
	p.event(event("two", run.EventCell, 3))
	p.event(event("three", run.EventCell, 4))
	if got, want := lines(), []string{"", "0 of 4 done; one 2/9, two 3/9", "0 of 4 done; one 2/9, two 3/9, 1 more"}; !reflect.DeepEqual(got, want) {
		t.Errorf("three notebooks: %q, want %q", got, want)
	}
	p.event(event("one", run.EventFinished, 0))
	p.ended()
	p.event(event("two", run.EventCell, 4))
	if got, want := lines(), []string{"", "one.ipynb: ok, 1.0 s\n", "1 of 4 done; two 4/9, three 4/9"}; !reflect.DeepEqual(got, want) {
		t.Errorf("after the first has ended: %q, want %q", got, want)
	}
	p.say("%s: unchanged", "four.ipynb")
	if got, want := lines(), []string{"", "four.ipynb: unchanged\n"}; !reflect.DeepEqual(got, want) {
		t.Errorf("a line that stays: %q, want %q", got, want)
	}
}
