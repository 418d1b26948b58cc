package jupyter

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// Flags of a ZMTP 3 frame, https://rfc.zeromq.org/spec/23/.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

const (
	// dialPause is the time between two tries while the kernel does not listen yet.
	dialPause = 20 * time.Millisecond
	// sendTimeout bounds a send to a kernel that has stopped reading.
	sendTimeout = 10 * time.Second
	// maxFrames bounds a message of many tiny frames.
	maxFrames = 10_000
)

// channel is one ZeroMQ connection from a client to a kernel.
//
// Handshake and sending are zmq4's; frames are read here, since zmq4's sockets allocate whatever length a peer
// announces, and keep a goroutine for ever when nobody reads on.
type channel struct {
	name    string
	net     net.Conn
	in      *bufio.Reader
	zmq     *zmq4.Conn
	limit   int64 // bytes of one message that are kept
	sending sync.Mutex
}

// tooLargeError says that a message was read and thrown away.
type tooLargeError struct {
	channel      string
	bytes, limit int64
}

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("jupyter: %s: a message of %d bytes was thrown away, the limit is %d", e.channel, e.bytes, e.limit)
}

// dialer opens channels with the same identity and limit.
type dialer struct {
	info     *ConnectionInfo
	identity string
	limit    int64
}

// dial connects, trying again while nothing listens there yet, until ctx ends.
func (d *dialer) dial(ctx context.Context, name string, port int, kind zmq4.SocketType) (*channel, error) {
	network, address := d.info.dialAddress(port)
	for {
		conn, err := dialOther(ctx, network, address)
		if err == nil {
			return d.open(ctx, name, conn, kind)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("jupyter: %s channel at %s: %w", name, address, context.Cause(ctx))
		case <-time.After(dialPause):
		}
	}
}

// dialOther dials and refuses to reach itself: a connection to a local port on which nobody listens succeeds when the
// system happens to choose that port for this end, and the kernel could then not bind it.
func dialOther(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if network == "tcp" && conn.LocalAddr().String() == conn.RemoteAddr().String() {
		conn.Close()
		return nil, errors.New("nothing listens there")
	}
	return conn, nil
}

// open performs the handshake, which ends with ctx.
func (d *dialer) open(ctx context.Context, name string, conn net.Conn, kind zmq4.SocketType) (*channel, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	zmq, err := zmq4.Open(conn, null.Security(), kind, zmq4.SocketIdentity(d.identity), false, nil)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("jupyter: %s channel: %w", name, err)
	}
	return &channel{name: name, net: conn, in: bufio.NewReaderSize(conn, 64<<10), zmq: zmq, limit: d.limit}, nil
}

// send writes one message.
func (c *channel) send(frames [][]byte) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.net.SetWriteDeadline(time.Now().Add(sendTimeout))
	if err := c.zmq.SendMsg(zmq4.NewMsgFrom(frames...)); err != nil {
		return fmt.Errorf("jupyter: %s: sending: %w", c.name, err)
	}
	return nil
}

// recv reads the next message. After a *tooLargeError the channel is good for the next one.
func (c *channel) recv() ([][]byte, error) {
	var frames [][]byte
	total := int64(0)
	for {
		flags, size, err := c.frameHeader()
		if err != nil {
			return nil, fmt.Errorf("jupyter: %s: %w", c.name, err)
		}
		if flags&flagCommand == 0 {
			total += size
		}
		body, err := c.frameBody(size, total <= c.limit && len(frames) < maxFrames)
		if err != nil {
			return nil, fmt.Errorf("jupyter: %s: %w", c.name, err)
		}
		if flags&flagCommand != 0 {
			c.command(body)
			continue
		}
		if body != nil {
			frames = append(frames, body)
		}
		if flags&flagMore != 0 {
			continue
		}
		if total > c.limit || len(frames) >= maxFrames {
			return nil, &tooLargeError{channel: c.name, bytes: total, limit: c.limit}
		}
		return frames, nil
	}
}

func (c *channel) frameHeader() (flags byte, size int64, err error) {
	var header [9]byte
	if _, err := io.ReadFull(c.in, header[:2]); err != nil {
		return 0, 0, err
	}
	flags = header[0]
	if flags&flagLong == 0 {
		return flags, int64(header[1]), nil
	}
	if _, err := io.ReadFull(c.in, header[2:]); err != nil {
		return 0, 0, err
	}
	size = int64(binary.BigEndian.Uint64(header[1:]))
	if size < 0 {
		return 0, 0, fmt.Errorf("a frame of %d bytes", uint64(size))
	}
	return flags, size, nil
}

// frameBody reads a frame, or reads over it and returns nil when it is not to be kept.
func (c *channel) frameBody(size int64, keep bool) ([]byte, error) {
	if !keep {
		_, err := io.CopyN(io.Discard, c.in, size)
		return nil, err
	}
	body := make([]byte, size)
	_, err := io.ReadFull(c.in, body)
	return body, err
}

// command answers a ping, which libzmq sends where heartbeats are on; other commands need nothing.
func (c *channel) command(body []byte) {
	const ping, ttl = "\x04PING", 2
	if len(body) < len(ping)+ttl || string(body[:len(ping)]) != ping {
		return
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	c.net.SetWriteDeadline(time.Now().Add(sendTimeout))
	c.zmq.SendCmd("PONG", body[len(ping)+ttl:]) // a failure shows at the next read
}

// close ends a recv in progress.
func (c *channel) close() error { return c.net.Close() }
