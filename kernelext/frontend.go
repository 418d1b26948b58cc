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

// place is where the program's output goes.
type place int

const (
	placeNotebook place = iota
	placeTerminal
	placePipe
)

// session is one program's connection to its reader. A process has one standard output and one GoNB pipe, hence the
// one variable of this package; tests make sessions of their own.
type session struct {
	place  place
	stdin  *os.File
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
	exit   func(code int)
	pipe   *pipe
	tell   func(agent.Request) // to the supervised kernel; nil where there is none

	ctx atomic.Pointer[context.Context] // of [Context], once it has been called

	mu       sync.Mutex // one display, line or redraw at a time
	onLine   bool       // a \r line stands unfinished on the terminal
	pictures int        // written to LECTURE_OUT so far
}

var here = newSession()

// newSession finds out where the program runs and takes the GoNB pipe for itself.
func newSession() *session {
	s := &session{
		place: placePipe, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, exit: os.Exit,
	}
	if supervisor.Present() {
		s.tell = supervisor.Tell
		s.tell(agent.Request{Op: agent.OpTiming, Name: "start"}) // an event: no time of our own comes before it
	}
	s.pipe = openPipe()
	switch {
	case s.pipe != nil:
		s.place = placeNotebook
	case term.IsTerminal(int(os.Stdout.Fd())):
		s.place = placeTerminal
	}
	return s
}

// stopped says why the program shall end, as far as [Context] has noticed.
func (s *session) stopped() error {
	if ctx := s.ctx.Load(); ctx != nil {
		return context.Cause(*ctx)
	}
	return nil
}

// show delivers a bundle and returns when it has arrived; id is empty or names the display that later calls update.
func (s *session) show(b Bundle, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	message, err := b.wire(id)
	if err != nil {
		return err
	}
	if s.place != placeNotebook {
		return s.print(b)
	}
	err = s.pipe.send(message)
	if err != nil {
		_, _ = fmt.Fprintln(s.stdout, b.text()) // better the text alone than nothing
	}
	return err
}

// print writes the text of a bundle and, where LECTURE_OUT asks for it, its picture as a file.
func (s *session) print(b Bundle) error {
	s.endLine()
	if _, err := fmt.Fprintln(s.stdout, strings.TrimRight(b.text(), "\n")); err != nil {
		return fmt.Errorf("kernelext: print: %w", err)
	}
	dir := s.getenv("LECTURE_OUT")
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
	s.pictures++
	file := filepath.Join(dir, fmt.Sprintf("out-%03d%s", s.pictures, ext))
	if err := os.WriteFile(file, content, 0o644); err != nil {
		return fmt.Errorf("kernelext: LECTURE_OUT: %w", err)
	}
	_, err := fmt.Fprintf(s.stdout, "  → %s\n", file)
	return err
}

// picture returns the bundle's picture as the content of a file and the file's extension; nil where it has none.
func (b Bundle) picture() ([]byte, string) {
	if png, ok := b.Data[mimePNG].([]byte); ok {
		return png, ".png"
	}
	html, _ := b.Data[mimeHTML].(string)
	start, end := strings.Index(html, "<svg"), strings.LastIndex(html, "</svg>")
	if start >= 0 && end > start {
		return []byte(html[start : end+len("</svg>")]), ".svg"
	}
	return nil, ""
}

// line writes one line of progress: over the last one on a terminal when replace is true, below it otherwise.
func (s *session) line(text string, replace bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.place == placeTerminal && replace {
		_, _ = fmt.Fprintf(s.stdout, "\r%s\x1b[K", clip(text, terminalWidth()-1))
		s.onLine = true
		return
	}
	s.endLine()
	_, _ = fmt.Fprintln(s.stdout, text)
}

// terminalWidth is the number of columns; a \r line that is longer would be written below itself again and again.
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
func (s *session) clearLine() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.onLine {
		_, _ = fmt.Fprint(s.stdout, "\r\x1b[K")
		s.onLine = false
	}
}

// endLine finishes a \r line, so that what follows starts at the left.
func (s *session) endLine() {
	if s.onLine {
		_, _ = fmt.Fprintln(s.stdout)
		s.onLine = false
	}
}

// fail writes the reason to the standard error and ends the program.
func (s *session) fail(code int, reason string) {
	s.mu.Lock()
	s.endLine()
	_, _ = fmt.Fprintln(s.stderr, reason)
	s.mu.Unlock()
	s.exit(code)
}
