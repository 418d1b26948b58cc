package kernel

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"deeplearning.example/kernelext/cell"
	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/kernel/process"
)

const (
	// gonbVersion is the release of GoNB that this supervisor is tested with.
	gonbVersion = "v0.11.4"
	gonbPath    = "github.com/janpfeifer/gonb"
	// startLimit limits the time until GoNB listens.
	startLimit = 30 * time.Second
	// readyPause is the time between two attempts while GoNB's iopub messages do not arrive yet.
	readyPause = 50 * time.Millisecond
	// startTries is the number of attempts to start GoNB.
	startTries = 3
)

// gonbProcess is one life of GoNB: its process and the private connection to it.
type gonbProcess struct {
	k      *Kernel
	proc   *process.Guarded
	raw    *jupyter.Raw
	signer jupyter.Signer
	tail   *tailLog
	ready  chan struct{} // closed when GoNB answers

	readyOnce sync.Once
}

// startGoNB starts GoNB for the kernel, with the definitions in source.
func (k *Kernel) startGoNB(source string) {
	b, err := k.newGoNB()
	if err == nil && source != "" {
		err = b.restore(source)
	}
	if err != nil {
		k.log.line(err.Error())
		if b != nil {
			b.end()
			b = nil
		}
	}
	k.gonb.set(b, err)
	if b != nil {
		go k.mourn(b)
	}
}

// mournPause is the time between two checks whether the death of GoNB has been noticed.
const mournPause = 5 * time.Millisecond

// youngDeath is the age below which a GoNB that dies is not replaced at once.
const youngDeath = 2 * time.Second

// mourn waits for GoNB's death and starts the next. A running cell reports the death itself.
func (k *Kernel) mourn(b *gonbProcess) {
	begin := time.Now()
	select {
	case <-b.proc.Done():
	case <-k.ctx.Done():
		return
	}
	if k.ctx.Err() != nil {
		return
	}
	k.log.line(fmt.Sprintf("GoNB died (%v): %s", b.proc.Err(), b.tail.last()))
	k.gonb.reset()
	b.raw.Close()
	time.Sleep(youngDeath - time.Since(begin))
	k.mu.Lock()
	source := k.defs.Source()
	k.mu.Unlock()
	k.startGoNB(source)
}

// newGoNB starts GoNB and connects to it.
func (k *Kernel) newGoNB() (b *gonbProcess, err error) {
	gonb := filepath.Join(k.cfg.Bin, "gonb")
	if err := checkGoNB(gonb); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		if b, err = k.tryGoNB(gonb); err == nil || try == startTries || k.ctx.Err() != nil {
			return b, err
		}
		k.log.line(fmt.Sprintf("GoNB's start failed, trying again: %v", err))
	}
}

// checkGoNB returns an error if GoNB is missing or has another version than the supervisor knows.
func checkGoNB(path string) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return fmt.Errorf("kernel: GoNB is missing (%v): run `lecture setup`", err)
	}
	version := info.Main.Version
	for _, dep := range info.Deps {
		if dep.Path == gonbPath {
			version = dep.Version
		}
	}
	if info.Path != gonbPath || version != gonbVersion {
		return fmt.Errorf("kernel: %s is %s %s, want %s %s: run `lecture setup`", path, info.Path, version, gonbPath, gonbVersion)
	}
	return nil
}

func (k *Kernel) tryGoNB(gonb string) (*gonbProcess, error) {
	dir := k.path("gonb-" + uuid.NewString()[:8])
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	file, info, err := jupyter.CreateConnectionFile(dir, k.id, "gonb")
	if err != nil {
		return nil, err
	}
	signer, err := info.Signer()
	if err != nil {
		return nil, err
	}
	b := &gonbProcess{k: k, signer: signer, tail: newTailLog(k.log), ready: make(chan struct{})}
	b.proc, err = process.Start(process.Config{
		Helper: k.helper,
		Command: []string{gonb, "--kernel", file, "-raw_error=true", "-logtostderr=true",
			"-go_work=" + k.cfg.Module},
		Env: k.environ(), Private: k.private.Path(), ID: k.id, Stderr: b.tail,
	})
	if err != nil {
		return nil, err
	}
	if err := b.connect(info); err != nil {
		return nil, errors.Join(err, b.proc.End(0))
	}
	return b, os.RemoveAll(dir)
}

// connect dials GoNB and waits until its answers arrive on both channels.
func (g *gonbProcess) connect(info *jupyter.ConnectionInfo) (err error) {
	ctx, cancel := context.WithTimeout(g.k.ctx, startLimit)
	defer cancel()
	identity := uuid.NewString()
	if g.raw, err = jupyter.DialRaw(ctx, info, g.proc.Done(), identity); err != nil {
		return fmt.Errorf("kernel: GoNB does not listen: %w: %s", err, g.tail.last())
	}
	go g.receive()
	for {
		m, err := jupyter.NewMessage("kernel_info_request", g.k.session, struct{}{})
		if err == nil {
			err = g.sendMessage(jupyter.Shell, m)
		}
		if err != nil {
			return err
		}
		select {
		case <-g.ready:
			return nil
		case <-g.proc.Done():
			return fmt.Errorf("kernel: GoNB died at its start (%v): %s", g.proc.Err(), g.tail.last())
		case <-ctx.Done():
			return fmt.Errorf("kernel: GoNB does not answer: %w", context.Cause(ctx))
		case <-time.After(readyPause):
		}
	}
}

func (g *gonbProcess) done() <-chan struct{} { return g.proc.Done() }

func (g *gonbProcess) dead() bool {
	select {
	case <-g.done():
		return true
	default:
		return false
	}
}

