package jupyter

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"deeplearning.example/kernelext/internal/machine"
	"deeplearning.example/kernelext/internal/procs"
)

const (
	// markVariable carries the kernel's id in the environment of the kernel and of all its descendants. It identifies a
	// process that has left the group and whose parent has died.
	markVariable = "LECTURE_KERNEL_ID"
	// termGrace is the time from SIGTERM to SIGKILL.
	termGrace = 2 * time.Second
	// sweepTime limits the time in which killed processes must vanish.
	sweepTime  = 5 * time.Second
	sweepPause = 10 * time.Millisecond
	// drainTime limits the time of reading a dead kernel's log while some descendant holds the pipe open.
	drainTime = 200 * time.Millisecond
	logLimit  = 32 << 10
)

// ProcessOptions configures the start of a kernel's process.
type ProcessOptions struct {
	// Dir is the working folder of the kernel; empty means the current one.
	Dir string
	// Env is the environment to which the kernelspec's own is added; nil means os.Environ().
	Env []string
	// Cores are the processor cores that the kernel and its descendants may use; nil means all. Linux only.
	Cores []int
}

// Process is a running kernel: its own process group, and a private scratch folder.
//
// The scratch folder holds the connection file and is the kernel's TMPDIR. Everything that a killed kernel leaves
// (GoNB: its module gonb_<id>, named pipes, build folders) is removed with that folder, and no other kernel's files are
// touched.
type Process struct {
	// ID is the kernel's id, a UUID.
	ID string
	// ConnectionFile is the path of the file, Connection its content.
	ConnectionFile string
	Connection     *ConnectionInfo

	cmd     *exec.Cmd
	scratch string
	log     *tail
	done    chan struct{}
	exit    error // set before done is closed
	end     sync.Once
	endErr  error
}

// ExitError reports that a kernel's process has ended.
type ExitError struct {
	// State describes how it ended, as in "exit status 2" or "signal: killed".
	State string
	// Log is the end of the process's stdout and stderr.
	Log string
}

// Error returns the state and the last line of the log.
func (e *ExitError) Error() string {
	lines := strings.Split(strings.TrimSpace(e.Log), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return fmt.Sprintf("jupyter: the kernel died (%s): %s", e.State, last)
	}
	return fmt.Sprintf("jupyter: the kernel died (%s)", e.State)
}

// StartProcess starts the kernel of spec. It does not wait until the kernel answers: see Start.
func StartProcess(spec *Spec, opts ProcessOptions) (*Process, error) {
	scratch, err := os.MkdirTemp("", "kernel-")
	if err != nil {
		return nil, fmt.Errorf("jupyter: scratch folder of the kernel: %w", err)
	}
	p := &Process{
		ID: uuid.NewString(), scratch: scratch,
		log: &tail{limit: logLimit}, done: make(chan struct{}),
	}
	if err := p.start(spec, opts); err != nil {
		os.RemoveAll(scratch)
		return nil, err
	}
	return p, nil
}

func (p *Process) start(spec *Spec, opts ProcessOptions) (err error) {
	p.ConnectionFile, p.Connection, err = CreateConnectionFile(p.scratch, p.ID, spec.Name)
	if err != nil {
		return err
	}
	if p.cmd, err = p.command(spec, opts); err != nil {
		return err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("jupyter: pipe for the kernel's log: %w", err)
	}
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	started := make(chan error)
	go p.run(reader, opts.Cores, started)
	err = <-started
	writer.Close()
	if err != nil {
		reader.Close()
		return fmt.Errorf("jupyter: kernel %s: %w", spec.Name, err)
	}
	return nil
}

