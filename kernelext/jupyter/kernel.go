package jupyter

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"
)

const (
	// startTries limits the starts of a kernel whose ports another program has taken meanwhile.
	startTries = 3
	// shutdownGrace limits the time in which a kernel may end by itself after a shutdown_request.
	shutdownGrace = 3 * time.Second
	// interruptGrace limits the time in which a kernel may answer an interrupt_request.
	interruptGrace = 5 * time.Second
)

// Options configures the start of a kernel and its client.
type Options struct {
	Process ProcessOptions
	// Client.Process is set by Start.
	Client ClientOptions
}

// Kernel is a kernel that runs on this machine and belongs to the caller, who must end it with Shutdown or Kill.
type Kernel struct {
	*Client
	Spec    *Spec
	Process *Process
	// Info is the kernel's description of itself, sent when it was ready.
	Info *KernelInfo
}

// Start starts the kernel of spec and waits until it is ready or ctx ends. On an error nothing is left running. A
// kernel that dies meanwhile is an *ExitError.
func Start(ctx context.Context, spec *Spec, opts Options) (*Kernel, error) {
	for try := 1; ; try++ {
		k, err := start(ctx, spec, opts)
		exit := new(ExitError)
		portTaken := errors.As(err, &exit) && strings.Contains(strings.ToLower(exit.Log), "address already in use")
		if err == nil || !portTaken || try == startTries {
			return k, err
		}
	}
}

func start(ctx context.Context, spec *Spec, opts Options) (k *Kernel, err error) {
	process, err := StartProcess(spec, opts.Process)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, process.End(0))
		}
	}()
	opts.Client.Process = process
	client, err := Dial(ctx, process.Connection, opts.Client)
	if err != nil {
		return nil, err
	}
	info, err := client.Ready(ctx)
	if err != nil {
		client.Close()
		return nil, err
	}
	return &Kernel{Client: client, Spec: spec, Process: process, Info: info}, nil
}

// Interrupt interrupts the execution in progress, in the manner that the kernelspec asks for. It does not wait for the
// end of the execution.
func (k *Kernel) Interrupt(ctx context.Context) error {
	if k.Spec.InterruptMode == InterruptMessage {
		ctx, cancel := context.WithTimeout(ctx, interruptGrace)
		defer cancel()
		return k.InterruptMessage(ctx)
	}
	return k.Process.Signal(syscall.SIGINT)
}

// Shutdown asks the kernel to end and makes sure that it does: none of its processes and files are left. It takes some
// seconds at most. The error says what is left. It is not an error that a kernel had to be killed.
func (k *Kernel) Shutdown(ctx context.Context) error {
	patience := shutdownGrace
	asking, cancel := context.WithTimeout(ctx, shutdownGrace)
	defer cancel()
	if err := k.ShutdownMessage(asking, false); err != nil {
		patience = 0
	}
	return errors.Join(k.Process.End(patience), k.Close())
}

// Kill ends the kernel at once, with all its descendants and files.
func (k *Kernel) Kill() error {
	k.Process.Signal(syscall.SIGKILL)
	return errors.Join(k.Process.End(termGrace), k.Close())
}
