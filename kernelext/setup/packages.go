package setup

import (
	"context"
	"os"
	"strings"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/jupyter"
)

// stepPackages compiles the packages that cells import, as the kernel does, and stores what the first cell of each
// kernel needs to know of it. If a package does not compile, the cell that imports it reports that; set-up continues.
func stepPackages(ctx context.Context, in *Installation) error {
	err := in.warm(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		in.say("packages: %s", oneLine(err.Error()))
	default:
		in.present("packages: compiled")
	}
	return nil
}

// warm prepares the package set in the environment of the kernelspec, because it is found only under the same settings
// of Go.
func (in *Installation) warm(ctx context.Context) error {
	spec, err := in.spec(ctx)
	if err != nil {
		return err
	}
	env := spec.Environ(os.Environ())
	goTool, err := jupyter.LookPath("go", env)
	if err != nil {
		return err
	}
	if err := in.makeCache(); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "lecture-setup-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	builder := build.New(build.Options{Go: goTool, Scratch: scratch, Cache: in.Cache, Log: func(line string) {
		in.say("packages: %s", strings.TrimPrefix(line, "build: "))
	}})
	return builder.Warm(ctx, in.Module, build.CellImports, env)
}

// makeCache creates the folders of the package sets and of the programs of cells. Uninstall removes them with their whole
// content.
func (in *Installation) makeCache() error {
	if len(missing(in.Cache)) > 0 {
		in.say("packages: compiling what cells import takes a minute or two the first time")
	}
	if err := in.makeDir(in.Cache); err != nil {
		return err
	}
	if err := in.recordTree(in.Cache); err != nil {
		return err
	}
	return in.ownTree(build.ProgramsVariable, build.UserPrograms)
}
