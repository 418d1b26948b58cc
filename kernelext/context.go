package kernelext

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const (
	signalPause = 300 * time.Millisecond // an interrupt from Jupyter arrives twice: by the group and from GoNB
	parentPoll  = time.Second
	exitStopped = 130 // as a shell reports a program that an interrupt ended
)

// ErrStopped is in the chain of context.Cause of [Context] after a signal or the end of the kernel.
var ErrStopped = errors.New("kernelext: stopped")

// Context returns the program's context. It ends when the program shall stop: at an interrupt (the notebook's stop
// button, Ctrl-C), at SIGTERM, SIGHUP and SIGPIPE, and when the kernel is gone; context.Cause says why. GoNB gives a
// cell five seconds from then on, the supervised kernel (`lecture kernel`) more while a [Train] gets on. A second
// signal, later than 0.3 s, ends the program at once with exit code 130.
//
// Before the first call signals act as in any Go program.
func Context() context.Context { return processContext() }

var processContext = sync.OnceValue(func() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	here.ctx.Store(&ctx)
	go watchSignals(notifySignals(), cancel, os.Exit)
	if here.dest == toNotebook {
		go watchParent(os.Getppid, parentPoll, cancel)
	}
	return ctx
})

// notifySignals asks for the signals that end a cell, except those that the program was started to ignore (nohup).
func notifySignals() <-chan os.Signal {
	signals := make(chan os.Signal, 8)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	return signals
}

// watchSignals ends the context at the first signal and the program at the first one later than the pause.
func watchSignals(signals <-chan os.Signal, cancel context.CancelCauseFunc, exit func(code int)) {
	var first time.Time
	for s := range signals {
		switch {
		case first.IsZero():
			first = time.Now()
			cancel(fmt.Errorf("%w by signal %q", ErrStopped, s))
		case s == syscall.SIGPIPE || time.Since(first) < signalPause:
		default:
			exit(exitStopped)
		}
	}
}

// watchParent ends the context when the process has another parent than at the start: a kernel that was killed tells
// its cells nothing.
func watchParent(parent func() int, every time.Duration, cancel context.CancelCauseFunc) {
	for start := parent(); ; time.Sleep(every) {
		if parent() != start {
			cancel(fmt.Errorf("%w: the kernel (process %d) is gone", ErrStopped, start))
			return
		}
	}
}
