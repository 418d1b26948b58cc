package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// tellTime limits the time that Tell waits for a kernel that does not read.
const tellTime = 100 * time.Millisecond

// Conn is a connection to the kernel. Its methods may be called from several goroutines at once; a Tell does not wait
// for the answer of an Ask.
type Conn struct {
	wire    *wire
	asking  sync.Mutex // one question at a time
	writing sync.Mutex
	broken  error // guarded by writing: set after a line was cut off, when nothing more can be sent
}

// Dial connects to the kernel that LECTURE_KERNEL_SOCKET names. Without a kernel the error is ErrAbsent. If no program
// listens there, it wraps syscall.ECONNREFUSED or fs.ErrNotExist.
func Dial() (*Conn, error) {
	path := os.Getenv(SocketVariable)
	if path == "" {
		return nil, ErrAbsent
	}
	socket, err := dialSocket(path)
	if err != nil {
		return nil, fmt.Errorf("agent: %s: %w", SocketVariable, err)
	}
	return &Conn{wire: &wire{socket: socket}}, nil
}

// Close closes the connection. An Ask in progress then fails.
func (c *Conn) Close() error { return c.wire.socket.Close() }

// Tell sends a request that has no answer. It returns within about 100 ms even if the kernel does not read; after such
// an error the connection cannot be used any more.
func (c *Conn) Tell(r Request) error {
	return c.say(r, time.Now().Add(tellTime))
}

// Ask sends a request and waits for its answer without a time limit: until the kernel answers or closes the connection.
// The files that came with the answer belong to the caller; they are closed on exec.
func (c *Conn) Ask(r Request) (Reply, []*os.File, error) {
	c.asking.Lock()
	defer c.asking.Unlock()
	if err := c.say(r, time.Time{}); err != nil {
		return Reply{}, nil, err
	}
	line, files, err := c.wire.readLine()
	if err != nil {
		return Reply{}, nil, fmt.Errorf("agent: answer to %q: %w", r.Op, err)
	}
	var reply Reply
	if err := json.Unmarshal(line, &reply); err != nil {
		closeAll(files)
		return Reply{}, nil, fmt.Errorf("agent: answer to %q: %w", r.Op, err)
	}
	return reply, files, nil
}

func (c *Conn) say(r Request, deadline time.Time) error {
	if r.PID == 0 {
		r.PID = os.Getpid()
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("agent: request %q: %w", r.Op, err)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.broken != nil {
		return c.broken
	}
	c.wire.socket.SetWriteDeadline(deadline)
	if err := send(c.wire.socket, append(line, '\n'), nil); err != nil {
		c.broken = fmt.Errorf("agent: request %q: %w", r.Op, err)
		return c.broken
	}
	return nil
}
