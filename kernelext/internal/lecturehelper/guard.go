package main

import (
	"encoding/json"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// patience is the time that the inner guard waits for the outer to end the command after the kernel's death.
const patience = time.Second

// The guard ends a command and all its descendants when the kernel ends, in whatever manner. On Linux it consists of
// two processes, so that one can clean up when the other is killed:
//
//	kernel ── outer guard ── inner guard ── command ── …
//
// A guard is a "child subreaper": a descendant that loses its parent, in any session, becomes a child of the guard. So
// when a guard has no child left, no descendant is left.
//
//   - The command ends: the inner guard kills what is left, tells the kernel, and ends; so does the outer.
//   - The inner guard is killed: the outer kills what is left.
//   - The outer guard is killed: its pipe to the inner guard ends, which kills what is left.
//   - The kernel dies: the outer guard's stdin ends; it kills what is left and removes the private folder. If the
//     outer guard is dead too, or does nothing because somebody has stopped it, the inner does.
//
// Elsewhere there is one guard, which kills the process group of the command.
//
// Arguments: outer or inner; the private folder or ""; two variables, NAME=value, that mark the command's environment,
// of this guard and of the kernel; the command. The guards do not carry the marks. A program that kills all marked
// processes leaves the guards alive, and they find the processes without a mark.
//
// Descriptors: 0 ends with the kernel, and a byte on it asks for the end; 1 receives events, JSON lines; 2, 3 and 4 are
// the command's stderr, stdin and stdout; 5 ends with the outer guard.
const guardArgs = 5

const fdKernel, fdEvents, fdErrors, fdInput, fdOutput, fdOuter = 0, 1, 2, 3, 4, 5

type guard struct {
	private string
	mark    string // mark of everything that this guard has started
	kernel  string // mark of the kernel
	command []string
	starts  bool     // it starts the command itself, and not the inner guard
	parent  int      // descriptor that ends with the process that this guard must not outlive
	outer   int      // process id of the outer guard; 0 in the outer
	child   int      // process id
	alive   *os.File // ends with this process, which the inner guard can see
}

// event is a guard's message to the kernel.
type event struct {
	PID   int    `json:"pid,omitempty"`   // of the running command
	Guard int    `json:"guard,omitempty"` // of the guard that started it
	Error string `json:"error,omitempty"` // why the command cannot be started
	Exit  string `json:"exit,omitempty"`  // how the command ended; none of its processes is left
	Code  int    `json:"code,omitempty"`  // its exit code
}

// tell ignores errors, because the kernel may be dead.
func tell(e event) { _ = json.NewEncoder(os.Stdout).Encode(e) }

func guardMain(args []string) int {
	runtime.LockOSThread() // the death signal of the command is tied to the thread that starts it
	g := &guard{private: args[1], mark: args[2], kernel: args[3], command: args[4:], starts: !twoGuards}
	if args[0] == "inner" {
		g.starts, g.parent, g.outer = true, fdOuter, os.Getppid()
	}
	catchSignals()
	becomeReaper()
	for fd := fdInput; fd <= fdOuter; fd++ {
		syscall.CloseOnExec(fd)
	}
	over, orphaned := g.watchParent(), g.watchKernel()
	if err := g.start(); err != nil {
		tell(event{Error: err.Error()})
		return 0
	}
	ended, empty := reap(g.child)
	select {
	case <-ended.done:
	case <-over:
	case <-orphaned:
		g.replaceOuter()
	}
	g.killAll(empty)
	g.finish(ended)
	return 0
}

// catchSignals keeps the guard alive whatever signals a terminal or a user sends. The signals must not be ignored,
// because descendants would then ignore them too.
func catchSignals() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGQUIT,
		syscall.SIGPIPE, syscall.SIGALRM, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
}

// watchParent reports that the parent has died or, by a byte, asks for the end.
func (g *guard) watchParent() <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			if _, err := syscall.Read(g.parent, make([]byte, 1)); err != syscall.EINTR {
				return
			}
		}
	}()
	return over
}

// watchKernel reports to the inner guard that the kernel has died and the outer guard has not ended the command in
// time.
func (g *guard) watchKernel() <-chan struct{} {
	orphaned := make(chan struct{})
	if g.outer == 0 {
		return orphaned
	}
	go func() {
		awaitHangup(fdKernel)
		time.Sleep(patience)
		close(orphaned)
	}()
	return orphaned
}

// replaceOuter ends the outer guard, whose work this one does now.
func (g *guard) replaceOuter() {
	if os.Getppid() == g.outer {
		syscall.Kill(g.outer, syscall.SIGKILL)
	}
}

// start starts the command, or the inner guard, which starts it.
func (g *guard) start() (err error) {
	defer syscall.Close(fdInput) // the child has them
	defer syscall.Close(fdOutput)
	if !g.starts {
		return g.startInner()
	}
	g.child, err = syscall.ForkExec(g.command[0], g.command, &syscall.ProcAttr{
		Env: append(os.Environ(), g.mark, g.kernel), Files: []uintptr{fdInput, fdOutput, fdErrors}, Sys: commandAttr(),
	})
	if err != nil {
		return &os.PathError{Op: "start", Path: g.command[0], Err: err}
	}
	tell(event{PID: g.child, Guard: os.Getpid()})
	return nil
}

func (g *guard) startInner() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	g.alive = writer
	argv := append([]string{os.Args[0], "guard", "inner", g.private, g.mark, g.kernel}, g.command...)
	g.child, err = syscall.ForkExec(program, argv, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{fdKernel, fdEvents, fdErrors, fdInput, fdOutput, reader.Fd()},
	})
	return err
}
