// Package kernel is the kernel process that Jupyter starts: a supervisor that owns the five channels, runs an
// unmodified GoNB behind it on a private connection, and keeps the parts of the protocol that GoNB does not keep.
//
//	Jupyter ── supervisor (this package)
//	             └─ guard (package process)
//	                  └─ GoNB ── go, goimports: links to lecture-helper, which asks the supervisor
//	                       └─ the cell, a program that lecture-helper starts with the supervisor's own pipes
//
// Parts that work in GoNB pass unchanged. The supervisor adds an execution queue that stops at an error, interrupts at
// any stage, limits, exact text (order, UTF-8, floods), errors that name cell and line, completion while a cell runs,
// its own magics, and an end without orphans. docs/design.md gives the reason for each.
package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/cell"
	"deeplearning.example/kernelext/gopls"
	"deeplearning.example/kernelext/internal/agent"
	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/kernel/process"
)

// Config configures a kernel.
type Config struct {
	// ConnectionFile is the path that Jupyter passes.
	ConnectionFile string
	// Module is the folder of the module whose packages cells import.
	Module string
	// Bin is the folder with gonb, lecture-helper and gopls; empty means that of the running program.
	Bin string
	// Log receives one line for each event; nil means the standard error.
	Log io.Writer
	// Version is the version of the supervisor, for kernel_info.
	Version string
}

const (
	// shutdownGrace is the time that a running cell has to save when the kernel is shut down. No process of a kernel
	// may live two seconds after its end.
	shutdownGrace = 1200 * time.Millisecond
	// drainGrace limits the time until the last messages have reached the front ends.
	drainGrace = 300 * time.Millisecond
	// parentPoll is the time between two checks whether Jupyter lives.
	parentPoll = time.Second
)

// Kernel is a running supervisor.
type Kernel struct {
	cfg     Config
	id      string // Jupyter's id of the kernel
	log     *logger
	front   *jupyter.Server
	signer  jupyter.Signer // signs with the front ends' key
	session string
	private *process.Private // folder of this kernel, removed at its end
	helper  string
	agent   *agent.Server
	builder *build.Builder
	gopls   *gopls.Session

	settings  *settings
	history   history
	shown     displayIDs
	gonb      gonbSlot
	goplsWarm atomic.Bool // gopls has answered once

	ctx  context.Context
	stop context.CancelCauseFunc

	mu        sync.Mutex
	current   *run
	restoring *run // passes the definitions of the GoNB that died to a new one
	last      *run // the last run that ended, for %timing and %output
	count     int  // executions so far, In[count]
	runs      int  // executions so far, including those without a number
	defs      *cell.Definitions
	replay    []string        // magics with a lasting effect: %env, %cd, %goflags …
	wasm      string          // folder in which GoNB leaves programs for the browser
	noted     map[string]bool // lines of cells' programs that were shown

	queue queue
	comms chan jupyter.Incoming // messages of widgets to GoNB
}

// errShutdown ends a kernel on request.
var errShutdown = errors.New("shutdown requested")

// Run runs the kernel until it is shut down, its parent dies or ctx ends. The error is nil after a shutdown; else it
// says what could not be started, and what is required.
func Run(ctx context.Context, cfg Config) error {
	k, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(k.serve(), k.close())
}

// open binds the ports and creates the private folder; nothing else is started yet.
func open(ctx context.Context, cfg Config) (*Kernel, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	info, err := jupyter.ReadConnectionFile(cfg.ConnectionFile)
	if err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	k := &Kernel{
		cfg: cfg, id: kernelID(cfg.ConnectionFile), log: newLogger(cfg.Log), session: uuid.NewString(),
		helper: filepath.Join(cfg.Bin, "lecture-helper"), defs: &cell.Definitions{},
		comms: make(chan jupyter.Incoming, maxComms),
	}
	if k.settings, err = newSettings(os.Getenv); err != nil {
		k.log.line(err.Error()) // a mistyped limit must not prevent the kernel
	}
	if k.signer, err = info.Signer(); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	k.queue.init()
	k.ctx, k.stop = context.WithCancelCause(ctx)
	if k.front, err = jupyter.Listen(info, jupyter.ServerOptions{Log: k.log.line, Welcome: k.session}); err != nil {
		return nil, err
	}
	if err := k.openPrivate(); err != nil {
		return nil, errors.Join(err, k.front.Close())
	}
	return k, nil
}

func (c *Config) complete() error {
	if c.Log == nil {
		c.Log = os.Stderr
	}
	if c.Bin == "" {
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("kernel: the folder of the tools: %w", err)
		}
		c.Bin = filepath.Dir(program)
	}
	for _, path := range []*string{&c.Bin, &c.Module} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("kernel: %w", err)
		}
		*path = absolute
	}
	if _, err := os.Stat(filepath.Join(c.Module, "go.mod")); err != nil {
		return fmt.Errorf("kernel: module folder: %w, want the folder of the lecture's go.mod", err)
	}
	return nil
}

var connectionName = regexp.MustCompile(`^kernel-(.+)\.json$`)

