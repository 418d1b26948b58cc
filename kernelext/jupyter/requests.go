package jupyter

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// firstReady limits the first kernel_info_request; after that it is sent again. The time doubles with each request.
	firstReady = 300 * time.Millisecond
	maxReady   = 10 * time.Second
)

// Send sends a request on the shell channel. handler may be nil.
func (c *Client) Send(msgType string, content any, handler Handler) (*Request, error) {
	return c.send(c.shell, msgType, content, handler, true)
}

// sendControl sends a request on the control channel. The request ends with its reply, because not all kernels send
// busy and idle for this channel.
func (c *Client) sendControl(msgType string, content any, handler Handler) (*Request, error) {
	return c.send(c.control, msgType, content, handler, false)
}

func (c *Client) send(ch *link, msgType string, content any, handler Handler, needIdle bool) (*Request, error) {
	m, err := NewMessage(msgType, c.session, content)
	if err != nil {
		return nil, err
	}
	frames, err := m.Encode(c.signer)
	if err != nil {
		return nil, err
	}
	r := &Request{
		ID: m.Header.MsgID, client: c, msgType: msgType, needIdle: needIdle,
		activity: make(chan struct{}, 1), handler: handler,
	}
	c.mu.Lock()
	err = c.err
	if err == nil {
		c.pending[r.ID] = r
	}
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if err := ch.send(frames); err != nil {
		r.Forget()
		return nil, c.orDeath(err)
	}
	return r, nil
}

// orDeath waits some time for the reason why a send failed: mostly the kernel has just died.
func (c *Client) orDeath(err error) error {
	select {
	case <-c.done:
		return c.Err()
	case <-time.After(deathNotice + 2*lastWords):
		return err
	}
}

// ask sends a request, waits for its end and reads the reply's content into value.
func (c *Client) ask(ctx context.Context, send func() (*Request, error), value any) error {
	r, err := send()
	if err != nil {
		return err
	}
	defer r.Forget()
	reply, err := r.Wait(ctx)
	if err != nil {
		return err
	}
	return reply.Decode(value)
}

func (c *Client) askShell(ctx context.Context, msgType string, content, value any) error {
	return c.ask(ctx, func() (*Request, error) { return c.Send(msgType, content, nil) }, value)
}

func (c *Client) askControl(ctx context.Context, msgType string, content, value any) error {
	return c.ask(ctx, func() (*Request, error) { return c.sendControl(msgType, content, nil) }, value)
}

// Ready waits until the kernel answers and its iopub messages arrive. It asks for kernel_info until it has seen the
// idle state of one request. A subscription takes effect some time after it was sent, and earlier outputs would be
// lost.
func (c *Client) Ready(ctx context.Context) (*KernelInfo, error) {
	for patience := firstReady; ; patience = min(2*patience, maxReady) {
		info := &KernelInfo{}
		try, cancel := context.WithTimeout(ctx, patience)
		err := c.askShell(try, "kernel_info_request", struct{}{}, info)
		cancel()
		noIdle := new(NoIdleError)
		switch {
		case err == nil:
			return info, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("jupyter: the kernel does not get ready: %w", context.Cause(ctx))
		case !errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &noIdle):
			return nil, err
		}
	}
}

// KernelInfo requests kernel_info.
func (c *Client) KernelInfo(ctx context.Context) (*KernelInfo, error) {
	info := &KernelInfo{}
	return info, c.askShell(ctx, "kernel_info_request", struct{}{}, info)
}

// SendExecute sends code for execution and does not wait. handler receives the outputs.
func (c *Client) SendExecute(request ExecuteRequest, handler Handler) (*Request, error) {
	if request.UserExpressions == nil {
		request.UserExpressions = map[string]string{} // null is not an object
	}
	return c.Send("execute_request", request, handler)
}

// Execute runs code and waits for its end. handler receives the outputs. It is not an error if the code fails: see the
// reply's Status.
func (c *Client) Execute(ctx context.Context, request ExecuteRequest, handler Handler) (*ExecuteReply, error) {
	reply := &ExecuteReply{}
	send := func() (*Request, error) { return c.SendExecute(request, handler) }
	if err := c.ask(ctx, send, reply); err != nil {
		return nil, err
	}
	return reply, nil
}

// Complete asks for possible continuations of the code at the cursor.
func (c *Client) Complete(ctx context.Context, request CompleteRequest) (*CompleteReply, error) {
	reply := &CompleteReply{}
	return reply, c.askShell(ctx, "complete_request", request, reply)
}

// Inspect asks for the documentation of the name at the cursor.
func (c *Client) Inspect(ctx context.Context, request InspectRequest) (*InspectReply, error) {
	reply := &InspectReply{}
	return reply, c.askShell(ctx, "inspect_request", request, reply)
}

// InterruptMessage sends an interrupt_request and waits for its reply. Kernel.Interrupt chooses between this and the
// signal.
func (c *Client) InterruptMessage(ctx context.Context) error {
	return c.askControl(ctx, "interrupt_request", struct{}{}, &Status{})
}

// ShutdownMessage sends a shutdown_request and waits for its reply or for the kernel's end.
func (c *Client) ShutdownMessage(ctx context.Context, restart bool) error {
	err := c.askControl(ctx, "shutdown_request", ShutdownContent{Restart: restart}, &ShutdownContent{})
	exit, lost := new(ExitError), new(LostError)
	if errors.As(err, &exit) || errors.As(err, &lost) {
		return nil
	}
	return err
}
