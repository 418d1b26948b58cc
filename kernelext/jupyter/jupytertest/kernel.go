// Package jupytertest is a Jupyter kernel for tests. Its language has one command per line. Commands make it behave
// well, or die, hang, flood and send wrong messages, as real kernels do.
//
// A test binary is its own kernel: TestMain calls RunIfKernel first, and Spec returns a kernelspec whose command is the
// test binary again.
package jupytertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/go-zeromq/zmq4"

	"deeplearning.example/kernelext/jupyter"
)

// fileVariable makes a test binary run as a kernel; its value is the connection file.
const fileVariable = "JUPYTERTEST_CONNECTION_FILE"

// Spec returns a kernelspec of the fake kernel. env is added to the kernel's environment.
func Spec(env map[string]string) *jupyter.Spec {
	program, err := os.Executable()
	if err != nil {
		panic(err) // a test binary can always find itself
	}
	all := map[string]string{"GORACE": "atexit_sleep_ms=0"} // without it each kernel of a -race test takes a second to end
	for name, value := range env {
		all[name] = value
	}
	return &jupyter.Spec{
		Name: "fake", DisplayName: "Fake", Language: "fake", InterruptMode: jupyter.InterruptSignal, Env: all,
		Argv: []string{"/usr/bin/env", fileVariable + "={connection_file}", program},
	}
}

// RunIfKernel runs the kernel and ends the process, if this process was started as a kernel.
func RunIfKernel() {
	file := os.Getenv(fileVariable)
	if file == "" {
		return
	}
	if os.Getenv("JUPYTERTEST_START") == "die" {
		fmt.Fprintln(os.Stderr, "fake kernel: cannot start, as asked")
		os.Exit(3)
	}
	if err := serve(file); err != nil {
		fmt.Fprintln(os.Stderr, "fake kernel:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// kernel is the server side of a connection.
type kernel struct {
	signer                                jupyter.Signer
	shell, control, stdin, iopub, heartbt zmq4.Socket
	stop                                  context.CancelFunc
	requests                              chan *jupyter.Message
	inputs                                chan *jupyter.Message

	mu        sync.Mutex
	count     int
	interrupt chan struct{} // closed at an interrupt of the cell in progress
}

func serve(file string) error {
	info, err := jupyter.ReadConnectionFile(file)
	if err != nil {
		return err
	}
	key := info.Key
	if os.Getenv("JUPYTERTEST_START") == "wrongkey" {
		key = "another key"
	}
	signer, err := jupyter.NewSigner(info.SignatureScheme, key)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	k := &kernel{
		signer: signer, stop: stop,
		requests: make(chan *jupyter.Message, 100), inputs: make(chan *jupyter.Message, 1),
	}
	if os.Getenv("JUPYTERTEST_START") == "mute" {
		select {} // alive, and never listens
	}
	if err := k.listen(ctx, info); err != nil {
		return err
	}
	go k.watchSignals()
	go k.receive(k.shell, func(m *jupyter.Message) { k.requests <- m })
	go k.receive(k.control, k.controlRequest)
	go k.receive(k.stdin, func(m *jupyter.Message) { k.inputs <- m })
	go k.echo()
	for {
		select {
		case m := <-k.requests:
			k.handle(m)
		case <-ctx.Done():
			return nil
		}
	}
}

func (k *kernel) listen(ctx context.Context, info *jupyter.ConnectionInfo) error {
	quiet := zmq4.WithLogger(log.New(io.Discard, "", 0))
	k.shell, k.control = zmq4.NewRouter(ctx, quiet), zmq4.NewRouter(ctx, quiet)
	k.stdin, k.iopub, k.heartbt = zmq4.NewRouter(ctx, quiet), zmq4.NewPub(ctx, quiet), zmq4.NewRep(ctx, quiet)
	return errors.Join(
		k.shell.Listen(info.Endpoint(info.ShellPort)),
		k.control.Listen(info.Endpoint(info.ControlPort)),
		k.stdin.Listen(info.Endpoint(info.StdinPort)),
		k.iopub.Listen(info.Endpoint(info.IOPubPort)),
		k.heartbt.Listen(info.Endpoint(info.HBPort)),
	)
}

func (k *kernel) watchSignals() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	for s := range signals {
		if s == os.Interrupt {
			k.interruptCell()
		} else if os.Getenv("JUPYTERTEST_TERM") != "ignore" {
			os.Exit(0)
		}
	}
}

func (k *kernel) interruptCell() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.interrupt != nil {
		close(k.interrupt)
		k.interrupt = nil
	}
}

func (k *kernel) receive(socket zmq4.Socket, handle func(*jupyter.Message)) {
	for {
		frames, err := socket.Recv()
		if err != nil {
			return
		}
		m, err := jupyter.Decode(k.signer, frames.Frames)
		if err != nil {
			fmt.Fprintln(os.Stderr, "fake kernel:", err)
			continue
		}
		handle(m)
	}
}

func (k *kernel) echo() {
	for {
		beat, err := k.heartbt.Recv()
		if err != nil {
			return
		}
		k.heartbt.Send(beat)
	}
}

func (k *kernel) controlRequest(m *jupyter.Message) {
	switch m.Header.MsgType {
	case "interrupt_request":
		k.interruptCell()
		k.reply(k.control, m, "interrupt_reply", jupyter.Status{})
	case "shutdown_request":
		if os.Getenv("JUPYTERTEST_SHUTDOWN") == "ignore" {
			return
		}
		k.reply(k.control, m, "shutdown_reply", jupyter.ShutdownContent{Status: "ok"})
		flush()
		k.stop()
	}
}

func (k *kernel) reply(socket zmq4.Socket, to *jupyter.Message, msgType string, content any) {
	m, err := to.Reply(msgType, content)
	if err != nil {
		panic(err)
	}
	frames, err := m.Encode(k.signer)
	if err != nil {
		panic(err)
	}
	socket.SendMulti(zmq4.NewMsgFrom(frames...))
}

func (k *kernel) publish(to *jupyter.Message, msgType string, content any) {
	topic := *to
	topic.Identities = [][]byte{[]byte("kernel." + msgType)}
	k.reply(k.iopub, &topic, msgType, content)
}
