package testx

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/setup"
)

// kernelLimit limits the wait for the kernel's programs. On a new machine they are built, by one of the test processes.
const kernelLimit = 9 * time.Minute

// Kernel returns the kernelspec of the lecture's kernel as set-up writes it, with the programs built from the working
// tree. Programs of cells are not kept from one kernel to another. without names tools that the test does not need. The kernelspec itself is not installed.
func Kernel(t testing.TB, without ...string) *jupyter.Spec {
	t.Helper()
	dir := t.TempDir()
	if err := setUpKernel(dir, without); err != nil {
		t.Fatal(err)
	}
	spec, err := jupyter.ReadSpec(filepath.Join(dir, "share", "jupyter", "kernels", setup.KernelName))
	if err != nil {
		t.Fatal(err)
	}
	spec.Env[build.ProgramsVariable] = "off" // a test that has run before must build its cells again
	return spec
}

var settingUp sync.Mutex

func setUpKernel(prefix string, without []string) error {
	settingUp.Lock()
	defer settingUp.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), kernelLimit)
	defer cancel()
	module, err := setup.ModuleRoot(".")
	if err != nil {
		return err
	}
	return setup.Run(ctx, setup.Options{
		Module: module, Out: os.Stderr, Quiet: true, Prefix: prefix, Without: without,
		Only: []string{"tools", "kernelspec"},
	}, setup.Steps())
}
