package setup

import (
	"context"
	"os"
	"strings"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/jupyter"
)

// stepPackages compiles what cells import, as the kernel does, and leaves what the first cell of each kernel needs to
// know of it. A package that does not compile is told by the cell that imports it; set-up goes on.
func stepPackages(ctx context.Context, s *Session) error {
	err := s.warm(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		s.say("packages: %s", oneLine(err.Error()))
	default:
		s.present("packages: compiled")
	}
	return nil
}

// warm prepares the package set in the environment of the kernelspec: it is found only under the same settings of Go.
func (s *Session) warm(ctx context.Context) error {
	spec, err := s.spec(ctx)
	if err != nil {
		return err
	}
	env := spec.Environ(os.Environ())
	goTool, err := jupyter.LookPath("go", env)
	if err != nil {
		return err
	}
	if err := s.makeCache(); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "lecture-setup-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	builder := build.New(build.Options{Go: goTool, Scratch: scratch, Cache: s.Cache, Log: func(line string) {
		s.say("packages: %s", strings.TrimPrefix(line, "build: "))
	}})
	return builder.Warm(ctx, s.Module, build.CellImports, env)
}

// makeCache makes the folder of the package sets, which is ours with all in it.
func (s *Session) makeCache() error {
	if len(missing(s.Cache)) > 0 {
		s.say("packages: compiling what cells import takes a minute or two the first time")
	}
	if err := s.makeDir(s.Cache); err != nil {
		return err
	}
	return s.recordTree(s.Cache)
}
