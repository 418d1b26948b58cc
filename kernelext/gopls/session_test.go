package gopls

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// played returns a session with a simulated gopls, which has not loaded.
func played(t *testing.T) (*Session, <-chan *fake, *lines) {
	t.Helper()
	start, started := fakes(t)
	logged := new(lines)
	s := New(Options{Program: "/x/gopls", Start: start, Dir: t.TempDir(), Log: logged.add})
	t.Cleanup(func() { s.Close() })
	return s, started, logged
}

// loaded returns a session with a simulated gopls that has loaded.
func loaded(t *testing.T) (*Session, *fake) {
	t.Helper()
	s, started, _ := played(t)
	s.Warm()
	f := <-started
	f.load()
	if err := awaitReady(s); err != nil {
		t.Fatal(err)
	}
	return s, f
}

const printlnAnswer = `{"isIncomplete":false,"items":[{"label":"Println","kind":3,"detail":"func(a ...any)",
	"textEdit":{"range":{"start":{"line":2,"character":4},"end":{"line":2,"character":6}},"newText":"Println"}}]}`

func TestCompletePlayed(t *testing.T) {
	s, f := loaded(t)
	go func() {
		m := f.await("textDocument/completion")
		if !strings.Contains(string(m.Params), `"position":{"line":2,"character":6}`) {
			t.Errorf("asked about %s", m.Params)
		}
		f.answer(m, printlnAnswer)
	}()
	c, err := s.Complete(within(t, limit), "%%\nfmt.Pr", 9)
	if err != nil || len(c.Matches) != 1 || c.Matches[0] != "Println" || c.Start != 7 || c.End != 9 ||
		c.Types[0] != "function" || c.Details[0] != "func(a ...any)" {
		t.Errorf("%+v, %v", c, err)
	}
	if f.argv[0] != "/x/gopls" || f.argv[1] != "serve" {
		t.Errorf("started %q", f.argv)
	}
}

// While gopls loads, which here never ends, a request ends with its context.
func TestLoadingDoesNotHang(t *testing.T) {
	s, started, _ := played(t)
	for range 2 {
		if _, err := s.Complete(within(t, 20*time.Millisecond), "fmt.", 4); !errors.Is(err, errNotReady) {
			t.Error(err)
		}
		if _, err := s.Inspect(within(t, 20*time.Millisecond), "fmt.", 4); !errors.Is(err, errNotReady) {
			t.Error(err)
		}
	}
	if len(started) != 1 {
		t.Errorf("%d starts, want 1", len(started))
	}
}

