package jupyter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// DefaultQueue is the size in bytes of the messages that wait for one front end before further ones are lost.
const DefaultQueue = 64 << 20

// ServerOptions configures a Server. The zero value is usable.
type ServerOptions struct {
	// Log receives lines, without line end, about refused messages and connections, and about front ends that do not
	// read. It must not call the Server. Nil drops them.
	Log func(line string)
	// MaxMessage is the length in bytes of the longest message that is accepted; longer ones are logged and dropped. 0
	// means DefaultMaxMessage.
	MaxMessage int64
	// Queue limits the size in bytes of the messages that wait for each connection. 0 means DefaultQueue.
	Queue int64
	// Welcome is the session of the iopub_welcome messages, which tell a front end that its subscription works. If it
	// is empty, none are sent.
	Welcome string
}

// Incoming is a message that a front end sent, verified and decoded. Its Identities start with the routing id of the
// front end, which Reply and Send need.
type Incoming struct {
	// Channel is Shell, Control or Stdin.
	Channel Channel
	*Message
	// Envelope is the message as it was sent.
	Envelope *Envelope
}

// Server is a kernel's side of the five channels. Several front ends may be connected. Its methods may be called from
// several goroutines.
type Server struct {
	info   *ConnectionInfo
	signer Signer
	opts   ServerOptions
	log    *throttle

	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	doors    []*door
	routers  map[Channel]*router
	iopub    *publisher
	incoming chan Incoming
	work     sync.WaitGroup
	closing  sync.Once
}

// Listen binds the five ports of info. If a port is in use, or cannot be bound, the error names the channel and the
// address.
func Listen(info *ConnectionInfo, opts ServerOptions) (*Server, error) {
	if err := info.check(); err != nil {
		return nil, fmt.Errorf("jupyter: connection: %w", err)
	}
	signer, err := info.Signer()
	if err != nil {
		return nil, err
	}
	if opts.MaxMessage == 0 {
		opts.MaxMessage = DefaultMaxMessage
	}
	if opts.Queue == 0 {
		opts.Queue = DefaultQueue
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		info: info, signer: signer, opts: opts, log: newThrottle(opts.Log), ctx: ctx, stop: stop,
		routers: map[Channel]*router{}, incoming: make(chan Incoming),
	}
	s.iopub = newPublisher()
	if err := s.bind(); err != nil {
		s.Close()
		return nil, err
	}
	for _, d := range s.doors {
		s.work.Go(func() { s.accept(d) })
	}
	return s, nil
}

// bind opens the doors.
func (s *Server) bind() error {
	ports := map[Channel]int{Shell: s.info.ShellPort, Control: s.info.ControlPort, Stdin: s.info.StdinPort}
	for _, channel := range []Channel{Shell, Control, Stdin} {
		r := newRouter()
		s.routers[channel] = r
		serve := func(p *peer) { s.serveRouter(r, p) }
		if err := s.open(&door{channel: channel, port: ports[channel], kind: routerSocket, serve: serve}); err != nil {
			return err
		}
	}
	if err := s.open(&door{channel: IOPub, port: s.info.IOPubPort, kind: pubSocket, serve: s.serveIOPub}); err != nil {
		return err
	}
	return s.open(&door{channel: Heartbeat, port: s.info.HBPort, kind: repSocket, serve: s.serveHeartbeat})
}

// Receive returns the requests and answers of the front ends, in order for each of their connections. Malformed and
// wrongly signed messages are logged and left out. While no goroutine receives, front ends wait. The channel is closed
// by Close.
func (s *Server) Receive() <-chan Incoming { return s.incoming }

// serveRouter receives from one peer of shell, control or stdin.
func (s *Server) serveRouter(r *router, p *peer) {
	r.join(p)
	defer r.leave(p)
	s.work.Go(func() { p.run(p.link) })
	for {
		frames, err := s.recv(p)
		if err != nil {
			return
		}
		message, envelope, err := s.decode(frames)
		if err != nil {
			s.log.printf("%s: a message from %s is refused: %s", p.channel, p.name, reason(err))
			continue
		}
		id := [][]byte{[]byte(p.id)}
		message.Identities = append(id, message.Identities...)
		envelope.Identities = message.Identities
		select {
		case s.incoming <- Incoming{Channel: p.channel, Message: message, Envelope: envelope}:
		case <-s.ctx.Done():
			return
		}
	}
}

