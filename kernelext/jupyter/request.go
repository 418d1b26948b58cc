package jupyter

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Handler receives the messages that a request causes, except its reply: those of iopub in their order, and
// input_request from stdin. It is called for one message at a time and must not block or wait for the request.
type Handler func(*Message)

// Request is a request that was sent to a kernel.
type Request struct {
	// ID is the msg_id of the request.
	ID string

	client   *Client
	msgType  string
	needIdle bool
	activity chan struct{} // receives a value, if empty, at each message

	mu      sync.Mutex // held while handler runs
	handler Handler
	reply   *Message
	idle    bool
	lost    int64
}

// NoReplyError reports that a kernel finished a request without a reply: it does not know that request.
type NoReplyError struct{ MsgType string }

// Error names the request.
func (e *NoReplyError) Error() string {
	return fmt.Sprintf("jupyter: the kernel is idle and has not answered %s", e.MsgType)
}

// NoIdleError reports that a kernel answered a request and then did not send its idle state: outputs may be missing.
type NoIdleError struct{ MsgType string }

// Error names the request.
func (e *NoIdleError) Error() string {
	return fmt.Sprintf("jupyter: the kernel answered %s and did not become idle: outputs may be missing", e.MsgType)
}

// Wait waits for the end of the request: its reply, and on iopub the kernel's idle state. By then the handler has
// received all messages. Errors: the context's, the Client's (see Client.Err), *NoReplyError, and *NoIdleError together
// with the reply. After an error of the context, Wait may be called again.
func (r *Request) Wait(ctx context.Context) (*Message, error) {
	for {
		replied, idle := r.state()
		if replied != nil && idle {
			return replied, nil
		}
		var settle <-chan time.Time
		if replied != nil || idle {
			settle = time.After(r.client.settle)
		}
		select {
		case <-r.activity:
		case <-settle:
			return r.halfDone()
		case <-ctx.Done():
			return nil, fmt.Errorf("jupyter: waiting for the end of %s: %w", r.msgType, context.Cause(ctx))
		case <-r.client.done:
			if replied, idle := r.state(); replied != nil && idle {
				return replied, nil
			}
			return nil, r.client.Err()
		}
	}
}

func (r *Request) state() (reply *Message, idle bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reply, r.idle || !r.needIdle
}

func (r *Request) halfDone() (*Message, error) {
	reply, idle := r.state()
	switch {
	case reply == nil:
		return nil, &NoReplyError{MsgType: r.msgType}
	case !idle:
		return reply, &NoIdleError{MsgType: r.msgType}
	}
	return reply, nil
}

// Forget ends the request on this side: after it returns, the handler does not run and is not called any more.
func (r *Request) Forget() {
	r.client.mu.Lock()
	delete(r.client.pending, r.ID)
	r.client.mu.Unlock()
	r.mu.Lock()
	r.handler = nil
	r.mu.Unlock()
}

// Lost returns the number of bytes in messages that were dropped during the request because they were longer than
// ClientOptions.MaxMessage.
func (r *Request) Lost() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

// deliver passes a message to the request.
func (r *Request) deliver(m *Message, isReply bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case isReply:
		r.reply = m
	case m.Header.MsgType == "status":
		var status Status
		if m.Decode(&status) == nil && status.ExecutionState == "idle" {
			r.idle = true
		}
	}
	if r.handler != nil && !isReply {
		r.handler(m)
	}
	r.stir()
}

func (r *Request) addLost(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost += bytes
	r.stir()
}

// stir wakes Wait.
func (r *Request) stir() {
	select {
	case r.activity <- struct{}{}:
	default:
	}
}
