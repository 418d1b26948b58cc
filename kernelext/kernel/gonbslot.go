package kernel

import (
	"context"
	"sync"
)

// gonbSlot holds the GoNB that executions wait for: none yet, one that works, or the reason why there is none.
type gonbSlot struct {
	mu      sync.Mutex
	gonb    *gonbProcess
	err     error
	settled chan struct{} // closed when gonb or err is set; nil before the first use
}

func (s *gonbSlot) channel() chan struct{} {
	if s.settled == nil {
		s.settled = make(chan struct{})
	}
	return s.settled
}

func (s *gonbSlot) set(gonb *gonbProcess, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gonb, s.err = gonb, err
	close(s.channel())
}

// reset makes executions wait for the next set. It does nothing while they wait already.
func (s *gonbSlot) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.channel():
		s.gonb, s.err, s.settled = nil, nil, nil
	default:
	}
}

func (s *gonbSlot) wait(ctx context.Context) (*gonbProcess, error) {
	s.mu.Lock()
	settled := s.channel()
	s.mu.Unlock()
	select {
	case <-settled:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gonb, s.err
}

// now returns the present GoNB, or nil.
func (s *gonbSlot) now() *gonbProcess {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gonb
}
