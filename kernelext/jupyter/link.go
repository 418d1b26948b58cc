package jupyter

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// maxFrames limits the frames of a message.
	maxFrames = 10_000
	// linkBuffer is the size in bytes of a link's buffers, one for each direction.
	linkBuffer = 64 << 10
	// trusted limits the bytes that are allocated on a peer's announcement; beyond it memory grows only with received
	// bytes.
	trusted = 1 << 20
)

// link is one end of a ZeroMQ connection. One goroutine may receive while others send.
type link struct {
	channel Channel
	net     net.Conn
	in      *bufio.Reader
	limit   int64         // longest message in bytes that is kept
	timeout time.Duration // limits the time of a send; 0 means no limit

	sending sync.Mutex // held for one message
	out     *bufio.Writer
}

// tooLargeError reports that a message was read and dropped.
type tooLargeError struct {
	channel      Channel
	bytes, limit int64
}

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("jupyter: %s: a message of %d bytes was dropped, the limit is %d", e.channel, e.bytes, e.limit)
}

// newLink prepares a link; the handshake comes next.
func newLink(channel Channel, conn net.Conn, limit int64) *link {
	return &link{
		channel: channel, net: conn, limit: limit,
		in: bufio.NewReaderSize(conn, linkBuffer), out: bufio.NewWriterSize(conn, linkBuffer),
	}
}

// open performs the handshake, which ends with ctx, and returns the identity of the other end. After an error the
// connection is closed.
func (l *link) open(ctx context.Context, kind, identity string) (peer string, err error) {
	stop := context.AfterFunc(ctx, func() { l.net.SetDeadline(time.Unix(1, 0)) })
	peer, err = l.handshake(kind, identity)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		l.net.Close()
		return "", fmt.Errorf("jupyter: %s channel: %w", l.channel, err)
	}
	return peer, nil
}

// send writes one message. After an error the link is closed, because half a message may have been sent.
func (l *link) send(frames [][]byte) error { return l.write(frames, true) }

// write is send, except that the message can be left in the buffer for a later flush.
func (l *link) write(frames [][]byte, flush bool) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	l.setDeadline()
	for i, frame := range frames {
		flags := byte(0)
		if i < len(frames)-1 {
			flags = flagMore
		}
		if err := l.writeFrame(flags, frame); err != nil {
			return l.broken(err)
		}
	}
	if !flush {
		return nil
	}
	return l.broken(l.out.Flush())
}

func (l *link) setDeadline() {
	if l.timeout > 0 {
		l.net.SetWriteDeadline(time.Now().Add(l.timeout))
	}
}

func (l *link) broken(err error) error {
	if err == nil {
		return nil
	}
	l.net.Close()
	return fmt.Errorf("jupyter: %s: sending: %w", l.channel, err)
}

// flush sends the bytes in the buffer.
func (l *link) flush() error {
	l.sending.Lock()
	defer l.sending.Unlock()
	l.setDeadline()
	return l.broken(l.out.Flush())
}

func (l *link) writeFrame(flags byte, body []byte) error {
	var err error
	if len(body) > 255 {
		var header [9]byte
		header[0] = flags | flagLong
		binary.BigEndian.PutUint64(header[1:], uint64(len(body)))
		_, err = l.out.Write(header[:])
	} else {
		_, err = l.out.Write([]byte{flags, byte(len(body))})
	}
	if err != nil {
		return err
	}
	_, err = l.out.Write(body)
	return err
}

