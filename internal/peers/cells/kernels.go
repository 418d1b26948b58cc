package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/setup"
)

// plainFlags are the go command's flags for a cell before there was a supervisor.
const plainFlags = "-buildvcs=false '-ldflags=-s -w -linkmode=internal'"

// startLimit limits the start of a kernel, cellLimit a cell: the first that imports a package compiles it.
const (
	startLimit = time.Minute
	cellLimit  = 5 * time.Minute
)

// setting holds everything that is needed to start the kernels.
type setting struct {
	dir        string // for files of this command
	supervised *jupyter.Spec
	plain      *jupyter.Spec
	traced     *jupyter.Spec // plain, below the tracer
	trace      string        // file for the tracer's output
}

// prepare sets the lecture's kernel up in a folder, with plugin and compiled packages, and builds the tracer.
func prepare(ctx context.Context, dir string) (*setting, error) {
	module, err := setup.ModuleRoot(".")
	if err != nil {
		return nil, err
	}
	opts := setup.Options{Module: module, Out: os.Stderr, Quiet: true, Prefix: dir, Without: []string{"gopls"},
		Plugin: os.Getenv(setup.EnvPlugin)}
	if err := setup.Run(ctx, opts, setup.Steps()); err != nil {
		return nil, err
	}
	s := &setting{dir: dir, trace: filepath.Join(dir, "trace")}
	s.supervised, err = jupyter.ReadSpec(filepath.Join(dir, "share", "jupyter", "kernels", setup.KernelName))
	if err != nil {
		return nil, err
	}
	gonb := filepath.Join(filepath.Dir(s.supervised.Argv[0]), "gonb")
	s.plain = &jupyter.Spec{Name: "gonb", Language: "go", InterruptMode: jupyter.InterruptSignal,
		Argv: []string{gonb, "--kernel", "{connection_file}", "-raw_error=true", "-logtostderr=true", "-go_work=" + module},
		Env:  maps.Clone(s.supervised.Env)}
	s.plain.Env["GOFLAGS"] = plainFlags
	return s, s.prepareTraced(ctx, module)
}

// prepareTraced creates the folder with which the traced kernel's PATH starts.
func (s *setting) prepareTraced(ctx context.Context, module string) error {
	bin := filepath.Join(s.dir, "bin")
	tracer := filepath.Join(bin, "tracer")
	build := exec.CommandContext(ctx, "go", "build", "-o", tracer, "./internal/peers/cells/tracer")
	build.Dir, build.Stderr = module, os.Stderr
	err := build.Run()
	for _, name := range []string{"go", "goimports"} {
		err = errors.Join(err, os.Symlink(tracer, filepath.Join(bin, name)))
	}
	traced := *s.plain
	traced.Env = maps.Clone(s.plain.Env)
	traced.Env["CELLS_TRACE"], traced.Env["CELLS_PATH"] = s.trace, traced.Env["PATH"]
	traced.Env["PATH"] = bin + string(os.PathListSeparator) + traced.Env["PATH"]
	traced.Env["GOFLAGS"] += " -toolexec=" + tracer
	s.traced = &traced
	return err
}

// start starts a kernel in its own folder, with more flags of the go command.
func (s *setting) start(ctx context.Context, spec *jupyter.Spec, goflags string) (*jupyter.Kernel, error) {
	dir, err := os.MkdirTemp(s.dir, "work-")
	if err != nil {
		return nil, err
	}
	own := *spec
	own.Env = maps.Clone(spec.Env)
	own.Env["GOFLAGS"] += " " + goflags
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	return jupyter.Start(ctx, &own, jupyter.Options{Process: jupyter.ProcessOptions{Dir: dir}})
}

// startAll starts the kernels of specs; if one fails, none is left.
func (s *setting) startAll(ctx context.Context, specs []*jupyter.Spec, goflags string) ([]*jupyter.Kernel, error) {
	var all []*jupyter.Kernel
	for _, spec := range specs {
		k, err := s.start(ctx, spec, goflags)
		if err != nil {
			return nil, errors.Join(err, shutdownAll(all))
		}
		all = append(all, k)
	}
	return all, nil
}

// shutdownAll ends kernels, also those of a measurement that was interrupted.
func shutdownAll(all []*jupyter.Kernel) error {
	var errs []error
	for _, k := range all {
		errs = append(errs, k.Shutdown(context.Background()))
	}
	return errors.Join(errs...)
}
