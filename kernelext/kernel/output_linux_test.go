package kernel

import (
	"os"
	"strings"
	"testing"
	"time"

	"deeplearning.example/kernelext/jupyter"
)

// TestFinishReadsAll: a cell has ended, and one of its children holds its pipe. The cell's text is published even if a
// busy machine lets the reader start late.
func TestFinishReadsAll(t *testing.T) {
	var published strings.Builder
	o := newOutput(0, t.TempDir()+"/spool", func(_ string, content any) { published.WriteString(content.(jupyter.Stream).Text) })
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	p := &pipe{o: o, name: "stdout", file: reader, turn: newTurns(reader)[0]}
	o.pipes = []*pipe{p}
	o.readers.Go(func() {
		time.Sleep(5 * detachAfter)
		p.read()
	})
	if _, err := writer.WriteString("the last line\n"); err != nil {
		t.Fatal(err)
	}
	o.finish()
	if got := published.String(); got != "the last line\n" {
		t.Errorf("published %q, want the line", got)
	}
}

// TestFinishDoesNotWaitForEver: a background process of a cell prints without end.
func TestFinishDoesNotWaitForEver(t *testing.T) {
	o := newOutput(0, t.TempDir()+"/spool", func(string, any) {})
	stdout, stderr, err := o.attach()
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	go func() {
		defer stdout.Close()
		defer stderr.Close()
		for {
			select {
			case <-end:
				return
			default:
				stdout.WriteString("again\n")
			}
		}
	}()
	defer close(end)
	finished := make(chan struct{})
	go func() {
		o.finish()
		close(finished)
	}()
	select {
	case <-finished:
	case <-time.After(time.Minute):
		t.Error("finish still waits after a minute")
	}
}
