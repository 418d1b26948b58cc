package kernel_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// memory returns the resident memory of processes in bytes, from a line of /proc/<pid>/status: VmRSS or VmHWM, the
// largest so far.
func memory(t testing.TB, line string, pids ...int) int64 {
	t.Helper()
	sum := int64(0)
	for _, pid := range pids {
		file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if rest, ok := strings.CutPrefix(lines.Text(), line+":"); ok {
				kilobytes := int64(0)
				fmt.Sscan(rest, &kilobytes)
				sum += kilobytes << 10
			}
		}
		file.Close()
	}
	return sum
}

// kernelPIDs returns the supervisor and GoNB.
func (k *kernel) kernelPIDs() []int { return append(k.pids("lecture"), k.pids("gonb")...) }

// kernelMemory is the largest memory of supervisor and GoNB together, whatever a cell prints.
const kernelMemory = 200 << 20

// TestFlood: a cell prints 1 GB (64 MB in the short form). The kernel answers meanwhile, takes little memory, and the
// front end gets the start and the end.
func TestFlood(t *testing.T) {
	k := start(t)
	total := size(1<<30, 64<<20)
	s := k.send(fmt.Sprintf("%%%%\nw := bufio.NewWriterSize(os.Stdout, 1<<16)\ndefer w.Flush()\n"+
		"line := strings.Repeat(\"0123456789abcdef\", 8)[:127] + \"\\n\"\nfor range %d {\n\tw.WriteString(line)\n}\nw.WriteString(\"the last line\\n\")", total/128))
	s.shows("0123456789abcdef")
	asked := 0
	for len(k.pids(".cell")) > 0 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if _, err := k.KernelInfo(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		asked++
		time.Sleep(5 * time.Millisecond)
	}
	o := s.wait()
	text := o.stream("stdout")
	most := memory(t, "VmHWM", k.kernelPIDs()...)
	t.Logf("%d MB in %v; %d messages, %d bytes of text; supervisor and GoNB took %d MB at most; %d questions answered",
		total>>20, o.took, len(o.messages), len(text), most>>20, asked)
	if o.Status != "ok" || !strings.HasSuffix(text, "the last line\n") || len(text) > 4<<20 {
		t.Errorf("%s, %d bytes, end %q", o.Status, len(text), text[max(0, len(text)-40):])
	}
	if most > kernelMemory {
		t.Errorf("the kernel took %d MB, want %d at most", most>>20, kernelMemory>>20)
	}
	if asked == 0 {
		t.Error("no question was asked while the cell ran: the test does not test")
	}
	k.hello()
}

// holdings counts the resources of a kernel.
type holdings struct{ memory, descriptors, processes, files int64 }

func (k *kernel) holdings() holdings {
	h := holdings{processes: int64(len(k.processes()))}
	for _, pid := range k.kernelPIDs() {
		descriptors, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		h.descriptors += int64(len(descriptors))
	}
	h.memory = memory(k.t, "VmRSS", k.kernelPIDs()...)
	filepath.WalkDir(k.temp, func(string, os.DirEntry, error) error { h.files++; return nil })
	return h
}

// TestManyCells: 1 000 small cells in a row (60 in the short form), each with another text, leave nothing behind. After
// the first fifth, in which caches fill, memory, descriptors, processes and temporary files stay as they are.
func TestManyCells(t *testing.T) {
	k := start(t)
	cells := size(1000, 60)
	var first holdings
	begin := time.Now()
	for i := range cells {
		code := fmt.Sprintf("%%%%\nfmt.Println(%d)", i)
		if i%10 == 9 {
			code = fmt.Sprintf("!echo %d", i)
		}
		if got := k.good(code); got != fmt.Sprintln(i) {
			t.Fatalf("cell %d printed %q", i, got)
		}
		if i == cells/5 {
			first = k.holdings()
		}
	}
	last := k.holdings()
	t.Logf("%d cells in %v; after a fifth of them %+v, at the end %+v", cells, time.Since(begin), first, last)
	if grown := last.memory - first.memory; grown > 30<<20 {
		t.Errorf("the kernel's memory has grown by %d MB", grown>>20)
	}
	if last.descriptors > first.descriptors+8 || last.processes > first.processes || last.files > first.files+8 {
		t.Errorf("%+v at the end, %+v before", last, first)
	}
}
