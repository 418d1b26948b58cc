package kernelext

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

const (
	soon = 30 * time.Millisecond // a timeout that is to be over
	long = time.Minute           // a timeout that is never reached
)

// newAsked is a front end and the writing end of its standard input.
func newAsked(t *testing.T, where destination) (*fake, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	f := newFake(where)
	f.stdin = r
	return f, w
}

// answers lets the reader answer each question of f.
func (f *fake) answers(t *testing.T, stdin *os.File, text string) {
	f.pipe.post = func(d *protocol.DisplayData) error {
		f.sent = append(f.sent, d)
		write(t, stdin, text)
		return nil
	}
}

func write(t *testing.T, file *os.File, text string) {
	if _, err := file.WriteString(text); err != nil {
		t.Error(err)
	}
}

func (f *fake) expectAnswer(t *testing.T, timeout time.Duration, want string) {
	t.Helper()
	if got, err := f.ask(" name? ", "nobody", timeout); err != nil || got != want {
		t.Errorf("Ask: %q, %v; want %q", got, err, want)
	}
}

func TestAskPlaces(t *testing.T) {
	for where, prompt := range map[destination]string{
		toTerminal: "name? [nobody] ",
		toPipe:     "name? [nobody] \n",
		toNotebook: "",
	} {
		f, stdin := newAsked(t, where)
		if where == toNotebook {
			f.answers(t, stdin, "  Ädä B \n")
		} else {
			write(t, stdin, "  Ädä B \n")
		}
		f.expectAnswer(t, long, "Ädä B")
		if got := f.out.String(); got != prompt {
			t.Errorf("output %d: printed %q, want %q", where, got, prompt)
		}
	}
}

func TestAskInNotebook(t *testing.T) {
	f, stdin := newAsked(t, toNotebook)
	f.answers(t, stdin, "x\n")
	f.expectAnswer(t, long, "x")
	if len(f.sent) != 1 || len(f.sent[0].Data) != 1 {
		t.Fatalf("sent %v, want one question", f.sent)
	}
	request, ok := f.sent[0].Data[protocol.MIMEJupyterInput].(*protocol.InputRequest)
	if !ok || request.Prompt != "name? [nobody] " || request.Password {
		t.Errorf("sent %+v", f.sent[0].Data)
	}
}

// The prompt names the fallback only where there is one.
func TestAskWithoutFallback(t *testing.T) {
	f, stdin := newAsked(t, toTerminal)
	f.line("busy", true)
	write(t, stdin, "\n")
	if got, err := f.ask("continue?", "", long); err != nil || got != "" {
		t.Errorf("%q, %v", got, err)
	}
	if got := f.out.String(); !strings.HasSuffix(got, "\ncontinue? ") {
		t.Errorf("printed %q", got)
	}
}

// A line feed ends an answer, and the rest is left for the next reader.
func TestAskReadsOneLine(t *testing.T) {
	f, stdin := newAsked(t, toPipe)
	write(t, stdin, "one\n \ntwo\nthree")
	_ = stdin.Close()
	for _, want := range []string{"one", "nobody", "two", "three", "nobody", "nobody"} {
		f.expectAnswer(t, long, want)
	}
	if strings.Contains(f.out.String(), "no answer") {
		t.Errorf("printed %q: the end of the input is not a timeout", f.out.String())
	}
}

func TestAskTimeout(t *testing.T) {
	for where, want := range map[destination]string{
		toTerminal: "name? [nobody] \nname? nobody (no answer in 30ms)\n",
		toPipe:     "name? [nobody] \nname? nobody (no answer in 30ms)\n",
		toNotebook: "name? nobody (no answer in 30ms)\n",
	} {
		f, _ := newAsked(t, where)
		f.expectAnswer(t, soon, "nobody")
		if got := f.out.String(); got != want {
			t.Errorf("output %d: printed %q, want %q", where, got, want)
		}
	}
}

// Nobody is asked where nobody can answer.
func TestAskNobody(t *testing.T) {
	for _, where := range []destination{toTerminal, toPipe, toNotebook} {
		for env, timeout := range map[string]time.Duration{"0": long, "": 0, "1": -time.Second} {
			f, stdin := newAsked(t, where)
			f.env[envStdin] = env
			write(t, stdin, "x\n")
			f.expectAnswer(t, timeout, "nobody")
			if f.out.Len() > 0 || len(f.sent) > 0 {
				t.Errorf("output %d, %s=%q, timeout %v: asked all the same", where, envStdin, env, timeout)
			}
		}
	}
}

// An answer that comes after the timeout is not that of the next question.
func TestLateAnswer(t *testing.T) {
	f, stdin := newAsked(t, toNotebook)
	f.expectAnswer(t, soon, "nobody")
	write(t, stdin, "late\nlater")
	f.answers(t, stdin, "new\n")
	f.expectAnswer(t, long, "new")
}

func TestAskClosedInput(t *testing.T) {
	f, _ := newAsked(t, toPipe)
	_ = f.stdin.Close()
	f.expectAnswer(t, long, "nobody")
}

// A question that GoNB does not take is an error.
func TestAskBrokenPipe(t *testing.T) {
	f, _ := newAsked(t, toNotebook)
	f.pipe.post = func(*protocol.DisplayData) error { return errors.New("broken") }
	if got, err := f.ask("name?", "nobody", long); err == nil || got != "nobody" {
		t.Errorf("%q, %v; want an error", got, err)
	}
}

// An interrupt ends the wait before the timeout, and its error says so.
func TestAskInterrupted(t *testing.T) {
	f, _ := newAsked(t, toTerminal)
	ctx, cancel := context.WithCancelCause(t.Context())
	f.ctx.Store(&ctx)
	if err := f.stopped(); err != nil {
		t.Fatalf("stopped by %v before anything happened", err)
	}
	time.AfterFunc(soon, func() { cancel(ErrStopped) })
	got, err := f.ask("name?", "nobody", long)
	if !errors.Is(err, ErrStopped) || got != "nobody" || !strings.Contains(err.Error(), `Ask("name?")`) {
		t.Errorf("%q, %v; want ErrStopped", got, err)
	}
	if got := f.out.String(); got != "name? [nobody] \n" {
		t.Errorf("printed %q", got)
	}
}

// Without [Context] nothing has noticed an interrupt.
func TestStoppedWithoutContext(t *testing.T) {
	if err := newFake(toPipe).stopped(); err != nil {
		t.Errorf("stopped by %v", err)
	}
}
