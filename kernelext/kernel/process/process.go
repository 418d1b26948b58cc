// Package process starts programs that must never outlive the kernel: GoNB with all processes of a cell, and gopls.
//
// Such a program runs below a guard, the helper's mode of that name, in a separate session. When the program ends, when
// the caller of Start asks for it, and when the caller dies, even by kill -9, the guard kills all processes that the
// program has started, in any session and with any environment. On Linux none escapes, unless both processes of the
// guard are killed at the same moment. On other systems only the process group of the program is known, and Cell,
// Signal and Usage find nothing.
//
// The files of a kernel are in a Private folder, which is removed with the kernel too.
package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// kernelVariable marks all processes of a kernel, also for a runner that started the kernel.
	kernelVariable = "LECTURE_KERNEL_ID"
	// guardVariable marks the processes that one guard has started.
	guardVariable = "LECTURE_GUARD"
	// logPause is the time to wait for the last lines of stderr when all processes are dead.
	logPause = 200 * time.Millisecond
)

// Config describes the program to start.
type Config struct {
	// Helper is the absolute path of the program lecture-helper.
	Helper string
	// Command is the program, an absolute path, and its arguments.
	Command []string
	// Env is the whole environment, nil for this process's own.
	Env []string
	// Dir is the working folder, empty for this process's own.
	Dir string
	// Private is the absolute path of a folder that the guard, too, removes if this process dies: see MakePrivate. If
	// the command ends or End is called, the folder stays for the next command, and the content of its folder "tmp" is
	// removed. Empty for none.
	Private string
	// ID is the value of LECTURE_KERNEL_ID in the environment; empty keeps the present value.
	ID string
	// Stderr receives the command's stderr, with Start also its stdout; nil for none.
	Stderr io.Writer
}

// ExitError describes how a command ended.
type ExitError struct {
	// State is, for example, "exit status 2" or "signal: killed".
	State string
	// Code is the exit code, 128+n for signal n.
	Code int
}

// Error returns the state.
func (e *ExitError) Error() string { return e.State }

// Guarded is a running command below its guard. Its methods may be called from several goroutines at once.
type Guarded struct {
	cmd     *exec.Cmd // the outer guard
	mark    string
	control *os.File // ends with this process
	pid     int      // process id of the command
	inner   int      // process id of the guard that started the command
	done    chan struct{}
	err     error // set before done is closed
	ending  sync.Once
	endErr  error
}

// event is a message of the guard: see package lecturehelper.
type event struct {
	PID   int    `json:"pid"`
	Guard int    `json:"guard"`
	Error string `json:"error"`
	Exit  string `json:"exit"`
	Code  int    `json:"code"`
}

// Start starts the guard, which starts the command, and returns when the command runs. The command's stdin is empty.
func Start(cfg Config) (*Guarded, error) {
	input, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	defer input.Close()
	return start(cfg, input, nil)
}

// StartChild starts a program that the caller communicates with through its stdin and stdout. The caller closes stdin;
// stdout ends when the program and all its descendants are dead.
func StartChild(cfg Config) (stdin io.WriteCloser, stdout io.Reader, g *Guarded, err error) {
	var p pipes
	defer p.closeTheirs()
	theirInput, ourInput := p.toChild()
	ourOutput, theirOutput := p.fromChild()
	if p.err != nil {
		p.closeOurs()
		return nil, nil, nil, fmt.Errorf("process: %w", p.err)
	}
	if g, err = start(cfg, theirInput, theirOutput); err != nil {
		p.closeOurs()
		return nil, nil, nil, err
	}
	return ourInput, &closing{ourOutput}, g, nil
}

// closing closes its file at the end.
type closing struct{ file *os.File }

// Read reads from the file.
func (c *closing) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	if err != nil {
		c.file.Close()
	}
	return n, err
}

// start starts the guard; without an output the command's stdout goes where its stderr goes.
func start(cfg Config, input, output *os.File) (*Guarded, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	var p pipes
	defer p.closeTheirs()
	control, ourControl := p.toChild()
	ourEvents, events := p.fromChild()
	ourLog, log := p.fromChild()
	if output == nil {
		output = log
	}
	g := &Guarded{control: ourControl, done: make(chan struct{})}
	err := p.err
	if err == nil {
		g.command(cfg)
		g.cmd.Stdin, g.cmd.Stdout, g.cmd.Stderr = control, events, log
		g.cmd.ExtraFiles = []*os.File{input, output}
		err = g.cmd.Start()
	}
	if err != nil {
		p.closeOurs()
		return nil, fmt.Errorf("process: guard of %s: %w", cfg.Command[0], err)
	}
	p.closeTheirs()
	if err := g.follow(cfg, ourEvents, ourLog); err != nil {
		return nil, err
	}
	return g, nil
}

