package kernelext

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// outputs are the pipes of a program: the files that it writes, and what has been read of them.
type outputs struct {
	files   [2]*os.File
	readers [2]*os.File
}

func newOutputs(t *testing.T) *outputs {
	t.Helper()
	o := &outputs{}
	for i := range o.files {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = r.Close(), w.Close() })
		o.files[i], o.readers[i] = w, r
	}
	return o
}

// texts returns the texts that were written since the last call.
func (o *outputs) texts(t *testing.T) (texts [2]string) {
	t.Helper()
	for i, r := range o.readers {
		write(t, o.files[i], "$")
		text := make([]byte, 4096)
		n, err := r.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(bytes.TrimSuffix(text[:n], []byte("$")))
	}
	return texts
}

func (o *outputs) markers(env string) *markers {
	return newMarkers(func(string) string { return env }, o.files[0], o.files[1])
}

func message() *protocol.DisplayData {
	return &protocol.DisplayData{Data: map[protocol.MIMEType]any{"text/plain": "x"}}
}

// Each display has its own id, in both pipes and in its metadata, which keeps its other entries.
func TestMarkers(t *testing.T) {
	o := newOutputs(t)
	m := o.markers("1")
	if m == nil {
		t.Fatal("no markers")
	}
	for i := 1; i <= 3; i++ {
		d := message()
		if i > 1 {
			d.Metadata = map[string]any{"width": i}
		}
		m.mark(d)
		id := fmt.Sprintf("%d-%d", i, os.Getpid())
		if d.Metadata[markerKey] != id || i > 1 && d.Metadata["width"] != i {
			t.Errorf("display %d: metadata %v, want the id %s", i, d.Metadata, id)
		}
		want := "\x1b]7711;" + id + "\a"
		if texts := o.texts(t); texts != [2]string{want, want} {
			t.Errorf("display %d: written %q, want %q in both", i, texts, want)
		}
	}
}

// A question gets no marker, because nothing would wait for it.
func TestInputIsNotMarked(t *testing.T) {
	o := newOutputs(t)
	d := &protocol.DisplayData{Data: map[protocol.MIMEType]any{protocol.MIMEJupyterInput: &protocol.InputRequest{}}}
	o.markers("1").mark(d)
	if texts := o.texts(t); texts != [2]string{} || len(d.Metadata) > 0 {
		t.Errorf("written %q, metadata %v", texts, d.Metadata)
	}
}

// The kernel must say that it reads the pipes, and they must be pipes.
func TestNoMarkers(t *testing.T) {
	o := newOutputs(t)
	for _, env := range []string{"", "0"} {
		if o.markers(env) != nil {
			t.Errorf("markers with %s=%q", envPipes, env)
		}
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	closed := newOutputs(t).files[0]
	_ = closed.Close()
	for name, other := range map[string]*os.File{"a file": file, "a closed pipe": closed} {
		if newMarkers(func(string) string { return "1" }, o.files[0], other) != nil {
			t.Errorf("markers although stderr is %s", name)
		}
	}
}

// A cell that redirects one of its outputs gets a marker in neither.
func TestRedirectedOutput(t *testing.T) {
	o := newOutputs(t)
	m := o.markers("1")
	m.streams[0].file = newOutputs(t).files[0] // as dup2 would have it
	d := message()
	m.mark(d)
	if texts := o.texts(t); texts != [2]string{} || len(d.Metadata) > 0 {
		t.Errorf("written %q, metadata %v", texts, d.Metadata)
	}
}

// A display is marked in the moment in which it is sent, and not when its turn never comes.
func TestMarkedWhenSent(t *testing.T) {
	var order []string
	p := newPipe(
		func(*protocol.DisplayData) { order = append(order, "mark") },
		func(*protocol.DisplayData) error { order = append(order, "post"); return nil })
	for range 2 {
		if err := p.send(message()); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(order); got != "[mark post mark post]" {
		t.Error(got)
	}
	p.busy <- struct{}{}
	p.late.Store(true)
	if err := p.send(message()); err == nil || len(order) != 4 {
		t.Errorf("%v, %v", err, order)
	}
}
