package jupyter

import "sync"

// tail is a writer that keeps the last bytes written to it, so that a kernel that prints without end costs no memory.
type tail struct {
	mu    sync.Mutex
	limit int
	data  []byte
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p[max(0, len(p)-t.limit):]...)
	if len(t.data) > 2*t.limit {
		// Cut at twice the limit and not at each write, so that bytes are moved once on average.
		t.data = append(t.data[:0], t.data[len(t.data)-t.limit:]...)
	}
	return len(p), nil
}

// String returns the kept bytes, at most limit.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data[max(0, len(t.data)-t.limit):])
}
