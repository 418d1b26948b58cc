package kernelext

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/term"

	"deeplearning.example/kernelext/internal/agent"
	"deeplearning.example/kernelext/internal/supervisor"
)

// destination is the reader of the program's output.
type destination int

const (
	toNotebook destination = iota
	toTerminal
	toPipe
)

// frontend is the program's connection to its reader. A process has one standard output and one GoNB pipe, so this
// package has one variable of this type; tests make their own.
type frontend struct {
	dest   destination
	stdin  *os.File
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
	exit   func(code int)
	pipe   *pipe
	tell   func(agent.Request) // to the supervised kernel; nil where there is none

	ctx atomic.Pointer[context.Context] // of [Context], once it has been called

	mu       sync.Mutex // one display, line or redraw at a time
	onLine   bool       // the terminal has an unfinished \r line
	pictures int        // written to LECTURE_OUT so far
}

var here = newFrontend()

// standard writes to os.Stdout or os.Stderr as it is at the time of the write, as package fmt does: a program may put
// another file there.
type standard func() *os.File

func (current standard) Write(p []byte) (int, error) { return current().Write(p) }

// newFrontend determines where the program runs and opens the GoNB pipe.
func newFrontend() *frontend {
	s := &frontend{
		dest: toPipe, stdin: os.Stdin, stdout: standard(func() *os.File { return os.Stdout }),
		stderr: standard(func() *os.File { return os.Stderr }), getenv: os.Getenv, exit: os.Exit,
	}
	if supervisor.Present() {
		s.tell = supervisor.Tell
		s.tell(agent.Request{Op: agent.OpTiming, Name: "start"}) // an event, not a duration
	}
	s.pipe = openPipe()
	switch {
	case s.pipe != nil:
		s.dest = toNotebook
	case term.IsTerminal(int(os.Stdout.Fd())):
		s.dest = toTerminal
	}
	return s
}

// stopped returns why the program should end, as far as [Context] has noticed, or nil.
func (f *frontend) stopped() error {
	if ctx := f.ctx.Load(); ctx != nil {
		return context.Cause(*ctx)
	}
	return nil
}

// show delivers a bundle and returns when it has arrived; id is empty or names the display that later calls update.
func (f *frontend) show(b Bundle, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	message, err := b.wire(id)
	if err != nil {
		return err
	}
	if f.dest != toNotebook {
		return f.print(b)
	}
	err = f.pipe.send(message)
	if err != nil {
		_, _ = fmt.Fprintln(f.stdout, b.text()) // better the text alone than nothing
	}
	return err
}

// print writes the text of a bundle and, where LECTURE_OUT asks for it, its picture as a file.
func (f *frontend) print(b Bundle) error {
	f.endLine()
	if _, err := fmt.Fprintln(f.stdout, strings.TrimRight(b.text(), "\n")); err != nil {
		return fmt.Errorf("kernelext: print: %w", err)
	}
	dir := f.getenv("LECTURE_OUT")
	if dir == "" {
		return nil
	}
	content, ext := b.picture()
	if content == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("kernelext: LECTURE_OUT: %w", err)
	}
	f.pictures++
	file := filepath.Join(dir, fmt.Sprintf("out-%03d%s", f.pictures, ext))
	if err := os.WriteFile(file, content, 0o644); err != nil {
		return fmt.Errorf("kernelext: LECTURE_OUT: %w", err)
	}
	_, err := fmt.Fprintf(f.stdout, "  → %s\n", file)
	return err
}

// line writes one line of progress: over the last one on a terminal when replace is true, below it otherwise.
func (f *frontend) line(text string, replace bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dest == toTerminal && replace {
		_, _ = fmt.Fprintf(f.stdout, "\r%s\x1b[K", clip(text, terminalWidth()-1))
		f.onLine = true
		return
	}
	f.endLine()
	_, _ = fmt.Fprintln(f.stdout, text)
}

// terminalWidth returns the number of columns. A longer \r line would fill a new row at each update.
func terminalWidth() int {
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || width < 2 {
		return 80
	}
	return width
}

func clip(text string, width int) string {
	if letters := []rune(text); len(letters) > width {
		return string(letters[:width-1]) + "…"
	}
	return text
}

// clearLine removes an unfinished \r line.
func (f *frontend) clearLine() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.onLine {
		_, _ = fmt.Fprint(f.stdout, "\r\x1b[K")
		f.onLine = false
	}
}

// endLine finishes a \r line, so that what follows starts at the left.
func (f *frontend) endLine() {
	if f.onLine {
		_, _ = fmt.Fprintln(f.stdout)
		f.onLine = false
	}
}

// fail writes the reason to the standard error and ends the program.
func (f *frontend) fail(code int, reason string) {
	f.mu.Lock()
	f.endLine()
	_, _ = fmt.Fprintln(f.stderr, reason)
	f.mu.Unlock()
	f.exit(code)
}
