package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	// pathLimit is the length of a socket's path that every system accepts (macOS: 104 bytes with the closing zero).
	pathLimit = 103
	// acceptPause is the time to wait when no connection can be accepted, as when the process has no descriptor left.
	acceptPause = 10 * time.Millisecond
	// queueLength is the number of requests of one connection that are read ahead of the one being handled.
	queueLength = 16
)

// Handler answers requests. It is called for one request of a connection at a time, in order, and for several
// connections at once.
type Handler interface {
	// Handle acts on r. The context ends when the peer has closed the connection or the server is closed. A request
	// without an answer must be handled even then, because its sender may have died right after sending it. The reply
	// and the files are sent if answer is true; the peer gets them in blocking mode, as programs expect of their
	// stdout. The server closes the files in any case, so that only the peer holds these ends of the pipes.
	Handle(ctx context.Context, r Request) (reply Reply, files []*os.File, answer bool)
}

// Server listens for the programs below the kernel.
type Server struct {
	listener *os.File
	ctx      context.Context
	cancel   context.CancelFunc
	serving  sync.WaitGroup

	mu    sync.Mutex
	conns map[*os.File]bool // nil when closed
}

// Listen creates the socket; its folder should be one that only its user can enter. A path of more than 103 bytes is an
// error, because some systems do not accept it.
func Listen(path string) (*Server, error) {
	if len(path) > pathLimit {
		return nil, fmt.Errorf("agent: socket %s: its path has %d bytes, want at most %d: choose a shorter TMPDIR",
			path, len(path), pathLimit)
	}
	listener, err := listenSocket(path)
	if err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{listener: listener, ctx: ctx, cancel: cancel, conns: map[*os.File]bool{}}, nil
}

// Serve accepts connections until Close is called, and then returns nil. A connection that sends anything but requests
// is closed.
func (s *Server) Serve(h Handler) error {
	for {
		conn, err := accept(s.listener)
		switch {
		case err == nil:
			s.start(conn, h)
		case s.ctx.Err() != nil:
			return nil
		default: // no descriptors left, or a peer that gave up: this is temporary
			time.Sleep(acceptPause)
		}
	}
}

// Close ends all connections and Serve, removes the socket, and returns when no Handle is running any more; so Handle
// must not call it.
func (s *Server) Close() error {
	s.cancel()
	err := s.listener.Close()
	if removeErr := os.Remove(s.listener.Name()); removeErr != nil && !errors.Is(removeErr, os.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	s.mu.Lock()
	for conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.serving.Wait()
	if err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("agent: %w", err)
	}
	return nil
}

func (s *Server) start(conn *os.File, h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		conn.Close()
		return
	}
	s.conns[conn] = true
	s.serving.Go(func() {
		s.serve(conn, h)
		conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	})
}

// serve handles the requests of one connection. Another goroutine continues to read, so that it sees the end of a peer
// while its request is being handled.
func (s *Server) serve(conn *os.File, h Handler) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	requests := make(chan Request, queueLength)
	s.serving.Go(func() {
		defer cancel()
		defer close(requests)
		readRequests(conn, requests)
	})
	for r := range requests {
		reply, files, answer := h.Handle(ctx, r)
		if answer && answerWith(conn, reply, files) != nil {
			conn.Close() // ends readRequests
		}
		closeAll(files)
	}
}

// readRequests reads until the peer closes the connection or sends an invalid request.
func readRequests(conn *os.File, requests chan<- Request) {
	scanner := bufio.NewScanner(conn)
	scanner.Buffer(nil, lineLimit)
	for scanner.Scan() {
		var r Request
		if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
			conn.Close()
			return
		}
		requests <- r
	}
}

func answerWith(conn *os.File, reply Reply, files []*os.File) error {
	line, err := json.Marshal(reply)
	if err != nil {
		return err
	}
	return send(conn, append(line, '\n'), files)
}
