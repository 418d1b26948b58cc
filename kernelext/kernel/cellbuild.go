package kernel

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/internal/agent"
)

// cellBuild builds the program of one cell. GoNB composes its text and calls goimports and go for it; both are the
// helper, which asks the kernel.
type cellBuild struct {
	k     *Kernel
	ctx   context.Context // of the cell
	clock *stopwatch      // of the cell

	mu     sync.Mutex
	mainGo []byte // the text, once GoNB has composed it
	shadow string // the Go installation that GoNB sees, for %wasm
}

// buildOutcome is the end of a build.
type buildOutcome int

const (
	unbuilt  buildOutcome = iota // the reply says why, or sends GoNB to the go command
	faulty                       // the reply's output is the compiler's message about the text
	runnable                     // the program exists, and the launcher is in its place
)

// imports completes the imports of the text.
func (b *cellBuild) imports(request agent.Request) agent.Reply {
	begin := time.Now()
	output, code := b.k.builder.Imports(b.ctx, request.Args[len(request.Args)-1], request.Dir, request.Env)
	b.clock.imports(time.Since(begin))
	return agent.Reply{Code: code, Output: output}
}

// get fetches the packages that the text imports.
func (b *cellBuild) get(request agent.Request) agent.Reply {
	begin := time.Now()
	result := b.k.builder.Get(b.ctx, request.Dir, request.Args[1:], request.Env)
	b.clock.imports(time.Since(begin))
	return agent.Reply{Code: result.Code, Output: result.Output}
}

// program compiles and links the cell, and puts the launcher where GoNB will look for the program.
func (b *cellBuild) program(request agent.Request) (agent.Reply, buildOutcome) {
	args, out := splitOutput(request.Args)
	if out == "" {
		return agent.Reply{Code: agent.DoItYourself}, unbuilt
	}
	job := build.Job{Dir: request.Dir, Args: args, Out: out + ".cell", Env: request.Env}
	wasm := slices.Contains(request.Env, "GOARCH=wasm")
	if wasm {
		job.Out = out
		b.k.noteWasm(filepath.Dir(out))
	}
	result, err := b.compile(job)
	switch {
	case b.ctx.Err() != nil:
		return refused, unbuilt
	case err != nil:
		b.k.log.line(fmt.Sprintf("build: %v", err))
		return agent.Reply{Code: agent.DoItYourself}, unbuilt
	case result.Code != 0:
		return agent.Reply{Code: result.Code, Output: result.Output}, faulty
	case wasm:
		return agent.Reply{}, runnable
	}
	if err := b.placeLauncher(out); err != nil {
		return agent.Reply{Code: 1, Output: err.Error()}, unbuilt
	}
	return agent.Reply{}, runnable
}

// compile builds a job, a second time without the dot imports that are not used.
func (b *cellBuild) compile(job build.Job) (build.Result, error) {
	b.readMain(job.Dir)
	result, err := b.k.builder.Build(b.ctx, job)
	if err == nil && result.Code != 0 && dropDotImports(job.Dir, result.Output) {
		b.readMain(job.Dir)
		result, err = b.k.builder.Build(b.ctx, job)
	}
	b.clock.built(result)
	return result, err
}

// splitOutput removes "-o OUT" from the arguments of a build.
func splitOutput(args []string) (rest []string, out string) {
	at := slices.Index(args, "-o")
	if at < 0 || at+1 >= len(args) {
		return args, ""
	}
	return slices.Delete(slices.Clone(args), at, at+2), args[at+1]
}

// placeLauncher creates a link from out to the helper, which GoNB starts as the cell's program.
func (b *cellBuild) placeLauncher(out string) error {
	if err := os.Remove(out); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.Symlink(b.k.helper, out)
}

// readMain reads the program that GoNB composed. It is needed to report errors, and a new GoNB gets its definitions
// from it.
func (b *cellBuild) readMain(dir string) {
	for _, name := range []string{"main.go", "main_test.go"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			b.mu.Lock()
			b.mainGo = text
			b.mu.Unlock()
			return
		}
	}
}

// source returns the text that GoNB composed, or nil.
func (b *cellBuild) source() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mainGo
}

// goroot returns the Go installation for GoNB, or "": the real one. GoNB asks for it in cells with %wasm only.
func (b *cellBuild) goroot() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shadow
}

func (b *cellBuild) setGoroot(dir string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shadow = dir
}