// pass passes a front end's message to GoNB unchanged, except that it is signed with GoNB's key.
func (g *gonbProcess) pass(in jupyter.Incoming) {
	envelope := *in.Envelope
	g.signer.Sign(&envelope)
	if err := g.raw.Send(in.Channel, envelope.Frames()); err != nil {
		g.k.log.line(fmt.Sprintf("%s to GoNB: %v", in.Header.MsgType, err))
	}
}

func (g *gonbProcess) sendMessage(channel jupyter.Channel, m *jupyter.Message) error {
	frames, err := m.Encode(g.signer)
	if err != nil {
		return err
	}
	return g.raw.Send(channel, frames)
}

// end ends GoNB and all processes below it.
func (g *gonbProcess) end() error {
	return errors.Join(g.proc.End(0), g.raw.Close())
}

// awaitGoNB waits for a GoNB that works.
func (k *Kernel) awaitGoNB(ctx context.Context) (*gonbProcess, error) {
	b, err := k.gonb.wait(ctx)
	for ; err == nil && b.dead() && ctx.Err() == nil; b, err = k.gonb.wait(ctx) {
		time.Sleep(mournPause)
	}
	if err == nil || ctx.Err() != nil {
		return b, err
	}
	k.gonb.reset() // perhaps the user has fixed it meanwhile
	go k.startGoNB(k.definitions())
	return k.gonb.wait(ctx)
}

func (k *Kernel) definitions() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.defs.Source()
}

// environ returns the environment of GoNB and all processes below it.
func (k *Kernel) environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains([]string{"TMPDIR", "PATH", "LECTURE_GO", "LECTURE_KERNEL_SOCKET"}, name)
	})
	return append(env,
		"TMPDIR="+k.path("tmp"),
		"PATH="+k.searchPath(),
		"LECTURE_GO="+realGo(os.Environ()),
		"LECTURE_KERNEL_SOCKET="+k.path("agent"),
	)
}

// searchPath starts with the kernel's own go and goimports. The folder of the tools is left out, so that GoNB does not
// start a second gopls.
func (k *Kernel) searchPath() string {
	dirs := []string{k.path("bin")}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if filepath.Clean(dir) != k.cfg.Bin {
			dirs = append(dirs, dir)
		}
	}
	return strings.Join(dirs, string(os.PathListSeparator))
}

// realGo returns the go command that builds cells.
func realGo(env []string) string {
	path, err := jupyter.LookPath("go", env)
	if err != nil {
		if path, err = exec.LookPath("go"); err != nil {
			return "go"
		}
	}
	return path
}

// execute passes a cell to GoNB under the request's own header, so that all resulting messages have the right parent.
func (g *gonbProcess) execute(r *run, code string) error {
	content, err := json.Marshal(jupyter.ExecuteRequest{
		Code: code, Silent: r.content.Silent, StoreHistory: r.content.StoreHistory,
		AllowStdin: r.content.AllowStdin, UserExpressions: map[string]string{},
	})
	if err != nil {
		return err
	}
	envelope := *r.request.Envelope
	envelope.Content = content
	g.signer.Sign(&envelope)
	return g.raw.Send(jupyter.Shell, envelope.Frames())
}

// restore repeats the definitions from before GoNB's death.
func (g *gonbProcess) restore(source string) error {
	done := make(chan struct{})
	r := &run{
		k: g.k, gonb: g, restores: true, cell: cell.Parse(source), clock: newStopwatch(), lines: locator{k: g.k},
		reply: make(chan jupyter.ExecuteReply, 1), idle: done,
		out: newOutput(0, os.DevNull, func(string, any) {}),
	}
	r.ctx, r.stop = context.WithCancel(g.k.ctx)
	defer r.stop()
	r.build = &cellBuild{k: g.k, ctx: r.ctx, clock: r.clock}
	m, err := jupyter.NewMessage("execute_request", g.k.session, jupyter.ExecuteRequest{
		Code: strings.Join(append(slices.Clone(g.k.replay), r.cell.Rewrite(nil)), "\n"), UserExpressions: map[string]string{}, Silent: true,
	})
	if err != nil {
		return err
	}
	r.request.Message = m
	g.k.setRestoring(r)
	defer g.k.setRestoring(nil)
	if err := g.sendMessage(jupyter.Shell, m); err != nil {
		return err
	}
	select {
	case reply := <-r.reply:
		if reply.Status != "ok" {
			g.k.log.line("the definitions could not be restored: " + reply.Evalue)
		}
		return nil
	case <-g.proc.Done():
		return fmt.Errorf("kernel: GoNB died while it restored the definitions (%v)", g.proc.Err())
	case <-time.After(startLimit):
		return errors.New("kernel: GoNB does not restore the definitions")
	}
}

func (k *Kernel) setRestoring(r *run) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.restoring = r
}

// restorer returns the run that passes definitions to a new GoNB, or nil.
func (k *Kernel) restorer() *run {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.restoring
}

// gonbFolder returns the folder in which GoNB composes the cells' program; empty if there is none.
func (k *Kernel) gonbFolder() string {
	folders, err := filepath.Glob(k.path("tmp", "gonb_*", "main.go"))
	if err != nil || len(folders) == 0 {
		return ""
	}
	return filepath.Dir(folders[0])
}

// cellFolder returns the working folder of cells: GoNB's, which %cd changes.
func (k *Kernel) cellFolder() string {
	if b := k.gonb.now(); b != nil {
		if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", b.proc.PID())); err == nil {
			return dir
		}
	}
	dir, _ := os.Getwd() // the folder may have been removed
	return dir
}

// folder returns a folder that all kernels of a user share. It is empty if there is none.
func (k *Kernel) folder(find func() (string, error)) string {
	dir, err := find()
	if err != nil {
		k.log.line(err.Error())
		return ""
	}
	return dir
}
