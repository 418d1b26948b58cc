package jupyter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// DefaultMaxMessage is the longest message in bytes that a client keeps.
	DefaultMaxMessage = 64 << 20
	// DefaultSettle is the time between the two halves of a request's end, reply and idle.
	DefaultSettle = 10 * time.Second
	// lastWords limits the time of reading messages that a dead kernel sent before.
	lastWords = time.Second
	// deathNotice limits the time from the end of a kernel's connections to that of its process.
	deathNotice = 2 * time.Second
)

// ErrClosed is the error of requests on a client that was closed.
var ErrClosed = errors.New("jupyter: the client is closed")

// LostError reports that the kernel closed a connection.
type LostError struct{ Cause error }

// Error names the cause.
func (e *LostError) Error() string {
	return fmt.Sprintf("jupyter: the connection to the kernel is lost: %v", e.Cause)
}

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.Cause }

// ClientOptions configures a client. The zero value is usable.
type ClientOptions struct {
	// Process is the kernel's process if the caller started it: its death is then reported with its state and log.
	Process *Process
	// Input answers a request for input. Nil answers with an empty line, because no user is present.
	Input func(prompt string, password bool) string
	// Other receives the iopub messages that belong to no request in progress.
	Other Handler
	// MaxMessage is the length in bytes of the longest message that is kept. Longer ones are counted and dropped. 0
	// means DefaultMaxMessage.
	MaxMessage int64
	// Settle limits the time between a request's reply and its idle state, in either order. 0 means DefaultSettle.
	Settle time.Duration
}

// Client is a front end's side of the connection to a kernel: the five channels. Its methods may be called from
// several goroutines.
type Client struct {
	signer  Signer
	session string
	opts    ClientOptions
	settle  time.Duration

	*links
	readers   sync.WaitGroup
	broken    chan error // the first failure of a reader
	closing   chan struct{}
	closeOnce sync.Once

	mu      sync.Mutex
	pending map[string]*Request
	err     error
	done    chan struct{}
}

// Dial connects to a kernel's five ports. It waits until the kernel listens or ctx ends. Use Ready next.
func Dial(ctx context.Context, info *ConnectionInfo, opts ClientOptions) (*Client, error) {
	signer, err := info.Signer()
	if err != nil {
		return nil, err
	}
	if opts.MaxMessage == 0 {
		opts.MaxMessage = DefaultMaxMessage
	}
	if opts.Settle == 0 {
		opts.Settle = DefaultSettle
	}
	c := &Client{
		signer: signer, session: uuid.NewString(), opts: opts, settle: opts.Settle,
		broken: make(chan error, 4), closing: make(chan struct{}),
		pending: map[string]*Request{}, done: make(chan struct{}),
	}
	d := &dialer{info: info, identity: c.session, limit: opts.MaxMessage}
	dead, cause := opts.death()
	if c.links, err = d.dialAll(ctx, dead, cause); err != nil {
		return nil, err
	}
	c.listen()
	return c, nil
}

// death returns a channel that shows the end of the kernel's process, if the caller started it.
func (o *ClientOptions) death() (dead <-chan struct{}, cause func() error) {
	if o.Process == nil {
		return nil, nil
	}
	return o.Process.Done(), o.Process.Err
}

// listen starts the readers.
func (c *Client) listen() {
	c.read(c.shell, func(m *Message) { c.route(m, true) })
	c.read(c.control, func(m *Message) { c.route(m, true) })
	c.read(c.iopub, func(m *Message) { c.route(m, false) })
	c.read(c.stdin, c.answerInput)
	go c.watch()
}

// read passes each message of a channel to handle, until the channel fails.
func (c *Client) read(ch *link, handle func(*Message)) {
	c.readers.Go(func() {
		for {
			m, err := c.receive(ch)
			if err != nil {
				c.broken <- err
				return
			}
			if m != nil {
				handle(m)
			}
		}
	})
}

// receive reads one message; it is nil if the message was dropped. A message with a wrong signature does not come from
// this kernel: it is an error and ends the connection.
func (c *Client) receive(ch *link) (*Message, error) {
	frames, err := ch.recv()
	if tooLarge := new(tooLargeError); errors.As(err, &tooLarge) {
		c.countLost(tooLarge.bytes)
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return Decode(c.signer, frames)
}

func (c *Client) countLost(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.pending {
		r.addLost(bytes)
	}
}

// route returns the request that caused m.
func (c *Client) route(m *Message, isReply bool) {
	c.mu.Lock()
	r := c.pending[m.Parent.MsgID]
	c.mu.Unlock()
	switch {
	case r != nil && (!isReply || m.Header.MsgType == replyType(r.msgType)):
		r.deliver(m, isReply)
	case r == nil && !isReply && c.opts.Other != nil:
		c.opts.Other(m)
	}
}

func replyType(request string) string { return strings.TrimSuffix(request, "_request") + "_reply" }

// answerInput replies to an input_request at once, because the kernel waits for it without a limit.
func (c *Client) answerInput(m *Message) {
	if m.Header.MsgType != "input_request" {
		return
	}
	c.route(m, false)
	var request InputRequest
	value := ""
	if m.Decode(&request) == nil && c.opts.Input != nil {
		value = c.opts.Input(request.Prompt, request.Password)
	}
	reply, err := m.Reply("input_reply", InputReply{Status: "ok", Value: value})
	if err != nil {
		return
	}
	reply.Header.Session, reply.Identities = c.session, nil
	if frames, err := reply.Encode(c.signer); err == nil {
		c.stdin.send(frames) // a failure shows at the next read
	}
}

// watch reports the end of the kernel, or of a connection, as the client's error.
func (c *Client) watch() {
	var dead <-chan struct{}
	if c.opts.Process != nil {
		dead = c.opts.Process.Done()
	}
	select {
	case <-c.closing:
		c.fail(ErrClosed)
		return
	case <-dead:
		c.drain()
		c.fail(c.opts.Process.Err())
		return
	case err := <-c.broken:
		c.fail(c.explain(err, dead))
	}
}

// explain finds the reason why a reader failed: a refused message, or the end of the process.
func (c *Client) explain(err error, dead <-chan struct{}) error {
	select {
	case <-c.closing:
		return ErrClosed
	default:
	}
	signature, frame := new(SignatureError), new(FrameError)
	if errors.As(err, &signature) || errors.As(err, &frame) {
		return err
	}
	if dead != nil {
		select {
		case <-dead:
			c.drain()
			return c.opts.Process.Err()
		case <-c.closing:
			return ErrClosed
		case <-time.After(deathNotice):
		}
	}
	c.drain()
	return &LostError{Cause: err}
}

// drain waits until the readers have read what a dead kernel had sent.
func (c *Client) drain() {
	finished := make(chan struct{})
	go func() {
		c.readers.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-c.closing:
	case <-time.After(lastWords):
	}
}

func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
		close(c.done)
	}
}

// Done returns a channel that is closed when no request can be answered any more.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err returns nil while the client works, then the reason why it does not: *ExitError (the kernel died), *LostError,
// *SignatureError, *FrameError or ErrClosed.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close closes the channels and ends all requests with ErrClosed. The kernel continues.
func (c *Client) Close() error {
	var err error
	c.closeOnce.Do(func() {
		close(c.closing)
		err = c.links.close()
		c.readers.Wait()
		<-c.done
	})
	return err
}

// Ping sends a heartbeat and waits for its echo. A busy kernel echoes at once. A stopped kernel, or one that hangs,
// does not, and Ping ends with ctx.
func (c *Client) Ping(ctx context.Context) error { return c.heartbeat.ping(ctx) }
