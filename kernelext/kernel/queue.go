package kernel

import (
	"sync"

	"deeplearning.example/kernelext/jupyter"
)

// queue holds the executions that wait for the one in progress.
type queue struct {
	mu          sync.Mutex
	waiting     []jupyter.Incoming
	taken       bool          // one has left the queue and has not ended
	interrupted bool          // interrupted before the execution in progress, or the first that waits, had started
	arrived     chan struct{} // holds a token when something waits
}

func (q *queue) init() { q.arrived = make(chan struct{}, 1) }

func (q *queue) put(in jupyter.Incoming) {
	q.mu.Lock()
	q.waiting = append(q.waiting, in)
	q.mu.Unlock()
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}

// take returns the oldest, if there is one.
func (q *queue) take() (jupyter.Incoming, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return jupyter.Incoming{}, false
	}
	in := q.waiting[0]
	q.waiting, q.taken = q.waiting[1:], true
	return in, true
}

// ended records that the execution in progress has ended.
func (q *queue) ended() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken, q.interrupted = false, false
}

// interrupt keeps an interrupt for the execution that is about to start.
func (q *queue) interrupt() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.interrupted = q.taken || len(q.waiting) > 0
}

// wasInterrupted reports whether there was an interrupt before the execution had started.
func (q *queue) wasInterrupted() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.interrupted
}

// takeAll empties the queue.
func (q *queue) takeAll() []jupyter.Incoming {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting = nil
	return all
}

func (k *Kernel) enqueue(in jupyter.Incoming) { k.queue.put(in) }

// executeAll runs the queue's cells one after the other, until the kernel ends.
func (k *Kernel) executeAll() {
	for {
		in, ok := k.queue.take()
		if !ok {
			select {
			case <-k.ctx.Done():
				return
			case <-k.queue.arrived:
			}
			continue
		}
		if k.ctx.Err() != nil {
			return
		}
		k.execute(in)
		k.queue.ended()
	}
}

// abort answers executions that are not to run: they were sent on the assumption that the cell before them would
// succeed. They get no number, because a cell shows its number as a sign that it has run.
func (k *Kernel) abort(all []jupyter.Incoming) {
	for _, in := range all {
		k.answer(in, "execute_reply", map[string]any{"status": "aborted"})
	}
}

// running returns the cell in progress, or nil.
func (k *Kernel) running() *run {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current
}