// recv reads the next message. Newer peers send a subscription as a command; recv returns it in the older form, a frame
// that starts with 1 (or 0, its end). After a *tooLargeError the link can be used for the next message.
func (l *link) recv() ([][]byte, error) {
	var frames [][]byte
	total := int64(0)
	for {
		flags, size, err := l.frameHeader()
		if err != nil {
			return nil, fmt.Errorf("jupyter: %s: %w", l.channel, err)
		}
		if flags&flagCommand != 0 {
			subscription, err := l.command(size)
			if err != nil {
				return nil, fmt.Errorf("jupyter: %s: %w", l.channel, err)
			}
			if subscription != nil && len(frames) == 0 {
				return subscription, nil
			}
			continue
		}
		total = addSizes(total, size)
		body, err := l.frameBody(size, total <= l.limit && len(frames) < maxFrames)
		if err != nil {
			return nil, fmt.Errorf("jupyter: %s: %w", l.channel, err)
		}
		if body != nil {
			frames = append(frames, body)
		}
		if flags&flagMore != 0 {
			continue
		}
		if total > l.limit || len(frames) >= maxFrames {
			return nil, &tooLargeError{channel: l.channel, bytes: total, limit: l.limit}
		}
		return frames, nil
	}
}

// addSizes adds sizes without overflow.
func addSizes(a, b int64) int64 {
	if sum := a + b; sum >= 0 {
		return sum
	}
	return 1<<63 - 1
}

func (l *link) frameHeader() (flags byte, size int64, err error) {
	var header [9]byte
	if _, err := io.ReadFull(l.in, header[:2]); err != nil {
		return 0, 0, err
	}
	flags = header[0]
	switch {
	case flags&^(flagMore|flagLong|flagCommand) != 0, flags&flagCommand != 0 && flags&flagMore != 0:
		return 0, 0, fmt.Errorf("a frame with the flags %#x", flags)
	case flags&flagLong == 0:
		return flags, int64(header[1]), nil
	}
	if _, err := io.ReadFull(l.in, header[2:]); err != nil {
		return 0, 0, noEOF(err)
	}
	size = int64(binary.BigEndian.Uint64(header[1:]))
	if size < 0 {
		return 0, 0, fmt.Errorf("a frame of %d bytes", uint64(size))
	}
	return flags, size, nil
}

// frameBody reads a frame. If the frame is not to be kept, it skips the bytes and returns nil.
func (l *link) frameBody(size int64, keep bool) ([]byte, error) {
	if !keep {
		_, err := io.CopyN(io.Discard, l.in, size)
		return nil, noEOF(err)
	}
	if size <= trusted {
		body := make([]byte, size)
		_, err := io.ReadFull(l.in, body)
		return body, noEOF(err)
	}
	body := bytes.NewBuffer(make([]byte, 0, trusted))
	_, err := io.CopyN(body, l.in, size)
	return body.Bytes(), noEOF(err)
}

// noEOF distinguishes the end of a connection within a frame from its end between two frames.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (l *link) commandBody(size int64) ([]byte, error) {
	if size > maxCommand {
		return nil, fmt.Errorf("a command of %d bytes, want at most %d", size, maxCommand)
	}
	return l.frameBody(size, true)
}

// command answers a ping, which libzmq sends if its heartbeats are on. It returns a subscription as the message that it
// would be in ZMTP 3.0. Other commands need no answer.
func (l *link) command(size int64) (subscription [][]byte, err error) {
	body, err := l.commandBody(size)
	if err != nil {
		return nil, err
	}
	const ttl = 2 // bytes of the time to live, before the context that the echo carries
	switch name, data := splitCommand(body); {
	case name == "PING" && len(data) >= ttl:
		l.pong(data[ttl:])
	case name == "SUBSCRIBE":
		return [][]byte{append([]byte{1}, data...)}, nil
	case name == "CANCEL":
		return [][]byte{append([]byte{0}, data...)}, nil
	}
	return nil, nil
}

func (l *link) pong(echo []byte) {
	l.sending.Lock()
	defer l.sending.Unlock()
	l.setDeadline()
	if l.writeFrame(flagCommand, append([]byte("\x04PONG"), echo...)) == nil {
		l.out.Flush() // a failure shows at the next read
	}
}

// close ends a recv in progress.
func (l *link) close() error { return l.net.Close() }
