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

// ackLimit is long, as GoNB answers in about a millisecond. If it takes longer, something is wrong with GoNB.
const ackLimit = 2 * time.Second

// pipe sends displays to GoNB. It uses package gonbui, so that a cell that calls gonbui itself shares its stream: a second
// stream in the same FIFO would destroy both.
type pipe struct {
	limit time.Duration
	order orderFunc                         // called just before post
	post  func(*protocol.DisplayData) error // sends and waits for the acknowledgement; may hang
	busy  chan struct{}                     // holds a token while post runs
	late  atomic.Bool                       // the last post passed the limit
}

// openPipe opens GoNB's FIFOs and removes their names from the environment, so that a child process cannot write a second
// gob stream into them. It returns nil outside GoNB.
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
// longer than the limit. A late message is still on its way; an error means that it will not arrive.
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

// take reserves the pipe. It waits once for a late message, and not for later ones.
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
