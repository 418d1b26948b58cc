package kernel

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/internal/agent"
)

// refused is what a program hears that is not to start: its cell has been stopped.
var refused = agent.Reply{Refuse: "the cell was stopped"}

// Handle answers lecture-helper and the cell itself.
func (k *Kernel) Handle(_ context.Context, request agent.Request) (agent.Reply, []*os.File, bool) {
	r := k.restorer() // while a new GoNB gets its definitions, the cell in progress waits
	if r == nil {
		r = k.running()
	}
	if r != nil {
		r.handling.RLock()
		defer r.handling.RUnlock()
	}
	switch request.Op {
	case agent.OpGo:
		return k.handleGo(r, request), nil, true
	case agent.OpGoimports:
		return k.handleImports(r, request), nil, true
	case agent.OpLaunch, agent.OpShell, agent.OpScript:
		reply, files := r.start(request)
		return reply, files, true
	}
	if r != nil {
		r.hear(request)
	}
	return agent.Reply{}, nil, request.Op == agent.OpExit
}

// ours says whether a go command was called by GoNB for a cell, and not by the user.
func (k *Kernel) ours(r *run, request agent.Request) bool {
	return r != nil && strings.HasPrefix(request.Dir, k.path("tmp", "gonb_")) &&
		strings.HasPrefix(filepath.Base(request.Dir), "gonb_") && r.inStage(preparing, compiling)
}

func (r *run) inStage(stages ...stage) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(stages, r.stage)
}

// handleImports completes the imports of what GoNB composed.
func (k *Kernel) handleImports(r *run, request agent.Request) agent.Reply {
	if r == nil || len(request.Args) == 0 {
		return agent.Reply{Code: 2, Output: "goimports: want a file"}
	}
	if r.ctx.Err() != nil {
		return refused
	}
	r.enter(compiling)
	begin := time.Now()
	output, code := k.builder.Imports(r.ctx, request.Args[len(request.Args)-1], request.Dir, request.Env)
	r.addTime(&r.timing.imports, time.Since(begin))
	return agent.Reply{Code: code, Output: output}
}

// handleGo builds a cell.
func (k *Kernel) handleGo(r *run, request agent.Request) agent.Reply {
	if reply, ok := r.answerGoroot(request); ok {
		return reply
	}
	if !k.ours(r, request) {
		return agent.Reply{Code: agent.DoItYourself}
	}
	if r.ctx.Err() != nil {
		return refused
	}
	if request.Args[0] == "get" {
		begin := time.Now()
		result := k.builder.Get(r.ctx, request.Dir, request.Args[1:], request.Env)
		r.addTime(&r.timing.imports, time.Since(begin))
		return agent.Reply{Code: result.Code, Output: result.Output}
	}
	return r.build(request)
}

// build compiles and links the cell, and puts the launcher where GoNB will look for the program.
func (r *run) build(request agent.Request) agent.Reply {
	args, out := splitOutput(request.Args)
	if out == "" {
		return agent.Reply{Code: agent.DoItYourself}
	}
	job := build.Job{Dir: request.Dir, Args: args, Out: out + ".cell", Env: request.Env}
	wasm := slices.Contains(request.Env, "GOARCH=wasm")
	if wasm {
		job.Out = out
		r.k.noteWasm(filepath.Dir(out))
	}
	r.readMain(request.Dir)
	result, err := r.k.builder.Build(r.ctx, job)
	if err == nil && result.Code != 0 && r.dropDotImports(request.Dir, result.Output) {
		result, err = r.k.builder.Build(r.ctx, job)
	}
	r.built(result)
	switch {
	case r.ctx.Err() != nil:
		return refused
	case err != nil:
		r.k.log.line(fmt.Sprintf("build: %v", err))
		return agent.Reply{Code: agent.DoItYourself}
	case result.Code != 0:
		r.fail(r.compileFailure(result.Output))
		return agent.Reply{Code: result.Code, Output: result.Output}
	}
	if !wasm {
		if err := r.placeLauncher(out); err != nil {
			return agent.Reply{Code: 1, Output: err.Error()}
		}
	}
	r.remember()
	r.enter(starting)
	return agent.Reply{}
}