// command returns the command with its environment and folder.
func (p *Process) command(spec *Spec, opts ProcessOptions) (*exec.Cmd, error) {
	base := opts.Env
	if base == nil {
		base = os.Environ()
	}
	env := spec.Environ(base)
	for name, value := range map[string]string{
		"JPY_PARENT_PID": strconv.Itoa(os.Getpid()),
		"TMPDIR":         p.scratch,
		markVariable:     p.ID,
	} {
		env = setenv(env, name, value)
	}
	args := spec.Args(p.ConnectionFile)
	program, err := LookPath(args[0], env)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", spec.Name, err)
	}
	if program, err = filepath.Abs(program); err != nil { // a relative path would be relative to Dir
		return nil, fmt.Errorf("jupyter: kernel %s: %w", spec.Name, err)
	}
	cmd := exec.Command(program, args[1:]...)
	cmd.Env, cmd.Dir = env, opts.Dir
	cmd.SysProcAttr = groupAttr()
	return cmd, nil
}

// run starts the process and waits for its end. It keeps its thread, because the signal that Linux sends at the death
// of the parent (groupAttr) is tied to the thread that forked.
func (p *Process) run(log *os.File, cores []int, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := machine.OnCores(cores, p.cmd.Start); err != nil {
		started <- err
		return
	}
	started <- nil
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		io.Copy(p.log, log) // ends at the deadline below at the latest
	}()
	_ = p.cmd.Wait() // the state has the details
	log.SetReadDeadline(time.Now().Add(drainTime))
	<-copied
	log.Close()
	p.exit = &ExitError{State: p.cmd.ProcessState.String(), Log: p.log.String()}
	close(p.done)
}

// Pid returns the process id of the kernel, which is also the id of its process group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done returns a channel that is closed when the kernel's process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns nil while the process runs, then an *ExitError.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.exit
	default:
		return nil
	}
}

// Log returns the end of the process's stdout and stderr.
func (p *Process) Log() string { return p.log.String() }

// Environ returns the environment that the kernel was started with.
func (p *Process) Environ() []string { return p.cmd.Env }

// Signal sends a signal to the whole process group of the kernel. A kernel that has ended is an *ExitError.
func (p *Process) Signal(signal syscall.Signal) error {
	if err := p.Err(); err != nil {
		return err
	}
	if err := syscall.Kill(-p.Pid(), signal); err != nil {
		return fmt.Errorf("jupyter: %v to the kernel: %w", signal, err)
	}
	return nil
}

// Memory returns the resident memory in bytes of the kernel and all its descendants at this time. Pages that processes
// share count once for each. It returns 0 if the memory is unknown (not on Linux).
func (p *Process) Memory() int64 { return procs.Resident(p.Pid()) }

// End ends the kernel. It waits the given time for the kernel to end by itself (after a shutdown request), then sends
// SIGTERM, then SIGKILL, to the group and to all descendants that have left it. It then removes the scratch folder.
// Later calls return the result of the first one. The error says what is left.
func (p *Process) End(patience time.Duration) error {
	p.end.Do(func() { p.endErr = p.doEnd(patience) })
	return p.endErr
}

func (p *Process) doEnd(patience time.Duration) error {
	if !p.endsWithin(patience) {
		p.Signal(syscall.SIGTERM)
		p.endsWithin(termGrace)
	}
	err := p.sweep()
	if removeErr := os.RemoveAll(p.scratch); removeErr != nil {
		err = errors.Join(err, fmt.Errorf("jupyter: scratch folder of the kernel: %w", removeErr))
	}
	return err
}

func (p *Process) endsWithin(limit time.Duration) bool {
	select {
	case <-p.done:
		return true
	default:
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// sweep kills the remaining processes of the kernel until none is left. It looks again after each round, because a
// process may fork between the look and the kill.
func (p *Process) sweep() error {
	deadline := time.Now().Add(sweepTime)
	syscall.Kill(-p.Pid(), syscall.SIGKILL)
	for {
		left := procs.Family(p.Pid(), markVariable+"="+p.ID)
		if len(left) == 0 && p.endsWithin(0) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("jupyter: processes %v of the kernel do not die", left)
		}
		for _, pid := range left {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(sweepPause)
	}
}
