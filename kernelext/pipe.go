package kernelext

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// ackLimit is long: GoNB answers in about a millisecond. After it GoNB is in trouble.
const ackLimit = 2 * time.Second

// pipe is the way to GoNB. It goes through package gonbui, so that a cell which uses gonbui itself shares the one
// stream with us: a second stream in the same FIFO would destroy both.
type pipe struct {
	limit time.Duration
	order orderFunc                         // called just before post
	post  func(*protocol.DisplayData) error // sends and waits for the acknowledgement; may hang
	busy  chan struct{}                     // holds a token while post runs
	late  atomic.Bool                       // the last post passed the limit
}

// openPipe opens GoNB's FIFOs and takes their names out of the environment: a child process that inherits them and
// displays something would write a second gob stream into ours. It returns nil where there is no GoNB.
func openPipe() *pipe {
	if !gonbui.IsNotebook || gonbui.Open() != nil {
		return nil
	}
	_ = os.Unsetenv(protocol.GONB_PIPE_ENV)
	_ = os.Unsetenv(protocol.GONB_PIPE_BACK_ENV)
	if m := newMarkers(os.Getenv, os.Stdout, os.Stderr); m != nil {
		_ = os.Unsetenv(envPipes) // a child may have another stdout
		return newPipe(m.mark, postToGoNB)
	}
	return newPipe(drain, postToGoNB)
}

func newPipe(order orderFunc, post func(*protocol.DisplayData) error) *pipe {
	gob.Register(map[string]any{}) // nested metadata; GoNB registers these two on its side only
	gob.Register([]any{})
	return &pipe{limit: ackLimit, order: order, post: post, busy: make(chan struct{}, 1)}
}

func postToGoNB(message *protocol.DisplayData) error {
	gonbui.SendData(message)
	gonbui.Sync()
	return gonbui.Error()
}

// send delivers a message after everything printed so far and returns when GoNB has passed it on. It never waits
// longer than the limit: a message that is late is still on its way, an error means that it will not arrive.
func (p *pipe) send(message *protocol.DisplayData) error {
	if err := gob.NewEncoder(io.Discard).Encode(message); err != nil {
		return fmt.Errorf("kernelext: display not sent: %w", err)
	}
	if err := p.take(); err != nil {
		return err
	}
	p.order(message)
	done := make(chan error, 1)
	go func() {
		defer func() { <-p.busy }()
		done <- p.post(message)
	}()
	select {
	case err := <-done:
		p.late.Store(false)
		return err
	case <-time.After(p.limit):
		p.late.Store(true)
		return nil
	}
}

// take reserves the pipe. It waits for a late message once, and later ones not at all.
func (p *pipe) take() error {
	wait := p.limit
	if p.late.Load() {
		wait = 0
	}
	select {
	case p.busy <- struct{}{}:
		return nil
	case <-time.After(wait):
	}
	select {
	case p.busy <- struct{}{}:
		return nil
	default:
		return errors.New("kernelext: GoNB does not answer: restart the kernel to see pictures again")
	}
}
