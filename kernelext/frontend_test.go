package kernelext

import (
	"bytes"
	"errors"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// unordered leaves the order of text and displays to chance.
func unordered(*protocol.DisplayData) {}

// fake is a front end whose output and exit code can be read.
type fake struct {
	*frontend
	out, errOut bytes.Buffer
	env         map[string]string
	code        int // of the exit; -1: none

	mu   sync.Mutex
	sent []*protocol.DisplayData
}

func newFake(where destination) *fake {
	f := &fake{env: map[string]string{}, code: -1}
	f.frontend = &frontend{
		dest: where, stdout: &f.out, stderr: &f.errOut,
		getenv: func(name string) string { return f.env[name] },
		exit:   func(code int) { f.code = code; runtime.Goexit() },
	}
	if where == toNotebook {
		f.pipe = newPipe(unordered, func(d *protocol.DisplayData) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.sent = append(f.sent, d)
			return nil
		})
	}
	return f
}

// run calls fn, which may exit.
func (f *fake) run(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}

func (f *fake) show1(t *testing.T, v any, opts ...Option) {
	t.Helper()
	if err := f.present(func(o options) (Bundle, error) { return bundleOf(v, o) }, opts); err != nil {
		t.Fatal(err)
	}
}

func TestTerminalAndPipe(t *testing.T) {
	for _, where := range []destination{toTerminal, toPipe} {
		f := newFake(where)
		f.env["LECTURE_OUT"] = filepath.Join(t.TempDir(), "new", "out")
		f.show1(t, image.NewGray(image.Rect(0, 0, 4, 3)), Caption("black"))
		f.show1(t, "text")
		want := "image 4×3\nblack\n  → " + filepath.Join(f.env["LECTURE_OUT"], "out-001.png") + "\ntext\n"
		if got := f.out.String(); got != want {
			t.Errorf("printed %q, want %q", got, want)
		}
		content, err := os.ReadFile(filepath.Join(f.env["LECTURE_OUT"], "out-001.png"))
		if err != nil || !bytes.HasPrefix(content, []byte("\x89PNG")) {
			t.Errorf("picture: %v", err)
		}
	}
}

func TestSVGFile(t *testing.T) {
	f := newFake(toPipe)
	f.env["LECTURE_OUT"] = t.TempDir()
	p, err := Lines(Axes{X: "x", Y: "y"}, Series{Y: []float64{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	f.show1(t, p, SVG())
	content, err := os.ReadFile(filepath.Join(f.env["LECTURE_OUT"], "out-001.svg"))
	if err != nil || !strings.HasPrefix(string(content), "<svg") || !strings.HasSuffix(string(content), "</svg>") {
		t.Errorf("%v %.60s", err, content)
	}
}

// TestLateAck: a GoNB that does not answer is waited for once, then never again until it does.
func TestLateAck(t *testing.T) {
	release := make(chan struct{})
	p := newPipe(unordered, func(*protocol.DisplayData) error { <-release; return nil })
	p.limit = 10 * time.Millisecond
	message := &protocol.DisplayData{Data: map[protocol.MIMEType]any{"text/plain": "x"}}
	if err := p.send(message); err != nil {
		t.Errorf("late message: %v, want nil: it is on its way", err)
	}
	if err := p.send(message); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("second message: %v", err)
	}
	close(release)
	for p.send(message) != nil { // until the first has ended
		runtime.Gosched()
	}
	if p.late.Load() {
		t.Error("still late after an answer")
	}
}

// TestBrokenPipe: without GoNB the text is printed and the error returned.
func TestBrokenPipe(t *testing.T) {
	f := newFake(toNotebook)
	f.pipe.post = func(*protocol.DisplayData) error { return errors.New("broken") }
	err := f.show(Bundle{Data: map[string]any{mimeText: "text"}}, "")
	if err == nil || f.out.String() != "text\n" {
		t.Errorf("error %v, printed %q", err, f.out.String())
	}
}

func TestWire(t *testing.T) {
	type odd struct{ A chan int }
	type point struct{ X, Y float64 }
	f := newFake(toNotebook)
	for _, test := range []struct {
		name string
		b    Bundle
		want string // part of the error; empty: none
	}{
		{"struct", Bundle{Data: map[string]any{mimeText: "t", "application/json": []point{{1, 2}}}}, ""},
		{"null", Bundle{Data: map[string]any{mimeText: "t", "application/json": []any{nil, map[string]any{"a": nil}}}}, ""},
		{"metadata", Bundle{
			Data: map[string]any{mimeText: "t"}, Meta: map[string]any{mimePNG: map[string]int{"width": 3}},
		}, ""},
		{"no text", Bundle{Data: map[string]any{mimeHTML: "<b>x</b>"}}, "without text/plain"},
		{"channel", Bundle{Data: map[string]any{mimeText: "t", "application/json": odd{}}}, "unsupported type"},
	} {
		err := f.show(test.b, "id")
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if len(f.sent) != 3 || f.sent[0].DisplayID != "id" {
		t.Fatalf("%d sent, want 3 with their id", len(f.sent))
	}
	meta, _ := f.sent[2].Metadata[mimePNG].(map[string]any)
	if meta["width"] != 3.0 {
		t.Errorf("metadata %v", f.sent[2].Metadata)
	}
}

// TestHalfSVG: the user's HTML counts as a picture only if it contains a whole drawing.
func TestHalfSVG(t *testing.T) {
	f := newFake(toPipe)
	f.env["LECTURE_OUT"] = t.TempDir()
	for _, html := range []string{"<svg", "</svg><svg>"} {
		if err := f.show(Bundle{Data: map[string]any{mimeHTML: html, mimeText: "text"}}, ""); err != nil {
			t.Error(err)
		}
	}
	if files, err := os.ReadDir(f.env["LECTURE_OUT"]); err != nil || len(files) > 0 {
		t.Errorf("%v written, %v", files, err)
	}
}

func TestHTMLNeedsText(t *testing.T) {
	f := newFake(toPipe)
	if err := f.show(Bundle{Data: map[string]any{mimeHTML: "<b>x</b>", mimeText: ""}}, ""); err == nil {
		t.Error("HTML without a text was shown")
	}
}

func TestOptionsRefused(t *testing.T) {
	for name, opt := range map[string]Option{
		"Width(-1)": Width(-1), "Scale(-2)": Scale(-2), "MaxBytes(10)": MaxBytes(10), "Gap(-1)": Gap(-1),
	} {
		if _, err := gather([]Option{opt}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
