package kernelext

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatchSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		signals := make(chan os.Signal)
		var codes []int
		go watchSignals(signals, cancel, func(code int) { codes = append(codes, code) })
		signals <- os.Interrupt
		signals <- os.Interrupt // GoNB's own, right after the group's
		<-ctx.Done()
		if err := context.Cause(ctx); !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), "interrupt") {
			t.Errorf("cause %v", err)
		}
		time.Sleep(2 * signalPause)
		signals <- syscall.SIGPIPE // a print into a closed notebook does not count as a second signal
		synctest.Wait()
		if len(codes) != 0 {
			t.Errorf("exit %v, want none yet", codes)
		}
		signals <- os.Interrupt
		close(signals)
		synctest.Wait()
		if len(codes) != 1 || codes[0] != exitStopped {
			t.Errorf("exit %v, want %d", codes, exitStopped)
		}
	})
}

func TestWatchParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		start := time.Now()
		parent := func() int {
			if time.Since(start) > 10*time.Second {
				return 1
			}
			return 77
		}
		go watchParent(parent, parentPoll, cancel)
		<-ctx.Done()
		if took := time.Since(start); took != 11*time.Second { // of the bubble's clock: the first poll after 10 s
			t.Errorf("noticed after %v, want 11 s", took)
		}
		if err := context.Cause(ctx); !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), "process 77") {
			t.Errorf("cause %v", err)
		}
	})
}
