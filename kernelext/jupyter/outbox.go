package jupyter

import (
	"fmt"
	"sync"
)

// statusReserve is the number of bytes by which messages that say busy or idle may exceed a full outbox: a front end
// that misses one shows a kernel that works for ever.
const statusReserve = 4 << 20

// outbox holds the messages that wait to be written to one peer, so that a sender never waits for a peer that does not
// read. Its size in bytes is limited; further messages are lost, as with ZeroMQ's own sockets.
type outbox struct {
	limit int64
	tell  func(format string, args ...any) // called when the loss starts, and when it has ended

	mu      sync.Mutex
	arrived sync.Cond // condition on mu
	queue   [][][]byte
	bytes   int64 // size of queue and of the messages being written
	lost    struct{ messages, bytes int64 }
	closed  bool
	empty   []chan struct{} // closed when bytes is 0 again
}

func newOutbox(limit int64, tell func(format string, args ...any)) *outbox {
	o := &outbox{limit: limit, tell: tell}
	o.arrived.L = &o.mu
	return o
}

// cost returns the approximate memory of a waiting message in bytes.
func cost(frames [][]byte) int64 {
	const slice = 24
	size := int64(2 * slice)
	for _, frame := range frames {
		size += slice + int64(len(frame))
	}
	return size
}

// put appends a message, or drops it. The frames must not be changed afterwards.
func (o *outbox) put(frames [][]byte) {
	size := cost(frames)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	if o.bytes > 0 && o.bytes+size > o.limit && !o.takesStatus(frames, size) {
		o.lose(size)
		return
	}
	o.bytes += size
	o.queue = append(o.queue, frames)
	if len(o.queue) == 1 {
		o.arrived.Signal()
	}
}

func (o *outbox) takesStatus(frames [][]byte, size int64) bool {
	return o.bytes+size <= o.limit+statusReserve && isStatus(frames)
}

func (o *outbox) lose(size int64) {
	if o.lost.messages == 0 {
		o.tell("does not read: %d MB wait, messages to it are lost until it does", o.bytes>>20)
	}
	o.lost.messages++
	o.lost.bytes += size
}

// run writes the messages until the link fails or the outbox is closed.
func (o *outbox) run(l *link) {
	defer o.close()
	for {
		batch := o.take()
		if batch == nil {
			return
		}
		unwritten := int64(0)
		for i, frames := range batch {
			if l.write(frames, false) != nil {
				return
			}
			batch[i] = nil // it may be large, and the batch long
			if unwritten += cost(frames); unwritten >= linkBuffer && i < len(batch)-1 {
				o.wrote(unwritten)
				unwritten = 0
			}
		}
		if l.flush() != nil {
			return
		}
		o.wrote(unwritten)
	}
}

// take waits for messages and removes all of them; nil means that the outbox is closed.
func (o *outbox) take() [][][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 && !o.closed {
		o.arrived.Wait()
	}
	if o.closed {
		return nil
	}
	batch := o.queue
	o.queue = nil
	return batch
}

// wrote removes written messages from the count.
func (o *outbox) wrote(size int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= size
	if o.lost.messages > 0 && o.bytes < o.limit/2 {
		o.tell("reads again: %d messages (%s) to it were lost", o.lost.messages, megabytes(o.lost.bytes))
		o.lost.messages, o.lost.bytes = 0, 0
	}
	if o.bytes == 0 {
		o.wake()
	}
}

// wake ends the waiting for an empty outbox. The lock is held.
func (o *outbox) wake() {
	for _, waiting := range o.empty {
		close(waiting)
	}
	o.empty = nil
}

// whenEmpty returns a channel that is closed when all messages are written, or the outbox is closed.
func (o *outbox) whenEmpty() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	waiting := make(chan struct{})
	if o.bytes == 0 || o.closed {
		close(waiting)
	} else {
		o.empty = append(o.empty, waiting)
	}
	return waiting
}

// close ends run and drops the waiting messages.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.queue = true, nil
	o.wake()
	o.arrived.Broadcast()
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20)) }
