package jupyter

import (
	"encoding/binary"
	"sync"
)

// router knows the peers of one channel by their routing ids, as ZeroMQ's ROUTER socket does.
type router struct {
	mu    sync.Mutex
	peers map[string]*peer
	last  uint32 // routing id that was made
}

func newRouter() *router { return &router{peers: map[string]*peer{}} }

// join adds a peer. One that has set no identity gets a routing id; one with the identity of another peer takes its
// place, since a front end that has lost its connection comes back before the loss is seen here.
func (r *router) join(p *peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.id == "" {
		r.last++
		p.id = string(binary.BigEndian.AppendUint32([]byte{0}, r.last)) // a peer's own never begins with 0
	}
	if before := r.peers[p.id]; before != nil {
		before.link.close()
		before.outbox.close()
	}
	r.peers[p.id] = p
}

func (r *router) leave(p *peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.outbox.close()
	if r.peers[p.id] == p {
		delete(r.peers, p.id)
	}
}

// send hands frames[1:] to the peer frames[0], if it is there.
func (r *router) send(frames [][]byte) {
	r.mu.Lock()
	p := r.peers[string(frames[0])]
	r.mu.Unlock()
	if p != nil {
		p.put(frames[1:])
	}
}

func (r *router) outboxes() []*outbox {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*outbox
	for _, p := range r.peers {
		all = append(all, p.outbox)
	}
	return all
}
