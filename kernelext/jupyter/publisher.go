package jupyter

import (
	"encoding/json"
	"strings"
	"sync"
)

// maxTopics limits the subscriptions of one peer.
const maxTopics = 1000

// publisher holds the peers of iopub and their subscriptions, as ZeroMQ's PUB socket does.
type publisher struct {
	mu    sync.Mutex
	peers map[*peer]map[string]bool // the prefixes of topics that each peer has subscribed to
}

func newPublisher() *publisher { return &publisher{peers: map[*peer]map[string]bool{}} }

// publish sends frames to all peers with a matching prefix. All of them get messages in the same order.
func (b *publisher) publish(frames [][]byte) {
	if len(frames) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for p, topics := range b.peers {
		if wants(topics, frames[0]) {
			p.put(frames)
		}
	}
}

func wants(topics map[string]bool, topic []byte) bool {
	if topics[""] {
		return true
	}
	for prefix := range topics {
		if strings.HasPrefix(string(topic), prefix) {
			return true
		}
	}
	return false
}

// subscribe handles a subscriber's message: 1 and a prefix start a subscription, 0 and the prefix end it. The first
// message of a new one is the result of welcome.
func (b *publisher) subscribe(p *peer, frames [][]byte, welcome func(prefix string) [][]byte) {
	if len(frames) != 1 || len(frames[0]) == 0 {
		return
	}
	prefix := string(frames[0][1:])
	b.mu.Lock()
	defer b.mu.Unlock()
	switch topics := b.peers[p]; {
	case frames[0][0] == 1 && len(topics) < maxTopics && !topics[prefix]:
		topics[prefix] = true
		if message := welcome(prefix); message != nil {
			p.put(message)
		}
	case frames[0][0] == 0:
		delete(topics, prefix)
	}
}

func (b *publisher) subscribers() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	count := 0
	for _, topics := range b.peers {
		if len(topics) > 0 {
			count++
		}
	}
	return count
}

func (b *publisher) outboxes() []*outbox {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*outbox
	for p := range b.peers {
		all = append(all, p.outbox)
	}
	return all
}

func (b *publisher) join(p *peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peers[p] = map[string]bool{}
}

func (b *publisher) leave(p *peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.peers, p)
	p.outbox.close()
}

// serveIOPub writes to one subscriber and reads its subscriptions.
func (s *Server) serveIOPub(p *peer) {
	s.iopub.join(p)
	defer s.iopub.leave(p)
	s.work.Go(func() { p.run(p.link) })
	for {
		frames, err := s.recv(p)
		if err != nil {
			return
		}
		s.iopub.subscribe(p, frames, s.welcomeMessage)
	}
}

// welcomeMessage returns the message that tells a subscriber that it gets all messages with this prefix from now on. It
// is nil if none is sent.
func (s *Server) welcomeMessage(prefix string) [][]byte {
	if s.opts.Welcome == "" {
		return nil
	}
	m, err := NewMessage("iopub_welcome", s.opts.Welcome, Welcome{Subscription: prefix})
	if err != nil {
		return nil
	}
	m.Identities = [][]byte{[]byte(prefix)}
	frames, err := m.Encode(s.signer)
	if err != nil {
		return nil
	}
	return frames
}

// isStatus reports whether frames are a message that says busy or idle.
func isStatus(frames [][]byte) bool {
	e, err := Split(frames)
	if err != nil {
		return false
	}
	var header struct {
		MsgType string `json:"msg_type"`
	}
	return json.Unmarshal(e.Header, &header) == nil && header.MsgType == "status"
}
