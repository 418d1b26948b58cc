package jupyter

import (
	"fmt"
	"sync"
)

// statusReserve is how many bytes a full outbox still takes of messages that say busy or idle: a front end that misses
// one shows a kernel that works for ever.
const statusReserve = 4 << 20

// outbox holds the messages that wait to be written to one peer, so that whoever sends never waits for a peer that does
// not read. It is bounded in bytes; what is beyond is lost, as it is with ZeroMQ's own sockets.
type outbox struct {
	limit int64
	tell  func(format string, args ...any) // gets a line when the loss begins, and when it has ended

	mu      sync.Mutex
	arrived sync.Cond // of mu
	queue   [][][]byte
	bytes   int64 // of queue and of what is being written
	lost    struct{ messages, bytes int64 }
	closed  bool
	empty   []chan struct{} // closed when bytes is 0 again
}

func newOutbox(limit int64, tell func(format string, args ...any)) *outbox {
	o := &outbox{limit: limit, tell: tell}
	o.arrived.L = &o.mu
	return o
}

// cost is about how many bytes of memory a waiting message takes.
func cost(frames [][]byte) int64 {
	const slice = 24
	size := int64(2 * slice)
	for _, frame := range frames {
		size += slice + int64(len(frame))
	}
	return size
}

// put appends a message, or loses it. The frames must not be changed afterwards.
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

// take waits for messages and takes all; nil means that the outbox is closed.
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

// wrote makes room.
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

// whenEmpty gives a channel that is closed when all is written, or the outbox closed.
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

// close ends run and drops what waits.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.queue = true, nil
	o.wake()
	o.arrived.Broadcast()
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20)) }