// A request to a gopls that answers nothing, or reads nothing, ends with its context.
func TestSilenceDoesNotHang(t *testing.T) {
	s, _ := loaded(t)
	for range 3 * queued {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		_, err := s.Complete(ctx, "fmt.", 4)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

func TestReadingStops(t *testing.T) {
	reader, writer := io.Pipe() // nobody reads
	defer reader.Close()
	silent, open := io.Pipe()
	defer open.Close()
	c := newConn(writer, silent, func(string) {})
	var err error
	for range queued + 2 {
		if err = c.notify("x", nil); err != nil {
			break
		}
	}
	if !errors.Is(err, errNotReady) || !strings.Contains(err.Error(), "reads nothing") {
		t.Errorf("%v, want that it reads nothing", err)
	}
}

func TestNewRequestEndsTheOld(t *testing.T) {
	s, f := loaded(t)
	old := make(chan error, 1)
	go func() {
		_, err := s.Complete(within(t, limit), "fmt.P", 5)
		old <- err
	}()
	first := f.await("textDocument/completion")
	inspected := make(chan error, 1)
	go func() {
		_, err := s.Inspect(within(t, limit), "fmt.P", 5)
		inspected <- err
	}()
	hover := f.await("textDocument/hover") // of another kind: it ends nothing
	go func() {
		f.answer(f.await("textDocument/completion"), printlnAnswer)
		f.answer(hover, `{"contents":{"kind":"markdown","value":"text"}}`)
	}()
	if _, err := s.Complete(within(t, limit), "%%\nfmt.Pr", 9); err != nil {
		t.Error(err)
	}
	if err := <-old; !errors.Is(err, errOutdated) {
		t.Errorf("the old request ends with %v, want errOutdated", err)
	}
	if err := <-inspected; err != nil {
		t.Errorf("a request of another kind ends with %v", err)
	}
	go s.Complete(within(t, limit), "other text", 0) // at the latest then the old question is worth nothing
	if m := f.recall("$/cancelRequest"); !strings.Contains(string(m.Params), string(first.ID)) {
		t.Errorf("cancelled %s, want %s", m.Params, first.ID)
	}
}

func TestNoQuestionWhereThereIsNoGo(t *testing.T) {
	s, f := loaded(t)
	for _, marked := range []string{"!ls |", "%%bash\nls |", "%%|\nx", "package |"} {
		code, cursor := cut(t, marked)
		c, err := s.Complete(within(t, limit), code, cursor)
		doc, err2 := s.Inspect(within(t, limit), code, cursor)
		if err != nil || err2 != nil || len(c.Matches) > 0 || c.Start != cursor || c.End != cursor || doc.Found {
			t.Errorf("%q: %+v, %v; %+v, %v", marked, c, err, doc, err2)
		}
	}
	for len(f.asked) > 0 {
		if m := <-f.asked; strings.HasPrefix(m.Method, "textDocument/completion") || m.Method == "textDocument/hover" {
			t.Errorf("asked %s", m.Params)
		}
	}
}

// Errors and invalid answers of gopls are errors of the request only.
func TestBadAnswers(t *testing.T) {
	s, f := loaded(t)
	for answer, want := range map[string]string{
		`{"error":{"code":-32600,"message":"no such thing"}`: "no such thing (-32600)",
		`{"result":17`: "answer:",
	} {
		go func() {
			m := f.await("textDocument/completion")
			f.write(appendFrame(nil, []byte(answer+`,"jsonrpc":"2.0","id":`+string(m.ID)+`}`)))
		}()
		if _, err := s.Complete(within(t, limit), "fmt.", 4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", answer, err, want)
		}
	}
	for _, m := range []string{`{"id":"text","result":1}`, `{"id":4711,"result":1}`, `{}`, `{"method":"x","params":7}`,
		`{"method":"window/showMessage","params":7}`} {
		f.write(appendFrame(nil, []byte(m)))
	}
	go func() { f.answer(f.await("textDocument/completion"), printlnAnswer) }()
	if c, err := s.Complete(within(t, limit), "%%\nfmt.Pr", 9); err != nil || len(c.Matches) != 1 {
		t.Errorf("after rubbish: %+v, %v", c, err)
	}
}

func TestQuestionsOfGoplsAreAnswered(t *testing.T) {
	_, f := loaded(t)
	f.say(message{ID: json.RawMessage(`"q1"`), Method: "workspace/configuration", Params: json.RawMessage(`{}`)})
	for m := range f.asked {
		if string(m.ID) == `"q1"` {
			if m.Method != "" || string(m.Result) != "null" {
				t.Errorf("%+v, want null", m)
			}
			return
		}
	}
}

// Bytes that are not a message end the connection, and the next request starts a new gopls.
func TestRubbishEndsGopls(t *testing.T) {
	for _, rubbish := range []string{"panic: oh no\n\n", "Content-Length: 3\r\n\r\n{]}"} {
		s, started, logged := played(t)
		s.Warm()
		f := <-started
		f.load()
		if err := awaitReady(s); err != nil {
			t.Fatal(err)
		}
		go func() {
			f.await("textDocument/completion")
			f.write([]byte(rubbish))
		}()
		if _, err := s.Complete(within(t, limit), "fmt.", 4); !errors.Is(err, errGone) {
			t.Errorf("%q: %v, want that it has ended", rubbish, err)
		}
		if !strings.Contains(logged.String(), "gopls: a message") && !strings.Contains(logged.String(), "header of a message") {
			t.Errorf("%q: log %q", rubbish, logged)
		}
		go func() {
			f := <-started
			f.load()
			f.answer(f.await("textDocument/completion"), printlnAnswer)
		}()
		if c, err := s.Complete(within(t, limit), "%%\nfmt.Pr", 9); err != nil || len(c.Matches) != 1 {
			t.Errorf("%q: the next request: %+v, %v", rubbish, c, err)
		}
	}
}

func TestDyingGoplsIsNotStartedForEver(t *testing.T) {
	s, started, _ := played(t)
	for range maxStarts {
		s.Warm()
		f := <-started
		f.stop()
		<-s.server.gone
	}
	if _, err := s.Complete(within(t, limit), "fmt.", 4); !errors.Is(err, errNotReady) ||
		!strings.Contains(err.Error(), "it ended 3 times") {
		t.Errorf("%v, want that it ended too often", err)
	}
	if len(started) > 0 {
		t.Error("it was started again")
	}
}

func TestStartThatFails(t *testing.T) {
	logged := new(lines)
	s := New(Options{Program: "/nowhere/gopls", Dir: t.TempDir(), Log: logged.add})
	if _, err := s.Complete(within(t, limit), "fmt.", 4); !errors.Is(err, errNotReady) {
		t.Error(err)
	}
	if !strings.Contains(logged.String(), "/nowhere/gopls: no such file") {
		t.Errorf("log %q", logged)
	}
	s = New(Options{Program: "/bin/true", Dir: t.TempDir(), Module: "/nowhere"})
	if _, err := s.Complete(within(t, limit), "fmt.", 4); err == nil || !strings.Contains(err.Error(), "/nowhere/go.mod") {
		t.Error(err)
	}
}

func TestClosedSession(t *testing.T) {
	s, f := loaded(t)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	<-f.done
	if _, err := s.Complete(within(t, limit), "fmt.", 4); !errors.Is(err, errNotReady) ||
		!strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
	s.SetDefinitions(nil)
}
