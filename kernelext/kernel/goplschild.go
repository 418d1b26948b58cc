package kernel

import (
	"io"
	"path/filepath"
	"strings"
	"time"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/gopls"
	"deeplearning.example/kernelext/kernel/process"
)

// goplsPause is the time without executions after which gopls is started: the user is probably typing then. A program
// that only runs a notebook needs no gopls, which takes 0.5 s of computing and 140 MB.
const goplsPause = time.Second

// warmGopls starts gopls in the first pause. A request starts it too.
func (k *Kernel) warmGopls() {
	for quiet := time.Now(); time.Since(quiet) < goplsPause; {
		select {
		case <-k.ctx.Done():
			return
		case <-time.After(goplsPause / 10):
		}
		if k.running() != nil {
			quiet = time.Now()
		}
	}
	k.gopls.Warm()
}

// goplsOptions returns options that run gopls below a guard, so that it ends with the kernel.
func (k *Kernel) goplsOptions() gopls.Options {
	return gopls.Options{
		Program: filepath.Join(k.cfg.Bin, "gopls"), Dir: k.path("gopls"), Module: k.cfg.Module,
		Imports: moduleImports(), Env: k.environ(), Start: k.startChild, Log: k.log.line,
	}
}

// moduleImports are the imports of a cell that gopls knows from the start, beside those of the standard library.
func moduleImports() []string {
	var paths []string
	for _, path := range build.CellImports {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
			paths = append(paths, path)
		}
	}
	return paths
}

func (k *Kernel) startChild(argv, env []string, dir string) (
	io.WriteCloser, io.Reader, <-chan struct{}, func(), error,
) {
	stdin, stdout, guarded, err := process.StartChild(process.Config{
		Helper: k.helper, Command: argv, Env: env, Dir: dir, ID: k.id, Stderr: k.log,
	})
	if err != nil {
		return nil, nil, nil, nil, err
	}
	return stdin, stdout, guarded.Done(), func() { guarded.End(0) }, nil
}