func (cfg *Config) check() error {
	if len(cfg.Command) == 0 {
		return errors.New("process: Config.Command is empty, want a program")
	}
	for name, path := range map[string]string{"Helper": cfg.Helper, "Command[0]": cfg.Command[0]} {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("process: Config.%s = %q, want an absolute path", name, path)
		}
	}
	if cfg.Private != "" && (!filepath.IsAbs(cfg.Private) || filepath.Dir(cfg.Private) == cfg.Private) {
		return fmt.Errorf("process: Config.Private = %q, want an absolute path of a folder", cfg.Private)
	}
	if _, err := os.Stat(cfg.Dir); cfg.Dir != "" && err != nil {
		return fmt.Errorf("process: Config.Dir: %w", err)
	}
	return nil
}

// command returns the guard's command line. The guard itself does not carry the marks.
func (g *Guarded) command(cfg Config) {
	env := cfg.Env
	if env == nil {
		env = os.Environ()
	}
	kernel := kernelVariable + "=" + cfg.ID
	env = slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, value, _ := strings.Cut(entry, "=")
		if name == kernelVariable && cfg.ID == "" {
			kernel = kernelVariable + "=" + value
		}
		return name == kernelVariable || name == guardVariable
	})
	g.mark = guardVariable + "=" + strconv.FormatUint(rand.Uint64(), 36)
	g.cmd = &exec.Cmd{
		Path: cfg.Helper, Dir: cfg.Dir, Env: env, SysProcAttr: &syscall.SysProcAttr{Setsid: true},
		Args: append([]string{"lecture-helper", "guard", "outer", cfg.Private, g.mark, kernel}, cfg.Command...),
	}
}

// follow waits until the guard reports that the command runs. A goroutine receives the later events.
func (g *Guarded) follow(cfg Config, events, log *os.File) error {
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		copyLog(cfg.Stderr, log) // ends with the last process, and at the deadline set in hear
	}()
	decoder := json.NewDecoder(events)
	var first event
	err := decoder.Decode(&first)
	g.pid, g.inner = first.PID, first.Guard
	heard := func() { g.hear(decoder, events, log, logged) }
	if first.PID != 0 {
		go heard()
		return nil
	}
	heard()
	if first.Error != "" {
		return fmt.Errorf("process: %s", first.Error)
	}
	return fmt.Errorf("process: the guard of %s ended at its start (%v)", cfg.Command[0], errors.Join(err, g.err))
}

// copyLog continues to read when the writer fails, because the processes must not block.
func copyLog(to io.Writer, from io.Reader) {
	if to != nil {
		io.Copy(to, from)
	}
	io.Copy(io.Discard, from)
}

// hear reads the guard's events until both of its processes are dead.
func (g *Guarded) hear(decoder *json.Decoder, events, log *os.File, logged <-chan struct{}) {
	exit := &ExitError{State: "its guard was killed", Code: 128 + int(syscall.SIGKILL)}
	told := false
	for {
		var e event
		if decoder.Decode(&e) != nil {
			break
		}
		if e.Exit != "" {
			exit, told = &ExitError{State: e.Exit, Code: e.Code}, true
		}
	}
	if !told {
		g.sweep(false)
	}
	log.SetReadDeadline(time.Now().Add(logPause))
	<-logged
	_ = g.cmd.Wait() // the pipe had all events; until now its process id could not be reused
	for _, f := range []*os.File{events, log, g.control} {
		f.Close()
	}
	g.err = exit
	close(g.done)
}

// PID returns the process id of the command.
func (g *Guarded) PID() int { return g.pid }

// Done returns a channel that is closed when the command has ended and all its descendants are dead.
func (g *Guarded) Done() <-chan struct{} { return g.done }

// Err returns nil until Done is closed, then an *ExitError that says how the command ended, also for exit status 0.
func (g *Guarded) Err() error {
	if !g.isDone() {
		return nil
	}
	return g.err
}

func (g *Guarded) isDone() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}
