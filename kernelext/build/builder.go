package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options holds the places of a Builder's tools and folders.
type Options struct {
	Go        string       // the real go command, absolute
	Goimports string       // the real goimports, absolute; empty: the first on the PATH of each call, see lookPath
	Scratch   string       // private folder for programs and temporary files, best on the file system of Job.Out
	Cache     string       // folder of prepared package sets, shared by all kernels of a user; empty: Scratch
	Programs  string       // folder of linked programs, shared by all kernels of a user; empty, or not usable: Scratch
	Log       func(string) // receives the reason why a cell was left to the go command; nil for none
}

// Job is one call of the go command by GoNB.
type Job struct {
	Dir  string   // GoNB's temporary module, absolute
	Args []string // after "go", without -o and its value: "build" or "test" with their flags
	Out  string   // the program to write, absolute
	Env  []string // whole environment of the call, NAME=value
}

// Result is the result of a call.
type Result struct {
	Code                int           // exit code, as the go command's
	Output              string        // what the go command would print, with its paths
	Load, Compile, Link time.Duration // parts of the time; if the go command did the work, all of it is in Load
	Fast                bool          // the tools were called directly, or not at all
	Cached              bool          // the program of an equal earlier cell was used
}

// Builder builds cells. Its methods may be called from several goroutines.
type Builder struct {
	opts     Options
	programs *programs
	names    programNames // the same for all cells; a test has others
	std      *standard

	mu    sync.Mutex
	sites map[string]*site // by key, see settings
}

// New returns a Builder and creates its folders. Without them the go command does all the work, and nothing is stored.
func New(o Options) *Builder {
	if o.Cache == "" {
		o.Cache = filepath.Join(o.Scratch, "sets")
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if err := os.MkdirAll(o.Cache, 0o700); err != nil {
		o.Log("build: " + err.Error())
	}
	return &Builder{opts: o, programs: o.openPrograms(), names: programNames{CellFolder, cellModule}, std: &standard{}, sites: map[string]*site{}}
}

// openPrograms opens the folder of linked programs. If the shared one cannot be used, the programs of this kernel are stored in
// its private folder.
func (o Options) openPrograms() *programs {
	if o.Programs != "" {
		shared, err := openPrograms(o.Programs, keptForAll)
		if err == nil {
			return shared
		}
		o.Log(err.Error())
	}
	own, err := openPrograms(filepath.Join(o.Scratch, "programs"), keptForKernel)
	if err != nil {
		o.Log(err.Error())
	}
	return own
}

// Build builds j.Out. If the program does not compile, the result has a Code and an Output, and the error is nil. An
// error is one of ctx, which kills the running tool with all its children, or of starting the go command; Out does not
// exist then.
func (b *Builder) Build(ctx context.Context, j Job) (Result, error) {
	if len(j.Args) == 0 || !filepath.IsAbs(j.Out) || !filepath.IsAbs(j.Dir) || !filepath.IsAbs(b.opts.Go) {
		return Result{}, fmt.Errorf("build: go = %q, job = %q in %q to %q, want arguments and absolute paths",
			b.opts.Go, j.Args, j.Dir, j.Out)
	}
	if err := os.Remove(j.Out); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Result{}, fmt.Errorf("build: %w", err)
	}
	result, err := b.buildFast(ctx, j)
	if err != nil && ctx.Err() == nil {
		b.opts.Log("build: with the go command: " + err.Error())
		result, err = b.buildSlow(ctx, j, result.Load)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		os.Remove(j.Out)
		return Result{}, err
	}
	return result, nil
}

// buildSlow lets the go command build. lost is the time already spent on trying otherwise.
func (b *Builder) buildSlow(ctx context.Context, j Job, lost time.Duration) (Result, error) {
	start := time.Now()
	args := append([]string{j.Args[0], "-o", j.Out}, j.Args[1:]...)
	code, output, err := run(ctx, command{Path: b.opts.Go, Args: args, Dir: j.Dir, Env: j.Env})
	if err != nil {
		return Result{}, err
	}
	return Result{Code: code, Output: output, Load: lost + time.Since(start)}, nil
}