// splitOutput takes "-o OUT" out of the arguments of a build.
func splitOutput(args []string) (rest []string, out string) {
	at := slices.Index(args, "-o")
	if at < 0 || at+1 >= len(args) {
		return args, ""
	}
	return slices.Delete(slices.Clone(args), at, at+2), args[at+1]
}

func (r *run) placeLauncher(out string) error {
	if err := os.Remove(out); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.Symlink(r.k.helper, out)
}

// readMain keeps the program that GoNB composed: errors are told by it, and a new GoNB gets its definitions from it.
func (r *run) readMain(dir string) {
	for _, name := range []string{"main.go", "main_test.go"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			r.mu.Lock()
			r.mainGo = text
			r.mu.Unlock()
			return
		}
	}
}

// built notes the times of a build.
func (r *run) built(result build.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timing.load += result.Load
	r.timing.compile += result.Compile
	r.timing.link += result.Link
	r.timing.cached = result.Cached
	r.timing.launched = time.Now()
}

// remember keeps what a cell that compiled has defined.
func (r *run) remember() {
	if r.restores {
		return
	}
	r.mu.Lock()
	r.remembered = true
	mainGo := r.mainGo
	r.mu.Unlock()
	k := r.k
	k.mu.Lock()
	k.defs.Add(r.count, r.content.Code, mainGo)
	k.mu.Unlock()
	k.gopls.SetDefinitions(mainGo)
}

// start lets a program of the cell begin, with pipes of ours in place of GoNB's.
func (r *run) start(request agent.Request) (agent.Reply, []*os.File) {
	if r == nil || r.ctx.Err() != nil || r.failure() != nil {
		return refused, nil
	}
	stdout, stderr, err := r.out.attach()
	if err != nil {
		r.fail(failure{Ename: nameKernel, Evalue: fmt.Sprintf("no pipes for the cell: %v", err)})
		return refused, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stage = computing
	if request.Op != agent.OpLaunch {
		r.stage = shell
		r.shells++
	}
	r.timing.begin(time.Now())
	if request.Op == agent.OpLaunch {
		r.program = request.PID
		r.delayFarewell(request.PID)
	}
	reply := agent.Reply{Env: r.environ(), FileSize: r.limits.File}
	reply.NoInput = !r.content.AllowStdin && request.Op != agent.OpScript // a script reads its own text
	return reply, []*os.File{stdout, stderr}
}

// environ is what a program of the cell sees besides GoNB's environment.
func (r *run) environ() []string {
	env := append(r.k.settings.environ(), "LECTURE_KERNEL_PIPES=1")
	if !r.content.AllowStdin {
		env = append(env, "LECTURE_KERNEL_STDIN=0")
	}
	if r.limits.Memory > 0 {
		env = append(env, "LECTURE_MEMORY_LIMIT="+strconv.FormatInt(r.limits.Memory, 10))
	}
	return env
}

// hear takes what a cell or a helper tells.
func (r *run) hear(request agent.Request) {
	switch request.Op {
	case agent.OpExit:
		r.enter(preparing)
		if request.Code != 0 {
			r.fail(r.shellFailure(request))
		}
		return
	case agent.OpTiming:
		d := time.Duration(request.Seconds * float64(time.Second))
		switch request.Name {
		case "xla compile":
			r.addTime(&r.timing.xla, d)
		case "start":
			r.initialised(request.PID)
		case "plugin load":
			r.addTime(&r.timing.plugin, d)
		}
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progressed = time.Now()
	switch request.Op {
	case agent.OpProgress:
		r.trained.name, r.trained.step, r.trained.steps = request.Name, request.Step, request.Steps
	case agent.OpSaved:
		r.trained.savedName, r.trained.saved = request.Name, request.Step
		if request.Steps > 0 {
			r.trained.steps = request.Steps
		}
	}
}

// initialised notes that the program's packages are. A child of the program may tell the same of itself.
func (r *run) initialised(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timing.main.IsZero() && pid == r.program {
		r.timing.main = time.Now()
	}
}

func (r *run) addTime(to *time.Duration, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*to += d
}
