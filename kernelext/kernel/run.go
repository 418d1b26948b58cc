package kernel

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/cell"
	"deeplearning.example/kernelext/jupyter"
)

// stage is the present stage of a cell.
type stage int

const (
	preparing stage = iota
	compiling
	starting
	computing
	shell
)

func (s stage) String() string {
	return [...]string{"being prepared", "compiling", "starting", "running", "running a shell line"}[s]
}

// run is one execution of a cell.
type run struct {
	k       *Kernel
	request jupyter.Incoming
	content jupyter.ExecuteRequest
	cell    *cell.Cell
	count   int // In[count]
	out     *output
	limits  limits
	build   *cellBuild
	clock   *stopwatch
	lines   locator
	// restores marks a run that is not a cell: it passes the definitions of the GoNB that died to a new one.
	restores bool

	// ctx ends when the cell is to stop: no further process of it is started, and builds end.
	ctx  context.Context
	stop context.CancelFunc

	reply    chan jupyter.ExecuteReply // GoNB's answer
	idle     chan struct{}             // closed when GoNB has sent its idle state
	idleOnce sync.Once

	handling   sync.RWMutex // held for reading by requests of helpers and the cell
	signalling sync.Mutex   // held while processes of the cell are signalled, so that no process of the next cell is

	mu         sync.Mutex
	gonb       *gonbProcess // the GoNB that runs the cell
	before     map[int]bool // processes that earlier cells have left below it
	stage      stage
	verdict    *failure // why the supervisor ended the cell, or found that it failed
	interrupts int
	interrupt  time.Time // time of the first interrupt
	progressed time.Time // last sign of progress from a training
	trained    trained
	program    int // process id of the cell's program
	input      input
	remembered bool // the cell has compiled, and its definitions are kept
	shells     int  // shell lines and scripts that have started
	done       bool
}

// trained is the last report of a training cell.
type trained struct {
	name        string
	step, steps int64
	saved       int64 // step that the store holds; -1: none
	savedName   string
}

// execute runs one cell from its busy to its idle state. If it fails, the cells queued after it are aborted, if the
// request says so. That is decided before the reply is sent, so cells that a front end sends afterwards are not
// affected.
func (k *Kernel) execute(in jupyter.Incoming) {
	r, ok := k.newRun(in)
	if !ok {
		return
	}
	k.publishStatus(in.Message, "busy")
	if !r.content.Silent {
		k.publish(in.Message, "execute_input", map[string]any{"code": r.content.Code, "execution_count": r.count})
	}
	if k.queue.wasInterrupted() {
		k.interrupt()
	}
	answer, failed := r.perform()
	r.finish()
	if r.cell.Timed {
		t := r.clock.timing()
		r.out.note("stdout", t.line())
	}
	var aborted []jupyter.Incoming
	if failed != nil {
		answer = r.failed(*failed)
		aborted = r.takeAborted()
	} else {
		k.keepMagics(r)
	}
	k.endRun(r)
	k.replyTo(in, "execute_reply", answer, func(m *jupyter.Message) error { return m.SetCellTimes(r.clock.cellTimes()) })
	k.publishStatus(in.Message, "idle")
	k.abort(aborted)
}

// stragglers is the time in which cells that were sent together with a failing one may still arrive.
const stragglers = 50 * time.Millisecond

// takeAborted removes the cells queued after a failed one.
func (r *run) takeAborted() []jupyter.Incoming {
	if !r.content.StopOnError || r.content.Silent {
		return nil
	}
	time.Sleep(stragglers - r.clock.age())
	return r.k.queue.takeAll()
}

// newRun reads the request and makes the cell the current one.
func (k *Kernel) newRun(in jupyter.Incoming) (*run, bool) {
	content, ok := k.decodeExecute(in)
	if !ok {
		return nil, false
	}
	r := &run{
		k: k, request: in, content: content, cell: cell.Parse(content.Code), limits: k.settings.limitsNow(),
		reply: make(chan jupyter.ExecuteReply, 1), idle: make(chan struct{}),
		clock:   newStopwatch(),
		trained: trained{saved: -1},
	}
	r.ctx, r.stop = context.WithCancel(k.ctx)
	r.build = &cellBuild{k: k, ctx: r.ctx, clock: r.clock}
	k.mu.Lock()
	defer k.mu.Unlock()
	if content.StoreHistory {
		k.count++
		k.history.add(k.count, content.Code)
	}
	r.count = k.count
	r.lines = locator{k, r.count, content.Code}
	r.out = newOutput(r.limits.Output, k.path(fmt.Sprintf("output-%d", k.runs)), r.publishOutput)
	r.out.annotate = func(text []byte) []byte { return r.lines.annotate(r.build.source(), text) }
	r.out.folders = []string{build.CellFolder, k.path("tmp")} // the go command uses the second one
	k.runs++
	k.current = r
	return r, true
}

// publishOutput publishes the text of the cell.
func (r *run) publishOutput(msgType string, content any) {
	r.k.publish(r.request.Message, msgType, content)
}

