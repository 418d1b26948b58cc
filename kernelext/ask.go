package kernelext

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"
	"golang.org/x/sys/unix"
)

const (
	envStdin  = "LECTURE_KERNEL_STDIN" // "0": the front end has nobody to ask
	askGlance = 100 * time.Millisecond // between two checks whether the program must stop
)

// errNoAnswer means that no input came in time.
var errNoAnswer = errors.New("no answer")

// Ask asks the reader for one line and returns it without the spaces around it: in a notebook by an input field, else
// by a prompt and the standard input. It returns fallback for an empty line, at the end of the input, and when no answer
// comes within the timeout; in the last case it prints a line that says so. In a notebook that is executed without a
// reader it returns fallback after the timeout at the latest; with a timeout of 0 or less it does so at once.
//
// An error means that the question could not be asked, or wraps [ErrStopped] after an interrupt that [Context] has
// noticed. The string is fallback in both cases.
func Ask(prompt, fallback string, timeout time.Duration) (string, error) {
	return here.ask(prompt, fallback, timeout)
}

func (f *frontend) ask(prompt, fallback string, timeout time.Duration) (string, error) {
	if timeout <= 0 || f.getenv(envStdin) == "0" {
		return fallback, nil
	}
	if err := f.askFor(prompt, fallback); err != nil {
		return fallback, err
	}
	line, err := f.readLine(time.Now().Add(timeout))
	if err != nil && f.dest == toTerminal {
		_, _ = fmt.Fprintln(f.stdout) // below the prompt
	}
	switch line = strings.TrimSpace(line); {
	case errors.Is(err, errNoAnswer):
		f.line(fmt.Sprintf("%s %s (no answer in %v)", strings.TrimSpace(prompt), fallback, timeout), false)
		return fallback, nil
	case err != nil:
		return fallback, fmt.Errorf("kernelext: Ask(%q): %w", prompt, err)
	case line == "":
		return fallback, nil
	}
	return line, nil
}

// askFor puts the question to the reader.
func (f *frontend) askFor(prompt, fallback string) error {
	prompt = strings.TrimSpace(prompt) + " "
	if fallback != "" {
		prompt += "[" + fallback + "] "
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endLine()
	switch f.dest {
	case toNotebook:
		f.forgetAnswers()
		return f.pipe.send(&protocol.DisplayData{Data: map[protocol.MIMEType]any{
			protocol.MIMEJupyterInput: &protocol.InputRequest{Prompt: prompt},
		}})
	case toPipe:
		prompt += "\n" // nothing echoes the end of the answer
	}
	_, err := io.WriteString(f.stdout, prompt)
	return err
}

// forgetAnswers discards late answers to earlier questions, which have timed out.
func (f *frontend) forgetAnswers() {
	for {
		if _, err := f.readByte(0); err != nil {
			return
		}
	}
}

// readLine reads up to a line feed, and not a byte more: the rest belongs to the next reader. The end of the input also
// ends a line.
func (f *frontend) readLine(deadline time.Time) (string, error) {
	var line []byte
	for {
		c, err := f.readByte(min(askGlance, max(0, time.Until(deadline))))
		switch {
		case err == nil && c == '\n', errors.Is(err, io.EOF):
			return string(line), nil
		case err == nil:
			line = append(line, c)
		case !errors.Is(err, errNoAnswer):
			return "", err
		case f.stopped() != nil:
			return "", f.stopped()
		case !time.Now().Before(deadline):
			return "", errNoAnswer
		}
	}
}

// readByte reads one byte of the standard input; it returns errNoAnswer if none came in time.
func (f *frontend) readByte(wait time.Duration) (byte, error) {
	fd := int(f.stdin.Fd())
	if fd < 0 {
		return 0, io.EOF // it is closed
	}
	var ready unix.FdSet
	ready.Set(fd)
	limit := unix.NsecToTimeval(wait.Nanoseconds())
	// Not poll, which macOS does not have for terminals.
	n, err := unix.Select(fd+1, &ready, nil, nil, &limit)
	if errors.Is(err, unix.EINTR) || err == nil && n == 0 {
		return 0, errNoAnswer
	}
	if err != nil {
		return 0, err
	}
	var b [1]byte
	n, err = unix.Read(fd, b[:])
	switch {
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		return 0, errNoAnswer
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return b[0], nil
}
