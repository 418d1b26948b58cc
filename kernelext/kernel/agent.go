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

	"deeplearning.example/kernelext/internal/agent"
)

// refused is the answer to a program that must not start, because its cell has been stopped.
var refused = agent.Reply{Refuse: "the cell was stopped"}

// Handle answers lecture-helper and the cell itself.
func (k *Kernel) Handle(_ context.Context, request agent.Request) (agent.Reply, []*os.File, bool) {
	r := k.restorer() // while a new GoNB receives its definitions, the cell in progress waits
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

// ours reports whether GoNB called a go command for a cell, rather than the user.
func (k *Kernel) ours(r *run, request agent.Request) bool {
	return r != nil && strings.HasPrefix(request.Dir, k.path("tmp", "gonb_")) &&
		strings.HasPrefix(filepath.Base(request.Dir), "gonb_") && r.inStage(preparing, compiling)
}

func (r *run) inStage(stages ...stage) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(stages, r.stage)
}

// handleImports completes the imports of the program that GoNB composed.
func (k *Kernel) handleImports(r *run, request agent.Request) agent.Reply {
	if r == nil || len(request.Args) == 0 {
		return agent.Reply{Code: 2, Output: "goimports: want a file"}
	}
	if r.ctx.Err() != nil {
		return refused
	}
	r.enter(compiling)
	return r.build.imports(request)
}

// handleGo builds a cell.
func (k *Kernel) handleGo(r *run, request agent.Request) agent.Reply {
	if r != nil && slices.Equal(request.Args, agent.AskGoroot) && r.inStage(preparing) {
		if goroot := r.build.goroot(); goroot != "" {
			return agent.Reply{Output: goroot + "\n"}
		}
	}
	if !k.ours(r, request) {
		return agent.Reply{Code: agent.DoItYourself}
	}
	if r.ctx.Err() != nil {
		return refused
	}
	if request.Args[0] == "get" {
		return r.build.get(request)
	}
	reply, outcome := r.build.program(request)
	switch outcome {
	case faulty:
		r.fail(r.compileFailure(reply.Output))
	case runnable:
		r.remember()
		r.enter(starting)
	}
	return reply
}

// remember stores the definitions of a cell that compiled.
func (r *run) remember() {
	if r.restores {
		return
	}
	r.mu.Lock()
	r.remembered = true
	r.mu.Unlock()
	k, mainGo := r.k, r.build.source()
	k.mu.Lock()
	k.defs.Add(r.count, r.content.Code, mainGo)
	k.mu.Unlock()
	k.gopls.SetDefinitions(mainGo)
}

// start lets a program of the cell start, with the kernel's pipes in place of GoNB's.
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
	r.clock.begin()
	if request.Op == agent.OpLaunch {
		r.program = request.PID
		r.delayFarewell(request.PID)
	}
	reply := agent.Reply{Env: r.environ(), FileSize: r.limits.File}
	reply.NoInput = !r.content.AllowStdin && request.Op != agent.OpScript // a script reads its own text
	return reply, []*os.File{stdout, stderr}
}

// environ returns the environment of a program of the cell, in addition to GoNB's.
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

// hear handles a report of a cell or a helper.
func (r *run) hear(request agent.Request) {
	switch request.Op {
	case agent.OpExit:
		r.enter(preparing)
		if request.Code != 0 {
			r.fail(r.shellFailure(request))
		}
		return
	case agent.OpTiming:
		switch {
		case request.Name != "start":
			r.clock.phase(request.Name, time.Duration(request.Seconds*float64(time.Second)))
		case request.PID == r.programNow():
			r.clock.initialised()
		}
		return
	case agent.OpNote:
		if r.k.firstNote(request.Name) {
			r.out.note("stderr", request.Name+"\n")
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

// firstNote reports whether no cell has reported this line before.
func (k *Kernel) firstNote(line string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	first := !k.noted[line]
	if k.noted == nil {
		k.noted = map[string]bool{}
	}
	k.noted[line] = true
	return first
}

// programNow returns the process id of the cell's program, or 0.
func (r *run) programNow() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.program
}