// decodeExecute sets the protocol's defaults for missing fields.
func (k *Kernel) decodeExecute(in jupyter.Incoming) (jupyter.ExecuteRequest, bool) {
	var content struct {
		Code         string `json:"code"`
		Silent       bool   `json:"silent"`
		StoreHistory *bool  `json:"store_history"`
		AllowStdin   *bool  `json:"allow_stdin"`
		StopOnError  *bool  `json:"stop_on_error"`
	}
	if !k.decodeRequest(in, "execute_reply", &content) {
		return jupyter.ExecuteRequest{}, false
	}
	or := func(value *bool, missing bool) bool {
		if value == nil {
			return missing
		}
		return *value
	}
	return jupyter.ExecuteRequest{
		Code: content.Code, Silent: content.Silent,
		StoreHistory: or(content.StoreHistory, !content.Silent) && !content.Silent,
		AllowStdin:   or(content.AllowStdin, true), StopOnError: or(content.StopOnError, true),
		UserExpressions: map[string]string{},
	}, true
}

// perform runs the cell and returns GoNB's answer, or the reason why the cell failed.
func (r *run) perform() (jupyter.ExecuteReply, *failure) {
	code, failed := r.prepare()
	if failed != nil {
		return jupyter.ExecuteReply{}, failed
	}
	if strings.TrimSpace(code) == "" {
		return r.ok(), nil // the whole cell was for the supervisor
	}
	reply, failed := r.attempt(code)
	if failed != nil && r.notBegun() {
		r.k.log.line("GoNB died before the cell had started; the cell is tried again")
		reply, failed = r.attempt(code)
	}
	return reply, failed
}

// notBegun reports whether GoNB has died before any part of the cell was run, and not because the cell was stopped.
func (r *run) notBegun() bool {
	b := r.gonbNow()
	if b == nil || !b.dead() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.clock.begun() && r.verdict == nil && r.ctx.Err() == nil
}

// attempt passes the cell to GoNB.
func (r *run) attempt(code string) (jupyter.ExecuteReply, *failure) {
	gonb, err := r.k.awaitGoNB(r.ctx)
	if err != nil {
		if failed := r.failure(); failed != nil {
			return jupyter.ExecuteReply{}, failed
		}
		return jupyter.ExecuteReply{}, &failure{Ename: nameKernel, Evalue: err.Error()}
	}
	r.hand(gonb)
	watched := make(chan struct{})
	go r.watch(watched)
	defer close(watched)
	if err := gonb.execute(r, code); err != nil {
		return jupyter.ExecuteReply{}, &failure{Ename: nameKernel, Evalue: err.Error()}
	}
	return r.await()
}

// await waits for the two halves of GoNB's answer, or for its death.
func (r *run) await() (jupyter.ExecuteReply, *failure) {
	var reply jupyter.ExecuteReply
	select {
	case reply = <-r.reply:
	case <-r.gonb.done():
		return reply, r.gonbDied()
	}
	select {
	case <-r.idle:
	case <-r.gonb.done():
		return reply, r.gonbDied()
	case <-time.After(idleWait):
		r.k.log.line("GoNB replied and did not say that it is idle")
	}
	if failed := r.failure(); failed != nil {
		return reply, failed
	}
	if reply.Status == "error" {
		return reply, r.explain(reply)
	}
	if r.stageNow() == shell {
		return reply, &failure{Ename: nameShell, Evalue: "a shell line was killed"}
	}
	return r.ok(), nil
}

func (r *run) ok() jupyter.ExecuteReply {
	return jupyter.ExecuteReply{Status: "ok", ExecutionCount: r.count, UserExpressions: map[string]any{}}
}

// idleWait limits the time from GoNB's reply to its idle state.
const idleWait = 5 * time.Second

// finish publishes the rest of the cell's output and lets no further process start. Background processes of a stopped
// cell, which ignore interrupts because a shell started them, are ended too.
func (r *run) finish() {
	if r.ctx.Err() != nil {
		r.signal(syscall.SIGKILL)
	}
	r.stop()
	r.noteEnd()
	r.out.finish()
}

// noteEnd waits for helpers: a helper that still writes the program would damage the next cell's.
func (r *run) noteEnd() {
	r.handling.Lock()
	defer r.handling.Unlock()
	r.signalling.Lock()
	defer r.signalling.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = true
	r.clock.end()
}

// endRun makes r the last cell. The previous one removes its file.
func (k *Kernel) endRun(r *run) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last != nil {
		k.last.out.spool.discard()
	}
	k.current, k.last = nil, r
}

// failed publishes the one error message of a failed cell and returns its reply.
func (r *run) failed(f failure) jupyter.ExecuteReply {
	if f.Ename == nameInterrupt {
		f = r.interrupted(f)
	}
	content := f.content()
	if !r.content.Silent {
		r.k.publish(r.request.Message, "error", jupyter.ErrorOutput{
			Ename: content.Ename, Evalue: content.Evalue, Traceback: content.Traceback,
		})
	}
	content.ExecutionCount = r.count
	return content
}

// fail records why the cell fails; the first reason counts.
func (r *run) fail(f failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.verdict == nil {
		r.verdict = &f
	}
}

func (r *run) failure() *failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.verdict
}

// hand assigns the cell to a GoNB and records processes left by earlier cells.
func (r *run) hand(b *gonbProcess) {
	before := map[int]bool{}
	for _, pid := range b.proc.Cell() {
		before[pid] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gonb, r.before = b, before
}

func (r *run) gonbNow() *gonbProcess {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gonb
}

// enter records the present stage of the cell.
func (r *run) enter(s stage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stage = s
}
