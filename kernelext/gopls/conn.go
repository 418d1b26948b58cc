package gopls

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// errGone reports that gopls has ended, or its pipes have.
var errGone = errors.New("gopls: it has ended")

// queued is the number of writes that may wait for gopls to read them. gopls reads at once; one that does not is stuck.
const queued = 64

// message is a request, a notification or an answer of JSON-RPC 2.0.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *answerError    `json:"error,omitempty"`
}

// answerError is the error in an answer.
type answerError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *answerError) Error() string { return fmt.Sprintf("gopls: %s (%d)", e.Message, e.Code) }

// conn carries messages to and from one gopls. Only call and await wait for gopls.
type conn struct {
	out  io.WriteCloser
	sent chan []byte
	gone chan struct{} // closed when gopls has stopped writing
	log  func(string)

	mu    sync.Mutex
	next  int64
	calls map[int64]chan message
}

// newConn starts reading and writing. Both end when gopls closes its end or close is called.
func newConn(out io.WriteCloser, in io.Reader, log func(string)) *conn {
	c := &conn{out: out, sent: make(chan []byte, queued), gone: make(chan struct{}), log: log,
		calls: map[int64]chan message{}}
	go c.write()
	go func() {
		c.read(bufio.NewReader(in))
		close(c.gone)
		_, _ = io.Copy(io.Discard, in) // read to the end, which closes it
	}()
	return c
}

// write writes queued bytes to the pipe, which blocks when gopls does not read.
func (c *conn) write() {
	defer c.out.Close()
	for {
		select {
		case b := <-c.sent:
			if _, err := c.out.Write(b); err != nil {
				return
			}
		case <-c.gone:
			return
		}
	}
}

func (c *conn) read(in *bufio.Reader) {
	for {
		body, err := readFrame(in)
		if err != nil {
			if err != io.EOF {
				c.log(err.Error())
			}
			return
		}
		var m message
		if err := json.Unmarshal(body, &m); err != nil {
			c.log(fmt.Sprintf("gopls: a message that is not JSON-RPC: %v", err))
			return
		}
		c.take(m)
	}
}

// take passes an answer to its call. Requests of gopls are answered with null, which means yes for each request that
// gopls makes of a client with these capabilities. Notifications are dropped, except errors for the user.
func (c *conn) take(m message) {
	switch {
	case m.Method != "" && m.ID != nil:
		_ = c.send(message{ID: m.ID, Result: json.RawMessage("null")}) // without the answer gopls waits, and this process does not
	case m.Method == "window/showMessage":
		c.show(m.Params)
	case m.Method == "" && m.ID != nil:
		c.answer(m)
	}
}

func (c *conn) answer(m message) {
	var id int64
	if json.Unmarshal(m.ID, &id) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if call, ok := c.calls[id]; ok {
		delete(c.calls, id)
		call <- m
	}
}

func (c *conn) show(params json.RawMessage) {
	var p struct {
		Type    int    `json:"type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(params, &p) == nil && p.Type == 1 {
		c.log("gopls: " + p.Message)
	}
}

// encode returns the bytes of a message.
func (m message) encode() ([]byte, error) {
	m.Version = "2.0"
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return appendFrame(nil, body), nil
}

// notification returns the bytes of a message that has no answer.
func notification(method string, params any) ([]byte, error) {
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, fmt.Errorf("gopls: %s: %w", method, err)
	}
	return message{Method: method, Params: raw}.encode()
}

func (c *conn) send(m message) error {
	b, err := m.encode()
	if err != nil {
		return err
	}
	return c.put(b)
}

// put queues bytes, one or more whole messages that are sent together or not at all.
func (c *conn) put(b []byte) error {
	select {
	case <-c.gone:
		return errGone
	default:
	}
	select {
	case c.sent <- b:
		return nil
	default:
		return fmt.Errorf("%w: it reads nothing", errNotReady)
	}
}

// notify sends a message that has no answer.
func (c *conn) notify(method string, params any) error {
	b, err := notification(method, params)
	if err != nil {
		return err
	}
	return c.put(b)
}

// call is a question in progress.
type call struct {
	id     int64
	answer chan message
}

// start sends a question, after the messages in first.
func (c *conn) start(first []byte, method string, params any) (call, error) {
	raw, err := json.Marshal(params)
	if err != nil {
		return call{}, fmt.Errorf("gopls: %s: %w", method, err)
	}
	c.mu.Lock()
	c.next++
	q := call{c.next, make(chan message, 1)}
	c.calls[q.id] = q.answer
	c.mu.Unlock()
	b, err := message{ID: fmt.Append(nil, q.id), Method: method, Params: raw}.encode()
	if err == nil {
		err = c.put(append(first, b...))
	}
	if err != nil {
		c.forget(q)
	}
	return q, err
}

// await decodes the answer into result. When ctx ends first, the question stays in progress.
func (c *conn) await(ctx context.Context, q call, result any) error {
	select {
	case m := <-q.answer:
		return m.decode(result)
	default:
	}
	select {
	case m := <-q.answer:
		return m.decode(result)
	case <-c.gone:
		return errGone
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (m message) decode(result any) error {
	if m.Error != nil {
		return m.Error
	}
	if err := json.Unmarshal(m.Result, result); err != nil {
		return fmt.Errorf("gopls: answer: %w", err)
	}
	return nil
}

// cancel sends gopls a message that the answer is no longer needed.
func (c *conn) cancel(q call) {
	if c.forget(q) {
		_ = c.notify("$/cancelRequest", map[string]int64{"id": q.id}) // it only saves gopls work
	}
}

// forget drops a call and reports whether it was in progress.
func (c *conn) forget(q call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, found := c.calls[q.id]
	delete(c.calls, q.id)
	return found
}

// ask combines start and await.
func (c *conn) ask(ctx context.Context, method string, params, result any) error {
	q, err := c.start(nil, method, params)
	if err != nil {
		return err
	}
	return c.await(ctx, q, result)
}