// kernelID returns the id from the connection file's name; for a name of another form it returns a new one.
func kernelID(connectionFile string) string {
	if match := connectionName.FindStringSubmatch(filepath.Base(connectionFile)); match != nil {
		if _, err := uuid.Parse(match[1]); err == nil {
			return match[1]
		}
	}
	return uuid.NewString()
}

const (
	// maxSocketPath is the longest path of a unix socket that every system accepts.
	maxSocketPath = 100
	// privatePrefix starts the names of all kernels' private folders.
	privatePrefix = "lecture-kernel-"
)

// openPrivate creates the folder for all files of this kernel, and the socket in it.
func (k *Kernel) openPrivate() (err error) {
	parent := os.TempDir()
	if len(parent)+40 > maxSocketPath {
		parent = "/tmp"
	}
	k.private, err = process.MakePrivate(k.helper, parent, privatePrefix)
	if err != nil {
		return fmt.Errorf("kernel: %w; `lecture setup` builds the helper, TMPDIR names a writable folder", err)
	}
	go k.removeStale(k.helper, parent)
	for _, dir := range []string{k.path("tmp"), k.path("bin"), k.path("build")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return fmt.Errorf("kernel: private folder: %w", err)
		}
	}
	if err := k.fillBin(); err != nil {
		return err
	}
	k.agent, err = agent.Listen(k.path("agent"))
	return err
}

// fillBin fills the folder that comes first on the search path of all processes below the kernel. The helper is copied,
// because an update of the programs must not change the protocol of a running kernel.
func (k *Kernel) fillBin() error {
	helper, err := os.ReadFile(k.helper)
	if err == nil {
		k.helper = k.path("bin", "lecture-helper")
		err = os.WriteFile(k.helper, helper, 0o700)
	}
	for name, target := range map[string]string{
		"go": k.helper, "goimports": k.helper, kernelProgram: filepath.Join(k.cfg.Bin, kernelProgram),
	} {
		err = errors.Join(err, os.Symlink(target, k.path("bin", name)))
	}
	if err != nil {
		return fmt.Errorf("kernel: private folder: %w", err)
	}
	return nil
}

// kernelProgram returns the path of the command line's program.
const kernelProgram = "lecture"

// removeStale removes the folders of kernels that were killed together with all their keepers.
func (k *Kernel) removeStale(helper, parent string) {
	removed, err := process.RemoveStale(helper, parent, privatePrefix)
	for _, dir := range removed {
		k.log.line("removed what a killed kernel has left: " + dir)
	}
	if err != nil {
		k.log.line(err.Error())
	}
}

// path returns a path in the private folder.
func (k *Kernel) path(parts ...string) string {
	return filepath.Join(append([]string{k.private.Path()}, parts...)...)
}

// serve runs until the kernel is to end.
func (k *Kernel) serve() error {
	k.builder = build.New(build.Options{
		Go: realGo(os.Environ()), Goimports: filepath.Join(k.cfg.Bin, "goimports"),
		Scratch: k.path("build"), Cache: k.folder(build.UserCache), Programs: k.folder(build.UserPrograms), Log: k.log.line,
	})
	k.gopls = gopls.New(k.goplsOptions())
	go k.agent.Serve(k)
	go k.startGoNB("")
	go k.warmGopls()
	go k.hearSignals()
	go k.watchParent()
	go k.executeAll()
	go k.passComms()
	k.publishStatus(nil, "starting")
	k.log.line(fmt.Sprintf("kernel %s listens; private folder %s", k.id, k.private.Path()))
	k.receive()
	cause := context.Cause(k.ctx)
	if errors.Is(cause, errShutdown) || errors.Is(cause, context.Canceled) {
		return nil
	}
	return cause
}

// close ends everything that this kernel started. A running cell may save first.
func (k *Kernel) close() error {
	gonb, current := k.gonb.now(), k.running()
	if gonb != nil && current != nil {
		current.endForShutdown(gonb, shutdownGrace)
	}
	var errs []error
	if gonb != nil {
		errs = append(errs, gonb.end())
	}
	errs = append(errs, k.gopls.Close(), k.agent.Close())
	k.front.Drain(drainGrace)
	errs = append(errs, k.front.Close(), k.removeWasm(), k.private.Remove())
	k.log.line("kernel " + k.id + " ended")
	return errors.Join(errs...)
}

// hearSignals accepts an interrupt from front ends that send one as a signal, and ends the kernel at SIGTERM and
// SIGHUP.
func (k *Kernel) hearSignals() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-k.ctx.Done():
			return
		case s := <-signals:
			if s == os.Interrupt {
				k.interrupt()
				continue
			}
			k.log.line(fmt.Sprintf("ends by %v", s))
			k.stop(errShutdown)
		}
	}
}

// watchParent ends the kernel when the program that started it has died: no program could shut it down any more.
func (k *Kernel) watchParent() {
	parent := os.Getppid()
	ticker := time.NewTicker(parentPoll)
	defer ticker.Stop()
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-ticker.C:
			if os.Getppid() != parent {
				k.log.line("ends because its parent has died")
				k.stop(errShutdown)
				return
			}
		}
	}
}