// recv reads the next message that is not too large.
func (s *Server) recv(p *peer) ([][]byte, error) {
	for {
		frames, err := p.recv()
		tooLarge := new(tooLargeError)
		if !errors.As(err, &tooLarge) {
			return frames, err
		}
		s.log.printf("%s: a message from %s is refused: %d bytes, the limit is %d", p.channel, p.name,
			tooLarge.bytes, tooLarge.limit)
	}
}

// decode verifies a message and all of its JSON, because the program behind this server may be less careful.
func (s *Server) decode(frames [][]byte) (*Message, *Envelope, error) {
	message, envelope, err := decode(s.signer, frames)
	if err != nil {
		return nil, nil, err
	}
	for name, part := range map[string]json.RawMessage{"metadata": envelope.Metadata, "content": envelope.Content} {
		if !bytes.HasPrefix(bytes.TrimLeft(part, " \t\r\n"), []byte("{")) || !json.Valid(part) {
			return nil, nil, &FrameError{name + " is not a JSON object"}
		}
	}
	return message, envelope, nil
}

// reason returns an error's text for a line of the log that already starts with the package's name.
func reason(err error) string {
	signature, frame := new(SignatureError), new(FrameError)
	switch {
	case errors.As(err, &signature):
		return fmt.Sprintf("signature %.80q is not one by the key of this connection", signature.Got)
	case errors.As(err, &frame):
		return "not a Jupyter message: " + frame.Reason
	}
	return err.Error()
}

// Send sends frames unchanged to the front end whose routing id is frames[0], on Shell, Control or Stdin. As with
// ZeroMQ's router, a message to a front end that has left is dropped. It does not wait for the front end; the frames
// must not be changed afterwards.
func (s *Server) Send(channel Channel, frames [][]byte) error {
	r := s.routers[channel]
	if r == nil {
		return fmt.Errorf("jupyter: Send on channel %q, want shell, control or stdin", channel)
	}
	if len(frames) < 2 {
		return fmt.Errorf("jupyter: %s: Send of %d frames, want a routing id and a message", channel, len(frames))
	}
	r.send(frames)
	return nil
}

// Reply signs m and sends it to the front end that m.Identities name: see Message.Reply.
func (s *Server) Reply(channel Channel, m *Message) error {
	if len(m.Identities) == 0 {
		return fmt.Errorf("jupyter: %s: %s has no identities, so it has no receiver", channel, m.Header.MsgType)
	}
	frames, err := m.Encode(s.signer)
	if err != nil {
		return err
	}
	return s.Send(channel, frames)
}

// Publish sends frames unchanged, frames[0] being the topic, to all front ends that have subscribed to this topic. It
// never waits: a front end that does not read loses messages (see ServerOptions.Queue), and those that say busy or idle
// last. The frames must not be changed afterwards.
func (s *Server) Publish(frames [][]byte) { s.iopub.publish(frames) }

// PublishMessage signs m and publishes it. Its topic is m.Identities, or else its type.
func (s *Server) PublishMessage(m *Message) error {
	if len(m.Identities) == 0 {
		topical := *m
		topical.Identities = [][]byte{[]byte(m.Header.MsgType)}
		m = &topical
	}
	frames, err := m.Encode(s.signer)
	if err != nil {
		return err
	}
	s.Publish(frames)
	return nil
}

// Subscribers returns the number of front ends that listen to iopub.
func (s *Server) Subscribers() int { return s.iopub.subscribers() }

// Drain waits until all sent and published messages are written, at most for timeout.
func (s *Server) Drain(timeout time.Duration) {
	over := time.After(timeout)
	for _, o := range s.outboxes() {
		select {
		case <-o.whenEmpty():
		case <-over:
			return
		}
	}
}

func (s *Server) outboxes() []*outbox {
	all := s.iopub.outboxes()
	for _, r := range s.routers {
		all = append(all, r.outboxes()...)
	}
	return all
}

// Close closes the ports and all connections, and the channel of Receive. Messages that are not written yet are lost:
// see Drain.
func (s *Server) Close() error {
	var errs []error
	s.closing.Do(func() {
		s.stop()
		for _, d := range s.doors {
			errs = append(errs, d.listener.Close())
		}
		s.work.Wait()
		close(s.incoming)
	})
	return errors.Join(errs...)
}
