package gopls

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// If gopls dies, it is started at most maxStarts times within startWindow.
const (
	maxStarts   = 3
	startWindow = time.Minute
)

// Session is one gopls and the files that it is shown. Its methods may be called from several goroutines.
type Session struct {
	opts Options

	mu      sync.Mutex
	closed  bool
	program *program
	server  *server     // nil before the first start
	starts  []time.Time // starts in the last startWindow
	pending map[string]*pending
}

// pending is the request of a kind that is in progress.
type pending struct{ cancel context.CancelCauseFunc }

// New returns a session. It starts nothing.
func New(o Options) *Session {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	s := &Session{opts: o, pending: map[string]*pending{}}
	s.program = newProgram(nil, s.known())
	return s
}

// known lists the packages that are imported in each cell's file.
func (s *Session) known() []string {
	return append(s.opts.Imports[:len(s.opts.Imports):len(s.opts.Imports)], commonImports...)
}

// Warm starts gopls in the background and lets it load, so that the first request need not wait. It returns at once.
func (s *Session) Warm() { _, _ = s.running() } // errors are logged, and returned to the first request

// SetDefinitions sets the program of the cells so far: mainGo is GoNB's last main.go that compiled. A running gopls
// loads its new imports in the background.
func (s *Session) SetDefinitions(mainGo []byte) {
	p := newProgram(mainGo, s.known())
	s.mu.Lock()
	same := slices.Equal(s.program.imports, p.imports)
	s.program = p
	v := s.server
	s.mu.Unlock()
	if v == nil || same {
		return
	}
	select {
	case <-v.ready:
		go s.preload(v, p)
	default: // each request brings the definitions with it
	}
}

// preload asks a question without waiting for the answer; gopls then loads the imports of the definitions.
func (s *Session) preload(v *server, p *program) {
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
	defer cancel()
	var ignored any
	cell, at := p.warming()
	_ = v.question(ctx, p.source, cell, "textDocument/completion", at, &ignored) // errors are returned to a later request
}

// running returns the gopls that runs, and starts one if there is none. It does not wait for it.
func (s *Session) running() (*server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("%w: the session is closed", errNotReady)
	}
	if s.server != nil {
		select {
		case <-s.server.gone:
			s.server.stop()
		default:
			return s.server, nil
		}
	}
	return s.startLocked()
}

// startLocked starts gopls unless that was tried too often. It is called with mu locked.
func (s *Session) startLocked() (*server, error) {
	recent := s.starts[:0]
	for _, t := range s.starts {
		if time.Since(t) < startWindow {
			recent = append(recent, t)
		}
	}
	s.starts = recent
	if len(recent) >= maxStarts {
		return nil, fmt.Errorf("%w: it ended %d times in %v", errNotReady, maxStarts, startWindow)
	}
	s.starts = append(s.starts, time.Now())
	definitions := s.program.source
	cell, at := s.program.warming()
	err := writeWorkspace(s.opts.Dir, s.opts.Module, map[string]string{definitionsFile: definitions, cellFile: cell})
	if err == nil {
		s.server, err = startServer(s.opts)
	}
	if err != nil {
		s.opts.Log(err.Error())
		s.server = nil
		return nil, fmt.Errorf("%w: %w", errNotReady, err)
	}
	go s.load(s.server, definitions, cell, at)
	return s.server, nil
}

func (s *Session) load(v *server, definitions, cell string, at position) {
	began := time.Now()
	if err := v.load(definitions, cell, at); err != nil {
		s.opts.Log(fmt.Sprintf("gopls: loading failed: %v", err))
		v.stop()
		return
	}
	s.opts.Log(fmt.Sprintf("gopls: ready after %v", time.Since(began).Round(time.Millisecond)))
}

// request asks gopls about a place of a cell. found is false if there is no Go.
func (s *Session) request(ctx context.Context, code string, cursor int, method string, result any) (v *view, err error) {
	srv, err := s.running()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	p := s.program
	s.mu.Unlock()
	v = p.compose(code)
	if v == nil {
		return nil, nil
	}
	at, found := v.position(cursor)
	if !found {
		return nil, nil
	}
	if err := srv.awaitLoaded(ctx); err != nil {
		return nil, err
	}
	return v, srv.question(ctx, p.source, v.text, method, at, result)
}

// notReady returns the reason why a request that waited for gopls to load has ended.
func notReady(ctx context.Context) error {
	if context.Cause(ctx) == errOutdated {
		return errOutdated
	}
	return fmt.Errorf("%w: still loading", errNotReady)
}

// supersede ends the request of the same kind that is in progress, and records the new one.
func (s *Session) supersede(ctx context.Context, kind string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	mine := &pending{cancel}
	s.mu.Lock()
	if old := s.pending[kind]; old != nil {
		old.cancel(errOutdated)
	}
	s.pending[kind] = mine
	s.mu.Unlock()
	return ctx, func() {
		s.mu.Lock()
		if s.pending[kind] == mine {
			delete(s.pending, kind)
		}
		s.mu.Unlock()
		cancel(nil)
	}
}

// Close ends gopls and all its descendants. The session cannot be used afterwards.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.server == nil {
		return nil
	}
	return s.server.end()
}
