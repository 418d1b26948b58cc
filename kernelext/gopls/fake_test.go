package gopls

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"sync"
	"testing"
)

// fake is a simulated gopls: requests to it arrive through asked, and the test supplies the answers.
type fake struct {
	t      *testing.T
	asked  chan message
	mu     sync.Mutex
	out    io.Writer
	passed []message // over by await
	stop   func()
	done   chan struct{}
	argv   []string
}

// fakes returns the StartFunc of sessions with a simulated gopls; each start arrives through the channel.
func fakes(t *testing.T) (StartFunc, <-chan *fake) {
	started := make(chan *fake, 16)
	return func(argv, env []string, dir string) (io.WriteCloser, io.Reader, <-chan struct{}, func(), error) {
		theirIn, ourOut := io.Pipe()
		ourIn, theirOut := io.Pipe()
		f := &fake{t: t, asked: make(chan message, 256), out: theirOut, done: make(chan struct{}), argv: argv}
		f.stop = sync.OnceFunc(func() {
			theirIn.Close()
			theirOut.Close()
			close(f.done)
		})
		t.Cleanup(f.stop)
		go f.read(bufio.NewReader(theirIn))
		started <- f
		return ourOut, ourIn, f.done, f.stop, nil
	}, started
}

func (f *fake) read(in *bufio.Reader) {
	defer close(f.asked)
	for {
		body, err := readFrame(in)
		if err != nil {
			return
		}
		var m message
		if err := json.Unmarshal(body, &m); err != nil {
			f.t.Error(err)
		}
		f.asked <- m
	}
}

// await returns the next message of a method and skips others.
func (f *fake) await(method string) message {
	f.t.Helper()
	for m := range f.asked {
		if m.Method == method {
			return m
		}
		f.mu.Lock()
		f.passed = append(f.passed, m)
		f.mu.Unlock()
	}
	f.t.Errorf("no %s came", method)
	return message{}
}

// recall is await for a message that may have been skipped already.
func (f *fake) recall(method string) message {
	f.t.Helper()
	f.mu.Lock()
	passed := slices.Clone(f.passed)
	f.mu.Unlock()
	if at := slices.IndexFunc(passed, func(m message) bool { return m.Method == method }); at >= 0 {
		return passed[at]
	}
	return f.await(method)
}

// say writes a message.
func (f *fake) say(m message) {
	b, err := m.encode()
	if err != nil {
		f.t.Error(err)
	}
	f.write(b)
}

func (f *fake) write(b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _ = f.out.Write(b) // fails when the session has ended it
}

// answer answers a question.
func (f *fake) answer(m message, result string) {
	f.say(message{ID: m.ID, Result: json.RawMessage(result)})
}

// load answers the requests at the start.
func (f *fake) load() {
	f.answer(f.await("initialize"), `{"capabilities":{}}`)
	f.answer(f.await("textDocument/completion"), `null`)
}
