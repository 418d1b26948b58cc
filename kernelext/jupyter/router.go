package jupyter

import (
	"encoding/binary"
	"sync"
)

// router maps routing ids to the peers of one channel, as ZeroMQ's ROUTER socket does.
type router struct {
	mu    sync.Mutex
	peers map[string]*peer
	last  uint32 // the last routing id that was chosen
}

func newRouter() *router { return &router{peers: map[string]*peer{}} }

// join adds a peer. A peer without an identity gets a routing id. A peer with the identity of another one replaces it,
// because a front end that has lost its connection can return before the server sees the loss.
func (r *router) join(p *peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.id == "" {
		r.last++
		p.id = string(binary.BigEndian.AppendUint32([]byte{0}, r.last)) // a peer's own identity never starts with 0
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

// send sends frames[1:] to the peer frames[0], if it is connected.
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
