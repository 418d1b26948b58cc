package jupyter

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errKernelEnded is the cause if only the end of the kernel's process is known.
var errKernelEnded = errors.New("jupyter: the kernel has ended")

// RawMessage is a message as received from a kernel.
type RawMessage struct {
	// Channel is Shell, Control, Stdin or IOPub.
	Channel Channel
	// Frames are those of the message: on IOPub with its topic, on the others without routing id.
	Frames [][]byte
	// Lost is the size in bytes of a dropped message, which was longer than DefaultMaxMessage; Frames is nil then.
	Lost int64
}

// Raw is a front end's side of the five channels that passes messages on unchanged and checks no signature. It is for a
// program between front ends and a kernel. Its methods may be called from several goroutines.
type Raw struct {
	*links
	incoming chan RawMessage
	closing  chan struct{}
	once     sync.Once
	readers  sync.WaitGroup

	mu  sync.Mutex
	err error
}

// DialRaw connects to a kernel's five ports and subscribes to all of iopub. It waits until the kernel listens, ctx
// ends, or dead, which may be nil, is closed. A subscription takes effect some time later: see Client.Ready.
func DialRaw(ctx context.Context, info *ConnectionInfo, dead <-chan struct{}, identity string) (*Raw, error) {
	d := &dialer{info: info, identity: identity, limit: DefaultMaxMessage}
	links, err := d.dialAll(ctx, dead, func() error { return errKernelEnded })
	if err != nil {
		return nil, err
	}
	r := &Raw{links: links, incoming: make(chan RawMessage), closing: make(chan struct{})}
	for _, l := range []*link{r.shell, r.control, r.stdin, r.iopub} {
		r.readers.Go(func() { r.read(l) })
	}
	go func() {
		r.readers.Wait()
		close(r.incoming)
	}()
	return r, nil
}

// read passes on the messages of one channel.
func (r *Raw) read(l *link) {
	for {
		m := RawMessage{Channel: l.channel}
		frames, err := l.recv()
		if tooLarge := new(tooLargeError); errors.As(err, &tooLarge) {
			m.Lost = tooLarge.bytes
		} else if err != nil {
			select {
			case <-r.closing:
			default:
				r.fail(err)
			}
			return
		}
		m.Frames = frames
		select {
		case r.incoming <- m:
		case <-r.closing:
			return
		}
	}
}

// fail keeps the first error. The loss of one channel ends all, after some time for the remaining messages of a kernel
// that has ended.
func (r *Raw) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = &LostError{Cause: err}
		time.AfterFunc(lastWords, func() { r.links.close() })
	}
}

// Send sends a message on Shell, Control or Stdin. It waits for a kernel that does not read, some seconds at most.
func (r *Raw) Send(channel Channel, frames [][]byte) error {
	switch channel {
	case Shell:
		return r.shell.send(frames)
	case Control:
		return r.control.send(frames)
	case Stdin:
		return r.stdin.send(frames)
	}
	return errors.New("jupyter: Send on channel " + string(channel) + ", want shell, control or stdin")
}

// Receive returns the kernel's messages, in order for each channel. It is closed soon after a channel is lost, mostly
// because the kernel has ended, or by Close.
func (r *Raw) Receive() <-chan RawMessage { return r.incoming }

// Err returns the reason why Receive was closed: a *LostError, or nil if Close came first.
func (r *Raw) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Ping sends a heartbeat and waits for its echo, until ctx ends.
func (r *Raw) Ping(ctx context.Context) error { return r.heartbeat.ping(ctx) }

// Close ends the connection; the kernel continues.
func (r *Raw) Close() error {
	var err error
	r.once.Do(func() {
		close(r.closing)
		err = r.links.close()
		r.readers.Wait()
	})
	return err
}
