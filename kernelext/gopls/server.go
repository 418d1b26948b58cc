package gopls

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// Time limits for gopls. They are much longer than it normally takes, and end a gopls that is stuck.
const (
	loadLimit   = 5 * time.Minute  // to load at the start, type-checking all known packages
	answerLimit = 30 * time.Second // to answer a question that is no longer needed
	closeLimit  = 2 * time.Second  // to end after it was killed
)

// server is one running gopls.
type server struct {
	*conn
	dir   string
	done  <-chan struct{} // closed when the process has ended
	stop  func()
	ready chan struct{} // closed when it has loaded

	docs      sync.Mutex // held while documents and the questions about them are sent
	versions  map[string]int
	texts     map[string]string
	lingering []call // questions whose callers have given up
}

// startServer starts gopls in the session's folder, which has been written.
func startServer(o Options) (*server, error) {
	start := o.Start
	if start == nil {
		start = startChild
	}
	stdin, stdout, done, stop, err := start([]string{o.Program, "serve"}, environment(o.Env, o.Dir), o.Dir)
	if err != nil {
		return nil, fmt.Errorf("gopls: start of %s: %w", o.Program, err)
	}
	v := &server{dir: o.Dir, done: done, stop: stop, ready: make(chan struct{}),
		versions: map[string]int{}, texts: map[string]string{}}
	v.conn = newConn(stdin, stdout, o.Log)
	return v, nil
}

// load waits until gopls is ready: it has answered a first question.
func (v *server) load(definitions, cell string, at position) error {
	ctx, cancel := context.WithTimeout(context.Background(), loadLimit)
	defer cancel()
	var ignored any
	if err := v.ask(ctx, "initialize", initializeParams(v.dir), &ignored); err != nil {
		return err
	}
	if err := v.notify("initialized", map[string]any{}); err != nil {
		return err
	}
	if err := v.question(ctx, definitions, cell, "textDocument/completion", at, &ignored); err != nil {
		return err
	}
	close(v.ready)
	return nil
}

// uri returns the URI of a file in the session's folder.
func (v *server) uri(name string) string { return fileURI(filepath.Join(v.dir, name)) }

// question shows gopls both files and asks about a place in the cell. If ctx ends first, because of a deadline, gopls
// continues: it may be loading packages that the next question needs too.
func (v *server) question(ctx context.Context, definitions, cell, method string, at position, result any) error {
	q, err := v.pose(definitions, cell, method, at)
	if err != nil {
		return err
	}
	err = v.await(ctx, q, result)
	if ctx.Err() != nil {
		v.linger(q)
	}
	return err
}

// pose sends the changes and the question in one piece.
func (v *server) pose(definitions, cell, method string, at position) (call, error) {
	v.docs.Lock()
	defer v.docs.Unlock()
	var first []byte
	for _, f := range []struct{ name, text string }{{definitionsFile, definitions}, {cellFile, cell}} {
		b, err := v.change(f.name, f.text)
		if err != nil {
			return call{}, err
		}
		first = append(first, b...)
	}
	if len(first) > 0 {
		v.dropLingering()
	}
	return v.start(first, method, map[string]any{
		"textDocument": map[string]string{"uri": v.uri(cellFile)},
		"position":     at,
	})
}

// change returns the message that shows gopls a file, or none if gopls has seen it.
func (v *server) change(name, text string) ([]byte, error) {
	version := v.versions[name]
	if version > 0 && v.texts[name] == text {
		return nil, nil
	}
	v.versions[name], v.texts[name] = version+1, text
	if version == 0 {
		return notification("textDocument/didOpen", map[string]any{"textDocument": map[string]any{
			"uri": v.uri(name), "languageId": "go", "version": 1, "text": text}})
	}
	return notification("textDocument/didChange", map[string]any{
		"textDocument":   map[string]any{"uri": v.uri(name), "version": version + 1},
		"contentChanges": []map[string]string{{"text": text}}})
}

// linger keeps a question whose answer is not awaited until the files change; after that the answer is useless. If a
// question stays unanswered for a long time, gopls is stuck: it is ended, and the next request starts it again.
func (v *server) linger(q call) {
	v.docs.Lock()
	v.lingering = append(v.lingering, q)
	v.docs.Unlock()
	time.AfterFunc(answerLimit, func() {
		if v.forget(q) {
			v.log(fmt.Sprintf("gopls: no answer for %v, it is ended", answerLimit))
			v.stop()
		}
	})
}

// dropLingering is called with docs locked.
func (v *server) dropLingering() {
	for _, q := range v.lingering {
		v.cancel(q)
	}
	v.lingering = nil
}

// end kills gopls and waits until it has ended.
func (v *server) end() error {
	v.stop()
	select {
	case <-v.done:
		return nil
	case <-time.After(closeLimit):
		return fmt.Errorf("gopls: it is still alive %v after it was killed", closeLimit)
	}
}

// awaitLoaded waits until gopls has loaded, which it mostly has.
func (v *server) awaitLoaded(ctx context.Context) error {
	select {
	case <-v.ready:
		return nil
	default:
	}
	select {
	case <-v.ready:
		return nil
	case <-v.gone:
		return errNotReady
	case <-ctx.Done():
		return notReady(ctx)
	}
}
