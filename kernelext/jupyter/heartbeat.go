package jupyter

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

// heartbeat is a client's end of the fifth channel, with the number of its pings.
type heartbeat struct {
	*link
	mu    sync.Mutex
	count uint64
}

// ping sends a heartbeat and waits for its echo, until ctx ends.
func (h *heartbeat) ping(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	beat := fmt.Appendf(nil, "ping %d", h.count)
	h.net.SetReadDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { h.net.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := h.send([][]byte{{}, beat}); err != nil {
		return err
	}
	for {
		frames, err := h.recv()
		if ctx.Err() != nil {
			return fmt.Errorf("jupyter: no heartbeat: %w", context.Cause(ctx))
		} else if err != nil {
			return err
		}
		// The echo of an earlier ping that was given up may arrive first.
		if len(frames) > 0 && bytes.Equal(frames[len(frames)-1], beat) {
			return nil
		}
	}
}
