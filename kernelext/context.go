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

// Context returns the program's context. It ends when the program should stop: at an interrupt (the notebook's stop
// button, Ctrl-C), at SIGTERM, SIGHUP and SIGPIPE, and when the kernel is gone; context.Cause says why. From then on GoNB
// gives a cell five seconds; the supervised kernel (`lecture kernel`) gives it more while a [Train] makes progress. A
// second signal, more than 0.3 s later, ends the program at once with exit code 130.
//
// Before the first call of Context, signals act as in any Go program.
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

// notifySignals subscribes to the signals that end a cell, except those that the program was started to ignore (nohup).
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

// watchParent ends the context when the process has another parent than at the start: a kernel that was killed cannot
// notify its cells.
func watchParent(parent func() int, every time.Duration, cancel context.CancelCauseFunc) {
	for start := parent(); ; time.Sleep(every) {
		if parent() != start {
			cancel(fmt.Errorf("%w: the kernel (process %d) is gone", ErrStopped, start))
			return
		}
	}
}
