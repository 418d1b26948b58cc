package kernel

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"deeplearning.example/kernelext/cell"
	"deeplearning.example/kernelext/jupyter"
)

// stage is what a cell does now.
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
	// restores tells that this is no cell: it gives a new GoNB the definitions of the one that died.
	restores bool

	// ctx ends when the cell is to stop: nothing of it is started any more, and builds end.
	ctx  context.Context
	stop context.CancelFunc

	reply    chan jupyter.ExecuteReply // GoNB's answer
	idle     chan struct{}             // closed when GoNB has said that it is idle
	idleOnce sync.Once

	handling   sync.RWMutex // held for reading by requests of helpers and the cell
	signalling sync.Mutex   // held while processes of the cell are signalled, so that none of the next cell is

	mu         sync.Mutex
	gonb       *gonbProcess // that has the cell
	before     map[int]bool // processes that earlier cells have left below it
	stage      stage
	verdict    *failure // why the supervisor ended the cell, or found that it failed
	interrupts int
	interrupt  time.Time // of the first
	progressed time.Time // last sign of progress from a training
	trained    trained
	program    int // process id of the cell's program
	input      input
	remembered bool // the cell has compiled, and its definitions are kept
	shells     int  // shell lines and scripts that have begun
	done       bool
}

// trained is what a training cell told last.
type trained struct {
	name        string
	step, steps int64
	saved       int64 // step that the store holds; -1: none
	savedName   string
}

// execute runs one cell from its busy to its idle. If it fails, what was queued behind it is aborted, as the request
// wants it. That is settled before the reply is sent: what a front end sends afterwards is no part of it.
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
	k.reply(in, "execute_reply", answer)
	k.publishStatus(in.Message, "idle")
	k.abort(aborted)
}

// stragglers is how long the cells that are sent together with one that fails at once may take to arrive.
const stragglers = 50 * time.Millisecond

// takeAborted takes what is queued behind a cell that has failed.
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
	r.out.private = k.path("tmp")
	k.runs++
	k.current = r
	return r, true
}

// publishOutput publishes what the cell prints.
func (r *run) publishOutput(msgType string, content any) {
	r.k.publish(r.request.Message, msgType, content)
}

// decodeExecute fills in what the protocol says of fields that are missing.
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

// perform runs the cell and gives GoNB's answer, or why the cell failed.
func (r *run) perform() (jupyter.ExecuteReply, *failure) {
	code, failed := r.prepare()
	if failed != nil {
		return jupyter.ExecuteReply{}, failed
	}
	if strings.TrimSpace(code) == "" {
		return r.ok(), nil // all of it was for the supervisor
	}
	reply, failed := r.attempt(code)
	if failed != nil && r.notBegun() {
		r.k.log.line("GoNB died before the cell had begun, which is tried again")
		reply, failed = r.attempt(code)
	}
	return reply, failed
}

// notBegun says that GoNB has died before anything of the cell was run, by no fault of whoever might have stopped it.
func (r *run) notBegun() bool {
	b := r.gonbNow()
	if b == nil || !b.dead() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.clock.begun() && r.verdict == nil && r.ctx.Err() == nil
}

// attempt hands the cell to GoNB.
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

// idleWait is how long GoNB's idle may come after its reply.
const idleWait = 5 * time.Second

// finish publishes what is left of the cell's output and lets nothing more start. What a stopped cell leaves in the
// background, where a shell makes it ignore interrupts, ends with it.
func (r *run) finish() {
	if r.ctx.Err() != nil {
		r.signal(syscall.SIGKILL)
	}
	r.stop()
	r.noteEnd()
	r.out.finish()
}

// noteEnd waits for helpers, for what still writes the program would spoil the next cell's.
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

// endRun makes r the last cell. The one before gives back its file.
func (k *Kernel) endRun(r *run) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last != nil {
		k.last.out.spool.discard()
	}
	k.current, k.last = nil, r
}

// failed publishes the one error message of a failed cell and makes its reply.
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

// fail notes why the cell fails; the first reason counts.
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

// hand gives the cell to a GoNB, below which processes of earlier cells may still run.
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

// enter notes what the cell does now.
func (r *run) enter(s stage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stage = s
}
