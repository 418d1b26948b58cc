package process

import (
	"fmt"
	"syscall"
	"time"

	"deeplearning.example/kernelext/internal/procs"
)

const (
	askPause = 5 * time.Millisecond
	// guardLimit limits the time in which a guard must kill all processes. The guard gives up after 5 s itself.
	guardLimit = 6 * time.Second
	// sweepLimit and sweepPause limit the search for the remaining processes of two killed guards.
	sweepLimit = 2 * time.Second
	sweepPause = 10 * time.Millisecond
)

// End ends the command and all processes below the guard, and returns when none is left. With patience it first sends
// SIGTERM to the processes of the cell, and to the command when they have ended. It kills those that do not end in that
// time. The private folder stays, and the caller must remove it when no other command will use it. Later calls return
// the result of the first one. The error says what is left.
func (g *Guarded) End(patience time.Duration) error {
	g.ending.Do(func() { g.endErr = g.end(patience) })
	return g.endErr
}

func (g *Guarded) end(patience time.Duration) error {
	if patience > 0 {
		g.ask(time.Now().Add(patience))
	}
	_, _ = g.control.Write([]byte{1}) // fails if the guard has ended
	if g.endsWithin(guardLimit) {
		return nil
	}
	g.sweep(true) // the guard was stopped by a signal
	if g.endsWithin(sweepLimit) {
		return nil
	}
	return fmt.Errorf("process: processes %v do not die", procs.Descendants(g.cmd.Process.Pid))
}

func (g *Guarded) ask(deadline time.Time) {
	for g.Signal(syscall.SIGTERM); len(g.Cell()) > 0; {
		if time.Now().After(deadline) || g.endsWithin(askPause) {
			return
		}
	}
	if !g.isDone() {
		syscall.Kill(g.pid, syscall.SIGTERM)
		g.endsWithin(time.Until(deadline))
	}
}

func (g *Guarded) endsWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-g.done:
		return true
	case <-timer.C:
		return g.isDone()
	}
}

// sweep kills the processes that the guard has not killed: those with its mark and, with the guard itself, all below
// it.
func (g *Guarded) sweep(guard bool) {
	for deadline := time.Now().Add(sweepLimit); time.Now().Before(deadline); time.Sleep(sweepPause) {
		left := procs.Marked(g.mark)
		if guard {
			left = append(left, procs.Descendants(g.cmd.Process.Pid)...)
		}
		for _, pid := range left {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		if guard {
			guard = g.cmd.Process.Kill() == nil
		} else if len(left) == 0 {
			return
		}
	}
}
